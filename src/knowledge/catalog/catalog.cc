// Files and bases. Pairs of them are in pairs.cc, documents and chunks in documents.cc.
#include "knowledge/catalog/catalog.h"

#include <set>

#include "base/check.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/random.h"
#include "knowledge/catalog/rows.h"

namespace strata::catalog {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;
using store::Value;

constexpr char kFileColumns[] = "SELECT id, filename, purpose, sha256, bytes, created_ms FROM files WHERE true";
File file_from(const Row& row) { return {row.text(0), row.text(1), row.text(2), row.text(3), row.integer(4), row.integer(5)}; }

constexpr char kBaseColumns[] = "SELECT id, name, metadata, created_ms, active_ms FROM bases WHERE true";
Result<Base> base_from(const Row& row) {
  Base base;
  base.id = row.text(0);
  base.name = row.text(1);
  TRY_ASSIGN(base.metadata, metadata_from(row.text(2)));
  base.created_ms = row.integer(3);
  base.active_ms = row.integer(4);
  return base;
}

Status count_files(Reader& reader, Base& base) {
  return reader.query("SELECT p.state, count(*), sum(f.bytes) FROM base_files p JOIN files f ON f.id = p.file_id WHERE p.base_id = ? GROUP BY p.state",
                      {base.id}, [&](const Row& row) {
                        std::string state = row.text(0);
                        int count = static_cast<int>(row.integer(1));
                        if (state == "in_progress") base.files_in_progress = count;
                        if (state == "completed") base.files_completed = count, base.bytes = row.integer(2);
                        if (state == "failed") base.files_failed = count;
                        if (state == "cancelled") base.files_cancelled = count;
                        return true;
                      });
}

Result<bool> hash_is_named(Reader& reader, const std::string& sha256) {
  bool named = false;
  TRY(reader.query("SELECT 1 FROM files WHERE sha256 = ? LIMIT 1", {sha256}, [&](const Row&) { return named = true, false; }));
  return named;
}

Status check_file(const std::string& filename, const std::string& purpose) {
  if (filename.empty()) return invalid_argument("the file must have a name", "file");
  TRY(check_text(filename, kFilenameBytesMax, "the file name", "file"));
  TRY(check_text(purpose, 64, "purpose", "purpose"));
  if (purpose.empty()) return invalid_argument("purpose must not be empty", "purpose");
  return {};
}

}  // namespace

Catalog::Catalog(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

Result<File> Catalog::add_file(const Context& context, std::string filename, std::string purpose, std::string_view bytes) {
  TRY(check_file(filename, purpose));
  TRY_ASSIGN(std::string sha256, store_.put_file(bytes));
  // Another file with the same bytes may have been removed between put_file and here, and the bytes with it.
  return add_row(context, {make_id("file"), std::move(filename), std::move(purpose), sha256, static_cast<int64_t>(bytes.size()), clock_.unix_ms()},
                 [&]() -> Status {
                   TRY(store_.put_file(bytes));
                   return {};
                 });
}

Result<File> Catalog::add_stored_file(const Context& context, std::string filename, std::string purpose, std::string sha256, int64_t bytes) {
  TRY(check_file(filename, purpose));
  return add_row(context, {make_id("file"), std::move(filename), std::move(purpose), std::move(sha256), bytes, clock_.unix_ms()},
                 [] { return Status(tl::unexpect, Error{Code::kAborted, "the file's bytes went away while it was added; try again", "", ""}); });
}

Result<File> Catalog::add_row(const Context& context, File file, const std::function<Status()>& where_absent) {
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    if (!store_.has_file(file.sha256)) TRY(where_absent());
    TRY(transaction.execute("INSERT INTO files(id, filename, purpose, sha256, bytes, created_ms) VALUES(?, ?, ?, ?, ?, ?)",
                            {file.id, file.filename, file.purpose, file.sha256, file.bytes, file.created_ms}));
    return {};
  }));
  return file;
}

Result<File> Catalog::file_in(Reader& reader, const std::string& id) {
  std::optional<File> found;
  TRY(reader.query(std::string(kFileColumns) + " AND id = ?", {id}, [&](const Row& row) { return found = file_from(row), false; }));
  if (!found) return not_found("no file has the id '" + id + "'", "file_id");
  return std::move(*found);
}

Result<File> Catalog::file(const Context& context, const std::string& id) {
  File file;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY_ASSIGN(file, file_in(reader, id));
    return {};
  }));
  return file;
}

Result<std::vector<File>> Catalog::files(const Context& context, std::string_view purpose, int limit, std::string_view after, bool ascending) {
  TRY(check_limit(limit));
  std::vector<File> files;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    std::string sql = kFileColumns;
    std::vector<Value> values;
    if (!purpose.empty()) sql += " AND purpose = ?", values.push_back(std::string(purpose));
    TRY_ASSIGN(std::string page, page_condition(reader, "SELECT sequence FROM files WHERE id = ?", {std::string(after)}, after, ascending, values));
    values.push_back(int64_t{limit});
    return reader.query(sql + page + " ORDER BY sequence " + (ascending ? "ASC" : "DESC") + " LIMIT ?", values,
                        [&](const Row& row) { return files.push_back(file_from(row)), true; });
  }));
  return files;
}

Result<std::string> Catalog::file_bytes(const Context& context, const std::string& id) {
  TRY_ASSIGN(File found, file(context, id));
  return store_.get_file(found.sha256);
}

Result<std::optional<File>> Catalog::same_file(const Context& context, const std::string& filename, const std::string& purpose, const std::string& sha256) {
  std::optional<File> found;
  TRY(store_.read(context, [&](Reader& reader) {
    return reader.query(std::string(kFileColumns) + " AND sha256 = ? AND filename = ? AND purpose = ? ORDER BY sequence DESC LIMIT 1",
                        {sha256, filename, purpose}, [&](const Row& row) { return found = file_from(row), false; });
  }));
  return found;
}

Status Catalog::remove_file(const Context& context, const std::string& id) {
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(File file, file_in(transaction, id));
    Change change;
    TRY(remove_pairs(transaction, "file_id = ?", {id}, change));
    TRY(transaction.execute("DELETE FROM files WHERE id = ?", {id}));
    TRY_ASSIGN(bool named, hash_is_named(transaction, file.sha256));
    if (!named) {
      // After the commit and before the next write: no new row can name the bytes in between (see add_file).
      transaction.after_commit([this, sha256 = file.sha256] {
        if (auto removed = store_.remove_file(sha256); !removed) log::warning("catalog.bytes_left", {{"error", removed.error().message}});
      });
    }
    tell(transaction, std::move(change));
    return {};
  });
}

Result<int> Catalog::sweep(const Context& context) {
  TRY_ASSIGN(auto stored, store_.list_files());
  int removed = 0;
  // Under the writer, so that no file that is being added is taken for one that nobody names.
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    std::set<std::string> named;
    TRY(transaction.query("SELECT DISTINCT sha256 FROM files", {}, [&](const Row& row) { return named.insert(row.text(0)), true; }));
    for (const auto& sha256 : stored) {
      if (named.count(sha256)) continue;
      TRY(store_.remove_file(sha256));
      ++removed;
    }
    return {};
  }));
  return removed;
}

Result<Base> Catalog::add_base(const Context& context, std::string name, std::map<std::string, std::string> metadata) {
  TRY(check_text(name, kNameBytesMax, "name", "name"));
  TRY(check_metadata(metadata));
  Base base;
  base.id = make_id("vs");
  base.name = std::move(name);
  base.metadata = std::move(metadata);
  base.created_ms = base.active_ms = clock_.unix_ms();
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(transaction.execute("INSERT INTO bases(id, name, metadata, created_ms, active_ms) VALUES(?, ?, ?, ?, ?)",
                            {base.id, base.name, metadata_text(base.metadata), base.created_ms, base.active_ms}));
    return {};
  }));
  return base;
}

Result<Base> Catalog::base_in(Reader& reader, const std::string& id) {
  Base base;
  Status broken;
  TRY(reader.query(std::string(kBaseColumns) + " AND id = ?", {id}, [&](const Row& row) { return keep(base_from(row), base, broken) && false; }));
  TRY(broken);
  if (base.id.empty()) return not_found("no vector store has the id '" + id + "'", "vector_store_id");
  TRY(count_files(reader, base));
  return base;
}

Result<Base> Catalog::base(const Context& context, const std::string& id) {
  Base base;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY_ASSIGN(base, base_in(reader, id));
    return {};
  }));
  return base;
}

Result<std::vector<Base>> Catalog::bases(const Context& context, int limit, std::string_view after, bool ascending) {
  TRY(check_limit(limit));
  std::vector<Base> bases;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    std::vector<Value> values;
    TRY_ASSIGN(std::string page, page_condition(reader, "SELECT sequence FROM bases WHERE id = ?", {std::string(after)}, after, ascending, values));
    values.push_back(int64_t{limit});
    Status broken;
    TRY(reader.query(kBaseColumns + page + " ORDER BY sequence " + (ascending ? "ASC" : "DESC") + " LIMIT ?", values,
                     [&](const Row& row) { return keep(base_from(row), bases.emplace_back(), broken); }));
    TRY(broken);
    for (Base& base : bases) TRY(count_files(reader, base));
    return {};
  }));
  return bases;
}

Result<Base> Catalog::update_base(const Context& context, const std::string& id, std::optional<std::string> name,
                                  std::optional<std::map<std::string, std::string>> metadata) {
  if (name) TRY(check_text(*name, kNameBytesMax, "name", "name"));
  if (metadata) TRY(check_metadata(*metadata));
  Base base;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(base, base_in(transaction, id));
    if (name) base.name = *name;
    if (metadata) base.metadata = *metadata;
    base.active_ms = clock_.unix_ms();
    TRY(transaction.execute("UPDATE bases SET name = ?, metadata = ?, active_ms = ? WHERE id = ?",
                            {base.name, metadata_text(base.metadata), base.active_ms, id}));
    return {};
  }));
  return base;
}

Status Catalog::remove_base(const Context& context, const std::string& id) {
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(base_in(transaction, id));
    Change change;
    TRY(remove_pairs(transaction, "base_id = ?", {id}, change));
    TRY(transaction.execute("DELETE FROM bases WHERE id = ?", {id}));
    tell(transaction, std::move(change));
    return {};
  });
}

void Catalog::tell(Transaction& transaction, Change change) {
  if (change.added.empty() && change.removed.empty() && !change.attributes_set) return;
  transaction.after_commit([this, change = std::make_shared<const Change>(std::move(change))] {
    for (auto& listener : listeners_) listener(*change);
  });
}

}  // namespace strata::catalog
