// Spend by day, model and product, and the settings: rows of the authoritative database.
#include "infra/observe/rows.h"

namespace strata::observe {

std::vector<store::Migration> ledger_migrations() {
  return {{"observe", 1, R"(
    CREATE TABLE usage_days(
      day TEXT NOT NULL, model TEXT NOT NULL, product TEXT NOT NULL, calls INTEGER NOT NULL, failed INTEGER NOT NULL, unpriced INTEGER NOT NULL,
      input_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cpu_s REAL NOT NULL, cost REAL NOT NULL,
      PRIMARY KEY(day, model, product));
    CREATE TABLE observe_settings(name TEXT PRIMARY KEY, value TEXT NOT NULL);
  )"},
          // Until now there was one tenant.
          {"observe", 2, R"(
    CREATE TABLE usage_of(
      tenant TEXT NOT NULL, day TEXT NOT NULL, model TEXT NOT NULL, product TEXT NOT NULL, calls INTEGER NOT NULL, failed INTEGER NOT NULL,
      unpriced INTEGER NOT NULL, input_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cpu_s REAL NOT NULL,
      cost REAL NOT NULL, PRIMARY KEY(tenant, day, model, product));
    INSERT INTO usage_of(tenant, day, model, product, calls, failed, unpriced, input_tokens, cached_tokens, output_tokens, cpu_s, cost)
      SELECT 'local', day, model, product, calls, failed, unpriced, input_tokens, cached_tokens, output_tokens, cpu_s, cost FROM usage_days;
    DROP TABLE usage_days;
    ALTER TABLE usage_of RENAME TO usage_days;
  )"}};
}

Status add_usage(store::Transaction& transaction, const std::map<LedgerKey, UsageRow>& rows) {
  for (auto& [key, row] : rows) {
    TRY(transaction.execute(
        "INSERT INTO usage_days(tenant, day, model, product, calls, failed, unpriced, input_tokens, cached_tokens, output_tokens, cpu_s, cost) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(tenant, day, model, product) DO UPDATE SET calls = calls + excluded.calls, "
        "failed = failed + excluded.failed, unpriced = unpriced + excluded.unpriced, input_tokens = input_tokens + excluded.input_tokens, "
        "cached_tokens = cached_tokens + excluded.cached_tokens, output_tokens = output_tokens + excluded.output_tokens, "
        "cpu_s = cpu_s + excluded.cpu_s, cost = cost + excluded.cost",
        {key.tenant, key.day, key.model, key.product, row.calls, row.failed, row.unpriced, row.input_tokens, row.cached_tokens, row.output_tokens, row.cpu_s,
         row.cost}));
  }
  return {};
}

Result<std::vector<UsageRow>> read_usage(store::Reader& reader, By by, const std::string& from_day, const std::string& to_day) {
  const std::string sums =
      "sum(calls), sum(failed), sum(unpriced), sum(input_tokens), sum(cached_tokens), sum(output_tokens), sum(cpu_s), sum(cost) FROM usage_days "
      "WHERE day BETWEEN ? AND ? GROUP BY 1 ORDER BY ";
  const std::string sql = by == By::kDay     ? "SELECT day, " + sums + "1"
                          : by == By::kModel ? "SELECT model, " + sums + "9 DESC, 2 DESC, 1"
                                             : "SELECT product, " + sums + "9 DESC, 2 DESC, 1";
  std::vector<UsageRow> out;
  TRY(reader.query(sql, {from_day, to_day}, [&](const store::Row& row) {
    out.push_back({row.text(0), row.integer(1), row.integer(2), row.integer(3), row.integer(4), row.integer(5), row.integer(6), row.real(7), row.real(8)});
    return true;
  }));
  return out;
}

Result<std::optional<std::string>> read_setting(store::Reader& reader, const std::string& name) {
  std::optional<std::string> out;
  TRY(reader.query("SELECT value FROM observe_settings WHERE name = ?", {name}, [&](const store::Row& row) { return out = row.text(0), false; }));
  return out;
}

Status write_setting(store::Transaction& transaction, const std::string& name, const std::string& value) {
  TRY(transaction.execute("INSERT INTO observe_settings(name, value) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value", {name, value}));
  return {};
}

}  // namespace strata::observe
