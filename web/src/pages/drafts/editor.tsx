// The reply as an agent edits it: kept on this device with every key, saved on the server a moment later, sent once.
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { queryClient } from "../../api/queries";
import { invoke } from "../../api/invoke";
import { remember, remembered } from "../../api/remember";
import type { Draft } from "../../api/types";
import { Confirm } from "../../kit/dialog";
import { Button, ErrorBox, Field } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { t } from "../../text/en";

const saveAfterMs = 800;

function refresh(draft: Draft) {
  queryClient.setQueryData(["draft", draft.id], draft);
  for (const name of ["drafts", "product_conversation"]) void queryClient.invalidateQueries({ queryKey: [name] });
}

// Saves what was typed once typing pauses; what could not be saved stays on this device and is tried again with the next key or visit.
function useSaving(draft: Draft, text: string) {
  const [state, setState] = useState<"" | "saving" | "saved" | "unsaved">("");
  const saved = useRef(text);
  useEffect(() => {
    if (text === saved.current || draft.state !== "open") return;
    const timer = setTimeout(() => {
      setState("saving");
      invoke("PATCH /strata/v1/drafts/{draft}", { draft: draft.id }, { text }).then(() => { saved.current = text; setState("saved"); }, () => setState("unsaved"));
    }, saveAfterMs);
    return () => clearTimeout(timer);
  }, [draft.id, draft.state, text]);
  return state;
}

// The same key for the same draft: a double click or a second try after a lost answer sends nothing twice.
function keyOf(draft: string): string {
  const kept = remembered(`draft.key.${draft}`) ?? crypto.randomUUID();
  remember(`draft.key.${draft}`, kept);
  return kept;
}

// `refused`: what was drafted says only that there is no answer, which is no reply to begin from.
export function Editor({ draft, onEscalate, escalatable, refused }: { draft: Draft; onEscalate: () => void; escalatable: boolean; refused: boolean }) {
  const name = `draft.${draft.id}`;
  const [text, setText] = useState(() => remembered(name) ?? (refused && draft.text === draft.original ? "" : draft.text));
  const [discarding, setDiscarding] = useState(false);
  const saving = useSaving(draft, text);
  const change = (next: string) => { setText(next); remember(name, next); };
  const done = (next: Draft) => { remember(name, null); remember(`draft.key.${draft.id}`, null); refresh(next); };
  const send = useMutation({
    mutationFn: () => invoke("POST /strata/v1/drafts/{draft}/send", { draft: draft.id }, { text, idempotency_key: keyOf(draft.id) }),
    onSuccess: (next) => { done(next); toast(t.drafts.sent); },
  });
  const discard = useMutation({ mutationFn: () => invoke("POST /strata/v1/drafts/{draft}/discard", { draft: draft.id }, {}), onSuccess: (next) => { done(next); setDiscarding(false); } });
  if (draft.state !== "open") return (
    <section aria-label={t.drafts.reply}>
      <h2>{draft.state === "discarded" ? t.drafts.discarded : draft.edited ? t.drafts.sentEdited(draft.edit_distance) : t.drafts.sentAs}</h2>
      <p className="plain-text sent-text">{draft.text}</p>
    </section>
  );
  return (
    <form className="editor" onSubmit={(event) => { event.preventDefault(); send.mutate(); }}>
      <Field label={t.drafts.reply} hint={t.drafts.copyNote}>{(id) => <textarea id={id} rows={10} maxLength={32000} value={text} onChange={(event) => change(event.target.value)}
        onKeyDown={(event) => { if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) { event.preventDefault(); send.mutate(); } }} />}</Field>
      <div className="editor-foot">
        <Button look="primary" icon="send" type="submit" disabled={send.isPending || !text.trim()}>{t.drafts.send}</Button>
        {escalatable && <Button icon="queue" onClick={onEscalate}>{t.drafts.escalate}</Button>}
        <Button look="quiet" onClick={() => setDiscarding(true)}>{t.drafts.discard}</Button>
        <small className="soft" role="status">{saving && t.drafts[saving]}</small>
      </div>
      {send.error && <ErrorBox error={send.error} retry={() => send.mutate()} />}
      {discarding && <Confirm title={t.drafts.discardTitle} what={t.drafts.discardWhat} action={t.drafts.discard} busy={discard.isPending} error={discard.error} onClose={() => setDiscarding(false)} onConfirm={() => discard.mutate()} />}
    </form>
  );
}
