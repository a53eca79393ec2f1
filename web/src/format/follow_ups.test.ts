import { expect, test } from "vitest";
import { followUps } from "./follow_ups";

const heading = (title: string, level: number, begin: number) => ({ title, level, begin, end: begin + title.length });
const handbook = [heading("Travel handbook", 1, 0), heading("Hotels", 2, 20), heading("Trains", 2, 100), heading("Receipts", 2, 200)];

test("what comes after the cited passage is offered first, the cited heading and the title not at all", () => {
  expect(followUps(handbook, [{ heading: "Travel handbook > Trains", begin: 110 }])).toEqual(["Receipts", "Hotels"]);
});
test("no headings, nothing offered; never more than three; each once", () => {
  expect(followUps([], [])).toEqual([]);
  expect(followUps(["One", "Two", "Two", "Three", "Four"].map((title, at) => heading(title, 2, at * 10)), [])).toHaveLength(3);
});
test("punctuation at the end goes", () => {
  expect(followUps([heading("Who pays?", 2, 5)], [])).toEqual(["Who pays"]);
});
