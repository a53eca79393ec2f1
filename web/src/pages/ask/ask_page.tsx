import { useQuery } from "@tanstack/react-query";
import { invoke } from "../../api/invoke";
import { ask } from "../../api/chat";
import { basesQuery, queryClient } from "../../api/queries";
import { Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { navigate, useParam, withParams } from "../../router";
import { AnswerSheets } from "./sheets";
import { Composer, saveDraft } from "./composer";
import { ConversationList } from "./conversation_list";
import { ModelBanner } from "./model_banner";
import { Thread } from "./thread";
import { t } from "../../text/en";
import { Welcome } from "./welcome";

// What ?base= means: "" all bases, "none", or one base's id.
export function basesOf(choice: string, all: { id: string }[] | undefined): string[] {
  if (choice === "none") return [];
  return choice ? [choice] : (all ?? []).slice(0, 16).map((base) => base.id);
}

async function askNew(content: string, choice: string) {
  try {
    const { data } = await queryClient.fetchQuery({ ...basesQuery, staleTime: 0, retry: false });
    const made = await invoke("POST /strata/v1/conversations", {}, {});
    navigate(withParams({}, `/ask/${made.id}`) + (choice ? `?base=${encodeURIComponent(choice)}` : ""));
    await ask(made.id, { content, bases: basesOf(choice, data) });
  } catch (error) {
    saveDraft("", content);
    toast(error instanceof Error ? error.message : String(error));
    throw error;
  }
}

export function AskPage({ conversation }: { conversation: string }) {
  const [base, setBase] = useParam("base");
  const bases = useQuery(basesQuery);
  const send = async (content: string) => {
    if (!conversation) return askNew(content, base);
    const all = await queryClient.fetchQuery({ ...basesQuery, staleTime: 5_000, retry: false });
    return ask(conversation, { content, bases: basesOf(base, all.data) });
  };
  return (
    <div className="ask">
      <ConversationList current={conversation} />
      <section className="ask-main" aria-label={t.ask.title}>
        <h1 className="hidden">{t.ask.title}</h1>
        <ModelBanner />
        <div className="thread-scroll" id="thread-scroll">
          {conversation ? <Thread key={conversation} conversation={conversation} bases={basesOf(base, bases.data?.data)} />
            : bases.isPending ? <div className="thread"><Skeleton /></div>
            : <Welcome bases={bases.data?.data ?? []} onAsk={(text) => void send(text).catch(() => undefined)} />}
        </div>
        <Composer key={conversation} conversation={conversation} bases={bases.data?.data ?? []} base={base} onBase={setBase} onSend={send} />
      </section>
      <AnswerSheets />
    </div>
  );
}
