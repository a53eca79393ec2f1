// Spans as the tree that they are, and as bars on one clock. Pure: what is drawn is computed here.
import type { TraceSpan } from "../../api/types";

export interface Branch {
  span: TraceSpan; depth: number; children: Branch[];
  offset: number; width: number;      // of the trace's whole time, from 0 to 1
  self_ms: number;                    // time in which no child ran
  failedInside: boolean;              // it or something below it failed
}

const begin = (span: TraceSpan) => span.start_ms, end = (span: TraceSpan) => span.start_ms + span.duration_ms;

// Time covered by the children, each moment once: they may run side by side.
function covered(spans: TraceSpan[], from: number, to: number): number {
  let sum = 0, until = from;
  for (const span of [...spans].sort((a, b) => begin(a) - begin(b))) {
    const last = Math.min(end(span), to);
    if (last <= until) continue;
    sum += last - Math.max(begin(span), until);
    until = last;
  }
  return sum;
}

// The server's nested spans, one after the other.
export const flat = (spans: readonly TraceSpan[]): TraceSpan[] => spans.flatMap((span) => [span, ...flat(span.children)]);

// Roots are spans without a parent here: a caller elsewhere, or one that was dropped. Each span appears exactly once, also where parents
// form a ring.
export function treeOf(spans: readonly TraceSpan[]): Branch[] {
  const byId = new Map(spans.map((span) => [span.id, span]));
  const below = new Map<string, TraceSpan[]>();
  const roots: TraceSpan[] = [];
  for (const span of spans) {
    const parent = span.parent_id;
    if (parent !== null && parent !== span.id && byId.has(parent)) below.set(parent, [...(below.get(parent) ?? []), span]);
    else roots.push(span);
  }
  const first = Math.min(...spans.map(begin)), whole = Math.max(...spans.map(end)) - first || 1;
  const seen = new Set<string>();
  const grow = (span: TraceSpan, depth: number): Branch => {
    seen.add(span.id);
    const direct = (below.get(span.id) ?? []).filter((child) => !seen.has(child.id)).sort((a, b) => begin(a) - begin(b) || a.id.localeCompare(b.id));
    const children = direct.filter((child) => !seen.has(child.id)).map((child) => grow(child, depth + 1));
    return {
      span, depth, children, offset: (begin(span) - first) / whole, width: Math.min(1, span.duration_ms / whole),
      self_ms: Math.max(0, span.duration_ms - covered(direct, begin(span), end(span))), failedInside: span.error !== null || children.some((child) => child.failedInside),
    };
  };
  const ordered = (list: TraceSpan[]) => [...list].sort((a, b) => begin(a) - begin(b) || a.id.localeCompare(b.id));
  const trees = ordered(roots).map((span) => grow(span, 0));
  for (const span of ordered([...spans])) if (!seen.has(span.id)) trees.push(grow(span, 0));
  return trees;
}

// The rows that are seen: what is inside a closed one is not.
export function visible(trees: readonly Branch[], closed: ReadonlySet<string>): Branch[] {
  return trees.flatMap((branch) => [branch, ...(closed.has(branch.span.id) ? [] : visible(branch.children, closed))]);
}
export const everyBranch = (trees: readonly Branch[]): Branch[] => visible(trees, new Set());

export type SpanSort = "model" | "retrieval" | "ground" | "tool" | "guard" | "request" | "other";
// By OpenTelemetry's names for generative AI, else by ours.
export function sortOf(span: TraceSpan): SpanSort {
  const operation = span.attributes["gen_ai.operation.name"];
  if (operation === "chat" || operation === "text_completion" || operation === "embeddings" || operation === "generate_content") return "model";
  if (operation === "execute_tool") return "tool";
  const first = span.name.split(" ")[0];
  if (operation === "retrieval" || first === "retrieval") return "retrieval";
  if (first === "ground" || first === "guard" || first === "tool") return first;
  if (span.kind === "server") return "request";
  return "other";
}

const numberAt = (span: TraceSpan, key: string) => { const value = span.attributes[key]; return typeof value === "number" ? value : null; };
export interface ModelCall { span: TraceSpan; model: string; input: number | null; cached: number | null; output: number | null; first_ms: number | null; cost: number | null }
export function modelCalls(spans: readonly TraceSpan[]): ModelCall[] {
  const inMs = (seconds: number | null) => (seconds === null ? null : seconds * 1000);
  return spans.filter((span) => sortOf(span) === "model").map((span) => ({
    span, model: String(span.attributes["gen_ai.response.model"] ?? span.attributes["gen_ai.request.model"] ?? ""),
    input: numberAt(span, "gen_ai.usage.input_tokens"), cached: numberAt(span, "gen_ai.usage.cache_read.input_tokens"), output: numberAt(span, "gen_ai.usage.output_tokens"),
    first_ms: inMs(numberAt(span, "gen_ai.response.time_to_first_chunk")), cost: span.cost,
  }));
}

// Whether all words are in what the span says.
export function matches(span: TraceSpan, words: string): boolean {
  const said = `${span.name} ${JSON.stringify(span.attributes)} ${JSON.stringify(span.content)} ${span.error ? `${span.error.type} ${span.error.message}` : ""}`.toLowerCase();
  return words.toLowerCase().split(/\s+/).filter(Boolean).every((word) => said.includes(word));
}

// Prompts and answers as OpenTelemetry writes them: [{role, parts: [{type, content}]}]. null: it is something else.
export interface SaidMessage { role: string; text: string }
export function messagesOf(value: unknown): SaidMessage[] | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const messages = value.map((one: unknown): SaidMessage | null => {
    const { role, parts } = (one ?? {}) as { role?: unknown; parts?: unknown };
    if (typeof role !== "string" || !Array.isArray(parts)) return null;
    return { role, text: parts.map((part: unknown) => { const { content } = (part ?? {}) as { content?: unknown }; return typeof content === "string" ? content : JSON.stringify(part); }).join("\n") };
  });
  return messages.some((message) => message === null) ? null : messages as SaidMessage[];
}
