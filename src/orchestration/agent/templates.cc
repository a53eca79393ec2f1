// An agent of each pattern, with tools that ship.
#include "orchestration/agent/agent.h"

namespace strata::agent {
namespace {

constexpr char kReactive[] = R"yaml(agent: quick-sum
description: One question about numbers, one calculation, one reply.
goal: Answer a question about numbers with one calculation.
pattern: reactive
tools: [calculator]
policy:
  must_not: [guess a number that can be calculated]
memory: {facts: false}
budget: {steps: 6, tokens: 8000, seconds: 120}
)yaml";

constexpr char kReact[] = R"yaml(agent: helper
description: Looks up and calculates, step by step, until it has the answer.
goal: Answer the question with what the tools say, and say where each fact comes from.
instructions: Search before you answer. If the documents do not say, say so.
pattern: react
tools: [search_documents, calculator]
policy:
  may: [search the knowledge bases, calculate]
  must_not: [state as fact what no tool said]
  escalate_when: [the question asks for a promise or a decision, {on: stuck}]
budget: {steps: 20, tokens: 40000, seconds: 600}
loop: {same_call: 2, stall: 4}
)yaml";

constexpr char kHealing[] = R"yaml(agent: data-mender
description: Writes and runs Python; diagnoses what fails, mends it, and has the answer checked.
goal: Solve the task by running Python, until it runs and the result holds.
instructions: Print what you need to see. Keep scripts short.
pattern: self_healing
critic: {instructions: Refuse an answer whose numbers were not printed by a script.}
tools: [run_python, calculator]
budget: {steps: 30, tokens: 60000, seconds: 900}
rounds: 3
)yaml";

constexpr char kPlan[] = R"yaml(agent: trip-planner
description: Plans a journey, day by day. Made for "Plan my 4-day Mexico trip".
goal: A day-by-day plan that fits the days, the budget and the wishes, with costs that add up.
instructions: Calculate every sum with the calculator. Where a price is not known, say that it is an estimate.
pattern: plan_execute_reflect
critic: {instructions: "Check that every day is there, that the costs add up, and that the wishes were kept."}
tools: [search_documents, calculator]
policy:
  must_not: [book or pay anything]
  escalate_when: [the budget cannot be kept]
budget: {steps: 40, tokens: 80000, seconds: 1200}
rounds: 3
)yaml";

}  // namespace

const std::vector<Template>& shipped_templates() {
  static const std::vector<Template> all = {{"quick-sum", "Reactive: one decision, one tool, one reply", kReactive},
                                            {"helper", "ReAct: decides, acts, sees, until it has the answer", kReact},
                                            {"data-mender", "Self-healing: a failure is diagnosed, an answer checked", kHealing},
                                            {"trip-planner", "Plan, execute, reflect, with a critic", kPlan}};
  return all;
}

}  // namespace strata::agent
