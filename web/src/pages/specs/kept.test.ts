import { expect, test } from "vitest";
import { forget, keep, readKept, type Kept } from "./kept";

function storage() {
  const map = new Map<string, string>();
  return { getItem: (key: string) => map.get(key) ?? null, setItem: (key: string, value: string) => { map.set(key, value); }, removeItem: (key: string) => { map.delete(key); } };
}
const kept: Kept = { source: "form", value: { name: "A" }, text: "name: A\n", base: 1, revision: 2 };

test("what is kept comes back as it was, per product", () => {
  const box = storage();
  keep("a", kept, box);
  expect(readKept("a", box)).toEqual(kept);
  expect(readKept("b", box)).toBeNull();
  forget("a", box);
  expect(readKept("a", box)).toBeNull();
});

test("damaged or forbidden storage is no error", () => {
  expect(readKept("a", { getItem: () => "{broken" })).toBeNull();
  expect(readKept("a", { getItem: () => '{"text": 3}' })).toBeNull();
  expect(() => { keep("a", kept, { setItem: () => { throw new Error("full"); } }); }).not.toThrow();
});
