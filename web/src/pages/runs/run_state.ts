// What a run's steps and events say: the state of each step of the picture, and each event in words.
import type { RunDetail, RunEvent, RunState, RunStep, StepStatus } from "../../api/types";
import { duration, milliseconds } from "../../format/format";
import { t } from "../../text/en";

export const ended = (state: RunState) => state === "succeeded" || state === "failed" || state === "cancelled";

export function tookOf(run: Pick<RunDetail, "created_at" | "updated_at">): string {
  const seconds = Math.max(0, run.updated_at - run.created_at);
  return seconds < 60 ? milliseconds(seconds * 1000) : duration(seconds);
}

// "review[3]/check#2" → "review/check": the step of the file.
export const fileStep = (path: string) => path.replace(/\[[^\]]*\]/g, "").replace(/#[^/]*/g, "");

export type NodeStatus = StepStatus | "stopped";
export interface NodeState { status: NodeStatus; times: number; ms: number; last: RunStep }
// What a reader must see first stands first.
const worst: NodeStatus[] = ["failed", "outcome_unknown", "asking", "retrying", "working", "waiting", "stopped", "finished"];

export function statesOf(run: Pick<RunDetail, "state" | "steps">): Map<string, NodeState> {
  const states = new Map<string, NodeState>();
  for (const step of run.steps) {
    // A run that has ended works no more, whatever its steps were at.
    const status: NodeStatus = ended(run.state) && step.status !== "finished" && step.status !== "failed" ? "stopped" : step.status;
    const path = fileStep(step.path), before = states.get(path);
    const shown = before && worst.indexOf(before.status) < worst.indexOf(status) ? before.status : status;
    states.set(path, { status: shown, times: (before?.times ?? 0) + 1, ms: (before?.ms ?? 0) + (step.ms ?? 0), last: step });
  }
  return states;
}

export const toneOf = (status: NodeStatus): "neutral" | "good" | "bad" | "busy" =>
  (status === "finished" ? "good" : status === "failed" || status === "outcome_unknown" ? "bad" : status === "stopped" ? "neutral" : "busy");
export const toneOfRun = (state: RunState): "neutral" | "good" | "bad" | "busy" => (state === "succeeded" ? "good" : state === "failed" ? "bad" : state === "cancelled" ? "neutral" : "busy");

const said = (value: unknown): string => (value === null || value === undefined || value === "" ? "" : typeof value === "string" ? value : JSON.stringify(value));
const by = (data: Record<string, unknown>) => (said(data["by"]) ? t.runs.by(said(data["by"])) : "");
const joined = (...parts: string[]) => parts.filter(Boolean).join(", ");

// One line for one event; what is not named here says its data.
export function summaryOf(event: Pick<RunEvent, "kind" | "data">): string {
  const data = event.data ?? {};
  switch (event.kind) {
    case "run_started": return joined(t.runs.version(Number(data["version"])), said(data["trigger"]));
    case "step_started": return said(data["tool"]);
    case "step_finished": return said(data["output"]);
    case "step_failed": return joined(said(data["error"]), data["final"] ? "" : t.runs.again(Number(data["attempt"] ?? 1)));
    case "routed": return joined(t.runs.to(said(data["to"])), said(data["reason"]) || said(data["when"]));
    case "escalated_model": return joined(t.runs.to(said(data["to"])), said(data["reason"]));
    case "approval_asked": return said(data["message"]);
    case "escalated": return joined(said(data["who"]), said(data["reason"]));
    case "approval_decided": case "outcome_resolved": return joined(t.inbox.decided[said(data["decision"])] ?? said(data["decision"]), by(data), said(data["reason"]));
    case "outcome_unknown": return joined(said(data["tool"]), said(data["why"]));
    case "waiting": return data["signal"] ? t.runs.forSignal(said(data["signal"])) : data["until_ms"] ? t.runs.until(new Date(Number(data["until_ms"])).toISOString()) : "";
    case "paused": case "resumed": case "retried": case "cancel_asked": return joined(by(data), said(data["reason"]));
    case "run_failed": return said(data["error"]);
    case "run_finished": return said(data["result"]);
    default: return Object.keys(data).length === 0 ? "" : JSON.stringify(data);
  }
}

// The signals that steps wait for now.
export function signalsOf(run: Pick<RunDetail, "steps">, events: readonly RunEvent[]): string[] {
  const waiting = new Set(run.steps.filter((step) => step.status === "waiting").map((step) => step.path));
  const names = events.filter((event) => event.kind === "waiting" && waiting.has(event.step)).map((event) => event.data?.["signal"]);
  return [...new Set(names.filter((name): name is string => typeof name === "string" && name !== ""))];
}
