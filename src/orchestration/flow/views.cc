// What a run's log says, for people: its steps with their cost, and what each step of a flow adds over many runs.
#include <algorithm>
#include <cmath>

#include "orchestration/flow/core.h"

namespace strata::flow {
namespace {

using durable::Event;

constexpr int kImpactRuns = 200;

int64_t integer_of(const Json& json) { return json.is_int() ? *json.to_int("") : 0; }
double number_of(const Json& json) { return json.is_number() ? *json.to_double("") : 0; }

// One line per step occurrence, in the order in which they were first heard of.
class StepLines {
 public:
  void add(const Event& event) {
    static const std::vector<std::string_view> kAbout = {"step_started",   "step_finished", "step_failed",      "opened",          "waiting",         "planned",
                                                         "approval_asked", "escalated",     "approval_decided", "outcome_unknown", "outcome_resolved"};
    if (event.name.empty() || std::find(kAbout.begin(), kAbout.end(), event.kind) == kAbout.end()) return;
    Json& line = of(event);
    line.set("status", status_after(event));
    line.set("updated_at", static_cast<double>(event.at_ms) / 1000);
    if (event.kind == "planned") {
      line.set("kind", event.data["step"]["kind"]);
      line.set("input", event.data["step"]);
      line.set("reason", event.data["reason"]);
      line.set("untrusted", event.data["untrusted"]);
    }
    for (auto key : {"input", "output", "error", "code", "attempt", "tool", "usage", "cost", "cached", "saved", "at_ms", "until_ms", "message", "approval_id"})
      if (!event.data[key].is_null()) line.set(key, event.data[key]);
    if (event.kind == "step_finished") line.erase("error"), line.erase("code"), line.erase("at_ms");
    if (!event.data["ms"].is_null()) line.set("ms", integer_of(line["ms"]) + integer_of(event.data["ms"]));
  }
  Json take() {
    Json all = Json::array();
    for (auto& line : lines_) all.push(std::move(line));
    return all;
  }
  Json totals() const {
    int64_t ms = 0, tokens = 0;
    double cost = 0;
    for (auto& line : lines_) {
      ms += integer_of(line["ms"]);
      tokens += integer_of(line["usage"]["prompt_tokens"]) + integer_of(line["usage"]["completion_tokens"]);
      cost += number_of(line["cost"]);
    }
    return Json::object({{"steps", lines_.size()}, {"ms", ms}, {"tokens", tokens}, {"cost", cost}});
  }

 private:
  Json& of(const Event& event) {
    auto [at, added] = index_.emplace(event.name, lines_.size());
    if (added) lines_.push_back(Json::object({{"path", event.name}, {"status", ""}, {"started_at", static_cast<double>(event.at_ms) / 1000}}));
    return lines_[at->second];
  }
  static std::string status_after(const Event& event) {
    if (event.kind == "step_finished") return "finished";
    if (event.kind == "step_failed") return event.data["final"].is_null() ? "retrying" : "failed";
    if (event.kind == "approval_asked" || event.kind == "escalated") return "asking";
    if (event.kind == "waiting") return "waiting";
    if (event.kind == "outcome_unknown") return "outcome_unknown";
    return "working";
  }
  std::map<std::string, size_t> index_;
  std::vector<Json> lines_;
};

// "review[3]/check#2" → "review/check": the step of the file.
std::string step_of_path(const std::string& path) {
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '[') i = path.find(']', i);
    else if (path[i] == '#') {
      while (i + 1 < path.size() && path[i + 1] != '/') ++i;
    } else out += path[i];
  }
  return out;
}

// The versions of other flows that a run has entered, by the step of the file; where several items entered several, the last.
class EnteredFlows {
 public:
  explicit EnteredFlows(Flows::Core& core) : core_(core) {}
  Status add(const Event& event) {
    if (event.kind != "opened" || !event.data["flow"].is_string()) return {};
    TRY_ASSIGN(const int64_t version, event.data["version"].to_int("version"));
    TRY_ASSIGN(flows_[step_of_path(event.name)], core_.definition(*event.data["flow"].as_string(), static_cast<int>(version)));
    return {};
  }
  const Entered& flows() const { return flows_; }

 private:
  Flows::Core& core_;
  Entered flows_;
};

struct Sum {
  int64_t runs = 0, failures = 0, retries = 0, tokens = 0, cached = 0;
  double cost = 0, saved = 0;
  std::vector<int64_t> ms;
};

int64_t percentile(std::vector<int64_t> values, double p) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(std::ceil(p * static_cast<double>(values.size()))) - 1)];
}

}  // namespace

Result<RunView> Flows::view(const Context& context, const std::string& id) {
  RunView view;
  TRY_ASSIGN(view.run, run(context, id));
  TRY_ASSIGN(auto events, core_->journal.events(context, id, 0, INT32_MAX));
  Machine machine([this](const std::string& name, int version) { return core_->definition(name, version); });
  machine.set_run_id(id);
  StepLines lines;
  EnteredFlows entered(*core_);
  for (auto& event : events) {
    TRY(machine.apply(event));
    TRY(entered.add(event));
    lines.add(event);
  }
  if (!events.empty()) view.graph = Json::object({{"steps", graph_of(machine.scope().flow->root, entered.flows())}});
  if (!events.empty()) view.input = machine.scope().input, view.state = machine.scope().state;
  if (view.run.job.state == durable::State::kWaiting) view.run.waits_for = machine.waits_for();
  view.totals = lines.totals();
  view.steps = lines.take();
  return view;
}

Result<Json> Flows::impact(const Context& context, const std::string& flow, int version) {
  TRY(get(context, flow, version));
  std::vector<Run> runs;
  TRY(core_->store.read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(runs, list_runs(reader, flow, version, kImpactRuns, ""));
    return {};
  }));
  std::map<std::string, Sum> sums;
  for (auto& run : runs) {
    auto log = core_->journal.events(context, run.id, 0, INT32_MAX);
    if (!log && log.error().code == Code::kNotFound) continue;   // forgotten meanwhile
    TRY_ASSIGN(auto events, std::move(log));
    for (auto& event : events) {
      if (event.kind != "step_finished" && event.kind != "step_failed") continue;
      Sum& sum = sums[step_of_path(event.name)];
      if (event.kind == "step_finished") ++sum.runs;
      else if (event.data["final"].is_null()) ++sum.retries;
      else ++sum.runs, ++sum.failures;
      if (!event.data["ms"].is_null()) sum.ms.push_back(integer_of(event.data["ms"]));
      sum.tokens += integer_of(event.data["usage"]["prompt_tokens"]) + integer_of(event.data["usage"]["completion_tokens"]);
      sum.cost += number_of(event.data["cost"]);
      sum.cached += event.data["cached"] == Json(true);
      sum.saved += number_of(event.data["saved"]);
    }
  }
  Json steps = Json::array();
  for (auto& [path, sum] : sums)
    steps.push(Json::object({{"step", path},
                             {"runs", sum.runs},
                             {"failures", sum.failures},
                             {"retries", sum.retries},
                             {"success_rate", sum.runs ? Json(1 - static_cast<double>(sum.failures) / static_cast<double>(sum.runs)) : Json()},
                             {"ms_p50", percentile(sum.ms, 0.5)},
                             {"ms_p95", percentile(sum.ms, 0.95)},
                             {"tokens", sum.tokens},
                             {"cost", sum.cost},
                             {"cached", sum.cached},
                             {"saved", sum.saved}}));
  return Json::object({{"flow", flow}, {"version", version}, {"runs", runs.size()}, {"steps", std::move(steps)}});
}

}  // namespace strata::flow
