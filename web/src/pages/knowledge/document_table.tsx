import { useMutation } from "@tanstack/react-query";
import { invoke } from "../../api/invoke";
import { documentUrl, queryClient } from "../../api/queries";
import type { DocumentRow } from "../../api/types";
import { bytes, count } from "../../format/format";
import { Ago, Badge, Button, IconButton, Progress } from "../../kit/kit";
import { Link } from "../../router";
import { t } from "../../text/en";

function State({ row }: { row: DocumentRow }) {
  if (row.status === "completed") return <Badge tone="good">{t.knowledge.ready}</Badge>;
  if (row.status === "failed") return <><Badge tone="bad">{t.knowledge.failed}</Badge><p className="reason-text">{row.error}</p></>;
  if (row.status === "cancelled") return <Badge>{t.knowledge.cancelled}</Badge>;
  const job = row.job;
  if (!job || job.state === "queued") return <Badge tone="busy">{t.knowledge.waiting}</Badge>;
  return (
    <div className="job" role="status">
      <Progress done={job.done} total={job.total} label={row.filename} />
      <small>{job.note || t.knowledge.inProgress}{job.total > 0 && ` · ${count(job.done)} / ${count(job.total)}`}</small>
    </div>
  );
}

function Again({ base, row }: { base: string; row: DocumentRow }) {
  const again = useMutation({ mutationFn: () => invoke("POST /strata/v1/jobs/{job}/retry", { job: row.job_id }), onSettled: () => void queryClient.invalidateQueries({ queryKey: ["documents", base] }) });
  return <Button icon="again" disabled={again.isPending} onClick={() => again.mutate()}>{t.knowledge.again}</Button>;
}

export function DocumentTable({ base, rows, onDelete }: { base: string; rows: DocumentRow[]; onDelete: (row: DocumentRow) => void }) {
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={t.knowledge.file}>
      <table className="documents" data-list>
        <thead><tr><th>{t.knowledge.file}</th><th>{t.knowledge.state}</th><th className="number">{t.knowledge.size}</th><th>{t.knowledge.added}</th><th><span className="hidden">{t.knowledge.actions}</span></th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.file_id} data-status={row.status}>
              <td>{row.document_id && row.status === "completed" ? <Link data-item to={documentUrl(base, row.document_id)}>{row.filename}</Link> : row.filename}</td>
              <td><State row={row} /></td>
              <td className="number">{bytes(row.bytes)}</td>
              <td><Ago at={row.created_at} /></td>
              <td className="row-end">{row.status === "failed" && <Again base={base} row={row} />}<IconButton icon="trash" label={`${t.common.delete}: ${row.filename}`} onClick={() => onDelete(row)} /></td>
            </tr>))}
        </tbody>
      </table>
    </div>
  );
}
