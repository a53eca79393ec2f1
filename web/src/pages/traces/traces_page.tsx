// What requests did: found by words and filters, all in the address; one opens as a tree.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { productsQuery, tracesQuery } from "../../api/queries";
import type { TraceSummary } from "../../api/types";
import { count, exact, milliseconds } from "../../format/format";
import { money } from "../../format/money";
import { Ago, Badge, Button, Empty, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, navigate, useParam, withParams } from "../../router";
import { t } from "../../text/en";
import { DiffPage } from "./diff_page";
import { TraceSettingsSheet } from "./settings_sheet";
import { TracePage } from "./trace_page";
import { useLater } from "./use_later";

function Select({ label, name, options }: { label: string; name: string; options: readonly (readonly [string, string])[] }) {
  const [value, set] = useParam(name);
  return <label className="check">{label} <select value={value} onChange={(event) => set(event.target.value)}>{options.map(([key, text]) => <option key={key} value={key}>{text}</option>)}</select></label>;
}

// Most are ours: what all begin with says nothing.
const shortName = (name: string) => name.replace(" /strata/v1/", " …/");

function Row({ trace, longest, currency }: { trace: TraceSummary; longest: number; currency: string }) {
  return (
    <tr>
      <td className="keep"><Ago at={trace.started_at} /></td>
      <td className="trace-name" title={trace.name}><Link data-item to={`/traces/${encodeURIComponent(trace.id)}`}>{shortName(trace.name)}</Link>{trace.product && <small>{trace.product}</small>}</td>
      <td>{trace.status === "error" ? <Badge tone="bad">{t.traces.failed}</Badge> : <Badge tone="good">{t.traces.ok}</Badge>}</td>
      <td className="trace-time"><span className="trace-bar" aria-hidden="true"><span style={{ width: `max(2px, ${(trace.duration_ms / longest) * 100}%)` }} /></span>{milliseconds(trace.duration_ms)}</td>
      <td className="trace-models" title={trace.models.join(", ")}>{trace.models.join(", ") || "–"}</td>
      <td className="number">{trace.model_calls > 0 ? t.traces.tokens(count(trace.input_tokens), count(trace.output_tokens)) : "–"}</td>
      <td className="number">{trace.cost === null ? "–" : money(trace.cost, currency)}</td>
    </tr>
  );
}

const filterNames = ["q", "product", "model", "status", "min", "since", "from", "to"];
function Traces() {
  const [q, setQ] = useParam("q");
  const [product] = useParam("product"), [model] = useParam("model"), [status] = useParam("status"), [min] = useParam("min"), [since] = useParam("since"), [from] = useParam("from"), [to] = useParam("to");
  const [settings, setSettings] = useParam("settings");
  const [typed, setTyped] = useLater(q, setQ);
  const query = useInfiniteQuery(tracesQuery({ q, product, model, status, min, since, from, to }));
  const products = useQuery(productsQuery).data?.data ?? [];
  const rows = query.data?.pages.flatMap((page) => page.data) ?? [];
  const longest = Math.max(1, ...rows.map((row) => row.duration_ms));
  const models = [...new Set([...rows.flatMap((row) => row.models), ...(model ? [model] : [])])].sort();
  const filtered = [q, product, model, status, min, since, from, to].some(Boolean);
  const clear = () => { setTyped(""); navigate(withParams(Object.fromEntries(filterNames.map((name) => [name, null]))), { replace: true }); };
  return (
    <div className="page wide">
      <PageHead title={t.traces.title} what={t.traces.what}><Button icon="settings" onClick={() => setSettings("open")}>{t.traces.kept}</Button><Button icon="again" onClick={() => void query.refetch()}>{t.traces.reload}</Button></PageHead>
      <form className="search-form trace-filters" role="search" onSubmit={(event) => event.preventDefault()}>
        <input type="search" data-main-field aria-label={t.traces.search} placeholder={t.traces.search} value={typed} onChange={(event) => setTyped(event.target.value)} />
        <Select label={t.traces.product} name="product" options={[["", t.common.all], ...products.map((row) => [row.id, row.name] as const)]} />
        <Select label={t.traces.model} name="model" options={[["", t.common.all], ...models.map((name) => [name, name] as const)]} />
        <Select label={t.traces.status} name="status" options={t.traces.statuses} />
        <Select label={t.traces.atLeast} name="min" options={t.traces.durations} />
        <Select label={t.traces.since} name="since" options={t.traces.periods} />
        {from && to && <span className="soft">{t.traces.between(exact(Number(from)).slice(0, 10), exact(Number(to) - 1).slice(0, 10))}</span>}
        {filtered && <Button onClick={clear}>{t.traces.clear}</Button>}
      </form>
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : !query.data ? <Skeleton lines={10} />
        : rows.length === 0 ? (filtered ? <Empty title={t.traces.noneFound} what={t.traces.noneFoundWhat}><Button onClick={clear}>{t.traces.clear}</Button></Empty> : <Empty title={t.traces.none} what={t.traces.noneWhat}><Link className="button primary" to="/ask">{t.traces.ask}</Link></Empty>)
        : (
          <>
            <div className="table-scroll" tabIndex={0} role="region" aria-label={t.traces.title}>
              <table className="traces"><thead><tr><th>{t.traces.when}</th><th>{t.traces.request}</th><th>{t.traces.status}</th><th>{t.traces.time}</th><th>{t.traces.model}</th><th className="number">{t.traces.tokensHead}</th><th className="number">{t.traces.cost}</th></tr></thead>
                <tbody data-list>{rows.map((trace) => <Row key={trace.id} trace={trace} longest={longest} currency={query.data.pages[0]!.currency} />)}</tbody></table>
            </div>
            {query.hasNextPage && <p><Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t.traces.older}</Button></p>}
          </>)}
      {settings && <TraceSettingsSheet onClose={() => setSettings(null)} />}
    </div>
  );
}

export default function TracesPage({ id }: { id: string }) {
  return id === "diff" ? <DiffPage /> : id ? <TracePage key={id} id={id} /> : <Traces />;
}
