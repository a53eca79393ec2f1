import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { queryClient, specQuery, specsQuery } from "../../api/queries";
import { invoke } from "../../api/invoke";
import type { SpecRow } from "../../api/types";
import { Ago, Badge, Button, Empty, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, navigate, useParam } from "../../router";
import { t } from "../../text/en";
import { AdviceView } from "./advice_view";
import { NotesView } from "./notes_view";
import { VersionsView } from "./versions_view";
import { WriteView } from "./write_view";

async function begin(spec: Record<string, unknown>) {
  const made = await invoke("POST /strata/v1/specs", {}, { spec, why: t.specs.firstWhy });
  void queryClient.invalidateQueries({ queryKey: ["specs"], exact: true });
  navigate(`/specs/${encodeURIComponent(made.id)}`);
}

function NewSpec() {
  const [name, setName] = useState("");
  const create = useMutation({ mutationFn: () => begin({ name: name.trim() }) });
  const submit = (event: FormEvent) => { event.preventDefault(); if (name.trim()) create.mutate(); };
  return (
    <form className="inline-form" onSubmit={submit}>
      <input data-main-field aria-label={t.specs.newName} placeholder={t.specs.newName} value={name} maxLength={200} onChange={(event) => setName(event.target.value)} />
      <Button type="submit" look="primary" icon="plus" disabled={!name.trim() || create.isPending}>{t.specs.create}</Button>
      {create.error && <span className="bad-text" role="alert">{create.error.message}</span>}
    </form>
  );
}

function Example() {
  const create = useMutation({ mutationFn: () => begin(t.specs.example) });
  return <><Button onClick={() => create.mutate()} disabled={create.isPending}>{t.specs.tryExample}</Button>{create.error && <p className="bad-text" role="alert">{create.error.message}</p>}</>;
}

function Rows({ rows }: { rows: SpecRow[] }) {
  return (
    <ul className="cards" data-list>
      {rows.map((row) => (
        <li key={row.id}><Link data-item className="card" to={`/specs/${encodeURIComponent(row.id)}`}>
          <strong>{row.name}</strong>
          <span className="soft">{row.job_to_be_done ?? t.specs.onlyDraft}</span>
          <span className="badges">
            {row.live !== null && <Badge tone="good">{t.specs.liveVersion(row.live)}</Badge>}
            {row.has_draft && <Badge tone="busy">{t.specs.draft}</Badge>}
            {row.hallucination_risk && <Badge>{t.specs.risk(row.hallucination_risk)}</Badge>}
          </span>
          <span className="soft small"><Ago at={row.updated_at} /></span>
        </Link></li>))}
    </ul>
  );
}

function List() {
  const query = useQuery(specsQuery);
  return (
    <div className="page">
      <PageHead title={t.specs.title} what={t.specs.what}><NewSpec /></PageHead>
      {query.isPending && <Skeleton lines={4} />}
      {query.error && !query.data && <ErrorBox error={query.error} retry={() => void query.refetch()} />}
      {query.data?.data.length === 0 && <Empty title={t.specs.empty} what={t.specs.emptyWhat}><Example /></Empty>}
      {query.data && <Rows rows={query.data.data} />}
    </div>
  );
}

const views = [["", t.specs.views.write], ["versions", t.specs.views.versions], ["follows", t.specs.views.follows], ["notes", t.specs.views.notes]] as const;

function One({ product }: { product: string }) {
  const query = useQuery(specQuery(product));
  const [view, setView] = useParam("view");
  const [round, setRound] = useState(0);
  const detail = query.data;
  return (
    <div className="page wide">
      <nav className="crumbs" aria-label={t.specs.title}><Link to="/specs">{t.specs.title}</Link></nav>
      <PageHead title={detail?.name ?? product} what={detail && (detail.labels["live"] ? t.specs.answersBy(detail.labels["live"], detail.latest) : t.specs.notLive)} />
      <div className="tabs" role="group" aria-label={t.specs.view}>{views.map(([name, label]) => <button key={name} type="button" aria-pressed={view === name} onClick={() => setView(name || null)}>{label}</button>)}</div>
      {query.error && !detail && <ErrorBox error={query.error} retry={() => void query.refetch()} />}
      {!detail ? !query.error && <Skeleton lines={10} />
        : view === "versions" ? <VersionsView detail={detail} />
        : view === "follows" ? <AdviceView detail={detail} />
        : view === "notes" ? <NotesView detail={detail} />
        : <WriteView key={round} detail={detail} onReset={() => setRound(round + 1)} />}
    </div>
  );
}

export default function SpecsPage({ parts }: { parts: string[] }) {
  return parts[0] ? <One key={parts[0]} product={parts[0]} /> : <List />;
}
