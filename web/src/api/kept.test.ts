import { expect, test } from "vitest";
import { keepChanges, readChanges } from "./kept";

function storage() {
  const map = new Map<string, string>();
  return { map, getItem: (key: string) => map.get(key) ?? null, setItem: (key: string, value: string) => { map.set(key, value); }, removeItem: (key: string) => { map.delete(key); } };
}

test("changes come back as they were typed, per form, and an empty form leaves nothing behind", () => {
  const box = storage();
  keepChanges("a", { csat: "4.", accuracy: "" }, box);
  expect(readChanges("a", box)).toEqual({ csat: "4.", accuracy: "" });
  expect(readChanges("b", box)).toEqual({});
  keepChanges("a", {}, box);
  expect(box.map.size).toBe(0);
});

test("damaged, foreign or forbidden storage is no error", () => {
  const box = storage();
  for (const text of ["{broken", "[1]", "null", "7"]) {
    box.map.set("strata.form.a", text);
    expect(readChanges("a", box)).toEqual({});
  }
  box.map.set("strata.form.a", '{"x": 3, "y": "4"}');
  expect(readChanges("a", box)).toEqual({ y: "4" });
  expect(() => { keepChanges("a", { x: "1" }, { ...box, setItem: () => { throw new Error("full"); } }); }).not.toThrow();
});
