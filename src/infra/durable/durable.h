// infra/durable: the journal of long work. A job is a kind, an input and an append-only list of steps; each step's result is
// committed before the next begins, so a process killed at any instant resumes where it was. Ingestion, pulls, flows, batches,
// evals and training all run here: one way to run long work, one place to see it, one way to cancel and retry it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/json.h"
#include "base/status.h"
#include "infra/store/store.h"

namespace strata::durable {

enum class State { kQueued, kRunning, kSucceeded, kFailed, kCancelled };

struct Job {
  std::string id;
  std::string kind;            // "ingest"
  Json input;
  State state = State::kQueued;
  int64_t done = 0, total = 0; // progress in the job's own unit
  std::string note;            // "parsing handbook.pdf"
  Json result;                 // where succeeded
  std::string error;           // where failed
  int attempts = 0;
  int64_t created_ms = 0, updated_ms = 0;
};

// What a running job sees. step() is exactly-once in its recorded result: run at most once per name to a recorded success; after a
// crash the recorded result is returned and `work` is not called again.
class Run {
 public:
  virtual ~Run() = default;
  virtual const Job& job() const = 0;
  virtual const Context& context() const = 0;   // cancelled when the job is
  virtual Result<Json> step(const std::string& name, const std::function<Result<Json>()>& work) = 0;
  // As step(), but `work`'s own writes and the step's record commit in one transaction.
  virtual Result<Json> transact(const std::string& name, const std::function<Result<Json>(store::Transaction&)>& work) = 0;
  virtual void progress(int64_t done, int64_t total, std::string note) = 0;
};
using Worker = std::function<Result<Json>(Run&)>;

class Journal {
 public:
  static std::vector<store::Migration> migrations();
  // THREADS: safe. `workers` jobs run at once; a lease that is not renewed (the process died) lets another take the job over.
  static Result<std::unique_ptr<Journal>> open(store::Store& store, const Clock& clock, int workers);
  virtual ~Journal() = default;
  virtual void register_kind(std::string kind, Worker worker) = 0;   // before start()
  virtual void start() = 0;                                          // resumes what a crash interrupted
  virtual void stop() = 0;                                           // running steps end; their jobs stay queued
  // Committed when it returns. With a key: the same key again returns the same job (idempotent).
  virtual Result<Job> submit(const Context& context, std::string kind, Json input, std::string key = "") = 0;
  // The same inside a caller's transaction, so that the row that needs the job and the job commit together.
  virtual Result<Job> submit_in(store::Transaction& transaction, std::string kind, Json input, std::string key = "") = 0;
  virtual Result<Job> get(const Context& context, const std::string& id) = 0;
  virtual Result<std::vector<Job>> list(const Context& context, std::string kind, int limit) = 0;
  virtual Status cancel(const Context& context, const std::string& id) = 0;
  virtual Status retry(const Context& context, const std::string& id) = 0;   // of a failed or cancelled job
  virtual void on_change(std::function<void(const Job&)> watcher) = 0;
};

}  // namespace strata::durable
