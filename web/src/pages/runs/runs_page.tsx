// What flows did: all runs by flow and state, the decisions in them, and one run.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { decisionsQuery, flowsQuery } from "../../api/flow_queries";
import { Ago, Badge, Button, Empty, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { useLater } from "../traces/use_later";
import { RunPage } from "./run_page";
import { RunList, StateFilter } from "./run_list";
import { summaryOf } from "./run_state";

function Decisions() {
  const [q, setQ] = useParam("q"), [kind, setKind] = useParam("kind");
  const [typed, setTyped] = useLater(q, setQ);
  const query = useInfiniteQuery(decisionsQuery({ q, kind }));
  const rows = query.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <>
      <form className="search-form" role="search" onSubmit={(event) => event.preventDefault()}>
        <input type="search" data-main-field aria-label={t.runs.find} placeholder={t.runs.find} value={typed} onChange={(event) => setTyped(event.target.value)} />
        <label className="check">{t.runs.kind} <select value={kind} onChange={(event) => setKind(event.target.value)}><option value="">{t.common.all}</option>{t.runs.decisionKinds.map((name) => <option key={name} value={name}>{t.runs.kinds[name]}</option>)}</select></label>
      </form>
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : !query.data ? <Skeleton lines={8} /> : rows.length === 0 ? <Empty title={t.runs.noDecision} what={t.runs.noDecisionWhat} /> : (
        <div className="table-scroll" tabIndex={0} role="region" aria-label={t.runs.views.decisions}>
          <table><thead><tr><th>{t.runs.when}</th><th>{t.runs.kind}</th><th>{t.runs.why}</th><th>{t.runs.one}</th></tr></thead>
            <tbody data-list>{rows.map((row) => (
              <tr key={row.id}><td className="keep"><Ago at={row.at} /></td><td><Badge>{t.runs.kinds[row.kind] ?? row.kind}</Badge></td><td className="wrap">{summaryOf(row) || "–"}</td>
                <td><Link data-item to={`/runs/${encodeURIComponent(row.run_id)}${row.step ? `?step=${encodeURIComponent(row.step)}` : ""}`}>{row.step || t.runs.one}</Link></td></tr>))}</tbody></table>
        </div>)}
      {query.hasNextPage && <p><Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t.runs.older}</Button></p>}
    </>
  );
}

function FlowFilter() {
  const [flow, setFlow] = useParam("flow");
  const names = (useQuery(flowsQuery).data?.data ?? []).map((row) => row.name);
  return <label className="check">{t.flows.one} <select value={flow} onChange={(event) => setFlow(event.target.value)}><option value="">{t.common.all}</option>{[...new Set([...names, ...(flow ? [flow] : [])])].map((name) => <option key={name}>{name}</option>)}</select></label>;
}

function Runs() {
  const [wanted, setView] = useParam("view"), [flow] = useParam("flow");
  const view = wanted === "decisions" ? "decisions" : "runs";
  return (
    <div className="page wide">
      <PageHead title={t.runs.title} what={t.runs.what} />
      <div className="tabs" role="group" aria-label={t.runs.view}>{(["runs", "decisions"] as const).map((name) => <button key={name} type="button" aria-pressed={name === view} onClick={() => setView(name === "runs" ? null : name)}>{t.runs.views[name]}</button>)}</div>
      {view === "decisions" ? <Decisions /> : (
        <>
          <form className="search-form" role="search" onSubmit={(event) => event.preventDefault()}><FlowFilter /><StateFilter /></form>
          <RunList flow={flow} none={<Empty title={t.runs.none} what={t.runs.noneWhat}><Link className="button primary" to="/flows">{t.runs.toFlows}</Link></Empty>} />
        </>)}
    </div>
  );
}

export default function RunsPage({ id }: { id: string }) {
  return id ? <RunPage key={id} id={id} /> : <Runs />;
}
