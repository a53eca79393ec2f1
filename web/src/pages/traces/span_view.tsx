import { useMutation } from "@tanstack/react-query";
import { ApiError } from "../../api/client";
import { invoke } from "../../api/invoke";
import type { SpanAttribute, TraceSpan } from "../../api/types";
import { milliseconds } from "../../format/format";
import { money } from "../../format/money";
import { Badge, Button, ErrorBox } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { Link } from "../../router";
import { t } from "../../text/en";
import { type Branch, messagesOf, sortOf } from "./trace_tree";

const shown = (value: SpanAttribute) => (Array.isArray(value) ? value.join(", ") : String(value));
export const copy = (text: string) => void navigator.clipboard.writeText(text).then(() => toast(t.common.copied), () => toast(t.traces.noCopy));

function Attributes({ span }: { span: TraceSpan }) {
  const entries = Object.entries(span.attributes).sort(([a], [b]) => a.localeCompare(b));
  if (entries.length === 0) return <p className="soft">{t.traces.noAttributes}</p>;
  return <dl className="attributes">{entries.map(([name, value]) => <div key={name}><dt><code>{name}</code></dt><dd>{shown(value)}</dd></div>)}</dl>;
}

function Content({ name, value }: { name: string; value: unknown }) {
  const messages = messagesOf(value);
  const text = messages ? messages.map((message) => message.text).join("\n\n") : typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return (
    <details open><summary>{t.traces.contents[name] ?? name}</summary>
      {messages ? <ol className="said">{messages.map((message, index) => <li key={index}><small>{message.role}</small><pre tabIndex={0} className="span-content">{message.text}</pre></li>)}</ol> : <pre tabIndex={0} className="span-content">{text}</pre>}
      <Button look="quiet" icon="copy" onClick={() => copy(text)}>{t.common.copy}</Button>
    </details>
  );
}

function Replay({ trace, span }: { trace: string; span: TraceSpan }) {
  const replay = useMutation({ mutationFn: () => invoke("POST /strata/v1/traces/{trace}/replay", { trace }, { span_id: span.id }) });
  const call = replay.data?.calls[0];
  return (
    <div className="replay">
      <Button icon="again" disabled={replay.isPending} onClick={() => replay.mutate()}>{t.traces.replay}</Button>{" "}
      <span role="status">{replay.isPending ? t.traces.replaying : call ? <><Badge tone={call.same ? "good" : "bad"}>{call.same ? t.traces.same(call.tokens ?? 0) : t.traces.differs}</Badge> {call.difference}</> : <span className="soft small">{t.traces.replayWhat}</span>}</span>
      {replay.error && <ErrorBox error={replay.error instanceof ApiError ? replay.error : String(replay.error)} />}
    </div>
  );
}

interface Props { branch: Branch; begin_ms: number; trace: string; currency: string }
export function SpanView({ branch, begin_ms, trace, currency }: Props) {
  const { span } = branch;
  const sort = sortOf(span);
  const content = Object.entries(span.content);
  return (
    <section className="span-view" aria-label={t.traces.details(span.name)} tabIndex={0}>
      <h2>{span.name}</h2>
      <p><Badge>{t.traces.sorts[sort]}</Badge> {span.error && <Badge tone="bad">{t.traces.failed}</Badge>} <span className="soft">{t.traces.began(milliseconds(Math.max(0, span.start_ms - begin_ms)))}, {t.traces.took(milliseconds(span.duration_ms))}{branch.children.length > 0 && `, ${t.traces.own(milliseconds(branch.self_ms))}`}{span.cost !== null && `, ${money(span.cost, currency)}`}</span></p>
      {span.error && <div className="error-box"><strong>{span.error.type}</strong><p>{span.error.message}</p></div>}
      {span.replayable && <Replay trace={trace} span={span} />}
      {content.map(([name, value]) => <Content key={name} name={name} value={value} />)}
      {sort === "model" && content.length === 0 && <p className="soft small">{t.traces.noContent} <Link to="/traces?settings=open">{t.traces.keepContent}</Link></p>}
      <h3>{t.traces.attributes}</h3>
      <Attributes span={span} />
    </section>
  );
}
