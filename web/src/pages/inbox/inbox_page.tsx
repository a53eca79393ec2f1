// The inbox: what runs ask of people, each with all that is needed to decide; afterwards, what became of the run.
import { useQuery } from "@tanstack/react-query";
import { approvalQuery, approvalsQuery, runQuery } from "../../api/flow_queries";
import type { Approval } from "../../api/types";
import { shownJson } from "../../format/json";
import { Ago, Badge, Empty, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { ended, toneOfRun } from "../runs/run_state";
import { useEvents } from "../runs/use_events";
import { DecisionForm } from "./decision_form";
import { byUrgency, nearnessOf } from "./inbox_state";

function Deadline({ approval }: { approval: Approval }) {
  const near = nearnessOf(approval.deadline_at);
  return (
    <>
      {approval.deadline_at !== null && <Badge tone={near === "near" || near === "over" ? "bad" : "neutral"}>{near === "over" ? t.inbox.over : t.inbox.deadline} <Ago at={approval.deadline_at} /></Badge>}{" "}
      {approval.escalated && <Badge tone="busy">{t.inbox.escalated}</Badge>}
    </>
  );
}

const sent = (approval: Approval) => approval.kind === "outcome" || approval.decision === "accept" || approval.decision === "edit";
function Kind({ approval }: { approval: Approval }) {
  if (approval.state === "pending") return <Badge tone={approval.kind === "outcome" ? "bad" : "busy"}>{t.inbox.kinds[approval.kind]}</Badge>;
  if (approval.state === "closed") return <Badge>{t.inbox.closed}</Badge>;
  return <Badge tone={approval.decision === "accept" || approval.decision === "edit" || approval.decision === "happened" ? "good" : "neutral"}>{t.inbox.decided[approval.decision ?? ""] ?? approval.decision}</Badge>;
}

function Row({ approval }: { approval: Approval }) {
  return (
    <li className="draft-row">
      <Link data-item to={`/inbox/${encodeURIComponent(approval.id)}`}>{approval.message.replace(/\s+/g, " ").slice(0, 160) || approval.step}</Link>
      <span><Kind approval={approval} /> <Deadline approval={approval} /> <small className="soft">{approval.flow}{approval.tool && `, ${approval.tool}`}, <Ago at={approval.created_at} /></small></span>
    </li>
  );
}

// The run behind it, as it goes on.
function Run({ id }: { id: string }) {
  const query = useQuery(runQuery(id)), run = query.data;
  useEvents(id, run);
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  if (!run) return <Skeleton lines={2} />;
  return (
    <section aria-label={t.inbox.run}><h2>{t.inbox.run}</h2>
      <p><Link to={`/runs/${encodeURIComponent(run.id)}`}>{run.flow}</Link> <span role="status"><Badge tone={toneOfRun(run.state)}>{t.runs.states[run.state]}</Badge></span> {run.waits_for && <span className="soft">{t.runs.waits[run.waits_for]}</span>}</p>
      {run.error && <div className="error-box"><p>{run.error}</p></div>}
      {run.state === "succeeded" && <><h3>{t.runs.result}</h3><pre tabIndex={0} className="span-content">{shownJson(run.result)}</pre></>}
      {!ended(run.state) && <details><summary>{t.inbox.soFar}</summary><ol className="event-list">{run.steps.map((step) => <li key={step.path}><code>{step.path}</code><Badge>{t.runs.steps[step.status]}</Badge><span className="event-says">{step.output === undefined ? "" : shownJson(step.output)}</span></li>)}</ol></details>}
    </section>
  );
}

function One({ approval }: { approval: Approval }) {
  const facts: [string, React.ReactNode][] = [
    [t.inbox.step, <Link key="step" to={`/runs/${encodeURIComponent(approval.run_id)}?step=${encodeURIComponent(approval.step)}`}>{approval.flow} › {approval.step}</Link>],
    ...(approval.tool ? [[t.inbox.tool, <Link key="tool" to={`/tools/${encodeURIComponent(approval.tool)}`}>{approval.tool}</Link>] as [string, React.ReactNode]] : []),
    [t.inbox.asks, approval.who.length > 0 ? approval.who.join(", ") : t.inbox.anybody], [t.inbox.asked, <Ago key="asked" at={approval.created_at} />],
    ...(approval.decided_at !== null ? [[t.inbox.decidedAt, <Ago key="decided" at={approval.decided_at} />] as [string, React.ReactNode]] : []),
  ];
  return (
    <>
      <p><Kind approval={approval} /> <Deadline approval={approval} /></p>
      <p className="plain-text">{approval.message}</p>
      <dl className="trace-facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      {approval.state === "pending" ? <DecisionForm approval={approval} /> : (
        <section aria-label={t.inbox.decision}><h2>{approval.state === "closed" ? t.inbox.closedWhat : t.inbox.by(t.inbox.decided[approval.decision ?? ""] ?? "", approval.decided_by ?? "")}</h2>
          {approval.reason && <p className="plain-text">{approval.reason}</p>}
          <h3>{sent(approval) ? t.inbox.sent : t.inbox.arguments}</h3><pre tabIndex={0} className="span-content">{shownJson(approval.arguments)}</pre></section>)}
      <Run id={approval.run_id} />
    </>
  );
}

function OneApproval({ id }: { id: string }) {
  const query = useQuery(approvalQuery(id));
  return (
    <>
      <p className="crumbs"><Link to="/inbox">{t.inbox.title}</Link></p>
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : query.data ? <One approval={query.data} /> : <Skeleton lines={8} />}
    </>
  );
}

function Waiting() {
  const [state, setState] = useParam("state");
  const shown = state || "pending";
  const query = useQuery(approvalsQuery(shown));
  const rows = shown === "pending" ? [...(query.data?.data ?? [])].sort(byUrgency) : query.data?.data ?? [];
  return (
    <>
      <div className="tabs" role="group" aria-label={t.inbox.show}>{t.inbox.states.map(([name, label]) => <button key={name} type="button" aria-pressed={shown === name} onClick={() => setState(name === "pending" ? null : name)}>{label}</button>)}</div>
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : !query.data ? <Skeleton lines={5} />
        : rows.length === 0 ? (shown === "pending" ? <Empty title={t.inbox.none} what={t.inbox.noneWhat}><Link className="button primary" to="/flows?new=route-by-risk">{t.inbox.tryOne}</Link></Empty> : <Empty title={t.inbox.noneSuch} />)
        : <ul className="draft-list" data-list>{rows.map((approval) => <Row key={approval.id} approval={approval} />)}</ul>}
    </>
  );
}

export default function InboxPage({ id }: { id: string }) {
  return <div className="page"><PageHead title={t.inbox.title} what={t.inbox.what} />{id ? <OneApproval key={id} id={id} /> : <Waiting />}</div>;
}
