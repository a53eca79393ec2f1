// What agents did, folded from a run's log: one entry a step, in order, with what led to it and what came of it. Pure.
import type { Deciding, RunEvent } from "../../api/types";

export type AgentStepState = "working" | "done" | "failed" | "retrying" | "asking" | "unknown" | "stopped";
export interface AgentStep {
  path: string;
  id: string;                 // what sort of step: think, call, approve, ask, verify, criticize, diagnose, plan, reflect, write, remember, …
  member: string;             // of a team; "" of an agent alone
  work: string;               // the path of the agent's own work: steps of one piece of work have the same
  state: AgentStepState;
  reason: string;             // why this step now
  tool: string;
  arguments: unknown;
  output: unknown;
  error: string;
  approval: string;           // that was asked for it
  question: string;
  decision: { decision: Deciding; by: string; reason: string; response: string } | null;
  untrusted: boolean;         // text that others wrote led to it
  model: string;
  tokens: number;
  cost: number;
  ms: number;
  at: number;
}

type Data = Record<string, unknown>;
const object = (value: unknown): Data => (typeof value === "object" && value !== null && !Array.isArray(value) ? value as Data : {});
export const text = (value: unknown) => (typeof value === "string" ? value : "");
const number = (value: unknown) => (typeof value === "number" ? value : 0);

// Whose step it is: "work/all.a/member_a#2/think" → "a".
export const memberOf = (path: string) => /(?:^|\/)member_([^/#]+)(?:#\d+)?(?:\/|$)/.exec(path)?.[1] ?? "";
export const workOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf("/")));
const containers = new Set(["record", "parallel", "driven", "subflow"]);

function begun(event: RunEvent): AgentStep | null {
  const data = event.data ?? {}, step = object(data["step"]), kind = text(step["kind"]);
  if (containers.has(kind)) return null;
  return {
    path: event.step, id: text(step["id"]), member: memberOf(event.step), work: workOf(event.step), state: "working", reason: text(data["reason"]), tool: text(step["tool"]), arguments: step["args"] ?? null,
    output: null, error: "", approval: "", question: "", decision: null, untrusted: data["untrusted"] === true, model: text(step["model"]), tokens: 0, cost: 0, ms: 0, at: event.at,
  };
}

function spend(step: AgentStep, data: Data) {
  const usage = object(data["usage"]);
  step.tokens += number(usage["prompt_tokens"]) + number(usage["completion_tokens"]);
  step.cost += number(data["cost"]);
  step.ms += number(data["ms"]);
  if (text(usage["model"])) step.model = text(usage["model"]);
}

function change(step: AgentStep, event: RunEvent) {
  const data = event.data ?? {};
  switch (event.kind) {
    case "step_started": step.state = "working"; step.arguments = data["input"] ?? step.arguments; break;
    case "step_finished": {
      spend(step, data);
      step.state = "done";
      step.error = "";
      if (data["input"] !== undefined && data["input"] !== null) step.arguments = data["input"];
      // What a person let run gave its result inside of the decision.
      step.output = step.id === "approve" ? object(data["output"])["result"] ?? null : data["output"];
      break;
    }
    case "step_failed": spend(step, data); step.state = data["final"] ? "failed" : "retrying"; step.error = text(data["error"]); break;
    case "approval_asked":
      Object.assign(step, { state: "asking", approval: text(data["approval_id"]), question: text(data["message"]), arguments: data["arguments"] ?? step.arguments });
      break;
    case "approval_decided":
      step.state = "working";
      step.decision = { decision: text(data["decision"]) as Deciding, by: text(data["by"]), reason: text(data["reason"]), response: text(data["response"]) };
      break;
    case "outcome_unknown": step.state = "unknown"; step.approval = text(data["approval_id"]); break;
    case "outcome_resolved": step.state = "working"; break;
  }
}

// `over`: the run has ended, so nothing works any more whatever its steps were at.
export function stepsOf(events: readonly RunEvent[], over: boolean): AgentStep[] {
  const steps = new Map<string, AgentStep>();
  for (const event of events) {
    if (event.kind === "planned") {
      const step = begun(event);
      if (step) { steps.delete(event.step); steps.set(event.step, step); }   // planned anew after a fork or a retry: it stands where it is done
      continue;
    }
    const step = steps.get(event.step);
    if (step) change(step, event);
  }
  const all = [...steps.values()];
  if (over) for (const step of all) if (step.state !== "done" && step.state !== "failed") step.state = "stopped";
  return all;
}

export interface Spent { steps: number; tokens: number; cost: number }
// What was used so far: a step counts once it has come to an end.
export function spentOf(steps: readonly AgentStep[]): Spent {
  return steps.reduce((sum, step) => ({ steps: sum.steps + (step.state === "done" || step.state === "failed" ? 1 : 0), tokens: sum.tokens + step.tokens, cost: sum.cost + step.cost }), { steps: 0, tokens: 0, cost: 0 });
}

// A decision in parts, also where the model said it in free words around the object.
export interface Thought { thought: string; tool: string; arguments: unknown }
export function thoughtOf(step: AgentStep): Thought | null {
  let said: unknown = step.output;
  if (typeof said === "string") {
    const begin = said.indexOf("{"), end = said.lastIndexOf("}");
    try { said = JSON.parse(said.slice(begin, end + 1)); } catch { return said ? { thought: String(said), tool: "", arguments: null } : null; }
  }
  const decision = object(said);
  return Object.keys(decision).length === 0 ? null : { thought: text(decision["thought"]), tool: text(decision["tool"]), arguments: decision["arguments"] ?? null };
}

export interface Verdict { good: boolean; lines: string[] }
// What a critic, a plan or a diagnosis says, as lines.
export function verdictOf(step: AgentStep): Verdict | null {
  const said = object(step.output), list = (name: string) => (Array.isArray(said[name]) ? (said[name] as unknown[]).map(String) : []);
  switch (step.id) {
    case "verify": case "criticize": return Object.keys(said).length === 0 ? null : { good: said["ok"] === true, lines: list("problems") };
    case "diagnose": return { good: false, lines: [text(said["cause"]), text(said["change"])].filter(Boolean) };
    case "plan": return { good: true, lines: list("tasks") };
    case "reflect": return { good: text(said["verdict"]) !== "replan", lines: [text(said["reason"])].filter(Boolean) };
    default: return null;
  }
}

// The budget that holds: what the run was given may only narrow what stands in the text.
export function narrowed<B extends { steps: number; tokens: number; money: number; seconds: number }>(own: B, given: unknown): B {
  const wish = object(given), least = (name: keyof B & string) => (typeof wish[name] === "number" && !(name === "money" && own.money === 0) ? Math.min(own[name] as number, wish[name] as number) : own[name]);
  const money = own.money === 0 ? number(wish["money"]) : least("money");
  return { ...own, steps: least("steps"), tokens: least("tokens"), seconds: least("seconds"), money };
}
