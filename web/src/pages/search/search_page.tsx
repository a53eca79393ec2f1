import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { basesQuery, documentUrl, searchQuery } from "../../api/queries";
import type { Hit, SearchResult } from "../../api/types";
import { whereOf } from "../../format/citations";
import { count, milliseconds, score } from "../../format/format";
import { Button, Empty, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, navigate, useParam, withParams } from "../../router";
import { t } from "../../text/en";

const modes = [["hybrid", t.search.hybrid], ["keyword", t.search.keyword], ["vector", t.search.vector]] as const;

function Result({ hit, rank }: { hit: Hit; rank: number }) {
  const scores: [string, number | null][] = [[t.why.keyword, hit.scores.keyword], [t.why.vector, hit.scores.vector], [t.why.fused, hit.scores.fused], [t.why.rerank, hit.scores.rerank], [t.why.score, hit.score]];
  return (
    <li className="hit">
      <header><span className="rank">{rank}</span>
        <Link data-item to={documentUrl(hit.vector_store_id, hit.document_id, hit.begin, hit.end)} title={t.search.open}>{whereOf(hit)}</Link></header>
      <p>{hit.text}</p>
      <dl className="scores">{scores.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{score(value)}</dd></div>)}</dl>
    </li>
  );
}

function Results({ result }: { result: SearchResult }) {
  if (result.hits.length === 0) return <Empty title={t.search.none} what={t.search.noneWhat} />;
  return (
    <>
      <p className="soft" role="status">{t.search.results(result.hits.length)} · {result.stages.map((stage) => `${stage.name} ${milliseconds(stage.ms)} (${count(stage.candidates)})`).join(" → ")}</p>
      <ol className="hits" data-list>{result.hits.map((hit, index) => <Result key={hit.chunk_id} hit={hit} rank={index + 1} />)}</ol>
    </>
  );
}

export default function SearchPage() {
  const [q] = useParam("q");
  const [base, setBase] = useParam("base");
  const [mode, setMode] = useParam("mode");
  const [rerank, setRerank] = useParam("rerank");
  const [text, setText] = useState(q);
  const bases = useQuery(basesQuery);
  const all = bases.data?.data ?? [];
  const query = useQuery(searchQuery({ q, bases: base ? [base] : all.slice(0, 16).map((row) => row.id), mode: mode || "hybrid", rerank: rerank !== "off" }));
  const submit = (event: FormEvent) => { event.preventDefault(); navigate(withParams({ q: text.trim() })); };
  return (
    <div className="page">
      <PageHead title={t.search.title} what={t.search.what} />
      <form className="search-form" role="search" onSubmit={submit}>
        <input data-main-field aria-label={t.search.query} placeholder={t.search.query} value={text} maxLength={2000} onChange={(event) => setText(event.target.value)} />
        <select aria-label={t.search.base} value={base} onChange={(event) => setBase(event.target.value)}><option value="">{t.ask.allBases}</option>{all.map((row) => <option key={row.id} value={row.id}>{row.name || row.id}</option>)}</select>
        <select aria-label={t.search.mode} value={mode || "hybrid"} onChange={(event) => setMode(event.target.value === "hybrid" ? null : event.target.value)}>{modes.map(([value, label]) => <option key={value} value={value}>{label}</option>)}</select>
        <label className="check"><input type="checkbox" checked={rerank !== "off"} onChange={(event) => setRerank(event.target.checked ? null : "off")} />{t.search.rerank}</label>
        <Button look="primary" icon="search" type="submit">{t.search.go}</Button>
      </form>
      {bases.data && all.length === 0 ? <Empty title={t.search.noBase}><Link className="button primary" to="/knowledge">{t.ask.addDocuments}</Link></Empty>
        : !q ? <Empty title={t.search.empty} what={t.search.emptyWhat} />
        : query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} />
        : query.data ? <Results result={query.data} /> : <Skeleton lines={6} />}
    </div>
  );
}
