// The decision on what a run asks: the arguments as they would be sent, changed where a person wants, held to the tool's schema as they
// are typed. What is typed is kept in this browser until it has arrived.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { reloadRuns } from "../../api/flow_queries";
import { invoke } from "../../api/invoke";
import { useChanges } from "../../api/kept";
import type { Approval, Deciding } from "../../api/types";
import { readJson, readObject } from "../../format/json";
import { CodeEditor } from "../../kit/code_editor";
import { Button, ErrorBox, Field } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { t } from "../../text/en";
import { choicesOf } from "./inbox_state";

const pauseMs = 350;

// What the tool would say to these arguments. Without a tool nothing is known of them.
function useProblems(tool: string | null, text: string): string[] {
  const [asked, setAsked] = useState(text);
  useEffect(() => { const timer = setTimeout(() => setAsked(text), pauseMs); return () => clearTimeout(timer); }, [text]);
  const read = readObject(asked);
  const query = useQuery({
    queryKey: ["tool-check", tool, asked], queryFn: () => invoke("POST /strata/v1/tools/{tool}/check", { tool: tool ?? "" }, { arguments: "value" in read ? read.value : {} }),
    enabled: tool !== null && "value" in read, staleTime: Infinity, retry: false, placeholderData: (before) => before,
  });
  const now = readObject(text);
  if ("problem" in now) return [now.problem];
  return (query.data?.problems ?? []).map((problem) => `${problem.path || t.inbox.whole}: ${problem.message ?? problem.expected}`);
}

export function DecisionForm({ approval }: { approval: Approval }) {
  const form = useChanges(`approval.${approval.id}`);
  const given = JSON.stringify(approval.arguments ?? {}, null, 2);
  const text = form.changes["arguments"] ?? given, response = form.changes["response"] ?? "", reason = form.changes["reason"] ?? "", result = form.changes["result"] ?? "";
  const edited = text !== given, outcome = approval.kind === "outcome";
  const problems = useProblems(outcome ? null : approval.tool, text);
  const read = readObject(text), readResult = result.trim() === "" ? { value: null } : readJson(result);
  const decide = useMutation({
    mutationFn: (decision: Deciding) => invoke("POST /strata/v1/approvals/{approval}/decide", { approval: approval.id }, {
      decision, reason, ...(decision === "edit" && "value" in read ? { arguments: read.value } : decision === "happened" && "value" in readResult ? { arguments: readResult.value } : {}), ...(decision === "respond" ? { response } : {}),
    }),
    onSuccess: (decided) => { form.clear(); toast(t.inbox.toasts[decided.decision ?? ""] ?? t.inbox.done); },
    onSettled: () => void reloadRuns(),
  });
  const mayNot: Partial<Record<Deciding, boolean>> = { edit: problems.length > 0, respond: response.trim() === "", happened: "problem" in readResult };
  const choices = choicesOf(approval, edited);
  return (
    <form onSubmit={(event) => event.preventDefault()} aria-label={t.inbox.decision}>
      {outcome ? (
        <>
          <h2>{t.inbox.sent}</h2><pre tabIndex={0} className="span-content">{given}</pre>
          <Field label={t.inbox.result} hint={"problem" in readResult ? readResult.problem : t.inbox.resultWhat}>{(id) => <textarea id={id} className="code" rows={3} value={result} onChange={(event) => form.type("result", event.target.value || null)} />}</Field>
        </>) : (
        <>
          {approval.allow.includes("edit") ? <CodeEditor label={t.inbox.arguments} rows={Math.min(14, given.split("\n").length + 1)} value={text} marks={problems.map((message) => ({ line: 0, message }))} onChange={(next) => form.type("arguments", next === given ? null : next)} />
            : <><h2>{t.inbox.arguments}</h2><pre tabIndex={0} className="span-content">{given}</pre></>}
          {edited && <p><Button onClick={() => form.type("arguments", null)}>{t.inbox.asAsked}</Button></p>}
          {approval.allow.includes("respond") && <Field label={t.inbox.response} hint={t.inbox.responseWhat}>{(id) => <textarea id={id} rows={2} maxLength={65536} value={response} onChange={(event) => form.type("response", event.target.value || null)} />}</Field>}
        </>)}
      <Field label={t.inbox.reason} hint={t.inbox.reasonWhat}>{(id) => <input id={id} maxLength={4000} value={reason} onChange={(event) => form.type("reason", event.target.value || null)} />}</Field>
      <div className="button-row">{choices.map(({ decision, look }) => <Button key={decision} look={look} disabled={decide.isPending || mayNot[decision] === true} title={t.inbox.means[decision]} onClick={() => decide.mutate(decision)}>{t.inbox.buttons[decision]}</Button>)}</div>
      {decide.error && <ErrorBox error={decide.error} />}
    </form>
  );
}
