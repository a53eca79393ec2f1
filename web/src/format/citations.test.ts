import { expect, test } from "vitest";
import { splitCitations, whereOf } from "./citations";

const known = new Set([1, 2, 12]);

test("markers of known citations become numbers", () => {
  expect(splitCitations("Twelve weeks. [1][2] More [12]", known)).toEqual(["Twelve weeks. ", 1, 2, " More ", 12]);
});

test("other brackets stay text", () => {
  expect(splitCitations("a[3] [x] [] [1", known)).toEqual(["a[3] [x] [] [1"]);
  expect(splitCitations("", known)).toEqual([]);
});

test("a place says title, headings and page, nothing twice", () => {
  expect(whereOf({ title: "Leave", filename: "leave.md", heading: "Leave > Parental leave", page: null })).toBe("Leave › Parental leave");
  expect(whereOf({ title: "", filename: "a.pdf", heading: "", page: 3 })).toBe("a.pdf › page 3");
});
