// A call by hand: first without effect where the tool can say what it would do; then its result, or what to mend.
import { useMutation } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { openCallsQuery } from "../../api/flow_queries";
import { invoke } from "../../api/invoke";
import { queryClient } from "../../api/queries";
import type { Tool, ToolOutcome, ToolProblem } from "../../api/types";
import { milliseconds } from "../../format/format";
import { shownJson } from "../../format/json";
import { money } from "../../format/money";
import { fieldsOf, startTexts, type Texts, valueOf } from "../../format/schema_form";
import { Badge, Button, ErrorBox } from "../../kit/kit";
import { SchemaForm } from "../../kit/schema_form";
import { Link } from "../../router";
import { t } from "../../text/en";
import { freshKey } from "../flows/start_dialog";
import { problemsByField } from "./tool_problems";

const tones = { done: "good", failed: "bad", refused: "bad", needs_approval: "busy", unknown: "bad" } as const;

function Outcome({ outcome, elsewhere }: { outcome: ToolOutcome; elsewhere: readonly ToolProblem[] }) {
  return (
    <section aria-label={t.tools.outcome} className="tool-outcome"><h2>{t.tools.outcome}</h2>
      <p role="status"><Badge tone={tones[outcome.state]}>{t.tools.states[outcome.state]}</Badge> <span className="soft">{milliseconds(outcome.ms)}{outcome.cost > 0 && `, ${money(outcome.cost, "USD")}`}{outcome.dry_run && `, ${t.tools.wasDry}`}{outcome.repeated && `, ${t.tools.repeated}`}</span></p>
      {outcome.state === "needs_approval" && <p>{t.tools.needsApproval}</p>}
      {outcome.state === "unknown" && <p>{t.tools.unknown} <Link to="/tools?view=health">{t.tools.health}</Link></p>}
      {outcome.error && <div className="error-box" role="alert"><strong>{outcome.error.code}</strong><p>{outcome.error.message}</p>{elsewhere.length > 0 && <ul className="plain-list">{elsewhere.map((problem) => <li key={`${problem.path} ${problem.keyword}`}><code>{problem.path || "/"}</code> {t.tools.problem(problem.expected, problem.got)}{problem.nearest && ` ${t.tools.nearest(problem.nearest)}`}</li>)}</ul>}{outcome.error.retry && <p>{t.tools.mayRetry}</p>}</div>}
      {outcome.state === "done" && <pre tabIndex={0} className="span-content wrap">{shownJson(outcome.result)}</pre>}
      {outcome.untrusted && <p className="soft small">{t.tools.untrustedWhat}</p>}
    </section>
  );
}

export function TestCall({ tool }: { tool: Tool }) {
  const fields = useMemo(() => fieldsOf(tool.parameters), [tool.parameters]);
  const [texts, setTexts] = useState<Texts>(() => startTexts(fields));
  const [tried, setTried] = useState(false);
  const spelled = valueOf(fields, texts), wrong = Object.keys(spelled.problems).length > 0;
  // What was changed since is another call.
  const [sent, setSent] = useState<Texts | null>(null);
  const call = useMutation({
    mutationFn: (dry: boolean) => invoke("POST /strata/v1/tools/{tool}/call", { tool: tool.name }, { arguments: spelled.value, ...(dry ? { dry_run: true } : tool.changes ? { idempotency_key: freshKey() } : {}) }),
    onSettled: () => { setSent(texts); void queryClient.invalidateQueries({ queryKey: openCallsQuery.queryKey }); },
  });
  const dryFirst = tool.changes && tool.dry_run, rehearsed = call.data?.dry_run === true && call.data.state === "done" && sent === texts;
  const go = (dry: boolean) => { setTried(true); if (!wrong) call.mutate(dry); };
  const told = problemsByField(call.data?.error?.problems ?? [], fields);
  return (
    <>
      <form className="narrow-form" aria-label={t.tools.views.test} onSubmit={(event) => { event.preventDefault(); go(dryFirst && !rehearsed); }} onKeyDown={(event) => { if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) event.currentTarget.requestSubmit(); }}>
        <SchemaForm fields={fields} texts={texts} problems={{ ...(sent === texts ? told.found : {}), ...(tried ? spelled.problems : {}) }} change={(name, text) => setTexts({ ...texts, [name]: text })} />
        {tool.changes && <p className="banner note">{dryFirst ? t.tools.dryWhat : t.tools.changesWhat}</p>}
        <div className="button-row">
          {dryFirst && <Button look={rehearsed ? "plain" : "primary"} disabled={call.isPending} onClick={() => go(true)}>{t.tools.dry}</Button>}
          <Button look={dryFirst && !rehearsed ? "plain" : "primary"} icon="play" disabled={call.isPending} onClick={() => go(false)}>{call.isPending ? t.tools.calling : t.tools.call}</Button>
        </div>
      </form>
      {call.error && <ErrorBox error={call.error} />}
      {call.data && <Outcome outcome={call.data} elsewhere={told.rest} />}
    </>
  );
}
