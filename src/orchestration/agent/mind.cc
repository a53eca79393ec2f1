#include "orchestration/agent/mind.h"

#include <algorithm>

#include "base/crypto.h"
#include "knowledge/tool/tool.h"

namespace strata::agent {
namespace {

constexpr size_t kPromptLeast = 1'000;        // UNITS: bytes; what does not fit then never will
constexpr size_t kResultBytesMost = 6'000;   // of one result in a prompt: what is longer is cut, and says so

bool accepted(const Json& decided) { return decided["decision"] == Json("accept") || decided["decision"] == Json("edit"); }

}  // namespace

Mind::Mind(const Definition& agent, const flow::Driver::Seen& seen) : agent_(agent), seen_(seen), budget_(agent.budget.narrowed(seen.input["budget"])) {
  untrusted_ = seen.untrusted || seen.input["untrusted"] == Json(true) || !seen.input["material"].is_null();
  if (auto* facts = seen.setup["facts"].as_array())
    for (auto& fact : *facts) untrusted_ = untrusted_ || fact["untrusted"] == Json(true);
  for (auto& entry : *seen.history.as_array()) hear(entry);
}

void Mind::hear(const Json& entry) {
  const Json& usage = entry["usage"];
  const double cost = number_of(entry["cost"]);
  ++spent_.steps;
  spent_.tokens += integer_of(usage["prompt_tokens"]) + integer_of(usage["completion_tokens"]);
  spent_.money += cost;
  spent_.dearest = std::max(spent_.dearest, cost);
  checked_why_.clear();
  const std::string id = text_of(entry["id"]);
  if (id == "think") return hear_decision(entry);
  if (id == "call" || id == "approve") return hear_effect(entry);
  if (id == "ask") return hear_person(entry);
  if (id == "plan" || id == "reflect") return hear_plan(entry);
  if (id == "verify" || id == "criticize") return hear_check(entry);
  if (id == "remember") return close(entry["error"].is_null() ? "Noted." : "It could not be noted: " + text_of(entry["error"]), !entry["error"].is_null());
  if (id == "write") {
    final_ = entry["error"].is_null() ? entry["output"] : Json(found());
    checked_ = !entry["error"].is_null();   // a list of what was found needs no check, and is no answer
    if (checked_) problems_ = "the answer could not be written: " + text_of(entry["error"]);
  } else if (id == "summarize") {
    summary_ = entry["error"].is_null() ? text_of(entry["output"]) : summary_;
    summarized_ = std::min(exchanges_.size(), static_cast<size_t>(std::max<int64_t>(0, std::atoll(text_of(entry["step"]["title"]).c_str()))));
  } else if (id == "diagnose") {
    failed_call_ = false;
    ++diagnoses_;
    if (entry["error"].is_null() && !exchanges_.empty())
      exchanges_.back().said += "\nDiagnosis: " + text_of(entry["output"]["cause"]) + "\nWhat to do differently: " + text_of(entry["output"]["change"]);
  } else if (id == "wrap_up") {
    const bool said = entry["error"].is_null() && !text_of(entry["output"]).empty();
    over_ = finish(text_of(entry["step"]["title"]), said ? entry["output"] : Json(found()), text_of(entry["reason"]));
  }
}

// A decision that is none, or that may not be, is told to the model in words that it can mend it from.
void Mind::hear_decision(const Json& entry) {
  if (!entry["error"].is_null()) {
    if (entry["error_reason"] == Json("context_length_exceeded") && prompt_most_ > kPromptLeast) {
      size_t bytes = 0;
      for (auto& message : *entry["step"]["messages"].as_array()) bytes += text_of(message["content"]).size();
      prompt_most_ = std::min(bytes, prompt_most_) / 2;
      checked_why_ = "the prompt did not fit the model's context: shorter";
      return;
    }
    if (entry["code"] == Json("invalid_argument") && loose_ < 2) {
      ++loose_;
      checked_why_ = loose_ == 1 ? "the model cannot be held to the tools' schemas" : "the model cannot be held to any schema";
      return;
    }
    ++invalid_;
    model_error_ = ": " + text_of(entry["error"]);
    exchanges_.push_back({Json(), "Your reply was no valid decision: " + text_of(entry["error"]) + ". Reply with one short JSON object.", true});
    return circle();
  }
  Json decision = entry["output"];
  if (auto* text = decision.as_string()) decision = object_in(*text);
  judge(std::move(decision));
}

void Mind::judge(Json decision) {
  const std::string name = text_of(decision["tool"]);
  const Json& arguments = decision["arguments"];
  auto refuse = [&](const std::string& why) {
    exchanges_.push_back({decision, why, true});
    checked_why_ = why;
    circle();
  };
  if (!decision.is_object() || name.empty() || !arguments.is_object()) {
    ++invalid_;
    return refuse("That is no decision: expected {\"thought\": …, \"tool\": …, \"arguments\": {…}}.");
  }
  invalid_ = 0;
  if (name == "final_answer") {
    Json answer = arguments["answer"];
    pending_.reset();
    exchanges_.push_back({std::move(decision), "", false});
    return settle(std::move(answer));
  }
  const bool own = name == "ask_person" || (name == kRemember && agent_.facts) || (name == "hand_off" && seen_.input["hand_offs"].size() > 0);
  if (!own) {
    if (!tool(name)) return refuse("There is no tool '" + name + "' for you: choose one of the list.");
    if (auto rule = rule_for(agent_.must_not, name, arguments, seen_.input))
      return refuse("That is not allowed" + (rule->reason.empty() ? "" : ": " + rule->reason) +
                    ". Find another way, or say in the final answer why it cannot be done.");
  }
  const std::string digest = tool::call_digest(name, arguments);
  if (int& times = calls_[digest]; ++times > agent_.same_call)
    return refuse("You have made exactly this call " + std::to_string(agent_.same_call) + " times already. It gave: " + cut(results_[digest], 400) +
                  " Do something else, or give the final answer.");
  pending_ = std::move(decision);
}

void Mind::hear_effect(const Json& entry) {
  if (!pending_) return;
  const std::string name = text_of((*pending_)["tool"]);
  const Json& decided = entry["decided"];
  const bool ran = decided.is_null() || accepted(decided);
  if (ran && ((tool(name) && (*tool(name))["untrusted"] == Json(true)) || entry["untrusted"] == Json(true))) untrusted_ = true;
  if (!ran) {
    const std::string why = text_of(decided["reason"]);
    if (decided["decision"] == Json("respond")) return close("It was not run. A person says instead: " + text_of(decided["response"]), false);
    return close("A person did not allow it" + (why.empty() ? "." : ": " + why) + " It was not run.", true);
  }
  if (!entry["error"].is_null()) return close("Error: " + text_of(entry["error"]) + "\nMend the arguments, or find another way.", true);
  const Json& result = entry["id"] == Json("approve") ? entry["output"]["result"] : entry["output"];
  std::string said = cut(result.dump(), kResultBytesMost);
  if (decided["decision"] == Json("edit")) said = "A person changed the arguments to " + decided["arguments"].dump() + ". Result: " + said;
  close(said, false);
}

void Mind::hear_person(const Json& entry) {
  const Json& output = entry["output"];
  std::string said = "Nobody answered. Go on without, carefully.";
  if (output["decision"] == Json("respond")) said = "A person says: " + text_of(output["response"]);
  else if (output["decision"] == Json("accept")) said = "A person says: yes. " + text_of(output["reason"]);
  else if (!text_of(output["reason"]).empty()) said = "A person gives no answer: " + text_of(output["reason"]);
  if (pending_) return close(said, false);
  asked_stuck_ = true;
  stalled_ = 0;
  exchanges_.push_back({Json(), said, false});
  if (output["decision"] == Json("ignore") || !entry["error"].is_null()) stalled_ = agent_.stall;   // as it was: it ends
}

void Mind::close(std::string said, bool error) {
  if (!pending_) return;
  const std::string digest = tool::call_digest(text_of((*pending_)["tool"]), (*pending_)["arguments"]);
  results_[digest] = said;
  exchanges_.push_back({std::move(*pending_), said, error});
  pending_.reset();
  failed_call_ = error;
  if (error || !seen_results_.insert(sha256_hex(said)).second) circle();
  else stalled_ = 0;
}

void Mind::circle() { ++stalled_; }

void Mind::settle(Json answer) {
  checked_ = false;
  stalled_ = 0;
  if (agent_.pattern != Pattern::kPlan || findings_.size() >= plan_.size()) {
    final_ = std::move(answer);
    return;
  }
  findings_.push_back({plan_[findings_.size()], text_of(answer)});
  task_begin_ = exchanges_.size();
  reflected_ = false;
  calls_.clear();   // another task may well ask the same again
}

void Mind::hear_plan(const Json& entry) {
  const Json& output = entry["output"];
  if (entry["id"] == Json("plan")) {
    ++plans_;
    replan_ = false;
    plan_.clear();
    for (auto& finding : findings_) plan_.push_back(finding.task);
    if (auto* tasks = output["tasks"].as_array())
      for (auto& task : *tasks)
        if (task.is_string()) plan_.push_back(*task.as_string());
    if (plan_.size() == findings_.size()) plan_.push_back(text_of(seen_.input["task"]));   // no plan: the task itself is one
    task_begin_ = exchanges_.size();
    return;
  }
  reflected_ = true;
  const std::string verdict = text_of(output["verdict"]);
  if (verdict == "done") write_ = true;
  if (verdict == "replan" && plans_ < agent_.rounds) replan_ = true;
  if (findings_.size() >= plan_.size() && !replan_) write_ = true;
}

// A checker that cannot be had does not hold the answer back: it counts as unverified.
void Mind::hear_check(const Json& entry) {
  ++checks_;
  const Json& output = entry["output"];
  problems_.clear();
  if (auto* list = output["problems"].as_array())
    for (auto& problem : *list) problems_ += (problems_.empty() ? "" : "; ") + text_of(problem);
  if (output["ok"] == Json(true)) {
    problems_.clear();
    checked_ = true;
    return;
  }
  if (problems_.empty()) problems_ = entry["error"].is_null() ? "the check was not content, and did not say why" : text_of(entry["error"]);
  if (checks_ >= agent_.rounds || !entry["error"].is_null()) {
    checked_ = true;   // the last word: it goes out as unverified
    return;
  }
  if (agent_.pattern == Pattern::kSelfHealing) {
    final_.reset();
    exchanges_.push_back(
        {Json(), "A check of your answer found: " + problems_ + ". Mend it: act again where that helps, then give the final answer anew.", true});
  } else {
    final_.reset();   // written anew, with the problems in view
  }
}

const Json* Mind::tool(const std::string& name) const {
  if (auto* tools = seen_.setup["tools"].as_array())
    for (auto& one : *tools)
      if (one["name"] == Json(name)) return &one;
  return nullptr;
}

}  // namespace strata::agent
