// How far confidence can be believed: the reliability diagram with its table, and refitting on what was rated here.
import { useMutation, useQuery } from "@tanstack/react-query";
import { calibrationQuery, queryClient } from "../../api/queries";
import { invoke } from "../../api/invoke";
import type { Calibration, Reliability } from "../../api/types";
import { count, percent, score } from "../../format/format";
import { Button, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { t } from "../../text/en";

const size = 240, pad = 30, rest = 20;   // what the figures on the axes need
const x = (p: number) => pad + p * (size - pad - rest), y = (p: number) => size - pad - p * (size - pad - rest);

function Diagram({ reliability }: { reliability: Reliability }) {
  return (
    <svg className="diagram" role="img" aria-label={t.reliability.chart} viewBox={`0 0 ${size} ${size}`} width={size} height={size}>
      {reliability.bins.map((bin) => bin.count > 0 && <rect key={bin.from} className="bar" x={x(bin.from) + 1} width={x(bin.to) - x(bin.from) - 2} y={y(bin.accuracy ?? 0)} height={y(0) - y(bin.accuracy ?? 0)} />)}
      <line className="ideal" x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} />
      {reliability.bins.map((bin) => bin.count > 0 && <circle key={bin.from} className="dot" cx={x(bin.mean_confidence ?? 0)} cy={y(bin.accuracy ?? 0)} r="3" />)}
      <path className="axis" d={`M${x(0)} ${y(1)}V${y(0)}H${x(1)}`} />
      {[0, 0.5, 1].map((p) => <g key={p} className="tick"><text x={x(p)} y={size - 10} textAnchor="middle">{percent(p)}</text><text x={pad - 4} y={y(p) + 4} textAnchor="end">{Math.round(p * 100)}</text></g>)}
    </svg>
  );
}

function Panel({ title, what, reliability }: { title: string; what: string; reliability: Reliability }) {
  return (
    <section className="facts-card">
      <h2>{title}</h2><p className="soft">{what}</p>
      {reliability.error !== null && <p>{t.reliability.error}: <strong>{score(reliability.error)}</strong> · {count(reliability.count)} {t.reliability.answers.toLowerCase()}</p>}
      <Diagram reliability={reliability} />
      <div className="table-scroll" tabIndex={0} role="region" aria-label={title}>
        <table><thead><tr><th>{t.reliability.confidence}</th><th className="number">{t.reliability.answers}</th><th className="number">{t.reliability.mean}</th><th className="number">{t.reliability.right}</th></tr></thead>
          <tbody>{reliability.bins.map((bin) => <tr key={bin.from}><td>{percent(bin.from)} – {percent(bin.to)}</td><td className="number">{count(bin.count)}</td><td className="number">{score(bin.mean_confidence)}</td><td className="number">{score(bin.accuracy)}</td></tr>)}</tbody></table>
      </div>
    </section>
  );
}

export default function ReliabilityPage() {
  const query = useQuery(calibrationQuery);
  const set = (next: Calibration) => queryClient.setQueryData(calibrationQuery.queryKey, next);
  const refit = useMutation({ mutationFn: () => invoke("POST /strata/v1/calibration", {}), onSuccess: (next) => { set(next); toast(t.reliability.refitted); } });
  const reset = useMutation({ mutationFn: () => invoke("DELETE /strata/v1/calibration", {}), onSuccess: (next) => { set(next); toast(t.reliability.wasReset); } });
  const data = query.data;
  const rated = data?.rated;
  const enough = rated !== undefined && rated.count >= rated.needed && rated.right >= rated.needed_each && rated.count - rated.right >= rated.needed_each;
  return (
    <div className="page">
      <PageHead title={t.reliability.title} what={t.reliability.what}>
        {data?.own && <Button onClick={() => reset.mutate()} disabled={reset.isPending}>{t.reliability.reset}</Button>}
        <Button look="primary" onClick={() => refit.mutate()} disabled={!enough || refit.isPending}>{t.reliability.refit}</Button>
      </PageHead>
      {(refit.error ?? reset.error) && <ErrorBox error={refit.error ?? reset.error} />}
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : !data ? <Skeleton lines={8} /> : (
        <>
          <p><strong>{data.own ? t.reliability.own : t.reliability.builtIn}</strong>: {t.reliability.fitted(data.table.method, data.table.fitted_on)}; {t.reliability.error.toLowerCase()} {score(data.table.error)}. <span className="soft">{data.table.source}.</span> {!enough && <span className="soft">{t.reliability.needs(data.rated.needed, data.rated.needed_each)}</span>}</p>
          <div className="facts-grid">
            <Panel title={t.reliability.heldOut} what={t.reliability.heldOutWhat} reliability={data.held_out} />
            <Panel title={t.reliability.rated} what={data.rated.count === 0 ? t.reliability.noneRated : t.reliability.ratedWhat} reliability={data.rated} />
          </div>
        </>)}
    </div>
  );
}
