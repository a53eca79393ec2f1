// The journal's threads: workers that claim and run jobs, and one heartbeat that renews leases and writes progress down.
//
// Invariants: (1) a job is in running_ exactly from the commit of its claim to the commit of its end, both under the store's writer,
// so that a cancel, which takes the writer too, sees it either in running_ or in its row; (2) only the owner named in the row writes
// steps, events, renewals and ends; (3) no lock of ours is held while the store is called; (4) a thread runs jobs of its lane only: the
// shared lane's kinds, or one kind that was given threads of its own.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "base/check.h"
#include "base/log.h"
#include "base/random.h"
#include "infra/durable/run.h"

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

class StoreJournal : public Journal {
 public:
  StoreJournal(store::Store& store, const Clock& clock, Options options) : store_(store), clock_(clock), options_(options), owner_(make_id("own")) {}
  ~StoreJournal() override { stop(); }

  void register_kind(std::string kind, Worker worker, Moved moved, int threads) override {
    CHECK(threads_.empty() && threads >= 0);
    lanes_[threads == 0 ? "" : kind].kinds.push_back(kind);
    if (threads > 0) lanes_[kind].threads = threads;
    CHECK(kinds_.emplace(std::move(kind), Kind{std::move(worker), std::move(moved)}).second);
  }
  void start() override;
  void stop() override;

  Result<Job> submit(const Context& context, std::string kind, Json input, std::string key) override;
  Result<Job> submit_in(store::Transaction& transaction, std::string kind, Json input, std::string key, const Principal& principal) override {
    return submit_as(transaction, principal, kind, input, key);
  }
  Result<Job> get(const Context& context, const std::string& id) override;
  Result<std::vector<Job>> list(const Context& context, std::string kind, int limit) override;
  Status cancel(const Context& context, const std::string& id) override;
  Status retry(const Context& context, const std::string& id) override;
  Result<Job> wait(const Context& context, const std::string& id) override;
  Result<int64_t> prune(const Context& context, int64_t before_ms) override;
  Status signal(const Context& context, const std::string& id, std::vector<Event> events, Wake wake) override;
  Status signal_in(store::Transaction& transaction, const std::string& id, std::vector<Event> events, Wake wake) override;
  Result<std::vector<Event>> events(const Context& context, const std::string& id, int64_t after, int limit) override;
  Result<std::vector<FoundEvent>> search_events(const Context& context, const Search& search, int limit) override;

  uint64_t on_change(std::function<void(const Job&)> watcher) override {
    std::unique_lock lock(watchers_mutex_);
    watchers_.emplace(++watcher_last_, std::move(watcher));
    return watcher_last_;
  }
  uint64_t on_events(std::function<void(const std::string&)> watcher) override {
    std::unique_lock lock(watchers_mutex_);
    event_watchers_.emplace(++watcher_last_, std::move(watcher));
    return watcher_last_;
  }
  void remove_watcher(uint64_t watcher) override {
    std::unique_lock lock(watchers_mutex_);
    watchers_.erase(watcher);
    event_watchers_.erase(watcher);
  }

 private:
  struct Kind {
    Worker worker;
    Moved moved;
  };
  Result<Job> submit_as(store::Transaction& transaction, const Principal& principal, const std::string& kind, const Json& input, const std::string& key);
  struct Lane {
    std::vector<std::string> kinds;
    int threads = 0;
  };
  void work(const Lane& lane);
  std::shared_ptr<JobRun> claim(const Lane& lane);
  using Due = std::map<std::string, int64_t>;   // kind → its first due job's sequence
  Result<Due> due_of(const Lane& lane, store::Reader& reader);
  Status claim_in(const Lane& lane, store::Transaction& transaction, std::shared_ptr<JobRun>& run);
  void wake_sleepers();
  void grown(const std::string& job_id);
  void execute(const std::shared_ptr<JobRun>& run);
  End end_of(const JobRun& run, const Result<Json>& result);
  void beat();
  void beat_once();
  Status moved(store::Transaction& transaction, const std::string& id);
  void changed(const Job& job);
  std::shared_ptr<JobRun> find_run(const std::string& id);
  void overlay(Job& job);

  store::Store& store_;
  const Clock& clock_;
  const Options options_;
  const std::string owner_;
  std::map<std::string, Kind> kinds_;  // fixed once started, as are the lanes
  std::map<std::string, Lane> lanes_;  // "" is the shared one
  std::vector<std::thread> threads_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  uint64_t changes_ = 0;     // of any job, so that no wake-up of wait() is lost
  uint64_t queued_ = 0;      // jobs that became queued, so that no wake-up of a worker is lost
  bool stopping_ = false;
  int64_t wake_ms_ = 0;      // no waiting job's time is over before; 0: look
  bool orphans_ = false;     // a job's end could not be recorded: its lease must run out
  std::map<std::string, std::shared_ptr<JobRun>> running_;

  std::shared_mutex watchers_mutex_;
  std::map<uint64_t, std::function<void(const Job&)>> watchers_;
  std::map<uint64_t, std::function<void(const std::string&)>> event_watchers_;
  uint64_t watcher_last_ = 0;
};

void StoreJournal::start() {
  CHECK(threads_.empty());
  auto status = store_.write(Context::background(clock_), [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(auto ids, take_over(transaction, options_.alone ? owner_ : "", clock_.unix_ms(), options_.crashes_max));
    for (const auto& id : ids) TRY(moved(transaction, id));
    return {};
  });
  if (!status) log::error("durable.resume_failed", {{"error", status.error().message}});
  lanes_[""].threads = options_.workers;
  for (const auto& [name, lane] : lanes_)
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
}

void StoreJournal::work(const Lane& lane) {
  uint64_t seen = 0;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kPoll, [&] { return stopping_ || queued_ != seen; });
      if (stopping_) return;
      seen = queued_;
    }
    while (auto run = claim(lane)) execute(run);
  }
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
    wake_ms_ = std::min(wake_ms_, after.wake_ms);
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
    auto sleep = std::clamp(milliseconds(wake_ms_ == kNever ? pause.count() : wake_ms_ - clock_.unix_ms()), milliseconds(kWakeLeastMs), pause);
    if (wake_.wait_for(lock, sleep, [&] { return stopping_; })) break;
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
  int64_t woken = 0, first = kNever;
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
  std::lock_guard lock(mutex_);
  if (!status) {
    wake_ms_ = 0;
    return log::warning("durable.wake_failed", {{"error", status.error().message}});
  }
  wake_ms_ = std::min(wake_ms_, first);
  if (woken == 0) return;
  ++changes_;
  ++queued_;
  wake_.notify_all();
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

void StoreJournal::overlay(Job& job) {
  if (job.state != State::kRunning) return;
  if (auto run = find_run(job.id)) {
    Job live = run->snapshot();
    job.done = live.done;
    job.total = live.total;
    job.note = live.note;
  }
}

Result<Job> StoreJournal::submit_as(store::Transaction& transaction, const Principal& principal, const std::string& kind, const Json& input,
                                    const std::string& key) {
  TRY_ASSIGN(Job job, insert_job(transaction, clock_.unix_ms(), principal, kind, input, key));
  transaction.after_commit([this, job] { changed(job); });
  return job;
}

Result<Job> StoreJournal::submit(const Context& context, std::string kind, Json input, std::string key) {
  Result<Job> job;
  TRY(store_.write(context, [&](store::Transaction& transaction) -> Status {
    job = submit_as(transaction, context.principal(), kind, input, key);
    if (!job) return job.error();
    return {};
  }));
  return job;
}

Result<Job> StoreJournal::get(const Context& context, const std::string& id) {
  Result<Job> job;
  TRY(store_.read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(job, get_job(reader, id));
    return {};
  }));
  overlay(*job);
  return job;
}

Result<std::vector<Job>> StoreJournal::list(const Context& context, std::string kind, int limit) {
  std::vector<Job> jobs;
  TRY(store_.read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(jobs, list_jobs(reader, kind, limit));
    return {};
  }));
  for (Job& job : jobs) overlay(job);
  return jobs;
}

Status StoreJournal::cancel(const Context& context, const std::string& id) {
  Job after;
  TRY(store_.write(context, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(Job job, get_job(transaction, id));
    if (job.state == State::kCancelled) return {};
    if (finished(job.state)) return failed_precondition("job " + id + " has " + std::string(state_name(job.state)) + " already: nothing is left to cancel");
    bool queued = job.state != State::kRunning;   // or waiting
    TRY(transaction.execute("UPDATE durable_jobs SET cancel_asked = 1, state = ?, updated_ms = ? WHERE id = ?",
                            {queued ? "cancelled" : "running", clock_.unix_ms(), id}));
    if (queued) TRY(moved(transaction, id));
    TRY_ASSIGN(after, get_job(transaction, id));
    transaction.after_commit([&] {
      if (auto run = find_run(id)) run->ask_cancel();
    });
    return {};
  }));
  if (!after.id.empty()) changed(after);
  return {};
}

Status StoreJournal::retry(const Context& context, const std::string& id) {
  Job after;
  TRY(store_.write(context, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(Job job, get_job(transaction, id));
    if (job.state != State::kFailed && job.state != State::kCancelled)
      return failed_precondition("job " + id + " is " + std::string(state_name(job.state)) + ": only a failed or cancelled job can be run again");
    TRY(
        transaction.execute("UPDATE durable_jobs SET state = 'queued', error = '', strikes = 0, cancel_asked = 0, not_before_ms = 0, "
                            "updated_ms = ? WHERE id = ?",
                            {clock_.unix_ms(), id}));
    TRY(moved(transaction, id));
    TRY_ASSIGN(after, get_job(transaction, id));
    return {};
  }));
  changed(after);
  return {};
}

Status StoreJournal::signal_in(store::Transaction& transaction, const std::string& id, std::vector<Event> events, Wake wake) {
  TRY_ASSIGN(Job job, get_job(transaction, id));
  bool woken = false;
  TRY(signal_job(transaction, job, std::move(events), wake, clock_.unix_ms(), &woken));
  if (finished(job.state)) TRY(moved(transaction, id));
  Job after;
  if (woken) {
    TRY_ASSIGN(after, get_job(transaction, id));
  }
  transaction.after_commit([this, id, after] {
    if (!after.id.empty()) changed(after);
    grown(id);
  });
  return {};
}

Status StoreJournal::signal(const Context& context, const std::string& id, std::vector<Event> events, Wake wake) {
  return store_.write_together(context, [&](store::Transaction& transaction) { return signal_in(transaction, id, std::move(events), wake); });
}

Result<std::vector<Event>> StoreJournal::events(const Context& context, const std::string& id, int64_t after, int limit) {
  std::vector<Event> found;
  TRY(store_.read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(int64_t sequence, sequence_of(reader, id));
    TRY_ASSIGN(found, events_after(reader, sequence, after, std::max(1, limit)));
    return {};
  }));
  return found;
}

Result<std::vector<Journal::FoundEvent>> StoreJournal::search_events(const Context& context, const Search& search, int limit) {
  std::vector<FoundEvent> found;
  TRY(store_.read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(found, find_events(reader, search, limit));
    return {};
  }));
  return found;
}

Result<Job> StoreJournal::wait(const Context& context, const std::string& id) {
  for (;;) {
    uint64_t seen = 0;
    {
      std::lock_guard lock(mutex_);
      seen = changes_;
    }
    TRY_ASSIGN(Job job, get(context, id));
    if (finished(job.state)) return job;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, milliseconds(100), [&] { return changes_ != seen; });
  }
}

Result<int64_t> StoreJournal::prune(const Context& context, int64_t before_ms) {
  int64_t pruned = 0;
  TRY(store_.write(context, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(pruned, transaction.execute("DELETE FROM durable_jobs WHERE state IN ('succeeded', 'failed', 'cancelled') AND updated_ms < ?", {before_ms}));
    return {};
  }));
  return pruned;
}

}  // namespace

std::vector<store::Migration> Journal::migrations() { return row_migrations(); }

Result<std::unique_ptr<Journal>> Journal::open(store::Store& store, const Clock& clock, Options options) {
  CHECK(options.workers > 0 && options.lease_ms > 0);
  return std::make_unique<StoreJournal>(store, clock, options);
}

}  // namespace strata::durable
