// infra/durable: the journal of long work. A job is a kind, an input and an append-only list of steps; each step's result is
// committed before the next begins, so a process killed at any instant resumes where it was. Ingestion, pulls, flows, batches,
// evals and training all run here: one way to run long work, one place to see it, one way to cancel and retry it.
//
// Failing: an error whose code is kUnavailable or kAborted runs the job again after a pause that grows (1 s, 4 s), up to attempts_max
// times without a new recorded step between them; any other error fails it at once. A process that dies while a job runs costs
// nothing but time; one that dies crashes_max times at the same step fails the job, so that a poisonous input cannot keep us down.
//
// A job may also keep a log of typed events (append()) and wait without a thread (park()): until a time, or until somebody signals it.
// A signal is an event that another thread appends; a job that it reaches while it waits is queued again, one that is running finds it
// when it appends or parks. So timers, approvals and messages from outside reach a job in the same log that its own steps are in:
//
//   worker ──append──▶ 1 started · 2 finished · 3 asked ──park(until)──▶ waiting ──signal(4 decided) or time──▶ queued ──▶ worker
//
// Appends of jobs that run at once share commits (store::Store::write_together).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/json.h"
#include "base/span.h"
#include "base/status.h"
#include "infra/store/store.h"

namespace strata::durable {

enum class State { kQueued, kRunning, kSucceeded, kFailed, kCancelled, kWaiting };
std::string_view state_name(State state);   // "queued", "running", "succeeded", "failed", "cancelled", "waiting"
inline bool finished(State state) { return state == State::kSucceeded || state == State::kFailed || state == State::kCancelled; }

struct Job {
  std::string id;
  std::string kind;            // "ingest"
  Json input;
  State state = State::kQueued;
  int64_t done = 0, total = 0; // progress in the job's own unit
  std::string note;            // "parsing handbook.pdf"
  Json result;                 // where succeeded
  std::string error;           // where failed; while queued again after a failure, the last one
  int attempts = 0;            // times it was begun
  int64_t created_ms = 0, updated_ms = 0;
  int64_t wake_ms = 0;         // while it waits: when its time is over; kNever: only a signal wakes it
};

inline constexpr int64_t kNever = INT64_MAX;

struct Event {
  int64_t sequence = 0;        // from 1 without gaps, within its job; set by the journal
  std::string kind;            // "step_finished": what data holds; the caller's own words
  std::string name;            // which step, or whatever else it is about; may be empty
  Json data;                   // at most kResultBytesMax as JSON: more is kResourceExhausted with the reason kTooLarge
  bool decision = false;       // found by search_events(), across jobs
  int64_t at_ms = 0;           // set by the journal
};

// What a running job sees. step() is exactly-once in its recorded result: run at most once per name to a recorded success; after a
// crash the recorded result is returned and `work` is not called again. A result is at most kResultBytesMax as JSON.
// Names are the journal's memory: the same work must ask for the same names in the same order each time it is run.
inline constexpr size_t kResultBytesMax = 1u << 20;  // larger things belong into tables or files, named by the result
inline constexpr char kTooLarge[] = "too_large";
class Run {
 public:
  virtual ~Run() = default;
  virtual const Job& job() const = 0;
  virtual const Context& context() const = 0;   // cancelled when the job is
  virtual Result<Json> step(const std::string& name, const std::function<Result<Json>()>& work) = 0;
  // As step(), but `work`'s own writes and the step's record commit in one transaction. kAborted where another took the job over.
  virtual Result<Json> transact(const std::string& name, const std::function<Result<Json>(store::Transaction&)>& work) = 0;
  // Seen at once by get(), list() and watchers; written down about once a second.
  virtual void progress(int64_t done, int64_t total, std::string note) = 0;

  // The job's whole log. From here on append() tells only what is new.
  virtual Result<std::vector<Event>> events() = 0;
  // Adds to the log, durably before it returns, together with what `also` writes. Gives everything that this run has not seen yet,
  // oldest first: signals that came meanwhile, then what was added, numbered. kAborted where another took the job over. THREADS: one at a time.
  // With `added`, for events that were made from the log as this run knows it: where others came meanwhile nothing is written, *added is
  // false, and only the news come back. Else it is true.
  using Also = std::function<Status(store::Transaction&)>;
  virtual Result<std::vector<Event>> append(std::vector<Event> events, const Also& also = nullptr, bool* added = nullptr) = 0;
  // What others have added since this run last looked, oldest first, for a worker that has nothing to add itself yet. THREADS: as append().
  virtual Result<std::vector<Event>> news() = 0;
  // Called after somebody in this process has signalled the job, from the thread that did; must not block. Once set to nullptr the one before
  // is not running any more. It is a hint: other processes that share the database are heard by news() alone.
  virtual void on_news(std::function<void()> heard) = 0;
  // Call before the worker returns (its result is then ignored): the job waits until then, or until a signal, and its worker is called
  // again. A signal that this run has not seen queues it at once.
  virtual void park(int64_t until_ms) = 0;
};
// The result of the job, or why it failed. May run on any of the journal's threads; returns soon after its context is cancelled.
using Worker = std::function<Result<Json>(Run&)>;
// Called inside the transaction that moves a job of its kind to succeeded, failed, cancelled, or (by retry) back to queued, however
// that came about: the rows that mirror the job's state change with it. An error undoes the move, so return one only for the store's.
using Moved = std::function<Status(store::Transaction&, const Job&)>;
// Called inside the transaction that forgets jobs of its kind: the rows that name them go with them.
using Pruned = std::function<Status(store::Transaction&, const std::vector<std::string>& ids)>;
// What a signal does to a job that waits or has ended. kWake: one that waits is queued; kFailedPrecondition for one that has ended.
// kRevive: also one that failed or was cancelled is queued again (as retry() does).
enum class Wake { kWake, kRevive };

struct Options {
  int workers = 2;               // jobs that run at once
  int64_t lease_ms = 15'000;     // how long a job is ours without a renewal (renewed every third of it)
  int attempts_max = 3;
  int crashes_max = 5;
  int64_t backoff_ms = 1'000;    // before the second attempt; four times as long before each further one
  std::shared_ptr<SpanSink> spans = nullptr;   // each run of a job is a trace, each step that it takes a span
  bool alone = true;             // no other journal uses this database (the folder's lock says so): start() takes over at once
};

// Fair among kinds (the kind with the fewest running jobs goes first), first come first served within a kind. THREADS: safe.
class Journal {
 public:
  static std::vector<store::Migration> migrations();
  static Result<std::unique_ptr<Journal>> open(store::Store& store, const Clock& clock, Options options);
  static Result<std::unique_ptr<Journal>> open(store::Store& store, const Clock& clock, int workers) { return open(store, clock, Options{.workers = workers}); }
  virtual ~Journal() = default;                                      // stops
  // Before start(); jobs of other kinds wait. `threads` > 0: so many threads that run jobs of this kind alone, beside the shared ones.
  virtual void register_kind(std::string kind, Worker worker, Moved moved = nullptr, int threads = 0) = 0;
  virtual void on_prune(const std::string& kind, Pruned pruned) = 0;  // before start(), of a registered kind
  virtual void start() = 0;                                          // resumes what a crash interrupted
  // Running steps end; their jobs stay queued. No watcher is called, nor kept, once it returns.
  virtual void stop() = 0;
  // Committed when it returns. With a key: the same key of the same kind again returns the same job (idempotent).
  virtual Result<Job> submit(const Context& context, std::string kind, Json input, std::string key = "") = 0;
  // The same inside a caller's transaction, so that the row that needs the job and the job commit together.
  virtual Result<Job> submit_in(store::Transaction& transaction, std::string kind, Json input, std::string key = "", const Principal& principal = {}) = 0;
  virtual Result<Job> get(const Context& context, const std::string& id) = 0;
  // Newest first, at most `limit` (up to 1,000); kind "" for all.
  virtual Result<std::vector<Job>> list(const Context& context, std::string kind, int limit) = 0;
  // A queued job is cancelled at once; a running one when its worker notices. Of a cancelled job: ok; of another finished one:
  // kFailedPrecondition.
  virtual Status cancel(const Context& context, const std::string& id) = 0;
  // Of a failed or cancelled job: queued again, its recorded steps kept. Else kFailedPrecondition.
  virtual Status retry(const Context& context, const std::string& id) = 0;
  // Adds events to a job's log from outside its worker, and wakes it. Committed when it returns.
  virtual Status signal(const Context& context, const std::string& id, std::vector<Event> events, Wake wake = Wake::kWake) = 0;
  // The same inside a caller's transaction.
  virtual Status signal_in(store::Transaction& transaction, const std::string& id, std::vector<Event> events, Wake wake = Wake::kWake) = 0;
  // Events of one job after that sequence, at most `limit`, and no more than about so many bytes of data, but at least one where there is one.
  virtual Result<std::vector<Event>> events(const Context& context, const std::string& id, int64_t after, int limit, size_t bytes_most = SIZE_MAX) = 0;
  // Decisions of all jobs, newest first, at most `limit` (up to 1,000). Empty fields match all; `text` is looked for in the data.
  struct Search {
    std::string kind, job_id, text;
    int64_t before_id = kNever;              // ids below this one: for paging
  };
  struct FoundEvent {
    int64_t id = 0;
    std::string job_id;
    Event event;
  };
  virtual Result<std::vector<FoundEvent>> search_events(const Context& context, const Search& search, int limit) = 0;
  // Called after a job's log has grown, with its id; as on_change's watchers. remove_watcher() takes either kind.
  virtual uint64_t on_events(std::function<void(const std::string& job_id)> watcher) = 0;
  // Blocks until the job is finished, or the context is over. For the command line and tests.
  virtual Result<Job> wait(const Context& context, const std::string& id) = 0;
  // Forgets finished jobs (with their steps, events and keys) last changed before then; returns how many. COST: several transactions.
  virtual Result<int64_t> prune(const Context& context, int64_t before_ms) = 0;
  // Called after every change of a job, from the thread that made it; must not block and must not write to the store.
  virtual uint64_t on_change(std::function<void(const Job&)> watcher) = 0;
  virtual void remove_watcher(uint64_t watcher) = 0;                 // not running any more when it returns
};

}  // namespace strata::durable
