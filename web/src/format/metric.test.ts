import { expect, test } from "vitest";
import { comparison, metricChange, metricValue, shiftWeek, weekOf } from "./metric";

test("each unit has its own form", () => {
  expect(metricValue(0.2414, "fraction")).toBe("24.1 %");
  expect(metricValue(1, "fraction")).toBe("100 %");
  expect(metricValue(2.8, "seconds")).toBe("2.8 s");
  expect(metricValue(4.3333, "score")).toBe("4.33");
  expect(metricValue(4.2, "usd")).toBe("$4.20");
  expect(metricValue(0.00015, "usd")).toBe("$0.00015");
  expect(metricValue(-20, "usd")).toBe("-$20.00");
  expect(metricValue(12345, "count")).toBe("12,345");
});

test("a change has a direction and a size, and none without data", () => {
  expect(metricChange(0.3, 0.25, "fraction")).toEqual({ sign: 1, by: "5 points" });
  expect(metricChange(4.0, 4.2, "score")).toEqual({ sign: -1, by: "0.2" });
  expect(metricChange(0.30001, 0.3, "fraction")?.sign).toBe(0);
  expect(metricChange(null, 0.3, "fraction")).toBeNull();
});

test("a target reads as it is compared", () => {
  expect(comparison(">=", 0.85, "fraction")).toBe("≥ 85 %");
  expect(comparison("<", 5, "seconds")).toBe("< 5 s");
  expect(comparison("<=", null, "usd")).toBeNull();
});

test("weeks follow each other over the year's end", () => {
  expect(weekOf(Date.UTC(2026, 10, 22, 9))).toBe("2026-W47");
  expect(weekOf(Date.UTC(2026, 10, 23))).toBe("2026-W48");
  expect(weekOf(Date.UTC(2021, 0, 3))).toBe("2020-W53");
  expect(weekOf(Date.UTC(2024, 11, 30))).toBe("2025-W01");
  expect(shiftWeek("2020-W53", 1)).toBe("2021-W01");
  expect(shiftWeek("2021-W01", -1)).toBe("2020-W53");
  expect(shiftWeek("2026-W47", -8)).toBe("2026-W39");
});
