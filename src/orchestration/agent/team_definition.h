// A team's text → a checked definition. Only this folder includes it; the form is described in agent.h.
#pragma once

#include "orchestration/agent/definition.h"

namespace strata::agent {

enum class TeamPattern { kSupervised, kHandOff, kEnsemble };

struct Member {
  std::string name, role, about;
  std::string agent;                // by name, or
  Json spec;                        // an agent of its own
};

struct Team {
  std::string name, description, goal, start;
  TeamPattern pattern = TeamPattern::kSupervised;
  std::string supervisor_model, supervisor_instructions, judge_model, judge_instructions;
  std::vector<Member> members;
  Budget budget{.steps = 100, .tokens = 200'000, .seconds = 1'800, .money = 0};
  int rounds = 8, max_tokens = 400;
  Json spec;

  const Member* member(std::string_view name) const;
};

Result<Team> parse_team(std::string_view text);
Result<Team> team_from(const Json& spec);

}  // namespace strata::agent
