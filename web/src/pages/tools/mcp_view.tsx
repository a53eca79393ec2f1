// Other programs' tools over MCP: servers with their state, one with its pinned list and what changed, a new one; and how others reach ours.
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { mcpServersQuery } from "../../api/agent_queries";
import { invoke } from "../../api/invoke";
import { queryClient } from "../../api/queries";
import type { McpServer } from "../../api/types";
import { Dialog } from "../../kit/dialog";
import { Ago, Badge, Button, Empty, ErrorBox, Field, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { copy } from "../traces/span_view";
import { clientConfig, ours, toneOfServer } from "./mcp_state";
import { McpServerView } from "./mcp_server_view";

export const reloadServers = () => { for (const key of ["mcp", "tools", "tool"]) void queryClient.invalidateQueries({ queryKey: [key] }); };

function AddDialog({ onClose }: { onClose: () => void }) {
  const [, setServer] = useParam("server");
  const [form, setForm] = useState({ name: "", url: "", token: "", prefix: "" });
  const add = useMutation({
    mutationFn: () => invoke("POST /strata/v1/mcp/servers", {}, { name: form.name.trim(), url: form.url.trim(), ...(form.token ? { token: form.token } : {}), ...(form.prefix ? { prefix: form.prefix } : {}) }),
    onSuccess: (server) => { reloadServers(); toast(t.mcp.added(server.name)); onClose(); setServer(server.name); },
  });
  const submit = (event: FormEvent) => { event.preventDefault(); if (form.name.trim() && form.url.trim()) add.mutate(); };
  const fields = [["name", t.mcp.name, t.mcp.nameWhat], ["url", t.mcp.url, t.mcp.urlWhat], ["token", t.mcp.token, t.mcp.tokenWhat], ["prefix", t.mcp.prefix, t.mcp.prefixWhat]] as const;
  return (
    <Dialog title={t.mcp.add} onClose={onClose}>
      <form onSubmit={submit}>
        {fields.map(([name, label, hint]) => <Field key={name} label={label} hint={hint}>{(id) => <input id={id} type={name === "token" ? "password" : "text"} autoComplete="off" required={name === "name" || name === "url"} value={form[name]} onChange={(event) => setForm({ ...form, [name]: event.target.value })} />}</Field>)}
        {add.error && <ErrorBox error={add.error} />}
        <footer className="dialog-foot"><Button onClick={onClose}>{t.common.cancel}</Button><Button look="primary" type="submit" disabled={!form.name.trim() || !form.url.trim() || add.isPending}>{add.isPending ? t.mcp.adding : t.mcp.add}</Button></footer>
      </form>
    </Dialog>
  );
}

function Servers({ servers }: { servers: readonly McpServer[] }) {
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={t.mcp.tab}>
      <table className="flows"><thead><tr><th>{t.mcp.server}</th><th>{t.mcp.state}</th><th className="number">{t.mcp.tools}</th><th>{t.mcp.seen}</th></tr></thead>
        <tbody data-list>{servers.map((server) => (
          <tr key={server.name}>
            <td><Link data-item to={`/tools?view=mcp&server=${encodeURIComponent(server.name)}`}>{server.name}</Link><div className="soft small">{server.url ?? server.command?.join(" ")}</div></td>
            <td><Badge tone={toneOfServer(server.state)}>{t.mcp.states[server.state]}</Badge>{server.error && <p className="reason-text">{server.error}</p>}{(server.state === "pending" || server.state === "changed") && <p><Link to={`/tools?view=mcp&server=${encodeURIComponent(server.name)}`}>{t.mcp.look}</Link></p>}</td>
            <td className="number">{server.tools.length}</td><td className="keep">{server.seen_at === null ? "–" : <Ago at={server.seen_at} />}</td>
          </tr>))}</tbody></table>
    </div>
  );
}

function Copyable({ name, text }: { name: string; text: string }) {
  return <section aria-label={name}><h3>{name}</h3><pre tabIndex={0} className="wrap">{text}</pre><Button look="quiet" icon="copy" aria-label={t.mcp.copy(name)} onClick={() => copy(text)}>{t.common.copy}</Button></section>;
}

function Ours() {
  const address = ours(location.origin);
  return (
    <section className="mcp-ours"><h2>{t.mcp.ours}</h2><p className="soft">{t.mcp.oursWhat}</p>
      <Copyable name={t.mcp.oursHttp} text={address} /><Copyable name={t.mcp.oursStdio} text="strata mcp serve" /><Copyable name={t.mcp.oursConfig} text={clientConfig(address)} /></section>
  );
}

export function McpView() {
  const [name] = useParam("server"), [adding, setAdding] = useParam("add");
  const query = useQuery(mcpServersQuery);
  if (name) return <McpServerView key={name} name={name} />;
  const button = <Button look="primary" icon="plus" onClick={() => setAdding("open")}>{t.mcp.add}</Button>;
  return (
    <>
      <p className="soft">{t.mcp.what}</p>
      {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : !query.data ? <Skeleton lines={4} />
        : query.data.data.length === 0 ? <Empty title={t.mcp.none} what={t.mcp.noneWhat}>{button}</Empty> : <><Servers servers={query.data.data} /><p>{button}</p></>}
      <Ours />
      {adding && <AddDialog onClose={() => setAdding(null)} />}
    </>
  );
}
