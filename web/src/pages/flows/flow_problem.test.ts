import { expect, test } from "vitest";
import { ApiError } from "../../api/client";
import { freshName, lineOf, marksOf, renamed } from "./flow_problem";

test("the checker's words lead to their line", () => {
  expect(lineOf("line 12: steps[2].query: is missing")).toBe(12);
  expect(lineOf("no line is named")).toBe(0);
  expect(marksOf(new ApiError("line 3: steps[0].kind: there is no kind 'modle'", 400, "", ""))).toEqual([{ line: 3, message: "line 3: steps[0].kind: there is no kind 'modle'" }]);
  expect(marksOf(new ApiError("The server cannot be reached.", 0, "connection_lost", ""))).toEqual([]);
});
test("a template gets a name of its own", () => {
  expect(freshName("a", [])).toBe("a");
  expect(freshName("a", ["a", "a-2"])).toBe("a-3");
  expect(renamed("flow: a\nsteps:\n  - {id: flow, kind: set}\n", "a-$&")).toBe("flow: a-$&\nsteps:\n  - {id: flow, kind: set}\n");
});
