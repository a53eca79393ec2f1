#include "knowledge/mcp/rows.h"

#include "knowledge/mcp/servers.h"

namespace strata::mcp {

std::vector<store::Migration> Servers::migrations() {
  return {{"mcp", 1,
           "CREATE TABLE mcp_servers(name TEXT PRIMARY KEY, url TEXT NOT NULL, prefix TEXT NOT NULL, pinned TEXT, pinned_hash TEXT NOT NULL, "
           "seen TEXT, seen_hash TEXT NOT NULL, reading TEXT NOT NULL, approved_by TEXT NOT NULL, protocol TEXT NOT NULL, peer TEXT NOT NULL, "
           "approved_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL);"}};
}

namespace rows {
namespace {

store::Value text_or_null(const Json& json) { return json.is_null() ? store::Value() : store::Value(json.dump()); }

}  // namespace

Status put(store::Store& store, const Context& context, const Row& row) {
  Json reading = Json::array();
  for (const std::string& name : row.reading) reading.push(name);
  return store.write(context, [&](store::Transaction& transaction) -> Status {
    TRY(
        transaction.execute("INSERT INTO mcp_servers(name, url, prefix, pinned, pinned_hash, seen, seen_hash, reading, approved_by, protocol, peer, "
                            "approved_ms, seen_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                            "ON CONFLICT(name) DO UPDATE SET url = excluded.url, prefix = excluded.prefix, pinned = excluded.pinned, "
                            "pinned_hash = excluded.pinned_hash, seen = excluded.seen, seen_hash = excluded.seen_hash, reading = excluded.reading, "
                            "approved_by = excluded.approved_by, protocol = excluded.protocol, peer = excluded.peer, approved_ms = excluded.approved_ms, "
                            "seen_ms = excluded.seen_ms",
                            {row.name, row.url, row.prefix, text_or_null(row.pinned), row.pinned_hash, text_or_null(row.seen), row.seen_hash, reading.dump(),
                             row.approved_by, row.protocol, row.peer, row.approved_ms, row.seen_ms}));
    return {};
  });
}

Status remove(store::Store& store, const Context& context, const std::string& name) {
  return store.write(context, [&](store::Transaction& transaction) -> Status {
    TRY(transaction.execute("DELETE FROM mcp_servers WHERE name = ?", {name}));
    return {};
  });
}

Result<std::vector<Row>> all(store::Store& store, const Context& context) {
  std::vector<Row> out;
  TRY(store.read(context, [&](store::Reader& reader) {
    return reader.query(
        "SELECT name, url, prefix, pinned, pinned_hash, seen, seen_hash, reading, approved_by, protocol, peer, approved_ms, seen_ms "
        "FROM mcp_servers ORDER BY name",
        {}, [&](const store::Row& row) {
          Row one;
          one.name = row.text(0), one.url = row.text(1), one.prefix = row.text(2);
          if (!row.is_null(3)) one.pinned = Json::parse(row.text(3)).value_or(Json());
          one.pinned_hash = row.text(4);
          if (!row.is_null(5)) one.seen = Json::parse(row.text(5)).value_or(Json());
          one.seen_hash = row.text(6);
          const Json reading = Json::parse(row.text(7)).value_or(Json::array());
          if (const auto* names = reading.as_array()) {
            for (const Json& name : *names) one.reading.push_back(name.as_string() ? *name.as_string() : "");
          }
          one.approved_by = row.text(8), one.protocol = row.text(9), one.peer = row.text(10);
          one.approved_ms = row.integer(11), one.seen_ms = row.integer(12);
          out.push_back(std::move(one));
          return true;
        });
  }));
  return out;
}

}  // namespace rows
}  // namespace strata::mcp
