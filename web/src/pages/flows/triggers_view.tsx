// What starts a flow by itself: times, and signed calls from outside.
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { hooksQuery, schedulesQuery } from "../../api/flow_queries";
import { invoke } from "../../api/invoke";
import { queryClient } from "../../api/queries";
import type { FlowDetail } from "../../api/types";
import { readObject } from "../../format/json";
import { Ago, Button, ErrorBox, Field, IconButton, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { t } from "../../text/en";
import { SecretNote } from "./secret_note";

function Schedules({ flow }: { flow: string }) {
  const query = useQuery(schedulesQuery(flow));
  const [cron, setCron] = useState(""), [input, setInput] = useState("");
  const reload = () => void queryClient.invalidateQueries({ queryKey: ["schedules", flow] });
  const read = readObject(input);
  const add = useMutation({
    mutationFn: () => invoke("POST /strata/v1/flows/{flow}/schedules", { flow }, { cron, ...("value" in read ? { input: read.value } : {}) }),
    onSuccess: () => { setCron(""); setInput(""); toast(t.flows.scheduled); reload(); },
  });
  const drop = useMutation({ mutationFn: (schedule: string) => invoke("DELETE /strata/v1/schedules/{schedule}", { schedule }), onSuccess: reload });
  const submit = (event: FormEvent) => { event.preventDefault(); if ("value" in read) add.mutate(); };
  return (
    <section><h2>{t.flows.schedules}</h2><p className="soft">{t.flows.schedulesWhat}</p>
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : !query.data ? <Skeleton lines={2} /> : query.data.data.length > 0 && (
        <ul className="plain-list">{query.data.data.map((one) => <li key={one.id}><code>{one.cron}</code> {one.next_at !== null && <span className="soft">{t.flows.next} <Ago at={one.next_at} /></span>} <IconButton icon="trash" label={t.flows.dropSchedule(one.cron)} onClick={() => drop.mutate(one.id)} /></li>)}</ul>)}
      <form className="narrow-form" onSubmit={submit}>
        <Field label={t.flows.cron} hint={t.flows.cronWhat}>{(id) => <input id={id} required placeholder="30 6 * * mon-fri" value={cron} onChange={(event) => setCron(event.target.value)} />}</Field>
        <Field label={t.flows.inputJson} {...("problem" in read ? { hint: read.problem } : {})}>{(id) => <textarea id={id} className="code" rows={2} placeholder="{}" value={input} onChange={(event) => setInput(event.target.value)} />}</Field>
        <Button type="submit" disabled={add.isPending || !cron.trim() || "problem" in read}>{t.flows.addSchedule}</Button>
        {(add.error ?? drop.error) && <ErrorBox error={add.error ?? drop.error} />}
      </form>
    </section>
  );
}

function Hooks({ flow }: { flow: FlowDetail }) {
  const query = useQuery(hooksQuery(flow.name));
  const [field, setField] = useState("");
  const reload = () => void queryClient.invalidateQueries({ queryKey: ["hooks", flow.name] });
  const add = useMutation({ mutationFn: () => invoke("POST /strata/v1/flows/{flow}/hooks", { flow: flow.name }, { input_field: field }), onSuccess: reload });
  const drop = useMutation({ mutationFn: (hook: string) => invoke("DELETE /strata/v1/hooks/{hook}", { hook }), onSuccess: reload });
  return (
    <section><h2>{t.flows.hooks}</h2><p className="soft">{t.flows.hooksWhat}</p>
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : !query.data ? <Skeleton lines={2} /> : query.data.data.length > 0 && (
        <ul className="plain-list">{query.data.data.map((one) => <li key={one.id}><code>POST {one.url}</code> {one.input_field && <span className="soft">{t.flows.becomes(one.input_field)}</span>} <IconButton icon="trash" label={t.flows.dropHook} onClick={() => drop.mutate(one.id)} /></li>)}</ul>)}
      {add.data?.secret && <SecretNote secret={add.data.secret} />}
      <form className="narrow-form" onSubmit={(event) => { event.preventDefault(); add.mutate(); }}>
        <Field label={t.flows.bodyTo}>{(id) => <select id={id} value={field} onChange={(event) => setField(event.target.value)}><option value="">{t.flows.wholeInput}</option>{Object.keys(flow.input?.properties ?? {}).map((name) => <option key={name} value={name}>{t.flows.inputField(name)}</option>)}</select>}</Field>
        <Button type="submit" disabled={add.isPending}>{t.flows.addHook}</Button>
        {(add.error ?? drop.error) && <ErrorBox error={add.error ?? drop.error} />}
      </form>
    </section>
  );
}

export function TriggersView({ flow }: { flow: FlowDetail }) {
  return <div className="flow-triggers"><Schedules flow={flow.name} /><Hooks flow={flow} /></div>;
}
