// All teams, and one: its room, what it is, what it was asked before.
import { useQuery } from "@tanstack/react-query";
import { placeOf, teamQuery } from "../../api/agent_queries";
import type { TeamDetail } from "../../api/types";
import { ErrorBox, PageHead, Skeleton } from "../../kit/kit";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { GoalRuns } from "../agents/goal_runs";
import { KeptEditor } from "../agents/kept_editor";
import { KeptHead, KeptTabs, viewOf } from "../agents/kept_head";
import { KeptList } from "../agents/kept_list";
import { RoomView } from "./room_view";

const views = ["chat", "text", "runs"] as const;

function One({ team }: { team: TeamDetail }) {
  const [wanted] = useParam("view");
  const view = viewOf(views, wanted);
  return (
    <div className={view === "chat" ? "agent-page" : "page wide"}>
      <KeptHead kind="team" kept={team} pattern={team.pattern} small={view === "chat"}><KeptTabs kind="team" views={views} view={view} /></KeptHead>
      {view === "chat" ? <RoomView team={team} /> : view === "text" ? <KeptEditor key={`${team.name} ${team.version}`} kind="team" name={team.name} text={team.text} version={team.version} /> : <GoalRuns kind="team" name={team.name} />}
    </div>
  );
}

function TeamPage({ name }: { name: string }) {
  const query = useQuery(teamQuery(name));
  if (query.data) return <One team={query.data} />;
  return <div className="page wide"><p className="crumbs"><Link to={placeOf("team")}>{t.kept.team.title}</Link></p><PageHead title={name} />{query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : <Skeleton lines={8} />}</div>;
}

export default function TeamsPage({ name }: { name: string }) {
  return name ? <TeamPage key={name} name={name} /> : <KeptList kind="team" />;
}
