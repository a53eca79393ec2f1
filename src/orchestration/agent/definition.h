// An agent's text → a checked definition. Only this folder includes it; the form is described in agent.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/form.h"
#include "base/json.h"
#include "base/status.h"
#include "orchestration/agent/words.h"

namespace strata::agent {

enum class Pattern { kReactive, kReact, kSelfHealing, kPlan };
std::string_view pattern_name(Pattern pattern);

// A text for the model, or a rule of one tool.
struct Rule {
  std::string text;
  std::string tool, when, reason;
};

struct Budget {
  int64_t steps = 20, tokens = 50'000, seconds = 600;
  double money = 0;                 // UNITS: US dollars; 0: no limit
  // The narrower of the two in each; `other` as written: absent members narrow nothing.
  Budget narrowed(const Json& other) const;
  Json json() const;
};

struct Definition {
  std::string name, description, goal, instructions, model, critic_model, critic_instructions;
  Pattern pattern = Pattern::kReact;
  std::vector<std::string> tools, may, ask;
  std::vector<Rule> must_not, escalate_when;
  bool ask_when_stuck = false;
  double deadline_s = 0;            // 0: none
  int window = 12;
  bool summary = true, facts = true;
  int facts_most = 50;
  Budget budget;
  int same_call = 2, stall = 4, rounds = 3, max_tokens = 400;
  double temperature = 0;
  Json answer;                      // JSON Schema, or null
  Json spec;                        // as written
};

inline constexpr int64_t kStepsLeast = 3;          // a decision, what it asks for, and a last word

// ---- what the texts of agents and teams share ----

// {steps, tokens, money, seconds}, as written under "budget".
Status read_budget(const form::Reader& reader, const Json& json, int64_t steps_least, Budget& to);
// {model, instructions}.
Status read_speaker(const form::Reader& reader, const Json& json, const std::string& path, std::string& model, std::string& instructions);
// `key`: "agent" or "team".
Status read_name(const form::Reader& reader, const Json& top, const char* key, std::string& name);
// The one of `known` that json names; nothing: as it was.
template <class Pattern, size_t N>
Status read_pattern(const form::Reader& reader, const Json& json, const std::pair<Pattern, std::string_view> (&known)[N], Pattern& to) {
  if (json.is_null()) return {};
  std::vector<std::string_view> names;
  for (auto& [pattern, name] : known) {
    if (json == Json(name)) return to = pattern, Status();
    names.push_back(name);
  }
  return reader.wrong("pattern", "there is no pattern '" + text_of(json) + "'" + form::hint(text_of(json), names));
}

// `text` is YAML or JSON.
Result<Definition> parse_definition(std::string_view text);
// The same of what was parsed before.
Result<Definition> definition_from(const Json& spec);

// A flow of one step that this driver drives.
Json driven_flow(const char* driver, const std::string& name, const std::string& description, const Json& spec);

// The rule of this tool that holds for these arguments. A rule that cannot be judged holds.
std::optional<Rule> rule_for(const std::vector<Rule>& rules, const std::string& tool, const Json& arguments, const Json& input);

}  // namespace strata::agent
