// The journal's tables as functions: each is one or two statements. Only this folder includes it.
//
//   durable_jobs    one row per job. owner and lease_ms say who runs it and until when; strikes counts the begins of the
//                   step that comes next; not_before_ms holds a job back after a failure.
//   durable_steps   append-only: (job, name) → result, numbered in the order of recording.
//   durable_events  append-only: (job's sequence, number) → kind, name, data. durable_jobs.events counts them.
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
  int64_t sequence = 0;                  // of its row
  Principal principal;
  int strikes = 0;                       // begins of the step that comes next, this one included
  std::map<std::string, Json> steps;     // recorded already
};
// The sequence number of the oldest job of a kind that is due; 0: none.
Result<int64_t> due_job(store::Reader& reader, const std::string& kind, int64_t now_ms);
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
  bool counts = true;                    // false: this begin is no strike (we were asked to stop, or it waits)
  int64_t events_seen = 0;               // of kWaiting: queued instead where there are more
};
Result<bool> end_job(store::Transaction& transaction, const Job& job, const std::string& owner, const End& end, int64_t now_ms);

// Adds events numbered after `seen`; false (and nothing written) where the job is not ours, or holds events beyond `seen`.
Result<bool> append_events(store::Transaction& transaction, const Job& job, int64_t job_sequence, const std::string& owner, int64_t seen,
                           std::vector<Event>& events, int64_t now_ms);
Result<std::vector<Event>> events_after(store::Reader& reader, int64_t job_sequence, int64_t after, int64_t limit, size_t bytes_most = SIZE_MAX);
Result<bool> is_ours(store::Reader& reader, int64_t job_sequence, const std::string& owner);
// From outside the job's worker. Sets `woken` where the job became queued.
Status signal_job(store::Transaction& transaction, const Job& job, std::vector<Event> events, Wake wake, int64_t now_ms, bool* woken);
Result<int64_t> sequence_of(store::Reader& reader, const std::string& id);   // kNotFound
Result<std::vector<Journal::FoundEvent>> find_events(store::Reader& reader, const Journal::Search& search, int limit);
// When the first waiting job's time is over; kNever where none waits for a time.
Result<int64_t> first_wake(store::Reader& reader);
Result<std::vector<Job>> wake_due(store::Transaction& transaction, int64_t now_ms);   // those that became queued
// Forgets at most `limit` finished jobs last changed before then; their ids by kind.
Result<std::map<std::string, std::vector<std::string>>> prune_jobs(store::Transaction& transaction, int64_t before_ms, int64_t limit);

// Jobs that run under a dead lease (before `now_ms`, or of anyone but `owner` where it is not empty) are queued again, cancelled
// (where that was asked), or failed (crashes_max begins at one step). Returns their ids.
Result<std::vector<std::string>> take_over(store::Transaction& transaction, const std::string& owner, int64_t now_ms, int crashes_max);

}  // namespace strata::durable
