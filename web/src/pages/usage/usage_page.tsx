// What models' calls used and cost, by day, model or product; and the table of prices.
import { useQuery } from "@tanstack/react-query";
import { usageQuery } from "../../api/queries";
import type { UsageRow } from "../../api/types";
import { count, duration } from "../../format/format";
import { money } from "../../format/money";
import { Empty, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { PricesView } from "./prices_view";
import { dayBefore, everyDay, tracesOf } from "./usage";

const views = ["day", "model", "product", "prices"] as const;
type By = "day" | "model" | "product";

function Numbers({ row, currency }: { row: UsageRow; currency: string }) {
  return (
    <>
      <td className="number">{count(row.failed)}</td><td className="number">{count(row.input_tokens)}</td><td className="number">{count(row.cached_tokens)}</td><td className="number">{count(row.output_tokens)}</td>
      <td className="number">{row.cpu_seconds < 60 ? `${row.cpu_seconds.toFixed(1)} s` : duration(row.cpu_seconds)}</td><td className="number">{row.calls > 0 && row.unpriced_calls === row.calls ? t.traces.noPrice : money(row.cost, currency)}</td>
    </>
  );
}

// The table below says the same in numbers.
function Bars({ rows, currency }: { rows: UsageRow[]; currency: string }) {
  const most = Math.max(...rows.map((row) => row.cost)) || 1;
  return <div className="day-bars" aria-hidden="true">{rows.map((row) => <span key={row.key} title={`${row.key}: ${money(row.cost, currency)}`} style={{ height: `${(row.cost / most) * 100}%` }} />)}</div>;
}

function Table({ by, days }: { by: By; days: string }) {
  const query = useQuery(usageQuery(by, dayBefore(Date.now(), Number(days))));
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  const usage = query.data;
  if (!usage || usage.by !== by) return <Skeleton lines={8} />;
  if (usage.total.calls === 0) return <Empty title={t.usage.none} what={t.usage.noneWhat}><Link className="button primary" to="/ask">{t.usage.ask}</Link></Empty>;
  const rows = by === "day" ? [...usage.data].sort((a, b) => b.key.localeCompare(a.key)) : [...usage.data].sort((a, b) => b.cost - a.cost || b.calls - a.calls);
  return (
    <>
      {by === "day" && usage.total.cost > 0 && <figure className="usage-chart"><figcaption className="soft small">{t.usage.chart(usage.currency)}</figcaption><Bars rows={everyDay(usage.data, usage.from, usage.to)} currency={usage.currency} /></figure>}
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t.usage.views[by]}>
        <table className="cost"><thead><tr><th>{t.usage.heads[by]}</th><th className="number">{t.usage.calls}</th><th className="number">{t.usage.failed}</th><th className="number">{t.usage.input}</th><th className="number">{t.usage.cached}</th><th className="number">{t.usage.output}</th><th className="number">{t.usage.cpu}</th><th className="number">{t.usage.cost}</th></tr></thead>
          <tbody data-list>{rows.map((row) => <tr key={row.key}><td>{row.key || t.usage.noProduct}</td><td className="number"><Link data-item to={tracesOf(by, row.key)}>{count(row.calls)}</Link></td><Numbers row={row} currency={usage.currency} /></tr>)}</tbody>
          <tfoot><tr><th scope="row">{t.usage.total}</th><td className="number">{count(usage.total.calls)}</td><Numbers row={usage.total} currency={usage.currency} /></tr></tfoot></table>
      </div>
      {usage.total.unpriced_calls > 0 && <p className="soft">{t.usage.unpriced(usage.total.unpriced_calls)} <Link to="/usage?view=prices">{t.usage.state}</Link></p>}
    </>
  );
}

export default function UsagePage() {
  const [wanted, setView] = useParam("view");
  const [since, setSince] = useParam("since");
  const view = views.find((name) => name === wanted) ?? "day";
  const days = t.usage.periods.some(([period]) => period === since) ? since : "30";
  return (
    <div className="page">
      <PageHead title={t.usage.title} what={t.usage.what}>
        {view !== "prices" && <label className="check">{t.usage.since} <select value={days} onChange={(event) => setSince(event.target.value)}>{t.usage.periods.map(([period, label]) => <option key={period} value={period}>{label}</option>)}</select></label>}
      </PageHead>
      <div className="tabs" role="group" aria-label={t.usage.view}>{views.map((name) => <button key={name} type="button" aria-pressed={name === view} onClick={() => setView(name === "day" ? null : name)}>{t.usage.views[name]}</button>)}</div>
      {view === "prices" ? <PricesView /> : <Table by={view} days={days} />}
    </div>
  );
}
