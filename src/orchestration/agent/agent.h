// orchestration/agent: a model that reaches a goal by choosing tools, under rules that do not depend on its good will. An agent is an artifact (kind
// "agent") of one YAML or JSON text; as the flow "agent:NAME" it runs on orchestration/flow, of one `driven` step whose driver is here. So a
// run is durable, and each model call, tool call and decision is an event with its reason; people see, pause, cancel, fork and approve it as
// any flow's, and other flows enter it as a subflow. docs/decisions/0006-agents-are-driven-flows.md says why this way.
//
// The form (every mistake is told with line, path and the nearest name):
//   agent, description, goal, instructions
//   pattern       reactive: one decision, one tool, one reply                     react: decides, acts, sees, until it has the answer
//                 self_healing: react; a failure is diagnosed before it goes on, and an answer is checked before it counts
//                 plan_execute_reflect: plans tasks, does each by react, reflects (go on, plan anew, done), writes, and has it criticized
//   model, critic {model, instructions}, max_tokens (of one decision), temperature, answer (JSON Schema of the answer; else text)
//   tools         the only ones that it may call
//   policy        may: texts. must_not, escalate_when: texts for the model, and rules {tool, when, reason} that hold whatever it thinks: `when`
//                 is an expression over arguments and input; none: always. A forbidden call is refused, one to escalate waits for a person.
//                 escalate_when: {on: stuck} asks a person instead of giving up. ask: who is asked. deadline_s: how long; then it goes on without
//   memory        window: exchanges that the model sees word for word. summary: what is older is summed up. facts: long-term facts are shown, and it
//                 may add some; facts_most
//   budget        steps (model and tool calls), tokens, money (US dollars), seconds. Near its end the agent stops acting and says what it found
//   loop          same_call: how often the same call with the same arguments may be made. stall: so many steps in a row without anything new end it
//   rounds        of plans, checks and critics
//
// Input of a run: task (what is wanted, in the caller's words), material (what others wrote: it makes the prompt untrusted), briefing, budget
// (may only narrow), untrusted, hand_offs (names that it may hand over to), follows (the run that it goes on from: for people who look).
// Result: {outcome, answer, reason, spent, untrusted}; outcome:
//   done         the answer counts              unverified   its last check or critic was not content: `problems`
//   budget       what was found until then      stuck        likewise: it went in circles, or found nothing new
//   failed       no valid decision could be had of the model                     handed_off   to, message
//
// Untrusted text: the prompt is untrusted once it holds a result of a tool whose results others wrote, material, an untrusted fact, or what
// an untrusted prompt led to; it stays so. Calls of such a prompt say so, and the tools' registry asks a person for the risky ones.
//
// A team is an artifact (kind "team") likewise, and the flow "team:NAME":
//   team, description, goal, pattern, max_tokens, rounds (assignments at most), budget (of the whole team)
//   members       [{name, role, about, agent: NAME of an agent, or an agent of its own as an object}]
//   supervisor {model, instructions}    judge {model, instructions}    start: who begins, of hand_off
//   pattern       supervised: the supervisor assigns tasks to members, one at a time, passes on what others found, and decides when it is done
//                 hand_off: one works until it answers or hands over      ensemble: all work on the task at once, a judge picks, with a reason
// What members write to each other are messages: records of type "message" {id, from, to, thread, text, reply_to}. A member gets its part of what
// is left of the budget; what it does not use is there for the next. A team ends: by its answer, its rounds, its budget. Its result is an agent's.
//
// Errors: as orchestration/flow. THREADS: safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/json.h"
#include "base/status.h"
#include "infra/store/store.h"
#include "orchestration/flow/flow.h"
#include "orchestration/registry/registry.h"

namespace strata::agent {

inline constexpr char kArtifactKind[] = "agent";   // also the driver's name
inline constexpr char kRemember[] = "remember";    // the tool that adds a fact: {agent, fact, run}

// The flow's name of an agent.
inline std::string flow_name(const std::string& agent) { return std::string(kArtifactKind) + ":" + agent; }

struct Checked {                    // of a text that is right
  std::string name, description, pattern;
  std::vector<std::string> tools;
  Json definition;                  // as written, as JSON
  Json budget;                      // {steps, tokens, money, seconds} that holds: as written, else the defaults. money 0: no limit
};
// kInvalidArgument: "line 7: policy.must_not[0].when: …", with the path as param.
Result<Checked> check(std::string_view text);
// What the input of a run says of its budget: kInvalidArgument names the member that is none ("budget.step").
Status check_budget(const Json& budget);
// The flow that an agent is.
Result<Json> flow_of(const std::string& text);

// A long-term fact. `source` says where it came from: {by: "agent", run} or {by: a user, before}.
struct Fact {
  std::string id, agent, text;
  Json source;
  bool untrusted = false;           // the prompt that it was noted from held text that others wrote
  int64_t created_ms = 0, updated_ms = 0;
};
inline constexpr size_t kFactBytesMost = 1'000;
inline constexpr int kFactsMost = 1'000;           // of one agent

struct Template {
  std::string name, title, text;
};

// ---- teams ----

inline constexpr char kTeamKind[] = "team";        // also the driver's name
inline constexpr char kMessage[] = "message";      // the type of records that are messages
inline constexpr size_t kMembersMost = 16;

struct CheckedTeam {
  std::string name, description, pattern;
  std::vector<std::string> members;
  Json definition, budget;          // as of Checked
  // Each {name, role, about, agent} and, where the agent is the member's own, {goal, pattern, model, tools, budget}.
  Json roster;
};
Result<CheckedTeam> check_team(std::string_view text);
Result<Json> flow_of_team(const std::string& text);
std::unique_ptr<flow::Driver> make_team_driver();
const std::vector<Template>& shipped_team_templates();

// ---- agents, and both ----

const std::vector<Template>& shipped_templates();  // one of each pattern

std::vector<store::Migration> migrations();

class Memory {
 public:
  Memory(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}
  Result<std::vector<Fact>> facts(const Context&, const std::string& agent, int limit);   // newest first
  // With the same key again it is the same fact. kResourceExhausted past kFactsMost.
  Result<Fact> add(const Context&, Fact fact, const std::string& key = "");
  // A person's word: the text is theirs from here on, and trusted.
  Result<Fact> edit(const Context&, const std::string& agent, const std::string& id, const std::string& text);
  Status remove(const Context&, const std::string& agent, const std::string& id);

 private:
  store::Store& store_;
  const Clock& clock_;
};

// Tools with the one that remembers, which honours its key.
std::unique_ptr<flow::Tools> with_memory(flow::Tools& tools, Memory& memory);

// The driver of agents. `tools` and `memory` outlive it.
std::unique_ptr<flow::Driver> make_driver(flow::Tools& tools, Memory& memory);

// Texts of one kind (agents; teams) as versions in the registry.
struct Kept {
  std::string name, description;
  int version = 0;
  std::string text;
  std::string who, why;
  int64_t created_ms = 0;
};
class Shelf {
 public:
  struct Head {
    std::string name, description;
  };
  using Check = std::function<Result<Head>(const std::string& text)>;
  Shelf(registry::Registry& registry, std::string kind, Check check) : registry_(registry), kind_(std::move(kind)), check_(std::move(check)) {}

  Result<Kept> put(const Context&, const std::string& name, const std::string& text, int base_version, const std::string& why);
  Result<Kept> get(const Context&, const std::string& name, int version);      // 0: the newest. kNotFound with the nearest name
  Result<std::vector<Kept>> list(const Context&, int limit, const std::string& after);

 private:
  registry::Registry& registry_;
  const std::string kind_;
  const Check check_;
};
// Of agents.
Shelf make_shelf(registry::Registry& registry);
Shelf make_team_shelf(registry::Registry& registry);

}  // namespace strata::agent
