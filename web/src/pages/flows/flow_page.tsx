// One flow: its picture with what each step adds, its text, its runs, and what starts it by itself.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { flowQuery, impactQuery } from "../../api/flow_queries";
import type { FlowDetail, StepImpact } from "../../api/types";
import { count, milliseconds, percent } from "../../format/format";
import { money } from "../../format/money";
import { Ago, Button, Empty, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { RunList, StateFilter } from "../runs/run_list";
import { FlowEditor } from "./flow_editor";
import { GraphView } from "./graph_view";
import { StartDialog } from "./start_dialog";
import { TriggersView } from "./triggers_view";

const views = ["picture", "text", "runs", "triggers"] as const;

function ImpactTable({ steps }: { steps: readonly StepImpact[] }) {
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={t.flows.impact}>
      <table><thead><tr><th>{t.flows.step}</th><th className="number">{t.flows.times}</th><th className="number">{t.flows.reliable}</th><th className="number">{t.flows.retries}</th><th className="number">{t.flows.median}</th><th className="number">{t.flows.slow}</th><th className="number">{t.flows.tokensHead}</th><th className="number">{t.flows.cost}</th><th className="number">{t.flows.cachedHead}</th><th className="number">{t.flows.savedHead}</th></tr></thead>
        <tbody>{steps.map((step) => (
          <tr key={step.step}><td><code>{step.step}</code></td><td className="number">{count(step.runs)}</td><td className="number">{step.success_rate === null ? "–" : percent(step.success_rate)}</td><td className="number">{count(step.retries)}</td>
            <td className="number">{milliseconds(step.ms_p50)}</td><td className="number">{milliseconds(step.ms_p95)}</td><td className="number">{count(step.tokens)}</td><td className="number">{money(step.cost, "USD")}</td><td className="number">{count(step.cached)}</td><td className="number">{money(step.saved, "USD")}</td></tr>))}</tbody></table>
    </div>
  );
}

function Picture({ flow }: { flow: FlowDetail }) {
  const impact = useQuery(impactQuery(flow.name, flow.version));
  return (
    <>
      {flow.graph && <GraphView graph={flow.graph} label={t.flows.picture} impact={impact.data?.steps ?? []} />}
      <section><h2>{t.flows.impact}</h2>
        {impact.error ? <ErrorBox error={impact.error} retry={() => void impact.refetch()} /> : !impact.data ? <Skeleton lines={3} />
          : impact.data.steps.length === 0 ? <p className="soft">{t.flows.noImpact}</p> : <><p className="soft">{t.flows.impactWhat(impact.data.runs)}</p><ImpactTable steps={impact.data.steps} /></>}
      </section>
    </>
  );
}

function One({ flow }: { flow: FlowDetail }) {
  const [wanted, setView] = useParam("view");
  const [starting, setStarting] = useState(false);
  const view = views.find((name) => name === wanted) ?? "picture";
  return (
    <div className="page wide">
      <p className="crumbs"><Link to="/flows">{t.flows.title}</Link></p>
      <PageHead title={flow.name} what={<>{flow.description && <>{flow.description}<br /></>}{t.flows.version(flow.version)}, <Ago at={flow.created_at} />{flow.why && `: ${flow.why}`}</>}>
        <Button look="primary" icon="play" onClick={() => setStarting(true)}>{t.flows.start}</Button>
      </PageHead>
      <div className="tabs" role="group" aria-label={t.flows.view}>{views.map((name) => <button key={name} type="button" aria-pressed={name === view} onClick={() => setView(name === "picture" ? null : name)}>{t.flows.views[name]}</button>)}</div>
      {view === "picture" ? <Picture flow={flow} /> : view === "text" ? <FlowEditor key={`${flow.name} ${flow.version}`} name={flow.name} text={flow.text} version={flow.version} />
        : view === "triggers" ? <TriggersView flow={flow} /> : (
          <>
            <form className="search-form" role="search" onSubmit={(event) => event.preventDefault()}><StateFilter /></form>
            <RunList flow={flow.name} none={<Empty title={t.runs.noneOf} what={t.runs.noneOfWhat}><Button look="primary" onClick={() => setStarting(true)}>{t.flows.start}</Button></Empty>} />
          </>)}
      {starting && <StartDialog flow={flow.name} version={flow.version} input={flow.input ?? {}} onClose={() => setStarting(false)} />}
    </div>
  );
}

export function FlowPage({ name }: { name: string }) {
  const query = useQuery(flowQuery(name));
  if (query.data) return <One flow={query.data} />;
  return <div className="page wide"><p className="crumbs"><Link to="/flows">{t.flows.title}</Link></p><PageHead title={name} />{query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : <Skeleton lines={8} />}</div>;
}
