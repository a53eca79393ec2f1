// Each step of an agent as it happens: what it thought, what it called and got, what a check found, what a person decided.
import { useState } from "react";
import { count, exact, milliseconds } from "../../format/format";
import { shownJson } from "../../format/json";
import { money } from "../../format/money";
import { Badge } from "../../kit/kit";
import { Link } from "../../router";
import { t } from "../../text/en";
import { Asked } from "./asked";
import { type AgentStep, thoughtOf, verdictOf } from "./steps";

const tones = { working: "busy", done: "neutral", failed: "bad", retrying: "busy", asking: "busy", unknown: "bad", stopped: "neutral" } as const;
const shortMost = 200;

// Small values stand on the line; large ones are opened.
function Value({ name, value }: { name: string; value: unknown }) {
  if (value === null || value === undefined || value === "") return null;
  const whole = shownJson(value), short = typeof value === "string" ? value : JSON.stringify(value);
  if (short.length <= shortMost && !short.includes("\n")) return <p className="step-value"><span className="soft">{name}</span> <code>{short}</code></p>;
  return <details className="step-value"><summary><span className="soft">{name}</span> <code>{short.slice(0, 80)} …</code></summary><pre tabIndex={0} className="span-content wrap">{whole}</pre></details>;
}

function Cost({ step }: { step: AgentStep }) {
  const parts = [step.tokens > 0 && t.kept.tokens(count(step.tokens)), step.cost > 0 && money(step.cost, "USD"), step.ms > 0 && milliseconds(step.ms), step.model].filter(Boolean);
  return <small className="soft step-cost">{parts.join(", ")}</small>;
}

function Said({ step }: { step: AgentStep }) {
  if (step.state === "working" || step.state === "asking" || step.state === "unknown") return null;
  const verdict = verdictOf(step);
  if (verdict) return verdict.lines.length === 0 ? null : <ul className="step-lines">{verdict.lines.map((line, index) => <li key={index}>{line}</li>)}</ul>;
  if (step.id === "think" || step.id === "assign" || step.id === "judge") {
    const thought = thoughtOf(step);
    return thought?.thought ? <p className="step-thought">{thought.thought}</p> : null;
  }
  if (step.tool) return <Value name={t.agents.result} value={step.output} />;
  return typeof step.output === "string" ? <Value name={t.agents.result} value={step.output} /> : null;
}

function Mark({ step }: { step: AgentStep }) {
  const verdict = step.state === "done" ? verdictOf(step) : null, thought = step.id === "think" && step.state === "done" ? thoughtOf(step) : null;
  if (thought?.tool) return <Badge>{thought.tool === "final_answer" ? t.agents.answered : t.agents.chose(thought.tool)}</Badge>;
  if (step.id === "verify" || step.id === "criticize") if (verdict) return <Badge tone={verdict.good ? "good" : "bad"}>{verdict.good ? t.agents.passed : t.agents.refused}</Badge>;
  if (step.id === "reflect" && verdict) return <Badge>{verdict.good ? t.agents.goesOn : t.agents.replan}</Badge>;
  return <Badge tone={tones[step.state]}>{t.agents.states[step.state]}</Badge>;
}

function Step({ step }: { step: AgentStep }) {
  const decided = step.decision && t.agents.was(t.inbox.decided[step.decision.decision] ?? step.decision.decision, step.decision.by);
  return (
    <li className={`agent-step ${step.state}`} data-step={step.path}>
      <p className="step-head"><strong>{t.agents.ids[step.id] ?? step.id}</strong>{step.tool && <Link to={`/tools/${encodeURIComponent(step.tool)}`}><code>{step.tool}</code></Link>}<Mark step={step} />{step.untrusted && <Badge title={t.agents.untrusted}>{t.agents.others}</Badge>}<Cost step={step} /><time className="hidden">{exact(step.at)}</time></p>
      {step.tool && step.state !== "asking" && <Value name={t.agents.arguments} value={step.arguments} />}
      {decided && <p className="step-decided">{decided}{step.decision?.reason && <>: {step.decision.reason}</>}{step.decision?.response && <> “{step.decision.response}”</>}</p>}
      <Said step={step} />
      {step.error && <p className="bad-text step-error">{step.error}</p>}
      {(step.state === "asking" || step.state === "unknown") && step.approval && <Asked id={step.approval} />}
    </li>
  );
}

// `open`: of a run that works. What is over is folded away behind one line, and opened by a person.
export function StepsView({ steps, open, label = t.agents.stepList }: { steps: readonly AgentStep[]; open: boolean; label?: string }) {
  const [wanted, setWanted] = useState<boolean | null>(null);
  const shown = wanted ?? open;
  if (steps.length === 0) return null;
  const trouble = steps.filter((step) => step.state === "failed").length;
  return (
    <details className="agent-steps" open={shown} onToggle={(event) => { const now = event.currentTarget.open; if (now !== shown) setWanted(now); }}>
      <summary><span>{t.agents.stepsOf(steps.length)}</span>{trouble > 0 && <> <Badge tone="bad">{`${trouble} ${t.agents.states.failed}`}</Badge></>}</summary>
      <ol aria-label={label}>{steps.map((step) => <Step key={step.path} step={step} />)}</ol>
    </details>
  );
}
