import { useQuery } from "@tanstack/react-query";
import { specAdviceQuery, specCapacityQuery } from "../../api/queries";
import type { SpecAdvice, SpecCapacity, SpecDetail } from "../../api/types";
import { milliseconds, percent } from "../../format/format";
import { Badge, Empty, ErrorBox, Skeleton } from "../../kit/kit";
import { t } from "../../text/en";

const tones = { unknown: "neutral", fits: "good", tight: "busy", too_much: "bad" } as const;

function Models({ advice }: { advice: SpecAdvice }) {
  return (
    <section><h2>{t.specs.models}</h2>
      <p><strong>{t.specs.tier}</strong> {advice.recommendation}</p>
      <p><strong>{t.specs.pick}</strong> {advice.pick ? <code>{advice.pick}</code> : t.specs.noPick}</p>
      <ul className="spec-list">{advice.models.map((model) => (
        <li key={model.id}><header><code>{model.id}</code> {model.id === advice.pick ? <Badge tone="good">{t.specs.picked}</Badge> : !model.allowed && <Badge tone="bad">{t.specs.notAllowed}</Badge>}</header>
          <ul>{model.reasons.map((reason) => <li key={reason}>{reason}</li>)}</ul></li>))}</ul>
    </section>
  );
}

function Layers({ advice }: { advice: SpecAdvice }) {
  return (
    <section><h2>{t.specs.layers}</h2>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t.specs.layers}>
        <table><thead><tr><th>{t.specs.layer}</th><th>{t.specs.neededHead}</th><th>{t.specs.because}</th></tr></thead>
          <tbody>{advice.layers.map((layer) => <tr key={layer.layer}><td>{layer.layer}</td><td><Badge tone={layer.needed ? "good" : "neutral"}>{layer.needed ? t.specs.yes : t.specs.no}</Badge></td><td>{layer.why.join("; ")}</td></tr>)}</tbody></table>
      </div>
    </section>
  );
}

function Capacity({ capacity }: { capacity: SpecCapacity }) {
  const kept = capacity.promise;
  return (
    <section><h2>{t.specs.capacity}</h2>
      <p><Badge tone={tones[capacity.verdict]}>{t.specs.verdicts[capacity.verdict]}</Badge> {capacity.used > 0 && t.specs.used(percent(capacity.used))}</p>
      <ul className="spec-lines">{capacity.lines.map((line) => <li key={line}>{line}</li>)}</ul>
      <h2>{t.specs.promise}</h2>
      {kept.actual_seconds_p95 === null ? <p className="soft">{t.specs.noAnswers}</p>
        : <p><Badge tone={kept.kept ? "good" : "bad"}>{kept.kept ? t.specs.promiseKept : t.specs.promiseBroken}</Badge> {t.specs.promiseLine(milliseconds(kept.promised_seconds * 1000), milliseconds(kept.actual_seconds_p95 * 1000), kept.answers, kept.late)}</p>}
    </section>
  );
}

export function AdviceView({ detail }: { detail: SpecDetail }) {
  const advice = useQuery({ ...specAdviceQuery(detail.id), enabled: detail.latest > 0 });
  const capacity = useQuery({ ...specCapacityQuery(detail.id), enabled: detail.latest > 0 });
  if (detail.latest === 0) return <Empty title={t.specs.noVersions} what={t.specs.noVersionsWhat} />;
  const error = advice.error ?? capacity.error;
  if (error) return <ErrorBox error={error} retry={() => { void advice.refetch(); void capacity.refetch(); }} />;
  if (!advice.data || !capacity.data) return <Skeleton lines={10} />;
  return <><Models advice={advice.data} /><Capacity capacity={capacity.data} /><Layers advice={advice.data} /></>;
}
