import { expect, test } from "vitest";
import type { RunEvent } from "../../api/types";
import { memberOf, narrowed, spentOf, stepsOf, thoughtOf, verdictOf } from "./steps";

let sequence = 0;
const event = (kind: string, step: string, data: Record<string, unknown> = {}): RunEvent => ({ sequence: ++sequence, kind, step, data, decision: false, at: sequence });
const planned = (path: string, step: Record<string, unknown>, reason = "because") => event("planned", path, { at: "work/", step, reason, untrusted: false });
const usage = { prompt_tokens: 20, completion_tokens: 5, model: "far" };

const log = [
  event("run_started", "", { flow: "agent:a" }), event("opened", "work", { driver: "agent" }),
  planned("work/think", { id: "think", kind: "model", model: "" }, "what to do next"),
  event("step_finished", "work/think", { output: { thought: "count", tool: "pay", arguments: { cents: 5 } }, usage, ms: 7, cost: 0.25 }),
  planned("work/approve", { id: "approve", kind: "approval", tool: "pay", args: { cents: 5 } }, "money"),
  event("approval_asked", "work/approve", { approval_id: "appr_1", message: "a wants to run 'pay'", arguments: { cents: 5 } }),
];

test("a step is what was planned, with what came of it; messages and members' frames are none", () => {
  const steps = stepsOf([...log, planned("work/note", { id: "note", kind: "record" }), planned("work/member_b", { id: "member_b", kind: "driven" })], false);
  expect(steps.map((step) => [step.path, step.state])).toEqual([["work/think", "done"], ["work/approve", "asking"]]);
  expect(thoughtOf(steps[0]!)).toEqual({ thought: "count", tool: "pay", arguments: { cents: 5 } });
  expect(steps[0]).toMatchObject({ tokens: 25, cost: 0.25, ms: 7, model: "far", reason: "what to do next" });
  expect(steps[1]).toMatchObject({ approval: "appr_1", tool: "pay", arguments: { cents: 5 } });
});
test("what a person decided and what then ran stand at the step", () => {
  const more = [event("approval_decided", "work/approve", { decision: "edit", arguments: { cents: 4 }, by: "ada", reason: "fee" }), event("step_finished", "work/approve", { output: { decision: "edit", result: { paid: 4 } }, input: { cents: 4 } })];
  const [, step] = stepsOf([...log, ...more], true);
  expect(step).toMatchObject({ state: "done", output: { paid: 4 }, arguments: { cents: 4 }, decision: { decision: "edit", by: "ada", reason: "fee" } });
});
test("nothing works any more once the run has ended", () => expect(stepsOf(log, true).map((step) => step.state)).toEqual(["done", "stopped"]));
test("a failed try is tried again, and counts in what was spent once it is over", () => {
  const failing = [planned("work/call", { id: "call", kind: "tool", tool: "pay", args: {} }), event("step_failed", "work/call", { error: "busy", ms: 1 })];
  expect(stepsOf(failing, false)[0]).toMatchObject({ state: "retrying", error: "busy" });
  expect(spentOf(stepsOf([...log, ...failing], false))).toEqual({ steps: 1, tokens: 25, cost: 0.25 });
  expect(spentOf(stepsOf([...log, ...failing, event("step_failed", "work/call", { error: "busy", final: true })], false)).steps).toBe(2);
});
test("a member's name is read from any path of a team", () => expect(["work/member_maths/think#2", "work/all.a/member_a", "work/member_b#2/work/call", "work/assign"].map(memberOf)).toEqual(["maths", "a", "b", ""]));
test("a decision said in free words is found in them", () => {
  const said = (output: unknown) => thoughtOf({ ...stepsOf(log, false)[0]!, output });
  expect(said('Well: {"thought":"t","tool":"x","arguments":{}} so')).toMatchObject({ tool: "x" });
  expect(said("no idea")).toMatchObject({ thought: "no idea", tool: "" });
  expect(said(null)).toBeNull();
});
test("verdicts, plans and diagnoses are told as lines", () => {
  const step = (id: string, output: unknown) => verdictOf({ ...stepsOf(log, false)[0]!, id, output });
  expect(step("verify", { ok: false, problems: ["no source"] })).toEqual({ good: false, lines: ["no source"] });
  expect(step("plan", { tasks: ["a", "b"] })).toEqual({ good: true, lines: ["a", "b"] });
  expect(step("diagnose", { cause: "typo", change: "spell" })).toEqual({ good: false, lines: ["typo", "spell"] });
  expect(step("reflect", { verdict: "replan", reason: "wrong way" })).toEqual({ good: false, lines: ["wrong way"] });
  expect(step("verify", null)).toBeNull();
});
test("a run's budget only narrows the agent's; no limit of money is widened to one that was wished", () => {
  const own = { steps: 20, tokens: 100, money: 0, seconds: 60 };
  expect(narrowed(own, { steps: 5, tokens: 900 })).toEqual({ steps: 5, tokens: 100, money: 0, seconds: 60 });
  expect(narrowed(own, { money: 2 }).money).toBe(2);
  expect(narrowed({ ...own, money: 1 }, { money: 2 }).money).toBe(1);
});
