// Where a person works what the answers could not settle: claim one, read the conversation, answer, next.
import { useMutation, useQuery } from "@tanstack/react-query";
import { conversationQuery, handoverQuery, handoversQuery, queryClient } from "../../api/queries";
import { invoke } from "../../api/invoke";
import { useTyped } from "../../api/remember";
import type { Handover } from "../../api/types";
import { Ago, Badge, Button, Empty, ErrorBox, Field, PageHead, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { Link, navigate, useParam } from "../../router";
import { t } from "../../text/en";
import { AnswerView } from "../ask/answer_view";
import { AnswerSheets } from "../ask/sheets";

const reasonOf = (handover: Handover) => t.queue.reasons[handover.reason] ?? handover.reason;

function useStep(handover: Handover, step: "claim" | "release" | "reply", after: (next: Handover) => void) {
  return useMutation({
    mutationFn: (body: { who: string; text?: string }) => (step === "reply" ? invoke("POST /strata/v1/handovers/{handover}/reply", { handover: handover.id }, { text: "", ...body })
      : invoke(`POST /strata/v1/handovers/{handover}/${step}`, { handover: handover.id }, body)),
    onSettled: () => { for (const name of ["handovers", "handover", "conversation"]) void queryClient.invalidateQueries({ queryKey: [name] }); },
    onSuccess: after,
  });
}

function Row({ handover, who }: { handover: Handover; who: string }) {
  const claim = useStep(handover, "claim", (next) => navigate(`/queue/${next.id}`));
  return (
    <li className="draft-row">
      <Link data-item to={`/queue/${handover.id}`}>{handover.note.replace(/\s+/g, " ").slice(0, 120) || handover.id}</Link>
      <span><Badge tone={handover.state === "waiting" ? "busy" : "neutral"}>{handover.state === "claimed" ? t.queue.claimedBy(handover.who ?? "") : handover.state === "done" ? t.queue.doneBy(handover.who ?? "") : reasonOf(handover)}</Badge>{" "}
        <small className="soft"><Ago at={handover.created_at} /></small>{" "}
        {handover.state === "waiting" && <Button disabled={claim.isPending || !who.trim()} onClick={() => claim.mutate({ who: who.trim() })}>{t.queue.claim}</Button>}</span>
      {claim.error && <ErrorBox error={claim.error} />}
    </li>
  );
}

function Waiting({ who, setWho }: { who: string; setWho: (name: string) => void }) {
  const [state, setState] = useParam("state");
  const shown = state || "waiting";
  const query = useQuery(handoversQuery("", shown));
  const [title, what] = shown === "waiting" ? [t.queue.none, t.queue.noneWhat] : [shown === "claimed" ? t.queue.noneClaimed : t.queue.noneDone, undefined];
  return (
    <>
      <div className="queue-head">
        <div className="tabs" role="group" aria-label={t.drafts.state}>{t.queue.states.map(([name, label]) => <button key={name} type="button" aria-pressed={shown === name} onClick={() => setState(name === "waiting" ? null : name)}>{label}</button>)}</div>
        <Field label={t.queue.name}>{(id) => <input id={id} maxLength={128} value={who} autoComplete="name" onChange={(event) => setWho(event.target.value)} />}</Field>
      </div>
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} />
        : !query.data ? <Skeleton lines={4} />
        : query.data.data.length === 0 ? <Empty title={title} {...(what ? { what } : {})} />
        : <ul className="draft-list" data-list>{query.data.data.map((handover) => <Row key={handover.id} handover={handover} who={who} />)}</ul>}
    </>
  );
}

function Reply({ handover, who }: { handover: Handover; who: string }) {
  const [text, setText, forget] = useTyped(`handover.reply.${handover.id}`);
  const reply = useStep(handover, "reply", () => { forget(); toast(t.queue.finished); });
  const release = useStep(handover, "release", () => navigate("/queue"));
  return (
    <form className="editor" onSubmit={(event) => { event.preventDefault(); reply.mutate({ who, text }); }}>
      <Field label={t.queue.reply}>{(id) => <textarea id={id} data-main-field rows={6} maxLength={32000} value={text} onChange={(event) => setText(event.target.value)} />}</Field>
      <div className="editor-foot"><Button look="primary" icon="send" type="submit" disabled={reply.isPending || !text.trim()}>{t.queue.send}</Button><Button look="quiet" onClick={() => release.mutate({ who })}>{t.queue.release}</Button></div>
      {(reply.error ?? release.error) && <ErrorBox error={reply.error ?? release.error} />}
    </form>
  );
}

function Item({ id, who }: { id: string; who: string }) {
  const query = useQuery(handoverQuery(id));
  const handover = query.data;
  const messages = useQuery({ ...conversationQuery(handover?.conversation_id ?? ""), enabled: handover !== undefined }).data?.messages;
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  if (!handover) return <Skeleton lines={6} />;
  return (
    <div className="draft">
      <p className="crumbs"><Link to="/queue">{t.queue.back}</Link></p>
      <p><Badge tone="busy">{reasonOf(handover)}</Badge> {handover.state !== "waiting" && <Badge>{handover.state === "done" ? t.queue.doneBy(handover.who ?? "") : t.queue.claimedBy(handover.who ?? "")}</Badge>}</p>
      <p className="plain-text">{handover.note}</p>
      <section aria-label={t.queue.conversation}><h2>{t.queue.conversation}</h2>
        {!messages ? <Skeleton lines={3} /> : <div className="thread">{messages.map((message) => (message.role === "user" ? <article key={message.ordinal} className="question" aria-label={t.ask.you}><p>{message.content}</p></article>
          : <AnswerView key={message.ordinal} text={message.content} strata={message.strata} citations={message.strata?.citations ?? []} />))}</div>}
      </section>
      {handover.state === "waiting" && <Claim handover={handover} who={who} />}
      {handover.state === "claimed" && <Reply handover={handover} who={who} />}
      {handover.state === "done" && <article className="handover"><strong>{t.answers.replied(handover.who ?? "")}</strong><p className="plain-text">{handover.reply}</p></article>}
    </div>
  );
}

function Claim({ handover, who }: { handover: Handover; who: string }) {
  const claim = useStep(handover, "claim", () => undefined);
  return <div><Button look="primary" disabled={claim.isPending || !who.trim()} onClick={() => claim.mutate({ who })}>{t.queue.claim}</Button>{claim.error && <ErrorBox error={claim.error} />}</div>;
}

export default function QueuePage({ id }: { id: string }) {
  const [who, setWho] = useTyped("name", "local");
  return (
    <div className="page">
      <PageHead title={t.queue.title} what={t.queue.what} />
      {id ? <Item key={id} id={id} who={who.trim()} /> : <Waiting who={who} setWho={setWho} />}
      <AnswerSheets />
    </div>
  );
}
