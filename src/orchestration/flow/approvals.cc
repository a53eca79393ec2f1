// Approvals and outcomes: the row moves and the run is told in one transaction, so a decision is taken exactly once.
#include <algorithm>

#include "orchestration/flow/core.h"

namespace strata::flow {
namespace {

constexpr size_t kReasonBytesMax = 4'000;

bool names(const Json& list, std::string_view name) {
  auto* items = list.as_array();
  return items && std::any_of(items->begin(), items->end(), [&](const Json& item) { return item.is_string() && *item.as_string() == name; });
}

// Named people and roles may decide; with nobody named, everybody; an administrator always (and the log says who it was).
bool may_decide(const Principal& principal, const Json& who) {
  if (who.size() == 0 || names(who, principal.user)) return true;
  return std::any_of(principal.roles.begin(), principal.roles.end(), [&](const std::string& role) { return role == "admin" || names(who, role); });
}

Status check_decision(const Approval& approval, const Decision& decision) {
  if (!names(approval.allow, decision.decision))
    return failed_precondition("approval " + approval.id + " allows " + approval.allow.dump() + ", not '" + decision.decision + "'");
  if (decision.decision == "edit" && !decision.arguments.is_object())
    return invalid_argument("arguments: expected the whole new arguments as an object, as you want them sent", "arguments");
  if (decision.decision == "respond" && decision.response.empty()) return invalid_argument("response: is missing: what shall the flow be told?", "response");
  if (decision.reason.size() > kReasonBytesMax || decision.response.size() > (64u << 10))
    return invalid_argument("reason: at most 4,000 bytes, response at most 64 KiB", "reason");
  return {};
}

Json event_data(const Approval& approval, const Decision& decision, const std::string& by) {
  Json data = Json::object({{"approval_id", approval.id}, {"decision", decision.decision}});
  if (approval.kind == "outcome") data.set("result", decision.arguments);
  else data.set("arguments", approval.arguments);
  if (!decision.response.empty()) data.set("response", decision.response);
  data.set("by", by);
  data.set("reason", decision.reason);
  return data;
}

// What a resolved outcome means for the step: it ended so, it failed, or (not_happened) it is to be done again.
std::vector<durable::Event> outcome_events(const Approval& approval, const Decision& decision, Json data) {
  std::vector<durable::Event> events;
  Json asked = data;
  events.push_back({.kind = "outcome_resolved", .name = approval.step, .data = std::move(data), .decision = true});
  if (decision.decision == "happened")
    events.push_back({.kind = "step_finished",
                      .name = approval.step,
                      .data = Json::object({{"output", decision.arguments}, {"input", approval.arguments}, {"tool", approval.tool}, {"resolved", true}})});
  if (decision.decision == "fail")
    events.push_back(
        {.kind = "step_failed",
         .name = approval.step,
         .data = Json::object({{"error", "a person said that '" + approval.tool + "' failed: " + decision.reason}, {"code", "aborted"}, {"final", true}})});
  return events;
}

}  // namespace

Result<std::vector<Approval>> Flows::approvals(const Context& context, const std::string& state, const std::string& run_id, int limit) {
  static const std::vector<std::string_view> kStates = {"", "pending", "decided", "closed"};
  if (std::find(kStates.begin(), kStates.end(), state) == kStates.end())
    return invalid_argument("state: expected pending, decided or closed, got '" + state + "'", "state");
  std::vector<Approval> found;
  TRY(core_->store.read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(found, find_approvals(reader, "", state, run_id, limit));
    return {};
  }));
  return found;
}

Result<Approval> Flows::approval(const Context& context, const std::string& id) {
  std::vector<Approval> found;
  TRY(core_->store.read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(found, find_approvals(reader, id, "", "", 1));
    return {};
  }));
  if (found.empty() || id.empty()) return not_found("no approval has the id '" + id + "'", "approval_id");
  return std::move(found[0]);
}

Result<bool> Flows::granted(const Context& context, const std::string& approval_id, const std::string& tool, const Json& arguments) {
  TRY_ASSIGN(Approval approval, this->approval(context, approval_id));
  bool yes = approval.kind == "approval" && approval.state == "decided" && (approval.decision == "accept" || approval.decision == "edit");
  return yes && approval.tool == tool && approval.arguments == arguments;
}

Result<Approval> Flows::decide(const Context& context, const std::string& id, const Decision& decision) {
  Approval approval;
  Tools* tools = core_->options.effects.tools;
  // The tools hear first that a call may be made again: the run goes on as soon as its row says so. Said twice, it is the same.
  TRY_ASSIGN(Approval asked, this->approval(context, id));
  if (asked.kind == "outcome" && asked.state == "pending" && tools && may_decide(context.principal(), asked.who)) {
    TRY(check_decision(asked, decision));
    TRY(tools->settled(context, asked.tool, asked.key, decision.decision == "happened", decision.arguments));
  }
  // What the tool would refuse is told to the person who wrote it, not to the run afterwards.
  if (asked.kind == "approval" && decision.decision == "edit" && decision.arguments.is_object() && tools && !asked.tool.empty())
    TRY(tools->check(context, asked.tool, decision.arguments));
  TRY(core_->store.write(context, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(auto found, find_approvals(transaction, id, "", "", 1));
    if (found.empty()) return not_found("no approval has the id '" + id + "'", "approval_id");
    approval = std::move(found[0]);
    if (approval.state != "pending")
      return failed_precondition("approval " + id + " is no longer pending: it was " +
                                 (approval.state == "decided" ? approval.decision + " by " + approval.decided_by : "closed"));
    if (!may_decide(context.principal(), approval.who)) return permission_denied("approval " + id + " asks for " + approval.who.dump());
    TRY(check_decision(approval, decision));
    approval.state = "decided";
    approval.decision = decision.decision;
    approval.decided_by = context.principal().user;
    approval.reason = decision.reason;
    approval.decided_ms = core_->clock.unix_ms();
    if (approval.kind == "approval" && decision.decision == "edit") approval.arguments = decision.arguments;
    TRY(move_approval(transaction, approval));
    Json data = event_data(approval, decision, approval.decided_by);
    std::vector<durable::Event> events;
    if (approval.kind == "outcome") events = outcome_events(approval, decision, std::move(data));
    else events.push_back({.kind = "approval_decided", .name = approval.step, .data = std::move(data), .decision = true});
    return core_->journal.signal_in(transaction, approval.run_id, std::move(events));
  }));
  return approval;
}

}  // namespace strata::flow
