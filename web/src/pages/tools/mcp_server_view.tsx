// One MCP server: what it lists, how that differs from what was approved, and the approval of exactly that.
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { mcpServerQuery } from "../../api/agent_queries";
import { invoke } from "../../api/invoke";
import { queryClient } from "../../api/queries";
import type { McpServerDetail } from "../../api/types";
import { shownJson } from "../../format/json";
import { Confirm } from "../../kit/dialog";
import { Ago, Badge, Button, Empty, ErrorBox, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { Link, navigate } from "../../router";
import { t } from "../../text/en";
import { type Change, changesOf, stillReading, toneOfServer } from "./mcp_state";
import { reloadServers } from "./mcp_view";

const tones = { added: "good", removed: "bad", changed: "busy" } as const, words = { added: t.mcp.addedTools, removed: t.mcp.removedTools, changed: t.mcp.changedTools };

function Facts({ server }: { server: McpServerDetail }) {
  const facts: [string, ReactNode][] = [
    [t.mcp.transport, server.url ?? server.command?.join(" ")], ...(server.peer ? [[t.mcp.peer, server.peer] as [string, ReactNode]] : []), ...(server.protocol ? [[t.mcp.protocol, server.protocol] as [string, ReactNode]] : []),
    ...(server.seen_at === null ? [] : [[t.mcp.seen, <Ago key="seen" at={server.seen_at} />] as [string, ReactNode]]),
    ...(server.approved_at === null ? [] : [[t.mcp.by, <span key="by"><Ago at={server.approved_at} /> {t.mcp.byWho(server.approved_by)}</span>] as [string, ReactNode]]),
    ...(server.approved_hash ? [[t.mcp.pinned, <code key="hash" title={server.approved_hash}>{server.approved_hash.slice(0, 12)}</code>] as [string, ReactNode]] : []),
  ];
  return <dl className="trace-facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

function Changes({ changes, first }: { changes: readonly Change[]; first: boolean }) {
  const rows = changes.flatMap((change) => (change.fields.length === 0 ? [{ change, field: "", before: "", after: "" }] : change.fields.map((field) => ({ change, ...field }))));
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={first ? t.mcp.firstTime : t.mcp.difference}>
      <table className="mcp-diff"><thead><tr><th>{t.tools.one}</th><th>{t.mcp.state}</th><th>{t.mcp.field}</th>{!first && <th>{t.mcp.before}</th>}<th>{t.mcp.after}</th></tr></thead>
        <tbody>{rows.map(({ change, field, before, after }, index) => (
          <tr key={index}><td><code>{change.tool}</code></td><td><Badge tone={tones[change.kind]}>{words[change.kind]}</Badge></td><td>{field}</td>{!first && <td>{before && <del>{before}</del>}</td>}<td>{after && (first ? after : <ins>{after}</ins>)}</td></tr>))}</tbody></table>
    </div>
  );
}

function ApproveForm({ server, changes }: { server: McpServerDetail; changes: readonly Change[] }) {
  const first = server.approved_hash === "";
  const [reading, setReading] = useState(() => stillReading(server.reading, server.listed, server.difference));
  const approve = useMutation({
    mutationFn: () => invoke("POST /strata/v1/mcp/servers/{server}/approve", { server: server.name }, { hash: server.hash, reading }),
    onSuccess: () => { toast(t.mcp.approved); reloadServers(); },
    onError: () => void queryClient.invalidateQueries({ queryKey: ["mcp"] }),   // it lists another by now: that is what is shown then
  });
  const submit = (event: FormEvent) => { event.preventDefault(); approve.mutate(); };
  return (
    <form onSubmit={submit} aria-label={first ? t.mcp.approve : t.mcp.approveAgain}>
      <h2>{first ? t.mcp.firstTime : t.mcp.difference}</h2>
      {changes.length > 0 && <Changes changes={changes} first={first} />}
      <fieldset className="spec-set"><legend>{t.mcp.readingWhat}</legend>
        <div className="spec-choices">{(server.listed ?? []).map(({ name }) => <label key={name} className="check"><input type="checkbox" checked={reading.includes(name)} onChange={(event) => setReading(event.target.checked ? [...reading, name] : reading.filter((one) => one !== name))} /><code>{name}</code> {t.mcp.reading}</label>)}</div></fieldset>
      {approve.error && <ErrorBox error={approve.error} />}
      <Button look="primary" icon="check" type="submit" disabled={approve.isPending || !server.hash}>{first ? t.mcp.approve : t.mcp.approveAgain}</Button>
    </form>
  );
}

function Pinned({ server }: { server: McpServerDetail }) {
  const prefixed = (name: string) => server.tools.find((tool) => tool.endsWith(name) && tool.length === server.prefix.length + name.length) ?? "";
  return (
    <section><h2>{t.mcp.tools}</h2>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t.mcp.tools}>
        <table className="mcp-tools"><thead><tr><th>{t.tools.one}</th><th>{t.mcp.description}</th><th>{t.mcp.risk}</th><th>{t.mcp.schema}</th></tr></thead>
          <tbody data-list>{(server.listed ?? []).map((tool) => {
            const name = prefixed(tool.name);
            return (
              <tr key={tool.name}><td>{name ? <><Link data-item to={`/tools/${encodeURIComponent(name)}`}>{name}</Link><div><Link className="small" to={`/tools/${encodeURIComponent(name)}`}>{t.mcp.test}</Link></div></> : <code>{tool.name}</code>}</td><td className="wrap">{tool.description}</td>
                <td>{server.state === "approved" && <Badge tone={server.reading.includes(tool.name) ? "busy" : "bad"}>{server.reading.includes(tool.name) ? t.tools.risks.medium : t.tools.risks.high}</Badge>}</td>
                <td><details><summary>{t.mcp.schema}</summary><pre tabIndex={0} className="wrap">{shownJson(tool.inputSchema)}</pre></details></td></tr>);
          })}</tbody></table>
      </div>
      {server.left_out.length > 0 && <><h3>{t.mcp.leftOut}</h3><ul className="plain-list">{server.left_out.map((one) => <li key={one.name}><code>{one.name}</code> <span className="soft">{one.why}</span></li>)}</ul></>}
    </section>
  );
}

function TokenForm({ server }: { server: McpServerDetail }) {
  const [value, setValue] = useState("");
  const save = useMutation({ mutationFn: () => invoke("PUT /strata/v1/mcp/servers/{server}/secret", { server: server.name }, { variable: "token", value }), onSuccess: () => { setValue(""); toast(t.mcp.tokenSaved); } });
  return (
    <details><summary>{t.mcp.setToken}</summary>
      <form className="inline-form" onSubmit={(event) => { event.preventDefault(); save.mutate(); }}><input type="password" autoComplete="off" aria-label={t.mcp.token} value={value} onChange={(event) => setValue(event.target.value)} /><Button type="submit" disabled={save.isPending}>{t.mcp.save}</Button></form>
      <small className="soft">{t.mcp.tokenWhat}</small>{save.error && <ErrorBox error={save.error} />}</details>
  );
}

function One({ server }: { server: McpServerDetail }) {
  const [removing, setRemoving] = useState(false);
  const refresh = useMutation({ mutationFn: () => invoke("POST /strata/v1/mcp/servers/{server}/refresh", { server: server.name }), onSuccess: () => toast(t.mcp.refreshed), onSettled: reloadServers });
  const remove = useMutation({ mutationFn: () => invoke("DELETE /strata/v1/mcp/servers/{server}", { server: server.name }), onSuccess: () => { toast(t.mcp.removed); reloadServers(); navigate("/tools?view=mcp"); } });
  const changes = changesOf(server.difference, server.listed), open = server.state !== "approved" && server.hash !== "" && server.hash !== server.approved_hash;
  return (
    <>
      <div className="button-row mcp-head"><h2>{server.name}</h2><span role="status"><Badge tone={toneOfServer(server.state)}>{t.mcp.states[server.state]}</Badge></span>
        <Button icon="again" disabled={refresh.isPending} onClick={() => refresh.mutate()}>{t.mcp.refresh}</Button><Button look="danger" icon="trash" onClick={() => setRemoving(true)}>{t.mcp.remove}</Button></div>
      <p className="soft">{t.mcp.stateWhat[server.state]}</p>
      {server.error && <div className="error-box" role="alert"><strong>{t.mcp.error}</strong><p>{server.error}</p></div>}
      {refresh.error && <ErrorBox error={refresh.error} />}
      <Facts server={server} />
      {open && <ApproveForm key={server.hash} server={server} changes={changes} />}
      {(server.listed ?? []).length > 0 && <Pinned server={server} />}
      {server.transport === "http" && <TokenForm server={server} />}
      {removing && <Confirm title={t.mcp.removeTitle(server.name)} what={t.mcp.removeWhat((server.listed ?? []).length)} action={t.mcp.remove} busy={remove.isPending} error={remove.error} onClose={() => setRemoving(false)} onConfirm={() => remove.mutate()} />}
    </>
  );
}

export function McpServerView({ name }: { name: string }) {
  const query = useQuery(mcpServerQuery(name));
  return (
    <>
      <p className="crumbs"><Link to="/tools?view=mcp">{t.mcp.tab}</Link></p>
      {query.error ? <Empty title={name} what={query.error.message}><Link className="button" to="/tools?view=mcp">{t.mcp.tab}</Link></Empty> : query.data ? <One server={query.data} /> : <Skeleton lines={6} />}
    </>
  );
}
