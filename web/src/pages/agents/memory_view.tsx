// The facts that outlive an agent's runs: where each came from, changed or forgotten by a person's word.
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { factsQuery, placeOf } from "../../api/agent_queries";
import { invoke } from "../../api/invoke";
import { queryClient } from "../../api/queries";
import { useTyped } from "../../api/remember";
import type { AgentFact } from "../../api/types";
import { Confirm, Rename } from "../../kit/dialog";
import { Ago, Badge, Button, Empty, ErrorBox, IconButton, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { Link } from "../../router";
import { t } from "../../text/en";

const reload = () => queryClient.invalidateQueries({ queryKey: ["facts"] });

function Row({ fact }: { fact: AgentFact }) {
  const [doing, setDoing] = useState<"" | "edit" | "forget">("");
  const place = { agent: fact.agent, fact: fact.id }, close = () => setDoing("");
  const edit = useMutation({ mutationFn: (text: string) => invoke("PATCH /strata/v1/agents/{agent}/memory/{fact}", place, { text }), onSuccess: () => { toast(t.agents.changed); close(); void reload(); } });
  const forget = useMutation({ mutationFn: () => invoke("DELETE /strata/v1/agents/{agent}/memory/{fact}", place), onSuccess: () => { toast(t.agents.forgot); void reload(); } });
  const { by = "", run } = fact.source;
  return (
    <tr>
      <td className="wrap">{fact.text} {fact.untrusted && <Badge tone="busy">{t.agents.fromOthers}</Badge>}</td>
      <td>{by === "agent" && run ? <Link to={`${placeOf("agent", fact.agent)}?run=${encodeURIComponent(run)}`}>{t.agents.byAgent}</Link> : t.agents.byPerson(by)}</td>
      <td className="keep"><Ago at={fact.updated_at} /></td>
      <td className="row-end"><IconButton icon="edit" label={`${t.agents.edit}: ${fact.text}`} onClick={() => setDoing("edit")} /><IconButton icon="trash" label={`${t.agents.forget}: ${fact.text}`} onClick={() => setDoing("forget")} />
        {doing === "edit" && <Rename title={t.agents.edit} label={t.agents.fact} most={1000} name={fact.text} busy={edit.isPending} error={edit.error} onClose={close} onRename={(text) => edit.mutate(text)} />}
        {doing === "forget" && <Confirm title={t.agents.forgetTitle} what={t.agents.forgetWhat(fact.text)} action={t.agents.forget} busy={forget.isPending} error={forget.error} onClose={close} onConfirm={() => forget.mutate()} />}</td>
    </tr>
  );
}

export function MemoryView({ agent }: { agent: string }) {
  const query = useQuery(factsQuery(agent));
  const [text, setText, clear] = useTyped(`fact.${agent}`);
  const add = useMutation({ mutationFn: () => invoke("POST /strata/v1/agents/{agent}/memory", { agent }, { text: text.trim() }), onSuccess: () => { clear(); toast(t.agents.added); void reload(); } });
  const submit = (event: FormEvent) => { event.preventDefault(); if (text.trim()) add.mutate(); };
  const rows = query.data?.data ?? [];
  return (
    <section><h2>{t.agents.facts}</h2><p className="soft">{t.agents.factsWhat}</p>
      <form className="inline-form fact-form" onSubmit={submit}>
        <input data-main-field aria-label={t.agents.addFact} placeholder={t.agents.addFact} maxLength={1000} value={text} onChange={(event) => setText(event.target.value)} />
        <Button look="primary" icon="plus" type="submit" disabled={!text.trim() || add.isPending}>{t.agents.add}</Button>
      </form>
      {add.error && <ErrorBox error={add.error} />}
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : !query.data ? <Skeleton lines={3} />
        : rows.length === 0 ? <Empty title={t.agents.noFacts} what={t.agents.noFactsWhat} /> : (
          <div className="table-scroll" tabIndex={0} role="region" aria-label={t.agents.facts}>
            <table className="flows"><thead><tr><th>{t.agents.fact}</th><th>{t.agents.source}</th><th>{t.agents.since}</th><th><span className="hidden">{t.agents.edit}</span></th></tr></thead>
              <tbody data-list>{rows.map((fact) => <Row key={fact.id} fact={fact} />)}</tbody></table>
          </div>)}
    </section>
  );
}
