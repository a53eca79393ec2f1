// All flows, templates to start from, and a new one.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { flowsQuery, templatesQuery } from "../../api/flow_queries";
import { keepChanges } from "../../api/kept";
import { remember, remembered } from "../../api/remember";
import type { FlowRow, FlowTemplate } from "../../api/types";
import { Ago, Badge, Empty, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, navigate, useParam } from "../../router";
import { t } from "../../text/en";
import { FlowEditor } from "./flow_editor";
import { FlowPage } from "./flow_page";
import { freshName, renamed } from "./flow_problem";
import { SubscriptionsView } from "./subscriptions_view";

export const newFlow = "new";

function Templates({ templates }: { templates: readonly FlowTemplate[] }) {
  return (
    <section><h2>{t.flows.templates}</h2>
      <ul className="cards">{templates.map((one) => (
        <li key={one.name}><Link data-item className="card" to={`/flows?${newFlow}=${encodeURIComponent(one.name)}`}><strong>{one.name}</strong><span className="soft">{one.title}</span></Link></li>))}
        <li><Link data-item className="card" to={`/flows?${newFlow}=empty`}><strong>{t.flows.empty}</strong><span className="soft">{t.flows.emptyWhat}</span></Link></li></ul>
    </section>
  );
}

function Row({ flow }: { flow: FlowRow }) {
  const to = `/flows/${encodeURIComponent(flow.name)}`;
  return (
    <tr>
      <td><Link data-item to={to}>{flow.name}</Link><div className="soft small">{flow.description}</div></td>
      <td className="keep"><Badge>{t.flows.version(flow.version)}</Badge></td>
      <td className="keep"><Ago at={flow.created_at} /></td>
      <td className="row-end"><Link to={`/runs?flow=${encodeURIComponent(flow.name)}`}>{t.flows.itsRuns}</Link></td>
    </tr>
  );
}

function Fresh({ template, templates, taken }: { template: string; templates: readonly FlowTemplate[]; taken: readonly string[] }) {
  const found = templates.find((one) => one.name === template);
  const text = found ? renamed(found.text, freshName(found.name, taken)) : t.flows.starter;
  // What was typed for another start is not this one's.
  useState(() => { if (remembered("flow.new.from") !== template) { keepChanges("flow.new", {}); remember("flow.new.from", template); } });
  return <FlowEditor name="" text={text} version={0} drop={() => navigate("/flows")} />;
}

function Flows() {
  const [template] = useParam(newFlow);
  const [view, setView] = useParam("view");
  const flows = useQuery(flowsQuery), templates = useQuery(templatesQuery);
  const error = flows.error ?? templates.error;
  const rows = flows.data?.data ?? [];
  const body = error ? <ErrorBox error={error} retry={() => { void flows.refetch(); void templates.refetch(); }} />
    : !flows.data || !templates.data ? <Skeleton lines={6} />
    : template ? <Fresh key={template} template={template} templates={templates.data.data} taken={rows.map((row) => row.name)} />
    : (
      <>
        {rows.length === 0 ? <Empty title={t.flows.none} what={t.flows.noneWhat}><Link className="button primary" to={`/flows?${newFlow}=route-by-risk`}>{t.flows.tryOne}</Link></Empty> : (
          <div className="table-scroll" tabIndex={0} role="region" aria-label={t.flows.title}>
            <table className="flows"><thead><tr><th>{t.flows.one}</th><th>{t.flows.newest}</th><th>{t.flows.when}</th><th><span className="hidden">{t.flows.itsRuns}</span></th></tr></thead><tbody data-list>{rows.map((flow) => <Row key={flow.name} flow={flow} />)}</tbody></table>
          </div>)}
        <Templates templates={templates.data.data} />
      </>);
  return (
    <div className="page wide">
      {template && <p className="crumbs"><Link to="/flows">{t.flows.title}</Link></p>}
      <PageHead title={template ? t.flows.fresh : t.flows.title} what={template ? t.flows.freshWhat : t.flows.what} />
      {!template && <div className="tabs" role="group" aria-label={t.flows.view}>{(["", "events"] as const).map((name) => <button key={name} type="button" aria-pressed={view === name} onClick={() => setView(name || null)}>{name ? t.flows.subscriptions : t.flows.title}</button>)}</div>}
      {view === "events" && !template ? <SubscriptionsView /> : body}
    </div>
  );
}

export default function FlowsPage({ parts }: { parts: string[] }) {
  return parts[0] ? <FlowPage key={parts[0]} name={parts[0]} /> : <Flows />;
}
