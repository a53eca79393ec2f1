import { expect, test } from "vitest";
import type { FlowArrow, FlowStep } from "../../api/types";
import { type Box, endPath, layoutOf, moved } from "./layout";
import { fileStep } from "../runs/run_state";

const to = (...names: string[]): FlowArrow[] => names.map((name) => ({ to: name, when: null }));
const one = (id: string, next: FlowArrow[], blocks?: FlowStep["blocks"]): FlowStep => ({ id, kind: "set", title: "", next, ...(blocks ? { blocks } : {}) });
const byPath = (boxes: Box[]) => Object.fromEntries(boxes.map((box) => [box.path, box]));
const apart = (a: Box, b: Box) => a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
const holds = (outer: Box, inner: Box) => inner.x >= outer.x && inner.y >= outer.y && inner.x + inner.width <= outer.x + outer.width && inner.y + inner.height <= outer.y + outer.height;

test("a chain stands one below the other, in one line, with its end last", () => {
  const { boxes, arrows } = layoutOf({ steps: [one("a", to("b")), one("b", to("c")), one("c", to("end"))] });
  const at = byPath(boxes);
  expect(boxes.map((box) => box.path)).toEqual(["a", "b", "c", endPath]);
  expect(at["a"]!.y < at["b"]!.y && at["b"]!.y < at["c"]!.y && at["c"]!.y < at[endPath]!.y).toBe(true);
  expect(new Set(boxes.map((box) => box.x + box.width / 2)).size).toBe(1);
  expect(arrows.map((arrow) => [arrow.from, arrow.to])).toEqual([["a", "b"], ["b", "c"], ["c", endPath]]);
});
test("ways that part stand side by side, meet below, and cover each other nowhere", () => {
  const { boxes, width, height } = layoutOf({ steps: [one("if", [{ to: "x", when: "a > 1" }, { to: "y", when: "else" }]), one("x", to("z")), one("y", to("z")), one("z", to("end"))] });
  const at = byPath(boxes);
  expect(at["x"]!.y).toBe(at["y"]!.y);
  expect(at["z"]!.y).toBeGreaterThan(at["x"]!.y);
  for (const a of boxes) for (const b of boxes) if (a !== b) expect(apart(a, b)).toBe(true);
  expect(boxes.every((box) => box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height)).toBe(true);
});
test("two arrows between the same steps are one, with both their words", () => {
  const { arrows } = layoutOf({ steps: [one("if", [{ to: "x", when: "p" }, { to: "x", when: "q" }]), one("x", to("end"))] });
  expect(arrows[0]).toMatchObject({ from: "if", to: "x", label: "p | q" });
});
test("a loop goes back and moves no step", () => {
  const { boxes, arrows } = layoutOf({ steps: [one("add", to("again")), one("again", to("add", "done")), one("done", to("end")), one("self", to("self"))] });
  expect(arrows.filter((arrow) => arrow.back).map((arrow) => [arrow.from, arrow.to])).toEqual([["again", "add"], ["self", "self"]]);
  const at = byPath(boxes);
  expect(at["add"]!.y < at["again"]!.y && at["again"]!.y < at["done"]!.y).toBe(true);
});
test("an arrow over several layers leaves room for itself", () => {
  const { boxes, arrows } = layoutOf({ steps: [one("a", to("b", "d")), one("b", to("c")), one("c", to("d")), one("d", to("end"))] });
  const long = arrows.find((arrow) => arrow.from === "a" && arrow.to === "d")!;
  expect(long.d.match(/C/g)).toHaveLength(3);
  const bends = [...long.d.matchAll(/C [^C]* (-?[\d.]+) (-?[\d.]+) (-?[\d.]+) (-?[\d.]+)/g)].map((match) => [Number(match[3]), Number(match[4])]).slice(0, -1);
  for (const [x, y] of bends) for (const box of boxes) expect(x! > box.x && x! < box.x + box.width && y! > box.y && y! < box.y + box.height).toBe(false);
});
test("what is inside a step stands inside its box, branches side by side", () => {
  const { boxes, lanes } = layoutOf({ steps: [one("both", to("end"), [{ name: "left", steps: [one("ask", to("write")), one("write", to("end"))] }, { name: "right", steps: [one("ask", to("end"))] }]), one("each", to("end"), [{ name: "", steps: [one("note", to("end"))] }])] });
  const at = byPath(boxes);
  expect(Object.keys(at)).toEqual(["both", "both.left/ask", "both.left/write", "both.right/ask", "each", "each/note", endPath]);
  for (const path of ["both.left/ask", "both.left/write", "both.right/ask"]) expect(holds(at["both"]!, at[path]!)).toBe(true);
  expect(holds(at["each"]!, at["each/note"]!)).toBe(true);
  expect(apart(at["both.left/ask"]!, at["both.right/ask"]!)).toBe(true);
  expect(lanes.map((lane) => lane.name)).toEqual(["left", "right", ""]);
});
test("a flow in a flow stands inside the step that entered it, under the paths of the run's log", () => {
  const { boxes } = layoutOf({ steps: [one("each", to("end"), [{ name: "", steps: [one("call", to("end"), [{ name: "", steps: [one("ask", to("end"))] }])] }])] });
  const at = byPath(boxes);
  expect(holds(at["each/call"]!, at[fileStep("each[3]/call/ask#2")]!)).toBe(true);
});
test("a path moves by its pairs", () => expect(moved("M 1 2 C 3 -4 5 6 7.5 8", 10, 100)).toBe("M 11 102 C 13 96 15 106 17.5 108"));
test("nothing is a picture of nothing", () => expect(layoutOf({ steps: [] })).toMatchObject({ width: 0, boxes: [], arrows: [] }));
