// A schedule is a job that waits for its next time, starts a run, and waits again: a restart neither loses nor repeats one. Its next time
// lies in its row, so that the job's log stays empty however often it comes.
#include "base/log.h"
#include "base/random.h"
#include "orchestration/flow/core.h"

namespace strata::flow {
namespace {

constexpr int kSchedulesMost = 1'000;
// After something went wrong. UNITS: milliseconds.
constexpr int64_t kTroublePauseMs = 60'000;

Result<std::vector<Schedule>> schedules_where(store::Reader& reader, const std::string& column, const std::string& value, std::vector<std::string>* jobs) {
  std::vector<Schedule> all;
  Status broken;
  std::string sql = "SELECT id, flow, cron, input, job_id, created_ms, next_ms, problem FROM flow_schedules";
  std::vector<store::Value> values;
  if (!column.empty()) sql += " WHERE " + column + " = ?", values.push_back(value);
  TRY(reader.query(sql + " ORDER BY created_ms, id LIMIT 1001", values, [&](const store::Row& row) {
    Schedule one{.id = row.text(0),
                 .flow = row.text(1),
                 .cron = row.text(2),
                 .input = {},
                 .next_ms = row.integer(6),
                 .created_ms = row.integer(5),
                 .problem = row.text(7)};
    auto input = Json::parse(row.text(3));
    if (!input) return broken = Status(tl::unexpect, input.error()), false;
    one.input = std::move(*input);
    jobs->push_back(row.text(4));
    all.push_back(std::move(one));
    return true;
  }));
  TRY(broken);
  return all;
}

}  // namespace

// A schedule ends only where it is removed or cancelled: whatever goes wrong, it is tried again.
Result<Json> Flows::Core::keep_schedule(durable::Run& job) {
  auto next = run_schedule(job);
  if (!next && job.context().cancelled()) return next.error();
  if (!next) log::warning("flow.schedule_failed", {{"job", job.job().id}, {"error", next.error().message}});
  job.park(next ? *next : clock.unix_ms() + kTroublePauseMs);
  return Json();
}

// Starts a run where its time has come; says when the next one does.
Result<int64_t> Flows::Core::run_schedule(durable::Run& job) {
  const Json& input = job.job().input;
  TRY_ASSIGN(std::string id, input["id"].to_string("id"));
  std::vector<std::string> jobs;
  std::vector<Schedule> found;
  TRY(store.read(job.context(), [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(found, schedules_where(reader, "id", id, &jobs));
    return {};
  }));
  if (found.empty()) return durable::kNever;   // it is being removed
  const Schedule& schedule = found[0];
  const int64_t now = clock.unix_ms(), due = schedule.next_ms;
  TRY_ASSIGN(int64_t next, next_time(schedule.cron, now));
  if (due > now && due <= next) return due;
  // Its time has come: one that was missed while we were down is made up for once, not once for each. Or the clock went back behind it.
  const bool start = due > 0 && due <= now;
  int version = 0;
  auto flow = definition(job.context(), schedule.flow, &version);
  auto values = flow ? (*flow)->check_input(schedule.input) : Result<Json>(flow.error());
  const std::string problem = !start ? schedule.problem : values ? "" : values.error().message;
  TRY(job.append({}, [&](store::Transaction& transaction) -> Status {
    std::string trigger = "schedule:" + id;
    if (start && values) TRY(start_in(transaction, job.context().principal(), *flow, version, *values, trigger + ":" + std::to_string(due), trigger));
    TRY(transaction.execute("UPDATE flow_schedules SET next_ms = ?, problem = ? WHERE id = ?", {next, problem, id}));
    return {};
  }));
  return next;
}

// The clock may have been set while we were down: each looks at it again.
Status Flows::Core::wake_schedules() {
  return store.write(Context::background(clock), [&](store::Transaction& transaction) -> Status {
    std::vector<std::string> jobs;
    TRY(schedules_where(transaction, "", "", &jobs));
    for (auto& id : jobs) {
      auto woken = journal.signal_in(transaction, id, {});
      if (!woken && woken.error().code != Code::kFailedPrecondition && woken.error().code != Code::kNotFound) return woken;
    }
    return {};
  });
}

Result<Schedule> Flows::add_schedule(const Context& context, const std::string& flow, const std::string& cron, const Json& input) {
  int version = 0;
  TRY_ASSIGN(auto definition, core_->definition(context, flow, &version));
  TRY(definition->check_input(input));
  Schedule made{.id = make_id("sched"), .flow = flow, .cron = cron, .input = input.is_null() ? Json::object() : input, .created_ms = core_->clock.unix_ms()};
  TRY_ASSIGN(made.next_ms, next_time(cron, core_->clock.unix_ms()));
  TRY(core_->store.write(context, [&](store::Transaction& transaction) -> Status {
    int64_t count = 0;
    TRY(transaction.query("SELECT count(*) FROM flow_schedules", {}, [&](const store::Row& row) { return count = row.integer(0), false; }));
    if (count >= kSchedulesMost) return resource_exhausted("there are 1,000 schedules already: remove one first");
    Json job_input = Json::object({{"id", made.id}, {"flow", flow}, {"cron", cron}, {"input", made.input}});
    TRY_ASSIGN(auto job, core_->journal.submit_in(transaction, kScheduleKind, std::move(job_input), made.id, context.principal()));
    TRY(transaction.execute("INSERT INTO flow_schedules(id, flow, cron, input, job_id, created_ms, next_ms) VALUES(?, ?, ?, ?, ?, ?, ?)",
                            {made.id, flow, cron, made.input.dump(), job.id, made.created_ms, made.next_ms}));
    return {};
  }));
  return made;
}

Result<std::vector<Schedule>> Flows::schedules(const Context& context, const std::string& flow) {
  TRY(core_->known(context, flow));
  std::vector<Schedule> all;
  std::vector<std::string> jobs;
  TRY(core_->store.read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(all, schedules_where(reader, flow.empty() ? "" : "flow", flow, &jobs));
    return {};
  }));
  for (size_t i = 0; i < all.size(); ++i) {
    auto job = core_->journal.get(context, jobs[i]);
    all[i].enabled = job && !durable::finished(job->state);
  }
  return all;
}

Status Flows::remove_schedule(const Context& context, const std::string& id) {
  std::vector<std::string> jobs;
  TRY(core_->store.write(context, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(auto found, schedules_where(transaction, "id", id, &jobs));
    if (found.empty()) return not_found("no schedule has the id '" + id + "'", "schedule_id");
    TRY(transaction.execute("DELETE FROM flow_schedules WHERE id = ?", {id}));
    return {};
  }));
  auto cancelled = core_->journal.cancel(context, jobs[0]);
  if (!cancelled && cancelled.error().code != Code::kFailedPrecondition) return cancelled;
  return {};
}

}  // namespace strata::flow
