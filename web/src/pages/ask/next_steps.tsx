// Under the last answer: what the product suggests to do, questions that the documents could answer next, and the way to a person.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { documentQuery } from "../../api/queries";
import type { ProductConversation, Strata } from "../../api/types";
import { followUps } from "../../format/follow_ups";
import { Button } from "../../kit/kit";
import { t } from "../../text/en";
import { openSource } from "./chip";
import { HandOverDialog, HandoverState } from "./hand_over";

interface Props { strata: Strata; conversation: string; product: ProductConversation | null; question: string; onAsk: (content: string) => void; onRephrase: (content: string) => void }

export function NextSteps({ strata, conversation, product, question, onAsk, onRephrase }: Props) {
  const [asking, setAsking] = useState(false);
  const cited = strata.citations[0];
  const document = useQuery({ ...documentQuery(cited?.document_id ?? ""), enabled: cited !== undefined }).data;
  const headings = document && cited ? followUps(document.headings, strata.citations.filter((citation) => citation.document_id === cited.document_id)) : [];
  const handover = product?.handovers[0] ?? strata.handover;
  const act: Record<string, () => void> = {
    "Open the sources": () => { if (cited) openSource(cited); },
    "Ask a person": () => setAsking(true),
    "Ask in other words": () => onRephrase(question),
  };
  const actions = (strata.suggested_actions ?? []).filter((action) => act[action] && !(handover && action === "Ask a person"));
  if (actions.length === 0 && headings.length === 0 && !handover) return null;
  return (
    <div className="next-steps">
      {actions.length > 0 && <div className="next-row" role="group" aria-label={t.answers.next}>{actions.map((action) => <Button key={action} onClick={act[action]}>{action}</Button>)}</div>}
      {headings.length > 0 && <div className="next-row" role="group" aria-label={t.answers.followUps}><small>{t.answers.followUps}</small>{headings.map((heading) => <Button key={heading} look="quiet" onClick={() => onAsk(t.answers.about(heading))}>{t.answers.about(heading)}</Button>)}</div>}
      {handover && <HandoverState handover={handover} />}
      {asking && <HandOverDialog conversation={conversation} product={product?.product ?? ""} answer={strata.answer_id} reason="asked_for_a_person" title={t.answers.personTitle} what={t.answers.personWhat} done={t.answers.handedOver} onClose={() => setAsking(false)} />}
    </div>
  );
}
