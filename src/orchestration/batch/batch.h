// orchestration/batch: many requests in one file, answered when nothing else has work, as OpenAI's /v1/batches.
//
//   input file (JSONL) ──create: every line is checked──▶ a job of the journal ──▶ lines run, some at a time ──▶ output and error file
//
// Each line that is done is committed with the counts before the next is begun in its place, so a process killed at any instant goes on
// with the lines that are left: none is lost, and none that was answered is asked again. A line that was under way when the process died is
// asked again where that costs nobody money (Executor::repeatable); else it ends with the error `outcome_unknown`: it may have been answered,
// and charged for. A stop of the program waits a few seconds for such answers, hangs up on the rest, and asks them again at the next start.
//
//   validating ──▶ in_progress ──▶ finalizing ──▶ completed
//        │  │           │  └──────── window over ──▶ expired      (what is done is kept; the other lines are errors)
//        │  └─cancel──▶ cancelling ──────────────▶ cancelled     (likewise)
//        └──▶ failed (a bad line: none was run)
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/json.h"
#include "base/status.h"
#include "infra/durable/durable.h"
#include "infra/store/store.h"

namespace strata::catalog { class Catalog; }

namespace strata::batch {

inline constexpr size_t kLinesMax = 50'000;             // OpenAI's
inline constexpr size_t kErrorsMax = 100;               // of one file that are named
inline constexpr std::string_view kInputPurpose = "batch", kOutputPurpose = "batch_output";

enum class State { kValidating, kFailed, kInProgress, kFinalizing, kCompleted, kExpired, kCancelling, kCancelled };
std::string_view state_name(State state);               // "validating", "failed", "in_progress", …
bool finished(State state);

struct LineError {
  int64_t line = 0;                                     // from 1; 0: of the whole batch
  std::string code, message, param;                     // "invalid_request", what is wrong and how to mend it, "body.messages"
};

struct Tokens {
  int64_t input = 0, cached = 0, output = 0;
};

struct Batch {
  std::string id;                                       // "batch_…"
  std::string endpoint, window, input_file_id;
  std::string output_file_id, error_file_id, job_id;    // may be empty
  State state = State::kValidating;
  std::vector<LineError> errors;
  Json metadata;                                        // object of strings, or null
  int64_t total = 0, completed = 0, failed = 0;         // lines; failed: answered with an error
  Tokens tokens;                                        // of the lines that are done
  int64_t created_ms = 0, expires_ms = 0;
  int64_t in_progress_ms = 0, finalizing_ms = 0, completed_ms = 0, failed_ms = 0, expired_ms = 0, cancelling_ms = 0, cancelled_ms = 0;   // 0: not yet
};

struct Wanted {
  std::string input_file_id, endpoint, window;          // window: "24h"; a number and s, m, h or d, one second to seven days
  Json metadata;
};

// What became of one line.
struct Answer {
  int status = 0;                                       // HTTP's; 0: there is none, and code and message say why
  std::string request_id;
  std::string body;                                     // JSON in one line
  std::string code, message;
  Tokens tokens;
};

// What lines ask for. THREADS: safe.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual const std::vector<std::string>& endpoints() const = 0;
  // Whether this body can be asked there: kInvalidArgument with the field as param. Nothing is run.
  virtual Status check(const std::string& endpoint, const Json& body) const = 0;
  // Whether asking it twice costs nobody money.
  virtual bool repeatable(const std::string& endpoint, const std::string& body) const = 0;
  // Asks it. `done` is called once, from any thread, also where the context is cancelled; it returns at once. May block.
  virtual void start(const Context& context, const std::string& endpoint, const std::string& body, std::function<void(Answer)> done) const = 0;
};

struct Options {
  int together = 8;                                     // lines that are under way at once
  int64_t retry_ms = 1'000;                             // before a line is asked again that was refused for lack of room; doubles each time
  int64_t drain_ms = 3'000;                             // a stop of the program waits so long for answers that cost money
};

std::vector<store::Migration> migrations();

// Errors: kNotFound names the id. THREADS: safe.
class Batches {
 public:
  Batches(store::Store& store, durable::Journal& journal, catalog::Catalog& catalog, const Clock& clock, const Executor& executor, Options options);
  Batches(store::Store& store, durable::Journal& journal, catalog::Catalog& catalog, const Clock& clock, const Executor& executor)
      : Batches(store, journal, catalog, clock, executor, Options()) {}
  ~Batches();
  void register_jobs();                                 // before the journal starts

  // Reads and checks the whole file. Where a line is bad the batch is there too, as failed, with what is wrong with which lines.
  // kInvalidArgument for a wrong endpoint, window or purpose of the file.
  Result<Batch> create(const Context& context, const Wanted& wanted);
  Result<Batch> get(const Context& context, const std::string& id);
  // Newest first, those before `after`; limit in [1, 1000].
  Result<std::vector<Batch>> list(const Context& context, int limit, const std::string& after);
  // One that has not begun is cancelled at once; else it is cancelling until its files are written. kFailedPrecondition where it has ended.
  Result<Batch> cancel(const Context& context, const std::string& id);

  struct Parts;

 private:
  std::unique_ptr<Parts> parts_;
};

}  // namespace strata::batch
