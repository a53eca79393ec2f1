// worker/sql: one read-only question to a SQLite database, as a function of its bytes and the SQL. Runs inside strata-sql, confined; tests and fuzzers
// call it in process.
//
// SQLite's own parser is the judge, not one of ours: an authorizer sees what the compiled statement would do, and everything but reading
// ordinary tables and calling harmless functions is refused. One statement. The connection is read-only, query_only and defensive, trusts no
// schema, loads no extension; a progress handler ends it at the time limit; sizes of values, texts, joins and the heap are limited.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

struct sqlite3;

namespace strata::worker {

struct SqlLimits {
  int64_t rows = 200;
  uint64_t bytes = 256u << 10;          // of the answer's values
  int64_t time_ms = 5'000;
  uint64_t heap_bytes = 128u << 20;     // of SQLite in this process
};

class SqlDatabase {
 public:
  // Opens the file, begins its one read transaction (after which no file is opened any more) and reads the schema. `tables`: only these can be
  // named; empty: all. "x" is a text where no column has that name, as SQLite has always had it.
  static Result<std::unique_ptr<SqlDatabase>> open(const std::string& path, std::vector<std::string> tables);
  ~SqlDatabase();

  // {"columns": […], "rows": [[…]], "truncated": bool}, or {"error": {"code", "message", "got", "nearest", "expected"}}. Codes: no_such_table,
  // no_such_column, ambiguous, syntax, not_allowed, not_one_statement, timeout, too_large, sql_error.
  Json query(std::string_view sql, const SqlLimits& limits);
  // {"tables": [{"name", "rows", "columns": [{"name", "type", "key", "references"}]}]}
  Json describe() const;

 private:
  struct Impl;
  explicit SqlDatabase(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::worker
