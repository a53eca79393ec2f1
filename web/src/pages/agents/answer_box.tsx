// What came of a goal: the answer, how far it can be trusted, and what it cost of what was allowed.
import { lazy, Suspense } from "react";
import type { Budget, GoalResult, RunDetail } from "../../api/types";
import { count, duration } from "../../format/format";
import { shownJson } from "../../format/json";
import { money } from "../../format/money";
import { Badge } from "../../kit/kit";
import { t } from "../../text/en";

const Markdown = lazy(() => import("../../kit/markdown"));
const none: ReadonlySet<number> = new Set();

export const resultOf = (run: Pick<RunDetail, "result">): GoalResult | null => (typeof run.result === "object" && run.result !== null && "outcome" in run.result ? run.result as GoalResult : null);
const toneOf = (outcome: string) => (outcome === "done" ? "good" : outcome === "failed" ? "bad" : "busy");

export interface Used { steps: number; tokens: number; cost: number; seconds: number | null }
export function BudgetBars({ used, budget }: { used: Used; budget: Budget | null }) {
  const rows: [string, number, number, (value: number) => string][] = [
    [t.agents.spentSteps, used.steps, budget?.steps ?? 0, count], [t.agents.spentTokens, used.tokens, budget?.tokens ?? 0, count],
    [t.agents.spentMoney, used.cost, budget?.money ?? 0, (value) => money(value, "USD")],
    ...(used.seconds === null ? [] : [[t.agents.spentTime, used.seconds, budget?.seconds ?? 0, duration] as [string, number, number, (value: number) => string]]),
  ];
  return (
    <dl className="budget-bars" aria-label={t.agents.used}>{rows.map(([name, value, most, shown]) => (
      <div key={name}><dt>{name}</dt><dd>{most > 0 ? t.agents.of(shown(value), shown(most)) : shown(value)}{most > 0 && <progress aria-label={name} max={most} value={Math.min(value, most)} />}</dd></div>))}</dl>
  );
}

export function AnswerBox({ result }: { result: GoalResult }) {
  const answer = result.answer;
  return (
    <section className="agent-answer" aria-label={t.agents.answer}>
      <p className="step-head"><Badge tone={toneOf(result.outcome)}>{t.agents.outcomes[result.outcome] ?? result.outcome}</Badge><span className="soft">{result.reason}</span></p>
      {typeof answer === "string" ? <Suspense fallback={<p className="plain-text">{answer}</p>}><Markdown text={answer} known={none} chip={() => null} /></Suspense>
        : answer === null || answer === undefined ? <p className="soft">{t.agents.noAnswer}</p> : <pre tabIndex={0} className="span-content wrap">{shownJson(answer)}</pre>}
      {result.problems && <p className="bad-text">{t.agents.problems}: {result.problems}</p>}
      {result.untrusted && <p className="soft small">{t.agents.untrusted}</p>}
    </section>
  );
}
