// Teams that ship: a research team, an ensemble, and a chain of hand-overs.
#include "orchestration/agent/agent.h"

namespace strata::agent {
namespace {

constexpr char kResearch[] = R"yaml(team: research
description: Plans, searches, writes with sources, and reviews before it answers.
goal: An answer to the question in which every statement has its source.
pattern: supervised
supervisor: {instructions: "Have it planned, researched, written and reviewed, in this order. Ask again where the reviewer finds something wrong. Then answer with the writer's text."}
members:
  - name: planner
    role: planner
    about: splits a question into what must be found out
    agent: {goal: Split the question into at most four things to find out., tools: [], pattern: react, memory: {facts: false}, budget: {steps: 6}}
  - name: researcher
    role: researcher
    about: searches the documents and says what they say, with file names
    agent: {goal: "Find out what the documents say, and where.", tools: [search_documents], pattern: react, memory: {facts: false}, budget: {steps: 16}}
  - name: coder
    role: coder
    about: calculates, by script where it must
    agent: {goal: Calculate what is asked and show the steps., tools: [calculator, run_python], pattern: self_healing, memory: {facts: false}, budget: {steps: 16}}
  - name: writer
    role: writer
    about: writes the answer from what was found
    agent: {goal: "Write a short answer from what was found, with the source of every statement.", tools: [], pattern: react, memory: {facts: false}, budget: {steps: 6}}
  - name: reviewer
    role: reviewer
    about: checks the written answer against what was found
    agent: {goal: "Name each statement that nothing found supports; if there is none, say so.", tools: [], pattern: react, memory: {facts: false}, budget: {steps: 6}}
rounds: 10
budget: {steps: 90, tokens: 150000, seconds: 1800}
)yaml";

constexpr char kEnsemble[] = R"yaml(team: second-opinions
description: Three answer on their own, each in another way; a judge picks, with a reason.
goal: The best of three independent answers.
pattern: ensemble
judge: {instructions: Prefer the answer that is right and says how it knows.}
members:
  - {name: brief, about: answers at once, agent: {goal: Answer in one or two sentences., pattern: react, tools: [], memory: {facts: false}, budget: {steps: 6}}}
  - {name: careful, about: calculates and searches first, agent: {goal: Answer only with what the tools say., pattern: react, tools: [calculator, search_documents], memory: {facts: false}, budget: {steps: 14}}}
  - {name: doubter, about: looks for what is wrong with the question, agent: {goal: "Say what the question takes for granted, then answer it.", pattern: react, tools: [], memory: {facts: false}, budget: {steps: 6}}}
budget: {steps: 40, tokens: 60000, seconds: 900}
)yaml";

constexpr char kDesk[] = R"yaml(team: help-desk
description: The first who reads a request answers it, or hands it to who knows better.
goal: The request is answered by the one who is best at it.
pattern: hand_off
start: reception
members:
  - {name: reception, role: reception, about: answers what needs no look-up, agent: {goal: "Answer the request, or hand it to the member who is better at it.", tools: [], memory: {facts: false}, budget: {steps: 8}}}
  - {name: library, role: researcher, about: knows the documents, agent: {goal: Answer from the documents., tools: [search_documents], memory: {facts: false}, budget: {steps: 14}}}
  - {name: numbers, role: coder, about: calculates, agent: {goal: Calculate what is asked., tools: [calculator], memory: {facts: false}, budget: {steps: 14}}}
rounds: 5
budget: {steps: 50, tokens: 80000, seconds: 900}
)yaml";

}  // namespace

const std::vector<Template>& shipped_team_templates() {
  static const std::vector<Template> all = {{"research", "Plan, search, calculate, write, review, led by a supervisor", kResearch},
                                            {"second-opinions", "Three answers, and a judge with a reason", kEnsemble},
                                            {"help-desk", "Who knows better takes over", kDesk}};
  return all;
}

}  // namespace strata::agent
