#include "orchestration/batch/rows.h"

#include <algorithm>

#include "base/check.h"

namespace strata::batch {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;
using store::Value;

constexpr State kStates[] = {State::kValidating, State::kFailed,  State::kInProgress, State::kFinalizing,
                             State::kCompleted,  State::kExpired, State::kCancelling, State::kCancelled};
constexpr char kSelect[] =
    "SELECT id, input_file_id, endpoint, time_window, metadata, created_ms, expires_ms, state, errors, output_file_id, error_file_id, job_id, total, "
    "completed, failed, input_tokens, cached_tokens, output_tokens, in_progress_ms, finalizing_ms, completed_ms, failed_ms, expired_ms, cancelling_ms, "
    "cancelled_ms FROM batches ";

std::string errors_text(const std::vector<LineError>& errors) {
  Json out = Json::array();
  for (auto& error : errors) out.push(Json::object({{"line", error.line}, {"code", error.code}, {"message", error.message}, {"param", error.param}}));
  return out.dump();
}

Result<std::vector<LineError>> errors_from(const std::string& text) {
  std::vector<LineError> out;
  TRY_ASSIGN(const Json json, Json::parse(text));
  if (const auto* items = json.as_array()) {
    for (const Json& item : *items) {
      LineError error;
      TRY_ASSIGN(error.line, item["line"].to_int("errors.line"));
      TRY_ASSIGN(error.code, item["code"].to_string("errors.code"));
      TRY_ASSIGN(error.message, item["message"].to_string("errors.message"));
      TRY_ASSIGN(error.param, item["param"].to_string("errors.param"));
      out.push_back(std::move(error));
    }
  }
  return out;
}

Result<Batch> batch_from(const Row& row) {
  Batch b;
  b.id = row.text(0);
  b.input_file_id = row.text(1);
  b.endpoint = row.text(2);
  b.window = row.text(3);
  TRY_ASSIGN(b.metadata, Json::parse(row.text(4)));
  b.created_ms = row.integer(5);
  b.expires_ms = row.integer(6);
  const std::string state = row.text(7);
  const auto* found = std::find_if(std::begin(kStates), std::end(kStates), [&](State one) { return state_name(one) == state; });
  if (found == std::end(kStates)) return data_loss("batches: unknown state '" + state + "'");
  b.state = *found;
  TRY_ASSIGN(b.errors, errors_from(row.text(8)));
  b.output_file_id = row.text(9);
  b.error_file_id = row.text(10);
  b.job_id = row.text(11);
  int column = 12;
  for (int64_t* field : {&b.total, &b.completed, &b.failed, &b.tokens.input, &b.tokens.cached, &b.tokens.output, &b.in_progress_ms, &b.finalizing_ms,
                         &b.completed_ms, &b.failed_ms, &b.expired_ms, &b.cancelling_ms, &b.cancelled_ms})
    *field = row.integer(column++);
  return b;
}

Result<std::vector<Batch>> where(Reader& reader, const std::string& condition, const std::vector<Value>& values) {
  return store::query_all(reader, kSelect + condition, values, batch_from);
}

}  // namespace

std::string_view state_name(State state) {
  switch (state) {
    case State::kValidating: return "validating";
    case State::kFailed: return "failed";
    case State::kInProgress: return "in_progress";
    case State::kFinalizing: return "finalizing";
    case State::kCompleted: return "completed";
    case State::kExpired: return "expired";
    case State::kCancelling: return "cancelling";
    case State::kCancelled: return "cancelled";
  }
  CHECK(false);
}

bool finished(State state) { return state == State::kFailed || state == State::kCompleted || state == State::kExpired || state == State::kCancelled; }

std::vector<store::Migration> migrations() {
  return {{"batch", 1, R"(
    CREATE TABLE batches(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      tenant TEXT NOT NULL,
      user_name TEXT NOT NULL,
      input_file_id TEXT NOT NULL,
      endpoint TEXT NOT NULL,
      time_window TEXT NOT NULL,
      metadata TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      expires_ms INTEGER NOT NULL,
      state TEXT NOT NULL,
      errors TEXT NOT NULL DEFAULT '[]',
      output_file_id TEXT NOT NULL DEFAULT '',
      error_file_id TEXT NOT NULL DEFAULT '',
      job_id TEXT NOT NULL DEFAULT '',
      total INTEGER NOT NULL DEFAULT 0,
      completed INTEGER NOT NULL DEFAULT 0,
      failed INTEGER NOT NULL DEFAULT 0,
      input_tokens INTEGER NOT NULL DEFAULT 0,
      cached_tokens INTEGER NOT NULL DEFAULT 0,
      output_tokens INTEGER NOT NULL DEFAULT 0,
      in_progress_ms INTEGER NOT NULL DEFAULT 0,
      finalizing_ms INTEGER NOT NULL DEFAULT 0,
      completed_ms INTEGER NOT NULL DEFAULT 0,
      failed_ms INTEGER NOT NULL DEFAULT 0,
      expired_ms INTEGER NOT NULL DEFAULT 0,
      cancelling_ms INTEGER NOT NULL DEFAULT 0,
      cancelled_ms INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX batches_by_job ON batches(job_id);
    CREATE TABLE batch_lines(
      batch TEXT NOT NULL REFERENCES batches(id) ON DELETE CASCADE,
      line INTEGER NOT NULL,
      done INTEGER NOT NULL,
      status INTEGER NOT NULL DEFAULT 0,
      request_id TEXT NOT NULL DEFAULT '',
      body TEXT NOT NULL DEFAULT '',
      code TEXT NOT NULL DEFAULT '',
      message TEXT NOT NULL DEFAULT '',
      PRIMARY KEY(batch, line));
  )"}};
}

Status insert(Transaction& transaction, const Batch& b, const Principal& principal) {
  TRY(
      transaction.execute("INSERT INTO batches(id, tenant, user_name, input_file_id, endpoint, time_window, metadata, created_ms, expires_ms, state) "
                          "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          {b.id, principal.tenant, principal.user, b.input_file_id, b.endpoint, b.window, b.metadata.dump(), b.created_ms, b.expires_ms,
                           std::string(state_name(b.state))}));
  return update(transaction, b);
}

Status update(Transaction& transaction, const Batch& b) {
  TRY(transaction.execute(
      "UPDATE batches SET state = ?, errors = ?, output_file_id = ?, error_file_id = ?, job_id = ?, total = ?, completed = ?, failed = ?, "
      "input_tokens = ?, cached_tokens = ?, output_tokens = ?, in_progress_ms = ?, finalizing_ms = ?, completed_ms = ?, failed_ms = ?, "
      "expired_ms = ?, cancelling_ms = ?, cancelled_ms = ? WHERE id = ?",
      {std::string(state_name(b.state)), errors_text(b.errors), b.output_file_id, b.error_file_id, b.job_id, b.total, b.completed, b.failed, b.tokens.input,
       b.tokens.cached, b.tokens.output, b.in_progress_ms, b.finalizing_ms, b.completed_ms, b.failed_ms, b.expired_ms, b.cancelling_ms, b.cancelled_ms, b.id}));
  return {};
}

Result<Batch> find(Reader& reader, const std::string& id) {
  TRY_ASSIGN(auto found, where(reader, "WHERE id = ?", {id}));
  if (found.empty()) return not_found("no batch has the id '" + id.substr(0, 100) + "'", "batch_id");
  return std::move(found.front());
}

Result<Batch> find_by_job(Reader& reader, const std::string& job_id) {
  TRY_ASSIGN(auto found, where(reader, "WHERE job_id = ?", {job_id}));
  if (found.empty()) return not_found("no batch has the job '" + job_id + "'", "job_id");
  return std::move(found.front());
}

Result<std::vector<Batch>> newest(Reader& reader, int limit, const std::string& after) {
  if (after.empty()) return where(reader, "ORDER BY sequence DESC LIMIT ?", {int64_t{limit}});
  TRY(find(reader, after));
  return where(reader, "WHERE sequence < (SELECT sequence FROM batches WHERE id = ?) ORDER BY sequence DESC LIMIT ?", {after, int64_t{limit}});
}

Result<Principal> who_asked(Reader& reader, const std::string& id) {
  Principal principal;
  TRY(reader.query("SELECT tenant, user_name FROM batches WHERE id = ?", {id}, [&](const Row& row) {
    principal.tenant = row.text(0);
    principal.user = row.text(1);
    return false;
  }));
  return principal;
}

Status begin_lines(Transaction& transaction, const std::string& id, const std::vector<int64_t>& lines) {
  for (const int64_t line : lines)
    TRY(transaction.execute("INSERT INTO batch_lines(batch, line, done) VALUES(?, ?, 0) ON CONFLICT (batch, line) DO NOTHING", {id, line}));
  return {};
}

Result<bool> end_line(Transaction& transaction, const std::string& id, const Done& done) {
  const Answer& answer = done.answer;
  TRY_ASSIGN(const int64_t changed,
             transaction.execute("INSERT INTO batch_lines(batch, line, done, status, request_id, body, code, message) VALUES(?, ?, 1, ?, ?, ?, ?, ?) "
                                 "ON CONFLICT (batch, line) DO UPDATE SET done = 1, status = excluded.status, request_id = excluded.request_id, "
                                 "body = excluded.body, code = excluded.code, message = excluded.message WHERE batch_lines.done = 0",
                                 {id, done.line, int64_t{answer.status}, answer.request_id, answer.body, answer.code, answer.message}));
  return changed == 1;
}

Status forget_begun(Transaction& transaction, const std::string& id) {
  TRY(transaction.execute("DELETE FROM batch_lines WHERE batch = ? AND done = 0", {id}));
  return {};
}

Status forget_lines(Transaction& transaction, const std::string& id) {
  TRY(transaction.execute("DELETE FROM batch_lines WHERE batch = ?", {id}));
  return {};
}

Result<std::map<int64_t, bool>> known_lines(Reader& reader, const std::string& id) {
  std::map<int64_t, bool> out;
  TRY(reader.query("SELECT line, done FROM batch_lines WHERE batch = ?", {id},
                   [&](const Row& row) { return out.emplace(row.integer(0), row.integer(1) != 0), true; }));
  return out;
}

Status each_done(Reader& reader, const std::string& id, const std::function<void(Done)>& each) {
  return reader.query("SELECT line, status, request_id, body, code, message FROM batch_lines WHERE batch = ? AND done = 1 ORDER BY line", {id},
                      [&](const Row& row) {
                        Done done;
                        done.line = row.integer(0);
                        done.answer.status = static_cast<int>(row.integer(1));
                        done.answer.request_id = row.text(2);
                        done.answer.body = row.text(3);
                        done.answer.code = row.text(4);
                        done.answer.message = row.text(5);
                        each(std::move(done));
                        return true;
                      });
}

}  // namespace strata::batch
