// Calls that were begun and whose end nobody knows: a person says what became of each.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { openCallsQuery } from "../../api/flow_queries";
import { invoke } from "../../api/invoke";
import { queryClient } from "../../api/queries";
import type { OpenCall } from "../../api/types";
import { readJson, shownJson } from "../../format/json";
import { Ago, Button, Empty, ErrorBox, Field, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { t } from "../../text/en";

function One({ call }: { call: OpenCall }) {
  const [text, setText] = useState("");
  const read = text.trim() === "" ? { value: null } : readJson(text);
  const resolve = useMutation({
    mutationFn: (happened: boolean) => invoke("POST /strata/v1/tools/{tool}/resolve", { tool: call.name }, { idempotency_key: call.idempotency_key, happened, ...(happened && "value" in read ? { result: read.value } : {}) }),
    onSuccess: () => toast(t.tools.resolved),
    onSettled: () => void queryClient.invalidateQueries({ queryKey: openCallsQuery.queryKey }),
  });
  return (
    <li className="facts-card">
      <h2>{call.name} <small className="soft">{t.tools.begun} <Ago at={call.begun_at} />, {t.tools.key} <code>{call.idempotency_key}</code></small></h2>
      <pre tabIndex={0} className="span-content">{shownJson(call.arguments)}</pre>
      <Field label={t.inbox.result} hint={"problem" in read ? read.problem : t.inbox.resultWhat}>{(id) => <textarea id={id} className="code" rows={2} value={text} onChange={(event) => setText(event.target.value)} />}</Field>
      <p className="button-row"><Button look="primary" disabled={resolve.isPending || "problem" in read} onClick={() => resolve.mutate(true)}>{t.inbox.buttons.happened}</Button><Button disabled={resolve.isPending} onClick={() => resolve.mutate(false)}>{t.inbox.buttons.not_happened}</Button></p>
      {resolve.error && <ErrorBox error={resolve.error} />}
    </li>
  );
}

export function OpenCalls() {
  const query = useQuery({ ...openCallsQuery, refetchInterval: 5_000 });
  if (query.error) return <ErrorBox error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Skeleton lines={3} />;
  if (query.data.data.length === 0) return <Empty title={t.tools.healthy} what={t.tools.healthyWhat} />;
  return <ul className="open-calls">{query.data.data.map((call) => <One key={`${call.name} ${call.idempotency_key}`} call={call} />)}</ul>;
}
