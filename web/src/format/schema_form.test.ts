import { expect, test } from "vitest";
import type { JsonSchema } from "../api/types";
import { readObject } from "./json";
import { fieldsOf, startTexts, valueOf } from "./schema_form";

const schema: JsonSchema = {
  type: "object", required: ["question", "body"],
  properties: {
    question: { type: "string" }, amount: { type: "number", default: 0 }, count: { type: "integer" }, kind: { type: "string", enum: ["a", "b"] }, sure: { type: "boolean" }, bases: { type: "array", default: [] },
    big_model: { type: "string", default: "large" }, body: { type: "object", required: ["cents"], properties: { cents: { type: "integer" }, note: { $ref: "#/$defs/Note" } } }, filter: { type: "object", properties: { a: { type: "string" } }, required: ["a"] },
  },
  $defs: { Note: { type: "string", description: "Why" } },
};
const fields = fieldsOf(schema);

test("each property becomes a field of its kind; a needed object becomes the fields inside it", () => {
  expect(fields.map((field) => [field.key, field.sort, field.required])).toEqual([
    ["question", "long", true], ["amount", "number", false], ["count", "integer", false], ["kind", "choice", false], ["sure", "flag", false], ["bases", "json", false], ["big_model", "text", false],
    ["body.cents", "integer", true], ["body.note", "text", false], ["filter", "json", false]]);
  expect(fields.find((field) => field.key === "body.note")?.schema.description).toBe("Why");
});
test("the form begins with the schema's defaults", () => expect(startTexts(fields)).toEqual({ amount: "0", bases: "[]", big_model: "large" }));
test("texts become the value; what is left out is not sent", () => {
  const spelled = valueOf(fields, { question: "Who?", amount: "1.5", count: "3", kind: "b", sure: "false", bases: '["x"]', big_model: "", "body.cents": "80" });
  expect(spelled).toEqual({ value: { question: "Who?", amount: 1.5, count: 3, kind: "b", sure: false, bases: ["x"], big_model: "", body: { cents: 80 } }, problems: {} });
});
test("what is missing or of another kind is told at its field", () => {
  const { problems } = valueOf(fields, { amount: "much", count: "1.5", bases: "[", "body.cents": " " });
  expect(Object.keys(problems).sort()).toEqual(["amount", "bases", "body.cents", "count", "question"]);
});
test("only an object is one", () => {
  expect(readObject("")).toEqual({ value: {} });
  expect(readObject('{"a": 1}')).toEqual({ value: { a: 1 } });
  expect("problem" in readObject("[1]") && "problem" in readObject("null") && "problem" in readObject("{")).toBe(true);
});
