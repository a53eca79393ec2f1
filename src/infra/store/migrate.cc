#include "infra/store/migrate.h"

#include <map>

#include "base/check.h"
#include "base/clock.h"

namespace strata::store {
namespace {

using Versions = std::map<std::string, int64_t>;  // the highest per room

Versions versions_of(const std::vector<Migration>& migrations) {
  Versions versions;
  for (const Migration& migration : migrations) {
    CHECK(migration.version == versions[migration.room] + 1);
    versions[migration.room] = migration.version;
  }
  return versions;
}

Result<Versions> versions_in(Connection& connection) {
  TRY(
      connection.run("CREATE TABLE IF NOT EXISTS schema_migrations(room TEXT NOT NULL, version INTEGER NOT NULL, "
                     "applied_ms INTEGER NOT NULL, PRIMARY KEY(room, version))"));
  Versions versions;
  TRY(connection.query("SELECT room, max(version) FROM schema_migrations GROUP BY room", {}, [&](const Row& row) {
    versions[row.text(0)] = row.integer(1);
    return true;
  }));
  return versions;
}

Status apply(Connection& connection, const Migration& migration) {
  TRY(connection.run("BEGIN IMMEDIATE"));
  Status status = connection.run(migration.sql);
  if (status) {
    status = connection.query("INSERT INTO schema_migrations(room, version, applied_ms) VALUES(?, ?, ?)",
                              {migration.room, int64_t{migration.version}, system_clock().unix_ms()}, nullptr);
  }
  if (status) status = connection.run("COMMIT");
  if (status) return {};
  if (connection.in_transaction()) (void)connection.run("ROLLBACK");
  return annotate(status.error(), "migration " + migration.room + " " + std::to_string(migration.version));
}

}  // namespace

Status migrate(Connection& connection, const std::vector<Migration>& migrations) {
  const Versions ours = versions_of(migrations);
  TRY_ASSIGN(Versions theirs, versions_in(connection));
  for (const auto& [room, version] : theirs) {
    auto known = ours.find(room);
    int64_t highest = known == ours.end() ? 0 : known->second;
    if (version > highest)
      return failed_precondition("the database was made by a newer version of Strata (its " + room + " schema is version " + std::to_string(version) +
                                 ", this program knows up to " + std::to_string(highest) + "): start the newer program, or choose another data folder");
  }
  for (const Migration& migration : migrations)
    if (migration.version > theirs[migration.room]) TRY(apply(connection, migration));
  return {};
}

}  // namespace strata::store
