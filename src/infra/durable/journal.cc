// The journal's threads: workers that claim and run jobs, and one heartbeat that renews leases, writes progress down and wakes what waits.
#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "infra/durable/journal.h"

namespace strata::durable {
namespace {

using std::chrono::milliseconds;

// How often an idle worker looks for jobs whose pause is over. (New jobs wake it at once.)
constexpr auto kPoll = milliseconds(500);
// How often progress is written down at most. UNITS: milliseconds.
constexpr int64_t kBeatMs = 1'000;
// Waiting jobs are woken in steps of this, so that many timers close together share a transaction. UNITS: milliseconds.
constexpr int64_t kWakeLeastMs = 20;
// Tries to record a job's end while the store fails (a full disk), this far apart; afterwards its lease runs out and it is run again.
constexpr int kEndTries = 10;
constexpr auto kEndPause = milliseconds(200);

bool retryable(Code code) { return code == Code::kUnavailable || code == Code::kAborted; }

}  // namespace

void StoreJournal::start() {
  CHECK(threads_.empty());
  auto status = store_.write(Context::background(clock_), [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(auto ids, take_over(transaction, options_.alone ? owner_ : "", clock_.unix_ms(), options_.crashes_max));
    for (const auto& id : ids) TRY(moved(transaction, id));
    return {};
  });
  if (!status) log::error("durable.resume_failed", {{"error", status.error().message}});
  lanes_[""].threads = options_.workers;
  for (auto& [name, lane] : lanes_)
    for (int i = 0; i < lane.threads; ++i) threads_.emplace_back([this, &lane = lane] { work(lane); });
  threads_.emplace_back([this] { beat(); });
}

void StoreJournal::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [id, run] : running_) run->interrupt();
    wake_.notify_all();
  }
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  std::unique_lock lock(watchers_mutex_);
  auto watchers = std::move(watchers_);
  auto event_watchers = std::move(event_watchers_);
  watchers_.clear();
  event_watchers_.clear();
  lock.unlock();   // what they hold may go with them
}

void StoreJournal::work(Lane& lane) {
  uint64_t seen = 0;
  for (;;) {
    rest(lane, &seen);
    while (auto run = claim(lane)) execute(run);
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
  }
}

// Until there may be something to do. Of the idle threads of a lane one looks for jobs whose pause is over, and the others sleep: where it finds
// one it wakes them all, so that another looks from then on.
void StoreJournal::rest(Lane& lane, uint64_t* seen) {
  auto called = [&] { return stopping_ || queued_ != *seen; };
  std::unique_lock lock(mutex_);
  while (!called()) {
    if (lane.watched) {
      wake_.wait(lock, [&] { return called() || !lane.watched; });
      continue;
    }
    lane.watched = true;
    const bool woken = wake_.wait_for(lock, kPoll, called);
    if (!woken) {
      lock.unlock();
      const bool due = any_due(lane);
      lock.lock();
      if (due) ++queued_;
    }
    lane.watched = false;
    if (!called()) continue;
    wake_.notify_all();
  }
  *seen = queued_;
}

bool StoreJournal::any_due(const Lane& lane) {
  Due due;
  auto status = store_.read(Context::background(clock_), [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(due, due_of(lane, reader));
    return {};
  });
  return !status || !due.empty();   // claim() says what is wrong
}

std::shared_ptr<JobRun> StoreJournal::claim(const Lane& lane) {
  Context context = Context::background(clock_);
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return nullptr;
  }
  Due due;
  auto status = store_.read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(due, due_of(lane, reader));
    return {};
  });
  if (status && due.empty()) return nullptr;  // the usual case: no writer was kept waiting for it
  std::shared_ptr<JobRun> run;
  // WHY two ways: fairness among kinds needs running_ to agree with the rows (invariant 1), which works of one shared commit do not see yet.
  auto claim = [&](store::Transaction& transaction) { return claim_in(lane, transaction, run); };
  if (status) status = lane.kinds.size() == 1 ? store_.write_together(context, claim) : store_.write(context, claim);
  if (!status) {
    log::error("durable.claim_failed", {{"error", status.error().message}});
    return nullptr;
  }
  if (!run) return nullptr;  // another worker was faster
  changed(run->snapshot());
  return run;
}

Result<StoreJournal::Due> StoreJournal::due_of(const Lane& lane, store::Reader& reader) {
  Due due;
  for (const std::string& kind : lane.kinds) {
    TRY_ASSIGN(int64_t sequence, due_job(reader, kind, clock_.unix_ms()));
    if (sequence > 0) due[kind] = sequence;
  }
  return due;
}

// Chooses under the writer, where running_ and the rows agree (invariant 1): two workers never choose by the same old count.
Status StoreJournal::claim_in(const Lane& lane, store::Transaction& transaction, std::shared_ptr<JobRun>& run) {
  std::map<std::string, int> busy;
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, other] : running_) ++busy[other->job().kind];
  }
  TRY_ASSIGN(Due due, due_of(lane, transaction));
  if (due.empty()) return {};
  auto next = std::min_element(due.begin(), due.end(),
                               [&](const auto& a, const auto& b) { return std::pair(busy[a.first], a.second) < std::pair(busy[b.first], b.second); });
  int64_t now = clock_.unix_ms();
  TRY_ASSIGN(auto claimed, claim_job(transaction, next->second, owner_, now, options_.lease_ms));
  if (!claimed) return {};
  run = std::make_shared<JobRun>(
      store_, clock_, owner_, std::move(*claimed), now + options_.lease_ms, [this](const Job& job) { changed(job); },
      [this](const std::string& id) { grown(id); }, options_.spans);
  transaction.after_commit([this, run] {
    std::lock_guard lock(mutex_);
    running_[run->job().id] = run;
    if (stopping_) run->interrupt();
  });
  return {};
}

void StoreJournal::execute(const std::shared_ptr<JobRun>& run) {
  Result<Json> result = kinds_.at(run->job().kind).worker(*run);
  run->ended(result);
  const std::string& id = run->job().id;
  auto forget = [&] {
    std::lock_guard lock(mutex_);
    running_.erase(id);
  };
  Status status;
  Job after;
  for (int tries = 0; tries < kEndTries && !run->lost(); ++tries) {
    status = store_.write_together(Context::background(clock_), [&](store::Transaction& transaction) -> Status {
      End end = end_of(*run, result);  // under the writer, so that no cancel slips in between
      TRY_ASSIGN(bool ours, end_job(transaction, run->snapshot(), owner_, end, clock_.unix_ms()));
      if (!ours) return run->lose(), Status();
      if (finished(end.state)) TRY(moved(transaction, id));
      TRY_ASSIGN(after, get_job(transaction, id));
      transaction.after_commit(forget);
      return {};
    });
    if (status) break;
    log::error("durable.end_failed", {{"job", id}, {"error", status.error().message}});
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, kEndPause, [&] { return stopping_; })) break;   // the next start takes it over
  }
  forget();
  if (!status) {
    std::lock_guard lock(mutex_);
    orphans_ = true;
  }
  if (after.id.empty()) return;
  if (after.state == State::kWaiting) {
    std::lock_guard lock(mutex_);
    if (after.wake_ms < wake_ms_) {   // the heartbeat sleeps no longer than that
      wake_ms_ = after.wake_ms;
      wake_.notify_all();
    }
  }
  changed(after);
}

End StoreJournal::end_of(const JobRun& run, const Result<Json>& result) {
  End end;
  if (auto until = run.parked_until(); until && !run.cancel_asked())
    return {.state = State::kWaiting, .error = "", .not_before_ms = *until, .counts = false, .events_seen = run.events_seen()};
  if (result && !run.parked_until()) {
    end.result = result->dump();
    if (end.result.size() <= kResultBytesMax) return end;
    return {.state = State::kFailed, .error = "the job's result has more than 1 MiB"};
  }
  const Error error = result ? cancelled() : result.error();
  end.error = error.message;
  if (run.cancel_asked()) {
    end.state = State::kCancelled;
    end.error.clear();
    return end;
  }
  bool stopping = false;
  {
    std::lock_guard lock(mutex_);
    stopping = stopping_;
  }
  end.state = State::kFailed;
  if (stopping && (error.code == Code::kCancelled || retryable(error.code))) {
    end.state = State::kQueued;
    end.counts = false;
  } else if (retryable(error.code) && run.strikes() < options_.attempts_max) {
    int64_t pause = options_.backoff_ms;
    for (int i = 1; i < run.strikes(); ++i) pause *= 4;
    end.state = State::kQueued;
    end.not_before_ms = clock_.unix_ms() + pause;
  }
  return end;
}

void StoreJournal::beat() {
  auto pause = milliseconds(std::min(kBeatMs, std::max<int64_t>(1, options_.lease_ms / 3)));
  auto last = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  for (;;) {
    // A waiting job whose time comes before the next beat is woken in time.
    const int64_t planned = wake_ms_, now = clock_.unix_ms();
    const milliseconds least(kWakeLeastMs);
    const auto sleep = planned > now ? std::clamp(milliseconds(planned - now), least, std::max(least, pause)) : least;
    wake_.wait_for(lock, sleep, [&] { return stopping_ || wake_ms_ < planned; });
    if (stopping_) break;
    lock.unlock();
    wake_sleepers();
    if (std::chrono::steady_clock::now() - last >= pause) {
      beat_once();
      last = std::chrono::steady_clock::now();
    }
    lock.lock();
  }
  // Jobs that end slowly after stop() keep their leases: stop() waits for them, and a journal alone takes over at its next start.
}

void StoreJournal::wake_sleepers() {
  {
    std::lock_guard lock(mutex_);
    if (wake_ms_ > clock_.unix_ms()) return;
    wake_ms_ = kNever;   // what parks from here on lowers it again
  }
  Context context = Context::background(clock_);
  std::vector<Job> woken;
  int64_t first = kNever;
  auto status = store_.read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(first, first_wake(reader));
    return {};
  });
  if (status && first <= clock_.unix_ms())
    status = store_.write_together(context, [&](store::Transaction& transaction) -> Status {
      TRY_ASSIGN(woken, wake_due(transaction, clock_.unix_ms()));
      TRY_ASSIGN(first, first_wake(transaction));
      return {};
    });
  {
    std::lock_guard lock(mutex_);
    wake_ms_ = status ? std::min(wake_ms_, first) : 0;
  }
  if (!status) return log::warning("durable.wake_failed", {{"error", status.error().message}});
  for (const Job& job : woken) changed(job);
}

void StoreJournal::grown(const std::string& job_id) {
  std::shared_lock lock(watchers_mutex_);
  for (auto& [id, watcher] : event_watchers_) watcher(job_id);
}

void StoreJournal::beat_once() {
  int64_t now = clock_.unix_ms();
  std::vector<std::shared_ptr<JobRun>> due;
  bool look = !options_.alone;
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, run] : running_)
      if (run->renewal_due(now, options_.lease_ms)) due.push_back(run);
    look = look || orphans_;
  }
  if (due.empty() && !look) return;
  std::vector<Job> taken;
  auto status = store_.write(Context::background(clock_), [&](store::Transaction& transaction) -> Status {
    for (auto& run : due) {
      TRY_ASSIGN(bool ours, renew(transaction, run->snapshot(), owner_, now + options_.lease_ms));
      if (ours) {
        transaction.after_commit([run, until = now + options_.lease_ms] { run->renewed(until); });
      } else if (find_run(run->job().id) == run) {  // else it ended just now
        run->lose();
      }
    }
    if (!look) return {};   // alone, with every running job at hand
    TRY_ASSIGN(auto ids, take_over(transaction, "", now, options_.crashes_max));
    for (const auto& id : ids) {
      TRY(moved(transaction, id));
      TRY_ASSIGN(Job job, get_job(transaction, id));
      taken.push_back(std::move(job));
    }
    return {};
  });
  if (!status) return log::warning("durable.heartbeat_failed", {{"error", status.error().message}});
  for (const Job& job : taken) changed(job);
}

Status StoreJournal::moved(store::Transaction& transaction, const std::string& id) {
  TRY_ASSIGN(Job job, get_job(transaction, id));
  auto kind = kinds_.find(job.kind);
  if (kind == kinds_.end() || !kind->second.moved) return {};
  return kind->second.moved(transaction, job);
}

void StoreJournal::changed(const Job& job) {
  {
    std::shared_lock lock(watchers_mutex_);
    for (auto& [id, watcher] : watchers_) watcher(job);
  }
  std::lock_guard lock(mutex_);
  ++changes_;
  if (job.state == State::kQueued) ++queued_;
  wake_.notify_all();
}

std::shared_ptr<JobRun> StoreJournal::find_run(const std::string& id) {
  std::lock_guard lock(mutex_);
  auto found = running_.find(id);
  return found == running_.end() ? nullptr : found->second;
}

std::vector<store::Migration> Journal::migrations() { return row_migrations(); }

Result<std::unique_ptr<Journal>> Journal::open(store::Store& store, const Clock& clock, Options options) {
  CHECK(options.workers > 0 && options.lease_ms > 0);
  return std::make_unique<StoreJournal>(store, clock, options);
}

}  // namespace strata::durable
