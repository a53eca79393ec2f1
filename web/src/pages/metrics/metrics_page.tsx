import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { weeksQuery } from "../../api/queries";
import type { MetricNumber, MetricStatus, MetricTarget, Product, WeekReport } from "../../api/types";
import { comparison, metricChange, metricValue, shiftWeek, weekOf } from "../../format/metric";
import { Line } from "../../kit/chart";
import { Badge, Button, ErrorBox, IconButton, PageHead, Skeleton } from "../../kit/kit";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { WithProduct } from "./product_picker";
import { RowsDialog } from "./rows_dialog";

type Open = (number: MetricNumber) => void;
const tones = { PASS: "good", FAIL: "bad", WARN: "busy", "NO DATA": "neutral" } as const;

function Status({ status }: { status: MetricStatus }) {
  return <Badge tone={tones[status]}>{t.metrics.statuses[status]}</Badge>;
}

function Value({ number, open }: { number: MetricNumber; open: Open }) {
  const text = number.value === null ? t.metrics.noData : metricValue(number.value, number.unit);
  if (number.rows.length === 0) return <span title={number.note ?? undefined}>{text}</span>;
  return <button type="button" className="link-button" title={number.note ?? undefined} aria-label={`${t.metrics.open(number.label)}, ${text}`} onClick={() => open(number)}>{text}</button>;
}

function Change({ now, before }: { now: MetricTarget; before: MetricTarget | undefined }) {
  const change = metricChange(now.value, before?.value ?? null, now.unit);
  if (!change) return <>–</>;
  return <>{change.sign === 0 ? t.metrics.same : change.sign > 0 ? t.metrics.up(change.by) : t.metrics.down(change.by)}</>;
}

function Nine({ week, before, open }: { week: WeekReport; before: WeekReport | undefined; open: Open }) {
  const layers = [...new Set(week.metrics.map((metric) => metric.layer))];
  const row = (metric: MetricTarget) => (
    <tr key={metric.key} data-metric={metric.key}>
      <th scope="row"><span title={metric.definition}>{metric.label}</span></th>
      <td className="number"><Value number={metric} open={open} /></td>
      <td className="number">{comparison(metric.comparison, metric.target, metric.unit) ?? t.metrics.noBaseline}</td>
      <td><Status status={metric.status} /></td>
      <td><Change now={metric} before={before?.metrics.find((other) => other.key === metric.key)} /></td>
      <td className="soft">{metric.note}{metric.key === "edit_rate" && week.edit_distance.value !== null && <> {week.edit_distance.label}: <Value number={week.edit_distance} open={open} /></>}</td>
    </tr>);
  return (
    <section><h2>{t.metrics.nine}</h2>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t.metrics.nine}>
        <table className="side nine"><thead><tr><th>{t.metrics.metric}</th><th className="number">{t.metrics.value}</th><th className="number">{t.metrics.target}</th><th>{t.metrics.status}</th><th>{t.metrics.change}</th><th><span className="hidden">{t.metrics.what}</span></th></tr></thead>
          {layers.map((layer) => <tbody key={layer}><tr><th scope="rowgroup" colSpan={6}>{layer}</th></tr>{week.metrics.filter((metric) => metric.layer === layer).map(row)}</tbody>)}
        </table>
      </div>
      <p className="soft">{week.layer_warning}</p>
    </section>
  );
}

function Health({ week }: { week: WeekReport }) {
  return (
    <section className="facts-card"><h2>{t.metrics.health}</h2>
      <p>{t.metrics.passing(week.health.passing, week.health.total)}</p>
      <dl>{Object.entries(week.health.checks).map(([name, status]) => <div key={name}><dt>{name}</dt><dd><Status status={status} /></dd></div>)}</dl>
    </section>
  );
}

function Numbers({ title, numbers, open }: { title: string; numbers: MetricNumber[]; open: Open }) {
  return (
    <section className="facts-card numbers"><h2>{title}</h2>
      <dl>{numbers.map((number) => <div key={number.key} data-number={number.key}><dt>{number.label}</dt><dd><Value number={number} open={open} /></dd></div>)}</dl>
    </section>
  );
}

function Trends({ weeks }: { weeks: WeekReport[] }) {
  const last = weeks[weeks.length - 1]!;
  return (
    <section><h2>{t.metrics.trend}</h2>
      <div className="multiples">{last.metrics.map((metric, index) => (
        <figure key={metric.key}><figcaption>{metric.label}</figcaption>
          <Line label={`${metric.label}: ${t.metrics.trend}`} target={metric.target} points={weeks.map((week) => ({ label: week.week, value: week.metrics[index]!.value }))} /></figure>))}
      </div>
      <details><summary>{t.metrics.trendTable}</summary>
        <div className="table-scroll" tabIndex={0} role="region" aria-label={t.metrics.trend}>
          <table><thead><tr><th>{t.metrics.week}</th>{last.metrics.map((metric) => <th key={metric.key} className="number">{metric.label}</th>)}</tr></thead>
            <tbody>{weeks.map((week) => <tr key={week.week}><th scope="row" className="keep">{week.week}</th>{week.metrics.map((metric) => <td key={metric.key} className="number">{metric.value === null ? "–" : metricValue(metric.value, metric.unit)}</td>)}</tr>)}</tbody></table>
        </div></details>
    </section>
  );
}

function Dashboard({ product, picker }: { product: Product; picker: ReactNode }) {
  const current = weekOf(Date.now());
  const [wanted, setWanted] = useParam("week");
  const [behind, setBehind] = useParam("rows");
  const last = wanted || current;
  const query = useQuery(weeksQuery(product.id, last));
  const weeks = query.data?.data;
  const week = weeks?.[weeks.length - 1];
  const numbers = week ? [...week.metrics, ...week.impact, ...week.technical, ...week.developer, week.edit_distance] : [];
  const opened = numbers.find((number) => number.key === behind);
  const open: Open = (number) => setBehind(number.key);
  return (
    <div className="page wide">
      <PageHead title={t.metrics.title} what={t.metrics.what}>
        {picker}
        <IconButton icon="left" label={t.metrics.before} onClick={() => setWanted(shiftWeek(last, -1))} />
        <strong aria-live="polite">{last}</strong>
        <IconButton icon="right" label={t.metrics.after} disabled={last >= current} onClick={() => setWanted(shiftWeek(last, 1))} />
        {last !== current && <Button onClick={() => setWanted(null)}>{t.metrics.thisWeek}</Button>}
        <Link className="button plain" to={`/settings?product=${encodeURIComponent(product.id)}`}>{t.metrics.settings}</Link>
      </PageHead>
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : !week || !weeks ? <Skeleton lines={12} /> : (
        <>
          {week.simulated && <p><Badge tone="busy" title={t.metrics.simulatedWhat}>{t.metrics.simulated}</Badge> {t.metrics.simulatedWhat}</p>}
          {week.alerts.map((alert) => <p key={alert} className="error-box" role="alert">{alert}</p>)}
          <Nine week={week} before={weeks[weeks.length - 2]} open={open} />
          <Trends weeks={weeks} />
          <div className="facts-grid">
            <Health week={week} />
            <Numbers title={t.metrics.impact} numbers={week.impact} open={open} />
            <Numbers title={t.metrics.technical} numbers={week.technical} open={open} />
            <Numbers title={t.metrics.developer} numbers={week.developer} open={open} />
          </div>
        </>)}
      {opened && <RowsDialog key={opened.key} label={opened.label} sources={opened.rows} onClose={() => setBehind(null)} />}
    </div>
  );
}

export default function MetricsPage() {
  return <WithProduct title={t.metrics.title} what={t.metrics.what}>{(product, picker) => <Dashboard key={product.id} product={product} picker={picker} />}</WithProduct>;
}
