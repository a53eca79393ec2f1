// One request: its tree on the clock, the chosen span beside it; what it cost; and all of it as JSON.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { traceQuery, tracesQuery } from "../../api/queries";
import type { TraceDetail } from "../../api/types";
import { ago, count, milliseconds } from "../../format/format";
import { money } from "../../format/money";
import { Ago, Badge, Button, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, navigate, useParam, withParams } from "../../router";
import { t } from "../../text/en";
import { CostView } from "./cost_view";
import { copy, SpanView } from "./span_view";
import { Timeline } from "./timeline";
import { everyBranch, flat, matches, sortOf, type SpanSort, treeOf } from "./trace_tree";
import { useLater } from "./use_later";

const views = ["timeline", "cost", "raw"] as const;

function Facts({ trace }: { trace: TraceDetail }) {
  const facts: [string, React.ReactNode][] = [
    [t.traces.when, <Ago key="when" at={trace.started_at} />], [t.traces.time, milliseconds(trace.duration_ms)], [t.traces.spans, count(trace.spans)],
    ...(trace.model_calls > 0 ? [[t.traces.tokensHead, t.traces.tokens(count(trace.input_tokens), count(trace.output_tokens))] as [string, React.ReactNode]] : []),
    [t.traces.cost, trace.cost === null ? t.traces.noPrice : money(trace.cost, trace.currency)],
    ...(trace.models.length > 0 ? [[t.traces.model, trace.models.join(", ")] as [string, React.ReactNode]] : []),
    ...(trace.product ? [[t.traces.product, <Link key="product" to={`/dashboard?product=${encodeURIComponent(trace.product)}`}>{trace.product}</Link>] as [string, React.ReactNode]] : []),
  ];
  return <dl className="trace-facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

// Another trace of the same request, to see what became different.
function Compare({ trace }: { trace: TraceDetail }) {
  const query = useInfiniteQuery(tracesQuery({ q: "", product: "", model: "", status: "", min: "", since: "", route: trace.route ?? "" }));
  const others = (query.data?.pages[0]?.data ?? []).filter((row) => row.id !== trace.id && row.name === trace.name).slice(0, 20);
  if (others.length === 0) return null;
  return (
    <select aria-label={t.traces.compare} value="" onChange={(event) => navigate(`/traces/diff?a=${encodeURIComponent(event.target.value)}&b=${encodeURIComponent(trace.id)}`)}>
      <option value="">{t.traces.compare}</option>{others.map((row) => <option key={row.id} value={row.id}>{t.traces.other(ago(row.started_at), milliseconds(row.duration_ms))}</option>)}
    </select>
  );
}

function Legend({ sorts }: { sorts: SpanSort[] }) {
  return <ul className="legend">{sorts.map((sort) => <li key={sort}><span className={`span-bar ${sort}`} aria-hidden="true" />{t.traces.sorts[sort]}</li>)}</ul>;
}

function Tree({ trace }: { trace: TraceDetail }) {
  const [wanted, choose] = useParam("span");
  const [find, setFind] = useParam("find");
  const [typed, setTyped] = useLater(find, setFind);
  const trees = useMemo(() => treeOf(flat(trace.tree)), [trace.tree]);
  const all = everyBranch(trees), spans = all.map((branch) => branch.span);
  const begin = Math.min(...spans.map((span) => span.start_ms)), whole = Math.max(...spans.map((span) => span.start_ms + span.duration_ms)) - begin;
  // The deepest span that failed is what a reader came for; else the first.
  const first = [...all].sort((a, b) => b.depth - a.depth).find((branch) => branch.span.error !== null) ?? all[0];
  const chosen = all.find((branch) => branch.span.id === wanted) ?? first;
  const found = find === "" ? 0 : all.filter((branch) => matches(branch.span, find)).length;
  if (!chosen) return <p className="soft">{t.traces.noSpans}</p>;
  return (
    <>
      <div className="timeline-head">
        <input type="search" data-main-field aria-label={t.traces.find} placeholder={t.traces.find} value={typed} onChange={(event) => setTyped(event.target.value)} />
        <span className="soft" role="status">{find === "" ? "" : t.traces.found(found)}</span>
        <Legend sorts={[...new Set(all.map((branch) => sortOf(branch.span)))]} />
      </div>
      <div className="trace-sides">
        <Timeline trees={trees} chosen={chosen.span.id} choose={choose} find={find} whole_ms={whole} />
        <SpanView key={chosen.span.id} branch={chosen} begin_ms={begin} trace={trace.id} currency={trace.currency} />
      </div>
    </>
  );
}

function One({ trace }: { trace: TraceDetail }) {
  const [wanted, setView] = useParam("view");
  const view = views.find((name) => name === wanted) ?? "timeline";
  const raw = view === "raw" ? JSON.stringify(trace, null, 2) : "";
  return (
    <div className="page wide">
      <p className="crumbs"><Link to="/traces">{t.traces.title}</Link></p>
      <PageHead title={trace.name} what={<><Badge tone={trace.status === "error" ? "bad" : "good"}>{trace.status === "error" ? t.traces.failed : t.traces.ok}</Badge> <code className="small">{trace.id}</code></>}>
        <Compare trace={trace} />
        <Button icon="copy" onClick={() => copy(trace.id)}>{t.traces.copyId}</Button>
      </PageHead>
      <Facts trace={trace} />
      <div className="tabs" role="group" aria-label={t.traces.view}>{views.map((name) => <button key={name} type="button" aria-pressed={name === view} onClick={() => setView(name === "timeline" ? null : name)}>{t.traces.views[name]}</button>)}</div>
      {view === "timeline" ? <Tree trace={trace} /> : view === "cost" ? <CostView trace={trace} open={(span) => navigate(withParams({ view: null, span }))} />
        : <><p><Button icon="copy" onClick={() => copy(raw)}>{t.common.copy}</Button></p><pre tabIndex={0}>{raw}</pre></>}
    </div>
  );
}

export function TracePage({ id }: { id: string }) {
  const query = useQuery(traceQuery(id));
  if (query.data) return <One trace={query.data} />;
  return <div className="page wide"><p className="crumbs"><Link to="/traces">{t.traces.title}</Link></p><PageHead title={t.traces.one} />{query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : <Skeleton lines={12} />}</div>;
}
