// A flow's picture: its steps are buttons in reading order, its arrows are drawn below them. What a step adds, measured, stands on it;
// while a run is looked at, so does where that step is.
import { useMemo } from "react";
import type { FlowGraph, StepImpact } from "../../api/types";
import { count, milliseconds, percent } from "../../format/format";
import { money } from "../../format/money";
import { Badge } from "../../kit/kit";
import { t } from "../../text/en";
import { type NodeState, toneOf } from "../runs/run_state";
import { type Arrow, type Box, endPath, layoutOf } from "./layout";

interface Props { graph: FlowGraph; label: string; states?: Map<string, NodeState>; impact?: readonly StepImpact[]; chosen?: string; choose?: (path: string) => void }

const labelMost = 21;
const short = (text: string) => (text.length > labelMost ? `${text.slice(0, labelMost - 1)}…` : text);

function Arrows({ arrows, width, height, states }: { arrows: Arrow[]; width: number; height: number; states: Map<string, NodeState> | undefined }) {
  const passed = (arrow: Arrow) => states?.get(arrow.from)?.status === "finished" && (arrow.to === endPath || (states.get(arrow.to)?.times ?? 0) > (arrow.back ? 1 : 0));
  return (
    <svg className="graph-arrows" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <defs>{["arrow-head", "arrow-passed"].map((id) => <marker key={id} id={id} viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="10" markerHeight="10" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" /></marker>)}</defs>
      {arrows.map((arrow) => <path key={`${arrow.from} ${arrow.to}`} d={arrow.d} className={`graph-arrow${passed(arrow) ? " passed" : ""}${arrow.label === "error" ? " error" : ""}`} markerEnd={`url(#arrow-${passed(arrow) ? "passed" : "head"})`} />)}
      {arrows.map((arrow) => arrow.label && <text key={`${arrow.from} ${arrow.to}`} x={arrow.labelX} y={arrow.labelY} textAnchor={arrow.back ? "end" : "middle"} dominantBaseline="middle" className="graph-label">{short(arrow.label)}</text>)}
    </svg>
  );
}

function Measured({ impact }: { impact: StepImpact | undefined }) {
  if (!impact || impact.runs === 0) return null;
  return <span className="graph-numbers">{milliseconds(impact.ms_p50)} <span>·</span> {percent(impact.success_rate ?? 1)}{impact.cost > 0 ? <> <span>·</span> {money(impact.cost / impact.runs, "USD")}</> : impact.tokens > 0 && <> <span>·</span> {t.flows.tokens(count(impact.tokens / impact.runs))}</>}{impact.cached > 0 && <> <span>·</span> {t.flows.cached(percent(impact.cached / impact.runs))}</>}</span>;
}

function Node({ box, state, impact, leads, chosen, choose }: { box: Box; state: NodeState | undefined; impact: StepImpact | undefined; leads: string; chosen: boolean; choose: ((path: string) => void) | undefined }) {
  const at = { left: box.x, top: box.y, width: box.width, height: box.height };
  if (box.path === endPath) return <span className="graph-end" style={at}>{t.flows.end}</span>;
  const inside = (
    <>
      <span className="graph-name">{box.title || box.id}</span>
      <span className="graph-line"><small>{t.flows.kinds[box.kind] ?? box.kind}</small>{state && <Badge tone={toneOf(state.status)}>{t.runs.steps[state.status]}{state.times > 1 ? ` ×${state.times}` : ""}</Badge>}{state?.last.cached && <small>{t.runs.cached}</small>}</span>
      <Measured impact={impact} />
      <span className="hidden">{leads}</span>
    </>);
  const look = `graph-step${box.inside ? " outer" : ""}${state ? ` ${toneOf(state.status)} ${state.status}` : ""}`;
  if (!choose) return <div className={look} style={at}>{inside}</div>;
  return <button type="button" data-item className={look} style={at} aria-pressed={chosen} onClick={() => choose(box.path)}>{inside}</button>;
}

export function GraphView({ graph, label, states, impact, chosen, choose }: Props) {
  const { width, height, boxes, arrows, lanes } = useMemo(() => layoutOf(graph), [graph]);
  const measured = new Map((impact ?? []).map((one) => [one.step, one]));
  const name = (path: string) => (path === endPath ? t.flows.end : path.split("/").at(-1) ?? path);
  const leads = (path: string) => { const to = arrows.filter((arrow) => arrow.from === path); return to.length === 0 ? "" : t.flows.leadsTo(to.map((arrow) => (arrow.label ? t.flows.toIf(name(arrow.to), arrow.label) : name(arrow.to))).join("; ")); };
  return (
    <div className="graph-scroll" role="group" aria-label={label} tabIndex={0}>
      <div className="graph" style={{ width, height }} data-list>
        {lanes.map((lane) => <div key={lane.path} className="graph-lane" style={{ left: lane.x, top: lane.y, width: lane.width, height: lane.height }}>{lane.name}</div>)}
        <Arrows arrows={arrows} width={width} height={height} states={states} />
        {boxes.map((box) => <Node key={box.path} box={box} state={states?.get(box.path)} impact={measured.get(box.path)} leads={leads(box.path)} chosen={chosen === box.path} choose={choose} />)}
      </div>
    </div>
  );
}
