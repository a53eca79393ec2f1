// A schedule is a job that waits for its next time, starts a run, and waits again: a restart neither loses nor repeats one.
#include "base/random.h"
#include "orchestration/flow/core.h"

namespace strata::flow {
namespace {

constexpr int kSchedulesMost = 1'000;

Result<std::vector<Schedule>> schedules_where(store::Reader& reader, const std::string& column, const std::string& value, std::vector<std::string>* jobs) {
  std::vector<Schedule> all;
  Status broken;
  std::string sql = "SELECT id, flow, cron, input, job_id, created_ms FROM flow_schedules";
  std::vector<store::Value> values;
  if (!column.empty()) sql += " WHERE " + column + " = ?", values.push_back(value);
  TRY(reader.query(sql + " ORDER BY created_ms, id LIMIT 1001", values, [&](const store::Row& row) {
    Schedule one{.id = row.text(0), .flow = row.text(1), .cron = row.text(2), .input = {}, .created_ms = row.integer(5)};
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

// Events: scheduled {at_ms} before each wait. When it is woken, the last one's time has come.
Result<Json> Flows::Core::keep_schedule(durable::Run& job) {
  TRY_ASSIGN(auto events, job.events());
  int64_t due = 0;
  for (auto& event : events)
    if (event.kind == "scheduled") {
      TRY_ASSIGN(due, event.data["at_ms"].to_int("at_ms"));
    }
  const Json& input = job.job().input;
  TRY_ASSIGN(std::string cron, input["cron"].to_string("cron"));
  int64_t now = clock.unix_ms();
  if (due == 0 || due <= now) {
    // A time that was missed while we were down is made up for once, not once for each.
    TRY_ASSIGN(int64_t next, next_time(cron, now));
    int version = 0;
    TRY_ASSIGN(std::string name, input["flow"].to_string("flow"));
    DefinitionPtr flow;
    Json values;
    std::string problem;
    if (due > 0) {
      auto found = definition(job.context(), name, &version);
      auto checked = found ? (*found)->check_input(input["input"]) : Result<Json>(found.error());
      if (checked) flow = *found, values = std::move(*checked);
      else problem = checked.error().message;
    }
    std::vector<durable::Event> news;
    if (!problem.empty()) news.push_back({.kind = "not_started", .name = "", .data = Json::object({{"flow", name}, {"error", problem}}), .decision = true});
    news.push_back({.kind = "scheduled", .name = "", .data = Json::object({{"at_ms", next}})});
    TRY(job.append(std::move(news), [&](store::Transaction& transaction) -> Status {
      if (!flow) return {};
      std::string trigger = "schedule:" + *input["id"].as_string();
      TRY(start_in(transaction, job.context().principal(), flow, version, values, trigger + ":" + std::to_string(due), trigger));
      return {};
    }));
    due = next;
  }
  job.park(due);
  return Json();
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
    TRY(transaction.execute("INSERT INTO flow_schedules(id, flow, cron, input, job_id, created_ms) VALUES(?, ?, ?, ?, ?, ?)",
                            {made.id, flow, cron, made.input.dump(), job.id, made.created_ms}));
    return {};
  }));
  return made;
}

Result<std::vector<Schedule>> Flows::schedules(const Context& context, const std::string& flow) {
  std::vector<Schedule> all;
  std::vector<std::string> jobs;
  TRY(core_->store.read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(all, schedules_where(reader, flow.empty() ? "" : "flow", flow, &jobs));
    return {};
  }));
  for (size_t i = 0; i < all.size(); ++i) {
    auto job = core_->journal.get(context, jobs[i]);
    all[i].enabled = job && !durable::finished(job->state);
    if (auto next = next_time(all[i].cron, core_->clock.unix_ms())) all[i].next_ms = *next;
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
