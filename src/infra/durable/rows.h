// The journal's tables as functions: each is one or two statements. Only this folder includes it.
//
//   durable_jobs    one row per job. owner and lease_ms say who runs it and until when; strikes counts the begins of the
//                   step that comes next; not_before_ms holds a job back after a failure.
//   durable_steps   append-only: (job, name) → result, numbered in the order of recording.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "infra/durable/durable.h"

namespace strata::durable {

std::vector<store::Migration> row_migrations();

// kNotFound names the id.
Result<Job> get_job(store::Reader& reader, const std::string& id);
Result<std::vector<Job>> list_jobs(store::Reader& reader, const std::string& kind, int limit);
Result<Job> insert_job(store::Transaction& transaction, int64_t now_ms, const Principal& principal, const std::string& kind, const Json& input,
                       const std::string& key);

struct Claim {
  Job job;
  Principal principal;
  int strikes = 0;                       // begins of the step that comes next, this one included
  std::map<std::string, Json> steps;     // recorded already
};
// The oldest job that is due, per kind: kind → sequence number.
Result<std::map<std::string, int64_t>> due_jobs(store::Reader& reader, int64_t now_ms);
// nullopt where someone else was faster.
Result<std::optional<Claim>> claim_job(store::Transaction& transaction, int64_t sequence, const std::string& owner, int64_t now_ms, int64_t lease_ms);

// These return whether the job was still ours; where it was not, nothing changed.
Result<bool> renew(store::Transaction& transaction, const Job& job, const std::string& owner, int64_t lease_until_ms);
Result<bool> record_step(store::Transaction& transaction, const Job& job, const std::string& owner, const std::string& name, const std::string& result,
                         int64_t now_ms);
struct End {
  State state = State::kSucceeded;       // kQueued: to be run again
  std::string result = "null";
  std::string error;
  int64_t not_before_ms = 0;
  bool counts = true;                    // false: this begin is no strike (we were asked to stop)
};
Result<bool> end_job(store::Transaction& transaction, const Job& job, const std::string& owner, const End& end, int64_t now_ms);

// Jobs that run under a dead lease (before `now_ms`, or of anyone but `owner` where it is not empty) are queued again, cancelled
// (where that was asked), or failed (crashes_max begins at one step). Returns their ids.
Result<std::vector<std::string>> take_over(store::Transaction& transaction, const std::string& owner, int64_t now_ms, int crashes_max);

}  // namespace strata::durable
