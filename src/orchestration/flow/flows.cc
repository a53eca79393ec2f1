// The front door: definitions and the life of runs. Approvals, schedules and webhooks have files of their own.
#include <algorithm>
#include <set>

#include "base/log.h"
#include "base/text.h"
#include "orchestration/flow/core.h"

namespace strata::flow {
namespace {

using durable::Event;

constexpr size_t kDefinitionsKept = 256;

Flow flow_from(const registry::Version& version, const std::string& name) {
  Flow flow;
  flow.name = name;
  flow.version = version.number;
  flow.text = version.content;
  flow.who = version.who;
  flow.why = version.why;
  flow.created_ms = version.created_ms;
  return flow;
}

Json reason_json(const Context& context, const std::string& reason) { return Json::object({{"by", context.principal().user}, {"reason", reason}}); }

// Of what happened before the step of a fork: steps that were announced, asked about or decided but had no end yet begin anew, with a
// decision of their own; what concerned the run as a whole was the parent's, but for retries, which take a failure back.
std::vector<Event> kept_by_fork(const std::vector<Event>& before) {
  static const std::set<std::string_view> kOpen = {"step_started", "approval_asked",  "escalated",       "approval_decided",
                                                   "waiting",      "outcome_unknown", "outcome_resolved"};
  static const std::set<std::string_view> kParents = {"paused", "resumed", "run_failed", "cancel_asked"};
  std::vector<Event> kept;
  std::set<std::string_view> ended;   // steps that end later in the log
  for (auto e = before.rbegin(); e != before.rend(); ++e) {
    auto* final = e->data["final"].as_bool();
    if (e->kind == "step_finished" || (e->kind == "step_failed" && final && *final)) ended.insert(e->name);
    if (kParents.count(e->kind) || (kOpen.count(e->kind) && !ended.count(e->name))) continue;
    kept.push_back(*e);
    kept.back().decision = false;   // found once, where it was made
  }
  std::reverse(kept.begin(), kept.end());
  return kept;
}

Event decision(std::string kind, Json data) { return {.kind = std::move(kind), .name = "", .data = std::move(data), .decision = true}; }

}  // namespace

Json graph_of(const Block& block, const Entered& entered, const std::string& prefix) {
  Json steps = Json::array();
  for (size_t i = 0; i < block.steps.size(); ++i) {
    const Step& step = block.steps[i];
    Json next = Json::array();
    std::string following = i + 1 < block.steps.size() ? block.steps[i + 1].id : "end";
    auto arrow = [&](const std::string& to, const Json& when) { next.push(Json::object({{"to", to}, {"when", when}})); };
    if (step.kind == StepKind::kCondition) {
      for (auto& one : *step.spec["cases"].as_array()) arrow(*one["next"].as_string(), one["when"]);
      arrow(step.spec["else"].is_string() ? *step.spec["else"].as_string() : following, "else");
    } else if (step.kind == StepKind::kRespond) {
      arrow("end", Json());
    } else {
      arrow(step.next.empty() ? following : step.next, Json());
    }
    if (!step.on_error.empty()) arrow(step.on_error, "error");
    Json one = Json::object({{"id", step.id}, {"kind", step_kind_name(step.kind)}, {"title", step.title}, {"next", std::move(next)}});
    const std::string path = prefix + step.id;
    Json blocks = Json::array();
    for (auto& inner : step.blocks)
      blocks.push(Json::object({{"name", inner.name}, {"steps", graph_of(inner, entered, path + (inner.name.empty() ? "" : "." + inner.name) + "/")}}));
    if (auto flow = entered.find(path); flow != entered.end())
      blocks.push(Json::object({{"name", ""}, {"steps", graph_of(flow->second->root, entered, path + "/")}}));
    if (blocks.size() > 0) one.set("blocks", std::move(blocks));
    steps.push(std::move(one));
  }
  return steps;
}

Json input_schema(const Definition& flow) {
  Json properties = Json::object(), required = Json::array();
  for (auto& variable : flow.input) {
    Json one = Json::object();
    if (variable.type != "any") one.set("type", variable.type);
    if (!variable.description.empty()) one.set("description", variable.description);
    if (!variable.choices.is_null()) one.set("enum", variable.choices);
    if (!variable.fallback.is_null()) one.set("default", variable.fallback);
    properties.set(variable.name, std::move(one));
    if (variable.required) required.push(variable.name);
  }
  return Json::object({{"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(required)}, {"additionalProperties", false}});
}

// "agent:triage" is the artifact `triage` of another kind, whose text a form turns into a flow's.
static Result<DefinitionPtr> read_definition(const Options& options, const registry::Key& key, const std::string& name, const std::string& content) {
  if (key.kind == kArtifactKind) return parse_definition(content);
  TRY_ASSIGN(Json json, options.forms.at(key.kind)(content));
  TRY_ASSIGN(auto flow, definition_of(json));
  auto named = std::make_shared<Definition>(*flow);
  named->name = name;
  return DefinitionPtr(named);
}

static registry::Key key_of(const Options& options, const std::string& name) {
  const size_t colon = name.find(':');
  if (colon == name.npos || !options.forms.count(name.substr(0, colon))) return {kArtifactKind, name};
  return {name.substr(0, colon), name.substr(colon + 1)};
}

static Error no_artifact(const registry::Key& key, int version) {
  return not_found("no " + key.kind + " '" + key.name + "'" + (version ? " has a version " + std::to_string(version) : ""), key.kind);
}

Status Flows::Core::known(const Context& context, const std::string& name) {
  if (name.empty()) return {};
  const registry::Key key = key_of(options, name);
  if (auto found = registry.version(context, key, 0); !found) return found.error().code == Code::kNotFound ? no_artifact(key, 0) : found.error();
  return {};
}

Result<DefinitionPtr> Flows::Core::definition(const Context& context, const std::string& name, int* version) {
  const registry::Key key = key_of(options, name);
  if (*version == 0) {
    auto live = registry.labelled(context, key, "live");
    if (live) *version = live->number;
    else if (live.error().code != Code::kNotFound) return live.error();
  }
  if (*version > 0) {
    std::lock_guard lock(mutex);
    auto found = definitions.find({name, *version});
    if (found != definitions.end()) return found->second;
  }
  auto content = registry.version(context, key, *version);
  if (!content) {
    return content.error().code == Code::kNotFound ? no_artifact(key, *version) : content.error();
  }
  *version = content->number;
  TRY_ASSIGN(auto flow, read_definition(options, key, name, content->content));
  std::lock_guard lock(mutex);
  if (definitions.size() >= kDefinitionsKept) definitions.clear();   // runs keep theirs by pointer
  return definitions[{name, *version}] = flow;
}

Result<DefinitionPtr> Flows::Core::definition(const std::string& name, int version) { return definition(Context::background(clock), name, &version); }

Flows::Flows(store::Store& store, durable::Journal& journal, registry::Registry& registry, const Clock& clock, Options options)
    : core_(new Core{.store = store,
                     .journal = journal,
                     .registry = registry,
                     .clock = clock,
                     .options = std::move(options),
                     .mutex = {},
                     .definitions = {},
                     .subscriptions = {}}) {}
Flows::~Flows() = default;

void Flows::register_jobs() {
  Core* core = core_.get();
  if (auto loaded = core->load_subscriptions(Context::background(core->clock)); !loaded)
    log::error("flow.subscriptions_unreadable", {{"message", loaded.error().message}});
  auto moved = [core](store::Transaction& transaction, const durable::Job& job) -> Status {
    if (!durable::finished(job.state)) return {};
    TRY(close_approvals(transaction, job.id, ""));
    Json data = Json::object({{"flow", job.input["flow"]}, {"result", job.result}, {"error", job.error}});
    return core->announce(transaction, "run_" + std::string(durable::state_name(job.state)), job.id, data);
  };
  core->journal.register_kind(kRunKind, [core](durable::Run& job) { return walk(*core, job); }, moved, core->options.threads);
  core->journal.on_prune(kRunKind, forget_runs);
  core->journal.register_kind(kDeliveryKind, [core](durable::Run& job) { return core->deliver(job); }, nullptr, 2);
  core->journal.register_kind(kScheduleKind, [core](durable::Run& job) { return core->keep_schedule(job); });
  if (auto woken = core->wake_schedules(); !woken) log::error("flow.schedules_not_woken", {{"message", woken.error().message}});
}

Result<Checked> check(std::string_view text) {
  TRY_ASSIGN(auto flow, parse_definition(text));
  std::function<int(const Block&)> count = [&](const Block& block) {
    int all = 0;
    for (auto& step : block.steps) {
      ++all;
      for (auto& inner : step.blocks) all += count(inner);
    }
    return all;
  };
  return Checked{flow->name, count(flow->root), Json::object({{"steps", graph_of(flow->root)}}), input_schema(*flow)};
}

Result<Flow> Flows::put(const Context& context, const std::string& name, const std::string& text, int base_version, const std::string& why) {
  TRY_ASSIGN(auto flow, parse_definition(text));
  if (flow->name != name) return invalid_argument("flow: the text names '" + flow->name + "', the address '" + name + "'", "flow");
  TRY_ASSIGN(auto version, core_->registry.add_version(context, {kArtifactKind, name}, text, base_version, {.who = "", .why = why}));
  Flow put = flow_from(version, name);
  put.text = text;
  put.description = flow->description;
  return put;
}

Result<Flow> Flows::get(const Context& context, const std::string& name, int version) {
  auto found = core_->registry.version(context, {kArtifactKind, name}, version);
  if (!found) {
    if (found.error().code != Code::kNotFound) return found.error();
    TRY_ASSIGN(auto all, core_->registry.list(context, kArtifactKind, 1000));
    std::vector<std::string_view> names;
    for (auto& one : all) names.push_back(one.key.name);
    auto near = nearest_name(name, names);
    return not_found("no flow '" + name + "'" + (version ? " has a version " + std::to_string(version) : "") +
                         (near.empty() || near == name ? "" : ": did you mean '" + std::string(near) + "'?"),
                     "flow");
  }
  Flow flow = flow_from(*found, name);
  if (auto parsed = parse_definition(flow.text)) flow.description = (*parsed)->description;
  return flow;
}

Result<std::vector<Flow>> Flows::list(const Context& context, int limit, const std::string& after) {
  TRY_ASSIGN(auto artifacts, core_->registry.list(context, kArtifactKind, limit, after));
  std::vector<Flow> flows;
  for (auto& artifact : artifacts) {
    if (artifact.latest == 0) continue;
    TRY_ASSIGN(auto flow, get(context, artifact.key.name, artifact.latest));
    flows.push_back(std::move(flow));
  }
  return flows;
}

Result<Run> Flows::Core::start_in(store::Transaction& transaction, const Principal& principal, const DefinitionPtr& flow, int version, const Json& input,
                                  const std::string& key, const std::string& trigger) {
  TRY_ASSIGN(auto job, journal.submit_in(transaction, kRunKind, Json::object({{"flow", flow->name}, {"version", version}}),
                                         key.empty() ? "" : flow->name + "\n" + key, principal));
  TRY_ASSIGN(auto known, find_run(transaction, job.id));
  Run run;
  if (known) {
    run = *known;
  } else {
    run.id = job.id;
    run.flow = flow->name;
    run.version = version;
    run.trigger = trigger;
    TRY(insert_run(transaction, run, clock.unix_ms()));
    Event begin{.kind = "run_started",
                .name = "",
                .data = Json::object({{"flow", flow->name}, {"version", version}, {"input", input}, {"trigger", trigger}, {"by", principal.user}})};
    TRY(journal.signal_in(transaction, run.id, {std::move(begin)}));
  }
  run.job = std::move(job);
  return run;
}

Result<Run> Flows::start(const Context& context, const Start& start) {
  int version = start.version;
  TRY_ASSIGN(auto flow, core_->definition(context, start.flow, &version));
  TRY_ASSIGN(Json input, flow->check_input(start.input));
  Run run;
  TRY(core_->store.write_together(context, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(run, core_->start_in(transaction, context.principal(), flow, version, input, start.key, start.trigger));
    return {};
  }));
  return run;
}

Result<Run> Flows::run(const Context& context, const std::string& id) {
  std::optional<Run> run;
  TRY(core_->store.read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(run, find_run(reader, id));
    return {};
  }));
  if (!run) return not_found("no run has the id '" + id + "'", "run_id");
  TRY_ASSIGN(run->job, core_->journal.get(context, id));
  return std::move(*run);
}

Result<std::vector<Run>> Flows::runs(const Context& context, const std::string& flow, int limit, const std::string& after, const std::string& state) {
  constexpr int kPage = 200;   // of a search by state: the state is the journal's to say
  TRY(core_->known(context, flow));
  std::vector<Run> found;
  std::string from = after;
  for (int seen = 0; seen < kRunsLookedAt;) {
    std::vector<Run> page;
    int most = state.empty() ? limit : kPage;
    TRY(core_->store.read(context, [&](store::Reader& reader) -> Status {
      TRY_ASSIGN(page, list_runs(reader, flow, 0, most, from));
      return {};
    }));
    for (Run& run : page) {
      from = run.id;
      auto job = core_->journal.get(context, run.id);
      if (!job && job.error().code == Code::kNotFound) continue;   // forgotten meanwhile
      TRY_ASSIGN(run.job, std::move(job));
      if (state.empty() || durable::state_name(run.job.state) == state) found.push_back(std::move(run));
      if (static_cast<int>(found.size()) == limit) return found;
    }
    seen += static_cast<int>(page.size());
    if (state.empty() || static_cast<int>(page.size()) < most) break;
  }
  return found;
}

Result<std::vector<Event>> Flows::events(const Context& context, const std::string& id, int64_t after, int limit, size_t bytes_most) {
  TRY(run(context, id));
  return core_->journal.events(context, id, after, limit, bytes_most);
}

Result<std::vector<durable::Journal::FoundEvent>> Flows::search(const Context& context, const durable::Journal::Search& search, int limit) {
  return core_->journal.search_events(context, search, limit);
}

Status Flows::pause(const Context& context, const std::string& id, const std::string& reason) {
  TRY(run(context, id));
  return core_->journal.signal(context, id, {decision("paused", reason_json(context, reason))});
}

Status Flows::resume(const Context& context, const std::string& id, const std::string& reason) {
  TRY(run(context, id));
  return core_->journal.signal(context, id, {decision("resumed", reason_json(context, reason))});
}

Status Flows::cancel(const Context& context, const std::string& id, const std::string& reason) {
  TRY_ASSIGN(Run found, run(context, id));
  if (found.job.state == durable::State::kCancelled) return {};
  TRY(core_->journal.signal(context, id, {decision("cancel_asked", reason_json(context, reason))}));
  return core_->journal.cancel(context, id);
}

Status Flows::retry(const Context& context, const std::string& id, const std::string& reason) {
  TRY_ASSIGN(Run found, run(context, id));
  if (found.job.state != durable::State::kFailed && found.job.state != durable::State::kCancelled)
    return failed_precondition("run " + id + " is " + std::string(durable::state_name(found.job.state)) + ": only a failed or cancelled run can be run again");
  // What was asked before is asked anew, so nothing of it may stay in the inbox.
  return core_->store.write_together(context, [&](store::Transaction& transaction) -> Status {
    TRY(close_approvals(transaction, id, ""));
    return core_->journal.signal_in(transaction, id, {decision("retried", reason_json(context, reason))}, durable::Wake::kRevive);
  });
}

Status Flows::signal(const Context& context, const std::string& id, const std::string& name, Json data) {
  TRY(run(context, id));
  if (name.empty() || name.size() > 64) return invalid_argument("signal: expected a name of 1 to 64 bytes", "signal");
  return core_->journal.signal(context, id, {Event{.kind = "signalled", .name = name, .data = std::move(data)}});
}

Result<Run> Flows::fork(const Context& context, const std::string& id, const std::string& step, const Json& state) {
  TRY_ASSIGN(Run parent, run(context, id));
  TRY_ASSIGN(auto events, core_->journal.events(context, id, 0, INT32_MAX));
  auto first = std::find_if(events.begin(), events.end(), [&](const Event& e) { return e.name == step && e.kind != "signalled"; });
  if (first == events.end()) {
    std::vector<std::string_view> names;
    for (auto& e : events)
      if (!e.name.empty()) names.push_back(e.name);
    auto near = nearest_name(step, names);
    return invalid_argument("step: run " + id + " has not come to a step '" + step + "'" + (near.empty() ? "" : ": did you mean '" + std::string(near) + "'?"),
                            "step");
  }
  std::vector<Event> kept = kept_by_fork({events.begin(), first});
  kept.push_back(decision("forked", Json::object({{"from", id}, {"step", step}, {"by", context.principal().user}})));
  if (state.is_object() && state.size() > 0) {
    TRY_ASSIGN(auto flow, core_->definition(parent.flow, parent.version));
    for (auto& [name, value] : *state.as_object()) TRY(flow->check_state(name, value));
    kept.push_back({.kind = "state_set", .name = "", .data = Json::object({{"values", state}})});
  }
  Run made;
  TRY(core_->store.write(context, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(auto job,
               core_->journal.submit_in(transaction, kRunKind, Json::object({{"flow", parent.flow}, {"version", parent.version}}), "", context.principal()));
    made.id = job.id;
    made.flow = parent.flow;
    made.version = parent.version;
    made.trigger = "fork";
    made.parent = id;
    made.job = job;
    TRY(insert_run(transaction, made, core_->clock.unix_ms()));
    return core_->journal.signal_in(transaction, made.id, kept);
  }));
  return made;
}

}  // namespace strata::flow
