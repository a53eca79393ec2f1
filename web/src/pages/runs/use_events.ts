// A run's log as it grows: one stream, taken up where it broke off. Each piece also says that the run itself is another now.
import { useEffect, useRef, useState } from "react";
import { ApiError, connection, request } from "../../api/client";
import { queryClient } from "../../api/queries";
import { SseParser } from "../../api/sse";
import type { RunDetail, RunEvent } from "../../api/types";
import { ended } from "./run_state";

const againMs = 2_000, quietMs = 150;

async function follow(run: string, after: number, signal: AbortSignal, take: (events: RunEvent[]) => void) {
  const response = await request(`/strata/v1/runs/${encodeURIComponent(run)}/events?stream=true&after=${after}`, { signal });
  const reader = response.body!.getReader(), parser = new SseParser();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new ApiError("The connection ended before the run did.", 0, "connection_lost", "");
    const pieces = parser.push(value);
    take(pieces.filter((piece) => piece !== "[DONE]").map((piece) => JSON.parse(piece) as RunEvent).filter((event) => typeof event.sequence === "number"));
    if (pieces.includes("[DONE]")) return;
  }
}

// The log of a run that has ended is read again when the run is another: somebody took it up.
export function useEvents(run: string, state: RunDetail | undefined): { events: RunEvent[]; complete: boolean } {
  const [events, setEvents] = useState<RunEvent[]>([]);
  const [complete, setComplete] = useState(false);
  const last = useRef(0);
  const round = state && ended(state.state) ? state.updated_at : 0;
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined, reload: ReturnType<typeof setTimeout> | undefined;
    const tell = () => { reload ??= setTimeout(() => { reload = undefined; for (const key of [["run", run], ["approvals"]]) void queryClient.invalidateQueries({ queryKey: key }); }, quietMs); };
    const take = (more: RunEvent[]) => {
      const fresh = more.filter((event) => event.sequence > last.current);
      if (fresh.length === 0) return;
      last.current = fresh.at(-1)!.sequence;
      setEvents((before) => [...before, ...fresh]);
      tell();
    };
    const begin = () => {
      follow(run, last.current, abort.signal, take).then(() => { setComplete(true); tell(); }, (error: unknown) => {
        if (abort.signal.aborted) return;
        if (error instanceof ApiError && error.lost) connection.set(false);
        else if (error instanceof ApiError && error.status < 500) { setComplete(true); return; }   // there is no such run: the page says so
        timer = setTimeout(begin, againMs);
      });
    };
    begin();
    return () => { abort.abort(); clearTimeout(timer); clearTimeout(reload); };
  }, [run, round]);
  return { events, complete };
}
