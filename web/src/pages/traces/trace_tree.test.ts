import { expect, test } from "vitest";
import type { TraceSpan } from "../../api/types";
import { everyBranch, flat, matches, messagesOf, modelCalls, sortOf, treeOf, visible } from "./trace_tree";

const span = (id: string, parent_id: string | null, start_ms: number, duration_ms: number, more: Partial<TraceSpan> = {}): TraceSpan =>
  ({ id, parent_id, name: id, kind: "internal", start_ms, duration_ms, error: null, cost: null, attributes: {}, content: {}, replayable: false, children: [], ...more });
const ids = (list: { span: TraceSpan }[]) => list.map((branch) => branch.span.id);

test("children stand under their parent in the order in which they began, on the trace's clock", () => {
  const [root, ...others] = treeOf([span("b", "a", 60, 40), span("a", null, 0, 100), span("c", "a", 10, 50), span("d", "c", 20, 20)]);
  expect(others).toEqual([]);
  expect(ids(root!.children)).toEqual(["c", "b"]);
  expect(root!.children[0]!.children[0]).toMatchObject({ depth: 2, offset: 0.2, width: 0.2 });
});

test("the time of its own is what no child covers, side by side or not", () => {
  const [root] = treeOf([span("a", null, 0, 100), span("b", "a", 10, 40), span("c", "a", 30, 40), span("d", "a", 90, 50)]);
  expect(root!.self_ms).toBe(30);   // 0–10, 70–90
});

test("each span is there once: orphans are roots, and a ring of parents ends", () => {
  expect(ids(everyBranch(treeOf([span("a", "gone", 5, 1), span("b", "c", 1, 1), span("c", "b", 2, 1), span("d", "d", 3, 1)]))).sort()).toEqual(["a", "b", "c", "d"]);
  expect(treeOf([])).toEqual([]);
});

test("what is inside a closed span is not seen, and a failure is seen from above", () => {
  const trees = treeOf([span("a", null, 0, 9), span("b", "a", 1, 5), span("c", "b", 2, 1, { error: { type: "unavailable", message: "gone" } }), span("d", "a", 7, 1)]);
  expect(ids(visible(trees, new Set(["b"])))).toEqual(["a", "b", "d"]);
  expect(everyBranch(trees).map((branch) => branch.failedInside)).toEqual([true, true, true, false]);
});

test("a span is found by its name, its attributes and what it said", () => {
  const one = span("chat qwen", null, 0, 1, { attributes: { "gen_ai.request.model": "Qwen3" }, content: { output: "Thirty days." } });
  for (const words of ["", "CHAT", "qwen3", "thirty", "chat days"]) expect(matches(one, words)).toBe(true);
  expect(matches(one, "llama")).toBe(false);
});

test("model calls are known by OpenTelemetry's names, and what is not said is not made up", () => {
  const call = span("chat", null, 0, 1, { attributes: { "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 12, "gen_ai.response.time_to_first_chunk": 0.25 }, cost: 0.5 });
  expect(modelCalls([call, span("x", null, 0, 1)])).toEqual([{ span: call, model: "m", input: 12, cached: null, output: null, first_ms: 250, cost: 0.5 }]);
  expect(sortOf(span("retrieval keyword", null, 0, 1))).toBe("retrieval");
  expect(sortOf(span("ground verify", null, 0, 1))).toBe("ground");
  expect(sortOf(span("POST /v1/x", null, 0, 1, { kind: "server" }))).toBe("request");
});

test("the server's nested spans are the same tree again", () => {
  const nested = [span("a", null, 0, 10, { children: [span("b", "a", 1, 2, { children: [span("c", "b", 1, 1)] }), span("d", "a", 4, 2)] })];
  expect(flat(nested).map((one) => one.id)).toEqual(["a", "b", "c", "d"]);
  expect(ids(everyBranch(treeOf(flat(nested))))).toEqual(["a", "b", "c", "d"]);
});

test("prompts are read as messages, and anything else is left as it is", () => {
  expect(messagesOf([{ role: "user", parts: [{ type: "text", content: "Hello" }, { type: "text", content: "there" }] }])).toEqual([{ role: "user", text: "Hello\nthere" }]);
  expect(messagesOf([{ role: "user", parts: [{ type: "image" }] }])).toEqual([{ role: "user", text: '{"type":"image"}' }]);
  for (const other of ["text", [], [1], [{ role: "user" }], { role: "user" }, null]) expect(messagesOf(other)).toBeNull();
});
