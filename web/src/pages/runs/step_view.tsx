// One step of a run: each time that it was done, with what went in, what came out, what went wrong; and what it waits for.
import type { RunDetail, RunStep } from "../../api/types";
import { shownJson } from "../../format/json";
import { count, milliseconds } from "../../format/format";
import { money } from "../../format/money";
import { Ago, Badge, Button } from "../../kit/kit";
import { Link } from "../../router";
import { t } from "../../text/en";
import { copy } from "../traces/span_view";
import { ended, toneOf } from "./run_state";

function Part({ name, value }: { name: string; value: unknown }) {
  if (value === undefined || value === null) return null;
  const text = shownJson(value);
  return <details open><summary>{name}</summary><pre tabIndex={0} className="span-content">{text}</pre><Button look="quiet" icon="copy" onClick={() => copy(text)}>{t.common.copy}</Button></details>;
}

function facts(step: RunStep): string {
  const tokens = (step.usage?.prompt_tokens ?? 0) + (step.usage?.completion_tokens ?? 0);
  return [step.attempt !== undefined && step.attempt > 1 && t.runs.attempt(step.attempt), step.cached && t.runs.cached, step.ms !== undefined && milliseconds(step.ms), tokens > 0 && t.flows.tokens(count(tokens)), step.cost && money(step.cost, "USD"), step.saved && t.runs.saved(money(step.saved, "USD")), step.tool].filter(Boolean).join(", ");
}

export function StepView({ run, steps, chosen, choose, fork }: { run: RunDetail; steps: readonly RunStep[]; chosen: RunStep; choose: (path: string) => void; fork: (path: string) => void }) {
  const status = ended(run.state) && chosen.status !== "finished" && chosen.status !== "failed" ? "stopped" : chosen.status;
  return (
    <section className="span-view" aria-label={t.runs.details(chosen.path)} tabIndex={0}>
      <h2>{chosen.path}</h2>
      {steps.length > 1 && <label className="check">{t.runs.occurrence} <select value={chosen.path} onChange={(event) => choose(event.target.value)}>{steps.map((step) => <option key={step.path}>{step.path}</option>)}</select></label>}
      <p><Badge tone={toneOf(status)}>{t.runs.steps[status]}</Badge> <span className="soft">{facts(chosen)}</span></p>
      {status === "retrying" && chosen.at_ms !== undefined && <p>{t.runs.nextTry} <Ago at={chosen.at_ms / 1000} /></p>}
      {status === "waiting" && chosen.until_ms !== undefined && <p>{t.runs.wakes} <Ago at={chosen.until_ms / 1000} /></p>}
      {(status === "asking" || status === "outcome_unknown") && <><p className="plain-text">{chosen.message}</p><p><Link className="button primary" to={chosen.approval_id ? `/inbox/${encodeURIComponent(chosen.approval_id)}` : "/inbox"}>{t.runs.decide}</Link></p></>}
      {chosen.error && <div className="error-box"><strong>{chosen.code || t.runs.steps.failed}</strong><p>{chosen.error}</p></div>}
      <Part name={t.runs.input} value={chosen.input} />
      <Part name={t.runs.output} value={chosen.output} />
      <Button icon="fork" onClick={() => fork(chosen.path)}>{t.runs.forkHere}</Button>
    </section>
  );
}

// A step that the run has not come to.
export function NotYet({ path }: { path: string }) {
  return <section className="span-view" aria-label={t.runs.details(path)} tabIndex={0}><h2>{path}</h2><p className="soft">{t.runs.notYet}</p></section>;
}
