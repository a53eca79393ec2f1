// One tool: what it is and may do, a test call, who may call it.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { toolQuery } from "../../api/flow_queries";
import { invoke } from "../../api/invoke";
import { queryClient } from "../../api/queries";
import type { Tool, ToolPermission } from "../../api/types";
import { bytes, count, milliseconds } from "../../format/format";
import { shownJson } from "../../format/json";
import { money } from "../../format/money";
import { Ago, Badge, Button, ErrorBox, Field, PageHead, Skeleton } from "../../kit/kit";
import { toast } from "../../kit/toast";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { TestCall } from "./test_call";
import { permissionTone, riskTone } from "./tools_page";

const views = ["test", "permission", "schema"] as const;

function Facts({ tool }: { tool: Tool }) {
  const { limits } = tool;
  const facts: [string, React.ReactNode][] = [
    [t.tools.risk, <Badge key="risk" tone={riskTone(tool.risk)}>{t.tools.risks[tool.risk]}</Badge>], [t.tools.permission, <Badge key="permission" tone={permissionTone(tool.policy.permission)}>{t.tools.permissions[tool.policy.permission]}</Badge>],
    [t.tools.does, tool.changes ? (tool.repeatable ? t.tools.changesOnce : t.tools.changesUnsure) : t.tools.reads], [t.tools.source, tool.source], [t.tools.cost, tool.cost === 0 ? t.tools.free : money(tool.cost, "USD")],
    [t.tools.limits, `${t.tools.limit(milliseconds(limits.time_ms), count(limits.calls_per_minute))}, ${t.tools.limitMore(count(limits.at_once), bytes(limits.argument_bytes), bytes(limits.result_bytes))}`],
    ...(tool.untrusted_result ? [[t.tools.trust, t.tools.untrusted] as [string, React.ReactNode]] : []),
  ];
  return <dl className="trace-facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

function PermissionForm({ tool }: { tool: Tool }) {
  const [permission, setPermission] = useState<ToolPermission>(tool.policy.permission), [why, setWhy] = useState(""), [roles, setRoles] = useState(tool.policy.roles.join(", "));
  const save = useMutation({
    mutationFn: () => invoke("PUT /strata/v1/tools/{tool}/permission", { tool: tool.name }, { permission, why, roles: roles.split(/[\s,]+/).filter(Boolean) }),
    onSuccess: () => { setWhy(""); toast(t.tools.saved); for (const key of ["tools", "tool"]) void queryClient.invalidateQueries({ queryKey: [key] }); },
  });
  return (
    <form className="narrow-form" onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
      {tool.policy.updated_at !== null && <p className="soft">{t.tools.setBy(tool.policy.who)} <Ago at={tool.policy.updated_at} />{tool.policy.why && `: ${tool.policy.why}`}</p>}
      <fieldset className="spec-set"><legend>{t.tools.permission}</legend>
        {(["allow", "ask", "deny"] as const).map((name) => <p key={name}><label className="check"><input type="radio" name="permission" checked={permission === name} onChange={() => setPermission(name)} />{t.tools.permissions[name]}</label> <small className="soft">{t.tools.permissionWhat[name]}</small></p>)}
      </fieldset>
      <Field label={t.tools.roles} hint={t.tools.rolesWhat}>{(id) => <input id={id} value={roles} onChange={(event) => setRoles(event.target.value)} />}</Field>
      <Field label={t.tools.why} hint={t.tools.whyWhat}>{(id) => <input id={id} required maxLength={2000} value={why} onChange={(event) => setWhy(event.target.value)} />}</Field>
      <Button look={permission === "deny" ? "danger" : "primary"} type="submit" disabled={save.isPending || !why.trim()}>{t.tools.set}</Button>
      {save.error && <ErrorBox error={save.error} />}
    </form>
  );
}

function One({ tool }: { tool: Tool }) {
  const [wanted, setView] = useParam("view");
  const view = views.find((name) => name === wanted) ?? "test";
  return (
    <div className="page">
      <p className="crumbs"><Link to="/tools">{t.tools.title}</Link></p>
      <PageHead title={tool.name} what={tool.description} />
      <Facts tool={tool} />
      <div className="tabs" role="group" aria-label={t.tools.view}>{views.map((name) => <button key={name} type="button" aria-pressed={name === view} onClick={() => setView(name === "test" ? null : name)}>{t.tools.views[name]}</button>)}</div>
      {view === "test" ? <TestCall tool={tool} /> : view === "permission" ? <PermissionForm tool={tool} />
        : <><h2>{t.tools.parameters}</h2><pre tabIndex={0}>{shownJson(tool.parameters)}</pre><h2>{t.tools.result}</h2><pre tabIndex={0}>{shownJson(tool.result)}</pre></>}
    </div>
  );
}

export function ToolPage({ name }: { name: string }) {
  const query = useQuery(toolQuery(name));
  if (query.data) return <One tool={query.data} />;
  return <div className="page"><p className="crumbs"><Link to="/tools">{t.tools.title}</Link></p><PageHead title={name} />{query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : <Skeleton lines={8} />}</div>;
}
