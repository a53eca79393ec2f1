// The registry: what is added, and the way of one call through its gates.
#include <algorithm>
#include <deque>

#include "base/span.h"
#include "base/text.h"
#include "knowledge/tool/rows.h"
#include "knowledge/tool/tool.h"

namespace strata::tool {
namespace {

constexpr size_t kKeyBytesMost = 256;
constexpr int64_t kMinuteMs = 60'000;

Outcome refused(std::string code, std::string message, std::vector<schema::Problem> problems = {}, bool retry = false) {
  Outcome out;
  out.state = State::kRefused;
  out.failure = Failure{std::move(code), std::move(message), std::move(problems), retry};
  return out;
}

bool well_named(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Outcome bad_approval() { return refused("approval_invalid", "that approval is not for this tool with exactly these arguments, was used, or was never given"); }

bool stands(const Outcome& outcome) { return outcome.failure && outcome.failure->stands; }

Failure failure_of(const Error& error) {
  const bool later = error.code == Code::kUnavailable || error.code == Code::kDeadlineExceeded || error.code == Code::kResourceExhausted ||
                     error.code == Code::kAborted || error.code == Code::kCancelled;
  const std::string code = error.code == Code::kDeadlineExceeded ? "timeout" : error.reason.empty() ? std::string(code_name(error.code)) : error.reason;
  return {code, error.message, {}, later};
}

}  // namespace

struct Tools::Entry {
  std::unique_ptr<Tool> tool;
  std::shared_ptr<const schema::Validator> parameters, result;
  std::mutex mutex;
  int running = 0;
  std::map<std::string, std::deque<int64_t>> recent;   // by user, when they called in the last minute
  const Description& description() const { return tool->description(); }
};

struct Tools::Call {
  Entry& entry;
  const Json& arguments;
  const std::string& key;
  const CallOptions& options;
  const Policy& policy;
  std::string digest;
  bool dry_run = false;                                // of a tool that can: what only reads just runs
};

class Tools::Turn {
 public:
  Turn(Entry& entry, const Context& context, int64_t now_ms) : entry_(entry) {
    const Limits& limits = entry.description().limits;
    const std::lock_guard lock(entry.mutex);
    // Users who were not here for a minute are forgotten, so that the map stays as small as what goes on.
    std::erase_if(entry.recent, [&](const auto& one) { return one.second.empty() || one.second.back() <= now_ms - kMinuteMs; });
    std::deque<int64_t>& calls = entry.recent[context.principal().tenant + "/" + context.principal().user];
    while (!calls.empty() && calls.front() <= now_ms - kMinuteMs) calls.pop_front();
    if (static_cast<int>(calls.size()) >= limits.calls_per_minute) {
      why_not_ = "at most " + std::to_string(limits.calls_per_minute) + " calls a minute are allowed; wait " +
                 std::to_string((calls.front() + kMinuteMs - now_ms + 999) / 1000) + " s";
    } else if (entry.running >= limits.at_once) {
      why_not_ = "at most " + std::to_string(limits.at_once) + " calls may run at once; wait for one to end";
    } else {
      calls.push_back(now_ms);
      ++entry.running;
    }
  }
  ~Turn() {
    if (!why_not_.empty()) return;
    const std::lock_guard lock(entry_.mutex);
    --entry_.running;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  bool free() const { return why_not_.empty(); }
  Outcome refusal() const { return refused("rate_limited", "tool " + entry_.description().name + ": " + why_not_, {}, true); }

 private:
  Entry& entry_;
  std::string why_not_;
};

class Tools::Mark {
 public:
  // An empty key is held by any number of calls.
  Mark(Tools& tools, const rows::Key& key) : tools_(tools), mark_(key.tenant + '\n' + key.tool + '\n' + key.key), keyed_(!key.key.empty()) {
    const std::lock_guard lock(tools.mutex_);
    held_ = !keyed_ || tools.running_.insert(mark_).second;
  }
  ~Mark() {
    if (!keyed_ || !held_) return;
    const std::lock_guard lock(tools_.mutex_);
    tools_.running_.erase(mark_);
  }
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;
  bool held() const { return held_; }

 private:
  Tools& tools_;
  const std::string mark_;
  const bool keyed_;
  bool held_ = false;
};

Tools::Tools(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}
Tools::~Tools() = default;

Status Tools::add(std::unique_ptr<Tool> tool) {
  const Description& about = tool->description();
  if (!well_named(about.name)) return invalid_argument("name: expected 1 to 64 letters, digits, '_' or '-', got '" + about.name + "'", "name", "invalid_value");
  if (about.parameters["type"] != Json("object"))
    return invalid_argument("tool " + about.name + ": parameters: expected a schema with type 'object'", "parameters", "invalid_schema");
  auto entry = std::make_shared<Entry>();
  TRY_ASSIGN(entry->parameters, schema::Validator::compile(about.parameters, "tool " + about.name + ": parameters"));
  TRY_ASSIGN(entry->result, schema::Validator::compile(about.result.is_null() ? Json(true) : about.result, "tool " + about.name + ": result"));
  const std::string name = about.name;
  entry->tool = std::move(tool);
  const std::lock_guard lock(mutex_);
  if (!entries_.emplace(name, std::move(entry)).second) return Error{Code::kAlreadyExists, "there is a tool '" + name + "' already", "name", ""};
  return {};
}

bool Tools::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return entries_.erase(name) > 0;
}

void Tools::set_approvals(Approvals* approvals) {
  const std::lock_guard lock(mutex_);
  approvals_ = approvals;
}

std::shared_ptr<Tools::Entry> Tools::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : found->second;
}

std::vector<Description> Tools::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Description> out;
  for (const auto& [name, entry] : entries_) out.push_back(entry->description());
  return out;
}

Result<Description> Tools::describe(const std::string& name) const {
  if (const auto entry = find(name)) return entry->description();
  Error error = not_found(unknown_tool(name).failure->message, "name", "tool_not_found");
  return error;
}

Result<std::vector<schema::Problem>> Tools::check(const std::string& name, const Json& arguments) const {
  if (const auto entry = find(name)) return entry->parameters->check(arguments);
  TRY(describe(name));
  return std::vector<schema::Problem>();
}

Outcome Tools::unknown_tool(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string_view> names;
  std::string all;
  for (const auto& [known, entry] : entries_) {
    names.push_back(known);
    all += (all.empty() ? "'" : ", '") + known + "'";
  }
  const std::string near(nearest_name(name, names));
  return refused("tool_not_found", "there is no tool '" + name.substr(0, 100) + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?"),
                 {{"", "name", "one of " + all, "'" + name.substr(0, 100) + "'", near}});
}

// What says no before anybody is asked: permission, size and shape of the arguments.
std::optional<Outcome> Tools::refuse(const Context& context, const Call& call) {
  const Description& about = call.entry.description();
  const std::vector<std::string>&roles = context.principal().roles, &wanted = call.policy.roles;
  const bool may = wanted.empty() || std::any_of(roles.begin(), roles.end(),
                                                 [&](const std::string& role) { return std::find(wanted.begin(), wanted.end(), role) != wanted.end(); });
  if (call.policy.permission == Permission::kDeny || !may)
    return refused("permission_denied", "tool " + about.name + " may not be called" + (may ? "" : " by this user's roles"));
  if (call.key.size() > kKeyBytesMost) return refused("invalid_key", "the idempotency key has more than 256 bytes");
  if (call.arguments.dump().size() > about.limits.argument_bytes)
    return refused("arguments_too_large", "the arguments have more than " + std::to_string(about.limits.argument_bytes) + " bytes");
  std::vector<schema::Problem> problems = call.entry.parameters->check(call.arguments);
  if (!problems.empty()) {
    const std::string first = problems.front().text();
    return refused("invalid_arguments", "the arguments of " + about.name + " do not fit its schema: " + first, std::move(problems));
  }
  if (call.options.dry_run && about.changes && !about.dry_run)
    return refused("dry_run_unsupported", "tool " + about.name + " cannot say what it would do without doing it");
  return std::nullopt;
}

// Whether a person agreed; only of calls that want it.
Result<std::optional<Outcome>> Tools::ask(const Context& context, const Call& call) {
  const Description& about = call.entry.description();
  if (call.options.approval_id.empty()) {
    Outcome out;
    out.state = State::kNeedsApproval;
    out.digest = call.digest;
    out.failure = Failure{"needs_approval",
                          "a person must approve this call of " + about.name +
                              (call.policy.permission == Permission::kAsk ? "" : ", because what led to it holds text from documents, the web or tools"),
                          {}};
    return std::optional(std::move(out));
  }
  Approvals* approvals = nullptr;
  {
    const std::lock_guard lock(mutex_);
    approvals = approvals_;
  }
  bool granted = false;
  if (approvals) {
    TRY_ASSIGN(granted, approvals->granted(context, call.options.approval_id, call.digest, call.key));
  }
  return granted ? std::optional<Outcome>() : std::optional(bad_approval());
}

// As OpenTelemetry's conventions for generative AI have the execution of a tool; what they have no name for begins with "strata.".
// SOURCE: github.com/open-telemetry/semantic-conventions-genai, "Execute tool span".
class Tools::Traced {
 public:
  Traced(const Context& context, const std::string& name, const Json& arguments, const std::string& key, const CallOptions& options)
      : span_(context, "execute_tool " + name.substr(0, kNameBytesMost)) {
    if (!span_.recording()) return;
    span_.set("gen_ai.operation.name", "execute_tool");
    span_.set("gen_ai.tool.name", name.substr(0, kNameBytesMost));
    if (!key.empty() && key.size() <= kKeyBytesMost) span_.set("gen_ai.tool.call.id", key);
    std::string text = arguments.dump();
    span_.set("strata.tool.arguments_bytes", static_cast<int64_t>(text.size()));
    if (span_.keeps_content()) span_.content("gen_ai.tool.call.arguments", std::move(text));
    if (options.untrusted) span_.set("strata.tool.untrusted", true);
    if (options.dry_run) span_.set("strata.tool.dry_run", true);
  }
  Context in(const Context& context) const { return span_.in(context); }
  void about(const Description& tool) {
    if (!span_.recording()) return;
    span_.set("gen_ai.tool.type", tool.source.starts_with("mcp:") || tool.source.starts_with("openapi:") ? "extension" : "function");
    span_.set("strata.tool.source", tool.source);
    span_.set("strata.tool.risk", risk_name(tool.risk));
  }
  Result<Outcome> end(Result<Outcome> outcome) {
    if (!span_.recording()) return outcome;
    span_.outcome(outcome);
    if (!outcome) return outcome;
    span_.set("strata.tool.outcome", state_name(outcome->state));
    if (outcome->repeated) span_.set("strata.tool.repeated", true);
    if (outcome->cost > 0 && !outcome->repeated) span_.set("strata.cost", outcome->cost);
    if (outcome->failure) {
      span_.set("strata.tool.failure", outcome->failure->code);
      // To be asked first is no failure of a call.
      if (outcome->state != State::kNeedsApproval) span_.fail(Error{Code::kFailedPrecondition, outcome->failure->message, "", outcome->failure->code});
    }
    if (outcome->state == State::kDone && span_.keeps_content()) span_.content("gen_ai.tool.call.result", outcome->result.dump());
    return outcome;
  }

 private:
  static constexpr size_t kNameBytesMost = 64;   // a caller's own words, where there is no such tool
  Span span_;
};

Result<Outcome> Tools::call(const Context& context, const std::string& name, const Json& arguments, const std::string& key, const CallOptions& options) {
  TRY(context.check());
  Traced traced(context, name, arguments, key, options);
  const auto entry = find(name);
  if (!entry) return traced.end(unknown_tool(name));
  traced.about(entry->description());
  return traced.end(call_entry(traced.in(context), *entry, arguments, key, options));
}

Result<Outcome> Tools::call_entry(const Context& context, Entry& entry, const Json& arguments, const std::string& key, const CallOptions& options) {
  const Description& about = entry.description();
  TRY_ASSIGN(const Policy policy, rows::policy(store_, context, about.name));
  const Call call{entry, arguments, key, options, policy, call_digest(about.name, arguments), options.dry_run && about.dry_run};
  if (auto stopped = refuse(context, call)) return std::move(*stopped);
  const bool asks = !call.dry_run && (policy.permission == Permission::kAsk || (options.untrusted && about.risk > kRiskLine));
  // What has no effect needs no record, but for that an approval was spent on it.
  if (asks || (about.changes && !call.dry_run && !key.empty())) return run_recorded(context, call, asks);
  const Turn turn(entry, context, clock_.unix_ms());
  return turn.free() ? run_now(context, call) : turn.refusal();
}

// What is known of this key's call already.
Result<std::optional<Outcome>> Tools::recall(const Context& context, const Call& call) {
  const Description& about = call.entry.description();
  if (call.key.empty()) return std::optional<Outcome>();
  TRY_ASSIGN(auto recorded, rows::find(store_, context, {context.principal().tenant, about.name, call.key}));
  if (!recorded) return std::optional<Outcome>();
  if (recorded->digest != call.digest) return std::optional(refused("idempotency_key_reused", "this idempotency key belongs to a call with other arguments"));
  if (recorded->outcome) return std::move(recorded->outcome);
  if (about.repeatable) return std::optional<Outcome>();
  Outcome out;
  out.state = State::kUnknown;
  out.failure = Failure{"outcome_unknown", "this call was begun, and nobody knows how it ended: look, and resolve it", {}};
  return std::optional(std::move(out));
}

Result<Outcome> Tools::run_recorded(const Context& context, const Call& call, bool asks) {
  const Description& about = call.entry.description();
  const rows::Key key{context.principal().tenant, about.name, call.key};
  const Mark mark(*this, key);
  if (!mark.held()) return refused("in_progress", "a call with this idempotency key is running", {}, true);
  TRY_ASSIGN(auto stopped, recall(context, call));
  if (stopped) return std::move(*stopped);
  if (asks) {
    TRY_ASSIGN(stopped, ask(context, call));
    if (stopped) return std::move(*stopped);
  }
  const Turn turn(call.entry, context, clock_.unix_ms());
  if (!turn.free()) return turn.refusal();
  TRY_ASSIGN(const bool ours,
             rows::begin(store_, context, key, call.digest, call.arguments, clock_.unix_ms(), asks ? call.options.approval_id : std::string()));
  if (!ours) return bad_approval();
  Outcome out = run_now(context, call);
  if (call.key.empty() || out.state == State::kUnknown) return out;   // an unknown one's row stays open
  // What became of it is written down also where the caller left meanwhile.
  const Context own = Context::make(clock_, context.principal(), context.request_id(), std::make_shared<CancelFlag>());
  TRY(out.state == State::kDone || stands(out) ? rows::end(store_, own, key, out) : rows::forget(store_, own, key));
  return out;
}

Outcome Tools::run_now(const Context& context, const Call& call) {
  const Description& about = call.entry.description();
  Outcome out;
  out.dry_run = call.dry_run;
  out.untrusted = about.untrusted_result;
  out.cost = call.dry_run ? 0 : about.cost;
  const int64_t begin_ns = clock_.monotonic_ns();
  const Context limited = context.with_timeout_ms(about.limits.time_ms);
  auto answer = call.entry.tool->run(limited, {call.arguments, call.key, call.dry_run});
  out.ms = static_cast<double>(clock_.monotonic_ns() - begin_ns) / 1e6;
  if (!answer) {
    const bool lost = about.changes && !about.repeatable && !call.dry_run;
    out.state = lost ? State::kUnknown : State::kFailed;
    out.failure = failure_of(answer.error());
    if (lost) out.failure = Failure{"outcome_unknown", "nobody knows whether it happened: " + answer.error().message, {}};
    return out;
  }
  if (answer->failure) {
    out.state = State::kFailed;
    out.failure = std::move(answer->failure);
    out.failure->stands = out.failure->stands && about.changes && !call.dry_run;
    return out;
  }
  std::vector<schema::Problem> problems = call.entry.result->check(answer->result);
  const bool too_large = problems.empty() && answer->result.dump().size() > about.limits.result_bytes;
  if (problems.empty() && !too_large) {
    out.result = std::move(answer->result);
    return out;
  }
  out.state = State::kFailed;
  const bool did = about.changes && !call.dry_run;
  const std::string note = did ? "; what it did stands" : "";
  if (too_large)
    out.failure = Failure{"result_too_large", "the result has more than " + std::to_string(about.limits.result_bytes) + " bytes" + note, {}, false, did};
  else out.failure = Failure{"invalid_result", "the tool's answer does not fit its own schema: " + problems.front().text() + note, problems, false, did};
  return out;
}

Status Tools::resolve(const Context& context, const std::string& name, const std::string& key, bool happened, const Json& result) {
  const auto entry = find(name);
  if (!entry) return not_found(unknown_tool(name).failure->message, "name", "tool_not_found");
  const rows::Key row{context.principal().tenant, name, key};
  const Mark mark(*this, row);
  if (!mark.held()) return Error{Code::kAborted, "that call is running: how it ends is not known before it does", "key", "in_progress"};
  TRY_ASSIGN(const auto recorded, rows::find(store_, context, row));
  if (!recorded) return not_found("tool " + name + " has no call with that key", "key");
  if (recorded->outcome && !stands(*recorded->outcome)) return failed_precondition("that call has ended: there is nothing to resolve");
  if (!happened) return rows::forget(store_, context, row);
  if (!result.is_null())   // else it happened, and nobody knows more
    if (const auto problems = entry->result->check(result); !problems.empty())
      return invalid_argument("result: " + problems.front().text(), "result", "invalid_value");
  Outcome out;
  out.result = result;
  out.untrusted = entry->description().untrusted_result;
  return rows::end(store_, context, row, out);
}

Result<std::vector<Tools::Open>> Tools::open_calls(const Context& context) {
  TRY_ASSIGN(auto calls, rows::open_calls(store_, context));
  const std::lock_guard lock(mutex_);
  std::erase_if(calls, [&](const Open& call) {
    const auto entry = entries_.find(call.name);
    const bool repeatable = entry != entries_.end() && entry->second->description().repeatable;
    return repeatable || running_.contains(context.principal().tenant + '\n' + call.name + '\n' + call.key);
  });
  return calls;
}

Result<Policy> Tools::policy(const Context& context, const std::string& name) {
  TRY(describe(name));
  return rows::policy(store_, context, name);
}

Result<Policy> Tools::set_policy(const Context& context, const std::string& name, Policy policy) {
  TRY(describe(name));
  if (policy.roles.size() > 32) return invalid_argument("roles: expected at most 32", "roles", "invalid_value");
  if (policy.why.size() > 2'000) return invalid_argument("why: expected at most 2,000 bytes", "why", "invalid_value");
  if (policy.who.empty()) policy.who = context.principal().user;
  policy.updated_ms = clock_.unix_ms();
  TRY(rows::set_policy(store_, context, name, policy));
  return policy;
}

Status Tools::prune(const Context& context, int64_t before_ms) { return rows::prune(store_, context, before_ms); }

}  // namespace strata::tool
