import { expect, test } from "vitest";
import { splitSummary } from "./disclosure";

const paragraph = (letter: string, size: number) => letter.repeat(size);

test("short answers are shown whole", () => {
  expect(splitSummary("one\n\ntwo")).toEqual(["one\n\ntwo", ""]);
});
test("a long answer gives its first paragraphs, and nothing is lost", () => {
  const text = [paragraph("a", 120), paragraph("b", 100), paragraph("c", 600)].join("\n\n");
  expect(splitSummary(text)).toEqual([`${paragraph("a", 120)}\n\n${paragraph("b", 100)}`, paragraph("c", 600)]);
});
test("one long paragraph is not cut, nor is code", () => {
  expect(splitSummary(paragraph("a", 2000))[1]).toBe("");
  expect(splitSummary(`\`\`\`\n${paragraph("a", 300)}\n\n${paragraph("b", 600)}\n\`\`\``)[1]).toBe("");
});
