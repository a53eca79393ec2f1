// One ticket: what was asked, what was drafted from which sources, the reply, and what became of it.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { invoke } from "../../api/invoke";
import { conversationQuery, draftQuery, productConversationQuery, queryClient } from "../../api/queries";
import type { Draft, End, ProductConversation, Strata } from "../../api/types";
import { Badge, Button, ErrorBox, Field, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { Link, navigate, withParams } from "../../router";
import { t } from "../../text/en";
import { AnswerText, Confidence } from "../ask/answer_view";
import { Feedback } from "../ask/feedback";
import { HandOverDialog, HandoverState } from "../ask/hand_over";
import { Editor } from "./editor";

const ends: End[] = ["open", "resolved", "escalated", "abandoned", "deflected"];
const refresh = () => { for (const name of ["product_conversation", "conversation", "handovers"]) void queryClient.invalidateQueries({ queryKey: [name] }); };

// What only the outside knows: how it ended, how satisfied the customer was, whether the draft was right.
function Outcome({ view, answer }: { view: ProductConversation; answer: string | null }) {
  const end = useMutation({ mutationFn: (outcome: End) => invoke("POST /strata/v1/conversations/{conversation}/outcome", { conversation: view.id }, { outcome }), onSuccess: refresh });
  const rate = useMutation({ mutationFn: (score: number) => invoke("POST /strata/v1/conversations/{conversation}/satisfaction", { conversation: view.id }, { score }), onSuccess: () => { refresh(); toast(t.drafts.rated); } });
  const judge = useMutation({ mutationFn: (word: { correct: boolean; fabricated: boolean }) => invoke("POST /strata/v1/answers/{answer}/judgements", { answer: answer ?? "" }, word), onSuccess: () => toast(t.drafts.judged) });
  const problem = end.error ?? rate.error ?? judge.error;
  return (
    <section className="outcome-box">
      <Field label={t.drafts.outcome}>{(id) => <select id={id} value={view.outcome} disabled={end.isPending} onChange={(event) => end.mutate(event.target.value as End)}>{ends.map((name) => <option key={name} value={name}>{t.drafts.outcomes[name]}</option>)}</select>}</Field>
      <div role="group" aria-label={t.drafts.satisfaction} className="field"><span className="label">{t.drafts.satisfaction}</span>
        <span className="stars">{[1, 2, 3, 4, 5].map((score) => <button key={score} type="button" className="button" aria-pressed={view.satisfaction === score} aria-label={t.drafts.stars(score)} onClick={() => rate.mutate(score)}>{score}</button>)}</span></div>
      {answer && <div role="group" aria-label={t.drafts.judge} className="field"><span className="label">{t.drafts.judge}</span>
        <span className="stars"><Button onClick={() => judge.mutate({ correct: true, fabricated: false })}>{t.drafts.right}</Button><Button onClick={() => judge.mutate({ correct: false, fabricated: false })}>{t.drafts.wrong}</Button><Button onClick={() => judge.mutate({ correct: false, fabricated: true })}>{t.drafts.fabricated}</Button></span></div>}
      {problem && <ErrorBox error={problem} />}
    </section>
  );
}

function Original({ draft, strata }: { draft: Draft; strata: Strata | null }) {
  return (
    <section className="answer" aria-label={t.drafts.original}>
      <h2>{t.drafts.original}</h2>
      <AnswerText text={draft.original} citations={strata?.citations ?? []} />
      {strata && <div className="answer-label">
        {strata.citations.length > 0 && <Confidence strata={strata} />}
        {strata.outcome !== "answered" && <span className="outcome">{t.ask.outcome[strata.outcome]}</span>}
        {strata.treatment.disclaimer && <span className="disclaimer">{strata.treatment.disclaimer}</span>}
        {strata.requires_human_review && <Badge tone="busy">{t.confidence.review}</Badge>}
      </div>}
      {strata && <div className="answer-actions">
        <button type="button" className="button quiet" onClick={() => navigate(withParams({ why: strata.answer_id }))}>{t.ask.why}</button>
        <Feedback answer={strata.answer_id} rating={strata.rating ?? "none"} />
      </div>}
    </section>
  );
}

export function DraftView({ id }: { id: string }) {
  const draft = useQuery(draftQuery(id));
  const conversationId = draft.data?.conversation_id ?? "";
  const conversation = useQuery({ ...conversationQuery(conversationId), enabled: conversationId !== "" });
  const view = useQuery({ ...productConversationQuery(conversationId), enabled: conversationId !== "" }).data;
  const [escalating, setEscalating] = useState(false);
  const error = draft.error ?? conversation.error;
  if (error) return <ErrorBox error={error} retry={() => { void draft.refetch(); void conversation.refetch(); }} />;
  if (!draft.data || !conversation.data) return <Skeleton lines={8} />;
  const messages = conversation.data.messages;
  const answered = messages.findLastIndex((message) => message.answer_id === draft.data.answer_id);
  const question = messages.slice(0, answered < 0 ? undefined : answered).findLast((message) => message.role === "user");
  const handover = view?.handovers[0];
  const strata = messages[answered]?.strata ?? null;
  const refused = strata !== null && strata.outcome !== "answered" && strata.citations.length === 0;
  return (
    <div className="draft">
      <p className="crumbs"><Link to={`/drafts?product=${encodeURIComponent(draft.data.product)}`}>{t.drafts.back}</Link></p>
      <article className="question" aria-label={t.drafts.ticket}>{view?.end_user && <small>{view.end_user}</small>}<p>{question?.content}</p></article>
      <Original draft={draft.data} strata={strata} />
      <Editor key={`${draft.data.id} ${draft.data.state}`} draft={draft.data} escalatable={!handover} refused={refused} onEscalate={() => setEscalating(true)} />
      {handover && <HandoverState handover={handover} />}
      {view && <Outcome view={view} answer={draft.data.answer_id} />}
      {escalating && <HandOverDialog conversation={conversationId} product={draft.data.product} answer={draft.data.answer_id} reason="escalated" title={t.drafts.escalateTitle} what={t.drafts.escalateWhat} done={t.drafts.escalated} onClose={() => setEscalating(false)} />}
    </div>
  );
}
