// Where a goal is typed, with material that others wrote and limits for this once. What is typed is kept until it has arrived.
import { useMutation } from "@tanstack/react-query";
import { type KeyboardEvent, type ReactNode, useState } from "react";
import type { Kind } from "../../api/agent_queries";
import { reloadRuns } from "../../api/flow_queries";
import { invoke } from "../../api/invoke";
import { useChanges } from "../../api/kept";
import type { RunRow } from "../../api/types";
import { Button, ErrorBox, Field } from "../../kit/kit";
import { t } from "../../text/en";
import { freshKey } from "../flows/start_dialog";

interface Goal { task: string; key: string; material?: string; follows?: string; budget?: Record<string, unknown> }
const start = (kind: Kind, name: string, goal: Goal): Promise<RunRow> => (kind === "agent" ? invoke("POST /strata/v1/agents/{agent}/runs", { agent: name }, goal) : invoke("POST /strata/v1/teams/{team}/runs", { team: name }, goal));

export const limitsOf = (changes: Readonly<Record<string, string>>): Record<string, number> =>
  Object.fromEntries((["steps", "tokens"] as const).flatMap((name) => { const value = Number(changes[name]); return changes[name] && Number.isInteger(value) && value > 0 ? [[name, value]] : []; }));

interface Props { kind: Kind; name: string; follows: string; busy: boolean; onStarted: (run: string) => void; onStop: () => void; children?: ReactNode }
export function GoalForm({ kind, name, follows, busy, onStarted, onStop, children }: Props) {
  const form = useChanges(`goal.${kind}.${name}`);
  const [key, setKey] = useState(freshKey);
  const task = form.changes["task"] ?? "", material = form.changes["material"] ?? "", limits = limitsOf(form.changes);
  const send = useMutation({
    mutationFn: () => start(kind, name, { task: task.trim(), key, ...(material.trim() ? { material } : {}), ...(follows ? { follows } : {}), ...(Object.keys(limits).length > 0 ? { budget: limits } : {}) }),
    onSuccess: (run) => { form.clear(); setKey(freshKey()); void reloadRuns(); onStarted(run.id); },
  });
  const go = () => { if (task.trim() && !busy && !send.isPending) send.mutate(); };
  const press = (event: KeyboardEvent) => { if (event.key === "Escape" && busy) onStop(); if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) { event.preventDefault(); go(); } };
  return (
    <form className="composer goal-form" onSubmit={(event) => { event.preventDefault(); go(); }}>
      {send.error && <ErrorBox error={send.error} />}
      <textarea data-main-field rows={Math.min(8, Math.max(1, task.split("\n").length))} value={task} maxLength={100000} placeholder={follows ? t.agents.followUp : t.agents.placeholder} aria-label={t.agents.composer} onChange={(event) => form.type("task", event.target.value || null)} onKeyDown={press} />
      <details className="goal-more"><summary>{t.agents.more}</summary>
        <Field label={t.agents.material} hint={t.agents.materialWhat}>{(id) => <textarea id={id} rows={3} value={material} onChange={(event) => form.type("material", event.target.value || null)} />}</Field>
        <div className="goal-limits">{(["steps", "tokens"] as const).map((limit) => <Field key={limit} label={limit === "steps" ? t.agents.stepsMost : t.agents.tokensMost} hint={t.agents.limitWhat}>{(id) => <input id={id} inputMode="numeric" value={form.changes[limit] ?? ""} onChange={(event) => form.type(limit, event.target.value.replace(/\D/g, "") || null)} />}</Field>)}</div>
      </details>
      <div className="composer-foot">{children}<small className="composer-hint">{busy ? t.agents.busy : t.agents.hint}</small><Button look="primary" icon="send" type="submit" disabled={!task.trim() || busy || send.isPending}>{t.agents.start}</Button></div>
    </form>
  );
}
