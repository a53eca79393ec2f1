import { expect, test } from "vitest";
import { ago, bytes, count, duration, exact, milliseconds, parameters, percent, plural, rate, score } from "./format";

test("bytes change their unit before they show four digits", () => {
  expect([0, 999, 1000, 99_950, 999_400, 999_600, 134_500_000, 2.5e9].map(bytes))
    .toEqual(["0 B", "999 B", "1.0 kB", "100 kB", "999 kB", "1.0 MB", "135 MB", "2.5 GB"]);
});

test("times carry their unit", () => {
  expect([0.25, 9.94, 12.4, 999, 1500].map(milliseconds)).toEqual(["0.3 ms", "9.9 ms", "12 ms", "999 ms", "1.5 s"]);
  expect([5, 65, 3600, 90061].map(duration)).toEqual(["5 s", "1 min 5 s", "1 h 0 min", "1 d 1 h"]);
});

test("counts, rates, scores", () => {
  expect(count(1234567)).toBe("1,234,567");
  expect(plural(1, "passage", "passages")).toBe("1 passage");
  expect(plural(2, "passage", "passages")).toBe("2 passages");
  expect(percent(0.834)).toBe("83 %");
  expect(rate(12.34)).toBe("12.3 tokens/s");
  expect(rate(0)).toBe("0 tokens/s");
  expect(score(null)).toBe("–");
  expect(score(0.12345)).toBe("0.123");
  expect(parameters(134_515_008)).toBe("135 M");
});

test("relative times round to the unit a person would use", () => {
  const now = 1_700_000_000;
  expect([0, 60, 3600, 86400, 40 * 86400, 800 * 86400].map((seconds) => ago(now - seconds, now)))
    .toEqual(["now", "1 minute ago", "1 hour ago", "yesterday", "last month", "2 years ago"]);
  expect(exact(0)).toBe("1970-01-01 00:00:00 UTC");
});
