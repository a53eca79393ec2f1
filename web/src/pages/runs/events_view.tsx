// A run's log as a timeline: when, what, at which step, and why.
import { useState } from "react";
import type { RunEvent } from "../../api/types";
import { exact, milliseconds } from "../../format/format";
import { Badge, Button, Skeleton } from "../../kit/kit";
import { t } from "../../text/en";
import { summaryOf } from "./run_state";

const shownMost = 300;
const toneOf = (event: RunEvent) => (event.kind.endsWith("failed") || event.kind === "outcome_unknown" ? "bad" : event.decision ? "busy" : event.kind === "run_finished" ? "good" : "neutral");

export function EventsView({ events, complete, choose }: { events: readonly RunEvent[]; complete: boolean; choose: (step: string) => void }) {
  const [all, setAll] = useState(false);
  if (events.length === 0) return complete ? <p className="soft">{t.runs.noEvents}</p> : <Skeleton lines={4} />;
  const begin = events[0]!.at, left = all ? 0 : Math.max(0, events.length - shownMost);
  return (
    <>
      {left > 0 && <p><Button onClick={() => setAll(true)}>{t.runs.earlier(left)}</Button></p>}
      <ol className="event-list" aria-label={t.runs.views.timeline} data-list>{events.slice(left).map((event) => (
        <li key={event.sequence}>
          <time title={exact(event.at)}>+{milliseconds(Math.max(0, (event.at - begin) * 1000))}</time>
          <Badge tone={toneOf(event)}>{t.runs.kinds[event.kind] ?? event.kind}</Badge>
          {event.step && (event.kind === "signalled" ? <code>{event.step}</code> : <button type="button" className="link-button" data-item onClick={() => choose(event.step)}>{event.step}</button>)}
          <span className="event-says">{summaryOf(event)}</span>
        </li>))}</ol>
    </>
  );
}
