import { expect, test } from "vitest";
import type { RunEvent, RunStep, StepStatus } from "../../api/types";
import { fileStep, signalsOf, statesOf, summaryOf, tookOf } from "./run_state";

const step = (path: string, status: StepStatus, ms = 0): RunStep => ({ path, status, ms, started_at: 1, updated_at: 2 });
const event = (kind: string, data: Record<string, unknown>, name = ""): RunEvent => ({ sequence: 1, kind, step: name, data, decision: false, at: 1 });

test("a path in the log names a step of the file", () => {
  expect(["ask", "review[3]/check#2", "both.left/ask", "each[0]/inner[12]/note"].map(fileStep)).toEqual(["ask", "review/check", "both.left/ask", "each/inner/note"]);
});
test("a step that ran several times counts them, adds their time, and shows what needs eyes first", () => {
  const states = statesOf({ state: "running", steps: [step("each", "working"), step("each[0]/note", "finished", 10), step("each[1]/note", "failed", 5), step("each[2]/note", "working", 1)] });
  expect(states.get("each/note")).toMatchObject({ status: "failed", times: 3, ms: 16, last: { path: "each[2]/note" } });
  expect(states.get("each")?.status).toBe("working");
});
test("in a run that has ended nothing works any more", () => {
  const states = statesOf({ state: "cancelled", steps: [step("a", "finished"), step("b", "waiting"), step("c", "failed")] });
  expect([...states.values()].map((state) => state.status)).toEqual(["finished", "stopped", "failed"]);
});
test("events are told in words, with their reasons", () => {
  expect(summaryOf(event("routed", { to: "careful", when: "input.amount > 100", reason: "150 dollars are at stake" }))).toBe("to careful, 150 dollars are at stake");
  expect(summaryOf(event("approval_decided", { decision: "edit", by: "ada", reason: "half came back" }))).toBe("accepted with changes, by ada, half came back");
  expect(summaryOf(event("step_failed", { error: "no answer", attempt: 2 }))).toBe("no answer, attempt 2 is not the last");
  expect(summaryOf(event("step_failed", { error: "no answer", final: true }))).toBe("no answer");
  expect(summaryOf(event("waiting", { signal: "go", until_ms: null }))).toBe("for the signal “go”");
  expect(summaryOf(event("recorded", { type: "x" }))).toBe('{"type":"x"}');
});
test("the signals that are waited for are those of steps that wait", () => {
  const events = [event("waiting", { signal: "old" }, "a"), event("waiting", { signal: "go" }, "b"), event("waiting", { signal: null }, "c")];
  expect(signalsOf({ steps: [step("a", "finished"), step("b", "waiting"), step("c", "waiting")] }, events)).toEqual(["go"]);
});
test("short runs are told in milliseconds", () => {
  expect([tookOf({ created_at: 10, updated_at: 10.25 }), tookOf({ created_at: 10, updated_at: 12 }), tookOf({ created_at: 0, updated_at: 90 }), tookOf({ created_at: 5, updated_at: 4 })]).toEqual(["250 ms", "2.0 s", "1 min 30 s", "0.0 ms"]);
});
