// Drafts, and the checks and rows that versions need as well.
#include "base/text.h"
#include "orchestration/registry/rows.h"

namespace strata::registry {

using store::Reader;
using store::Row;
using store::Transaction;

namespace {

constexpr std::string_view kWordLetters = "abcdefghijklmnopqrstuvwxyz0123456789_";
constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyz0123456789_-.";

Status check_text(std::string_view text, size_t bytes_max, const std::string& param) {
  if (text.size() > bytes_max)
    return invalid_argument(param + " may have at most " + std::to_string(bytes_max) + " bytes, got " + std::to_string(text.size()), param);
  if (!utf8_valid(text) || text.find('\0') != text.npos) return invalid_argument(param + " must be UTF-8 text without NUL", param);
  return {};
}

Result<std::optional<Draft>> draft_in(Reader& reader, const Key& key) {
  std::optional<Draft> found;
  TRY(reader.query("SELECT content, revision, base_version, who, updated_ms FROM artifact_drafts WHERE kind = ? AND name = ?", {key.kind, key.name},
                   [&](const Row& row) {
                     found = Draft{row.text(0), static_cast<int>(row.integer(1)), static_cast<int>(row.integer(2)), row.text(3), row.integer(4)};
                     return false;
                   }));
  return found;
}

}  // namespace

std::string shown(const Key& key) { return key.kind + " '" + key.name + "'"; }

Status check_word(std::string_view word, const std::string& param) {
  if (!word.empty() && word.size() <= 64 && word.find_first_not_of(kWordLetters) == word.npos) return {};
  return invalid_argument(param + ": expected 1 to 64 lower-case letters, digits or '_', got '" + std::string(word.substr(0, 80)) + "'", param);
}

Status check_key(const Key& key) {
  TRY(check_word(key.kind, "kind"));
  if (!key.name.empty() && key.name.size() <= 128 && key.name.find_first_not_of(kNameLetters) == key.name.npos) return {};
  return invalid_argument("name: expected 1 to 128 lower-case letters, digits, '-', '_' or '.', got '" + key.name.substr(0, 80) + "'", "name");
}

Status check_content(std::string_view content) { return check_text(content, kContentBytesMax, "content"); }

Result<Change> checked_change(const Context& context, const Change& change) {
  TRY(check_text(change.who, 128, "who"));
  TRY(check_text(change.why, 2000, "why"));
  return Change{change.who.empty() ? context.principal().user : change.who, change.why};
}

Status add_event(Transaction& transaction, const Key& key, const Event& event) {
  TRY(transaction.execute("INSERT INTO artifact_events(kind, name, what, version, label, who, why, at_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                          {key.kind, key.name, event.what, int64_t{event.version}, event.label, event.who, event.why, event.at_ms}));
  return {};
}

Status touch(Transaction& transaction, const Key& key, int64_t now_ms) {
  TRY(transaction.execute("UPDATE artifacts SET updated_ms = ?, changed = (SELECT max(changed) + 1 FROM artifacts) WHERE kind = ? AND name = ?",
                          {now_ms, key.kind, key.name}));
  return {};
}

Result<Artifact> make_artifact(Transaction& transaction, const Key& key, const Change& by, int64_t now_ms) {
  auto found = artifact_in(transaction, key);
  if (found || found.error().code != Code::kNotFound) return found;
  TRY(transaction.execute("INSERT INTO artifacts(kind, name, latest, created_ms, updated_ms, changed) VALUES(?, ?, 0, ?, ?, 0)",
                          {key.kind, key.name, now_ms, now_ms}));
  TRY(add_event(transaction, key, {"created", 0, "", by.who, by.why, now_ms}));
  return artifact_in(transaction, key);
}

Result<Draft> Registry::save_draft(const Context& context, const Key& key, const std::string& content, int base_version, int revision, const Change& change) {
  TRY(check_key(key));
  TRY(check_content(content));
  TRY_ASSIGN(Change by, checked_change(context, change));
  Draft out{content, 1, base_version, by.who, clock_.unix_ms()};
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(Artifact artifact, make_artifact(transaction, key, by, out.updated_ms));
    if (base_version < 0 || base_version > artifact.latest)
      return invalid_argument("base_version: " + shown(key) + " has " + std::to_string(artifact.latest) + " versions, got " + std::to_string(base_version),
                              "base_version");
    TRY_ASSIGN(auto kept, draft_in(transaction, key));
    if (kept && kept->content == content && kept->base_version == base_version) return out = std::move(*kept), Status();
    if (kept && kept->revision != revision)
      return Error{Code::kAborted,
                   "the draft of " + shown(key) + " was saved by " + kept->who + " meanwhile (revision " + std::to_string(kept->revision) +
                       ", you started from " + std::to_string(revision) + "): read it again, then save yours",
                   "revision", "version_conflict"};
    out.revision = (kept ? kept->revision : revision) + 1;
    TRY(transaction.execute(
        "INSERT INTO artifact_drafts(kind, name, content, revision, base_version, who, updated_ms) VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT(kind, name) DO "
        "UPDATE SET "
        "content = excluded.content, revision = excluded.revision, base_version = excluded.base_version, who = excluded.who, updated_ms = excluded.updated_ms",
        {key.kind, key.name, content, int64_t{out.revision}, int64_t{base_version}, by.who, out.updated_ms}));
    return touch(transaction, key, out.updated_ms);
  }));
  return out;
}

Result<std::optional<Draft>> Registry::draft(const Context& context, const Key& key) {
  std::optional<Draft> out;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY(artifact_in(reader, key));
    TRY_ASSIGN(out, draft_in(reader, key));
    return {};
  }));
  return out;
}

Status Registry::remove_draft(const Context& context, const Key& key) {
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(Artifact artifact, artifact_in(transaction, key));
    TRY(transaction.execute("DELETE FROM artifact_drafts WHERE kind = ? AND name = ?", {key.kind, key.name}));
    if (artifact.latest == 0) TRY(transaction.execute("DELETE FROM artifacts WHERE kind = ? AND name = ?", {key.kind, key.name}));
    return {};
  });
}

Status Registry::remove(const Context& context, const Key& key) {
  return store_.write(context, [&](Transaction& transaction) -> Status {
    for (const char* table : {"artifact_drafts", "artifact_events", "artifact_labels", "artifact_versions", "artifacts"})
      TRY(transaction.execute("DELETE FROM " + std::string(table) + " WHERE kind = ? AND name = ?", {key.kind, key.name}));
    return {};
  });
}

}  // namespace strata::registry
