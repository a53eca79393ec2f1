import { expect, test } from "vitest";
import { fieldsOf } from "../../format/schema_form";
import { pointer, problemsByField } from "./tool_problems";

const fields = fieldsOf({ type: "object", required: ["body"], properties: { unit: { type: "string", enum: ["c", "f"] }, body: { type: "object", properties: { cents: { type: "integer" } } }, list: { type: "array" } } });

test("a pointer's parts are read back from their escapes", () => expect(pointer("/a~1b/0/m~0n")).toEqual(["a/b", "0", "m~n"]));
test("what is wrong stands at its field, however deep inside", () => {
  const problem = { keyword: "type", got: '"x"' };
  const { found: told, rest } = problemsByField([{ ...problem, path: "/body/cents", expected: "an integer" }, { ...problem, path: "/list/3/id", expected: "a string" }, { ...problem, path: "/unit", expected: 'one of "c", "f"', nearest: "c" }, { ...problem, path: "", expected: "an object" }], fields);
  expect(Object.keys(told).sort()).toEqual(["body.cents", "list", "unit"]);
  expect(rest.map((one) => one.path)).toEqual([""]);
  expect(told["unit"]).toContain('one of "c", "f"');
  expect(told["unit"]).toContain("“c”");
});
