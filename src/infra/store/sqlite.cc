#include "infra/store/sqlite.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "infra/store/files.h"

namespace strata::store {
namespace {

// Wait for a lock that another process (a backup tool, the sqlite3 shell) holds. UNITS: milliseconds.
constexpr int kBusyTimeoutMs = 5'000;
// Statements kept prepared per connection. The house has about a hundred texts; more means that someone pastes values into SQL.
constexpr size_t kStatementsMax = 256;
// Of a backup: pages copied between two looks at the context (4 MiB), and the pause where another holds a lock.
constexpr int kBackupPages = 1'024, kBackupPauseMs = 50;
// Virtual-machine steps between two looks at the context: about 50 microseconds.
constexpr int kStepsPerCheck = 2'000;

class SqliteRow : public Row {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  bool is_null(int column) const override { return type(column) == SQLITE_NULL; }
  int64_t integer(int column) const override {
    CHECK(type(column) == SQLITE_INTEGER);
    return sqlite3_column_int64(statement_, column);
  }
  double real(int column) const override {
    CHECK(type(column) == SQLITE_FLOAT || type(column) == SQLITE_INTEGER);
    return sqlite3_column_double(statement_, column);
  }
  std::string text(int column) const override {
    CHECK(type(column) == SQLITE_TEXT);
    auto* begin = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return std::string(begin, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
  }
  std::string_view blob(int column) const override {
    CHECK(type(column) == SQLITE_BLOB);
    auto* begin = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return {begin, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};  // an empty BLOB is (nullptr, 0)
  }

 private:
  int type(int column) const {
    CHECK(column >= 0 && column < sqlite3_column_count(statement_));
    return sqlite3_column_type(statement_, column);
  }
  sqlite3_stmt* statement_;
};

// The values outlive the stepping, so SQLite need not copy them.
int bind(sqlite3_stmt* statement, int index, const Value& value) {
  if (auto* integer = std::get_if<int64_t>(&value)) return sqlite3_bind_int64(statement, index, *integer);
  if (auto* real = std::get_if<double>(&value)) return sqlite3_bind_double(statement, index, *real);
  if (auto* text = std::get_if<std::string>(&value)) return sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  if (auto* blob = std::get_if<Blob>(&value)) {
    if (blob->bytes.empty()) return sqlite3_bind_zeroblob(statement, index, 0);
    return sqlite3_bind_blob64(statement, index, blob->bytes.data(), blob->bytes.size(), SQLITE_STATIC);
  }
  return sqlite3_bind_null(statement, index);
}

int on_progress(void* context) { return static_cast<const Context*>(context)->check() ? 0 : 1; }

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, bool reader, const std::string& disk) {
  sqlite3* db = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                             disk.empty() ? nullptr : disk.c_str());
  auto connection = std::unique_ptr<Connection>(new Connection(db));
  if (code != SQLITE_OK) return annotate(connection->error(code, ""), "opening " + path);
  sqlite3_busy_timeout(db, kBusyTimeoutMs);
  // trusted_schema=OFF: a database file from elsewhere cannot smuggle functions into its schema.
  Status status =
      connection->run("PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384;");
  if (status) status = connection->run("PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=67108864;");
  if (status && reader) status = connection->run("PRAGMA query_only=ON;");
  if (!status) return annotate(status.error(), "opening " + path);
  return connection;
}

Connection::~Connection() {
  for (auto& [sql, statement] : cache_) sqlite3_finalize(statement.handle);
  sqlite3_close_v2(db_);
}

Status Connection::run(const std::string& sql) {
  int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code, sql);
  return {};
}

Result<sqlite3_stmt*> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error(code, sql);
  CHECK(statement != nullptr);  // an empty text
  return statement;
}

Status Connection::query(std::string_view sql, const std::vector<Value>& values, const std::function<bool(const Row&)>& each) {
  if (cache_.size() >= kStatementsMax && !cache_.count(std::string(sql))) {
    for (auto it = cache_.begin(); it != cache_.end();) {
      if (it->second.busy) ++it;
      else sqlite3_finalize(it->second.handle), it = cache_.erase(it);
    }
  }
  Statement& cached = cache_[std::string(sql)];  // stable: unordered_map keeps references
  sqlite3_stmt* statement = cached.handle;
  bool own = cached.busy;
  if (own || statement == nullptr) {
    auto prepared = prepare(sql);
    if (!prepared) {
      if (!own) cache_.erase(std::string(sql));
      return std::move(prepared.error());
    }
    statement = *prepared;
    if (!own) cached.handle = statement;
  }
  CHECK(sqlite3_bind_parameter_count(statement) == static_cast<int>(values.size()));
  Status status;
  for (size_t i = 0; i < values.size() && status; ++i) {
    int code = bind(statement, static_cast<int>(i) + 1, values[i]);
    if (code != SQLITE_OK) status = error(code, sql);
  }
  if (!own) cached.busy = true;
  if (status) status = step_all(statement, each);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (own) sqlite3_finalize(statement);
  else cached.busy = false;
  return status;
}

Status Connection::step_all(sqlite3_stmt* statement, const std::function<bool(const Row&)>& each) {
  if (watched_) TRY(watched_->check());
  SqliteRow row(statement);
  for (;;) {
    int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return error(code, sqlite3_sql(statement));
    if (each && !each(row)) return {};
  }
}

// SOURCE: sqlite.org/backup.html. Where a writer of another connection commits in between, SQLite begins again; a pass of large steps is
// quick enough to end, and as reading needs no lock in WAL mode, nobody waits for it.
Status Connection::copy_to(const Context& context, const std::string& path) {
  sqlite3* target = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  auto copy = std::unique_ptr<Connection>(new Connection(target));
  if (code != SQLITE_OK) return annotate(copy->error(code, ""), "making " + path);
  TRY(run("BEGIN"));   // one snapshot: what is committed from now on is not in the copy, and does not begin it again
  TRY(query("SELECT count(*) FROM sqlite_schema", {}, nullptr));
  sqlite3_backup* backup = sqlite3_backup_init(target, "main", db_, "main");
  Status status = backup ? Status() : Status(copy->error(SQLITE_ERROR, ""));
  while (status && code != SQLITE_DONE) {
    status = context.check();
    if (!status) break;
    code = sqlite3_backup_step(backup, kBackupPages);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) sqlite3_sleep(kBackupPauseMs);
    else if (code != SQLITE_OK && code != SQLITE_DONE) status = copy->error(code, "");
  }
  if (backup) sqlite3_backup_finish(backup);
  if (auto ended = run("ROLLBACK"); status && !ended) status = std::move(ended);
  TRY(status);
  // A file of its own: no WAL beside it.
  TRY(copy->run("PRAGMA journal_mode=DELETE;"));
  std::string found;
  TRY(copy->query("PRAGMA integrity_check", {}, [&](const Row& row) { return found = row.text(0), false; }));
  if (found != "ok") return data_loss("the copy of the database is damaged: " + found);
  return {};
}

int64_t Connection::changes() const { return sqlite3_changes64(db_); }
int64_t Connection::last_row_id() const { return sqlite3_last_insert_rowid(db_); }
bool Connection::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

void Connection::watch(const Context* context) {
  watched_ = context;
  sqlite3_progress_handler(db_, context ? kStepsPerCheck : 0, context ? on_progress : nullptr, const_cast<Context*>(context));
}

Error Connection::error(int code, std::string_view sql) const {
  std::string said = db_ ? sqlite3_errmsg(db_) : sqlite3_errstr(code);
  // The statement's text is ours and holds no values: safe to show.
  std::string where = sql.empty() ? "" : " (in: " + std::string(sql.substr(0, 120)) + ")";
  switch (code & 0xff) {
    case SQLITE_INTERRUPT:
      if (watched_) {
        if (auto status = watched_->check(); !status) return std::move(status.error());
      }
      return cancelled();
    case SQLITE_FULL: return disk_full("writing to the database");
    case SQLITE_IOERR: {
      int number = db_ ? sqlite3_system_errno(db_) : 0;
      if (is_disk_full(number)) return disk_full("writing to the database");
      return internal_error("the database could not be read or written: " + said + (number ? std::string(", ") + std::strerror(number) : "") + where);
    }
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return unavailable("the database is held by another program: close it and try again: " + said);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return data_loss("the database is damaged: " + said + "; restore it from a backup");
    case SQLITE_TOOBIG: return resource_exhausted("a value is larger than the database accepts (1 GB)");
    case SQLITE_NOMEM: return resource_exhausted("out of memory in the database");
    case SQLITE_CONSTRAINT:
      if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_ROWID)
        return Error{Code::kAlreadyExists, "a row with this key exists already: " + said, "", ""};
      return failed_precondition("the database refused a row: " + said);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM: return failed_precondition("the database cannot be opened for writing: " + said + "; check the folder's owner and permissions");
    default: return internal_error("the database said: " + said + where);
  }
}

}  // namespace strata::store
