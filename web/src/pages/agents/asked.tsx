// What a run asks of a person, decided where it is read.
import { useQuery } from "@tanstack/react-query";
import { approvalQuery } from "../../api/flow_queries";
import { ErrorBox, Skeleton } from "../../kit/kit";
import { Link } from "../../router";
import { t } from "../../text/en";
import { DecisionForm } from "../inbox/decision_form";

// The first paragraph is the question; what follows is the whole story for those who come from the inbox.
export function questionOf(message: string): { question: string; story: string } {
  const at = message.indexOf("\n\n");
  return at < 0 ? { question: message, story: "" } : { question: message.slice(0, at), story: message.slice(at + 2).trim() };
}

export function Asked({ id }: { id: string }) {
  const query = useQuery({ ...approvalQuery(id), refetchInterval: 5_000 }), approval = query.data;
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  if (!approval) return <Skeleton lines={3} />;
  if (approval.state !== "pending") return null;   // decided elsewhere meanwhile: the log says how
  const { question, story } = questionOf(approval.message);
  return (
    <section className="agent-asked" aria-label={t.agents.decisionOn(approval.tool ?? "")}>
      <p className="plain-text">{question}</p>
      {approval.who.length > 0 && <p className="soft small">{t.inbox.asks}: {approval.who.join(", ")}. <Link to={`/inbox/${encodeURIComponent(id)}`}>{t.inbox.title}</Link></p>}
      {story && <details><summary>{t.agents.story}</summary><pre tabIndex={0} className="span-content wrap">{story}</pre></details>}
      <DecisionForm approval={approval} />
    </section>
  );
}
