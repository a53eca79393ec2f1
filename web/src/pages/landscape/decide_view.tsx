// The decision helper: the answers live in the address, the advice follows them at once.
import { useQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { adviceQuery, questionsQuery } from "../../api/queries";
import type { Advice, Decision } from "../../api/types";
import { count } from "../../format/format";
import { Badge, Empty, ErrorBox, Field, Skeleton } from "../../kit/kit";
import { navigate, subscribePath, withParams } from "../../router";
import { t } from "../../text/en";
import { situationOf, usesCell } from "./landscape";

const fits = { yes: "good", partly: "busy", no: "neutral" } as const;

function Matrix({ decision, advice }: { decision: Decision; advice: Advice | undefined }) {
  return (
    <table className="decide-matrix"><caption>{t.decide.matrix}</caption>
      <thead><tr><th scope="col">{t.decide.need}</th><th scope="col">{t.decide.rag}</th><th scope="col">{t.decide.fineTune}</th></tr></thead>
      <tbody>{decision.matrix.map((row) => (
        <tr key={row.need} aria-current={advice && usesCell(advice, row.need) ? "true" : undefined}><th scope="row">{row.need}{advice && usesCell(advice, row.need) && <span className="hidden"> ({t.decide.used})</span>}</th>
          <td><Badge tone={fits[row.rag]}>{row.rag}</Badge></td><td><Badge tone={fits[row.fine_tune]}>{row.fine_tune}</Badge></td></tr>))}</tbody></table>
  );
}

function AdviceBox({ decision, advice }: { decision: Decision; advice: Advice }) {
  const question = (id: string) => decision.questions.find((row) => row.id === id)?.text ?? id;
  return (
    <div role="status" aria-live="polite">
      <h2>{advice.title}</h2>
      <ul>{advice.reasons.map((reason) => <li key={reason}>{reason}</li>)}</ul>
      <h3>{t.decide.conditions}</h3>
      <ul className="plain-list">{advice.fine_tuning_conditions.map((row) => <li key={row.name}><Badge tone={row.met ? "good" : "neutral"}>{row.met ? t.decide.met : t.decide.notMet}</Badge> <strong>{row.name}</strong>: {row.detail}</li>)}</ul>
      <h3>{t.decide.changes}</h3>
      {advice.would_change_it.length === 0 ? <p className="soft">{t.decide.noChange}</p>
        : <ul className="plain-list">{advice.would_change_it.map((row) => <li key={row.question}>{question(row.question)} <strong>{/^\d+$/.test(row.to) ? count(Number(row.to)) : row.to}</strong> → {row.title}</li>)}</ul>}
    </div>
  );
}

export function DecideView() {
  const search = useSyncExternalStore(subscribePath, () => location.search);
  const params = new URLSearchParams(search);
  const decision = useQuery(questionsQuery);
  const read = (id: string) => params.get(id) ?? "";
  const set = (id: string, value: string) => navigate(withParams({ [id]: value || null }), { replace: true });
  const questions = decision.data?.questions ?? [];
  const answered = questions.some((question) => read(question.id) !== "");
  const advice = useQuery({ ...adviceQuery(situationOf(questions, read)), enabled: answered });
  if (!decision.data) return decision.error ? <ErrorBox error={decision.error} retry={() => void decision.refetch()} /> : <Skeleton lines={8} />;
  return (
    <div className="decide">
      <form aria-label={t.decide.title} onSubmit={(event) => event.preventDefault()}>
        {questions.map((question) => (
          <Field key={question.id} label={question.text} hint={question.why}>{(id) => question.kind === "number"
            ? <input id={id} type="number" min="0" step="1" inputMode="numeric" value={read(question.id)} onChange={(event) => set(question.id, event.target.value)} />
            : <select id={id} value={read(question.id)} onChange={(event) => set(question.id, event.target.value)}><option value="">{t.decide.open}</option><option value="yes">{t.decide.yes}</option><option value="no">{t.decide.no}</option></select>}</Field>))}
      </form>
      <div>
        {!answered ? <Empty title={t.decide.empty} what={t.decide.emptyWhat} />
          : advice.error ? <ErrorBox error={advice.error} retry={() => void advice.refetch()} />
          : advice.data ? <AdviceBox decision={decision.data} advice={advice.data} /> : <Skeleton lines={6} />}
        <Matrix decision={decision.data} advice={answered ? advice.data : undefined} />
      </div>
    </div>
  );
}
