#include "worker/postgres/postgres.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <vector>

#include "base/text.h"

namespace strata::worker {
namespace {

constexpr size_t kSqlBytesMost = 64u << 10;
constexpr int64_t kSetUpMs = 10'000;
constexpr Oid kBool = 16, kInt8 = 20, kInt2 = 21, kInt4 = 23, kOid = 26, kFloat4 = 700, kFloat8 = 701, kNumeric = 1700;
// Numbers of so many digits are the same after a turn through a double.
constexpr size_t kDigitsExact = 15;

// Values come back in one form everywhere; a lock is not waited for. work_mem bounds what one sort takes of the server's memory.
constexpr const char* kSession =
    "SET default_transaction_read_only = on; SET client_min_messages = error; SET lock_timeout = 1000; SET DateStyle = 'ISO'; SET IntervalStyle = iso_8601; "
    "SET bytea_output = hex; SET TimeZone = 'UTC'; SET extra_float_digits = 1; SET work_mem = '16MB'; SET max_parallel_workers_per_gather = 0; "
    "SET statement_timeout = 10000";

// The first role that this one is, or can become, that may do more than read.
constexpr const char* kTooMighty =
    "SELECT r.rolname, concat_ws(', ', CASE WHEN r.rolsuper THEN 'is a superuser' END, CASE WHEN r.rolcreaterole THEN 'makes roles' END, "
    "CASE WHEN r.rolcreatedb THEN 'makes databases' END, CASE WHEN r.rolreplication THEN 'replicates' END, "
    "CASE WHEN r.rolbypassrls THEN 'passes row security by' END, CASE WHEN r.rolname LIKE 'pg\\_%' THEN 'reaches beyond its tables' END) "
    "FROM pg_catalog.pg_roles r WHERE pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER') AND (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb "
    "OR r.rolreplication OR r.rolbypassrls OR r.rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program', "
    "'pg_write_all_data', 'pg_signal_backend', 'pg_create_subscription', 'pg_maintain', 'pg_checkpoint')) "
    "ORDER BY r.rolsuper DESC, r.rolname LIMIT 1";

constexpr const char* kTables =
    "SELECT CASE WHEN pg_catalog.pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END, a.attname, "
    "pg_catalog.format_type(a.atttypid, a.atttypmod), "
    "EXISTS(SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p' AND a.attnum = ANY(k.conkey)), "
    "(SELECT f.relname || '.' || t.attname FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class f ON f.oid = k.confrelid "
    "JOIN pg_catalog.pg_attribute t ON t.attrelid = f.oid AND t.attnum = k.confkey[1] "
    "WHERE k.conrelid = c.oid AND k.contype = 'f' AND cardinality(k.conkey) = 1 AND k.conkey[1] = a.attnum LIMIT 1) "
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid "
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' AND a.attnum > 0 "
    "AND NOT a.attisdropped AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT') "
    "ORDER BY n.nspname, c.relname, a.attnum LIMIT 5000";

using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

int64_t now_ms() { return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string field(const PGresult* answer, int name) {
  const char* text = PQresultErrorField(answer, name);
  return text ? utf8_repaired(text) : "";
}

Json error_json(const std::string& code, const std::string& message) { return Json::object({{"error", Json::object({{"code", code}, {"message", message}})}}); }

std::string value_of(const PGresult* answer, int row, int column) {
  return utf8_repaired({PQgetvalue(answer, row, column), static_cast<size_t>(PQgetlength(answer, row, column))});
}

// A number where JSON has room for it, else the text that PostgreSQL writes.
Json number_of(const std::string& text, bool whole) {
  const char* end = text.data() + text.size();
  if (whole) {
    long long value = 0;
    const auto [at, problem] = std::from_chars(text.data(), end, value);
    return problem == std::errc() && at == end ? Json(value) : Json(text);
  }
  double value = 0;
  const auto [at, problem] = std::from_chars(text.data(), end, value);
  return problem == std::errc() && at == end && std::isfinite(value) ? Json(value) : Json(text);
}

Json json_of(const PGresult* answer, int row, int column) {
  if (PQgetisnull(answer, row, column)) return {};
  std::string text = value_of(answer, row, column);
  const auto digits = static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }));
  switch (PQftype(answer, column)) {
    case kBool: return Json(text == "t");
    case kInt2:
    case kInt4:
    case kInt8:
    case kOid: return number_of(text, true);
    case kFloat4:
    case kFloat8: return number_of(text, false);
    case kNumeric: return digits <= kDigitsExact ? number_of(text, text.find('.') == text.npos) : Json(text);
    default: return Json(std::move(text));
  }
}

// The name in 'relation "custmer" does not exist' or 'column c.nmae does not exist'.
std::string named_in(const std::string& message) {
  if (const size_t open = message.find('"'); open != message.npos) return message.substr(open + 1, message.find('"', open + 1) - open - 1);
  const size_t begin = message.find(' ');
  return begin == message.npos ? "" : message.substr(begin + 1, message.find(' ', begin + 1) - begin - 1);
}

}  // namespace

struct PostgresDatabase::Impl {
  PGconn* connection = nullptr;
  int64_t deadline_ms = 0;
  Json tables = Json::object({{"tables", Json::array()}});

  ~Impl() { PQfinish(connection); }

  // The next result, before the deadline; null where there is none. `late`: the deadline came first.
  Answer next(bool* late) {
    while (PQisBusy(connection)) {
      const int64_t left = deadline_ms - now_ms();
      pollfd wanted{PQsocket(connection), POLLIN, 0};
      if (left <= 0 || poll(&wanted, 1, static_cast<int>(left)) == 0) {
        *late = true;
        return {nullptr, PQclear};
      }
      if (!PQconsumeInput(connection)) break;
    }
    return {PQgetResult(connection), PQclear};
  }

  // One of our own statements, to its end.
  Result<Answer> own(const char* sql) {
    bool late = false;
    if (!PQsendQuery(connection, sql)) return unavailable(utf8_repaired(trim(PQerrorMessage(connection))));
    Answer last{nullptr, PQclear};
    for (;;) {
      Answer answer = next(&late);
      if (late) return unavailable("the database did not answer in time");
      if (!answer) break;
      last = std::move(answer);
    }
    const ExecStatusType status = last ? PQresultStatus(last.get()) : PGRES_FATAL_ERROR;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return last;
    return failed_precondition("the database refused to be set up: " + utf8_repaired(trim(PQerrorMessage(connection))));
  }

  Status check_role() {
    TRY_ASSIGN(const Answer mighty, own(kTooMighty));
    if (PQntuples(mighty.get()) == 0) return {};
    return failed_precondition("the role " + utf8_repaired(PQuser(connection)) + " may do more than read: '" + value_of(mighty.get(), 0, 0) + "' " +
                               value_of(mighty.get(), 0, 1) + ". Make a role that may only read, and name it in tools.json: CREATE ROLE asker LOGIN …; " +
                               "GRANT SELECT ON … TO asker");
  }

  Status read_schema() {
    TRY_ASSIGN(const Answer rows, own(kTables));
    Json list = Json::array();
    for (int i = 0; i < PQntuples(rows.get()); ++i) {
      const std::string name = value_of(rows.get(), i, 0);
      Json column = Json::object({{"name", value_of(rows.get(), i, 1)}, {"type", value_of(rows.get(), i, 2)}});
      if (value_of(rows.get(), i, 3) == "t") column.set("key", true);
      if (!PQgetisnull(rows.get(), i, 4)) column.set("references", value_of(rows.get(), i, 4));
      if (list.size() == 0 || list.as_array()->back()["name"] != Json(name)) list.push(Json::object({{"name", name}, {"columns", Json::array()}}));
      list.as_array()->back().find("columns")->push(std::move(column));
    }
    tables.set("tables", std::move(list));
    return {};
  }

  Json name_error(const std::string& code, const std::string& message) const {
    const std::string got = named_in(message), wanted = got.substr(got.rfind('.') == got.npos ? 0 : got.rfind('.') + 1);
    std::vector<std::string_view> names;
    for (const Json& table : *tables["tables"].as_array()) {
      if (code == "no_such_table") names.push_back(*table["name"].as_string());
      else
        for (const Json& column : *table["columns"].as_array()) names.push_back(*column["name"].as_string());
    }
    const std::string near(nearest_name(wanted, names));
    std::string expected;
    for (const Json& table : *tables["tables"].as_array()) {
      const std::string& name = *table["name"].as_string();
      if (code == "no_such_table" && expected.size() < 1'000) expected += (expected.empty() ? "" : ", ") + name;
      if (code == "no_such_table" || near.empty()) continue;
      for (const Json& column : *table["columns"].as_array()) {
        if (column["name"] == Json(near)) expected += (expected.empty() ? "" : ", ") + name + "." + near;
      }
    }
    if (expected.empty()) expected = code == "no_such_column" ? "a column of the tables that are asked" : "a table that this role may read";
    Json error = Json::object({{"code", code}, {"message", message}, {"got", got}, {"expected", expected}});
    if (!near.empty()) error.set("nearest", near);
    return Json::object({{"error", std::move(error)}});
  }

  Json error_of(const PGresult* answer) const {
    const std::string state = field(answer, PG_DIAG_SQLSTATE), hint = field(answer, PG_DIAG_MESSAGE_HINT);
    std::string message = field(answer, PG_DIAG_MESSAGE_PRIMARY);
    if (message.empty()) message = utf8_repaired(trim(PQerrorMessage(connection)));
    if (state == "42P01") return name_error("no_such_table", message);
    if (state == "42703") return name_error("no_such_column", message);
    if (!hint.empty()) message += ". " + hint;
    if (message.find("multiple commands") != message.npos) return error_json("not_one_statement", "expected one SELECT and nothing after it");
    if (state == "42601" || state == "08P01") return error_json("syntax", message);
    if (state == "57014") return error_json("timeout", "the query ran over its time limit: ask for less, or join on keys");
    if (state == "25006" || state == "42501" || state == "0A000" || state == "42P11" || state == "34000") return error_json("not_allowed", message);
    if (state.starts_with("53") || state.starts_with("54") || message.find("memory") != message.npos) return error_json("too_large", message);
    if (state.empty() || state.starts_with("57P") || state.starts_with("08")) return error_json("unavailable", message);
    return error_json("sql_error", message);
  }

  // The question itself: one statement by the extended protocol, which may only be a SELECT.
  Json declare(std::string_view sql) {
    const std::string declared = "DECLARE strata_question NO SCROLL CURSOR FOR " + std::string(sql);
    bool late = false;
    if (!PQsendQueryParams(connection, declared.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0))
      return error_json("unavailable", utf8_repaired(trim(PQerrorMessage(connection))));
    Json problem;
    for (Answer answer = next(&late); answer; answer = next(&late)) {
      if (PQresultStatus(answer.get()) != PGRES_COMMAND_OK && problem.is_null()) problem = error_of(answer.get());
    }
    return late ? error_json("timeout", "the query could not be planned within its time limit") : problem;
  }

  Json fetch(const PostgresLimits& limits) {
    const std::string sql = "FETCH FORWARD " + std::to_string(limits.rows + 1) + " FROM strata_question";
    if (!PQsendQueryParams(connection, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) || !PQsetSingleRowMode(connection))
      return error_json("unavailable", utf8_repaired(trim(PQerrorMessage(connection))));
    Json columns = Json::array(), rows = Json::array();
    uint64_t bytes = 0;
    bool truncated = false, late = false, named = false;
    for (Answer answer = next(&late); answer && !truncated; answer = next(&late)) {
      const ExecStatusType status = PQresultStatus(answer.get());
      if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK) return error_of(answer.get());
      const int count = PQnfields(answer.get());
      for (int i = 0; !named && i < count; ++i) columns.push(utf8_repaired(PQfname(answer.get(), i)));
      named = true;
      for (int r = 0; r < PQntuples(answer.get()); ++r) {
        Json row = Json::array();
        for (int i = 0; i < count; ++i) {
          bytes += static_cast<uint64_t>(PQgetlength(answer.get(), r, i)) + 8;
          if (bytes <= limits.bytes) row.push(json_of(answer.get(), r, i));
        }
        truncated = bytes > limits.bytes || static_cast<int64_t>(rows.size()) >= limits.rows;
        if (!truncated) rows.push(std::move(row));
      }
    }
    if (late) return error_json("timeout", "the query ran over its time limit: ask for less, or join on keys");
    return Json::object({{"columns", std::move(columns)}, {"rows", std::move(rows)}, {"truncated", truncated}});
  }
};

PostgresDatabase::PostgresDatabase(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PostgresDatabase::~PostgresDatabase() = default;

Result<std::unique_ptr<PostgresDatabase>> PostgresDatabase::open(const std::string& connection, const std::string& password) {
  // Later keywords win over the operator's string, which is expanded first. Kerberos would read files of its own.
  std::vector<const char*> names = {"dbname", "client_encoding", "application_name", "connect_timeout", "gssencmode"};
  std::vector<const char*> values = {connection.c_str(), "UTF8", "strata", "5", "disable"};
  if (!password.empty()) names.push_back("password"), values.push_back(password.c_str());
  names.push_back(nullptr), values.push_back(nullptr);
  auto impl = std::make_unique<Impl>();
  impl->connection = PQconnectdbParams(names.data(), values.data(), 1);
  if (!impl->connection) return resource_exhausted("no memory for a connection");
  if (PQstatus(impl->connection) != CONNECTION_OK) {
    const std::string why = utf8_repaired(trim(PQerrorMessage(impl->connection)));
    const bool mend = why.find("authentication") != why.npos || why.find("does not exist") != why.npos || why.find("no password") != why.npos ||
                      why.find("invalid") != why.npos || why.find("missing") != why.npos;
    return mend ? failed_precondition(why) : unavailable(why);
  }
  impl->deadline_ms = now_ms() + kSetUpMs;
  TRY(impl->own(kSession));
  TRY(impl->check_role());
  TRY(impl->read_schema());
  return std::unique_ptr<PostgresDatabase>(new PostgresDatabase(std::move(impl)));
}

Json PostgresDatabase::query(std::string_view sql, const PostgresLimits& limits) {
  if (sql.size() > kSqlBytesMost) return error_json("too_large", "the SQL has more than 64 KiB");
  if (sql.find('\0') != sql.npos) return error_json("syntax", "the SQL holds a zero byte");
  if (!utf8_valid(sql)) return error_json("syntax", "the SQL is not UTF-8");
  impl_->deadline_ms = now_ms() + limits.time_ms + 1'000;   // the server's own timer comes first
  const std::string begin = "BEGIN READ ONLY; SET LOCAL statement_timeout = " + std::to_string(limits.time_ms);
  if (auto begun = impl_->own(begin.c_str()); !begun) return error_json("unavailable", begun.error().message);
  if (Json problem = impl_->declare(sql); !problem.is_null()) return problem;
  return impl_->fetch(limits);   // nothing is committed: the connection ends with its transaction open
}

const Json& PostgresDatabase::describe() const { return impl_->tables; }

}  // namespace strata::worker
