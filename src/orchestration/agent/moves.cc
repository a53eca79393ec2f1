// What comes next: pure choices over what the mind holds.
#include <algorithm>
#include <cmath>

#include "orchestration/agent/mind.h"

namespace strata::agent {
namespace {

constexpr int kLastWordTokens = 300;
constexpr int kInvalidMost = 3;          // decisions in a row that are none
constexpr int64_t kBytesPerToken = 3;    // an estimate on the safe side, for budgets only

int64_t estimate(const Json& messages, int max_tokens) {
  int64_t bytes = 0;
  for (auto& one : *messages.as_array()) bytes += static_cast<int64_t>(text_of(one["content"]).size()) + 12;
  return bytes / kBytesPerToken + max_tokens;
}

Json names_json(const std::vector<std::string>& names) {
  Json all = Json::array();
  for (auto& name : names) all.push(name);
  return all;
}

Json texts_schema(int items, int most) { return Json::object({{"type", "array"}, {"items", text_schema(most)}, {"maxItems", items}}); }

}  // namespace

Result<flow::Driver::Next> Mind::next() const {
  if (over_) return *over_;
  if (pending_) return act(*pending_);
  if (final_) return check_answer();
  if (invalid_ >= kInvalidMost)
    return finish("failed", Json(found()), "the model gave no valid decision " + std::to_string(invalid_) + " times in a row" + model_error_);
  if (stalled_ >= agent_.stall) {
    if (agent_.ask_when_stuck && !asked_stuck_)
      return ask("I go in circles. What shall I do?", std::to_string(stalled_) + " steps in a row brought nothing new");
    return wrap_up("stuck", std::to_string(stalled_) + " steps in a row brought nothing new");
  }
  if (agent_.pattern == Pattern::kPlan)
    if (auto planned = plan_next()) return std::move(*planned);
  const bool replied = !exchanges_.empty() && !exchanges_.back().error;
  if (agent_.pattern == Pattern::kReactive && replied) return wrap_up("done", "the one action is done: the reply says what came of it");
  if (agent_.pattern == Pattern::kSelfHealing && failed_call_ && diagnoses_ < agent_.rounds) {
    Json messages = critic_messages("The last step failed. Say in one sentence each what the cause is, and what to do differently.");
    if (short_of(3, estimate(messages, 200)).empty())
      return model_step("diagnose", "a step failed: the cause first", std::move(messages),
                        closed(Json::object({{"cause", text_schema(300)}, {"change", text_schema(300)}})), true, 200);
  }
  const size_t from = std::max(summarized_, task_begin_), window = static_cast<size_t>(agent_.window);
  if (agent_.summary && exchanges_.size() - from > window + window / 2) {
    Json messages = summary_messages(exchanges_.size() - window);
    if (short_of(4, estimate(messages, 200)).empty())
      return model_step("summarize", "more exchanges than the memory's window holds", std::move(messages), Json(), false, 200,
                        std::to_string(exchanges_.size() - window));
  }
  return think();
}

Mind::Next Mind::think() const {
  Json messages = this->messages();
  const std::string why = "the budget ends: ";
  // What is decided must be done, and a last word said, within the budget.
  const int64_t last_word = estimate(wrap_messages(why), kLastWordTokens);
  if (auto lacks = short_of(kStepsLeast, estimate(messages, agent_.max_tokens) + last_word); !lacks.empty()) return wrap_up("budget", why + lacks);
  return model_step("think", checked_why_.empty() ? "what to do next" : checked_why_, std::move(messages), decision_schema(), false, agent_.max_tokens);
}

Mind::Next Mind::act(const Json& decision) const {
  const std::string name = text_of(decision["tool"]), thought = text_of(decision["thought"]);
  const Json& arguments = decision["arguments"];
  if (name == "ask_person") return ask(text_of(arguments["question"]), thought);
  if (name == "hand_off") {
    Next end = finish("handed_off", arguments["message"], thought);
    end.result.set("to", arguments["to"]);
    end.result.set("message", arguments["message"]);
    return end;
  }
  if (name == kRemember)
    return step(Json::object({{"id", "remember"},
                              {"kind", "tool"},
                              {"tool", kRemember},
                              {"args", Json::object({{"agent", agent_.name}, {"fact", text_of(arguments["fact"])}, {"run", seen_.run}})}}),
                thought);
  if (auto rule = rule_for(agent_.escalate_when, name, arguments, seen_.input)) {
    Json asked = Json::object({{"id", "approve"},
                               {"kind", "approval"},
                               {"message", agent_.name + " wants to run '" + name + "'" + (rule->reason.empty() ? "" : ": " + rule->reason) + "\n\n" + story()},
                               {"who", names_json(agent_.ask)},
                               {"tool", name},
                               {"args", arguments},
                               {"on_deadline", "ignore"}});
    if (agent_.deadline_s > 0) asked.set("deadline_s", agent_.deadline_s);
    return step(std::move(asked), rule->reason.empty() ? "the policy wants a person's word first" : rule->reason);
  }
  return call(decision, name);
}

Mind::Next Mind::call(const Json& decision, const std::string& name) const {
  Json made = Json::object({{"id", "call"},
                            {"kind", "tool"},
                            {"tool", name},
                            {"args", decision["arguments"]},
                            {"about", story()},
                            {"who", names_json(agent_.ask)},
                            {"on_deadline", "ignore"},
                            {"retry", Json::object({{"attempts", 2}, {"backoff_s", 1}})},
                            {"timeout_s", std::max(1.0, seconds_left())}});
  if (agent_.deadline_s > 0) made.set("deadline_s", agent_.deadline_s);
  return step(std::move(made), text_of(decision["thought"]));
}

Mind::Next Mind::ask(const std::string& question, const std::string& why) const {
  Json asked = Json::object({{"id", "ask"},
                             {"kind", "approval"},
                             {"message", agent_.name + " asks: " + question + "\n\n" + story()},
                             {"who", names_json(agent_.ask)},
                             {"allow", Json::array({"respond", "accept", "ignore"})},
                             {"on_deadline", "ignore"}});
  if (agent_.deadline_s > 0) asked.set("deadline_s", agent_.deadline_s);
  return step(std::move(asked), why);
}

// The answer is there: it is checked where the pattern says so, and counts.
Mind::Next Mind::check_answer() const {
  const bool plans = agent_.pattern == Pattern::kPlan;
  if (!plans && agent_.pattern != Pattern::kSelfHealing) return finish("done", *final_, "the final answer was given");
  if (checked_) return finish(problems_.empty() ? "done" : "unverified", *final_, problems_.empty() ? "the answer passed its check" : problems_);
  Json messages =
      critic_messages("The answer is:\n" + cut(text_of(*final_), 6'000) +
                      "\n\nDoes it do what the task asks, and does every statement in it follow from the results above? List what is wrong (none: an empty "
                      "list), then say whether it may go out.");
  const std::string lacks = short_of(1, estimate(messages, 300));
  if (!lacks.empty()) return finish("unverified", *final_, "not checked: the budget ends: " + lacks);
  return model_step(plans ? "criticize" : "verify", "the answer is checked before it counts", std::move(messages),
                    closed(Json::object({{"problems", texts_schema(5, 200)}, {"ok", Json::object({{"type", "boolean"}})}})), true, 300);
}

// plan → tasks, one by one → reflect after each → write → criticize. Nothing: the present task goes on.
std::optional<Mind::Next> Mind::plan_next() const {
  if (plan_.empty() || replan_) {
    Json messages = Json::array(
        {message("system", system_text()),
         message("user", opening() + "\n\n" + story() + "\nSplit the task into one to six tasks in order, each a sentence that can be done with your tools" +
                             (replan_ ? ". Leave out what was found already." : "."))});
    if (auto lacks = short_of(kStepsLeast, estimate(messages, agent_.max_tokens)); !lacks.empty()) return wrap_up("budget", "the budget ends: " + lacks);
    return model_step("plan", replan_ ? "the plan did not hold" : "tasks first", std::move(messages),
                      closed(Json::object({{"reason", text_schema(300)}, {"tasks", texts_schema(6, 200)}})), false, agent_.max_tokens);
  }
  if (!reflected_) {
    Json messages = critic_messages(
        "One task of the plan is done. Say in one sentence what it means for the rest, then: continue (the plan holds), done (enough is known for the "
        "answer), or replan (the rest of the plan is wrong).");
    if (auto lacks = short_of(2, estimate(messages, 200)); !lacks.empty()) return wrap_up("budget", "the budget ends: " + lacks);
    return model_step("reflect", "task " + std::to_string(findings_.size()) + " of " + std::to_string(plan_.size()) + " is done", std::move(messages),
                      closed(Json::object({{"reason", text_schema(300)}, {"verdict", Json::object({{"enum", Json::array({"continue", "done", "replan"})}})}})),
                      true, 200);
  }
  if (!write_) return std::nullopt;
  std::string ask = "Write the answer to the task from what was found, and from nothing else.";
  if (!problems_.empty()) ask += " A critic found in the last version: " + problems_ + ". Mend that.";
  Json messages = Json::array({message("system", system_text()), message("user", opening() + "\n\n" + story() + "\n" + ask)});
  if (auto lacks = short_of(1, estimate(messages, agent_.max_tokens)); !lacks.empty()) return finish("budget", Json(found()), "the budget ends: " + lacks);
  return model_step("write", problems_.empty() ? "enough is known" : "the critic was not content", std::move(messages), agent_.answer, false,
                    agent_.max_tokens);
}

// The last word: from the model where the budget has room for it, else a plain list of what was found.
Mind::Next Mind::wrap_up(const std::string& outcome, const std::string& why) const {
  Json messages = wrap_messages(why);
  if (exchanges_.empty() && findings_.empty()) return finish(outcome, Json(found()), why);
  if (!short_of(1, estimate(messages, kLastWordTokens)).empty()) return finish(outcome, Json(found()), why);
  return model_step("wrap_up", why, std::move(messages), Json(), false, kLastWordTokens, outcome);
}

Mind::Next Mind::finish(const std::string& outcome, const Json& answer, const std::string& reason) const {
  Next end;
  end.reason = reason;
  end.untrusted = untrusted_;
  Json spent = Json::object(
      {{"steps", spent_.steps}, {"tokens", spent_.tokens}, {"money", spent_.money}, {"seconds", static_cast<double>(seen_.now_ms - seen_.begun_ms) / 1000}});
  end.result = Json::object({{"outcome", outcome}, {"answer", answer}, {"reason", reason}, {"spent", std::move(spent)}, {"untrusted", untrusted_}});
  if (outcome == "unverified") end.result.set("problems", problems_);
  return end;
}

Mind::Next Mind::model_step(const char* id, const std::string& reason, Json messages, Json schema, bool critic, int max_tokens,
                            const std::string& title) const {
  Json made = Json::object({{"id", id},
                            {"kind", "model"},
                            {"messages", std::move(messages)},
                            {"model", critic && !agent_.critic_model.empty() ? agent_.critic_model : agent_.model},
                            {"max_tokens", max_tokens},
                            {"temperature", agent_.temperature},
                            {"retry", Json::object({{"attempts", 2}, {"backoff_s", 1}})},
                            {"timeout_s", std::max(1.0, seconds_left())}});
  if (!schema.is_null()) made.set("schema", std::move(schema));
  if (!title.empty()) made.set("title", title);
  return step(std::move(made), reason);
}

Mind::Next Mind::step(Json step, const std::string& reason) const {
  Next made;
  made.step = std::move(step);
  made.reason = reason;
  made.untrusted = untrusted_;
  return made;
}

double Mind::seconds_left() const { return static_cast<double>(budget_.seconds) - static_cast<double>(seen_.now_ms - seen_.begun_ms) / 1000; }

std::string Mind::short_of(int64_t steps, int64_t tokens) const {
  if (spent_.steps + steps > budget_.steps) return std::to_string(spent_.steps) + " of " + std::to_string(budget_.steps) + " steps are used";
  if (spent_.tokens + tokens > budget_.tokens)
    return std::to_string(spent_.tokens) + " of " + std::to_string(budget_.tokens) + " tokens are used, and the next step may take " + std::to_string(tokens);
  if (budget_.money > 0 && spent_.money + spent_.dearest >= budget_.money)
    return Json(spent_.money).dump() + " of " + Json(budget_.money).dump() + " dollars are spent";
  if (seconds_left() <= 0) return std::to_string(budget_.seconds) + " seconds are over";
  return "";
}

}  // namespace strata::agent
