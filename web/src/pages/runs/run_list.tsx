// Runs, newest first; the state is in the address.
import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { placeOfRun } from "../../api/agent_queries";
import { runsQuery } from "../../api/flow_queries";
import type { RunRow } from "../../api/types";
import { Ago, Badge, Button, Empty, ErrorBox, Skeleton } from "../../kit/kit";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { ended, tookOf, toneOfRun } from "./run_state";

const triggerOf = (trigger: string) => { const [kind = "", more] = trigger.split(":"); return (t.runs.triggers[kind] ?? kind) + (more ? ` ${more}` : ""); };

function Row({ run, flow }: { run: RunRow; flow: string }) {
  return (
    <tr>
      <td><Link data-item to={`/runs/${encodeURIComponent(run.id)}`}><code>{run.id}</code></Link></td>
      {!flow && <td><Link to={placeOfRun(run.flow, run.id) || `/flows/${encodeURIComponent(run.flow)}`}>{run.flow}</Link> <span className="soft small">{t.flows.version(run.version)}</span></td>}
      <td><Badge tone={toneOfRun(run.state)}>{t.runs.states[run.state]}</Badge>{run.error && <p className="reason-text">{run.error}</p>}</td>
      <td>{triggerOf(run.trigger)}</td>
      <td className="keep"><Ago at={run.created_at} /></td>
      <td className="number">{ended(run.state) ? tookOf(run) : "–"}</td>
    </tr>
  );
}

export function StateFilter() {
  const [state, setState] = useParam("state");
  return <label className="check">{t.runs.state} <select value={state} onChange={(event) => setState(event.target.value)}><option value="">{t.common.all}</option>{Object.entries(t.runs.states).map(([name, label]) => <option key={name} value={name}>{label}</option>)}</select></label>;
}

export function RunList({ flow, none }: { flow: string; none: ReactNode }) {
  const [state, setState] = useParam("state");
  const query = useInfiniteQuery(runsQuery(flow, state));
  const rows = query.data?.pages.flatMap((page) => page.data) ?? [];
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Skeleton lines={8} />;
  if (rows.length === 0) return state ? <Empty title={t.runs.noneFound} what={t.runs.noneFoundWhat}><Button onClick={() => setState(null)}>{t.runs.clear}</Button></Empty> : <>{none}</>;
  return (
    <>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t.runs.title}>
        <table className="runs"><thead><tr><th>{t.runs.one}</th>{!flow && <th>{t.flows.one}</th>}<th>{t.runs.state}</th><th>{t.runs.trigger}</th><th>{t.runs.began}</th><th className="number">{t.runs.took}</th></tr></thead>
          <tbody data-list>{rows.map((run) => <Row key={run.id} run={run} flow={flow} />)}</tbody></table>
      </div>
      {query.hasNextPage && <p><Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t.runs.older}</Button></p>}
    </>
  );
}
