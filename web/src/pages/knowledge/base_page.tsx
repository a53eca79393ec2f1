import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { basesQuery, documentsQuery, queryClient } from "../../api/queries";
import { invoke } from "../../api/invoke";
import type { DocumentRow } from "../../api/types";
import { Confirm, Rename } from "../../kit/dialog";
import { Button, Empty, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { Link, navigate, useParam } from "../../router";
import { t } from "../../text/en";
import { DocumentTable } from "./document_table";
import { DropZone, UploadList } from "./drop_zone";

function RenameBase({ base, name, onClose }: { base: string; name: string; onClose: () => void }) {
  const rename = useMutation({
    mutationFn: (fresh: string) => invoke("POST /v1/vector_stores/{vector_store_id}", { vector_store_id: base }, { name: fresh }),
    onSuccess: () => { void queryClient.invalidateQueries({ queryKey: ["bases"] }); onClose(); },
  });
  return <Rename title={t.knowledge.renameBase} name={name} busy={rename.isPending} error={rename.error} onClose={onClose} onRename={(fresh) => rename.mutate(fresh)} />;
}

function DeleteBase({ base, name, total, onClose }: { base: string; name: string; total: number; onClose: () => void }) {
  const drop = useMutation({
    mutationFn: () => invoke("DELETE /v1/vector_stores/{vector_store_id}", { vector_store_id: base }),
    onSuccess: () => { void queryClient.invalidateQueries({ queryKey: ["bases"] }); navigate("/knowledge", { replace: true }); toast(t.knowledge.deleted); },
  });
  return <Confirm title={t.knowledge.deleteBaseTitle} what={t.knowledge.deleteBaseWhat(name, total)} typed={name} action={t.knowledge.deleteBase} busy={drop.isPending} error={drop.error} onClose={onClose} onConfirm={() => drop.mutate()} />;
}

function DeleteDocument({ base, row, onClose }: { base: string; row: DocumentRow; onClose: () => void }) {
  const drop = useMutation({
    mutationFn: async () => {
      await invoke("DELETE /v1/vector_stores/{vector_store_id}/files/{file_id}", { vector_store_id: base, file_id: row.file_id });
      await invoke("DELETE /v1/files/{file_id}", { file_id: row.file_id });
    },
    onSuccess: () => { toast(t.knowledge.deleted); onClose(); },
    onSettled: () => { void queryClient.invalidateQueries({ queryKey: ["documents", base] }); void queryClient.invalidateQueries({ queryKey: ["bases"] }); },
  });
  return <Confirm title={t.knowledge.deleteDocTitle} what={t.knowledge.deleteDocWhat(row.filename)} action={t.common.delete} busy={drop.isPending} error={drop.error} onClose={onClose} onConfirm={() => drop.mutate()} />;
}

export function BasePage({ base }: { base: string }) {
  const bases = useQuery(basesQuery);
  const documents = useQuery(documentsQuery(base));
  const [filter, setFilter] = useParam("filter");
  const [deleting, setDeleting] = useState<DocumentRow | "base" | null>(null);
  const [renaming, setRenaming] = useState(false);
  const row = bases.data?.data.find((other) => other.id === base);
  const name = row?.name || base;
  const rows = documents.data?.data ?? [];
  const busy = rows.some((other) => other.status === "in_progress");
  const wasBusy = useRef(false);
  useEffect(() => {
    if (wasBusy.current && !busy) void queryClient.invalidateQueries({ queryKey: ["bases"] });
    wasBusy.current = busy;
  }, [busy]);
  const shown = rows.filter((other) => other.filename.toLowerCase().includes(filter.toLowerCase()));
  return (
    <div className="page">
      <nav className="crumbs" aria-label={t.knowledge.bases}><Link to="/knowledge">{t.knowledge.bases}</Link></nav>
      <PageHead title={name} what={t.knowledge.documents(rows.length)}>
        <Link className="button" to={`/ask?base=${base}`}>{t.knowledge.askThis}</Link><Link className="button" to={`/search?base=${base}`}>{t.knowledge.searchThis}</Link>
        <Button icon="edit" onClick={() => setRenaming(true)}>{t.common.rename}</Button><Button icon="trash" onClick={() => setDeleting("base")}>{t.knowledge.deleteBase}</Button>
      </PageHead>
      {documents.error && !documents.data ? <ErrorBox error={documents.error} retry={() => void documents.refetch()} /> : <DropZone target={() => base} />}
      <UploadList base={base} />
      {documents.isPending && <Skeleton lines={5} />}
      {documents.data && rows.length === 0 && <Empty title={t.knowledge.noDocuments} what={t.knowledge.noDocumentsWhat} />}
      {rows.length > 8 && <input className="filter" aria-label={t.knowledge.filter} placeholder={t.knowledge.filter} data-main-field value={filter} onChange={(event) => setFilter(event.target.value)} />}
      {rows.length > 0 && <DocumentTable base={base} rows={shown} onDelete={setDeleting} />}
      {documents.data?.has_more && <p className="soft">{t.knowledge.more}</p>}
      {renaming && <RenameBase base={base} name={row?.name ?? ""} onClose={() => setRenaming(false)} />}
      {deleting === "base" && <DeleteBase base={base} name={name} total={rows.length} onClose={() => setDeleting(null)} />}
      {deleting && deleting !== "base" && <DeleteDocument base={base} row={deleting} onClose={() => setDeleting(null)} />}
    </div>
  );
}
