// A ticket's stream: the draft as it is written. The server commits the ticket before the first byte, so that after a lost connection the
// same conversation is drafted again instead of a second one being opened.
import { readChunk, type Stream } from "./chat";
import { ApiError, request } from "./client";
import { SseParser } from "./sse";

export interface TicketWish { product: string; content: string; bases: string[]; endUser: string; conversation: string }

function bodyOf(wish: TicketWish) {
  const place = wish.conversation ? { conversation_id: wish.conversation } : { content: wish.content, end_user: wish.endUser };
  return { ...place, vector_store_ids: wish.bases };
}

export async function writeDraft(wish: TicketWish, onChange: (stream: Stream) => void, onConversation: (id: string) => void): Promise<Stream> {
  let stream: Stream = { wish: { content: wish.content, bases: wish.bases }, state: "waiting", text: "", citations: [], strata: null, error: null };
  onChange(stream);
  const response = await request(`/strata/v1/products/${encodeURIComponent(wish.product)}/tickets`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(bodyOf(wish)) });
  onConversation(response.headers.get("x-strata-conversation-id") ?? "");
  const parser = new SseParser();
  const reader = response.body!.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new ApiError("The connection ended before the draft did.", 0, "connection_lost", response.headers.get("x-request-id") ?? "");
    for (const data of parser.push(value)) {
      if (data === "[DONE]") return stream;
      stream = { ...stream, ...readChunk(stream, data) };
      onChange(stream);
    }
  }
}
