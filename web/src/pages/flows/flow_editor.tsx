// A flow's text with what the checker says at its line, beside the picture of what it means. Kept in this browser until it is saved.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useChanges } from "../../api/kept";
import { invoke } from "../../api/invoke";
import { queryClient } from "../../api/queries";
import type { FlowGraph } from "../../api/types";
import { CodeEditor } from "../../kit/code_editor";
import { Badge, Button, ErrorBox } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { navigate } from "../../router";
import { t } from "../../text/en";
import { marksOf } from "./flow_problem";
import { GraphView } from "./graph_view";

const pauseMs = 400;

function useChecked(text: string) {
  const [asked, setAsked] = useState(text);
  useEffect(() => { const timer = setTimeout(() => setAsked(text), pauseMs); return () => clearTimeout(timer); }, [text]);
  const query = useQuery({ queryKey: ["flow-check", asked], queryFn: () => invoke("POST /strata/v1/flows/check", {}, { text: asked }), enabled: asked.trim() !== "", staleTime: Infinity, retry: false });
  return { query, current: asked === text };
}

interface Props { name: string; text: string; version: number; drop?: () => void }
export function FlowEditor({ name, text: saved, version, drop }: Props) {
  // What was typed was typed on this version: another that came since is not overwritten unseen.
  const form = useChanges(`flow.${name || "new"}`);
  const text = form.changes["text"] ?? saved, base = Number(form.changes["base"] ?? version);
  const [why, setWhy] = useState("");
  const { query, current } = useChecked(text);
  // The picture of the last text that was right stays while the next is typed.
  const [graph, setGraph] = useState<FlowGraph | null>(null);
  useEffect(() => { if (query.data) setGraph(query.data.graph); }, [query.data]);
  const right = current && query.data !== undefined && !query.error;
  const save = useMutation({
    mutationFn: async () => {
      const checked = await invoke("POST /strata/v1/flows/check", {}, { text });
      return invoke("PUT /strata/v1/flows/{flow}", { flow: checked.name }, { text, base_version: checked.name === name ? base : 0, why });
    },
    onSuccess: (flow) => {
      form.clear();
      toast(t.flows.saved(flow.name, flow.version));
      for (const key of ["flows", "flow"]) void queryClient.invalidateQueries({ queryKey: [key] });
      navigate(`/flows/${encodeURIComponent(flow.name)}`);
    },
    onError: () => void queryClient.invalidateQueries({ queryKey: ["flow", name] }),
  });
  const stale = base < version;
  const type = (next: string) => { if (next === saved) form.clear(); else form.set({ text: next, base: String(base) }); };
  const changed = text !== saved || version === 0;
  return (
    <div className="flow-sides">
      <div>
        <CodeEditor label={t.flows.text} value={text} marks={current ? marksOf(query.error) : []} onChange={type} onSubmit={() => { if (right && changed && !stale) save.mutate(); }} />
        {stale && <p className="banner note" role="alert"><span>{t.flows.stale(version)}</span><Button onClick={() => form.type("base", String(version))}>{t.flows.keepMine}</Button><Button onClick={form.clear}>{t.flows.takeTheirs}</Button></p>}
        <div className="button-row">
          <span role="status"><Badge tone={!current || query.isFetching ? "busy" : right ? "good" : "bad"}>{!current || query.isFetching ? t.flows.checking : right ? t.flows.right(query.data.steps) : t.flows.wrong}</Badge></span>
          <input aria-label={t.flows.why} placeholder={t.flows.why} value={why} maxLength={2000} onChange={(event) => setWhy(event.target.value)} />
          <Button look="primary" disabled={!right || !changed || stale || save.isPending} onClick={() => save.mutate()}>{version === 0 ? t.flows.save : t.flows.saveVersion(version + 1)}</Button>
          {text !== saved && version > 0 && <Button onClick={form.clear}>{t.flows.back(version)}</Button>}
          {drop && <Button onClick={() => { form.clear(); drop(); }}>{t.common.cancel}</Button>}
        </div>
        {save.error && <ErrorBox error={save.error} />}
        {query.error && marksOf(query.error).length === 0 && <ErrorBox error={query.error} retry={() => void query.refetch()} />}
      </div>
      <section aria-label={t.flows.picture} className={right ? "" : "stale"}>{graph && <GraphView graph={graph} label={t.flows.picture} />}</section>
    </div>
  );
}
