// What a person can do to a run: hold it, let it go on, fork it, try again, cancel it, tell it what it waits for. Each with a reason.
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { reloadRuns } from "../../api/flow_queries";
import { invoke } from "../../api/invoke";
import type { RunDetail } from "../../api/types";
import { readJson, readObject } from "../../format/json";
import { Dialog } from "../../kit/dialog";
import { Button, ErrorBox, Field } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { navigate } from "../../router";
import { t } from "../../text/en";
import { ended } from "./run_state";

type Verb = "pause" | "resume" | "cancel" | "retry";

function Reasoned({ run, verb, onClose }: { run: string; verb: Verb; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const act = useMutation({ mutationFn: () => invoke(`POST /strata/v1/runs/{run}/${verb}`, { run }, { reason }), onSuccess: () => { toast(t.runs.done[verb]); onClose(); }, onSettled: () => void reloadRuns() });
  return (
    <Dialog title={t.runs.verbs[verb]} onClose={onClose}>
      <form onSubmit={(event) => { event.preventDefault(); act.mutate(); }}>
        <p>{t.runs.verbsWhat[verb]}</p>
        <Field label={t.runs.reason}>{(id) => <input id={id} maxLength={4000} value={reason} onChange={(event) => setReason(event.target.value)} />}</Field>
        {act.error && <ErrorBox error={act.error} />}
        <footer className="dialog-foot"><Button onClick={onClose}>{t.runs.leave}</Button><Button look={verb === "cancel" ? "danger" : "primary"} type="submit" disabled={act.isPending}>{t.runs.verbs[verb]}</Button></footer>
      </form>
    </Dialog>
  );
}

export function ForkDialog({ run, step, onClose }: { run: RunDetail; step: string; onClose: () => void }) {
  const [text, setText] = useState("");
  const read = readObject(text);
  const fork = useMutation({
    mutationFn: () => invoke("POST /strata/v1/runs/{run}/fork", { run: run.id }, { step, ...("value" in read && Object.keys(read.value).length > 0 ? { values: read.value } : {}) }),
    onSuccess: (made) => { void reloadRuns(); toast(t.runs.forked); navigate(`/runs/${encodeURIComponent(made.id)}`); },
  });
  const fields = Object.keys(run.values ?? {});
  const submit = (event: FormEvent) => { event.preventDefault(); if ("value" in read) fork.mutate(); };
  return (
    <Dialog title={t.runs.forkTitle(step)} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{t.runs.forkWhat}</p>
        {fields.length > 0 && <Field label={t.runs.forkValues} hint={t.runs.forkFields(fields.join(", "))}>{(id) => <textarea id={id} className="code" rows={4} placeholder="{}" aria-invalid={"problem" in read} value={text} onChange={(event) => setText(event.target.value)} />}</Field>}
        {"problem" in read && <p className="bad-text" role="alert">{read.problem}</p>}
        {fork.error && <ErrorBox error={fork.error} />}
        <footer className="dialog-foot"><Button onClick={onClose}>{t.common.cancel}</Button><Button look="primary" type="submit" disabled={fork.isPending || "problem" in read}>{t.runs.fork}</Button></footer>
      </form>
    </Dialog>
  );
}

function SignalDialog({ run, name, onClose }: { run: string; name: string; onClose: () => void }) {
  const [text, setText] = useState("");
  const read = text.trim() === "" ? { value: null } : readJson(text);
  const send = useMutation({ mutationFn: () => invoke("POST /strata/v1/runs/{run}/signals/{signal}", { run, signal: name }, { data: "value" in read ? read.value : null }), onSuccess: () => { toast(t.runs.signalSent); onClose(); }, onSettled: () => void reloadRuns() });
  return (
    <Dialog title={t.runs.signal(name)} onClose={onClose}>
      <form onSubmit={(event) => { event.preventDefault(); if ("value" in read) send.mutate(); }}>
        <Field label={t.runs.signalData} {...("problem" in read ? { hint: read.problem } : {})}>{(id) => <textarea id={id} className="code" rows={4} value={text} onChange={(event) => setText(event.target.value)} />}</Field>
        {send.error && <ErrorBox error={send.error} />}
        <footer className="dialog-foot"><Button onClick={onClose}>{t.common.cancel}</Button><Button look="primary" type="submit" disabled={send.isPending || "problem" in read}>{t.runs.send}</Button></footer>
      </form>
    </Dialog>
  );
}

export function RunActions({ run, signals }: { run: RunDetail; signals: readonly string[] }) {
  const [asking, setAsking] = useState<Verb | { signal: string } | null>(null);
  const over = ended(run.state), held = run.waits_for === "paused";
  const verbs: Verb[] = [...(over ? [] : [held ? "resume" : "pause"] as Verb[]), ...(run.state === "failed" ? ["retry"] as Verb[] : []), ...(over ? [] : ["cancel"] as Verb[])];
  return (
    <>
      {signals.map((name) => <Button key={name} look="primary" icon="send" onClick={() => setAsking({ signal: name })}>{t.runs.signal(name)}</Button>)}
      {verbs.map((verb) => <Button key={verb} look={verb === "retry" ? "primary" : "plain"} icon={verb === "pause" ? "pause" : verb === "cancel" ? "stop" : verb === "retry" ? "again" : "play"} onClick={() => setAsking(verb)}>{t.runs.verbs[verb]}</Button>)}
      {typeof asking === "string" && <Reasoned run={run.id} verb={asking} onClose={() => setAsking(null)} />}
      {asking !== null && typeof asking === "object" && <SignalDialog run={run.id} name={asking.signal} onClose={() => setAsking(null)} />}
    </>
  );
}
