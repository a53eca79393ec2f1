import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { ask, retry, type Stream, useStream } from "../../api/chat";
import { conversationQuery } from "../../api/queries";
import type { Message } from "../../api/types";
import { Button, ErrorBox, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { t } from "../../text/en";
import { AnswerView } from "./answer_view";
import { fillComposer } from "./composer";
import { NextSteps } from "./next_steps";

const failed = (error: unknown) => toast(error instanceof Error ? error.message : String(error));

function Question({ text }: { text: string }) {
  return <article className="question" aria-label={t.ask.you}><p>{text}</p></article>;
}

function Live({ conversation, stream }: { conversation: string; stream: Stream }) {
  return (
    <>
      {stream.state === "waiting" && <p className="waiting" role="status">{stream.wish.bases.length > 0 ? t.ask.thinking : t.ask.writing}<span className="dots" /></p>}
      {stream.text && <AnswerView text={stream.text} strata={stream.strata} citations={stream.citations} live={stream.state === "writing"} alone={stream.wish.bases.length === 0} />}
      {stream.state === "stopped" && (
        <p className="stopped" role="status">{t.ask.stopped} <Button icon="again" onClick={() => void retry(conversation, stream.wish).catch(failed)}>{t.ask.regenerate}</Button></p>)}
      {stream.state === "failed" && <ErrorBox error={stream.error} retry={() => void retry(conversation, stream.wish).catch(failed)} />}
    </>
  );
}

// The messages the server has, and behind them what is being written.
function split(messages: Message[], stream: Stream | null): { shown: Message[]; pending: string | null } {
  if (!stream) return { shown: messages, pending: null };
  let shown = messages;
  if (stream.wish.regenerate) {
    while (shown.at(-1)?.role === "assistant") shown = shown.slice(0, -1);
    return { shown, pending: null };
  }
  const arrived = shown.at(-1)?.role === "user" && shown.at(-1)?.content === stream.wish.content;
  return { shown, pending: arrived ? null : stream.wish.content };
}

// Follows the text while the reader is at the end, and stays where they scrolled to.
function useFollow(change: unknown) {
  const atEnd = useRef(true);
  useEffect(() => {
    const box = document.getElementById("thread-scroll");
    if (!box) return;
    const scrolled = () => { atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < 80; };
    box.addEventListener("scroll", scrolled);
    return () => box.removeEventListener("scroll", scrolled);
  }, []);
  useEffect(() => {
    const box = document.getElementById("thread-scroll");
    if (box && atEnd.current) box.scrollTop = box.scrollHeight;
  }, [change]);
}

export function Thread({ conversation, bases }: { conversation: string; bases: string[] }) {
  const query = useQuery(conversationQuery(conversation));
  const stream = useStream(conversation);
  useFollow(`${query.data?.messages.length} ${stream?.text.length} ${stream?.state}`);
  if (query.error && !query.data) return <div className="thread"><ErrorBox error={query.error} retry={() => void query.refetch()} /></div>;
  if (!query.data && !stream) return <div className="thread"><Skeleton lines={5} /></div>;
  const { shown, pending } = split(query.data?.messages ?? [], stream);
  const last = shown.at(-1);
  const again = () => void ask(conversation, { content: "", bases, regenerate: true });
  return (
    <div className="thread">
      {shown.map((message, index) => (message.role === "user" ? <Question key={message.ordinal} text={message.content} />
        : <AnswerView key={message.ordinal} text={message.content} strata={message.strata} citations={message.strata?.citations ?? []} alone={!message.answer_id}
            {...(index === shown.length - 1 && !stream ? { onAgain: again } : {})}
            next={index === shown.length - 1 && !stream && message.strata
              ? <NextSteps strata={message.strata} conversation={conversation} product={query.data?.product ?? null} question={shown[index - 1]?.content ?? ""} onAsk={(content) => void ask(conversation, { content, bases })} onRephrase={(content) => fillComposer(content)} />
              : undefined} />))}
      {pending !== null && <Question text={pending} />}
      {stream && <Live conversation={conversation} stream={stream} />}
      {!stream && last?.role === "user" && <p className="stopped">{t.ask.noAnswer} <Button icon="again" onClick={again}>{t.ask.answerAgain}</Button></p>}
    </div>
  );
}
