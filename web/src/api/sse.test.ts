import { expect, test } from "vitest";
import { SseParser } from "./sse";

const stream = new TextEncoder().encode('data: {"a":"é😀"}\n\n: a comment\r\ndata: one\r\ndata:two\r\n\r\ndata: [DONE]\n\n');
const events = ['{"a":"é😀"}', "one\ntwo", "[DONE]"];

test("gives the same events wherever the bytes are cut", () => {
  for (let cut = 0; cut <= stream.length; ++cut) {
    const parser = new SseParser();
    expect([...parser.push(stream.slice(0, cut)), ...parser.push(stream.slice(cut))]).toEqual(events);
  }
});

test("gives the same events byte by byte", () => {
  const parser = new SseParser();
  expect([...stream].flatMap((byte) => parser.push(Uint8Array.of(byte)))).toEqual(events);
});

test("gives no event that its empty line has not ended", () => {
  expect(new SseParser().push(new TextEncoder().encode("data: half\n"))).toEqual([]);
});
