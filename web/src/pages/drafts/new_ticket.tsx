// A ticket in: who asks what, and where to look. What is typed is kept until its draft has arrived.
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type KeyboardEvent, useState } from "react";
import type { Stream } from "../../api/chat";
import { ApiError, connection } from "../../api/client";
import { basesQuery, queryClient } from "../../api/queries";
import { remember, remembered, useTyped } from "../../api/remember";
import { writeDraft } from "../../api/tickets";
import { Button, ErrorBox, Field } from "../../kit/kit";
import { Link, navigate } from "../../router";
import { t } from "../../text/en";
import { AnswerText } from "../ask/answer_view";

// The conversation that a broken stream has opened already, so that trying again opens no second one.
const opened = (product: string) => `ticket.conversation.${product}`;

export function NewTicket({ product }: { product: string }) {
  const [ticket, setTicket, forgetTicket] = useTyped(`ticket.${product}`);
  const [customer, setCustomer, forgetCustomer] = useTyped(`ticket.customer.${product}`);
  const [base, setBase] = useState("");
  const [stream, setStream] = useState<Stream | null>(null);
  const [error, setError] = useState<unknown>(null);
  const bases = useQuery(basesQuery).data?.data ?? [];
  const busy = stream !== null;
  const write = async () => {
    const content = ticket.trim();
    if (!content || busy) return;
    setError(null);
    // Kept with the text that it was opened for: another text is another ticket.
    const [kept, conversation] = (remembered(opened(product)) ?? "").split("\n", 2);
    const wish = { product, content, endUser: customer.trim(), bases: base ? [base] : bases.slice(0, 16).map((row) => row.id), conversation: kept === String(content.length) ? conversation ?? "" : "" };
    try {
      const done = await writeDraft(wish, setStream, (id) => remember(opened(product), id && `${content.length}\n${id}`));
      remember(opened(product), null);
      forgetTicket();
      forgetCustomer();
      void queryClient.invalidateQueries({ queryKey: ["drafts"] });
      if (done.strata?.draft_id) navigate(`/drafts/${done.strata.draft_id}`);
    } catch (problem) {
      if (problem instanceof ApiError && problem.lost) connection.set(false);
      if (problem instanceof ApiError && problem.status === 404) remember(opened(product), null);
      setError(problem instanceof ApiError ? problem : new ApiError("The connection was lost while the draft was written.", 0, "connection_lost", ""));
    } finally {
      setStream(null);
    }
  };
  const press = (event: KeyboardEvent) => { if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) { event.preventDefault(); void write(); } };
  if (bases.length === 0) return <p className="soft">{t.drafts.noBase} <Link to="/knowledge">{t.ask.addDocuments}</Link></p>;
  return (
    <form className="ticket" aria-label={t.drafts.fresh} onSubmit={(event: FormEvent) => { event.preventDefault(); void write(); }}>
      <Field label={t.drafts.ticket} hint={t.drafts.ticketHint}>{(id) => <textarea id={id} data-main-field rows={3} maxLength={32000} value={ticket} onChange={(event) => setTicket(event.target.value)} onKeyDown={press} />}</Field>
      <div className="ticket-foot">
        <Field label={t.drafts.customer}>{(id) => <input id={id} maxLength={128} value={customer} autoComplete="off" onChange={(event) => setCustomer(event.target.value)} />}</Field>
        <Field label={t.drafts.base}>{(id) => <select id={id} value={base} onChange={(event) => setBase(event.target.value)}><option value="">{t.ask.allBases}</option>{bases.map((row) => <option key={row.id} value={row.id}>{row.name || row.id}</option>)}</select>}</Field>
        <Button look="primary" icon="draft" type="submit" disabled={busy || !ticket.trim()}>{t.drafts.write}</Button>
      </div>
      {stream && <div className="answer" aria-busy="true" aria-live="polite">{stream.text ? <AnswerText text={stream.text} citations={stream.citations} live /> : <p className="waiting">{t.drafts.writing}<span className="dots" /></p>}</div>}
      {error !== null && <ErrorBox error={error} retry={() => void write()} />}
    </form>
  );
}
