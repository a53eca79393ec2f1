// The rows behind a number: what it was computed from, and nothing else.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { metricRowsQuery } from "../../api/queries";
import type { MetricRow, RowsSource } from "../../api/types";
import { exact } from "../../format/format";
import { Dialog } from "../../kit/dialog";
import { ErrorBox, Skeleton } from "../../kit/kit";
import { Link } from "../../router";
import { t } from "../../text/en";

// What a list's table shows, in this order.
const columns: Record<string, string[]> = {
  conversations: ["id", "channel", "user", "end_user", "outcome", "opened_at", "ended_at", "simulated"],
  outputs: ["id", "conversation_id", "user", "model", "status", "total_ms", "prompt_tokens", "completion_tokens", "at", "simulated"],
  drafts: ["id", "conversation_id", "user", "state", "edited", "edit_distance", "original", "text", "decided_at", "simulated"],
  judgements: ["answer_id", "who", "correct", "fabricated", "unsafe", "output_at", "simulated"],
  satisfaction: ["id", "conversation_id", "score", "source", "at", "simulated"],
  facts: ["week", "name", "value", "source", "who", "at", "simulated"],
  developer_events: ["developer", "kind", "source", "at", "simulated"],
  calls: ["route", "developer", "end_user", "environment", "model", "status", "http_status", "total_ms", "late", "prompt_tokens", "completion_tokens", "at", "simulated"],
  developer_days: ["developer", "day_at", "calls", "simulated"],
};

function Cell({ name, value }: { name: string; value: MetricRow[string] | undefined }) {
  if (value === null || value === undefined) return <>–</>;
  if (typeof value === "number" && (name === "at" || name.endsWith("_at"))) return <time className="keep">{exact(value)}</time>;
  if (typeof value === "string" && value.startsWith("conv_")) return <Link to={`/ask/${encodeURIComponent(value)}`}><code>{value}</code></Link>;
  if (name === "id" || name === "answer_id") return <code>{String(value)}</code>;
  return <>{typeof value === "boolean" ? (value ? "yes" : "no") : String(value)}</>;
}

function Rows({ source }: { source: RowsSource }) {
  const query = useQuery(metricRowsQuery(source.href));
  const names = columns[source.list] ?? ["id"];
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Skeleton lines={6} />;
  if (query.data.data.length === 0) return <p className="soft">{t.metrics.noRows}</p>;
  return (
    <>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t.metrics.lists[source.list] ?? source.list}>
        <table><thead><tr>{names.map((name) => <th key={name}>{name.replace(/_/g, " ")}</th>)}</tr></thead>
          <tbody>{query.data.data.map((row, index) => <tr key={String(row["id"] ?? index)}>{names.map((name) => <td key={name}><Cell name={name} value={row[name]} /></td>)}</tr>)}</tbody></table>
      </div>
      {query.data.has_more && <p className="soft">{t.metrics.more}</p>}
    </>
  );
}

export function RowsDialog({ label, sources, onClose }: { label: string; sources: RowsSource[]; onClose: () => void }) {
  const [chosen, setChosen] = useState(0);
  const source = sources[chosen];
  return (
    <Dialog title={t.metrics.rows(label)} look="sheet" onClose={onClose}>
      {sources.length > 1 && (
        <div className="tabs" role="group" aria-label={t.metrics.rows(label)}>
          {sources.map((row, index) => <button key={row.href} type="button" aria-pressed={index === chosen} onClick={() => setChosen(index)}>{t.metrics.lists[row.list] ?? row.list}{row.kind ? `: ${row.kind}` : ""} ({row.count})</button>)}
        </div>)}
      {source ? <Rows key={source.href} source={source} /> : <p className="soft">{t.metrics.noRows}</p>}
    </Dialog>
  );
}
