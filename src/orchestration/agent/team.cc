// The driver of teams: folded from the history, as an agent's mind is. Steps by id: assign (the supervisor's decision), note (a message is written
// down), member_NAME (its work), all (everybody at once), judge, wrap_up.
//
// It ends: each assignment is counted against `rounds`, decisions that are none against kInvalidMost, and every step against the budget.
#include <algorithm>
#include <deque>

#include "orchestration/agent/mind.h"
#include "orchestration/agent/team_definition.h"

namespace strata::agent {
namespace {

constexpr int kInvalidMost = 3;
constexpr int kLastWordTokens = 400;
constexpr size_t kMessageBytesMost = 4'000;      // of one message in a prompt
constexpr int64_t kStepsKept = 2;                // of the budget, for a judge or a last word

using Next = flow::Driver::Next;

struct Message {
  std::string id, from, to, thread, text, reply_to;
  Json json() const {
    return Json::object({{"id", id}, {"from", from}, {"to", to}, {"thread", thread}, {"text", text}, {"reply_to", reply_to.empty() ? Json() : Json(reply_to)}});
  }
};

struct Assignment {
  std::string member, task, thread, asked_by;    // asked_by: the message's id
};

class Room {
 public:
  Room(const Team& team, const flow::Driver::Seen& seen) : team_(team), seen_(seen), budget_(team.budget.narrowed(seen.input["budget"])) {
    untrusted_ = seen.untrusted || seen.input["untrusted"] == Json(true) || !seen.input["material"].is_null();
    if (team.pattern == TeamPattern::kHandOff) assign("you", team.start, text_of(seen.input["task"]), "");
    for (auto& entry : *seen.history.as_array()) hear(entry);
  }

  Next next() const {
    if (over_) return *over_;
    if (written_ < messages_.size()) {
      return step(Json::object({{"id", "note"}, {"kind", "record"}, {"type", kMessage}, {"data", messages_[written_].json()}}),
                  messages_[written_].from + " writes to " + messages_[written_].to);
    }
    if (answer_) return finish(outcome_, *answer_, reason_);
    if (team_.pattern == TeamPattern::kEnsemble) return ensemble();
    if (invalid_ >= kInvalidMost)
      return wrap_up("failed", "the supervisor gave no valid decision " + std::to_string(invalid_) + " times in a row" + model_error_);
    if (pending_) {
      if (rounds_ >= team_.rounds) return wrap_up("budget", std::to_string(rounds_) + " of " + std::to_string(team_.rounds) + " rounds are used");
      return work(*pending_);
    }
    return supervise();
  }

 private:
  // ---- hearing ----

  void hear(const Json& entry) {
    const std::string id = text_of(entry["id"]);
    if (id == "note") {
      ++written_;
      return;
    }
    const Json& usage = entry["usage"];
    if (id == "assign" || id == "judge" || id == "wrap_up")
      spend(Json::object(
          {{"steps", 1}, {"tokens", integer_of(usage["prompt_tokens"]) + integer_of(usage["completion_tokens"])}, {"money", number_of(entry["cost"])}}));
    if (id == "assign") hear_supervisor(entry);
    else if (id == "all") hear_all(entry);
    else if (id == "judge") hear_judge(entry);
    else if (id == "wrap_up")
      over_ = finish(text_of(entry["step"]["title"]), entry["error"].is_null() ? entry["output"] : Json(found()), text_of(entry["reason"]));
    else hear_member(entry);
  }
  void spend(const Json& spent) {
    spent_.steps += integer_of(spent["steps"]);
    spent_.tokens += integer_of(spent["tokens"]);
    spent_.money += number_of(spent["money"]);
  }
  void hear_supervisor(const Json& entry) {
    if (entry["code"] == Json("invalid_argument") && !loose_) {
      loose_ = true;
      return;
    }
    const Json decision = entry["output"].is_string() ? object_in(*entry["output"].as_string()) : entry["output"];
    const std::string to = text_of(decision["to"]);
    if (to == "done") {
      answer_ = decision["answer"];
      outcome_ = "done";
      reason_ = text_of(decision["reason"]);
      return;
    }
    if (!team_.member(to) || text_of(decision["task"]).empty()) {
      ++invalid_;
      model_error_ = entry["error"].is_null() ? "" : ": " + text_of(entry["error"]);
      return;
    }
    invalid_ = 0;
    assign("supervisor", to, text_of(decision["task"]), "");
  }
  // A thread is what one member was asked and answered; it goes on when the member is asked again.
  void assign(const std::string& from, const std::string& to, const std::string& task, const std::string& reply_to) {
    Message made{.id = "m" + std::to_string(messages_.size() + 1), .from = from, .to = to, .thread = to, .text = task, .reply_to = reply_to};
    pending_ = Assignment{to, task, made.thread, made.id};
    messages_.push_back(std::move(made));
  }
  // What came of one member's work: also where it failed, or ended without an answer.
  std::string said_by(const Json& output, const Json& error) {
    spend(output["spent"]);
    if (output["untrusted"] == Json(true)) untrusted_ = true;
    if (!error.is_null()) {
      untrusted_ = true;   // nobody says what it had read until then
      return "I failed: " + text_of(error);
    }
    const std::string outcome = text_of(output["outcome"]);
    std::string said = text_of(output["answer"]);
    if (outcome != "done" && outcome != "handed_off") said = "(" + outcome + ": " + text_of(output["reason"]) + ") " + said;
    return said;
  }
  void reply(const std::string& member, const std::string& to, std::string text, const std::string& reply_to) {
    messages_.push_back(
        {.id = "m" + std::to_string(messages_.size() + 1), .from = member, .to = to, .thread = member, .text = std::move(text), .reply_to = reply_to});
  }
  void hear_member(const Json& entry) {
    if (!pending_) return;
    ++rounds_;
    const Assignment done = *pending_;
    pending_.reset();
    worked_.insert(done.member);
    const Json& output = entry["output"];
    const std::string said = said_by(output, entry["error"]);
    if (team_.pattern == TeamPattern::kHandOff) {
      const std::string to = text_of(output["to"]);
      if (output["outcome"] == Json("handed_off") && team_.member(to)) return assign(done.member, to, text_of(output["message"]), done.asked_by);
      reply(done.member, "you", said, done.asked_by);
      answer_ = entry["error"].is_null() ? output["answer"] : Json(said);
      outcome_ = entry["error"].is_null() ? text_of(output["outcome"]) : "failed";
      reason_ = entry["error"].is_null() ? text_of(output["reason"]) : text_of(entry["error"]);
      return;
    }
    reply(done.member, "supervisor", said, done.asked_by);
  }
  void hear_all(const Json& entry) {
    all_done_ = true;
    for (auto& member : team_.members) {
      const Json& output = entry["output"][member.name];
      const Json& error = entry["error"].is_null() ? output["error"] : entry["error"];
      const std::string said = said_by(output, error);
      if (error.is_null() && !output["answer"].is_null()) answers_.emplace_back(member.name, output["answer"]);
      reply(member.name, "judge", said, "");
    }
  }
  void hear_judge(const Json& entry) {
    const Json& output = entry["output"];
    auto winner = std::find_if(answers_.begin(), answers_.end(), [&](auto& one) { return Json(one.first) == output["winner"]; });
    const bool judged = winner != answers_.end();
    if (!judged) winner = answers_.begin();
    answer_ = winner->second;
    winner_ = winner->first;
    outcome_ = judged ? "done" : "unverified";
    reason_ = judged ? text_of(output["reason"]) : "no judgement could be had: the first answer stands";
    reply("judge", winner_, reason_, "");
  }

  // ---- choosing ----

  Next ensemble() const {
    if (!all_done_) {
      Json branches = Json::object();
      for (auto& member : team_.members) {
        Json one = work_of(member, text_of(seen_.input["task"]), "", static_cast<int64_t>(team_.members.size()), 0.9);
        one.set("on_error", "end");
        branches.set(member.name, Json::array({std::move(one)}));
      }
      return step(Json::object({{"id", "all"}, {"kind", "parallel"}, {"branches", std::move(branches)}}), "everybody answers for themselves");
    }
    if (answers_.empty()) return finish("failed", Json(found()), "no member gave an answer");
    std::string text = "Task: " + text_of(seen_.input["task"]) + "\n";
    Json names = Json::array();
    for (auto& [name, answer] : answers_) {
      text += "\nAnswer of " + name + ":\n" + cut(text_of(answer), kMessageBytesMost) + "\n";
      names.push(name);
    }
    text += "\nWhich answer is the best? Say why in one sentence, then name its author.";
    Json messages = Json::array({message("system", "You judge answers: strict, brief, fair. " + team_.judge_instructions), message("user", std::move(text))});
    return model_step("judge", "the best of " + std::to_string(answers_.size()) + " answers", std::move(messages),
                      closed(Json::object({{"reason", text_schema(300)}, {"winner", Json::object({{"enum", std::move(names)}})}})), team_.judge_model, 200);
  }

  Next supervise() const {
    if (rounds_ >= team_.rounds) return wrap_up("budget", std::to_string(rounds_) + " of " + std::to_string(team_.rounds) + " rounds are used");
    if (auto lacks = short_of(kStepsLeast + 1 + kStepsKept); !lacks.empty()) return wrap_up("budget", "the budget ends: " + lacks);
    std::string system = "You lead the team " + team_.name + ". Its goal: " + team_.goal + "\n" + team_.supervisor_instructions + "\nMembers:\n";
    Json branches = Json::array();
    for (auto& member : team_.members) {
      system += "- " + member.name + (member.role.empty() ? "" : ", " + member.role) + (member.about.empty() ? "" : ": " + member.about) + "\n";
      branches.push(closed(Json::object({{"reason", text_schema(300)}, {"to", Json::object({{"const", member.name}})}, {"task", text_schema(1'000)}})));
    }
    branches.push(closed(Json::object({{"reason", text_schema(300)}, {"to", Json::object({{"const", "done"}})}, {"answer", text_schema(4'000)}})));
    std::string text = board() + "\n" + std::to_string(team_.rounds - rounds_) + " assignments are left." +
                       (invalid_ > 0 ? " Your last reply was no valid decision." : "") +
                       " Reply with one JSON object: {\"reason\": …, \"to\": a member, \"task\": what it shall do} or, when the task is done, {\"reason\": …, "
                       "\"to\": \"done\", "
                       "\"answer\": the answer}.";
    Json messages = Json::array({message("system", std::move(system)), message("user", std::move(text))});
    return model_step("assign", loose_ ? "the model cannot be held to a schema" : "who does what next", std::move(messages),
                      loose_ ? Json() : Json::object({{"oneOf", std::move(branches)}}), team_.supervisor_model, team_.max_tokens);
  }

  Next work(const Assignment& assignment) const {
    const Member& member = *team_.member(assignment.member);
    // Who has not worked yet keeps a part for himself; what is not used comes back, for it was never taken.
    int64_t parts = 1;
    for (auto& other : team_.members)
      if (!worked_.count(other.name) && other.name != member.name && team_.pattern != TeamPattern::kHandOff) ++parts;
    if (auto lacks = short_of(kStepsLeast + kStepsKept); !lacks.empty()) return wrap_up("budget", "the budget ends: " + lacks);
    const double share = team_.pattern == TeamPattern::kHandOff ? 0.7 : parts > 1 ? 1 : 0.5;
    return step(work_of(member, assignment.task, briefing(member), parts, share), "the work of " + member.name);
  }

  Json work_of(const Member& member, const std::string& task, const std::string& briefing, int64_t parts, double share) const {
    Json budget = Json::object({{"steps", std::max(kStepsLeast, part(budget_.steps - spent_.steps - kStepsKept, parts, share))},
                                {"tokens", std::max<int64_t>(0, part(budget_.tokens - spent_.tokens, parts, share))},
                                {"seconds", std::max<int64_t>(1, static_cast<int64_t>(seconds_left()))}});
    if (budget_.money > 0) budget.set("money", std::max(1e-9, (budget_.money - spent_.money) * share / static_cast<double>(parts)));
    Json input = Json::object({{"task", task}, {"briefing", briefing}, {"budget", std::move(budget)}, {"untrusted", untrusted_}});
    if (!seen_.input["material"].is_null()) input.set("material", seen_.input["material"]);
    if (team_.pattern == TeamPattern::kHandOff) {
      Json others = Json::array();
      for (auto& other : team_.members)
        if (other.name != member.name) others.push(other.name);
      input.set("hand_offs", std::move(others));
    }
    Json made = Json::object({{"id", "member_" + member.name}, {"title", member.role}, {"input", std::move(input)}});
    if (member.spec.is_null()) {
      made.set("kind", "subflow");
      made.set("flow", flow_name(member.agent));
    } else {
      made.set("kind", "driven");
      made.set("driver", kArtifactKind);
      made.set("spec", member.spec);
    }
    return made;
  }
  static int64_t part(int64_t left, int64_t parts, double share) {
    return static_cast<int64_t>(static_cast<double>(std::max<int64_t>(0, left)) * share) / parts;
  }

  // What a member must know: its own thread, and what others found last.
  std::string briefing(const Member& member) const {
    std::string own, others;
    for (auto& message : messages_) {
      if (message.thread == member.name) own += message.from + ": " + cut(message.text, kMessageBytesMost) + "\n";
      else if (message.from == message.thread) others += message.from + " found: " + cut(message.text, kMessageBytesMost) + "\n";
    }
    std::string out = "You are " + member.name + (member.role.empty() ? "" : ", the " + member.role) + " of the team " + team_.name +
                      ", whose task is: " + text_of(seen_.input["task"]) + "\n";
    if (team_.pattern == TeamPattern::kHandOff) {
      out += "The other members:\n";
      for (auto& other : team_.members)
        if (other.name != member.name)
          out += "- " + other.name + (other.role.empty() ? "" : ", " + other.role) + (other.about.empty() ? "" : ": " + other.about) + "\n";
    }
    if (auto more = text_of(seen_.input["briefing"]); !more.empty()) out += "Briefing: " + cut(more, kMessageBytesMost) + "\n";
    return out + others + (own.empty() ? "" : "Your thread:\n" + own);
  }
  std::string board() const {
    std::string out = "Task: " + text_of(seen_.input["task"]) + "\n";
    if (auto more = text_of(seen_.input["briefing"]); !more.empty()) out += "Briefing: " + cut(more, kMessageBytesMost) + "\n";
    if (!seen_.input["material"].is_null())
      out += "Material that others wrote (members have it too):\n<<<\n" + cut(text_of(seen_.input["material"]), kMessageBytesMost) + "\n>>>\n";
    if (!messages_.empty()) out += "\nMessages so far:\n";
    for (auto& message : messages_) out += message.from + " → " + message.to + ": " + cut(message.text, kMessageBytesMost) + "\n";
    return out;
  }
  std::string found() const {
    std::string out;
    for (auto& message : messages_)
      if (message.from == message.thread) out += "- " + message.from + ": " + cut(message.text, 1'000) + "\n";
    return out.empty() ? "Nothing was found." : "Found until then:\n" + out;
  }

  Next wrap_up(const std::string& outcome, const std::string& why) const {
    Json messages =
        Json::array({message("system", "You lead the team " + team_.name + ". Its goal: " + team_.goal),
                     message("user", board() + "\nNobody can be asked any more (" + why + "). Reply to the task now: what was found, and what stays open.")});
    const int64_t bytes = static_cast<int64_t>(text_of((*messages.as_array())[1]["content"]).size());
    const bool nothing = std::none_of(messages_.begin(), messages_.end(), [](const Message& one) { return one.from == one.thread; });
    if (nothing || !short_of(1, bytes / 3 + kLastWordTokens).empty()) return finish(outcome, Json(found()), why);
    return model_step("wrap_up", why, std::move(messages), Json(), team_.supervisor_model, kLastWordTokens, outcome);
  }
  Next finish(const std::string& outcome, const Json& answer, const std::string& reason) const {
    Next end;
    end.reason = reason;
    end.untrusted = untrusted_;
    end.result = Json::object({{"outcome", outcome},
                               {"answer", answer},
                               {"reason", reason},
                               {"spent", Json::object({{"steps", spent_.steps},
                                                       {"tokens", spent_.tokens},
                                                       {"money", spent_.money},
                                                       {"seconds", static_cast<double>(seen_.now_ms - seen_.begun_ms) / 1000}})},
                               {"rounds", rounds_},
                               {"untrusted", untrusted_}});
    if (!winner_.empty()) end.result.set("winner", winner_);
    return end;
  }
  Next model_step(const char* id, const std::string& reason, Json messages, Json schema, const std::string& model, int max_tokens,
                  const std::string& title = "") const {
    Json made = Json::object({{"id", id},
                              {"kind", "model"},
                              {"messages", std::move(messages)},
                              {"model", model},
                              {"max_tokens", max_tokens},
                              {"retry", Json::object({{"attempts", 2}, {"backoff_s", 1}})},
                              {"timeout_s", std::max(1.0, seconds_left())}});
    if (!schema.is_null()) made.set("schema", std::move(schema));
    if (!title.empty()) made.set("title", title);
    return step(std::move(made), reason);
  }
  Next step(Json step, const std::string& reason) const {
    Next made;
    made.step = std::move(step);
    made.reason = reason;
    made.untrusted = untrusted_;
    return made;
  }
  double seconds_left() const { return static_cast<double>(budget_.seconds) - static_cast<double>(seen_.now_ms - seen_.begun_ms) / 1000; }
  std::string short_of(int64_t steps, int64_t tokens = 1) const {
    if (spent_.steps + steps > budget_.steps) return std::to_string(spent_.steps) + " of " + std::to_string(budget_.steps) + " steps are used";
    if (spent_.tokens + tokens > budget_.tokens) return std::to_string(spent_.tokens) + " of " + std::to_string(budget_.tokens) + " tokens are used";
    if (budget_.money > 0 && spent_.money >= budget_.money) return Json(spent_.money).dump() + " of " + Json(budget_.money).dump() + " dollars are spent";
    if (seconds_left() <= 0) return std::to_string(budget_.seconds) + " seconds are over";
    return "";
  }

  const Team& team_;
  const flow::Driver::Seen& seen_;
  const Budget budget_;

  std::vector<Message> messages_;
  size_t written_ = 0;                           // messages that are on the bus
  std::optional<Assignment> pending_;
  std::set<std::string> worked_;
  std::vector<std::pair<std::string, Json>> answers_;   // of an ensemble
  bool all_done_ = false;
  Spent spent_;
  bool untrusted_ = false;
  bool loose_ = false;                           // the supervisor's model is held to nothing: it refused the schema
  std::string model_error_;                      // of the supervisor's last decision that could not be had
  int rounds_ = 0, invalid_ = 0;
  std::optional<Json> answer_;
  std::string outcome_, reason_, winner_;
  std::optional<Next> over_;
};

class TeamDriver : public flow::Driver {
 public:
  Result<Json> prepare(const Context&, const Json& spec, const Json& input) override {
    TRY(team_from(spec));
    TRY(check_budget(input["budget"]));
    return Json::object();
  }
  Result<Next> next(const Seen& seen) override {
    TRY_ASSIGN(auto team, team_from(seen.spec));
    return Room(team, seen).next();
  }
};

}  // namespace

std::unique_ptr<flow::Driver> make_team_driver() { return std::make_unique<TeamDriver>(); }

}  // namespace strata::agent
