// What an agent or a team was asked, newest first.
import { useInfiniteQuery } from "@tanstack/react-query";
import { goalRunsQuery, type Kind, placeOf } from "../../api/agent_queries";
import { Ago, Badge, Button, Empty, ErrorBox, Skeleton } from "../../kit/kit";
import { Link } from "../../router";
import { t } from "../../text/en";
import { toneOfRun } from "../runs/run_state";

export function GoalRuns({ kind, name }: { kind: Kind; name: string }) {
  const query = useInfiniteQuery(goalRunsQuery(kind, name));
  const rows = query.data?.pages.flatMap((page) => page.data) ?? [];
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Skeleton lines={6} />;
  if (rows.length === 0) return <Empty title={t.kept.noRuns} what={t.kept.noRunsWhat}><Link className="button primary" to={placeOf(kind, name)}>{t.kept.toChat}</Link></Empty>;
  return (
    <>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t.kept.runs}>
        <table className="flows"><thead><tr><th>{t.kept.task}</th><th>{t.kept.state}</th><th>{t.kept.began}</th></tr></thead>
          <tbody data-list>{rows.map((run) => (
            <tr key={run.id}>
              <td className="wrap"><Link data-item to={`${placeOf(kind, name)}?run=${encodeURIComponent(run.id)}`}>{run.task.slice(0, 160) || run.id}</Link></td>
              <td><Badge tone={toneOfRun(run.state)}>{t.runs.states[run.state]}</Badge></td><td className="keep"><Ago at={run.created_at} /></td>
            </tr>))}</tbody></table>
      </div>
      {query.hasNextPage && <p><Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t.kept.older}</Button></p>}
    </>
  );
}
