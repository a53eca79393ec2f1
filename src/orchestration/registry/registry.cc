// Versions and labels. Drafts are in drafts.cc.
#include "orchestration/registry/registry.h"

#include "base/crypto.h"
#include "orchestration/registry/rows.h"

namespace strata::registry {

using store::Reader;
using store::Row;
using store::Transaction;
using store::Value;

std::vector<store::Migration> migrations() {
  return {{"registry", 1, R"(
    CREATE TABLE artifacts(
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      latest INTEGER NOT NULL,
      created_ms INTEGER NOT NULL,
      updated_ms INTEGER NOT NULL,
      changed INTEGER NOT NULL,
      PRIMARY KEY(kind, name));
    CREATE INDEX artifacts_by_change ON artifacts(kind, changed);
    CREATE TABLE artifact_versions(
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      version INTEGER NOT NULL,
      content TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      who TEXT NOT NULL,
      why TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      PRIMARY KEY(kind, name, version),
      FOREIGN KEY(kind, name) REFERENCES artifacts(kind, name));
    CREATE TABLE artifact_labels(
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      label TEXT NOT NULL,
      version INTEGER NOT NULL,
      who TEXT NOT NULL,
      why TEXT NOT NULL,
      updated_ms INTEGER NOT NULL,
      PRIMARY KEY(kind, name, label),
      FOREIGN KEY(kind, name, version) REFERENCES artifact_versions(kind, name, version));
    CREATE TABLE artifact_events(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      what TEXT NOT NULL,
      version INTEGER NOT NULL,
      label TEXT NOT NULL,
      who TEXT NOT NULL,
      why TEXT NOT NULL,
      at_ms INTEGER NOT NULL);
    CREATE INDEX artifact_events_of ON artifact_events(kind, name, sequence);
    CREATE TABLE artifact_drafts(
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      content TEXT NOT NULL,
      revision INTEGER NOT NULL,
      base_version INTEGER NOT NULL,
      who TEXT NOT NULL,
      updated_ms INTEGER NOT NULL,
      PRIMARY KEY(kind, name),
      FOREIGN KEY(kind, name) REFERENCES artifacts(kind, name)))"}};
}

namespace {

constexpr char kArtifactColumns[] =
    "SELECT a.kind, a.name, a.latest, (SELECT count(*) FROM artifact_drafts d WHERE d.kind = a.kind AND d.name = a.name), a.created_ms, a.updated_ms FROM "
    "artifacts a WHERE a.kind = ?";

Artifact artifact_from(const Row& row) {
  return {{row.text(0), row.text(1)}, static_cast<int>(row.integer(2)), row.integer(3) > 0, row.integer(4), row.integer(5)};
}

constexpr char kVersionColumns[] = "SELECT version, sha256, who, why, created_ms, content FROM artifact_versions WHERE kind = ? AND name = ?";

Version version_from(const Row& row, bool with_content) {
  return {static_cast<int>(row.integer(0)), with_content ? row.text(5) : "", row.text(1), row.text(2), row.text(3), row.integer(4)};
}

Result<Version> version_in(Reader& reader, const Key& key, int number) {
  std::optional<Version> found;
  TRY(reader.query(std::string(kVersionColumns) + " AND version = ?", {key.kind, key.name, int64_t{number}},
                   [&](const Row& row) { return found = version_from(row, true), false; }));
  if (!found) return not_found(shown(key) + " has no version " + std::to_string(number), "version");
  return std::move(*found);
}

Status insert_version(Transaction& transaction, const Key& key, const Version& v) {
  TRY(transaction.execute("INSERT INTO artifact_versions(kind, name, version, content, sha256, who, why, created_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                          {key.kind, key.name, int64_t{v.number}, v.content, v.sha256, v.who, v.why, v.created_ms}));
  TRY(transaction.execute("UPDATE artifacts SET latest = ? WHERE kind = ? AND name = ?", {int64_t{v.number}, key.kind, key.name}));
  TRY(transaction.execute("DELETE FROM artifact_drafts WHERE kind = ? AND name = ?", {key.kind, key.name}));
  return add_event(transaction, key, {"version", v.number, "", v.who, v.why, v.created_ms});
}

}  // namespace

Registry::Registry(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

Result<std::vector<Artifact>> Registry::list(const Context& context, const std::string& kind, int limit, const std::string& after) {
  if (limit < 1 || limit > 1001) return invalid_argument("limit must be from 1 to 1001, got " + std::to_string(limit), "limit");
  std::vector<Artifact> out;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    std::string sql = kArtifactColumns;
    std::vector<Value> values = {kind};
    if (!after.empty()) {
      TRY(artifact_in(reader, {kind, after}));
      sql += " AND a.changed < (SELECT changed FROM artifacts WHERE kind = ? AND name = ?)";
      values.insert(values.end(), {kind, after});
    }
    values.push_back(int64_t{limit});
    return reader.query(sql + " ORDER BY a.changed DESC LIMIT ?", values, [&](const Row& row) { return out.push_back(artifact_from(row)), true; });
  }));
  return out;
}

Result<Artifact> artifact_in(Reader& reader, const Key& key) {
  std::optional<Artifact> found;
  TRY(reader.query(std::string(kArtifactColumns) + " AND a.name = ?", {key.kind, key.name}, [&](const Row& row) { return found = artifact_from(row), false; }));
  if (!found) return not_found("there is no " + shown(key), "name");
  return std::move(*found);
}

Result<Artifact> Registry::artifact(const Context& context, const Key& key) {
  Artifact out;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY_ASSIGN(out, artifact_in(reader, key));
    return {};
  }));
  return out;
}

Result<Version> Registry::add_version(const Context& context, const Key& key, const std::string& content, int base_version, const Change& change) {
  TRY(check_key(key));
  TRY(check_content(content));
  TRY_ASSIGN(Change by, checked_change(context, change));
  Version out;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(Artifact artifact, make_artifact(transaction, key, by, clock_.unix_ms()));
    std::string hash = sha256_hex(content);
    if (artifact.latest > 0) {
      TRY_ASSIGN(Version newest, version_in(transaction, key, artifact.latest));
      if (newest.sha256 == hash) {
        TRY(transaction.execute("DELETE FROM artifact_drafts WHERE kind = ? AND name = ?", {key.kind, key.name}));
        return out = std::move(newest), Status();
      }
      if (base_version != artifact.latest)
        return Error{Code::kAborted,
                     "you started from version " + std::to_string(base_version) + " of " + shown(key) + ", but " + newest.who + " has saved version " +
                         std::to_string(newest.number) + " since: look at the difference, then save on top of it",
                     "base_version", "version_conflict"};
    } else if (base_version != 0) {
      return Error{Code::kAborted, shown(key) + " has no version yet: base_version must be 0", "base_version", "version_conflict"};
    }
    out = {artifact.latest + 1, content, hash, by.who, by.why, clock_.unix_ms()};
    TRY(insert_version(transaction, key, out));
    return touch(transaction, key, out.created_ms);
  }));
  return out;
}

Result<Version> Registry::version(const Context& context, const Key& key, int number) {
  Version out;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY_ASSIGN(Artifact artifact, artifact_in(reader, key));
    if (number == 0 && artifact.latest == 0) return not_found(shown(key) + " is a draft: it has no version yet", "version", "only_a_draft");
    TRY_ASSIGN(out, version_in(reader, key, number ? number : artifact.latest));
    return {};
  }));
  return out;
}

Result<std::vector<Version>> Registry::versions(const Context& context, const Key& key) {
  std::vector<Version> out;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY(artifact_in(reader, key));
    return reader.query(std::string(kVersionColumns) + " ORDER BY version DESC LIMIT 1000", {key.kind, key.name},
                        [&](const Row& row) { return out.push_back(version_from(row, false)), true; });
  }));
  return out;
}

Result<std::vector<DiffLine>> Registry::diff(const Context& context, const Key& key, int older, int newer) {
  TRY_ASSIGN(Version a, version(context, key, older));
  TRY_ASSIGN(Version b, version(context, key, newer));
  return line_diff(a.content, b.content);
}

Result<std::vector<Label>> Registry::labels(const Context& context, const Key& key) {
  std::vector<Label> out;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY(artifact_in(reader, key));
    return reader.query("SELECT label, version, who, why, updated_ms FROM artifact_labels WHERE kind = ? AND name = ? ORDER BY label", {key.kind, key.name},
                        [&](const Row& row) {
                          out.push_back({row.text(0), static_cast<int>(row.integer(1)), row.text(2), row.text(3), row.integer(4)});
                          return true;
                        });
  }));
  return out;
}

Result<Label> Registry::set_label(const Context& context, const Key& key, const std::string& label, int version, const Change& change) {
  TRY(check_word(label, "label"));
  TRY_ASSIGN(Change by, checked_change(context, change));
  Label out{label, version, by.who, by.why, clock_.unix_ms()};
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(artifact_in(transaction, key));
    TRY(version_in(transaction, key, version));
    TRY(
        transaction.execute("INSERT INTO artifact_labels(kind, name, label, version, who, why, updated_ms) VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT(kind, name, "
                            "label) DO UPDATE SET "
                            "version = excluded.version, who = excluded.who, why = excluded.why, updated_ms = excluded.updated_ms",
                            {key.kind, key.name, label, int64_t{version}, by.who, by.why, out.updated_ms}));
    TRY(add_event(transaction, key, {"label", version, label, by.who, by.why, out.updated_ms}));
    return touch(transaction, key, out.updated_ms);
  }));
  return out;
}

Status Registry::remove_label(const Context& context, const Key& key, const std::string& label, const Change& change) {
  TRY_ASSIGN(Change by, checked_change(context, change));
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(artifact_in(transaction, key));
    TRY_ASSIGN(int64_t rows, transaction.execute("DELETE FROM artifact_labels WHERE kind = ? AND name = ? AND label = ?", {key.kind, key.name, label}));
    if (rows == 0) return not_found(shown(key) + " has no label '" + label + "'", "label", "no_such_label");
    TRY(add_event(transaction, key, {"unlabel", 0, label, by.who, by.why, clock_.unix_ms()}));
    return touch(transaction, key, clock_.unix_ms());
  });
}

Result<Version> Registry::labelled(const Context& context, const Key& key, const std::string& label) {
  Version out;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY(artifact_in(reader, key));
    int number = 0;
    TRY(reader.query("SELECT version FROM artifact_labels WHERE kind = ? AND name = ? AND label = ?", {key.kind, key.name, label},
                     [&](const Row& row) { return number = static_cast<int>(row.integer(0)), false; }));
    if (number == 0) return not_found(shown(key) + " has no label '" + label + "'", "label", "no_such_label");
    TRY_ASSIGN(out, version_in(reader, key, number));
    return {};
  }));
  return out;
}

Result<std::vector<Event>> Registry::history(const Context& context, const Key& key) {
  std::vector<Event> out;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY(artifact_in(reader, key));
    return reader.query("SELECT what, version, label, who, why, at_ms FROM artifact_events WHERE kind = ? AND name = ? ORDER BY sequence DESC LIMIT 1000",
                        {key.kind, key.name}, [&](const Row& row) {
                          out.push_back({row.text(0), static_cast<int>(row.integer(1)), row.text(2), row.text(3), row.text(4), row.integer(5)});
                          return true;
                        });
  }));
  return out;
}

}  // namespace strata::registry
