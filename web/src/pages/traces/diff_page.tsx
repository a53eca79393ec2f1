// Two traces step by step: spans by their place in the tree, times beside each other, and which attributes or texts differ.
import { useQuery } from "@tanstack/react-query";
import { traceDiffQuery } from "../../api/queries";
import type { TraceDiff, TraceSummary } from "../../api/types";
import { milliseconds } from "../../format/format";
import { Ago, Badge, Empty, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";

type Row = TraceDiff["spans"][number];
const said = (value: unknown) => (value === null || value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value));
const maybe = (ms: number | null) => (ms === null ? "–" : milliseconds(ms));

function Change({ row }: { row: Row }) {
  if (row.in !== "both") return <Badge tone="busy">{t.traces.onlyIn((row.in === "a" ? t.traces.before : t.traces.after).toLowerCase())}</Badge>;
  const by = (row.b_ms ?? 0) - (row.a_ms ?? 0);
  if (Math.abs(by) < Math.max(0.5, (row.a_ms ?? 0) * 0.05)) return <span className="soft">{t.traces.alike}</span>;
  return <>{by > 0 ? t.traces.slower(milliseconds(by)) : t.traces.faster(milliseconds(-by))}</>;
}

function Head({ label, trace }: { label: string; trace: TraceSummary }) {
  return <div><dt>{label}</dt><dd><Link to={`/traces/${encodeURIComponent(trace.id)}`}>{trace.name}</Link> <span className="soft"><Ago at={trace.started_at} />, {milliseconds(trace.duration_ms)}</span></dd></div>;
}

function Diff({ diff }: { diff: TraceDiff }) {
  const depth = (place: string) => place.split(" › ").length - 1;
  return (
    <>
      <dl className="trace-facts"><Head label={t.traces.before} trace={diff.a} /><Head label={t.traces.after} trace={diff.b} /></dl>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t.traces.diff}>
        <table className="trace-diff"><thead><tr><th>{t.traces.span}</th><th className="number">{t.traces.before}</th><th className="number">{t.traces.after}</th><th>{t.traces.difference}</th><th>{t.traces.changed}</th></tr></thead>
          <tbody>{diff.spans.map((row) => (
            <tr key={row.place}><td style={{ paddingLeft: `${10 + Math.min(depth(row.place), 12) * 16}px` }} title={row.place}>{row.place.split(" › ").at(-1)}</td><td className="number">{maybe(row.a_ms)}</td><td className="number">{maybe(row.b_ms)}</td><td className="keep"><Change row={row} /></td>
              <td>{row.changes.length > 0 && <details><summary>{row.changes.map((change) => change.key).join(", ")}</summary><dl className="attributes changes">{row.changes.map((change) => <div key={change.key}><dt><code>{change.key}</code></dt><dd><del>{said(change.a)}</del> <ins>{said(change.b)}</ins></dd></div>)}</dl></details>}</td></tr>))}</tbody></table>
      </div>
    </>
  );
}

export function DiffPage() {
  const [a] = useParam("a"), [b] = useParam("b");
  const query = useQuery({ ...traceDiffQuery(a, b), enabled: a !== "" && b !== "" });
  return (
    <div className="page wide">
      <p className="crumbs"><Link to="/traces">{t.traces.title}</Link></p>
      <PageHead title={t.traces.diff} what={t.traces.diffWhat} />
      {a === "" || b === "" ? <Empty title={t.traces.diffEmpty} what={t.traces.diffEmptyWhat}><Link className="button primary" to="/traces">{t.traces.title}</Link></Empty>
        : query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : query.data ? <Diff diff={query.data} /> : <Skeleton lines={10} />}
    </div>
  );
}
