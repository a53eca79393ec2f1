// The worker of a run. One thread walks the machine; effects of the same wave run beside it on threads of their own, at most a few, and
// each is recorded as soon as it ends.
//
//   log ──apply──▶ Machine ──due──▶ pure steps: events at once; effects: perform ──▶ events
//                     ▲                                                    │
//                     └─────────────── append (durable), apply ────────────┘        nothing due: park
//
// Invariants: (1) the machine sees an event only after it is durable; (2) a step of Effect::kOnce is announced before it is asked;
// (3) only this thread touches the machine and appends.
#include <algorithm>

#include "orchestration/flow/walker.h"

namespace strata::flow {
namespace {

constexpr int kAtOnce = 4;
// How often a run's position is told to those who watch the list of jobs. UNITS: milliseconds.
constexpr int64_t kProgressMs = 250;

bool retryable(Code code) {
  return code == Code::kUnavailable || code == Code::kAborted || code == Code::kResourceExhausted || code == Code::kDeadlineExceeded || code == Code::kInternal;
}

Json usage_json(const ModelReply& usage) {
  if (usage.model.empty()) return {};
  return Json::object({{"model", usage.model},
                       {"prompt_tokens", usage.prompt_tokens},
                       {"cached_tokens", usage.cached_tokens},
                       {"completion_tokens", usage.completion_tokens},
                       {"finish", usage.finish}});
}

}  // namespace

Result<Json> Walker::walk() {
  TRY_ASSIGN(auto events, job_.events());
  for (auto& one : events) TRY(machine_.apply(one));
  for (;;) {
    TRY_ASSIGN(bool more, advance());
    if (!more) break;
  }
  if (machine_.ended()) return machine_.result();
  if (machine_.failed()) return failed_precondition(machine_.error());
  if (job_.context().cancelled()) return cancelled();
  job_.park(machine_.next_ms());
  return Json();
}

// One round. False where nothing is left to do now.
Result<bool> Walker::advance() {
  TRY_ASSIGN(bool took, take_outcome(false));
  if (took) return true;
  bool stop = machine_.ended() || machine_.failed() || job_.context().cancelled();
  std::vector<Due> due;
  if (!stop) due = machine_.due(now());
  std::erase_if(due, [&](const Due& one) { return in_flight_.count(one.frame) > 0; });
  if (!due.empty()) {
    TRY_ASSIGN(bool acted, act(due));
    if (acted) return true;
  }
  if (!in_flight_.empty()) return take_outcome(true);
  if (stop) return false;
  const Frame* root = machine_.frame(1);
  if (root && root->done()) {
    News news;
    news.add(event("run_finished", "", Json::object({{"result", root->last_output}})));
    TRY(record(std::move(news)));
    return true;
  }
  return !due.empty();
}

Status Walker::over_limits(News& news) const {
  const Definition& flow = *machine_.scope().flow;
  std::string what;
  if (machine_.steps() >= std::min(flow.steps_most, kStepsMost)) what = std::to_string(machine_.steps()) + " steps: raise limits.steps, or end the loop";
  else if (flow.tokens_most > 0 && machine_.tokens() >= flow.tokens_most) what = std::to_string(machine_.tokens()) + " tokens: raise limits.tokens";
  else if (flow.seconds_most > 0 && now() - machine_.started_ms() >= flow.seconds_most * 1000)
    what = std::to_string(flow.seconds_most) + " seconds: raise limits.seconds";
  if (!what.empty()) news.add(event("run_failed", "", Json::object({{"error", "the run has used its limit of " + what}}), true));
  return {};
}

// Does what is due: pure steps together in one append, effects as many as may run at once. False where only effects wait for room.
Result<bool> Walker::act(const std::vector<Due>& due) {
  News news;
  TRY(over_limits(news));
  if (!news.events.empty()) {
    TRY(record(std::move(news)));
    return true;
  }
  bool alone = due.size() == 1 && in_flight_.empty(), launched = false;
  for (const Due& one : due) {
    const Frame& frame = *machine_.frame(one.frame);
    if (one.what == Due::kRun && is_effect(frame)) {
      if (static_cast<int>(in_flight_.size()) >= at_once(frame)) continue;
      TRY(launch(frame, alone));
      launched = true;
      break;   // the launch may have appended, so what was due is looked at again
    }
    auto made = pure(one);
    news.join(made ? std::move(*made) : final_failure(frame, made.error()));
  }
  bool acted = launched || !news.events.empty();
  if (!news.events.empty()) TRY(record(std::move(news)));
  return acted;
}

Status Walker::record(News news) {
  auto also = [&](store::Transaction& transaction) -> Status {
    for (auto& one : news.also) TRY(one(transaction));
    return {};
  };
  auto added = job_.append(std::move(news.events), news.also.empty() ? durable::Run::Also() : also);
  if (!added) {
    Error error = std::move(added.error());
    if (error.code == Code::kResourceExhausted && error.message.find("disk") != std::string::npos) error.code = Code::kUnavailable;   // tried again
    return error;
  }
  for (auto& one : *added) TRY(machine_.apply(one));
  return {};
}

bool Walker::is_effect(const Frame& frame) const {
  switch (frame.step().kind) {
    case StepKind::kModel:
    case StepKind::kRetrieve:
    case StepKind::kAnswer: return true;
    case StepKind::kTool:       // one that needed an approval has a decision, too
    case StepKind::kApproval: {
      auto* decision = frame.data["decision"].as_string();
      if (!decision) return frame.step().kind == StepKind::kTool;
      return (*decision == "accept" || *decision == "edit") && !frame.step().spec["tool"].is_null();
    }
    default: return false;
  }
}

int Walker::at_once(const Frame& frame) const {
  for (const Frame* at = &frame; at; at = at->parent ? machine_.frame(at->parent) : nullptr)
    if (!at->done() && at->step().kind == StepKind::kMap && at->step().spec["at_once"].is_int())
      return static_cast<int>(*at->step().spec["at_once"].to_int("at_once"));
  return kAtOnce;
}

Status Walker::launch(const Frame& frame, bool alone) {
  int64_t frame_id = frame.id;
  auto work = prepare(core_, job_.context(), machine_, frame, id_);
  if (!work) return record(final_failure(frame, work.error()));
  if (now() - told_ms_ >= kProgressMs) {
    told_ms_ = now();
    job_.progress(machine_.steps(), 0, work->path);
  }
  if (work->effect == Effect::kOnce && !work->tool.empty()) {
    News news;
    news.add(event("step_started", work->path, Json::object({{"input", work->input}, {"tool", work->tool}, {"key", work->key}, {"decided", work->decided}})));
    TRY(record(std::move(news)));
    if (!machine_.frame(frame_id)) return {};
  }
  if (alone) return record(news_of(perform(core_, job_.context(), std::move(*work))));
  in_flight_.insert(frame_id);
  threads_.emplace_back([this, work = std::move(*work)]() mutable {
    Outcome outcome = perform(core_, job_.context(), std::move(work));
    std::lock_guard lock(mutex_);
    outcomes_.push_back(std::move(outcome));
    arrived_.notify_one();
  });
  return {};
}

Result<bool> Walker::take_outcome(bool wait) {
  std::unique_lock lock(mutex_);
  if (wait) arrived_.wait(lock, [&] { return !outcomes_.empty(); });
  if (outcomes_.empty()) return false;
  Outcome outcome = std::move(outcomes_.front());
  outcomes_.pop_front();
  lock.unlock();
  in_flight_.erase(outcome.work.frame);
  if (in_flight_.empty()) {
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }
  News news = news_of(std::move(outcome));
  if (!news.events.empty()) TRY(record(std::move(news)));
  return true;
}

News Walker::news_of(Outcome outcome) {
  const Work& work = outcome.work;
  if (outcome.output && !work.step->save.empty() && work.decided.is_null()) {
    if (auto fits = work.scope->flow->check_state(work.step->save, *outcome.output); !fits)
      outcome.output = Error{Code::kInternal, "the output does not fit: " + fits.error().message, "", "invalid_output"};
  }
  if (!outcome.output) {
    // Stopped by us: nothing happened, and nothing is noted, unless it may have.
    bool ours = outcome.output.error().code == Code::kCancelled && job_.context().cancelled();
    if (ours && work.effect != Effect::kOnce) return {};
    if (outcome.output.error().reason == kNeedsApproval && work.decided.is_null()) return ask_first(work, outcome.output.error().message);
    return failed(work, outcome.output.error(), outcome.ms);
  }
  News news;
  Json output = std::move(*outcome.output);
  if (work.step->kind == StepKind::kApproval) {
    Json whole = work.decided;
    whole.set("result", std::move(output));
    output = std::move(whole);
  }
  news.events = std::move(outcome.notes);
  Json data = Json::object({{"output", std::move(output)}, {"input", work.input}, {"ms", outcome.ms}, {"attempt", work.attempt}});
  if (Json usage = usage_json(outcome.usage); !usage.is_null()) data.set("usage", std::move(usage));
  if (outcome.cost != 0) data.set("cost", outcome.cost);
  if (!work.tool.empty()) data.set("tool", work.tool);
  news.add(event("step_finished", work.path, std::move(data)));
  return news;
}

News Walker::failed(const Work& work, const Error& error, int64_t ms) {
  if (work.effect == Effect::kOnce && !work.tool.empty() && outcome_unclear(error.code)) return unclear(work, error.message);
  News news;
  Json data = Json::object(
      {{"error", error.message}, {"code", code_name(error.code)}, {"attempt", work.attempt}, {"input", work.input}, {"ms", ms}, {"decided", work.decided}});
  if (retryable(error.code) && work.attempt < work.step->retry.attempts) data.set("at_ms", now() + work.step->retry.pause_ms(work.attempt));
  else data.set("final", true);
  news.add(event("step_failed", work.path, std::move(data)));
  return news;
}

News Walker::final_failure(const Frame& frame, const Error& error) const {
  News news;
  news.add(event("step_failed", frame.step_path(),
                 Json::object({{"error", error.message}, {"code", code_name(error.code)}, {"attempt", frame.attempt}, {"final", true}})));
  return news;
}

Result<Json> walk(Flows::Core& core, durable::Run& job) { return Walker(core, job).walk(); }

}  // namespace strata::flow
