// The worker of a run. One thread walks the machine; effects of the same wave run beside it on threads of their own, at most a few, and
// each is recorded as soon as it ends.
//
//   log ──apply──▶ Machine ──due──▶ pure steps: events at once; effects: perform ──▶ events
//                     ▲                                                    │
//                     └─────────────── append (durable), apply ────────────┘        nothing due: listen while effects run, then park
//
// While effects run, signals, decisions of people and times that come are heard (listen), so one branch's slow tool holds no other branch up.
//
// Invariants: (1) the machine sees an event only after it is durable; (2) a step of Effect::kOnce is announced before it is asked;
// (3) only this thread touches the machine and appends; (4) what a pure step or an announcement says was made from the whole log: where a
// person or a signal was faster it is made again. (What an effect said is true whatever came meanwhile.)
#include <algorithm>
#include <chrono>
#include <system_error>

#include "base/text.h"
#include "orchestration/flow/walker.h"

namespace strata::flow {
namespace {

constexpr int kAtOnce = 4;
// How often a run's position is told to those who watch the list of jobs. UNITS: milliseconds.
constexpr int64_t kProgressMs = 250;

// Of what is written in one append. UNITS: events, bytes.
constexpr size_t kNewsMost = 1'000, kNewsBytesMost = 8u << 20;
// A failure's text in the log. UNITS: bytes.
constexpr size_t kWhyBytesMost = 16u << 10;
// A tool that is busy is asked again after a pause that doubles, and no oftener than this. UNITS: milliseconds, times.
constexpr int64_t kRefusedPauseMs = 1'000, kRefusedPauseMostMs = 30'000;
constexpr int kRefusalsMost = 100;
// How long the walker listens before it looks by itself: a clock may have been set, or another process have added to the log.
constexpr std::chrono::milliseconds kListen{250};

// As JSON, at most; cheaper than writing it.
size_t bytes_at_most(const Json& json) {
  if (auto* text = json.as_string()) return 2 + text->size() * 6;
  size_t bytes = 24;
  if (auto* items = json.as_array())
    for (auto& item : *items) bytes += 1 + bytes_at_most(item);
  if (auto* members = json.as_object())
    for (auto& [name, member] : *members) bytes += 4 + name.size() * 6 + bytes_at_most(member);
  return bytes;
}
size_t bytes_of(const Json& json) {
  size_t most = bytes_at_most(json);
  return most <= durable::kResultBytesMax ? most : json.dump().size();
}
bool too_large(const Json& data) { return bytes_of(data) > durable::kResultBytesMax; }

std::string size_text(size_t bytes) { return std::to_string(bytes) + " bytes; a step's record may have at most 1 MiB"; }

std::string why_of(const Error& error) { return error.message.substr(0, utf8_complete_prefix(std::string_view(error.message).substr(0, kWhyBytesMost))); }

// What other frames could take, too: at most one of them in one append.
const std::string* signal_of(const News& news) {
  for (auto& one : news.events)
    if (auto* signal = one.data["signal"].as_string(); signal && one.kind == "step_finished") return signal;
  return nullptr;
}

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
  TRY(take_in(events));
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
  TRY_ASSIGN(bool took, take_outcome());
  if (took) return true;
  bool stop = machine_.ended() || machine_.failed() || job_.context().cancelled();
  std::vector<Due> due;
  if (!stop) due = machine_.due(now());
  std::erase_if(due, [&](const Due& one) { return in_flight_.count(one.frame) > 0; });
  if (!due.empty()) {
    TRY_ASSIGN(bool acted, act(due));
    if (acted) return true;
  }
  if (!in_flight_.empty()) {
    TRY(listen());
    return true;
  }
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
  else if (flow.seconds_most > 0 && (now() - machine_.started_ms()) / 1000 >= flow.seconds_most)
    what = std::to_string(flow.seconds_most) + " seconds: raise limits.seconds";
  if (!what.empty()) news.add(event("run_failed", "", Json::object({{"error", "the run has used its limit of " + what}}), true));
  return {};
}

// Does what is due: pure steps together in one append, effects as many as may run at once. False where only effects wait for room.
Result<bool> Walker::act(const std::vector<Due>& due) {
  News news;
  TRY(over_limits(news));
  opening_ = 0;
  bool launched = false, ended = !news.events.empty();
  std::set<std::string> taken;
  for (const Due& one : due) {
    if (ended || news.events.size() >= kNewsMost || news.bytes >= kNewsBytesMost) break;
    const Frame& frame = *machine_.frame(one.frame);
    if (one.what == Due::kRun && is_effect(frame)) {
      if (static_cast<int>(in_flight_.size()) >= at_once(frame)) continue;
      if (!news.events.empty()) break;   // a launch may append, and these news would be old then
      TRY(launch(frame, due.size() == 1 && in_flight_.empty() && machine_.waits_for().empty()));
      launched = true;
      break;   // so what was due is looked at again
    }
    auto made = pure(one);
    News next = fitting(frame, made ? std::move(*made) : final_failure(frame, made.error()));
    if (auto* signal = signal_of(next); signal && !taken.insert(*signal).second) continue;   // one signal is for one
    news.join(std::move(next));
  }
  bool acted = launched || !news.events.empty(), added = false;
  if (!news.events.empty()) TRY(record(std::move(news), &added));
  return acted;
}

News Walker::fitting(const Frame& frame, News news) const {
  for (auto& one : news.events) {
    size_t bytes = bytes_of(one.data);
    if (bytes > durable::kResultBytesMax) return final_failure(frame, resource_exhausted("'" + one.kind + "' would have " + size_text(bytes)));
    news.bytes += bytes;
  }
  return news;
}

Status Walker::record(News news, bool* added) {
  auto also = [&](store::Transaction& transaction) -> Status {
    for (auto& one : news.also) TRY(one(transaction));
    return {};
  };
  auto appended = job_.append(std::move(news.events), news.also.empty() ? durable::Run::Also() : also, added);
  if (!appended) {
    Error error = std::move(appended.error());
    if (error.reason == store::kDiskFull) error.code = Code::kUnavailable;   // tried again
    return error;
  }
  return take_in(*appended);
}

Status Walker::take_in(const std::vector<Event>& events) {
  for (auto& one : events) TRY(machine_.apply(one));
  return close_left();
}

// Nobody waits any more for what these were asked for: their block was left, maybe before a crash.
Status Walker::close_left() {
  auto left = machine_.take_left();
  if (left.empty()) return {};
  News news;
  for (auto& path : left) news.also.push_back([this, path](store::Transaction& transaction) { return close_approvals(transaction, id_, path); });
  return record(std::move(news));
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
    Json data = Json::object({{"input", work->input}, {"tool", work->tool}, {"key", work->key}, {"decided", work->decided}});
    if (size_t bytes = bytes_of(data); bytes > durable::kResultBytesMax - 2 * kWhyBytesMost)   // room for what may have to be asked about it
      return record(final_failure(frame, resource_exhausted("the arguments have " + size_text(bytes))));
    News news;
    news.add(event("step_started", work->path, std::move(data)));
    bool added = false;
    TRY(record(std::move(news), &added));
    if (!added) return {};   // what came may concern it
  }
  if (alone) {
    News news = news_of(perform(core_, job_.context(), std::move(*work)));
    return news.events.empty() ? Status() : record(std::move(news));
  }
  in_flight_.insert(frame_id);
  auto thread = threads_.emplace(threads_.end());
  auto shared = std::make_shared<Work>(std::move(*work));
  auto run = [this, shared, thread] {
    Outcome outcome = perform(core_, job_.context(), std::move(*shared));
    std::lock_guard lock(mutex_);
    outcomes_.push_back({std::move(outcome), thread});
    arrived_.notify_one();
  };
  try {
    *thread = std::thread(run);
  } catch (const std::system_error&) {   // the machine has no thread left: then it is done on this one
    run();
  }
  return {};
}

// Until an effect ends, somebody adds to the log, or a time comes that a step waits for.
Status Walker::listen() {
  const int64_t left_ms = machine_.next_ms() == durable::kNever ? durable::kNever : machine_.next_ms() - now();
  const auto most = left_ms > 0 && left_ms < kListen.count() ? std::chrono::milliseconds(left_ms) : kListen;
  {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, most, [&] { return !outcomes_.empty() || called_; });
    if (!outcomes_.empty()) return {};
    called_ = false;
  }
  TRY_ASSIGN(auto news, job_.news());
  return take_in(news);
}

Result<bool> Walker::take_outcome() {
  std::unique_lock lock(mutex_);
  if (outcomes_.empty()) return false;
  Arrived arrived = std::move(outcomes_.front());
  outcomes_.pop_front();
  lock.unlock();
  if (arrived.thread->joinable()) arrived.thread->join();
  threads_.erase(arrived.thread);
  in_flight_.erase(arrived.outcome.work.frame);
  News news = news_of(std::move(arrived.outcome));
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
    // Stopped by us, whatever the step calls it: nothing is noted, so that it is done again, unless it may have happened.
    if (job_.context().cancelled() && work.effect != Effect::kOnce) return {};
    if (outcome.output.error().reason == kNeedsApproval && work.decided.is_null()) {
      if (size_t bytes = bytes_of(work.input); bytes > durable::kResultBytesMax - 2 * kWhyBytesMost)
        return failed(work, failed_precondition("the arguments have " + size_text(bytes)), outcome.ms);
      return ask_first(work, why_of(outcome.output.error()));
    }
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
  Json data = Json::object({{"output", std::move(output)}, {"ms", outcome.ms}, {"attempt", work.attempt}});
  if (!work.driven || !work.decided.is_null()) data.set("input", work.input);
  if (outcome.untrusted) data.set("untrusted", true);
  if (Json usage = usage_json(outcome.usage); !usage.is_null()) data.set("usage", std::move(usage));
  if (outcome.cost != 0) data.set("cost", outcome.cost);
  if (outcome.cached()) data.set("cached", true), data.set("cost", 0), data.set("saved", outcome.saved);
  if (!work.tool.empty()) data.set("tool", work.tool);
  if (too_large(data)) data.set("input", Json());   // the step's text says how it was made
  if (size_t bytes = bytes_of(data); bytes > durable::kResultBytesMax) news.join(result_too_large(work, std::move(data), bytes));
  else news.add(event("step_finished", work.path, std::move(data)));
  return news;
}

// What must not be done again has happened, and the flow hears that its result was lost; anything else has failed.
News Walker::result_too_large(const Work& work, Json data, size_t bytes) {
  const std::string why = "the result has " + size_text(bytes);
  if (work.effect != Effect::kOnce || work.tool.empty())
    return failed(work, Error{Code::kFailedPrecondition, why, "", durable::kTooLarge}, *data["ms"].to_int("ms"));
  data.set("output", Json::object({{"omitted", why}}));
  News news;
  news.add(event("step_finished", work.path, std::move(data)));
  return news;
}

News Walker::failed(const Work& work, const Error& error, int64_t ms) {
  const std::string why = why_of(error);
  if (work.effect == Effect::kOnce && !work.tool.empty() && outcome_unclear(error.code)) return unclear(work, why);
  News news;
  Json data =
      Json::object({{"error", why}, {"code", code_name(error.code)}, {"attempt", work.attempt}, {"input", work.input}, {"ms", ms}, {"decided", work.decided}});
  if (error.reason == kNotYet && work.refusals < kRefusalsMost) {
    data.set("refused", true);
    data.set("at_ms", now() + std::min(kRefusedPauseMostMs, kRefusedPauseMs << std::min(work.refusals, 10)));
  } else if (retryable(error.code) && work.attempt < work.step->retry.attempts) {
    data.set("at_ms", now() + work.step->retry.pause_ms(work.attempt));
  } else {
    data.set("final", true);
  }
  if (!error.reason.empty()) data.set("error_reason", error.reason);
  if (too_large(data)) data.set("input", Json());
  if (too_large(data)) data.set("decided", Json());
  news.add(event("step_failed", work.path, std::move(data)));
  return news;
}

News Walker::final_failure(const Frame& frame, const Error& error) const {
  News news;
  news.add(event("step_failed", frame.step_path(),
                 Json::object({{"error", why_of(error)}, {"code", code_name(error.code)}, {"attempt", frame.attempt}, {"final", true}})));
  return news;
}

Result<Json> walk(Flows::Core& core, durable::Run& job) { return Walker(core, job).walk(); }

}  // namespace strata::flow
