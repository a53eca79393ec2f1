// The room's tables as functions. The log of a run is the journal's; what lies here is found by it or beside it:
//
//   flow_runs           which flow a job runs, from which trigger
//   flow_approvals      what waits for a person: written and moved in the transaction of the events that say the same
//   flow_schedules, flow_hooks, flow_subscriptions
#include "orchestration/flow/core.h"

namespace strata::flow {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;
using store::Value;

Result<Approval> approval_from(const Row& row) {
  Approval a;
  a.id = row.text(0);
  a.run_id = row.text(1);
  a.flow = row.text(2);
  a.step = row.text(3);
  a.kind = row.text(4);
  a.message = row.text(5);
  a.tool = row.text(6);
  TRY_ASSIGN(a.who, Json::parse(row.text(7)));
  TRY_ASSIGN(a.arguments, Json::parse(row.text(8)));
  TRY_ASSIGN(a.allow, Json::parse(row.text(9)));
  a.deadline_ms = row.integer(10);
  a.escalated = row.integer(11) != 0;
  a.state = row.text(12);
  a.decision = row.text(13);
  a.decided_by = row.text(14);
  a.reason = row.text(15);
  a.created_ms = row.integer(16);
  a.decided_ms = row.integer(17);
  a.key = row.text(18);
  return a;
}

Run run_from(const Row& row) {
  Run run;
  run.id = row.text(0);
  run.flow = row.text(1);
  run.version = static_cast<int>(row.integer(2));
  run.trigger = row.text(3);
  run.parent = row.text(4);
  return run;
}

}  // namespace

std::vector<store::Migration> migrations() {
  return {{"flow", 1, R"(
    CREATE TABLE flow_runs(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      flow TEXT NOT NULL,
      version INTEGER NOT NULL,
      triggered_by TEXT NOT NULL,
      parent TEXT NOT NULL,
      created_ms INTEGER NOT NULL);
    CREATE INDEX flow_runs_by_flow ON flow_runs(flow, sequence);
    CREATE TABLE flow_approvals(
      id TEXT PRIMARY KEY,
      run_id TEXT NOT NULL,
      flow TEXT NOT NULL,
      step TEXT NOT NULL,
      kind TEXT NOT NULL,
      message TEXT NOT NULL,
      tool TEXT NOT NULL,
      who TEXT NOT NULL,
      arguments TEXT NOT NULL,
      allow TEXT NOT NULL,
      deadline_ms INTEGER NOT NULL,
      escalated INTEGER NOT NULL,
      state TEXT NOT NULL,
      decision TEXT NOT NULL,
      decided_by TEXT NOT NULL,
      reason TEXT NOT NULL,
      call_key TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      decided_ms INTEGER NOT NULL);
    CREATE INDEX flow_approvals_by_state ON flow_approvals(state, created_ms);
    CREATE INDEX flow_approvals_by_run ON flow_approvals(run_id, state);
    CREATE TABLE flow_schedules(
      id TEXT PRIMARY KEY,
      flow TEXT NOT NULL,
      cron TEXT NOT NULL,
      input TEXT NOT NULL,
      job_id TEXT NOT NULL,
      created_ms INTEGER NOT NULL);
    CREATE TABLE flow_hooks(
      id TEXT PRIMARY KEY,
      flow TEXT NOT NULL,
      input_field TEXT NOT NULL,
      created_ms INTEGER NOT NULL);
    CREATE TABLE flow_subscriptions(
      id TEXT PRIMARY KEY,
      url TEXT NOT NULL,
      events TEXT NOT NULL,
      created_ms INTEGER NOT NULL);
  )"},
          {"flow", 2, R"(
    ALTER TABLE flow_schedules ADD COLUMN next_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE flow_schedules ADD COLUMN problem TEXT NOT NULL DEFAULT '';
  )"}};
}

Status insert_run(Transaction& transaction, const Run& run, int64_t now_ms) {
  TRY(transaction.execute("INSERT INTO flow_runs(id, flow, version, triggered_by, parent, created_ms) VALUES(?, ?, ?, ?, ?, ?)",
                          {run.id, run.flow, int64_t{run.version}, run.trigger, run.parent, now_ms}));
  return {};
}

Result<std::optional<Run>> find_run(Reader& reader, const std::string& id) {
  std::optional<Run> run;
  TRY(reader.query("SELECT id, flow, version, triggered_by, parent FROM flow_runs WHERE id = ?", {id},
                   [&](const Row& row) { return run = run_from(row), false; }));
  return run;
}

Result<std::vector<Run>> list_runs(Reader& reader, const std::string& flow, int version, int limit, const std::string& after) {
  std::vector<Run> runs;
  int64_t before = INT64_MAX;
  if (!after.empty()) {
    bool known = false;
    TRY(reader.query("SELECT sequence FROM flow_runs WHERE id = ?", {after}, [&](const Row& row) { return known = true, before = row.integer(0), false; }));
    if (!known) return not_found("no run has the id '" + after + "'", "after");
  }
  std::string sql = "SELECT id, flow, version, triggered_by, parent FROM flow_runs WHERE sequence < ?";
  std::vector<Value> values = {before};
  if (!flow.empty()) sql += " AND flow = ?", values.push_back(flow);
  if (version > 0) sql += " AND version = ?", values.push_back(int64_t{version});
  values.push_back(int64_t{limit});
  TRY(reader.query(sql + " ORDER BY sequence DESC LIMIT ?", values, [&](const Row& row) { return runs.push_back(run_from(row)), true; }));
  return runs;
}

Status forget_runs(Transaction& transaction, const std::vector<std::string>& ids) {
  for (auto& id : ids) {
    TRY(transaction.execute("DELETE FROM flow_runs WHERE id = ?", {id}));
    TRY(transaction.execute("DELETE FROM flow_approvals WHERE run_id = ?", {id}));
  }
  return {};
}

Status insert_approval(Transaction& transaction, const Approval& a) {
  TRY(transaction.execute(
      "INSERT INTO flow_approvals(id, run_id, flow, step, kind, message, tool, who, arguments, allow, deadline_ms, escalated, state, decision, "
      "decided_by, reason, call_key, created_ms, decided_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', '', ?, ?, 0)",
      {a.id, a.run_id, a.flow, a.step, a.kind, a.message, a.tool, a.who.dump(), a.arguments.dump(), a.allow.dump(), a.deadline_ms, int64_t{a.escalated},
       a.state, a.key, a.created_ms}));
  return {};
}

Status move_approval(Transaction& transaction, const Approval& a) {
  TRY(transaction.execute(
      "UPDATE flow_approvals SET who = ?, arguments = ?, deadline_ms = ?, escalated = ?, state = ?, decision = ?, decided_by = ?, reason = ?, decided_ms = ? "
      "WHERE id = ? AND state = 'pending'",
      {a.who.dump(), a.arguments.dump(), a.deadline_ms, int64_t{a.escalated}, a.state, a.decision, a.decided_by, a.reason, a.decided_ms, a.id}));
  return {};
}

Status close_approvals(Transaction& transaction, const std::string& run_id, const std::string& step) {
  TRY(transaction.execute("UPDATE flow_approvals SET state = 'closed' WHERE run_id = ? AND state = 'pending' AND (? = '' OR step = ?)", {run_id, step, step}));
  return {};
}

Result<std::vector<Approval>> find_approvals(Reader& reader, const std::string& id, const std::string& state, const std::string& run_id, int limit) {
  std::string sql =
      "SELECT id, run_id, flow, step, kind, message, tool, who, arguments, allow, deadline_ms, escalated, state, decision, decided_by, reason, created_ms, "
      "decided_ms, call_key FROM flow_approvals WHERE 1 = 1";
  std::vector<Value> values;
  if (!id.empty()) sql += " AND id = ?", values.push_back(id);
  if (!state.empty()) sql += " AND state = ?", values.push_back(state);
  if (!run_id.empty()) sql += " AND run_id = ?", values.push_back(run_id);
  values.push_back(int64_t{limit});
  return store::query_all(reader, sql + " ORDER BY created_ms DESC, id LIMIT ?", values, approval_from);
}

}  // namespace strata::flow
