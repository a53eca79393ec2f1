// The tools that models, flows, agents and people may call, and calls that nobody knows the end of.
import { useQuery } from "@tanstack/react-query";
import { openCallsQuery, toolsQuery } from "../../api/flow_queries";
import type { Tool } from "../../api/types";
import { count, milliseconds } from "../../format/format";
import { money } from "../../format/money";
import { Badge, Button, Empty, ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, navigate, useParam } from "../../router";
import { t } from "../../text/en";
import { useLater } from "../traces/use_later";
import { McpView } from "./mcp_view";
import { OpenCalls } from "./open_calls";
import { ToolPage } from "./tool_page";

export const riskTone = (risk: Tool["risk"]) => (risk === "high" ? "bad" : risk === "medium" ? "busy" : "neutral");
export const permissionTone = (permission: Tool["policy"]["permission"]) => (permission === "deny" ? "bad" : permission === "ask" ? "busy" : "good");

function Row({ tool }: { tool: Tool }) {
  return (
    <tr>
      <td className="tool-name"><Link data-item to={`/tools/${encodeURIComponent(tool.name)}`}>{tool.name}</Link><div className="soft small">{tool.description.split(/(?<=\.)\s/)[0]}</div></td>
      <td><Badge tone={riskTone(tool.risk)}>{t.tools.risks[tool.risk]}</Badge></td>
      <td><Badge tone={permissionTone(tool.policy.permission)}>{t.tools.permissions[tool.policy.permission]}</Badge></td>
      <td>{tool.source}</td>
      <td className="number">{t.tools.limit(milliseconds(tool.limits.time_ms), count(tool.limits.calls_per_minute))}</td>
      <td className="number">{tool.cost === 0 ? "–" : money(tool.cost, "USD")}</td>
    </tr>
  );
}

function Tools() {
  const [q, setQ] = useParam("q"), [permission, setPermission] = useParam("permission"), [view, setView] = useParam("view");
  const [typed, setTyped] = useLater(q, setQ);
  const query = useQuery(toolsQuery), open = useQuery(openCallsQuery).data?.data.length ?? 0;
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = (query.data?.data ?? []).filter((tool) => (!permission || tool.policy.permission === permission) && words.every((word) => `${tool.name} ${tool.description} ${tool.source}`.toLowerCase().includes(word)));
  const health = view === "health", mcp = view === "mcp";
  return (
    <div className="page wide">
      <PageHead title={t.tools.title} what={t.tools.what} />
      <div className="tabs" role="group" aria-label={t.tools.view}>
        <button type="button" aria-pressed={!health && !mcp} onClick={() => navigate("/tools")}>{t.tools.title}</button><button type="button" aria-pressed={mcp} onClick={() => navigate("/tools?view=mcp")}>{t.mcp.tab}</button><button type="button" aria-pressed={health} onClick={() => setView("health")}>{t.tools.health}{open > 0 && ` (${open})`}</button>
      </div>
      {health ? <OpenCalls /> : mcp ? <McpView /> : (
        <>
          <form className="search-form" role="search" onSubmit={(event) => event.preventDefault()}>
            <input type="search" data-main-field aria-label={t.tools.find} placeholder={t.tools.find} value={typed} onChange={(event) => setTyped(event.target.value)} />
            <label className="check">{t.tools.permission} <select value={permission} onChange={(event) => setPermission(event.target.value)}><option value="">{t.common.all}</option>{Object.entries(t.tools.permissions).map(([name, label]) => <option key={name} value={name}>{label}</option>)}</select></label>
          </form>
          {query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : !query.data ? <Skeleton lines={8} />
            : rows.length === 0 ? <Empty title={t.tools.none} what={t.tools.noneWhat}><Button onClick={() => { setTyped(""); setQ(null); setPermission(null); }}>{t.tools.clear}</Button></Empty> : (
              <div className="table-scroll" tabIndex={0} role="region" aria-label={t.tools.title}>
                <table className="tools"><thead><tr><th>{t.tools.one}</th><th>{t.tools.risk}</th><th>{t.tools.permission}</th><th>{t.tools.source}</th><th className="number">{t.tools.limits}</th><th className="number">{t.tools.cost}</th></tr></thead>
                  <tbody data-list>{rows.map((tool) => <Row key={tool.name} tool={tool} />)}</tbody></table>
              </div>)}
          <p className="soft small">{t.tools.more}</p>
        </>)}
    </div>
  );
}

export default function ToolsPage({ name }: { name: string }) {
  return name ? <ToolPage key={name} name={name} /> : <Tools />;
}
