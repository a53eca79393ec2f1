import { lazy, memo, type ReactNode, Suspense, useId, useMemo, useState } from "react";
import type { Citation, Strata } from "../../api/types";
import { whereOf } from "../../format/citations";
import { shownConfidence } from "../../format/confidence";
import { splitSummary } from "../../format/disclosure";
import { milliseconds, percent } from "../../format/format";
import { Sign } from "../../kit/icons";
import { Button, IconButton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { navigate, withParams } from "../../router";
import { t } from "../../text/en";
import { Chip, openSource } from "./chip";
import { Feedback } from "./feedback";

const Markdown = lazy(() => import("../../kit/markdown"));
export function Confidence({ strata }: { strata: Pick<Strata, "label" | "treatment" | "confidence"> }) {
  const shown = shownConfidence(strata);
  return (
    <span className={`confidence ${shown.level}`} style={{ borderColor: shown.color }} title={t.confidence.exact(percent(strata.confidence))}>
      <span style={{ color: shown.color }}><Sign name={shown.icon} /></span>{shown.words} <span className="soft">({percent(strata.confidence)})</span>
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
      {answered && <Confidence strata={strata} />}
      {answered && strata.treatment.disclaimer && <span className="disclaimer">{strata.treatment.disclaimer}</span>}
      {strata.outcome !== "answered" && <span className="outcome">{t.ask.outcome[strata.outcome]}</span>}
      <span className="soft" title={t.ask.timing(milliseconds(strata.first_text_ms), milliseconds(strata.total_ms))}>{milliseconds(strata.total_ms)}</span>
    </div>
  );
}

// A long answer: its summary, and the details on demand. While it is written, everything is seen.
export function AnswerText({ text, citations, live = false }: { text: string; citations: Citation[]; live?: boolean }) {
  const details = useId();
  const [open, setOpen] = useState(false);
  const byNumber = useMemo(() => new Map([...citations].reverse().map((citation) => [citation.number, citation])), [citations]);
  const known = useMemo(() => new Set(byNumber.keys()), [byNumber]);
  const chip = (number: number) => { const citation = byNumber.get(number); return citation ? <Chip citation={citation} /> : `[${number}]`; };
  const [summary, rest] = live ? [text, ""] : splitSummary(text);
  const shown = (part: string) => <Suspense fallback={<p className="plain-text">{part}</p>}><Markdown text={part} known={known} chip={chip} /></Suspense>;
  return (
    <>
      {shown(summary)}
      {rest && <div id={details} hidden={!open}>{open && shown(rest)}</div>}
      {rest && <Button look="quiet" className="disclose" aria-expanded={open} aria-controls={details} onClick={() => setOpen(!open)}>{open ? t.answers.less : t.answers.more(rest.split(/\n{2,}/).length)}</Button>}
    </>
  );
}

function copy(text: string) {
  navigator.clipboard.writeText(text).then(() => toast(t.common.copied), (error: unknown) => toast(String(error)));
}

interface Props { text: string; strata: Strata | null; citations: Citation[]; live?: boolean; alone?: boolean; onAgain?: () => void; next?: ReactNode }

export const AnswerView = memo(function AnswerView({ text, strata, citations, live = false, alone = false, onAgain, next }: Props) {
  const refused = strata !== null && strata.outcome !== "answered" && strata.citations.length === 0;
  return (
    <article className={refused ? "answer refused" : "answer"} aria-label={t.ask.strata} aria-busy={live}>
      <AnswerText text={text} citations={citations} live={live} />
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
      {!live && next}
    </article>
  );
});
