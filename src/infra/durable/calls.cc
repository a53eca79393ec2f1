// What others ask of the journal: submitting, signalling, cancelling, looking.
#include <algorithm>
#include <chrono>

#include "infra/durable/journal.h"

namespace strata::durable {
namespace {

using std::chrono::milliseconds;

// Jobs forgotten in one transaction: bounds how long other writers wait for it.
constexpr int64_t kPrunedAtOnce = 200;

}  // namespace

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
    if (auto run = find_run(id)) run->signalled();
    grown(id);
  });
  return {};
}

Status StoreJournal::signal(const Context& context, const std::string& id, std::vector<Event> events, Wake wake) {
  return store_.write_together(context, [&](store::Transaction& transaction) { return signal_in(transaction, id, std::move(events), wake); });
}

Result<std::vector<Event>> StoreJournal::events(const Context& context, const std::string& id, int64_t after, int limit, size_t bytes_most) {
  std::vector<Event> found;
  TRY(store_.read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(int64_t sequence, sequence_of(reader, id));
    TRY_ASSIGN(found, events_after(reader, sequence, after, std::max(1, limit), bytes_most));
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
  int64_t all = 0;
  for (int64_t count = kPrunedAtOnce; count == kPrunedAtOnce; all += count) {
    TRY(store_.write(context, [&](store::Transaction& transaction) -> Status {
      TRY_ASSIGN(auto gone, prune_jobs(transaction, before_ms, kPrunedAtOnce));
      count = 0;
      for (auto& [kind, ids] : gone) {
        count += static_cast<int64_t>(ids.size());
        auto known = kinds_.find(kind);
        if (known != kinds_.end() && known->second.pruned) TRY(known->second.pruned(transaction, ids));
      }
      return {};
    }));
  }
  return all;
}

}  // namespace strata::durable
