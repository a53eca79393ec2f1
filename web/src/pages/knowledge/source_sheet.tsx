import { useQuery } from "@tanstack/react-query";
import { documentQuery, documentUrl } from "../../api/queries";
import { Dialog } from "../../kit/dialog";
import { ErrorBox, Skeleton } from "../../kit/kit";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { numberParam, SourceView } from "./source_view";

// The source beside the conversation that cites it.
export default function SourceSheet({ document, onClose }: { document: string; onClose: () => void }) {
  const query = useQuery(documentQuery(document));
  const begin = numberParam(useParam("begin")[0]), end = numberParam(useParam("end")[0]);
  const row = query.data;
  return (
    <Dialog title={row ? row.title || row.filename : t.source.title} look="sheet" onClose={onClose}>
      {query.isPending && <Skeleton lines={10} />}
      {query.error && <ErrorBox error={query.error} retry={() => void query.refetch()} />}
      {row && (
        <>
          <p className="sheet-line"><span className="soft">{row.filename}</span><Link className="button" to={documentUrl(row.vector_store_id, row.document_id, begin ?? 0, end ?? 0)}>{t.source.open}</Link></p>
          <SourceView document={row} begin={begin} end={end} />
        </>)}
    </Dialog>
  );
}
