import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queryClient, specFieldsQuery } from "../../api/queries";
import { invoke } from "../../api/invoke";
import type { SpecDetail } from "../../api/types";
import { Badge, Button, ErrorBox, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { t } from "../../text/en";
import { SpecForm } from "./spec_form";
import { useSpecDraft } from "./use_spec_draft";

type Draft = ReturnType<typeof useSpecDraft>;

function SaveBar({ detail, draft, onReset }: { detail: SpecDetail; draft: Draft; onReset: () => void }) {
  const [why, setWhy] = useState("");
  const save = useMutation({
    mutationFn: async () => {
      const kept = await draft.settled();
      return invoke("PUT /strata/v1/products/{product_id}/spec", { product_id: detail.id }, { text: kept.text, base_version: detail.latest, why });
    },
    onSuccess: (saved) => {
      if (saved.state === "draft") { toast(t.specs.stillDraft(saved.missing.length)); return; }
      draft.done();
      toast(t.specs.savedAs(saved.version ?? 0));
      void queryClient.invalidateQueries({ queryKey: ["specs"], exact: true });
      void queryClient.invalidateQueries({ queryKey: ["spec", detail.id] }).then(onReset);
    },
  });
  const discard = useMutation({ mutationFn: draft.discard, onSuccess: () => void queryClient.invalidateQueries({ queryKey: ["spec", detail.id] }).then(onReset) });
  return (
    <div className="spec-bar">
      <span role="status"><Badge tone={draft.saving === "lost" || draft.saving === "conflict" ? "bad" : draft.saving === "waiting" ? "busy" : "good"}>{t.specs.saving[draft.saving]}</Badge></span>
      <input aria-label={t.specs.why} placeholder={t.specs.why} value={why} maxLength={2000} onChange={(event) => setWhy(event.target.value)} />
      <Button look="primary" disabled={save.isPending || !draft.checked?.complete} onClick={() => save.mutate()}>{t.specs.save}</Button>
      {detail.latest > 0 && draft.saving !== "clean" && <Button onClick={() => discard.mutate()}>{t.specs.discard}</Button>}
      {draft.saving === "conflict" && <p className="error-box" role="alert">{t.specs.conflict} <Button onClick={() => void draft.keepMine()}>{t.specs.keepMine}</Button> <Button onClick={() => discardLocal(draft, detail.id, onReset)}>{t.specs.takeTheirs}</Button></p>}
      {save.error && <ErrorBox error={save.error} />}
    </div>
  );
}

function discardLocal(draft: Draft, product: string, onReset: () => void) {
  draft.done();
  void queryClient.invalidateQueries({ queryKey: ["spec", product] }).then(onReset);
}

function State({ draft }: { draft: Draft }) {
  const checked = draft.checked;
  if (!checked) return null;
  return (
    <section className="spec-state" aria-label={t.specs.state} aria-live="polite">
      {checked.complete && <p><strong>{t.specs.recommendation}</strong> {checked.recommendation}</p>}
      {checked.problems.length > 0 && <ul>{checked.problems.map((problem) => <li key={`${problem.line}${problem.field}${problem.message}`} className="bad-text">{problem.line !== null && t.specs.line(problem.line)} {problem.field && <code>{problem.field}</code>} {problem.message}</li>)}</ul>}
      {checked.missing.length > 0 && <p className="soft">{t.specs.missing(checked.missing.length)} {checked.missing.join(", ")}</p>}
    </section>
  );
}

export function WriteView({ detail, onReset }: { detail: SpecDetail; onReset: () => void }) {
  const fields = useQuery(specFieldsQuery);
  const draft = useSpecDraft(detail);
  if (fields.error) return <ErrorBox error={fields.error} retry={() => void fields.refetch()} />;
  if (!fields.data || (!draft.checked && draft.kept.source === "yaml" && draft.kept.value === null && draft.saving !== "lost")) return <Skeleton lines={12} />;
  return (
    <>
      <SaveBar detail={detail} draft={draft} onReset={onReset} />
      <State draft={draft} />
      <div className="spec-sides">
        <SpecForm fields={fields.data.data} value={draft.kept.value} problems={draft.checked?.problems ?? []} missing={draft.checked?.missing ?? []} change={draft.typeForm} />
        <div className="spec-yaml"><label htmlFor="spec-yaml">{t.specs.yaml}</label>
          <textarea id="spec-yaml" spellCheck={false} value={draft.kept.text} onChange={(event) => draft.typeText(event.target.value)} /></div>
      </div>
    </>
  );
}
