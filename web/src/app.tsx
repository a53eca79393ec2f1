import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import { approvalsQuery, inboxMost } from "./api/flow_queries";
import { ConnectionBanner } from "./connection_banner";
import { ErrorBoundary } from "./kit/error_boundary";
import { IconButton, Skeleton, Empty } from "./kit/kit";
import { Icon, type IconName } from "./kit/icons";
import { applyTheme, nextTheme, storedTheme } from "./kit/theme";
import { Toasts } from "./kit/toast";
import { KeysDialog, useKeys } from "./keys";
import { AskPage } from "./pages/ask/ask_page";
import { shownCount } from "./pages/inbox/inbox_state";
import { Palette } from "./palette";
import { Link, navigate, usePathParts } from "./router";
import { t } from "./text/en";

const KnowledgePage = lazy(() => import("./pages/knowledge/knowledge_page"));
const DatabasePage = lazy(() => import("./pages/database/database_page"));
const SearchPage = lazy(() => import("./pages/search/search_page"));
const LandscapePage = lazy(() => import("./pages/landscape/landscape_page"));
const DraftsPage = lazy(() => import("./pages/drafts/drafts_page"));
const QueuePage = lazy(() => import("./pages/queue/queue_page"));
const ReliabilityPage = lazy(() => import("./pages/reliability/reliability_page"));
const SpecsPage = lazy(() => import("./pages/specs/specs_page"));
const MetricsPage = lazy(() => import("./pages/metrics/metrics_page"));
const ReportsPage = lazy(() => import("./pages/metrics/reports_page"));
const SettingsPage = lazy(() => import("./pages/settings/settings_page"));
const TracesPage = lazy(() => import("./pages/traces/traces_page"));
const UsagePage = lazy(() => import("./pages/usage/usage_page"));
const FlowsPage = lazy(() => import("./pages/flows/flows_page"));
const AgentsPage = lazy(() => import("./pages/agents/agents_page"));
const TeamsPage = lazy(() => import("./pages/teams/teams_page"));
const RunsPage = lazy(() => import("./pages/runs/runs_page"));
const InboxPage = lazy(() => import("./pages/inbox/inbox_page"));
const ToolsPage = lazy(() => import("./pages/tools/tools_page"));
const SystemPage = lazy(() => import("./pages/system/system_page"));

// The fourth word begins a group of the navigation.
const pages: [string, IconName, string, string?][] = [
  ["ask", "chat", t.nav.ask], ["knowledge", "book", t.nav.knowledge], ["search", "search", t.nav.search], ["database", "database", t.nav.database],
  ["flows", "flow", t.nav.flows, t.nav.groups.build], ["agents", "agent", t.nav.agents], ["teams", "team", t.nav.teams], ["tools", "tool", t.nav.tools],
  ["traces", "trace", t.nav.traces, t.nav.groups.trust], ["runs", "runs", t.nav.runs], ["inbox", "inbox", t.nav.inbox],
  ["specs", "spec", t.nav.specs, t.nav.groups.product], ["drafts", "draft", t.nav.drafts], ["queue", "queue", t.nav.queue], ["dashboard", "metrics", t.nav.metrics], ["reports", "report", t.nav.reports], ["settings", "settings", t.nav.settings], ["reliability", "target", t.nav.reliability], ["landscape", "landscape", t.nav.landscape],
  ["usage", "usage", t.nav.usage, t.nav.groups.run], ["system", "system", t.nav.system]];

function Page({ parts }: { parts: string[] }) {
  if (parts.length === 0 || (parts[0] === "ask" && parts.length <= 2)) return <AskPage conversation={parts[1] ?? ""} />;
  if (parts[0] === "knowledge") return <KnowledgePage parts={parts.slice(1)} />;
  if (parts[0] === "search" && parts.length === 1) return <SearchPage />;
  if (parts[0] === "database" && parts.length === 1) return <DatabasePage />;
  if (parts[0] === "specs" && parts.length <= 2) return <SpecsPage parts={parts.slice(1)} />;
  if (parts[0] === "landscape" && parts.length === 1) return <LandscapePage />;
  if (parts[0] === "drafts" && parts.length <= 2) return <DraftsPage id={parts[1] ?? ""} />;
  if (parts[0] === "queue" && parts.length <= 2) return <QueuePage id={parts[1] ?? ""} />;
  if (parts[0] === "reliability" && parts.length === 1) return <ReliabilityPage />;
  if (parts[0] === "dashboard" && parts.length === 1) return <MetricsPage />;
  if (parts[0] === "reports" && parts.length === 1) return <ReportsPage />;
  if (parts[0] === "settings" && parts.length === 1) return <SettingsPage />;
  if (parts[0] === "traces" && parts.length <= 2) return <TracesPage id={parts[1] ?? ""} />;
  if (parts[0] === "flows" && parts.length <= 2) return <FlowsPage parts={parts.slice(1)} />;
  if (parts[0] === "agents" && parts.length <= 2) return <AgentsPage name={parts[1] ?? ""} />;
  if (parts[0] === "teams" && parts.length <= 2) return <TeamsPage name={parts[1] ?? ""} />;
  if (parts[0] === "runs" && parts.length <= 2) return <RunsPage id={parts[1] ?? ""} />;
  if (parts[0] === "inbox" && parts.length <= 2) return <InboxPage id={parts[1] ?? ""} />;
  if (parts[0] === "tools" && parts.length <= 2) return <ToolsPage name={parts[1] ?? ""} />;
  if (parts[0] === "usage" && parts.length === 1) return <UsagePage />;
  if (parts[0] === "system" && parts.length === 1) return <SystemPage />;
  return <div className="page"><Empty title={t.error.notFound} what={t.error.notFoundWhat}><Link className="button primary" to="/ask">{t.error.home}</Link></Empty></div>;
}

function ThemeButton() {
  const [theme, setTheme] = useState(storedTheme);
  const change = () => { const next = nextTheme(theme); applyTheme(next); setTheme(next); };
  return <IconButton icon={theme === "light" ? "sun" : theme === "dark" ? "moon" : "auto"} label={t.theme[theme]} onClick={change} />;
}

// How many decisions are waited for, wherever one is.
function Waiting() {
  const count = useQuery(approvalsQuery("pending")).data?.data.length ?? 0;
  if (count === 0) return null;
  const shown = shownCount(count, inboxMost);
  return <span className="nav-count" title={t.nav.waiting(shown)}><span aria-hidden="true">{shown}</span><span className="hidden">{t.nav.waiting(shown)}</span></span>;
}

function Nav({ current, onKeys, onPalette }: { current: string; onKeys: () => void; onPalette: () => void }) {
  const [open, setOpen] = useState(false);
  return (
    <nav className={open ? "nav open" : "nav"} aria-label={t.nav.label}>
      <div className="nav-head">
        <Link to="/ask" className="brand"><img src="/icon.svg" alt="" width="24" height="24" /><span>{t.app}</span></Link>
        <IconButton className="nav-toggle" icon={open ? "close" : "menu"} label={open ? t.nav.close : t.nav.open} aria-expanded={open} onClick={() => setOpen(!open)} />
      </div>
      <ul className="nav-list">
        {pages.map(([path, icon, label, group]) => (
          <li key={path}>{group && <span className="nav-group">{group}</span>}<Link to={`/${path}`} aria-current={current === path ? "page" : undefined} onClick={() => setOpen(false)}><Icon name={icon} />{label}{path === "inbox" && <Waiting />}</Link></li>))}
      </ul>
      <div className="nav-foot">
        <IconButton icon="search" label={t.palette.title} onClick={onPalette} />
        <IconButton icon="keys" label={t.keys.title} onClick={onKeys} />
        <ThemeButton />
      </div>
    </nav>
  );
}

export function App() {
  const parts = usePathParts();
  const [dialog, setDialog] = useState<"" | "keys" | "palette">("");
  useKeys(setDialog);
  useEffect(() => { if (parts.length === 0) navigate("/ask", { replace: true }); }, [parts.length]);
  const current = parts[0] ?? "ask";
  useEffect(() => {
    const page = pages.find(([path]) => path === current);
    document.title = page ? `${page[2]} – ${t.app}` : t.app;
  }, [current]);
  return (
    <div className="app">
      <a className="skip" href="#content">{t.skip}</a>
      <Nav current={current} onKeys={() => setDialog("keys")} onPalette={() => setDialog("palette")} />
      <main id="content" tabIndex={-1}>
        <ConnectionBanner />
        <ErrorBoundary where={parts.join("/")}>
          <Suspense fallback={<div className="page"><Skeleton lines={5} /></div>}><Page parts={parts} /></Suspense>
        </ErrorBoundary>
      </main>
      <Toasts />
      {dialog === "keys" && <KeysDialog onClose={() => setDialog("")} />}
      {dialog === "palette" && <Palette onClose={() => setDialog("")} />}
    </div>
  );
}
