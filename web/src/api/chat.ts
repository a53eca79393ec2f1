// Streams of answers. They live outside the components, so that looking at another page neither stops nor loses one.
import { useSyncExternalStore } from "react";
import { ApiError, connection, request } from "./client";
import { conversationQuery, queryClient } from "./queries";
import { SseParser } from "./sse";
import type { Citation, Strata } from "./types";

export interface Wish { content: string; bases: string[]; regenerate?: boolean }
export interface Stream {
  wish: Wish;
  state: "waiting" | "writing" | "stopped" | "failed";
  text: string;
  citations: Citation[];
  strata: Strata | null;
  error: ApiError | null;
}
interface Chunk {
  error?: { message: string; code?: string | null };
  choices?: { delta?: { content?: string; annotations?: { strata?: Citation }[] } }[];
  strata?: Strata;
}

const streams = new Map<string, Stream>();
const aborts = new Map<string, AbortController>();
const listeners = new Set<() => void>();

function set(conversation: string, stream: Stream | null) {
  if (stream) streams.set(conversation, stream);
  else streams.delete(conversation);
  listeners.forEach((listener) => listener());
}
function patch(conversation: string, changes: Partial<Stream>) {
  const stream = streams.get(conversation);
  if (stream) set(conversation, { ...stream, ...changes });
}

export function useStream(conversation: string): Stream | null {
  return useSyncExternalStore(
    (listener) => { listeners.add(listener); return () => { listeners.delete(listener); }; },
    () => streams.get(conversation) ?? null);
}
export const stop = (conversation: string) => aborts.get(conversation)?.abort();
export const forget = (conversation: string) => { stop(conversation); set(conversation, null); };

export function readChunk(stream: Stream, data: string): Partial<Stream> {
  const chunk = JSON.parse(data) as Chunk;
  if (chunk.error) throw new ApiError(chunk.error.message, 200, chunk.error.code ?? "", "");
  const delta = chunk.choices?.[0]?.delta;
  const changes: Partial<Stream> = {};
  if (delta?.content) { changes.text = stream.text + delta.content; changes.state = "writing"; }
  const added = delta?.annotations?.flatMap((annotation) => annotation.strata ?? []) ?? [];
  if (added.length > 0) changes.citations = [...stream.citations, ...added];
  if (chunk.strata) changes.strata = chunk.strata;
  return changes;
}

async function read(conversation: string, response: Response) {
  const parser = new SseParser();
  const reader = response.body!.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    for (const data of parser.push(value)) {
      if (data === "[DONE]") return;
      const stream = streams.get(conversation);
      if (stream) patch(conversation, readChunk(stream, data));
    }
  }
  throw new ApiError("The connection ended before the answer did.", 0, "connection_lost", response.headers.get("x-request-id") ?? "");
}

// Asks, and returns when the answer is complete, stopped or failed.
export async function ask(conversation: string, wish: Wish): Promise<void> {
  stop(conversation);
  const abort = new AbortController();
  aborts.set(conversation, abort);
  set(conversation, { wish, state: "waiting", text: "", citations: [], strata: null, error: null });
  try {
    const body = { vector_store_ids: wish.bases, ...(wish.regenerate ? { regenerate: true } : { content: wish.content }) };
    const response = await request(`/strata/v1/conversations/${encodeURIComponent(conversation)}/messages`, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal: abort.signal });
    await read(conversation, response);
    await reload(conversation);
    set(conversation, null);
  } catch (error) {
    if (aborts.get(conversation) !== abort) return;
    await ended(conversation, abort, error);
  } finally {
    if (aborts.get(conversation) === abort) aborts.delete(conversation);
  }
}

async function ended(conversation: string, abort: AbortController, error: unknown) {
  if (abort.signal.aborted) {
    patch(conversation, { state: "stopped" });
  } else {
    const known = error instanceof ApiError ? error : new ApiError("The connection was lost while the answer was written.", 0, "connection_lost", "");
    if (known.lost) connection.set(false);
    patch(conversation, { state: "failed", error: known });
  }
  await reload(conversation).catch(() => undefined);
}

async function reload(conversation: string) {
  // A read that began before the reply was stored must not stand for one that began after.
  await queryClient.cancelQueries({ queryKey: conversationQuery(conversation).queryKey });
  await queryClient.fetchQuery({ ...conversationQuery(conversation), staleTime: 0 });
  void queryClient.invalidateQueries({ queryKey: ["conversations"] });
}

// After a failure it is not known whether the question arrived: what the server has decides how it is asked again.
export async function retry(conversation: string, wish: Wish): Promise<void> {
  await queryClient.cancelQueries({ queryKey: conversationQuery(conversation).queryKey });
  const kept = await queryClient.fetchQuery({ ...conversationQuery(conversation), staleTime: 0, retry: false });
  const last = kept.messages.at(-1), before = kept.messages.at(-2);
  if (!wish.regenerate && last?.role === "assistant" && before?.content === wish.content) { set(conversation, null); return; }
  const arrived = last?.role === "user" && last.content === wish.content;
  await ask(conversation, { ...wish, regenerate: wish.regenerate || arrived });
}
