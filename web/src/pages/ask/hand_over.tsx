// Hands a conversation over to a person, and says how far that is.
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { productsQuery, queryClient } from "../../api/queries";
import { invoke } from "../../api/invoke";
import { useTyped } from "../../api/remember";
import type { Handover } from "../../api/types";
import { Dialog } from "../../kit/dialog";
import { Button, ErrorBox, Field } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { Link } from "../../router";
import { t } from "../../text/en";

interface Props { conversation: string; product: string; answer: string | null; reason: string; title: string; what: string; done: string; onClose: () => void }

// `product` empty: the conversation belongs to none yet, and the person chooses.
export function HandOverDialog({ conversation, product, answer, reason, title, what, done, onClose }: Props) {
  const products = useQuery({ ...productsQuery, enabled: !product }).data?.data;
  const [chosen, setChosen] = useState("");
  const [note, setNote, forgetNote] = useTyped(`handover.${conversation}`);
  const wanted = product || chosen || products?.[0]?.id || "";
  const send = useMutation({
    mutationFn: () => invoke("POST /strata/v1/conversations/{conversation}/escalate", { conversation },
      { product: wanted, reason, ...(answer ? { answer_id: answer } : {}), ...(note.trim() ? { note: note.trim() } : {}) }),
    onSuccess: () => {
      forgetNote();
      for (const name of ["conversation", "product_conversation", "handovers"]) void queryClient.invalidateQueries({ queryKey: [name] });
      toast(done);
      onClose();
    },
  });
  const submit = (event: FormEvent) => { event.preventDefault(); send.mutate(); };
  if (!product && products?.length === 0)
    return <Dialog title={title} onClose={onClose}><p>{t.answers.noProducts}</p><footer className="dialog-foot"><Link className="button primary" to="/drafts">{t.drafts.title}</Link></footer></Dialog>;
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{what}</p>
        {!product && products && products.length > 1 && (
          <Field label={t.answers.product}>{(id) => <select id={id} value={wanted} onChange={(event) => setChosen(event.target.value)}>{products.map((row) => <option key={row.id} value={row.id}>{row.name}</option>)}</select>}</Field>)}
        <Field label={t.answers.note}>{(id) => <textarea id={id} rows={3} maxLength={4000} value={note} onChange={(event) => setNote(event.target.value)} />}</Field>
        {send.error && <ErrorBox error={send.error} />}
        <footer className="dialog-foot"><Button onClick={onClose}>{t.common.cancel}</Button><Button look="primary" type="submit" disabled={send.isPending || !wanted}>{t.answers.send}</Button></footer>
      </form>
    </Dialog>
  );
}

export function HandoverState({ handover }: { handover: Handover }) {
  if (handover.state === "waiting") return <p className="handover" role="status">{t.answers.waiting}</p>;
  if (handover.state === "claimed") return <p className="handover" role="status">{t.answers.claimed(handover.who ?? "")}</p>;
  return <article className="handover" aria-label={t.answers.replied(handover.who ?? "")}><strong>{t.answers.replied(handover.who ?? "")}</strong><p className="plain-text">{handover.reply}</p></article>;
}
