// What an agent knows at a moment: folded from its history, pure; and what it does next. Only this folder includes it.
//
//   history ──hear──▶ exchanges, counters, plan, what is pending ──next──▶ one step, or the end
//
// The steps by which it works, by id: think (a decision), call or approve (a tool, by itself or after a person's word), ask (a person), remember,
// summarize, diagnose, verify, plan, reflect, write, criticize, wrap_up. mind.cc hears, moves.cc chooses, prompts.cc words.
//
// Invariants: (1) nothing here asks the clock or the world; (2) next() never begins what by estimate would go past the budget; (3) untrusted_ only
// rises, and what it rises by is heard before the next step is chosen.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "orchestration/agent/agent.h"
#include "orchestration/agent/definition.h"
#include "orchestration/agent/words.h"

namespace strata::agent {

struct Exchange {
  Json decision;             // {thought, tool, arguments}
  std::string said;          // what came of it
  bool error = false;
};

struct Spent {
  int64_t steps = 0, tokens = 0;
  double money = 0, dearest = 0;   // of one step
};

struct Finding {             // of a plan's task
  std::string task, answer;
};

class Mind {
 public:
  Mind(const Definition& agent, const flow::Driver::Seen& seen);
  Result<flow::Driver::Next> next() const;

 private:
  using Next = flow::Driver::Next;

  // mind.cc: hearing
  void hear(const Json& entry);
  void hear_decision(const Json& entry);
  void hear_effect(const Json& entry);
  void hear_person(const Json& entry);
  void hear_plan(const Json& entry);
  void hear_check(const Json& entry);
  void judge(Json decision);
  void close(std::string said, bool error);      // the pending decision has led to this
  void circle();                                 // nothing new came of a step
  void settle(Json answer);                      // the final answer was given, or a task's
  const Json* tool(const std::string& name) const;

  // moves.cc: choosing
  Next act(const Json& decision) const;
  Next call(const Json& decision, const std::string& name) const;
  Next ask(const std::string& question, const std::string& why) const;
  Next think() const;
  Next check_answer() const;
  std::optional<Next> plan_next() const;
  Next finish(const std::string& outcome, const Json& answer, const std::string& reason) const;
  Next wrap_up(const std::string& outcome, const std::string& why) const;
  Next model_step(const char* id, const std::string& reason, Json messages, Json schema, bool critic, int max_tokens, const std::string& title = "") const;
  Next step(Json step, const std::string& reason) const;
  std::string short_of(int64_t steps, int64_t tokens) const;   // what the budget lacks for so much more; empty: it fits
  double seconds_left() const;

  // prompts.cc: wording
  std::string system_text() const;
  std::string opening() const;
  Json messages() const;
  Json decision_schema() const;
  std::string story() const;                     // what was done so far, for people and critics
  std::string found() const;                     // what came of it, where no model can be asked for a last word
  Json critic_messages(const std::string& question) const;
  Json wrap_messages(const std::string& why) const;
  Json summary_messages(size_t upto) const;

  const Definition& agent_;
  const flow::Driver::Seen& seen_;
  const Budget budget_;

  std::vector<Exchange> exchanges_;
  size_t summarized_ = 0;                        // exchanges before it are in the summary
  size_t task_begin_ = 0;                        // of the plan's present task
  std::string summary_;
  Spent spent_;
  bool untrusted_ = false;
  int loose_ = 0;  // 0: held to one branch a tool; 1: to the shape of a decision; 2: to nothing. Who judges arguments is the registry
  size_t prompt_most_ = 200'000;                 // UNITS: bytes; half of what did not fit the model's context
  int invalid_ = 0;  // decisions in a row that were none
  int stalled_ = 0;
  std::map<std::string, int> calls_;  // by digest
  std::map<std::string, std::string> results_;  // by digest, the last
  std::set<std::string> seen_results_;
  bool asked_stuck_ = false;
  std::string model_error_;                      // of the last decision that could not be had
  std::string checked_why_;  // of a decision that was refused: the reason of the next step

  std::optional<Json> pending_;  // a decision to be carried out
  std::optional<Json> final_;  // the answer that was given
  bool failed_call_ = false;  // the last call failed and was not diagnosed
  int diagnoses_ = 0, checks_ = 0;
  std::string problems_;  // of the last check that was not content
  bool checked_ = false;  // the answer at hand passed its check
  std::vector<std::string> plan_;
  std::vector<Finding> findings_;
  bool reflected_ = true, replan_ = false, write_ = false;
  int plans_ = 0;
  std::optional<Next> over_;  // what ended it
};

}  // namespace strata::agent
