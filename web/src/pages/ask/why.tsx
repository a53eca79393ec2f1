import { useQuery } from "@tanstack/react-query";
import { answerQuery } from "../../api/queries";
import type { Answer, Stage } from "../../api/types";
import { splitAtBytes } from "../../format/bytes";
import { whereOf } from "../../format/citations";
import { count, milliseconds, score } from "../../format/format";
import { Dialog } from "../../kit/dialog";
import { Badge, ErrorBox, Skeleton } from "../../kit/kit";
import { Link } from "../../router";
import { t } from "../../text/en";
import { Confidence } from "./answer_view";
import { openSource } from "./chip";

function Stages({ answer }: { answer: Answer }) {
  const names = new Map(answer.candidates.map((hit) => [hit.chunk_id, whereOf(hit)]));
  const top = (stage: Stage) => stage.top.slice(0, 3).map((entry) => `${names.get(entry.chunk_id) ?? `#${entry.chunk_id}`} (${score(entry.score)})`).join(" · ");
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={t.why.stages}>
      <table><thead><tr><th>{t.why.stage}</th><th className="number">{t.why.candidates}</th><th className="number">{t.why.ms}</th><th>{t.why.top}</th></tr></thead>
        <tbody>{answer.stages.map((stage, index) => <tr key={index}><td>{stage.name}</td><td className="number">{count(stage.candidates)}</td><td className="number">{milliseconds(stage.ms)}</td><td className="soft">{top(stage)}</td></tr>)}</tbody></table>
    </div>
  );
}

function Candidates({ answer }: { answer: Answer }) {
  const packed = new Set(answer.packed), left = new Set(answer.left_out);
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={t.why.passages}>
      <table><thead><tr><th>{t.why.passage}</th><th className="number">{t.why.keyword}</th><th className="number">{t.why.vector}</th><th className="number">{t.why.fused}</th><th className="number">{t.why.rerank}</th><th>{t.why.use}</th></tr></thead>
        <tbody>{answer.candidates.map((hit) => (
          <tr key={hit.chunk_id}>
            <td><button type="button" className="link" onClick={() => openSource(hit)}>{whereOf(hit)}</button></td>
            <td className="number">{score(hit.scores.keyword)}</td><td className="number">{score(hit.scores.vector)}</td><td className="number">{score(hit.scores.fused)}</td><td className="number">{score(hit.scores.rerank)}</td>
            <td>{packed.has(hit.chunk_id) ? t.why.packed : left.has(hit.chunk_id) ? t.why.leftOut : t.why.neither}</td>
          </tr>))}</tbody></table>
    </div>
  );
}

function Sentences({ answer }: { answer: Answer }) {
  if (answer.verdicts.length === 0) return <p className="soft">{t.why.noSentences}</p>;
  return (
    <ul className="verdicts">{answer.verdicts.map((verdict, index) => (
      <li key={index}>
        <span>{splitAtBytes(answer.text, verdict.begin, verdict.end)[1] || <em>{t.why.droppedSentence}</em>}</span>
        <Badge tone={verdict.kind === "notice" ? "neutral" : verdict.supported ? "good" : "bad"}>{t.why.kinds[verdict.kind]}{verdict.kind !== "notice" && `: ${verdict.supported ? t.why.supported : t.why.unsupported}`}</Badge>
        {verdict.kind !== "notice" && <span className="soft">{score(verdict.score)}</span>}
        {verdict.reason && <span className="soft">{verdict.reason}</span>}
      </li>))}</ul>
  );
}

function Body({ answer }: { answer: Answer }) {
  return (
    <>
      <dl className="facts">
        <dt>{t.why.question}</dt><dd>{answer.question}</dd>
        {answer.standalone_question !== answer.question && <><dt>{t.why.standalone}</dt><dd>{answer.standalone_question}</dd></>}
        <dt>{t.why.queries}</dt><dd>{answer.queries.join(" · ") || "–"}</dd>
        <dt>{t.ask.outcome[answer.outcome]}</dt><dd><Confidence strata={answer} /></dd>
        <dt>{t.why.mode}</dt><dd><code>{answer.mode}</code>{answer.model && <> · {t.why.model} <code>{answer.model}</code></>}</dd>
        <dt>{t.why.times}</dt><dd>{t.ask.timing(milliseconds(answer.first_text_ms), milliseconds(answer.total_ms))}</dd>
        {answer.trace_id && <><dt>{t.traces.one}</dt><dd><Link to={`/traces/${encodeURIComponent(answer.trace_id)}`}>{t.traces.open}</Link></dd></>}
      </dl>
      <h3>{t.why.sentences}</h3><Sentences answer={answer} />
      <h3>{t.why.stages}</h3><Stages answer={answer} />
      <h3>{t.why.passages}</h3>{answer.packed.length === 0 && <p className="soft">{t.why.nonePacked}</p>}<Candidates answer={answer} />
    </>
  );
}

export default function WhySheet({ answer, onClose }: { answer: string; onClose: () => void }) {
  const query = useQuery(answerQuery(answer));
  return (
    <Dialog title={t.why.title} look="sheet" onClose={onClose}>
      {query.isPending && <Skeleton lines={8} />}
      {query.error && <ErrorBox error={query.error} retry={() => void query.refetch()} />}
      {query.data && <Body answer={query.data} />}
    </Dialog>
  );
}
