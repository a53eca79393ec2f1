import { expect, test } from "vitest";
import { badLine, enteredAt, exampleCsv, importKind, recordCount } from "./imports";

test("records are counted without the header, blank lines and line breaks inside quotes", () => {
  expect(recordCount("")).toBe(0);
  expect(recordCount("date,score\n")).toBe(0);
  expect(recordCount("date,score\r\n2026-11-20,5\r\n\r\n2026-11-21,4")).toBe(2);
  expect(recordCount('developer,kind\n"ann\nlee",signup\n')).toBe(1);
});

test("the line that an error names is found in the text", () => {
  const csv = "date,score\n2026-11-20,5\n2026-11-21,9\n";
  const bad = badLine("line 3, score: expected a whole number from 1 to 5, got '9'", csv);
  expect(bad).toMatchObject({ number: 3, field: "score", text: "2026-11-21,9" });
  expect(csv.slice(bad!.begin, bad!.end)).toBe("2026-11-21,9");
  expect(badLine("line 2: expected 2 fields, got 3", "a,b\r\n1,2,3\r\n")).toMatchObject({ number: 2, field: "", text: "1,2,3" });
});

test("an error without a line, or of one that is gone, points nowhere", () => {
  expect(badLine("the header has no column 'date'", "a,b\n")).toBeNull();
  expect(badLine("line 9, score: expected …", "a,b\n1,2")).toBeNull();
});

test("each kind has an example, and an unknown kind is the first", () => {
  expect(exampleCsv("satisfaction", "2026-W47", Date.UTC(2026, 10, 22))).toBe("date,score\n2026-11-21,5\n2026-11-21,4\n2026-11-22,3\n");
  expect(exampleCsv("facts", "2026-W47", 0)).toContain("2026-W47,eligible_users,40");
  expect(importKind("developers")).toBe("developers");
  expect(importKind("elsewhere")).toBe("satisfaction");
});

test("a typed day is its noon, never a time to come", () => {
  const now = Date.parse("2026-11-22T09:00:00Z");
  expect(enteredAt("2026-11-20", now)).toBe(Date.parse("2026-11-20T12:00:00Z") / 1000);
  expect(enteredAt("2026-11-22", now)).toBe(now / 1000);
  expect(enteredAt("", now)).toBe(now / 1000);
  expect(enteredAt("nonsense", now)).toBe(now / 1000);
});
