import { expect, test } from "vitest";
import type { RunEvent } from "../../api/types";
import { stepsOf } from "../agents/steps";
import { entriesOf, inThread, memberWork, spentByMember } from "./room";

let sequence = 0;
const event = (kind: string, step: string, data: Record<string, unknown> = {}): RunEvent => ({ sequence: ++sequence, kind, step, data, decision: false, at: sequence });
const planned = (path: string, id: string, kind = "model") => event("planned", path, { at: "work/", step: { id, kind } });
const message = (id: string, from: string, to: string, thread: string) => event("recorded", "work/note", { type: "message", data: { id, from, to, thread, text: `${from} to ${to}`, reply_to: null } });
const usage = { prompt_tokens: 20, completion_tokens: 5 };

const assigned = [planned("work/assign", "assign"), event("step_finished", "work/assign", { output: { reason: "numbers first", to: "maths", task: "6 * 7" }, usage }), message("m1", "supervisor", "maths", "maths")];
const working = [planned("work/member_maths", "member_maths", "driven"), event("opened", "work/member_maths", { driver: "agent" }), planned("work/member_maths/think", "think")];
const worked = [event("step_finished", "work/member_maths/think", { output: { thought: "t", tool: "final_answer", arguments: {} }, usage, cost: 0.5 }), event("step_finished", "work/member_maths", { output: { outcome: "done" } }), message("m2", "maths", "supervisor", "maths")];

function room(events: RunEvent[], over = false) {
  const steps = stepsOf(events, over);
  return { steps, entries: entriesOf(events, steps, over) };
}

test("messages and work stand in the order in which they happened, an assignment with its reason", () => {
  const { entries } = room([...assigned, ...working, ...worked]);
  expect(entries.map((entry) => (entry.sort === "message" ? entry.id : entry.path))).toEqual(["m1", "work/member_maths", "m2"]);
  expect(entries[0]).toMatchObject({ reason: "numbers first", from: "supervisor" });
  expect(entries[2]).toMatchObject({ reason: "" });
  expect(entries[1]).toMatchObject({ over: true, member: "maths" });
});
test("who works is busy, and what each used is theirs", () => {
  const before = room([...assigned, ...working]);
  expect(spentByMember(["maths", "critic"], before.entries, before.steps).map((row) => [row.name, row.state, row.times, row.tokens])).toEqual([["maths", "busy", 1, 0], ["critic", "idle", 0, 0], ["supervisor", "idle", 1, 25]]);
  const after = room([...assigned, ...working, ...worked], true);
  expect(spentByMember(["maths"], after.entries, after.steps)[0]).toEqual({ name: "maths", times: 1, steps: 1, tokens: 25, cost: 0.5, state: "idle" });
});
test("a member who comes by again has other work, also inside of a parallel step and of an agent of its own name", () => {
  expect(["work/member_a#2/think", "work/all.a/member_a", "work/all.b/member_b/work/think#3", "work/assign"].map(memberWork)).toEqual(["work/member_a#2", "work/all.a/member_a", "work/all.b/member_b", ""]);
  const { entries } = room([event("opened", "work/all.b/member_b", { flow: "agent:x" }), event("opened", "work/all.b/member_b/work", { driver: "agent" }), planned("work/all.b/member_b/work/think", "think")]);
  expect(entries).toHaveLength(1);
  expect(entries[0]).toMatchObject({ sort: "work", member: "b", steps: [{ id: "think" }] });
});
test("one who hands over says why", () => {
  const { entries } = room([...working, event("step_finished", "work/member_maths", { output: { outcome: "handed_off", reason: "critic knows" } }), message("m1", "maths", "critic", "critic")]);
  expect(entries[1]).toMatchObject({ reason: "critic knows" });
});
test("a thread holds what one member was asked, did and answered", () => {
  const { entries } = room([...assigned, ...working, ...worked, message("m3", "supervisor", "critic", "critic")]);
  expect(entries.filter((entry) => inThread(entry, "maths"))).toHaveLength(3);
  expect(entries.filter((entry) => inThread(entry, "critic"))).toHaveLength(1);
  expect(entries.filter((entry) => inThread(entry, ""))).toHaveLength(4);
});
test("a run that has ended leaves nobody at work", () => expect(room([...assigned, ...working], true).entries.filter((entry) => entry.sort === "work" && !entry.over)).toEqual([]));
