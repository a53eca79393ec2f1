// A question in words over a database: a sentence, a chart, the rows, and the SQL that ran. Each question is a run of the flow "ask-database".
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { ApiError } from "../../api/client";
import { flowsQuery, runQuery, templatesQuery, toolsQuery } from "../../api/flow_queries";
import { invoke } from "../../api/invoke";
import { queryClient } from "../../api/queries";
import { Bars, Line } from "../../kit/chart";
import { Button, Empty, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { Link, navigate, useParam, withParams } from "../../router";
import { t } from "../../text/en";
import { freshKey } from "../flows/start_dialog";
import { answerOf, type DatabaseAnswer, databasesOf, flowName, marksOf, shownCell } from "./database";

// Where nobody has saved the flow yet, the one that ships is.
async function start(database: string, question: string) {
  const ask = () => invoke("POST /strata/v1/flows/{flow}/runs", { flow: flowName }, { input: { database, question }, key: freshKey() });
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    const shipped = (await queryClient.fetchQuery(templatesQuery)).data.find((one) => one.name === flowName);
    if (!shipped) throw error;
    await invoke("PUT /strata/v1/flows/{flow}", { flow: flowName }, { text: shipped.text, why: t.database.saved });
    void queryClient.invalidateQueries({ queryKey: flowsQuery.queryKey });
    return ask();
  }
}

function Drawing({ answer }: { answer: DatabaseAnswer }) {
  const marks = marksOf(answer);
  if (!answer.chart || marks.length < 2) return null;
  const label = t.database.chart(answer.chart.y, answer.chart.x);
  return (
    <figure className="answer-chart"><figcaption className="soft small">{label}</figcaption>
      {answer.chart.kind === "line" ? <Line points={marks} label={label} /> : <Bars marks={marks} label={label} shown={shownCell} />}
    </figure>
  );
}

function Rows({ answer }: { answer: DatabaseAnswer }) {
  if (answer.rows.length === 0) return null;
  const numeric = answer.columns.map((_, at) => answer.rows.every((row) => row[at] === null || typeof row[at] === "number"));
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={t.database.rows}>
      <table><thead><tr>{answer.columns.map((name, at) => <th key={at} className={numeric[at] ? "number" : undefined}>{name}</th>)}</tr></thead>
        <tbody>{answer.rows.map((row, index) => <tr key={index}>{row.map((cell, at) => <td key={at} className={numeric[at] ? "number" : undefined}>{shownCell(cell)}</td>)}</tr>)}</tbody></table>
    </div>
  );
}

function Sql({ answer }: { answer: DatabaseAnswer }) {
  const copy = () => void navigator.clipboard.writeText(answer.sql).then(() => toast(t.common.copied));
  return (
    <details className="answer-sql"><summary>{t.database.showSql}</summary>
      <pre tabIndex={0} className="span-content wrap">{answer.sql || t.database.noSql}</pre>
      {answer.sql && <Button icon="copy" onClick={copy}>{t.common.copy}</Button>}
    </details>
  );
}

function Answer({ run }: { run: string }) {
  const query = useQuery({ ...runQuery(run), refetchInterval: ({ state }) => (state.data && ["succeeded", "failed", "cancelled"].includes(state.data.state) ? false : 300) });
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  const view = query.data, answer = view && answerOf(view);
  if (view && !answer && (view.state === "failed" || view.state === "cancelled" || view.state === "succeeded"))
    return <div className="error-box" role="alert"><strong>{t.error.title}</strong><p>{view.error ?? t.database.ended}</p><p><Link to={`/runs/${encodeURIComponent(run)}`}>{t.database.run}</Link></p></div>;
  if (!answer) return <><p role="status" className="soft">{t.database.working}</p><Skeleton lines={5} /></>;
  return (
    <section aria-label={t.database.answer} className="database-answer">
      <h2>{answer.question}</h2>
      <p role="status" className="database-sentence">{answer.answer}</p>
      <p className="soft small">{answer.by === "known question" ? t.database.byKnown : t.database.byModel(answer.tries)} <Link to={`/runs/${encodeURIComponent(run)}`}>{t.database.run}</Link></p>
      {!answer.answered && <div className="error-box" role="alert"><strong>{t.database.failed}</strong><p>{answer.error}</p></div>}
      <Drawing answer={answer} />
      <Rows answer={answer} />
      {answer.truncated && <p className="soft small">{t.database.truncated(answer.rows.length)}</p>}
      <Sql answer={answer} />
    </section>
  );
}

export default function DatabasePage() {
  const [name] = useParam("name");
  const [run] = useParam("run");
  const [question, setQuestion] = useState("");
  const tools = useQuery(toolsQuery);
  const names = databasesOf(tools.data?.data ?? []);
  const database = names.includes(name) ? name : (names.find((one) => one !== "telemetry") ?? names[0] ?? "");
  const id = useId();
  const ask = useMutation({ mutationFn: (text: string) => start(database, text), onSuccess: (made) => navigate(withParams({ name: database, run: made.id })) });
  const submit = (event: FormEvent) => { event.preventDefault(); if (question.trim()) ask.mutate(question.trim()); };
  const example = (text: string) => { setQuestion(text); ask.mutate(text); };
  if (tools.error) return <div className="page"><ErrorBox error={tools.error} retry={() => void tools.refetch()} /></div>;
  return (
    <div className="page">
      <PageHead title={t.database.title} what={t.database.what}>
        <label className="check">{t.database.name} <select value={database} onChange={(event) => navigate(withParams({ name: event.target.value, run: null }))}>{names.map((one) => <option key={one}>{one}</option>)}</select></label>
      </PageHead>
      <form className="database-form" onSubmit={submit}>
        <label className="hidden" htmlFor={id}>{t.database.question}</label>
        <input id={id} value={question} maxLength={2000} placeholder={t.database.placeholder} autoComplete="off" onChange={(event) => setQuestion(event.target.value)} />
        <Button look="primary" type="submit" icon="send" disabled={!question.trim() || ask.isPending || !database}>{t.database.ask}</Button>
      </form>
      {ask.error && <ErrorBox error={ask.error} />}
      {run ? <Answer key={run} run={run} /> : (
        <Empty title={t.database.empty} what={database === "telemetry" ? t.database.emptyTelemetry : t.database.emptyOther}>
          {database === "telemetry" && <div className="button-row">{t.database.examples.map((text) => <Button key={text} disabled={ask.isPending} onClick={() => example(text)}>{text}</Button>)}</div>}
        </Empty>)}
    </div>
  );
}
