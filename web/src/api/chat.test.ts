import { expect, test } from "vitest";
import { readChunk, type Stream } from "./chat";
import type { Citation } from "./types";

const stream: Stream = { wish: { content: "q", bases: [] }, state: "waiting", text: "Twelve", citations: [], strata: null, error: null };
const citation = { number: 1, document_id: "doc_1", begin: 3, end: 9 } as Citation;

test("text is added to what was written, with its citations", () => {
  const data = JSON.stringify({ choices: [{ delta: { content: " weeks", annotations: [{ type: "file_citation", strata: citation }] } }] });
  expect(readChunk(stream, data)).toEqual({ text: "Twelve weeks", state: "writing", citations: [citation] });
});

test("the first chunk, without text, changes nothing", () => {
  expect(readChunk(stream, JSON.stringify({ choices: [{ delta: { role: "assistant", content: "" } }] }))).toEqual({});
});

test("an error inside the stream is thrown with its words", () => {
  expect(() => readChunk(stream, JSON.stringify({ error: { message: "the model failed", code: "x" } }))).toThrow("the model failed");
});
