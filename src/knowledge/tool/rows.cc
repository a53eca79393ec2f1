#include "knowledge/tool/rows.h"

#include "knowledge/tool/parts.h"

namespace strata::tool {

std::vector<store::Migration> migrations() {
  return {{"tool", 1,
           "CREATE TABLE tool_calls(tenant TEXT NOT NULL, tool TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, arguments TEXT NOT NULL, "
           "outcome TEXT, begun_ms INTEGER NOT NULL, PRIMARY KEY(tenant, tool, key));"
           "CREATE INDEX tool_calls_by_time ON tool_calls(begun_ms);"
           "CREATE TABLE tool_policies(tenant TEXT NOT NULL, tool TEXT NOT NULL, permission TEXT NOT NULL, roles TEXT NOT NULL, why TEXT NOT NULL, "
           "who TEXT NOT NULL, updated_ms INTEGER NOT NULL, PRIMARY KEY(tenant, tool));"},
          {"tool", 2,
           "CREATE TABLE tool_grants(tenant TEXT NOT NULL, approval TEXT NOT NULL, tool TEXT NOT NULL, key TEXT NOT NULL, ended INTEGER NOT NULL, "
           "PRIMARY KEY(tenant, approval));"
           "CREATE INDEX tool_grants_by_call ON tool_grants(tenant, tool, key);"}};
}

namespace rows {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;

Failure failure_from(const Json& json) {
  Failure out{text_of(json["code"]), text_of(json["message"]), {}, json["retry"] == Json(true), json["stands"] == Json(true)};
  if (const auto* list = json["problems"].as_array()) {
    for (const Json& item : *list)
      out.problems.push_back({text_of(item["path"]), text_of(item["keyword"]), text_of(item["expected"]), text_of(item["got"]), text_of(item["nearest"])});
  }
  return out;
}

Json to_json(const Outcome& outcome) {
  Json out = Json::object({{"state", state_name(outcome.state)}, {"result", outcome.result}, {"untrusted", outcome.untrusted}, {"cost", outcome.cost}});
  if (outcome.failure) out.set("failure", outcome.failure->json());
  return out;
}

Outcome from_json(const Json& json) {
  Outcome out;
  out.state = json["state"] == Json("done") ? State::kDone : State::kFailed;
  out.result = json["result"];
  out.untrusted = json["untrusted"] == Json(true);
  out.cost = json["cost"].to_double("cost").value_or(0);
  if (json["failure"].is_object()) out.failure = failure_from(json["failure"]);
  out.repeated = true;
  return out;
}

}  // namespace

Result<std::optional<Recorded>> find(store::Store& store, const Context& context, const Key& key) {
  std::optional<Recorded> out;
  std::string outcome;
  TRY(store.read(context, [&](Reader& reader) {
    return reader.query("SELECT digest, outcome FROM tool_calls WHERE tenant = ? AND tool = ? AND key = ?", {key.tenant, key.tool, key.key},
                        [&](const Row& row) {
                          out.emplace();
                          out->digest = row.text(0);
                          if (!row.is_null(1)) outcome = row.text(1);
                          return false;
                        });
  }));
  if (!out || outcome.empty()) return out;
  TRY_ASSIGN(const Json json, Json::parse(outcome));
  out->outcome = from_json(json);
  return out;
}

namespace {

// Whether the grant is this key's, and its call has not ended.
Result<bool> take_grant(Transaction& transaction, const Key& key, const std::string& approval) {
  TRY_ASSIGN(const int64_t added, transaction.execute("INSERT INTO tool_grants(tenant, approval, tool, key, ended) VALUES(?, ?, ?, ?, ?) "
                                                      "ON CONFLICT(tenant, approval) DO NOTHING",
                                                      {key.tenant, approval, key.tool, key.key, int64_t{key.key.empty()}}));
  if (added == 1) return true;
  bool ours = false;
  TRY(transaction.query("SELECT tool, key, ended FROM tool_grants WHERE tenant = ? AND approval = ?", {key.tenant, approval}, [&](const Row& row) {
    ours = row.text(0) == key.tool && row.text(1) == key.key && row.integer(2) == 0;
    return false;
  }));
  return ours;
}

}  // namespace

Result<bool> begin(store::Store& store, const Context& context, const Key& key, const std::string& digest, const Json& arguments, int64_t now_ms,
                   const std::string& approval) {
  bool free = true;
  TRY(store.write(context, [&](Transaction& transaction) -> Status {
    if (!approval.empty()) {
      TRY_ASSIGN(free, take_grant(transaction, key, approval));
    }
    if (!free || key.key.empty()) return {};
    TRY(
        transaction.execute("INSERT INTO tool_calls(tenant, tool, key, digest, arguments, outcome, begun_ms) VALUES(?, ?, ?, ?, ?, NULL, ?) "
                            "ON CONFLICT(tenant, tool, key) DO UPDATE SET begun_ms = excluded.begun_ms",
                            {key.tenant, key.tool, key.key, digest, arguments.dump(), now_ms}));
    return {};
  }));
  return free;
}

Status end(store::Store& store, const Context& context, const Key& key, const Outcome& outcome) {
  return store.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(const int64_t changed, transaction.execute("UPDATE tool_calls SET outcome = ? WHERE tenant = ? AND tool = ? AND key = ?",
                                                          {to_json(outcome).dump(), key.tenant, key.tool, key.key}));
    if (changed == 0) return Error{Code::kAborted, "the record of this call of " + key.tool + " is gone", "key", ""};
    TRY(transaction.execute("UPDATE tool_grants SET ended = 1 WHERE tenant = ? AND tool = ? AND key = ?", {key.tenant, key.tool, key.key}));
    return {};
  });
}

Status forget(store::Store& store, const Context& context, const Key& key) {
  return store.write(context, [&](Transaction& transaction) -> Status {
    TRY(transaction.execute("DELETE FROM tool_calls WHERE tenant = ? AND tool = ? AND key = ?", {key.tenant, key.tool, key.key}));
    return {};
  });
}

Result<std::vector<Tools::Open>> open_calls(store::Store& store, const Context& context) {
  std::vector<Tools::Open> out;
  TRY(store.read(context, [&](Reader& reader) {
    return reader.query("SELECT tool, key, arguments, begun_ms FROM tool_calls WHERE tenant = ? AND outcome IS NULL ORDER BY begun_ms",
                        {context.principal().tenant}, [&](const Row& row) {
                          out.push_back({row.text(0), row.text(1), Json::parse(row.text(2)).value_or(Json()), row.integer(3)});
                          return true;
                        });
  }));
  return out;
}

Status prune(store::Store& store, const Context& context, int64_t before_ms) {
  return store.write(context, [&](Transaction& transaction) -> Status {
    TRY(transaction.execute("DELETE FROM tool_calls WHERE begun_ms < ? AND outcome IS NOT NULL", {before_ms}));
    return {};
  });
}

Result<Policy> policy(store::Store& store, const Context& context, const std::string& tool) {
  Policy out;
  std::string permission = "allow", roles = "[]";
  TRY(store.read(context, [&](Reader& reader) {
    return reader.query("SELECT permission, roles, why, who, updated_ms FROM tool_policies WHERE tenant = ? AND tool = ?", {context.principal().tenant, tool},
                        [&](const Row& row) {
                          permission = row.text(0), roles = row.text(1);
                          out.why = row.text(2), out.who = row.text(3);
                          out.updated_ms = row.integer(4);
                          return false;
                        });
  }));
  TRY_ASSIGN(out.permission, permission_from(permission));
  TRY_ASSIGN(const Json list, Json::parse(roles));
  if (const auto* names = list.as_array()) {
    for (const Json& name : *names) out.roles.push_back(text_of(name));
  }
  return out;
}

Status set_policy(store::Store& store, const Context& context, const std::string& tool, const Policy& policy) {
  Json roles = Json::array();
  for (const std::string& role : policy.roles) roles.push(role);
  return store.write(context, [&](Transaction& transaction) -> Status {
    TRY(transaction.execute(
        "INSERT INTO tool_policies(tenant, tool, permission, roles, why, who, updated_ms) VALUES(?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT(tenant, tool) DO UPDATE SET permission = excluded.permission, roles = excluded.roles, why = excluded.why, "
        "who = excluded.who, updated_ms = excluded.updated_ms",
        {context.principal().tenant, tool, std::string(permission_name(policy.permission)), roles.dump(), policy.why, policy.who, policy.updated_ms}));
    return {};
  });
}

}  // namespace rows
}  // namespace strata::tool
