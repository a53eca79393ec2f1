// All agents, and one: a chat in which it reaches goals, what it is, what it remembers, what it was asked before.
import { useQuery } from "@tanstack/react-query";
import { agentQuery, placeOf } from "../../api/agent_queries";
import type { AgentDetail } from "../../api/types";
import { ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { ChatView } from "./chat_view";
import { GoalRuns } from "./goal_runs";
import { KeptEditor } from "./kept_editor";
import { KeptHead, KeptTabs, viewOf } from "./kept_head";
import { KeptList } from "./kept_list";
import { MemoryView } from "./memory_view";

const views = ["chat", "text", "memory", "runs"] as const;

function One({ agent }: { agent: AgentDetail }) {
  const [wanted] = useParam("view");
  const view = viewOf(views, wanted);
  return (
    <div className={view === "chat" ? "agent-page" : "page wide"}>
      <KeptHead kind="agent" kept={agent} pattern={agent.pattern} small={view === "chat"}><KeptTabs kind="agent" views={views} view={view} /></KeptHead>
      {view === "chat" ? <ChatView agent={agent} /> : view === "text" ? <KeptEditor key={`${agent.name} ${agent.version}`} kind="agent" name={agent.name} text={agent.text} version={agent.version} />
        : view === "memory" ? <MemoryView agent={agent.name} /> : <GoalRuns kind="agent" name={agent.name} />}
    </div>
  );
}

function AgentPage({ name }: { name: string }) {
  const query = useQuery(agentQuery(name));
  if (query.data) return <One agent={query.data} />;
  return <div className="page wide"><p className="crumbs"><Link to={placeOf("agent")}>{t.kept.agent.title}</Link></p><PageHead title={name} />{query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : <Skeleton lines={8} />}</div>;
}

export default function AgentsPage({ name }: { name: string }) {
  return name ? <AgentPage key={name} name={name} /> : <KeptList kind="agent" />;
}
