#include "infra/durable/rows.h"

#include <algorithm>

#include "base/check.h"
#include "base/random.h"

namespace strata::durable {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;

constexpr char kSelect[] =
    "SELECT id, kind, input, state, done, total, note, result, error, attempts, created_ms, updated_ms, not_before_ms FROM durable_jobs ";

Result<State> state_from(const std::string& name) {
  for (State state : {State::kQueued, State::kRunning, State::kSucceeded, State::kFailed, State::kCancelled, State::kWaiting})
    if (state_name(state) == name) return state;
  return data_loss("durable_jobs: unknown state '" + name + "'");
}

Result<Job> job_from(const Row& row) {
  Job job;
  job.id = row.text(0);
  job.kind = row.text(1);
  TRY_ASSIGN(job.input, Json::parse(row.text(2)));
  TRY_ASSIGN(job.state, state_from(row.text(3)));
  job.done = row.integer(4);
  job.total = row.integer(5);
  job.note = row.text(6);
  TRY_ASSIGN(job.result, Json::parse(row.text(7)));
  job.error = row.text(8);
  job.attempts = static_cast<int>(row.integer(9));
  job.created_ms = row.integer(10);
  job.updated_ms = row.integer(11);
  if (job.state == State::kWaiting) job.wake_ms = row.integer(12);
  return job;
}

Result<std::vector<Job>> jobs_where(Reader& reader, const std::string& condition, const std::vector<store::Value>& values) {
  return store::query_all(reader, kSelect + condition, values, job_from);
}

}  // namespace

std::string_view state_name(State state) {
  switch (state) {
    case State::kQueued: return "queued";
    case State::kRunning: return "running";
    case State::kSucceeded: return "succeeded";
    case State::kFailed: return "failed";
    case State::kCancelled: return "cancelled";
    case State::kWaiting: return "waiting";
  }
  CHECK(false);
}

std::vector<store::Migration> row_migrations() {
  return {{"durable", 1, R"(
    CREATE TABLE durable_jobs(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      kind TEXT NOT NULL,
      input TEXT NOT NULL,
      idempotency_key TEXT,
      tenant TEXT NOT NULL,
      user_name TEXT NOT NULL,
      state TEXT NOT NULL,
      done INTEGER NOT NULL DEFAULT 0,
      total INTEGER NOT NULL DEFAULT 0,
      note TEXT NOT NULL DEFAULT '',
      result TEXT NOT NULL DEFAULT 'null',
      error TEXT NOT NULL DEFAULT '',
      attempts INTEGER NOT NULL DEFAULT 0,
      strikes INTEGER NOT NULL DEFAULT 0,
      not_before_ms INTEGER NOT NULL DEFAULT 0,
      owner TEXT NOT NULL DEFAULT '',
      lease_ms INTEGER NOT NULL DEFAULT 0,
      cancel_asked INTEGER NOT NULL DEFAULT 0,
      created_ms INTEGER NOT NULL,
      updated_ms INTEGER NOT NULL,
      UNIQUE(kind, idempotency_key));
    CREATE INDEX durable_jobs_by_state ON durable_jobs(state, kind, sequence);
    CREATE TABLE durable_steps(
      job_id TEXT NOT NULL REFERENCES durable_jobs(id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      ordinal INTEGER NOT NULL,
      result TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      PRIMARY KEY(job_id, name));
  )"},
          {"durable", 2, R"(
    ALTER TABLE durable_jobs ADD COLUMN events INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE durable_events(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      job INTEGER NOT NULL REFERENCES durable_jobs(sequence) ON DELETE CASCADE,
      number INTEGER NOT NULL,
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      data TEXT NOT NULL,
      decision INTEGER NOT NULL,
      at_ms INTEGER NOT NULL,
      UNIQUE(job, number));
    CREATE INDEX durable_events_decisions ON durable_events(kind, id) WHERE decision = 1;
    CREATE INDEX durable_jobs_by_wake ON durable_jobs(not_before_ms) WHERE state = 'waiting';
  )"}};
}

Result<Job> get_job(Reader& reader, const std::string& id) {
  TRY_ASSIGN(auto jobs, jobs_where(reader, "WHERE id = ?", {id}));
  if (jobs.empty()) return not_found("no job has the id '" + id + "'", "job_id");
  return std::move(jobs[0]);
}

Result<std::vector<Job>> list_jobs(Reader& reader, const std::string& kind, int limit) {
  int64_t most = std::clamp(limit, 1, 1'000);
  if (kind.empty()) return jobs_where(reader, "ORDER BY sequence DESC LIMIT ?", {most});
  return jobs_where(reader, "WHERE kind = ? ORDER BY sequence DESC LIMIT ?", {kind, most});
}

Result<Job> insert_job(Transaction& transaction, int64_t now_ms, const Principal& principal, const std::string& kind, const Json& input,
                       const std::string& key) {
  if (!key.empty()) {
    TRY_ASSIGN(auto same, jobs_where(transaction, "WHERE kind = ? AND idempotency_key = ?", {kind, key}));
    if (!same.empty()) return std::move(same[0]);
  }
  std::string text = input.dump();
  if (text.size() > kResultBytesMax) return invalid_argument("a job's input may have at most 1 MiB, got " + std::to_string(text.size()) + " bytes");
  std::string id = make_id("job");
  TRY(
      transaction.execute("INSERT INTO durable_jobs(id, kind, input, idempotency_key, tenant, user_name, state, created_ms, updated_ms) "
                          "VALUES(?, ?, ?, ?, ?, ?, 'queued', ?, ?)",
                          {id, kind, text, key.empty() ? store::Value() : store::Value(key), principal.tenant, principal.user, now_ms, now_ms}));
  return get_job(transaction, id);
}

Result<int64_t> due_job(Reader& reader, const std::string& kind, int64_t now_ms) {
  int64_t sequence = 0;
  TRY(reader.query("SELECT sequence FROM durable_jobs WHERE state = 'queued' AND kind = ? AND not_before_ms <= ? ORDER BY sequence LIMIT 1", {kind, now_ms},
                   [&](const Row& row) { return sequence = row.integer(0), false; }));
  return sequence;
}

Result<std::optional<Claim>> claim_job(Transaction& transaction, int64_t sequence, const std::string& owner, int64_t now_ms, int64_t lease_ms) {
  TRY_ASSIGN(int64_t changed, transaction.execute("UPDATE durable_jobs SET state = 'running', owner = ?, lease_ms = ?, attempts = attempts + 1, "
                                                  "strikes = strikes + 1, updated_ms = ? WHERE sequence = ? AND state = 'queued' AND not_before_ms <= ?",
                                                  {owner, now_ms + lease_ms, now_ms, sequence, now_ms}));
  if (changed == 0) return std::nullopt;
  Claim claim;
  claim.sequence = sequence;
  TRY_ASSIGN(auto jobs, jobs_where(transaction, "WHERE sequence = ?", {sequence}));
  claim.job = std::move(jobs.at(0));
  TRY(transaction.query("SELECT tenant, user_name, strikes FROM durable_jobs WHERE sequence = ?", {sequence}, [&](const Row& row) {
    claim.principal.tenant = row.text(0);
    claim.principal.user = row.text(1);
    claim.strikes = static_cast<int>(row.integer(2));
    return false;
  }));
  Status broken;
  TRY(transaction.query("SELECT name, result FROM durable_steps WHERE job_id = ?", {claim.job.id}, [&](const Row& row) {
    auto result = Json::parse(row.text(1));
    if (!result) return broken = Status(tl::unexpect, result.error()), false;
    claim.steps.emplace(row.text(0), std::move(*result));
    return true;
  }));
  TRY(broken);
  return claim;
}

Result<bool> renew(Transaction& transaction, const Job& job, const std::string& owner, int64_t lease_until_ms) {
  TRY_ASSIGN(int64_t changed,
             transaction.execute("UPDATE durable_jobs SET lease_ms = ?, done = ?, total = ?, note = ? WHERE id = ? AND owner = ? AND state = 'running'",
                                 {lease_until_ms, job.done, job.total, job.note, job.id, owner}));
  return changed == 1;
}

Result<bool> record_step(Transaction& transaction, const Job& job, const std::string& owner, const std::string& name, const std::string& result,
                         int64_t now_ms) {
  TRY_ASSIGN(int64_t changed, transaction.execute("UPDATE durable_jobs SET strikes = 1, done = ?, total = ?, note = ?, updated_ms = ? "
                                                  "WHERE id = ? AND owner = ? AND state = 'running'",
                                                  {job.done, job.total, job.note, now_ms, job.id, owner}));
  if (changed == 0) return false;
  TRY(
      transaction.execute("INSERT INTO durable_steps(job_id, name, ordinal, result, created_ms) "
                          "VALUES(?, ?, (SELECT count(*) FROM durable_steps WHERE job_id = ?), ?, ?)",
                          {job.id, name, job.id, result, now_ms}));
  return true;
}

Result<bool> end_job(Transaction& transaction, const Job& job, const std::string& owner, const End& end, int64_t now_ms) {
  if (end.state == State::kWaiting) {
    TRY_ASSIGN(int64_t parked,
               transaction.execute("UPDATE durable_jobs SET state = CASE WHEN events > ? THEN 'queued' ELSE 'waiting' END, "
                                   "not_before_ms = CASE WHEN events > ? THEN 0 ELSE ? END, owner = '', lease_ms = 0, "
                                   "strikes = strikes - 1, done = ?, total = ?, note = ?, updated_ms = ? "
                                   "WHERE id = ? AND owner = ? AND state = 'running'",
                                   {end.events_seen, end.events_seen, end.not_before_ms, job.done, job.total, job.note, now_ms, job.id, owner}));
    return parked == 1;
  }
  TRY_ASSIGN(int64_t changed, transaction.execute("UPDATE durable_jobs SET state = ?, result = ?, error = ?, not_before_ms = ?, owner = '', lease_ms = 0, "
                                                  "strikes = strikes - ?, done = ?, total = ?, note = ?, updated_ms = ? "
                                                  "WHERE id = ? AND owner = ? AND state = 'running'",
                                                  {std::string(state_name(end.state)), end.result, end.error, end.not_before_ms, int64_t{end.counts ? 0 : 1},
                                                   job.done, job.total, job.note, now_ms, job.id, owner}));
  return changed == 1;
}

namespace {

Status insert_events(Transaction& transaction, int64_t job_sequence, int64_t seen, std::vector<Event>& events, int64_t now_ms) {
  for (Event& event : events) {
    std::string data = event.data.dump();
    if (data.size() > kResultBytesMax)
      return resource_exhausted("the event '" + event.kind + "' of '" + event.name + "' has " + std::to_string(data.size()) +
                                    " bytes; an event may have at most 1 MiB: put larger things into files and name them",
                                kTooLarge);
    event.sequence = ++seen;
    event.at_ms = now_ms;
    TRY(transaction.execute("INSERT INTO durable_events(job, number, kind, name, data, decision, at_ms) VALUES(?, ?, ?, ?, ?, ?, ?)",
                            {job_sequence, event.sequence, event.kind, event.name, std::move(data), int64_t{event.decision}, now_ms}));
  }
  return {};
}

Result<Event> event_from(const Row& row, int at) {
  Event event;
  event.sequence = row.integer(at);
  event.kind = row.text(at + 1);
  event.name = row.text(at + 2);
  TRY_ASSIGN(event.data, Json::parse(row.text(at + 3)));
  event.decision = row.integer(at + 4) != 0;
  event.at_ms = row.integer(at + 5);
  return event;
}

}  // namespace

Result<bool> append_events(Transaction& transaction, const Job& job, int64_t job_sequence, const std::string& owner, int64_t seen, std::vector<Event>& events,
                           int64_t now_ms) {
  TRY_ASSIGN(int64_t changed, transaction.execute("UPDATE durable_jobs SET strikes = 1, events = events + ?, done = ?, total = ?, note = ?, updated_ms = ? "
                                                  "WHERE sequence = ? AND owner = ? AND state = 'running' AND events = ?",
                                                  {static_cast<int64_t>(events.size()), job.done, job.total, job.note, now_ms, job_sequence, owner, seen}));
  if (changed == 0) return false;
  TRY(insert_events(transaction, job_sequence, seen, events, now_ms));
  return true;
}

Result<std::vector<Event>> events_after(Reader& reader, int64_t job_sequence, int64_t after, int64_t limit, size_t bytes_most) {
  std::vector<Event> events;
  size_t bytes = 0;
  Status broken;
  TRY(reader.query("SELECT number, kind, name, data, decision, at_ms FROM durable_events WHERE job = ? AND number > ? ORDER BY number LIMIT ?",
                   {job_sequence, after, limit}, [&](const Row& row) {
                     auto event = event_from(row, 0);
                     if (!event) return broken = Status(tl::unexpect, event.error()), false;
                     events.push_back(std::move(*event));
                     bytes += row.text(3).size();
                     return bytes < bytes_most;
                   }));
  TRY(broken);
  return events;
}

Result<bool> is_ours(Reader& reader, int64_t job_sequence, const std::string& owner) {
  bool ours = false;
  TRY(reader.query("SELECT 1 FROM durable_jobs WHERE sequence = ? AND owner = ? AND state = 'running'", {job_sequence, owner},
                   [&](const Row&) { return ours = true, false; }));
  return ours;
}

Result<int64_t> sequence_of(Reader& reader, const std::string& id) {
  int64_t sequence = 0;
  TRY(reader.query("SELECT sequence FROM durable_jobs WHERE id = ?", {id}, [&](const Row& row) { return sequence = row.integer(0), false; }));
  if (sequence == 0) return not_found("no job has the id '" + id + "'", "job_id");
  return sequence;
}

Status signal_job(Transaction& transaction, const Job& job, std::vector<Event> events, Wake wake, int64_t now_ms, bool* woken) {
  bool over = finished(job.state);
  if (over && (wake != Wake::kRevive || job.state == State::kSucceeded))
    return failed_precondition("job " + job.id + " has " + (job.state == State::kCancelled ? "been " : "") + std::string(state_name(job.state)) +
                               " already: it takes no more signals");
  int64_t sequence = 0, seen = 0;
  TRY(transaction.query("SELECT sequence, events FROM durable_jobs WHERE id = ?", {job.id}, [&](const Row& row) {
    sequence = row.integer(0);
    seen = row.integer(1);
    return false;
  }));
  TRY(insert_events(transaction, sequence, seen, events, now_ms));
  TRY(transaction.execute("UPDATE durable_jobs SET events = events + ?, updated_ms = ? WHERE sequence = ?",
                          {static_cast<int64_t>(events.size()), now_ms, sequence}));
  *woken = over || job.state == State::kWaiting;
  if (*woken)
    TRY(
        transaction.execute("UPDATE durable_jobs SET state = 'queued', not_before_ms = 0, strikes = CASE WHEN ? = 1 THEN 0 ELSE strikes END, "
                            "cancel_asked = 0, error = '' WHERE sequence = ?",
                            {int64_t{over}, sequence}));
  return {};
}

Result<std::vector<Journal::FoundEvent>> find_events(Reader& reader, const Journal::Search& search, int limit) {
  std::string sql =
      "SELECT e.id, j.id, e.number, e.kind, e.name, e.data, e.decision, e.at_ms FROM durable_events e JOIN durable_jobs j ON j.sequence = e.job "
      "WHERE e.decision = 1 AND e.id < ?";
  std::vector<store::Value> values = {search.before_id};
  if (!search.kind.empty()) sql += " AND e.kind = ?", values.push_back(search.kind);
  if (!search.job_id.empty()) sql += " AND j.id = ?", values.push_back(search.job_id);
  if (!search.text.empty()) sql += " AND instr(lower(e.data), lower(?)) > 0", values.push_back(search.text);
  values.push_back(int64_t{std::clamp(limit, 1, 1'000)});
  return store::query_all(reader, sql + " ORDER BY e.id DESC LIMIT ?", values, [](const Row& row) -> Result<Journal::FoundEvent> {
    TRY_ASSIGN(Event event, event_from(row, 2));
    return Journal::FoundEvent{row.integer(0), row.text(1), std::move(event)};
  });
}

Result<int64_t> first_wake(Reader& reader) {
  int64_t first = kNever;
  TRY(reader.query("SELECT not_before_ms FROM durable_jobs WHERE state = 'waiting' ORDER BY not_before_ms LIMIT 1", {},
                   [&](const Row& row) { return first = row.integer(0), false; }));
  return first;
}

Result<std::vector<Job>> wake_due(Transaction& transaction, int64_t now_ms) {
  TRY_ASSIGN(auto jobs, jobs_where(transaction, "WHERE state = 'waiting' AND not_before_ms <= ?", {now_ms}));
  for (Job& job : jobs) {
    TRY(transaction.execute("UPDATE durable_jobs SET state = 'queued', not_before_ms = 0, updated_ms = ? WHERE id = ?", {now_ms, job.id}));
    job.state = State::kQueued;
    job.wake_ms = 0;
    job.updated_ms = now_ms;
  }
  return jobs;
}

Result<std::map<std::string, std::vector<std::string>>> prune_jobs(Transaction& transaction, int64_t before_ms, int64_t limit) {
  std::map<std::string, std::vector<std::string>> gone;
  TRY(transaction.query("SELECT kind, id FROM durable_jobs WHERE state IN ('succeeded', 'failed', 'cancelled') AND updated_ms < ? LIMIT ?", {before_ms, limit},
                        [&](const Row& row) { return gone[row.text(0)].push_back(row.text(1)), true; }));
  for (auto& [kind, ids] : gone)
    for (auto& id : ids) TRY(transaction.execute("DELETE FROM durable_jobs WHERE id = ?", {id}));
  return gone;
}

Result<std::vector<std::string>> take_over(Transaction& transaction, const std::string& owner, int64_t now_ms, int crashes_max) {
  std::vector<std::string> ids;
  std::string dead = owner.empty() ? "lease_ms < ?" : "(lease_ms < ? OR owner <> ?)";
  std::vector<store::Value> values = {now_ms};
  if (!owner.empty()) values.push_back(owner);
  TRY(transaction.query("SELECT id FROM durable_jobs WHERE state = 'running' AND " + dead, values,
                        [&](const Row& row) { return ids.push_back(row.text(0)), true; }));
  for (const std::string& id : ids) {
    TRY(transaction.execute(
        "UPDATE durable_jobs SET owner = '', lease_ms = 0, updated_ms = ?, "
        "error = CASE WHEN cancel_asked = 0 AND strikes >= ? THEN ? ELSE error END, "
        "state = CASE WHEN cancel_asked = 1 THEN 'cancelled' WHEN strikes >= ? THEN 'failed' ELSE 'queued' END WHERE id = ?",
        {now_ms, int64_t{crashes_max}, "the program died " + std::to_string(crashes_max) + " times at the same step of this job", int64_t{crashes_max}, id}));
  }
  return ids;
}

}  // namespace strata::durable
