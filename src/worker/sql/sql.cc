#include "worker/sql/sql.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <functional>
#include <set>

#include "base/text.h"

namespace strata::worker {
namespace {

constexpr size_t kSqlBytesMost = 64u << 10;
constexpr int kStepsBetweenLooks = 1'000;   // instructions of SQLite's machine: some tens of microseconds

// Functions that reach beyond the query, or tell what the machine is.
constexpr std::array<std::string_view, 12> kForbiddenFunctions = {
    "load_extension",   "readfile", "writefile", "edit",       "fts3_tokenizer",           "sqlite_log",
    "sqlite_source_id", "lsdir",    "zeroblob",  "randomblob", "sqlite_compileoption_get", "sqlite_compileoption_used"};

struct Column {
  std::string name, type, references;
  bool key = false;
};
struct Table {
  std::string name;
  std::vector<Column> columns;
};

int64_t now_ms() {
  timespec time = {};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1'000'000;
}

std::string column_text(sqlite3_stmt* statement, int column) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  return text ? utf8_repaired({text, static_cast<size_t>(sqlite3_column_bytes(statement, column))}) : "";
}

struct Statement {
  sqlite3_stmt* handle = nullptr;
  ~Statement() { sqlite3_finalize(handle); }
};

Json error_json(const std::string& code, const std::string& message) { return Json::object({{"error", Json::object({{"code", code}, {"message", message}})}}); }

}  // namespace

struct SqlDatabase::Impl {
  sqlite3* handle = nullptr;
  std::vector<Table> tables;
  std::set<std::string> allowed;        // lower case; empty: all
  bool judging = false;                 // the authorizer applies: not to our own questions about the schema
  std::string refusal;                  // why the authorizer said no
  int64_t deadline_ms = 0;

  ~Impl() { sqlite3_close(handle); }

  static int authorize(void* self, int action, const char* first, const char* second, const char* database, const char*) {
    return static_cast<Impl*>(self)->judge(action, first ? first : "", second ? second : "", database ? database : "");
  }
  int deny(std::string why) {
    if (refusal.empty()) refusal = std::move(why);
    return SQLITE_DENY;
  }
  int judge(int action, const std::string& first, const std::string& second, const std::string& database) {
    if (!judging) return SQLITE_OK;
    switch (action) {
      case SQLITE_SELECT:
      case SQLITE_RECURSIVE: return SQLITE_OK;
      case SQLITE_READ: {
        const std::string table = ascii_lower(first);
        if (!database.empty() && database != "main") return deny("only the main database can be read, not '" + database + "'");
        if (table.starts_with("sqlite_") || table.starts_with("pragma_") || table == "dbstat" || table == "bytecode" || table == "tables_used")
          return deny("table '" + first + "' is SQLite's own and cannot be read");
        if (!table.empty() && !allowed.empty() && !allowed.contains(table)) return deny("table '" + first + "' cannot be read here");
        return SQLITE_OK;
      }
      case SQLITE_FUNCTION: {
        const std::string function = ascii_lower(second);
        if (std::find(kForbiddenFunctions.begin(), kForbiddenFunctions.end(), function) != kForbiddenFunctions.end())
          return deny("the function '" + second + "' is not allowed");
        return SQLITE_OK;
      }
      default: return deny("only one SELECT is allowed: nothing is changed, attached, or set here");
    }
  }
  static int look(void* self) { return now_ms() > static_cast<Impl*>(self)->deadline_ms; }

  Status set_up();
  Status read_schema();
  Status each(const std::string& sql, const std::function<void(sqlite3_stmt*)>& row);
  Json error_of(const std::string& message) const;
  Json name_error(const std::string& code, const std::string& message, const std::string& got) const;
  Json collect(sqlite3_stmt* statement, const SqlLimits& limits);
};

Status SqlDatabase::Impl::each(const std::string& sql, const std::function<void(sqlite3_stmt*)>& row) {
  Statement statement;
  if (sqlite3_prepare_v2(handle, sql.c_str(), -1, &statement.handle, nullptr) != SQLITE_OK) return data_loss(std::string("SQLite: ") + sqlite3_errmsg(handle));
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement.handle)) == SQLITE_ROW) row(statement.handle);
  if (code != SQLITE_DONE) return data_loss(std::string("SQLite: ") + sqlite3_errmsg(handle));
  return {};
}

Status SqlDatabase::Impl::set_up() {
  for (const auto& [option, value] : std::initializer_list<std::pair<int, int>>{{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                                                                {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                                                                {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
                                                                                {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
                                                                                {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                                                                                {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0}}) {
    int is = -1;
    if (sqlite3_db_config(handle, option, value, &is) != SQLITE_OK || is != value) return failed_precondition("SQLite does not take a safety setting");
  }
  for (const auto& [limit, value] : std::initializer_list<std::pair<int, int>>{{SQLITE_LIMIT_LENGTH, 4 << 20},
                                                                               {SQLITE_LIMIT_SQL_LENGTH, static_cast<int>(kSqlBytesMost)},
                                                                               {SQLITE_LIMIT_COLUMN, 500},
                                                                               {SQLITE_LIMIT_EXPR_DEPTH, 200},
                                                                               {SQLITE_LIMIT_COMPOUND_SELECT, 50},
                                                                               {SQLITE_LIMIT_VDBE_OP, 100'000},
                                                                               {SQLITE_LIMIT_FUNCTION_ARG, 100},
                                                                               {SQLITE_LIMIT_ATTACHED, 0},
                                                                               {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1'000},
                                                                               {SQLITE_LIMIT_WORKER_THREADS, 0}})
    sqlite3_limit(handle, limit, value);
  sqlite3_set_authorizer(handle, authorize, this);
  sqlite3_progress_handler(handle, kStepsBetweenLooks, look, this);
  // Nothing is written, also not to temporary files; the read transaction keeps the file locked and its journal looked at.
  for (const char* sql : {"PRAGMA temp_store = MEMORY", "PRAGMA query_only = 1", "PRAGMA cell_size_check = 1", "PRAGMA mmap_size = 0", "BEGIN"})
    TRY(each(sql, [](sqlite3_stmt*) {}));
  return {};
}

Status SqlDatabase::Impl::read_schema() {
  TRY(each("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name LIMIT 500",
           [&](sqlite3_stmt* row) { tables.push_back({column_text(row, 0), {}}); }));
  std::erase_if(tables, [&](const Table& table) { return !allowed.empty() && !allowed.contains(ascii_lower(table.name)); });
  for (Table& table : tables) {
    std::string quoted = "\"";
    for (const char c : table.name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    quoted += "\"";
    TRY(each("PRAGMA table_info(" + quoted + ")",
             [&](sqlite3_stmt* row) { table.columns.push_back({column_text(row, 1), column_text(row, 2), "", sqlite3_column_int(row, 5) > 0}); }));
    TRY(each("PRAGMA foreign_key_list(" + quoted + ")", [&](sqlite3_stmt* row) {
      for (Column& column : table.columns) {
        if (column.name == column_text(row, 3)) column.references = column_text(row, 2) + "." + column_text(row, 4);
      }
    }));
  }
  return {};
}

SqlDatabase::SqlDatabase(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqlDatabase::~SqlDatabase() = default;

Result<std::unique_ptr<SqlDatabase>> SqlDatabase::open(const std::string& path, std::vector<std::string> tables) {
  auto impl = std::make_unique<Impl>();
  for (const std::string& table : tables) impl->allowed.insert(ascii_lower(table));
  impl->deadline_ms = now_ms() + 10'000;
  if (sqlite3_open_v2(path.c_str(), &impl->handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, nullptr) != SQLITE_OK)
    return not_found("the database cannot be opened: " + std::string(sqlite3_errmsg(impl->handle)));
  sqlite3_busy_timeout(impl->handle, 2'000);
  TRY(impl->set_up());
  TRY(impl->read_schema());
  impl->judging = true;
  return std::unique_ptr<SqlDatabase>(new SqlDatabase(std::move(impl)));
}

Json SqlDatabase::describe() const {
  Json list = Json::array();
  for (const Table& table : impl_->tables) {
    Json columns = Json::array();
    for (const Column& column : table.columns) {
      Json one = Json::object({{"name", column.name}, {"type", column.type}});
      if (column.key) one.set("key", true);
      if (!column.references.empty()) one.set("references", column.references);
      columns.push(std::move(one));
    }
    list.push(Json::object({{"name", table.name}, {"columns", std::move(columns)}}));
  }
  return Json::object({{"tables", std::move(list)}});
}

Json SqlDatabase::Impl::name_error(const std::string& code, const std::string& message, const std::string& got) const {
  std::string wanted = got.substr(got.rfind('.') == got.npos ? 0 : got.rfind('.') + 1);
  std::vector<std::string_view> names;
  std::string where, expected;
  for (const Table& table : tables) {
    if (code == "no_such_table") {
      names.push_back(table.name);
      if (names.size() <= 40) expected += (expected.empty() ? "" : ", ") + table.name;
      continue;
    }
    for (const Column& column : table.columns) names.push_back(column.name);
  }
  std::string near(nearest_name(ascii_lower(wanted), names));
  if (near.empty()) near = nearest_name(wanted, names);
  for (const Table& table : tables) {
    if (code != "no_such_column" || near.empty()) break;
    if (std::any_of(table.columns.begin(), table.columns.end(), [&](const Column& column) { return column.name == near; }))
      expected += (expected.empty() ? "" : ", ") + table.name + "." + near;
  }
  if (expected.empty()) expected = code == "no_such_column" ? "a column of the tables that are asked" : "a table of this database";
  Json error = Json::object({{"code", code}, {"message", message}, {"got", got}, {"expected", expected}});
  if (!near.empty()) error.set("nearest", near);
  return Json::object({{"error", std::move(error)}});
}

Json SqlDatabase::Impl::error_of(const std::string& message) const {
  if (!refusal.empty()) return error_json("not_allowed", refusal);
  for (const auto& [prefix, code] : std::initializer_list<std::pair<std::string_view, const char*>>{
           {"no such column: ", "no_such_column"}, {"no such table: ", "no_such_table"}, {"ambiguous column name: ", "ambiguous"}}) {
    if (message.starts_with(prefix)) return name_error(code, message, message.substr(prefix.size()));
  }
  if (message.find("syntax error") != message.npos || message.find("incomplete input") != message.npos || message.find("unrecognized token") != message.npos)
    return error_json("syntax", message);
  if (message.find("interrupted") != message.npos) return error_json("timeout", "the query ran over its time limit: ask for less, or join on keys");
  if (message.find("too big") != message.npos || message.find("out of memory") != message.npos || message.find("too many") != message.npos)
    return error_json("too_large", message);
  return error_json("sql_error", message);
}

Json SqlDatabase::Impl::collect(sqlite3_stmt* statement, const SqlLimits& limits) {
  Json columns = Json::array(), rows = Json::array();
  const int count = sqlite3_column_count(statement);
  for (int i = 0; i < count; ++i) columns.push(utf8_repaired(sqlite3_column_name(statement, i) ? sqlite3_column_name(statement, i) : ""));
  uint64_t bytes = 0;
  bool truncated = false;
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    Json row = Json::array();
    for (int i = 0; i < count; ++i) {
      Json value;
      switch (sqlite3_column_type(statement, i)) {
        case SQLITE_INTEGER: value = Json(static_cast<long long>(sqlite3_column_int64(statement, i))); break;
        case SQLITE_FLOAT:
          if (std::isfinite(sqlite3_column_double(statement, i))) value = Json(sqlite3_column_double(statement, i));
          break;
        case SQLITE_TEXT: value = Json(column_text(statement, i)); break;
        case SQLITE_BLOB: value = Json("(" + std::to_string(sqlite3_column_bytes(statement, i)) + " bytes)"); break;
        default: break;
      }
      bytes += value.is_string() ? value.as_string()->size() + 2 : 8;
      row.push(std::move(value));
    }
    truncated = bytes > limits.bytes || static_cast<int64_t>(rows.size()) >= limits.rows;
    if (truncated) break;
    rows.push(std::move(row));
  }
  if (code != SQLITE_ROW && code != SQLITE_DONE) return error_of(sqlite3_errmsg(handle));
  return Json::object({{"columns", std::move(columns)}, {"rows", std::move(rows)}, {"truncated", truncated}});
}

Json SqlDatabase::query(std::string_view sql, const SqlLimits& limits) {
  if (sql.size() > kSqlBytesMost) return error_json("too_large", "the SQL has more than 64 KiB");
  if (sql.find('\0') != sql.npos) return error_json("syntax", "the SQL holds a zero byte");
  if (!utf8_valid(sql)) return error_json("syntax", "the SQL is not UTF-8");
  impl_->refusal.clear();
  impl_->deadline_ms = now_ms() + limits.time_ms;
  sqlite3_hard_heap_limit64(static_cast<sqlite3_int64>(limits.heap_bytes));
  Statement statement;
  const char* tail = nullptr;
  const std::string text(sql);
  if (sqlite3_prepare_v2(impl_->handle, text.c_str(), -1, &statement.handle, &tail) != SQLITE_OK) return impl_->error_of(sqlite3_errmsg(impl_->handle));
  if (!statement.handle) return error_json("not_one_statement", "expected one SELECT, got none");
  // Whether more follows is SQLite's to say too: white space and comments compile to nothing.
  while (tail && *tail) {
    Statement next;
    const char* after = nullptr;
    const bool compiled = sqlite3_prepare_v2(impl_->handle, tail, -1, &next.handle, &after) == SQLITE_OK;
    if (!compiled || next.handle) return error_json("not_one_statement", "expected one SELECT and nothing after it");
    if (after == tail) break;
    tail = after;
  }
  if (!sqlite3_stmt_readonly(statement.handle) || sqlite3_stmt_isexplain(statement.handle) || sqlite3_column_count(statement.handle) == 0)
    return error_json("not_allowed", "only one SELECT is allowed");
  return impl_->collect(statement.handle, limits);
}

}  // namespace strata::worker
