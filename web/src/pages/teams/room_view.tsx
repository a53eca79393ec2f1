// A team's room: members beside, what they write to each other and do in the middle, the result at the end.
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { runQuery } from "../../api/flow_queries";
import type { RosterMember, RunDetail, RunEvent, TeamDetail } from "../../api/types";
import { count } from "../../format/format";
import { money } from "../../format/money";
import { Ago, Badge, Button, ErrorBox, Skeleton } from "../../kit/kit";
import { Link, useParam } from "../../router";
import { t } from "../../text/en";
import { AnswerBox, BudgetBars, resultOf } from "../agents/answer_box";
import { GoalForm } from "../agents/goal_form";
import { MemberFacts } from "../agents/roster";
import { type AgentStep, narrowed, spentOf, stepsOf } from "../agents/steps";
import { StepsView } from "../agents/steps_view";
import { Ended, inputOf, Task, useStop, Working } from "../agents/turn";
import { useFollowEnd } from "../agents/use_follow_end";
import { ended } from "../runs/run_state";
import { useEvents } from "../runs/use_events";
import { entriesOf, inThread, type MemberSpent, type RoomEntry, type RoomMessage, type RoomWork, spentByMember } from "./room";

const tones = { idle: "neutral", busy: "busy", asking: "busy" } as const;
const nobody: MemberSpent[] = [];

function Member({ name, member, spent }: { name: string; member: RosterMember | undefined; spent: MemberSpent | undefined }) {
  const [thread, setThread] = useParam("thread");
  const title = member?.role || (name === "supervisor" ? t.teams.leads : name === "judge" ? t.teams.picks : "");
  return (
    <li className="room-member" data-member={name}>
      <p className="step-head"><button type="button" className="link-button" data-item aria-pressed={thread === name} onClick={() => setThread(thread === name ? null : name)}><strong>{name}</strong></button>{title && <span className="soft">{title}</span>}
        {spent && <Badge tone={tones[spent.state]}>{t.teams[spent.state === "asking" ? "asks" : spent.state]}</Badge>}</p>
      {spent && spent.times > 0 && <p className="small">{t.teams.worked(spent.times)}: {t.teams.spent(count(spent.steps), count(spent.tokens))}{spent.cost > 0 && `, ${money(spent.cost, "USD")}`}</p>}
      {member && <details><summary>{t.kept.team.picture}</summary><MemberFacts member={member} /></details>}
    </li>
  );
}

function Members({ team, spent }: { team: TeamDetail; spent: readonly MemberSpent[] }) {
  const lead = team.pattern === "supervised" ? ["supervisor"] : team.pattern === "ensemble" ? ["judge"] : [];
  const of = (name: string) => spent.find((row) => row.name === name);
  return (
    <aside className="room-members" aria-label={t.teams.members}><h2>{t.teams.members}</h2>
      <ul data-list>{lead.map((name) => <Member key={name} name={name} member={undefined} spent={of(name)} />)}{(team.roster ?? []).map((member) => <Member key={member.name} name={member.name} member={member} spent={of(member.name)} />)}</ul>
    </aside>
  );
}

function Message({ message, winner }: { message: RoomMessage; winner: string }) {
  const candidate = message.to === "judge";
  return (
    <li className="room-message" id={message.id}>
      <p className="step-head"><strong>{message.from}</strong><span className="soft">{t.teams.to}</span><strong>{message.to}</strong>{candidate && <Badge tone={winner === message.from ? "good" : "neutral"}>{winner === message.from ? t.teams.chosen : t.teams.candidate}</Badge>}<small className="soft"><Ago at={message.at} /></small></p>
      {message.reason && <p className="step-thought">{t.teams.reason}: {message.reason}</p>}
      <p className="plain-text">{message.text}</p>
    </li>
  );
}

function Work({ work }: { work: RoomWork }) {
  const label = t.teams.workDone(work.member);
  return (
    <li className="room-work"><p className="step-head"><span className={work.over ? "soft" : "waiting"}>{work.over ? label : <>{t.teams.works(work.member)}<span className="dots" /></>}</span></p>
      <StepsView steps={work.steps} open={!work.over} label={label} /></li>
  );
}

function Feed({ entries, winner }: { entries: readonly RoomEntry[]; winner: string }) {
  const [thread, setThread] = useParam("thread");
  const shown = entries.filter((entry) => inThread(entry, thread));
  return (
    <>
      {thread && <p className="button-row"><span>{t.teams.thread(thread)}</span><Button onClick={() => setThread(null)}>{t.teams.all}</Button></p>}
      {shown.length === 0 ? <p className="soft">{thread ? t.teams.noneHere : t.teams.noMessages}</p>
        : <ol className="room-feed" aria-label={t.teams.messages}>{shown.map((entry) => (entry.sort === "message" ? <Message key={entry.id} message={entry} winner={winner} /> : <Work key={entry.path} work={entry} />))}</ol>}
    </>
  );
}

// The supervisor's, or the judge's, work of this moment: there is no message of it yet.
const leading = (steps: readonly AgentStep[]) => steps.filter((step) => step.member === "" && step.state !== "done");

function Room({ team, run, events }: { team: TeamDetail; run: RunDetail; events: RunEvent[] }) {
  const over = ended(run.state);
  const steps = useMemo(() => stepsOf(events, over), [events, over]), entries = useMemo(() => entriesOf(events, steps, over), [events, steps, over]);
  const result = resultOf(run), spent = spentOf(steps), rows = spentByMember((team.roster ?? []).map((member) => member.name), entries, steps), box = useFollowEnd();
  return (
    <>
      <div className="thread-scroll" ref={box}><div className="thread">
        <Task run={run} />
        <Feed entries={entries} winner={result?.winner ?? ""} />
        <StepsView steps={leading(steps)} open label={t.teams.supervisor} />
        {!over ? <Working run={run} steps={steps} /> : result ? <AnswerBox result={result} /> : <Ended run={run} />}
        <div className="turn-foot">
          <BudgetBars used={result ? { steps: result.spent.steps, tokens: result.spent.tokens, cost: result.spent.money, seconds: result.spent.seconds } : { ...spent, seconds: null }} budget={team.budget ? narrowed(team.budget, inputOf(run).budget) : null} />
          <small><Link to={`/runs/${encodeURIComponent(run.id)}`}>{t.agents.log}</Link></small>
        </div>
      </div></div>
      <Members team={team} spent={rows} />
    </>
  );
}

function RunRoom({ team, id, onRun }: { team: TeamDetail; id: string; onRun: (run: RunDetail) => void }) {
  const query = useQuery(runQuery(id)), run = query.data;
  const { events } = useEvents(id, run);
  useEffect(() => { if (run) onRun(run); }, [run, onRun]);
  if (run) return <Room team={team} run={run} events={events} />;
  return <><div className="thread-scroll"><div className="thread">{query.error ? <ErrorBox error={query.error} retry={() => void query.refetch()} /> : <Skeleton lines={6} />}</div></div><Members team={team} spent={nobody} /></>;
}

export function RoomView({ team }: { team: TeamDetail }) {
  const [run, setRun] = useParam("run");
  const [last, setLast] = useState<RunDetail | null>(null);
  const seen = useCallback((now: RunDetail) => setLast(now), []);
  const known = last?.id === run ? last : null, over = known !== null && ended(known.state), stop = useStop(run);
  return (
    <div className="agent-chat room">
      {run ? <RunRoom key={run} team={team} id={run} onRun={seen} />
        : <><div className="thread-scroll"><div className="thread"><div className="agent-welcome"><h2>{t.teams.welcome(team.name)}</h2><p className="soft">{t.teams.welcomeWhat}</p></div></div></div><Members team={team} spent={nobody} /></>}
      <GoalForm kind="team" name={team.name} follows={over ? run : ""} busy={run !== "" && known !== null && !over} onStarted={setRun} onStop={() => stop.mutate()}>
        {run && <Button icon="plus" onClick={() => setRun(null)}>{t.agents.another}</Button>}
      </GoalForm>
    </div>
  );
}
