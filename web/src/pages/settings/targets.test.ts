import { expect, test } from "vitest";
import { namedTarget, settingOf, shownTarget, typedTarget, unitOf } from "./targets";

test("a rate is typed in percent and kept as the fraction that its digits say", () => {
  for (let percent = 0; percent <= 100; percent += 1) expect(typedTarget(String(percent), "fraction")).toEqual({ value: Number((percent / 100).toFixed(2)), error: null });
  expect(typedTarget("57.3 %", "fraction").value).toBe(0.573);
  expect(typedTarget(" 7% ", "fraction").value).toBe(0.07);
});

test("what is shown is what was typed", () => {
  for (const text of ["0", "7", "29", "57.3", "99.9", "100"]) expect(shownTarget(typedTarget(text, "fraction").value, "fraction")).toBe(text);
  expect(shownTarget(4.5, "score")).toBe("4.5");
  expect(shownTarget(null, "usd")).toBe("");
});

test("an emptied field is no value, and no error", () => {
  expect(typedTarget("  ", "fraction")).toEqual({ value: null, error: null });
});

test("what is wrong is refused with what was expected", () => {
  for (const text of ["101", "-1", "85,5", "high", "1e3", "0x10", "."]) expect(typedTarget(text, "fraction").error).toBe("Expected a number from 0 to 100, such as 85");
  expect(typedTarget("5.1", "score").error).toContain("from 1 to 5");
  expect(typedTarget("-2", "seconds").error).toBe("Expected a number from 0, such as 3");
  expect(typedTarget("3 s", "seconds").value).toBe(3);
  expect(typedTarget("$2.50", "usd").value).toBe(2.5);
});

test("cost per resolution is judged by its distance from the baseline", () => {
  expect(settingOf("cost_per_resolution")).toBe("cost_reduction");
  expect(unitOf("cost_reduction", "usd")).toBe("fraction");
  expect(settingOf("csat")).toBe("csat");
  expect(namedTarget(0.5, "fraction")).toBe("50 %");
  expect(namedTarget(null, "usd")).toBe("not stated");
});
