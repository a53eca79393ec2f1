import { useQuery } from "@tanstack/react-query";
import { basesQuery, chunksQuery, documentQuery } from "../../api/queries";
import type { DocumentDetail } from "../../api/types";
import { count } from "../../format/format";
import { Badge, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, navigate, useParam, withParams } from "../../router";
import { t } from "../../text/en";
import { numberParam, SourceView } from "./source_view";

const jump = (at: { begin: number; end: number }) => navigate(withParams({ begin: String(at.begin), end: String(at.end), tab: null }), { replace: true });

function Outline({ document }: { document: DocumentDetail }) {
  return (
    <aside className="outline" aria-label={t.source.outline}>
      <h2>{t.source.outline}</h2>
      {document.headings.length === 0 && <p className="soft">{t.source.noOutline}</p>}
      <ul>{document.headings.map((heading) => (
        <li key={heading.begin} style={{ paddingLeft: `${(Math.min(heading.level, 5) - 1) * 12}px` }}><button type="button" className="link" onClick={() => jump(heading)}>{heading.title}</button></li>))}</ul>
      {document.pages.length > 1 && <><h2>{t.source.pages}</h2><p className="page-links">{document.pages.map((page) => (
        <button key={page.number} type="button" className="link" title={page.by_ocr ? t.source.ocr : undefined} onClick={() => jump({ begin: page.begin, end: page.begin })}>{page.number}</button>))}</p></>}
    </aside>
  );
}

function Chunks({ document }: { document: string }) {
  const query = useQuery(chunksQuery(document));
  if (query.isPending) return <Skeleton lines={8} />;
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  return (
    <ol className="chunks" data-list>{query.data.data.map((chunk) => (
      <li key={chunk.chunk_id}>
        <header><button type="button" data-item className="link" onClick={() => jump(chunk)}>{t.knowledge.chunk(chunk.ordinal + 1)}</button>
          <span className="soft">{[chunk.heading, chunk.page ? t.common.page(chunk.page) : ""].filter(Boolean).join(" · ")}</span><Badge>{t.knowledge.tokens(chunk.tokens)}</Badge></header>
        <p>{chunk.text}</p>
      </li>))}</ol>
  );
}

export function DocumentPage({ base, document }: { base: string; document: string }) {
  const query = useQuery(documentQuery(document));
  const bases = useQuery(basesQuery).data?.data;
  const [tab, setTab] = useParam("tab");
  const begin = numberParam(useParam("begin")[0]), end = numberParam(useParam("end")[0]);
  const row = query.data;
  const tabs: [string, string][] = [["", t.source.text], ["chunks", `${t.source.chunks}${row ? ` (${count(row.chunks)})` : ""}`]];
  return (
    <div className="page wide">
      <nav className="crumbs" aria-label={t.knowledge.bases}><Link to="/knowledge">{t.knowledge.bases}</Link> / <Link to={`/knowledge/${base}`}>{bases?.find((other) => other.id === base)?.name || base}</Link></nav>
      {query.isPending && <Skeleton lines={10} />}
      {query.error && <ErrorBox error={query.error} retry={() => void query.refetch()} />}
      {row && (
        <>
          <PageHead title={row.title || row.filename} what={<>{row.filename} · {row.kind} · {t.source.version} <code title={row.version}>{row.version.slice(0, 12)}</code></>}>
            <div className="tabs">{tabs.map(([value, label]) => <button key={value} type="button" aria-pressed={tab === value} onClick={() => setTab(value)}>{label}</button>)}</div>
          </PageHead>
          {row.warnings.length > 0 && <details className="soft"><summary>{t.source.warnings}</summary><ul>{row.warnings.map((warning) => <li key={warning}>{warning}</li>)}</ul></details>}
          {tab === "chunks" ? <Chunks document={document} /> : <div className="document"><Outline document={row} /><SourceView document={row} begin={begin} end={end} /></div>}
        </>)}
    </div>
  );
}
