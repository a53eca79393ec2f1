import { lazy, memo, Suspense, useMemo } from "react";
import type { Citation, Strata } from "../../api/types";
import { whereOf } from "../../format/citations";
import { confidenceLevel } from "../../format/confidence";
import { milliseconds, percent } from "../../format/format";
import { Sign } from "../../kit/icons";
import { IconButton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { navigate, withParams } from "../../router";
import { t } from "../../text/en";
import { Chip, openSource } from "./chip";
import { Feedback } from "./feedback";

const Markdown = lazy(() => import("../../kit/markdown"));
const signs = { high: "check_circle", medium: "info", low: "warning" } as const;

export function Confidence({ value }: { value: number }) {
  const level = confidenceLevel(value);
  return (
    <span className={`confidence ${level}`} title={t.confidence.exact(percent(value))}>
      <Sign name={signs[level]} />{t.confidence[level]} <span className="soft">({percent(value)})</span>
    </span>
  );
}

function Closest({ citations }: { citations: Citation[] }) {
  return (
    <section className="closest" aria-label={t.ask.closest}>
      <h3>{t.ask.closest}</h3><p className="soft">{t.ask.closestWhat}</p>
      <ul>{citations.map((citation) => (
        <li key={`${citation.document_id}:${citation.begin}`}>
          <button type="button" onClick={() => openSource(citation)}><q>{citation.quote}</q><small>{whereOf(citation)}</small></button>
        </li>))}</ul>
    </section>
  );
}

function Label({ strata }: { strata: Strata }) {
  const answered = strata.citations.length > 0;
  const greeting = strata.outcome === "answered" && !answered;
  if (greeting) return null;
  return (
    <div className="answer-label">
      {answered && <Confidence value={strata.confidence} />}
      {strata.outcome !== "answered" && <span className="outcome">{t.ask.outcome[strata.outcome]}</span>}
      <span className="soft" title={t.ask.timing(milliseconds(strata.first_text_ms), milliseconds(strata.total_ms))}>{milliseconds(strata.total_ms)}</span>
    </div>
  );
}

function copy(text: string) {
  navigator.clipboard.writeText(text).then(() => toast(t.common.copied), (error: unknown) => toast(String(error)));
}

interface Props { text: string; strata: Strata | null; citations: Citation[]; live?: boolean; alone?: boolean; onAgain?: () => void }

export const AnswerView = memo(function AnswerView({ text, strata, citations, live = false, alone = false, onAgain }: Props) {
  const byNumber = useMemo(() => new Map([...citations].reverse().map((citation) => [citation.number, citation])), [citations]);
  const known = useMemo(() => new Set(byNumber.keys()), [byNumber]);
  const chip = (number: number) => { const citation = byNumber.get(number); return citation ? <Chip citation={citation} /> : `[${number}]`; };
  const refused = strata !== null && strata.outcome !== "answered" && strata.citations.length === 0;
  return (
    <article className={refused ? "answer refused" : "answer"} aria-label={t.ask.strata} aria-busy={live}>
      <Suspense fallback={<p className="plain-text">{text}</p>}><Markdown text={text} known={known} chip={chip} /></Suspense>
      {strata && strata.closest.length > 0 && strata.outcome !== "answered" && <Closest citations={strata.closest} />}
      {strata && <Label strata={strata} />}
      {alone && !live && <p className="soft small">{t.ask.aloneNote}</p>}
      {!live && (
        <div className="answer-actions">
          <IconButton icon="copy" label={t.ask.copy} onClick={() => copy(text)} />
          {onAgain && <IconButton icon="again" label={t.ask.regenerate} onClick={onAgain} />}
          {strata && <button type="button" className="button quiet" onClick={() => navigate(withParams({ why: strata.answer_id }))}>{t.ask.why}</button>}
          {strata && <Feedback answer={strata.answer_id} rating={strata.rating ?? "none"} />}
        </div>)}
    </article>
  );
});
