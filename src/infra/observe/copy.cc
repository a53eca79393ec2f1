// A tenant's own rows, copied out: what may be asked about in words.
#include "base/clock.h"
#include "base/text.h"
#include "infra/observe/rows.h"

namespace strata::observe {

std::vector<store::Migration> copy_migrations() {
  return {{"copy", 1, R"(
    CREATE TABLE spend(
      day TEXT NOT NULL, model TEXT NOT NULL, product TEXT NOT NULL, calls INTEGER NOT NULL, failed_calls INTEGER NOT NULL,
      unpriced_calls INTEGER NOT NULL, input_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
      cpu_seconds REAL NOT NULL, cost REAL NOT NULL);
    CREATE TABLE requests(
      id TEXT PRIMARY KEY, day TEXT NOT NULL, started_at TEXT NOT NULL, name TEXT NOT NULL, route TEXT NOT NULL, product TEXT NOT NULL,
      models TEXT NOT NULL, http_status INTEGER NOT NULL, failed INTEGER NOT NULL, duration_ms REAL NOT NULL, model_calls INTEGER NOT NULL,
      input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost REAL);
  )"}};
}

Status copy_usage(store::Reader& from, store::Transaction& to, const std::string& tenant) {
  Status status;
  TRY(
      from.query("SELECT day, model, product, calls, failed, unpriced, input_tokens, cached_tokens, output_tokens, cpu_s, cost FROM usage_days "
                 "WHERE tenant = ? ORDER BY day DESC LIMIT ?",
                 {tenant, kCopiedMost}, [&](const store::Row& row) {
                   auto put = to.execute("INSERT INTO spend VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                         {row.text(0), row.text(1), row.text(2), row.integer(3), row.integer(4), row.integer(5), row.integer(6), row.integer(7),
                                          row.integer(8), row.real(9), row.real(10)});
                   if (!put) status = put.error();
                   return status.has_value();
                 }));
  return status;
}

Status copy_traces(store::Reader& from, store::Transaction& to, const std::string& tenant) {
  Status status;
  TRY(from.query(
      "SELECT trace_id, started_ms, name, route, product, models, http_status, failed, duration_ms, model_calls, input_tokens, output_tokens, cost "
      "FROM traces WHERE tenant = ? AND name <> '' ORDER BY started_ms DESC LIMIT ?",
      {tenant, kCopiedMost}, [&](const store::Row& row) {
        const std::string at = iso8601(row.integer(1));
        auto put = to.execute(
            "INSERT INTO requests VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            {row.text(0), at.substr(0, 10), at, row.text(2), row.text(3), row.text(4), std::string(trim(row.text(5))), row.integer(6), row.integer(7),
             row.real(8), row.integer(9), row.integer(10), row.integer(11), row.is_null(12) ? store::Value() : store::Value(row.real(12))});
        if (!put) status = put.error();
        return status.has_value();
      }));
  return status;
}

}  // namespace strata::observe
