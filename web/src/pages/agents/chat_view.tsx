// A chat with an agent: goals one after another, each with its visible steps. The last goal is in the address; the earlier ones hang on it.
import { useCallback, useState } from "react";
import type { AgentDetail, RunDetail } from "../../api/types";
import { Button } from "../../kit/kit";
import { useParam } from "../../router";
import { t } from "../../text/en";
import { ended } from "../runs/run_state";
import { AgentFacts } from "./agent_facts";
import { GoalForm } from "./goal_form";
import { Turn, useStop } from "./turn";
import { useFollowEnd } from "./use_follow_end";

function Welcome({ agent }: { agent: AgentDetail }) {
  return (
    <div className="agent-welcome"><h2>{t.agents.welcome(agent.name)}</h2><p className="soft">{t.agents.welcomeWhat}</p>
      {agent.definition && agent.budget && <AgentFacts agent={{ name: agent.name, description: agent.description, pattern: agent.pattern ?? "", tools: agent.tools ?? [], definition: agent.definition, budget: agent.budget }} />}</div>
  );
}

export function ChatView({ agent }: { agent: AgentDetail }) {
  const [run, setRun] = useParam("run");
  const [last, setLast] = useState<RunDetail | null>(null);
  const seen = useCallback((now: RunDetail) => setLast(now), []);
  const known = last?.id === run ? last : null, over = known !== null && ended(known.state);
  const box = useFollowEnd(), stop = useStop(run);
  return (
    <div className="agent-chat">
      <div className="thread-scroll" ref={box}>
        <div className="thread">{run ? <Turn key={run} id={run} last budget={agent.budget ?? null} onRun={seen} /> : <Welcome agent={agent} />}</div>
      </div>
      <GoalForm kind="agent" name={agent.name} follows={over ? run : ""} busy={run !== "" && known !== null && !over} onStarted={setRun} onStop={() => stop.mutate()}>
        {run && <Button icon="plus" onClick={() => setRun(null)}>{t.agents.another}</Button>}
      </GoalForm>
    </div>
  );
}
