// The text of an agent or a team, with what the checker says at its line and path, beside what it means. Kept in this browser until saved.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type Kind, placeOf } from "../../api/agent_queries";
import { invoke } from "../../api/invoke";
import { useChanges } from "../../api/kept";
import { queryClient } from "../../api/queries";
import type { AgentChecked, TeamChecked } from "../../api/types";
import { CodeEditor } from "../../kit/code_editor";
import { Badge, Button, ErrorBox } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { navigate } from "../../router";
import { t } from "../../text/en";
import { marksOf } from "../flows/flow_problem";
import { AgentFacts } from "./agent_facts";
import { Roster } from "./roster";

const pauseMs = 400;
export const typedKey = (kind: Kind, name: string) => `${kind}.${name || "new"}`;

const check = (kind: Kind, text: string): Promise<AgentChecked | TeamChecked> => (kind === "agent" ? invoke("POST /strata/v1/agents/check", {}, { text }) : invoke("POST /strata/v1/teams/check", {}, { text }));
const put = (kind: Kind, name: string, body: { text: string; base_version: number; why: string }) => (kind === "agent" ? invoke("PUT /strata/v1/agents/{agent}", { agent: name }, body) : invoke("PUT /strata/v1/teams/{team}", { team: name }, body));

function useChecked(kind: Kind, text: string) {
  const [asked, setAsked] = useState(text);
  useEffect(() => { const timer = setTimeout(() => setAsked(text), pauseMs); return () => clearTimeout(timer); }, [text]);
  const query = useQuery({ queryKey: [`${kind}-check`, asked], queryFn: () => check(kind, asked), enabled: asked.trim() !== "", staleTime: Infinity, retry: false });
  return { query, current: asked === text };
}

interface Props { kind: Kind; name: string; text: string; version: number; drop?: () => void }
export function KeptEditor({ kind, name, text: saved, version, drop }: Props) {
  // What was typed was typed on this version: another that came since is not overwritten unseen.
  const form = useChanges(typedKey(kind, name));
  const text = form.changes["text"] ?? saved, base = Number(form.changes["base"] ?? version);
  const [why, setWhy] = useState("");
  const { query, current } = useChecked(kind, text);
  // The meaning of the last text that was right stays while the next is typed.
  const [meant, setMeant] = useState<AgentChecked | TeamChecked | null>(null);
  useEffect(() => { if (query.data) setMeant(query.data); }, [query.data]);
  const right = current && query.data !== undefined && !query.error, stale = base < version, changed = text !== saved || version === 0;
  const save = useMutation({
    mutationFn: async () => {
      const checked = await check(kind, text);
      return put(kind, checked.name, { text, base_version: checked.name === name ? base : 0, why });
    },
    onSuccess: (kept) => {
      form.clear();
      toast(t.kept.saved(kept.name, kept.version));
      for (const key of [`${kind}s`, kind]) void queryClient.invalidateQueries({ queryKey: [key] });
      navigate(placeOf(kind, kept.name));
    },
    onError: () => void queryClient.invalidateQueries({ queryKey: [kind, name] }),
  });
  const type = (next: string) => { if (next === saved) form.clear(); else form.set({ text: next, base: String(base) }); };
  return (
    <div className="flow-sides">
      <div>
        <CodeEditor label={t.kept[kind].text} value={text} marks={current ? marksOf(query.error) : []} onChange={type} onSubmit={() => { if (right && changed && !stale) save.mutate(); }} />
        {stale && <p className="banner note" role="alert"><span>{t.kept.stale(version)}</span><Button onClick={() => form.type("base", String(version))}>{t.kept.keepMine}</Button><Button onClick={form.clear}>{t.kept.takeTheirs}</Button></p>}
        <div className="button-row">
          <span role="status"><Badge tone={!current || query.isFetching ? "busy" : right ? "good" : "bad"}>{!current || query.isFetching ? t.kept.checking : right ? t.kept.right : t.kept.wrong}</Badge></span>
          <input aria-label={t.kept.why} placeholder={t.kept.why} value={why} maxLength={2000} onChange={(event) => setWhy(event.target.value)} />
          <Button look="primary" disabled={!right || !changed || stale || save.isPending} onClick={() => save.mutate()}>{version === 0 ? t.kept.save : t.kept.saveVersion(version + 1)}</Button>
          {text !== saved && version > 0 && <Button onClick={form.clear}>{t.kept.back(version)}</Button>}
          {drop && <Button onClick={() => { form.clear(); drop(); }}>{t.common.cancel}</Button>}
        </div>
        {save.error && <ErrorBox error={save.error} />}
        {query.error && marksOf(query.error).length === 0 && <ErrorBox error={query.error} retry={() => void query.refetch()} />}
      </div>
      <section aria-label={t.kept[kind].picture} className={right ? "" : "stale"}>{meant && ("roster" in meant ? <Roster team={meant} /> : <AgentFacts agent={meant} />)}</section>
    </div>
  );
}
