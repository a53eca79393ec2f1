import { expect, test } from "vitest";
import { answerOf, databasesOf, marksOf, shownCell } from "./database";

test("a database is what has a tool that says what concerns a question", () => {
  expect(databasesOf([{ name: "calculator" }, { name: "query_shop" }, { name: "query_shop_context" }, { name: "query_shop_schema" }, { name: "query_telemetry_context" }, { name: "database_context" }])).toEqual(["shop", "telemetry"]);
});
test("only a run that ended well has an answer", () => {
  const result = { answered: true, sql: "SELECT 1" };
  expect(answerOf({ state: "succeeded", result })).toBe(result);
  expect(answerOf({ state: "running", result: null })).toBeNull();
  expect(answerOf({ state: "failed", result: null })).toBeNull();
});
test("the chart draws the named columns, and only numbers", () => {
  const answer = { columns: ["n", "model", "cost"], rows: [[1, "a", 0.5], [2, "b", null], [3, null, 2]], chart: { kind: "bar" as const, x: "model", y: "cost" } };
  expect(marksOf(answer)).toEqual([{ label: "a", value: 0.5 }, { label: "–", value: 2 }]);
  expect(marksOf({ ...answer, chart: null })).toEqual([]);
});
test("a year stays a year, a large number gets its groups", () => {
  expect(shownCell(2025)).toBe("2025");
  expect(shownCell(1234567)).not.toBe("1234567");
  expect(shownCell(null)).toBe("–");
});
