import { expect, test } from "vitest";
import { dayBefore, everyDay, examplePrices, tracesOf } from "./usage";

const row = (key: string, cost: number) => ({ key, calls: 1, failed: 0, unpriced_calls: 0, input_tokens: 1, cached_tokens: 0, output_tokens: 1, cpu_seconds: 0, cost });

test("every day of the range has a row, over the month's end", () => {
  const days = everyDay([row("2026-11-30", 2)], "2026-11-29", "2026-12-02");
  expect(days.map((day) => [day.key, day.cost])).toEqual([["2026-11-29", 0], ["2026-11-30", 2], ["2026-12-01", 0], ["2026-12-02", 0]]);
  expect(everyDay([], "2026-12-02", "2026-12-01")).toEqual([]);
});

test("a period of n days holds today", () => {
  const now = Date.parse("2026-11-22T13:00:00Z");
  expect(dayBefore(now, 1)).toBe("2026-11-22");
  expect(dayBefore(now, 7)).toBe("2026-11-16");
});

test("a row leads to its traces", () => {
  expect(tracesOf("model", "a/b")).toBe("/traces?model=a%2Fb");
  expect(tracesOf("day", "2026-11-22")).toBe(`/traces?from=${Date.parse("2026-11-22") / 1000}&to=${Date.parse("2026-11-23") / 1000}`);
  expect(tracesOf("product", "")).toBe("/traces");
});

test("the example names the models that are here", () => {
  expect(examplePrices([{ id: "work-gpt", remote: true }, { id: "small", remote: false }])).toContain('[models."work-gpt"]');
  expect(examplePrices([])).toContain("cpu_hour");
});
