// Who is in a team: role, model, tools and budget of each. A member that is an agent of its own name has that agent's.
import { useQuery } from "@tanstack/react-query";
import { agentQuery, placeOf } from "../../api/agent_queries";
import type { RosterMember, TeamChecked } from "../../api/types";
import { Link } from "../../router";
import { t } from "../../text/en";
import { budgetText, ToolNames } from "./agent_facts";

export function MemberFacts({ member }: { member: RosterMember }) {
  const query = useQuery({ ...agentQuery(member.agent ?? ""), enabled: member.agent !== null });
  const model = member.agent ? query.data?.definition?.model : member.model, tools = member.agent ? query.data?.tools : member.tools, budget = member.agent ? query.data?.budget : member.budget;
  return (
    <>
      {member.about && <p className="soft small">{member.about}</p>}
      <dl className="member-facts">
        {member.agent && <div><dt>{t.teams.agent}</dt><dd><Link to={placeOf("agent", member.agent)}>{member.agent}</Link></dd></div>}
        <div><dt>{t.kept.model}</dt><dd>{model || t.kept.ownModel}</dd></div>
        <div><dt>{t.kept.tools}</dt><dd><ToolNames tools={tools ?? []} /></dd></div>
        {budget && <div><dt>{t.teams.upTo}</dt><dd>{budgetText(budget)}</dd></div>}
      </dl>
    </>
  );
}

export function Roster({ team }: { team: TeamChecked }) {
  return (
    <>
      <dl className="agent-facts">
        {team.definition.goal && <div><dt>{t.kept.goal}</dt><dd>{team.definition.goal}</dd></div>}
        <div><dt>{t.kept.pattern}</dt><dd><code>{team.pattern}</code> <span className="soft">{t.kept.patterns[team.pattern]}</span></dd></div>
        <div><dt>{t.kept.budget}</dt><dd>{budgetText(team.budget)}</dd></div>
      </dl>
      <ul className="roster">{team.roster.map((member) => <li key={member.name} className="facts-card"><h3>{member.name} {member.role && member.role !== member.name && <span className="soft">{member.role}</span>}</h3><MemberFacts member={member} /></li>)}</ul>
    </>
  );
}
