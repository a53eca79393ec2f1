import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { basesQuery, queryClient } from "../../api/queries";
import { invoke } from "../../api/invoke";
import type { Base } from "../../api/types";
import { bytes } from "../../format/format";
import { Ago, Badge, Button, Empty, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, navigate } from "../../router";
import { t } from "../../text/en";
import { BasePage } from "./base_page";
import { DocumentPage } from "./document_page";
import { DropZone } from "./drop_zone";

function NewBase() {
  const [name, setName] = useState("");
  const create = useMutation({
    mutationFn: () => invoke("POST /v1/vector_stores", {}, { name: name.trim() }),
    onSuccess: (base) => { void queryClient.invalidateQueries({ queryKey: ["bases"] }); navigate(`/knowledge/${base.id}`); },
  });
  const submit = (event: FormEvent) => { event.preventDefault(); if (name.trim()) create.mutate(); };
  return (
    <form className="inline-form" onSubmit={submit}>
      <input aria-label={t.knowledge.newBase} placeholder={t.knowledge.newBase} value={name} maxLength={200} onChange={(event) => setName(event.target.value)} />
      <Button type="submit" look="primary" icon="plus" disabled={!name.trim() || create.isPending}>{t.knowledge.create}</Button>
      {create.error && <span className="bad-text" role="alert">{create.error.message}</span>}
    </form>
  );
}

function Bases({ bases }: { bases: Base[] }) {
  return (
    <ul className="cards" data-list>
      {bases.map((base) => (
        <li key={base.id}><Link data-item className="card" to={`/knowledge/${base.id}`}>
          <strong>{base.name || base.id}</strong>
          <span className="soft">{t.knowledge.documents(base.file_counts.total)} · {bytes(base.usage_bytes)} · <Ago at={base.created_at} /></span>
          <span className="badges">
            {base.file_counts.in_progress > 0 && <Badge tone="busy">{t.knowledge.working(base.file_counts.in_progress)}</Badge>}
            {base.file_counts.failed > 0 && <Badge tone="bad">{t.knowledge.failedCount(base.file_counts.failed)}</Badge>}
          </span>
        </Link></li>))}
    </ul>
  );
}

// The first files need no base made first: it is made for them.
async function firstBase(): Promise<string> {
  const base = await invoke("POST /v1/vector_stores", {}, { name: t.knowledge.firstBase });
  navigate(`/knowledge/${base.id}`);
  return base.id;
}

export default function KnowledgePage({ parts }: { parts: string[] }) {
  const query = useQuery({ ...basesQuery, enabled: parts.length === 0 });
  if (parts[0] && parts[1] === "documents" && parts[2]) return <DocumentPage base={parts[0]} document={parts[2]} />;
  if (parts[0]) return <BasePage key={parts[0]} base={parts[0]} />;
  return (
    <div className="page">
      <PageHead title={t.knowledge.bases}><NewBase /></PageHead>
      {query.isPending && <Skeleton lines={4} />}
      {query.error && !query.data && <ErrorBox error={query.error} retry={() => void query.refetch()} />}
      {query.data?.data.length === 0 && <><Empty title={t.knowledge.empty} what={t.knowledge.emptyWhat} /><DropZone target={firstBase} /></>}
      {query.data && <Bases bases={query.data.data} />}
    </div>
  );
}
