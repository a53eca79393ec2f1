import { expect, test } from "vitest";
import { labelOf, readAt, sections, shownText, tidied, toggled, typedValue, writeAt } from "./spec_value";

test("a value is written at its path and the rest stays", () => {
  const before = { name: "A", definition: { feel: "precise" } };
  const after = writeAt(before, "definition.impact", "minutes");
  expect(after).toEqual({ name: "A", definition: { feel: "precise", impact: "minutes" } });
  expect(before.definition).toEqual({ feel: "precise" });
  expect(readAt(after, "definition.impact")).toBe("minutes");
  expect(readAt(null, "definition.impact")).toBeUndefined();
});

test("what is emptied leaves no empty section behind", () => {
  expect(writeAt({ personas: { developer: { current_workflow: "x" } } }, "personas.developer.current_workflow", undefined)).toEqual({});
});

test("what is typed means a number only where it is one, and is never lost", () => {
  expect(typedValue("number", "3.5")).toBe(3.5);
  expect(typedValue("integer", " 42 ")).toBe(42);
  expect(typedValue("number", "3,5")).toBe("3,5");
  expect(typedValue("number", "3.")).toBe("3.");
  expect(typedValue("text", "12")).toBe("12");
  expect(typedValue("boolean", "true")).toBe(true);
  expect(typedValue("texts", "a\n\nb")).toEqual(["a", "", "b"]);
  expect(typedValue("text", "")).toBeUndefined();
  expect(shownText(["a", "", "b"])).toBe("a\n\nb");
  expect(shownText(0)).toBe("0");
});

test("empty lines of lists do not reach the spec", () => {
  expect(tidied({ definition: { jobs: ["a", "", "b"] }, name: "" })).toEqual({ definition: { jobs: ["a", "b"] }, name: "" });
});

test("choices are taken and given back in the order of choosing", () => {
  expect(toggled(undefined, "chat", true)).toEqual(["chat"]);
  expect(toggled(["chat", "form"], "chat", false)).toEqual(["form"]);
  expect(toggled(["chat"], "chat", false)).toBeUndefined();
});

test("labels and sections read as people do", () => {
  expect(labelOf("definition.why_ai")).toBe("Why AI");
  expect(labelOf("pii_handling")).toBe("PII handling");
  const field = (path: string, section: string) => ({ path, section, kind: "text" as const, required: false, meaning: "", choices: [] });
  expect(sections([field("a", "X"), field("b", "X"), field("c", "Y")]).map(([name, list]) => [name, list.length])).toEqual([["X", 2], ["Y", 1]]);
});
