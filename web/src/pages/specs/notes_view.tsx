import { useMutation, useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { get } from "../../api/client";
import { notesQuery, productUrl, queryClient } from "../../api/queries";
import { invoke } from "../../api/invoke";
import type { ProductNotes, SpecDetail } from "../../api/types";
import { Badge, Button, Empty, ErrorBox, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { t } from "../../text/en";
import { forget, keep, readKept } from "./kept";

const Markdown = lazy(() => import("../../kit/markdown"));
const none: ReadonlySet<number> = new Set();

function Editor({ notes }: { notes: ProductNotes }) {
  const box = `notes.${notes.id}`;
  const [text, setText] = useState(() => readKept(box)?.text ?? notes.text);
  const type = (next: string) => {
    setText(next);
    keep(box, { source: "yaml", value: null, text: next, base: notes.latest, revision: 0 });
  };
  const save = useMutation({
    mutationFn: () => invoke("PUT /strata/v1/products/{product_id}/notes", { product_id: notes.id }, { text, base_version: readKept(box)?.base ?? notes.latest }),
    onSuccess: (saved) => { forget(box); queryClient.setQueryData(notesQuery(notes.id).queryKey, saved); toast(t.specs.notesSaved); },
  });
  const again = useMutation({ mutationFn: () => get<ProductNotes>(`${productUrl(notes.id)}/notes?generated=true`), onSuccess: (fresh) => type(fresh.text) });
  return (
    <>
      <p className="inline-form">
        <Badge tone={text === notes.text ? "neutral" : "busy"}>{text !== notes.text ? t.specs.notesChanged : notes.edited ? t.specs.notesVersion(notes.version) : t.specs.notesGenerated}</Badge>
        <Button look="primary" disabled={save.isPending || (text === notes.text && notes.edited)} onClick={() => save.mutate()}>{t.specs.saveNotes}</Button>
        <Button icon="again" onClick={() => again.mutate()}>{t.specs.generateAgain}</Button>
        <a className="button plain" href={`${productUrl(notes.id)}/notes.md`} download>{t.specs.exportNotes}</a>
      </p>
      {(save.error ?? again.error) && <ErrorBox error={save.error ?? again.error} />}
      <div className="spec-sides notes">
        <div className="spec-yaml"><label htmlFor="notes">{t.specs.notesText}</label><textarea id="notes" value={text} onChange={(event) => type(event.target.value)} /></div>
        <section className="spec-preview" aria-label={t.specs.preview} tabIndex={0}><Suspense fallback={<Skeleton lines={8} />}><Markdown text={text} known={none} chip={() => null} /></Suspense></section>
      </div>
    </>
  );
}

export function NotesView({ detail }: { detail: SpecDetail }) {
  const query = useQuery({ ...notesQuery(detail.id), enabled: detail.latest > 0 });
  if (detail.latest === 0) return <Empty title={t.specs.noVersions} what={t.specs.noVersionsWhat} />;
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  return query.data ? <Editor notes={query.data} /> : <Skeleton lines={10} />;
}
