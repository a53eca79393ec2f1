// One goal of a chat: what was asked, each step as it happens, the answer; before it the goal that it follows.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { reloadRuns, runQuery } from "../../api/flow_queries";
import { invoke } from "../../api/invoke";
import type { Budget, RunDetail, RunEvent } from "../../api/types";
import { shownJson } from "../../format/json";
import { Badge, Button, ErrorBox, Skeleton } from "../../kit/kit";
import { Link } from "../../router";
import { t } from "../../text/en";
import { ended, toneOfRun } from "../runs/run_state";
import { useEvents } from "../runs/use_events";
import { AnswerBox, BudgetBars, resultOf } from "./answer_box";
import { StepsView } from "./steps_view";
import { type AgentStep, narrowed, spentOf, stepsOf } from "./steps";

const chainMost = 50;   // goals shown above the last one
export const inputOf = (run: RunDetail) => (typeof run.input === "object" && run.input !== null ? run.input as { task?: string; material?: unknown; follows?: string; budget?: unknown } : {});

export function Task({ run }: { run: RunDetail }) {
  const { task = "", material } = inputOf(run);
  return (
    <article className="question" aria-label={t.agents.you}><p>{task}</p>
      {material !== null && material !== undefined && <details><summary>{t.agents.material}</summary><pre tabIndex={0} className="span-content wrap">{shownJson(material)}</pre></details>}</article>
  );
}

// What it does now, in words, for those who look and for those who listen.
function nowOf(steps: readonly AgentStep[]): string {
  const now = steps.findLast((step) => step.state === "asking" || step.state === "unknown") ?? steps.findLast((step) => step.state === "working" || step.state === "retrying");
  if (!now) return t.agents.working;
  if (now.state === "asking" || now.state === "unknown") return t.agents.waiting;
  return now.tool ? t.agents.calling(now.tool) : now.id === "think" ? t.agents.thinking : t.agents.ids[now.id] ?? t.agents.working;
}

export function useStop(run: string) {
  return useMutation({ mutationFn: () => invoke("POST /strata/v1/runs/{run}/cancel", { run }, { reason: t.agents.stopReason }), onSettled: () => void reloadRuns() });
}

export function Working({ run, steps }: { run: RunDetail; steps: readonly AgentStep[] }) {
  const stop = useStop(run.id);
  if (run.waits_for === "paused") return <p className="agent-now"><span role="status">{t.runs.waits.paused}</span> <Link to={`/runs/${encodeURIComponent(run.id)}`}>{t.agents.log}</Link></p>;
  return <p className="agent-now"><span role="status" className="waiting">{nowOf(steps)}<span className="dots" /></span><Button icon="stop" disabled={stop.isPending} onClick={() => stop.mutate()}>{t.agents.stop}</Button>{stop.error && <span className="bad-text" role="alert">{stop.error.message}</span>}</p>;
}

// How it ended, where it did not end by an answer.
export function Ended({ run }: { run: RunDetail }) {
  if (run.state === "failed") return <div className="error-box" role="alert"><strong>{t.runs.failedAt}</strong><p>{run.error}</p><Link className="button" to={`/runs/${encodeURIComponent(run.id)}`}>{t.agents.log}</Link></div>;
  return <p className="stopped" role="status"><Badge tone={toneOfRun(run.state)}>{t.runs.states[run.state]}</Badge></p>;
}

function One({ run, events, last, budget }: { run: RunDetail; events: RunEvent[]; last: boolean; budget: Budget | null }) {
  const over = ended(run.state);
  const steps = useMemo(() => stepsOf(events, over), [events, over]);
  const spent = spentOf(steps), result = resultOf(run);
  return (
    <>
      <Task run={run} />
      <StepsView steps={steps} open={last && !over} />
      {!over ? <Working run={run} steps={steps} /> : result ? <AnswerBox result={result} /> : <Ended run={run} />}
      <div className="turn-foot">
        <BudgetBars used={result ? { steps: result.spent.steps, tokens: result.spent.tokens, cost: result.spent.money, seconds: result.spent.seconds } : { ...spent, seconds: null }} budget={budget && narrowed(budget, inputOf(run).budget)} />
        <small><Link to={`/runs/${encodeURIComponent(run.id)}`}>{t.agents.log}</Link></small>
      </div>
    </>
  );
}

interface Props { id: string; last: boolean; depth?: number; budget: Budget | null; onRun?: (run: RunDetail) => void }
export function Turn({ id, last, depth = 0, budget, onRun }: Props) {
  const query = useQuery(runQuery(id)), run = query.data;
  const { events } = useEvents(id, run);
  useEffect(() => { if (run) onRun?.(run); }, [run, onRun]);
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  if (!run) return <Skeleton lines={4} />;
  const before = inputOf(run).follows;
  return (
    <>
      {before && depth < chainMost && <Turn id={before} last={false} depth={depth + 1} budget={budget} />}
      <One run={run} events={events} last={last} budget={budget} />
    </>
  );
}
