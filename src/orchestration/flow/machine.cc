#include "orchestration/flow/machine.h"

#include <algorithm>

#include "base/check.h"

namespace strata::flow {
namespace {

// Steps that hear from outside: what they give, an error's text included, was written by others.
bool hears_others(const Step& step) {
  return step.kind == StepKind::kModel || step.kind == StepKind::kRetrieve || step.kind == StepKind::kAnswer || step.kind == StepKind::kTool ||
         step.kind == StepKind::kDriven || (step.kind == StepKind::kApproval && step.spec["tool"].is_string());
}

}  // namespace

std::string Frame::step_path() const {
  const std::string& id = step().id;
  auto visit = visits.find(id);
  int count = visit == visits.end() ? 1 : visit->second;
  return path + id + (count > 1 ? "#" + std::to_string(count) : "");
}

Status Machine::apply(const durable::Event& event) {
  if (event.kind == "run_started") return begin(event);
  if (!root_) return data_loss("the log of a run begins with '" + event.kind + "' instead of 'run_started'");
  bool known = false;
  TRY(about_run(event, &known));
  if (known || event.name.empty()) return {};
  if (event.kind == "planned") return plan(event);
  if (Frame* frame = find(event.name)) return about_step(*frame, event);
  if (event.kind == "approval_asked" || event.kind == "outcome_unknown") left_.push_back(event.name);
  return {};
}

Status Machine::begin(const durable::Event& event) {
  if (root_) return data_loss("the log of a run holds 'run_started' twice");
  flow_name_ = event.data["flow"].as_string() ? *event.data["flow"].as_string() : "";
  TRY_ASSIGN(int64_t version, event.data["version"].to_int("version"));
  root_ = std::make_shared<Scope>();
  TRY_ASSIGN(root_->flow, definitions_(flow_name_, static_cast<int>(version)));
  root_->version = static_cast<int>(version);
  root_->input = event.data["input"];
  root_->state = root_->flow->initial_state();
  started_ms_ = event.at_ms;
  auto* trigger = event.data["trigger"].as_string();
  root_->untrusted = trigger && trigger->compare(0, 8, "webhook:") == 0;
  Frame frame;
  frame.block = &root_->flow->root;
  frame.scope = root_;
  add(std::move(frame));
  return {};
}

Status Machine::about_run(const durable::Event& event, bool* known) {
  *known = true;
  if (event.kind == "paused") paused_ = true;
  else if (event.kind == "resumed") paused_ = false;
  else if (event.kind == "signalled") mail_[event.name].push_back(event.data);
  else if (event.kind == "run_finished") ended_ = true, result_ = event.data["result"];
  else if (event.kind == "run_failed") failed_ = true, error_ = event.data["error"].as_string() ? *event.data["error"].as_string() : "";
  else if (event.kind == "retried") failed_ = false, error_.clear(), ask_again();
  else if (event.kind == "state_set" && event.data["values"].is_object())
    for (auto& [name, value] : *event.data["values"].as_object()) root_->state.set(name, value);
  else *known = event.kind == "cancel_asked" || event.kind == "forked";
  return {};
}

// The end of the run closed what a person was asked.
void Machine::ask_again() {
  for (auto& [id, frame] : frames_) {
    if (frame.done()) continue;
    if (frame.phase == Phase::kAsking) {
      frame.phase = Phase::kReady;
      frame.data = Json();
    } else if (frame.phase == Phase::kUnknown) {
      frame.phase = Phase::kStarted;
      frame.data.set("input", frame.data["arguments"]);
    }
  }
}

Status Machine::about_step(Frame& frame, const durable::Event& event) {
  const Json& data = event.data;
  const std::string& kind = event.kind;
  auto become = [&](Phase phase) {
    frame.phase = phase;
    frame.data = data;
    return Status();
  };
  if (kind == "step_started") return become(Phase::kStarted);
  if (kind == "step_finished") return finish(frame, event);
  if (kind == "step_failed") return fail(frame, event);
  if (kind == "opened") return open(frame, event);
  if (kind == "outcome_unknown") return become(Phase::kUnknown);
  if (kind == "waiting" || kind == "approval_asked") {
    const Json& until = data[kind == "waiting" ? "until_ms" : "deadline_ms"];
    frame.until_ms = until.is_int() ? *until.to_int("until_ms") : durable::kNever;
    return become(kind == "waiting" ? Phase::kWaiting : Phase::kAsking);
  }
  if (kind == "escalated") {
    frame.until_ms = data["deadline_ms"].is_int() ? *data["deadline_ms"].to_int("deadline_ms") : durable::kNever;
    frame.data.set("escalated", true);
    frame.data.set("who", data["who"]);
    return {};
  }
  // The first decision stands: a second one is a race that the approvals' table has lost already.
  if (kind == "approval_decided") return frame.phase == Phase::kAsking ? become(Phase::kDecided) : Status();
  if (kind == "outcome_resolved") {
    if (frame.phase != Phase::kUnknown) return {};
    Json before = frame.data["decided"];
    frame.phase = before.is_null() ? Phase::kReady : Phase::kDecided;
    frame.data = before;
    return {};
  }
  return {};   // routed, recorded, escalated_model: what they tell is in step_finished too
}

Status Machine::open(Frame& frame, const durable::Event& event) {
  leave(frame);
  frame.phase = Phase::kInside;
  frame.data = event.data;
  const std::string path = frame.step_path();
  const Step& step = frame.step();
  int64_t parent = frame.id;
  auto inner = [&](const Block& block, std::string inner_path, std::string name) -> Frame& {
    Frame made;
    made.parent = parent;
    made.path = std::move(inner_path);
    made.block = &block;
    made.scope = frame.scope;
    made.item_name = frame.item_name;
    made.item = frame.item;
    made.index = frame.index;
    made.own = true;
    made.planned = frame.planned;
    Frame& added = add(std::move(made));
    frame.inside.push_back(added.id);
    frame.inside_names.push_back(std::move(name));
    return added;
  };
  if (step.kind == StepKind::kMap) {
    frame.scope->chosen = frame.scope->chosen || frame.scope->untrusted;   // how often its steps run
    auto* items = event.data["items"].as_array();
    if (!items) return data_loss("'opened' of the map " + path + " holds no items");
    auto* as = step.spec["as"].as_string();
    for (size_t i = 0; i < items->size(); ++i) {
      Frame& made = inner(step.blocks[0], path + "[" + std::to_string(i) + "]/", "");
      made.item_name = as ? *as : "item";
      made.item = std::make_shared<const Json>((*items)[i]);
      made.index = i;
    }
  } else if (step.kind == StepKind::kParallel) {
    for (auto& block : step.blocks) inner(block, path + "." + block.name + "/", block.name);
  } else if (step.kind == StepKind::kSubflow) {
    auto scope = std::make_shared<Scope>();
    TRY_ASSIGN(int64_t version, event.data["version"].to_int("version"));
    TRY_ASSIGN(scope->flow, definitions_(*step.spec["flow"].as_string(), static_cast<int>(version)));
    scope->version = static_cast<int>(version);
    scope->input = event.data["input"];
    scope->state = scope->flow->initial_state();
    scope->untrusted = untrusted(frame);
    scope->chosen = frame.scope->chosen;
    Frame& made = inner(scope->flow->root, path + "/", "");
    made.scope = scope;
    made.own = false;
    made.item_name.clear();
  } else if (step.kind == StepKind::kDriven) {
    static const Block kNothing;
    Frame& made = inner(kNothing, path + "/", "");
    made.driven = true;
    made.untrusted = event.data["untrusted"] == Json(true);
  }
  return {};
}

Status Machine::plan(const durable::Event& event) {
  auto* at = event.data["at"].as_string();
  Frame* found = at ? walking(*at) : nullptr;
  if (!found || !found->driven || !found->done()) return {};
  Frame& frame = *found;
  TRY_ASSIGN(frame.planned, parse_planned(event.data["step"]));
  frame.block = frame.planned.get();
  frame.at = 0;
  ++frame.visits[frame.step().id];
  frame.plan = event.data;
  frame.untrusted = frame.untrusted || event.data["untrusted"] == Json(true);
  return {};
}

// What the driver will see of a step that ended.
void Machine::remember(Frame& frame, const durable::Event& event, const std::string& path, Json more) {
  more.set("id", frame.step().id);
  more.set("path", path);
  more.set("step", frame.plan["step"]);
  more.set("reason", frame.plan["reason"]);
  more.set("at_ms", event.at_ms);
  for (auto key : {"usage", "cost", "ms", "untrusted", "error_reason"})
    if (!event.data[key].is_null()) more.set(key, event.data[key]);
  if (frame.data["decision"].is_string()) more.set("decided", frame.data);
  frame.history.push(std::move(more));
}

Status Machine::finish(Frame& frame, const durable::Event& event) {
  const Json& data = event.data;
  const Step& step = frame.step();
  Json output = data["output"];
  // An approval's tool ran where the event names it; a wait heard somebody where it names the signal. What a driver's own steps heard is the
  // driver's to judge; what it says at its end was made from it.
  Scope& scope = *frame.scope;
  bool heard = hears_others(step) && (step.kind != StepKind::kApproval || data["tool"].is_string());
  heard = heard || (step.kind == StepKind::kWait && data["signal"].is_string());
  if (step.kind == StepKind::kSubflow && !frame.inside.empty()) {
    const Scope& inner = *frames_.at(frame.inside[0]).scope;
    heard = inner.untrusted;
    scope.chosen = scope.chosen || (inner.chosen && !step.literal);
  }
  scope.untrusted = scope.untrusted || (heard && !step.literal);
  scope.chosen = scope.chosen || (scope.untrusted && step.kind == StepKind::kCondition);
  if (step.kind == StepKind::kApproval && data["resolved"].as_bool() &&
      frame.data["decision"].is_string()) {   // an approval's tool, whose outcome a person gave
    Json whole = frame.data;
    whole.set("result", std::move(output));
    output = std::move(whole);
  }
  frame.last_output = output;
  (frame.own ? frame.own_steps : frame.scope->steps).set(step.id, output);
  if (!step.save.empty()) frame.scope->state.set(step.save, output);
  if (step.kind == StepKind::kSet && data["values"].is_object())
    for (auto& [name, value] : *data["values"].as_object()) frame.scope->state.set(name, value);
  if (step.kind == StepKind::kWait && data["signal"].is_string()) {
    auto& mail = mail_[*data["signal"].as_string()];
    if (!mail.empty()) mail.erase(mail.begin());
  }
  ++steps_;
  if (auto& usage = data["usage"]; usage.is_object())
    for (auto key : {"prompt_tokens", "completion_tokens"})
      if (usage[key].is_int()) tokens_ += *usage[key].to_int(key);
  if (frame.driven) remember(frame, event, frame.step_path(), Json::object({{"output", output}}));
  leave(frame);
  std::string next = data["next"].as_string() ? *data["next"].as_string() : step.next;
  go(frame, next);
  return {};
}

Status Machine::fail(Frame& frame, const durable::Event& event) {
  const Json& data = event.data;
  auto* final = data["final"].as_bool();
  if (!final || !*final) {
    frame.phase = Phase::kRetrying;
    if (data["refused"].as_bool()) ++frame.refusals;
    else ++frame.attempt;
    TRY_ASSIGN(frame.until_ms, data["at_ms"].to_int("at_ms"));
    frame.data = data["decided"];
    return {};
  }
  // The nearest step around it that knows what to do about errors goes on; without one the run fails here, so that a retry can take up here.
  std::string text = data["error"].as_string() ? *data["error"].as_string() : "";
  if (hears_others(frame.step()) && !frame.step().literal) frame.scope->untrusted = true;
  const bool told = frame.scope->untrusted;
  for (Frame* at = &frame; at; at = at->parent ? &frames_.at(at->parent) : nullptr) {
    if (at->done()) continue;
    if (at->driven) {   // the driver hears of it and goes on
      remember(*at, event, at->step_path(), Json::object({{"error", text}, {"code", data["code"]}}));
      leave(*at);
      ++steps_;
      go(*at, "");
      return {};
    }
    if (at->step().on_error.empty()) continue;
    leave(*at);
    Json output = Json::object({{"error", text}, {"code", data["code"]}});
    (at->own ? at->own_steps : at->scope->steps).set(at->step().id, output);
    at->last_output = output;
    at->scope->untrusted = at->scope->untrusted || (told && !at->step().literal);
    at->scope->chosen = at->scope->chosen || at->scope->untrusted;
    ++steps_;   // or a step that handles its own error would go on for ever
    go(*at, at->step().on_error);
    return {};
  }
  failed_ = true;
  error_ = frame.step_path() + ": " + text;
  frame.phase = data["decided"].is_null() ? Phase::kReady : Phase::kDecided;
  frame.data = data["decided"];
  frame.attempt = 1;
  frame.refusals = 0;
  return {};
}

void Machine::go(Frame& frame, const std::string& next) {
  if (next.empty()) ++frame.at;
  else frame.at = frame.block->index_of(next);
  frame.phase = Phase::kReady;
  frame.attempt = 1;
  frame.refusals = 0;
  frame.until_ms = 0;
  frame.data = Json();
  if (!frame.done()) ++frame.visits[frame.step().id];
}

void Machine::leave(Frame& frame) {
  std::vector<int64_t> inside = std::move(frame.inside);
  frame.inside.clear();
  frame.inside_names.clear();
  for (int64_t id : inside) {
    Frame& inner = frames_.at(id);
    if (!inner.done() && (inner.phase == Phase::kAsking || inner.phase == Phase::kUnknown)) left_.push_back(inner.step_path());
    leave(inner);
    frame_of_.erase(inner.path);
    frames_.erase(id);
  }
}

Frame& Machine::add(Frame frame) {
  frame.id = ++frame_last_;
  if (!frame.done()) ++frame.visits[frame.step().id];
  frame_of_[frame.path] = frame.id;
  return frames_.emplace(frame.id, std::move(frame)).first->second;
}

const Frame* Machine::frame(int64_t id) const {
  auto found = frames_.find(id);
  return found == frames_.end() ? nullptr : &found->second;
}

Frame* Machine::find(const std::string& step_path) {
  const size_t slash = step_path.rfind('/');   // ids hold none
  Frame* frame = walking(slash == step_path.npos ? std::string_view() : std::string_view(step_path).substr(0, slash + 1));
  return frame && !frame->done() && frame->step_path() == step_path ? frame : nullptr;
}

Frame* Machine::walking(std::string_view path) {
  auto found = frame_of_.find(path);
  return found == frame_of_.end() ? nullptr : &frames_.at(found->second);
}

std::vector<Due> Machine::due(int64_t now_ms) const {
  std::vector<Due> all;
  if (!root_ || ended_ || failed_ || paused_) return all;
  for (auto& [id, frame] : frames_) {
    if (frame.done()) continue;
    switch (frame.phase) {
      case Phase::kReady: all.push_back({Due::kRun, id}); break;
      case Phase::kDecided: all.push_back({Due::kRun, id}); break;
      case Phase::kRetrying:
        if (frame.until_ms <= now_ms) all.push_back({Due::kRun, id});
        break;
      case Phase::kStarted: all.push_back({Due::kUnknown, id}); break;
      case Phase::kUnknown: break;
      case Phase::kAsking:
        if (frame.until_ms <= now_ms) all.push_back({Due::kDeadline, id});
        break;
      case Phase::kWaiting: {
        auto* signal = frame.data["signal"].as_string();
        if (frame.until_ms <= now_ms || (signal && has_signal(*signal))) all.push_back({Due::kFinish, id});
        break;
      }
      case Phase::kInside:
        if (std::all_of(frame.inside.begin(), frame.inside.end(), [&](int64_t inner) { return frames_.at(inner).done(); }))
          all.push_back({frame.step().kind == StepKind::kDriven ? Due::kDrive : Due::kFinish, id});
        break;
    }
  }
  return all;
}

int64_t Machine::next_ms() const {
  int64_t first = durable::kNever;
  if (!root_ || ended_ || failed_ || paused_) return first;
  for (auto& [id, frame] : frames_)
    if (!frame.done() && (frame.phase == Phase::kRetrying || frame.phase == Phase::kAsking || frame.phase == Phase::kWaiting))
      first = std::min(first, frame.until_ms);
  return first;
}

std::string Machine::waits_for() const {
  if (paused_) return "paused";
  std::string what;
  auto better = [&](const char* name) { what = name; };
  for (auto phase : {Phase::kRetrying, Phase::kWaiting, Phase::kAsking, Phase::kUnknown})
    for (auto& [id, frame] : frames_) {
      if (frame.done() || frame.phase != phase) continue;
      if (phase == Phase::kUnknown) better("outcome");
      else if (phase == Phase::kAsking) better("approval");
      else if (phase == Phase::kWaiting) better(frame.data["signal"].is_string() ? "signal" : "time");
      else better("time");
    }
  return what;
}

Json Machine::outputs(const Frame& frame) const {
  Json steps = frame.scope->steps;
  std::vector<const Frame*> around;   // blocks in blocks of this scope, the innermost first
  for (const Frame* at = &frame; at && at->own; at = this->frame(at->parent)) around.push_back(at);
  for (auto at = around.rbegin(); at != around.rend(); ++at)
    for (auto& [name, output] : *(*at)->own_steps.as_object()) steps.set(name, output);
  return steps;
}

Json Machine::variables(const Frame& frame) const { return variables(frame, true, true, true); }

Json Machine::variables_of_step(const Frame& frame) const {
  const Step& step = frame.step();
  return step.templated ? variables(frame, step.names_input, step.names_state, step.names_steps) : Json::object();
}

Json Machine::variables(const Frame& frame, bool input, bool state, bool steps) const {
  Json all = Json::object({{"run", Json::object({{"id", run_id_}, {"flow", flow_name_}, {"version", root_->version}})}});
  if (input) all.set("input", frame.scope->input);
  if (state) all.set("state", frame.scope->state);
  if (steps) all.set("steps", outputs(frame));
  if (!frame.item_name.empty()) {
    all.set(frame.item_name, *frame.item);
    all.set("index", frame.index);
  }
  return all;
}

bool Machine::untrusted(const Frame& frame) const {
  for (const Frame* at = &frame; at && at->scope == frame.scope; at = at->parent ? &frames_.at(at->parent) : nullptr)
    if (at->driven) return at->untrusted;
  return frame.scope->untrusted;
}

int Machine::depth_of(const Frame& frame) const {
  int depth = 0;
  for (const Frame* at = &frame; at->parent; at = &frames_.at(at->parent))
    if (at->scope != frames_.at(at->parent).scope) ++depth;
  return depth;
}

}  // namespace strata::flow
