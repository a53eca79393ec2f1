import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useState } from "react";
import { keptQuery, mcpServersQuery, placeOf } from "./api/agent_queries";
import { flowsQuery, toolsQuery } from "./api/flow_queries";
import { basesQuery, conversationsQuery, specsQuery } from "./api/queries";
import { Dialog } from "./kit/dialog";
import { navigate } from "./router";
import { t } from "./text/en";

interface Entry { to: string; label: string; kind: string }

function useEntries(): Entry[] {
  const conversations = useQuery(conversationsQuery).data?.data ?? [];
  const bases = useQuery(basesQuery).data?.data ?? [];
  const specs = useQuery(specsQuery).data?.data ?? [];
  const flows = useQuery(flowsQuery).data?.data ?? [];
  const agents = useQuery(keptQuery("agent")).data?.data ?? [];
  const teams = useQuery(keptQuery("team")).data?.data ?? [];
  const servers = useQuery(mcpServersQuery).data?.data ?? [];
  const tools = useQuery(toolsQuery).data?.data ?? [];
  return [
    { to: "/ask", label: t.ask.fresh, kind: t.palette.action },
    { to: "/knowledge", label: t.nav.knowledge, kind: t.palette.pages },
    { to: "/search", label: t.nav.search, kind: t.palette.pages },
    { to: "/traces", label: t.nav.traces, kind: t.palette.pages },
    { to: "/traces?status=error", label: t.traces.failedOnes, kind: t.palette.pages },
    { to: "/traces?settings=open", label: `${t.nav.traces}: ${t.traces.kept}`, kind: t.palette.pages },
    { to: "/flows", label: t.nav.flows, kind: t.palette.pages },
    { to: "/flows?new=empty", label: t.flows.fresh, kind: t.palette.action },
    { to: "/flows?view=events", label: `${t.nav.flows}: ${t.flows.subscriptions}`, kind: t.palette.pages },
    { to: "/agents", label: t.nav.agents, kind: t.palette.pages },
    { to: "/agents?new=empty", label: t.kept.agent.fresh, kind: t.palette.action },
    { to: "/teams", label: t.nav.teams, kind: t.palette.pages },
    { to: "/teams?new=empty", label: t.kept.team.fresh, kind: t.palette.action },
    { to: "/runs", label: t.nav.runs, kind: t.palette.pages },
    { to: "/runs?state=failed", label: `${t.nav.runs}: ${t.runs.states.failed}`, kind: t.palette.pages },
    { to: "/runs?view=decisions", label: `${t.nav.runs}: ${t.runs.views.decisions}`, kind: t.palette.pages },
    { to: "/inbox", label: t.nav.inbox, kind: t.palette.pages },
    { to: "/database", label: t.database.title, kind: t.palette.pages },
    { to: "/tools", label: t.nav.tools, kind: t.palette.pages },
    { to: "/tools?view=mcp", label: `${t.nav.tools}: ${t.mcp.tab}`, kind: t.palette.pages },
    { to: "/tools?view=mcp&add=open", label: t.mcp.add, kind: t.palette.action },
    { to: "/tools?view=health", label: `${t.nav.tools}: ${t.tools.health}`, kind: t.palette.pages },
    { to: "/specs", label: t.nav.specs, kind: t.palette.pages },
    { to: "/landscape", label: t.nav.landscape, kind: t.palette.pages },
    { to: "/landscape?view=decide", label: t.landscape.views.decide, kind: t.palette.pages },
    { to: "/drafts", label: t.nav.drafts, kind: t.palette.pages },
    { to: "/queue", label: t.nav.queue, kind: t.palette.pages },
    { to: "/reliability", label: t.nav.reliability, kind: t.palette.pages },
    { to: "/dashboard", label: t.nav.metrics, kind: t.palette.pages },
    { to: "/reports", label: t.nav.reports, kind: t.palette.pages },
    { to: "/settings", label: `${t.nav.settings}: ${t.settings.views.targets}`, kind: t.palette.pages },
    { to: "/settings?view=costs", label: `${t.nav.settings}: ${t.settings.views.costs}`, kind: t.palette.pages },
    { to: "/settings?view=import", label: `${t.nav.settings}: ${t.settings.views.import}`, kind: t.palette.pages },
    { to: "/settings?view=schedule", label: `${t.nav.settings}: ${t.settings.views.schedule}`, kind: t.palette.pages },
    { to: "/usage", label: t.nav.usage, kind: t.palette.pages },
    { to: "/usage?view=prices", label: `${t.nav.usage}: ${t.usage.views.prices}`, kind: t.palette.pages },
    { to: "/system", label: t.nav.system, kind: t.palette.pages },
    ...flows.map((row) => ({ to: `/flows/${encodeURIComponent(row.name)}`, label: row.name, kind: t.flows.one })),
    ...agents.map((row) => ({ to: placeOf("agent", row.name), label: row.name, kind: t.kept.agent.one })),
    ...teams.map((row) => ({ to: placeOf("team", row.name), label: row.name, kind: t.kept.team.one })),
    ...servers.map((row) => ({ to: `/tools?view=mcp&server=${encodeURIComponent(row.name)}`, label: row.name, kind: t.mcp.server })),
    ...tools.map((row) => ({ to: `/tools/${encodeURIComponent(row.name)}`, label: row.name, kind: t.tools.one })),
    ...specs.map((row) => ({ to: `/specs/${row.id}`, label: row.name, kind: t.palette.spec })),
    ...bases.map((base) => ({ to: `/knowledge/${base.id}`, label: base.name || base.id, kind: t.palette.base })),
    ...conversations.slice(0, 50).map((row) => ({ to: `/ask/${row.id}`, label: row.title || t.ask.untitled, kind: t.palette.conversation })),
  ];
}

export function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = useEntries().filter((entry) => words.every((word) => `${entry.label} ${entry.kind}`.toLowerCase().includes(word))).slice(0, 12);
  const go = (entry?: Entry) => { if (entry) { onClose(); navigate(entry.to); } };
  const press = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setChosen(Math.min(shown.length - 1, chosen + 1));
    else if (event.key === "ArrowUp") setChosen(Math.max(0, chosen - 1));
    else if (event.key === "Enter") go(shown[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title={t.palette.title} look="palette" onClose={onClose}>
      <input className="palette-input" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant={shown[chosen] ? `palette-${chosen}` : undefined}
        aria-label={t.palette.placeholder} placeholder={t.palette.placeholder} value={text} onKeyDown={press} onChange={(event) => { setText(event.target.value); setChosen(0); }} />
      <ul id="palette-list" role="listbox" aria-label={t.palette.title} className="palette-list">
        {shown.map((entry, index) => (
          <li key={entry.to} id={`palette-${index}`} role="option" aria-selected={index === chosen} onMouseEnter={() => setChosen(index)} onClick={() => go(entry)}>
            <span>{entry.label}</span><small>{entry.kind}</small>
          </li>))}
      </ul>
      {shown.length === 0 && <p className="soft" role="status">{t.palette.none}</p>}
    </Dialog>
  );
}
