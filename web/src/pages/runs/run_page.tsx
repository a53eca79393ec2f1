// One run, live: where each step is, its log, what went in and came out, and what can be done about it.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { placeOfRun } from "../../api/agent_queries";
import { approvalsQuery, impactQuery, runQuery } from "../../api/flow_queries";
import type { RunDetail, RunEvent } from "../../api/types";
import { shownJson } from "../../format/json";
import { count } from "../../format/format";
import { money } from "../../format/money";
import { Ago, Badge, Button, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { GraphView } from "../flows/graph_view";
import { copy } from "../traces/span_view";
import { EventsView } from "./events_view";
import { ForkDialog, RunActions } from "./run_actions";
import { ended, fileStep, signalsOf, statesOf, tookOf, toneOf, toneOfRun } from "./run_state";
import { NotYet, StepView } from "./step_view";
import { useEvents } from "./use_events";

const views = ["picture", "timeline", "data"] as const;

function Facts({ run }: { run: RunDetail }) {
  const facts: [string, React.ReactNode][] = [
    [t.flows.one, <Link key="flow" to={placeOfRun(run.flow, run.id) || `/flows/${encodeURIComponent(run.flow)}`}>{run.flow} <span className="small">{t.flows.version(run.version)}</span></Link>], [t.runs.began, <Ago key="began" at={run.created_at} />],
    ...(ended(run.state) ? [[t.runs.took, tookOf(run)] as [string, React.ReactNode]] : []),
    [t.runs.stepsHead, count(run.totals.steps)], [t.flows.tokensHead, count(run.totals.tokens)], [t.flows.cost, money(run.totals.cost, "USD")],
    [t.runs.traces, <Link key="traces" to={`/traces?q=${encodeURIComponent(run.id)}`}>{t.runs.toTraces}</Link>],
    ...(run.parent ? [[t.runs.parent, <Link key="parent" to={`/runs/${encodeURIComponent(run.parent)}`}><code>{run.parent}</code></Link>] as [string, React.ReactNode]] : []),
  ];
  return <dl className="trace-facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

// What a run waits for, where it can be given.
function Waits({ run }: { run: RunDetail }) {
  const asked = useQuery({ ...approvalsQuery("pending"), enabled: run.waits_for === "approval" || run.waits_for === "outcome" }).data?.data.filter((one) => one.run_id === run.id) ?? [];
  if (!run.waits_for) return run.error ? <div className="error-box" role="alert"><strong>{t.runs.failedAt}</strong><p>{run.error}</p></div> : null;
  return (
    <div className="banner note" role="status"><span>{t.runs.waits[run.waits_for]}{run.waits_for === "time" && run.wakes_at !== null && <> <Ago at={run.wakes_at} /></>}</span>
      {asked.map((one) => <Link key={one.id} className="button primary" to={`/inbox/${encodeURIComponent(one.id)}`}>{asked.length > 1 ? `${t.runs.decide}: ${one.step}` : t.runs.decide}</Link>)}</div>
  );
}

// An agent and a team choose their steps while they run: there is no picture of them, only those that they took.
function Taken({ run, chosen, choose }: { run: RunDetail; chosen: string; choose: (path: string) => void }) {
  return (
    <ol className="plain-list taken" aria-label={t.runs.picture} data-list>{run.steps.map((step) => {
      const status = ended(run.state) && step.status !== "finished" && step.status !== "failed" ? "stopped" : step.status;
      return <li key={step.path}><button type="button" className="link-button" data-item aria-pressed={step.path === chosen} onClick={() => choose(step.path)}>{step.path}</button> <Badge tone={toneOf(status)}>{t.runs.steps[status]}</Badge></li>;
    })}</ol>
  );
}

function Picture({ run, step, choose, fork }: { run: RunDetail; step: string; choose: (path: string) => void; fork: (path: string) => void }) {
  const chosenAsItRuns = placeOfRun(run.flow, run.id) !== "", impact = useQuery({ ...impactQuery(run.flow, run.version), enabled: !chosenAsItRuns });
  const states = statesOf(run);
  // Where eyes are wanted, else where it is now.
  const first = run.steps.find((one) => one.status === "failed") ?? run.steps.findLast((one) => one.status !== "finished") ?? run.steps.at(-1);
  const chosen = run.steps.find((one) => one.path === step) ?? (step ? run.steps.findLast((one) => fileStep(one.path) === step) : first);
  const node = chosen ? fileStep(chosen.path) : step;
  return (
    <div className="run-sides">
      {chosenAsItRuns ? <Taken run={run} chosen={chosen?.path ?? ""} choose={choose} />
        : run.graph && <GraphView graph={run.graph} label={t.runs.picture} states={states} impact={impact.data?.steps ?? []} chosen={node} choose={choose} />}
      {chosen ? <StepView run={run} chosen={chosen} steps={run.steps.filter((one) => fileStep(one.path) === node)} choose={choose} fork={fork} /> : step ? <NotYet path={step} /> : <p className="soft">{t.runs.notBegun}</p>}
    </div>
  );
}

function Data({ run }: { run: RunDetail }) {
  const parts: [string, unknown][] = [[t.runs.input, run.input], [t.runs.values, run.values], [t.runs.result, run.result]];
  return <>{parts.map(([name, value]) => { const text = shownJson(value); return <section key={name}><h2>{name}</h2><pre tabIndex={0} className="wrap">{text}</pre><Button look="quiet" icon="copy" onClick={() => copy(text)}>{t.common.copy}</Button></section>; })}</>;
}

function One({ run, events, complete }: { run: RunDetail; events: RunEvent[]; complete: boolean }) {
  const [wanted, setView] = useParam("view"), [step, choose] = useParam("step");
  const [forking, setForking] = useState("");
  const view = views.find((name) => name === wanted) ?? "picture";
  return (
    <div className="page wide">
      <p className="crumbs"><Link to="/runs">{t.runs.title}</Link></p>
      <PageHead title={run.flow} what={<><span role="status"><Badge tone={toneOfRun(run.state)}>{t.runs.states[run.state]}</Badge></span> <code className="small">{run.id}</code></>}><RunActions run={run} signals={signalsOf(run, events)} /></PageHead>
      <Waits run={run} />
      <Facts run={run} />
      <div className="tabs" role="group" aria-label={t.runs.view}>{views.map((name) => <button key={name} type="button" aria-pressed={name === view} onClick={() => setView(name === "picture" ? null : name)}>{t.runs.views[name]}</button>)}</div>
      {view === "picture" ? <Picture run={run} step={step} choose={choose} fork={setForking} /> : view === "data" ? <Data run={run} />
        : <EventsView events={events} complete={complete} choose={(path) => { setView(null); choose(path); }} />}
      {forking && <ForkDialog run={run} step={forking} onClose={() => setForking("")} />}
    </div>
  );
}

export function RunPage({ id }: { id: string }) {
  const query = useQuery(runQuery(id));
  const { events, complete } = useEvents(id, query.data);
  if (query.data) return <One run={query.data} events={events} complete={complete} />;
  return <div className="page wide"><p className="crumbs"><Link to="/runs">{t.runs.title}</Link></p><PageHead title={t.runs.one} />{query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : <Skeleton lines={8} />}</div>;
}
