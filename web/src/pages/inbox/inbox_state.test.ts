import { expect, test } from "vitest";
import type { Approval } from "../../api/types";
import { byUrgency, choicesOf, nearnessOf, shownCount } from "./inbox_state";

const names = (allow: Approval["allow"], edited: boolean) => choicesOf({ allow }, edited).map((choice) => choice.decision);

test("changed arguments can be accepted only as changed", () => {
  expect(names(["accept", "edit", "respond", "ignore"], false)).toEqual(["accept", "respond", "ignore"]);
  expect(names(["accept", "edit", "respond", "ignore"], true)).toEqual(["edit", "respond", "ignore"]);
});
test("only what the step allows is offered, the first as the main one", () => {
  expect(names(["ignore", "accept"], false)).toEqual(["accept", "ignore"]);
  expect(choicesOf({ allow: ["happened", "not_happened", "fail"] }, false)).toEqual([{ decision: "happened", look: "primary" }, { decision: "not_happened", look: "plain" }, { decision: "fail", look: "danger" }]);
});
test("deadlines are near in their last hour", () => {
  expect([nearnessOf(null, 100), nearnessOf(100, 100), nearnessOf(3700, 100), nearnessOf(3701, 100)]).toEqual(["none", "over", "near", "far"]);
});
test("what runs out first stands first, then what has waited longest", () => {
  const row = (id: string, deadline_at: number | null, created_at: number) => ({ id, deadline_at, created_at }) as Approval;
  expect([row("a", null, 2), row("b", 90, 3), row("c", null, 1), row("d", 50, 9)].sort(byUrgency).map((one) => one.id)).toEqual(["d", "b", "c", "a"]);
  expect([shownCount(3, 100), shownCount(100, 100)]).toEqual(["3", "100+"]);
});
