// worker/postgres: one read-only question to a PostgreSQL database. Runs inside strata-postgres, which confines itself between open() and the question.
//
// The server's own parser is the judge, not one of ours: the question goes, by the extended protocol (one statement, always), into
// DECLARE … CURSOR FOR, which takes a SELECT and nothing else: no COPY, no SET, no EXPLAIN, no writing WITH. It runs in a READ ONLY transaction
// that is rolled back, under statement_timeout and a deadline of our own; rows are fetched up to a number and read up to a size.
// What can be read is what the role may read. A role that could do more than read (superuser, a maker of roles or databases, a member of
// one, of pg_read_server_files and the like) is refused: then READ ONLY would be the only wall.
// SOURCE: PostgreSQL's documentation, "Extended Query", DECLARE, SET TRANSACTION, "Predefined Roles".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/status.h"

namespace strata::worker {

struct PostgresLimits {
  int64_t rows = 200;
  uint64_t bytes = 256u << 10;          // of the answer's values
  int64_t time_ms = 5'000;
};

class PostgresDatabase {
 public:
  // Connects ("host=… dbname=… user=…", as libpq has it), checks the role, reads the schema. Nothing is opened any more afterwards.
  // kUnavailable: no answer, or too many connections; kFailedPrecondition: what an operator must mend.
  static Result<std::unique_ptr<PostgresDatabase>> open(const std::string& connection, const std::string& password);
  ~PostgresDatabase();

  // {"columns": […], "rows": [[…]], "truncated": bool}, or {"error": {"code", "message", "got", "nearest", "expected"}}. Codes: no_such_table,
  // no_such_column, syntax, not_allowed, not_one_statement, timeout, too_large, unavailable, sql_error. To be asked once.
  Json query(std::string_view sql, const PostgresLimits& limits);
  // {"tables": [{"name", "columns": [{"name", "type", "key", "references"}]}]}: what the role may read.
  const Json& describe() const;

 private:
  struct Impl;
  explicit PostgresDatabase(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::worker
