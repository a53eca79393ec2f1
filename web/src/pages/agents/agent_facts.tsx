// What an agent is: goal, pattern, models, tools, rules and budget, as they hold.
import type { ReactNode } from "react";
import type { AgentChecked, AgentRule, Budget } from "../../api/types";
import { count, duration } from "../../format/format";
import { money } from "../../format/money";
import { Link } from "../../router";
import { t } from "../../text/en";

export const budgetText = (budget: Budget) => [t.kept.steps(count(budget.steps)), t.kept.tokens(count(budget.tokens)), ...(budget.money > 0 ? [money(budget.money, "USD")] : []), duration(budget.seconds)].join(", ");

export function ToolNames({ tools }: { tools: readonly string[] }) {
  if (tools.length === 0) return <span className="soft">{t.kept.noTools}</span>;
  return <>{tools.map((name, index) => <span key={name}>{index > 0 && ", "}<Link to={`/tools/${encodeURIComponent(name)}`}>{name}</Link></span>)}</>;
}

function Rules({ rules }: { rules: readonly (string | AgentRule)[] }) {
  return (
    <ul className="plain-list">{rules.map((rule, index) => (
      <li key={index}>{typeof rule === "string" ? rule : rule.on ? t.kept.stuck : <><code>{t.kept.rule(rule.tool ?? "", rule.when ?? "")}</code>{rule.reason && <span className="soft"> {rule.reason}</span>}</>}</li>))}</ul>
  );
}

export function AgentFacts({ agent }: { agent: AgentChecked }) {
  const { definition } = agent, policy = definition.policy ?? {};
  const facts: [string, ReactNode][] = [
    ...(definition.goal ? [[t.kept.goal, definition.goal] as [string, ReactNode]] : []),
    [t.kept.pattern, <><code>{agent.pattern}</code> <span className="soft">{t.kept.patterns[agent.pattern]}</span></>],
    [t.kept.model, definition.model || t.kept.ownModel], ...(definition.critic?.model ? [[t.kept.critic, definition.critic.model] as [string, ReactNode]] : []),
    [t.kept.tools, <ToolNames tools={agent.tools} />], [t.kept.budget, budgetText(agent.budget)],
    ...(policy.may?.length ? [[t.kept.may, <Rules rules={policy.may} />] as [string, ReactNode]] : []),
    ...(policy.must_not?.length ? [[t.kept.mustNot, <Rules rules={policy.must_not} />] as [string, ReactNode]] : []),
    ...(policy.escalate_when?.length ? [[t.kept.escalate, <Rules rules={policy.escalate_when} />] as [string, ReactNode]] : []),
    ...(policy.ask?.length ? [[t.kept.asks, policy.ask.join(", ")] as [string, ReactNode]] : []),
  ];
  return <dl className="agent-facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}
