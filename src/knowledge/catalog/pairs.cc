// Files in bases: the pairs, their states, and their removal with everything that hangs on them.
#include "base/check.h"
#include "base/text.h"
#include "knowledge/catalog/catalog.h"
#include "knowledge/catalog/rows.h"

namespace strata::catalog {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;
using store::Value;

constexpr char kPairColumns[] =
    "SELECT p.base_id, p.file_id, f.filename, p.state, p.error, p.job_id, p.attributes, p.tokens_max, p.tokens_overlap, p.document_id, "
    "p.created_ms, f.bytes FROM base_files p JOIN files f ON f.id = p.file_id WHERE ";

Result<BaseFile> pair_from(const Row& row) {
  BaseFile pair;
  pair.base_id = row.text(0);
  pair.file_id = row.text(1);
  pair.filename = row.text(2);
  TRY_ASSIGN(pair.state, file_state_from(row.text(3)));
  pair.error = row.text(4);
  pair.job_id = row.text(5);
  TRY_ASSIGN(pair.attributes, attributes_from(row.text(6)));
  pair.chunking.tokens_max = static_cast<int>(row.integer(7));
  pair.chunking.tokens_overlap = static_cast<int>(row.integer(8));
  pair.document_id = row.text(9);
  pair.created_ms = row.integer(10);
  pair.bytes = row.integer(11);
  return pair;
}

Result<std::optional<BaseFile>> one_pair(Reader& reader, const std::string& condition, const std::vector<Value>& values) {
  BaseFile pair;
  Status broken;
  TRY(reader.query(kPairColumns + condition, values, [&](const Row& row) { return keep(pair_from(row), pair, broken) && false; }));
  TRY(broken);
  if (pair.file_id.empty()) return std::optional<BaseFile>();
  return std::optional<BaseFile>(std::move(pair));
}

Error no_pair(const std::string& base_id, const std::string& file_id) {
  return not_found("no file '" + file_id + "' is in the vector store '" + base_id + "'", "file_id");
}

}  // namespace

Result<std::optional<BaseFile>> Catalog::find_base_file(Reader& reader, const std::string& base_id, const std::string& file_id) {
  return one_pair(reader, "p.base_id = ? AND p.file_id = ?", {base_id, file_id});
}

Result<std::optional<BaseFile>> Catalog::find_by_name(Reader& reader, const std::string& base_id, const std::string& filename) {
  return one_pair(reader, "p.base_id = ? AND f.filename = ? ORDER BY p.sequence DESC LIMIT 1", {base_id, filename});
}

Result<BaseFile> Catalog::base_file(const Context& context, const std::string& base_id, const std::string& file_id) {
  std::optional<BaseFile> pair;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY(base_in(reader, base_id));
    TRY_ASSIGN(pair, find_base_file(reader, base_id, file_id));
    return {};
  }));
  if (!pair) return no_pair(base_id, file_id);
  return std::move(*pair);
}

Result<std::vector<BaseFile>> Catalog::base_files(const Context& context, const std::string& base_id, int limit, std::string_view after, bool ascending,
                                                  std::optional<FileState> state) {
  TRY(check_limit(limit));
  std::vector<BaseFile> pairs;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY(base_in(reader, base_id));
    std::string sql = std::string(kPairColumns) + "p.base_id = ?";
    std::vector<Value> values = {base_id};
    if (state) sql += " AND p.state = ?", values.push_back(std::string(file_state_name(*state)));
    TRY_ASSIGN(std::string page, page_condition(reader, "SELECT sequence FROM base_files WHERE base_id = ? AND file_id = ?", {base_id, std::string(after)},
                                                after, ascending, values));
    // page_condition's "sequence" is the pair's; the join makes it ambiguous, so it is named here.
    if (!page.empty()) page.insert(page.find("sequence"), "p.");
    values.push_back(int64_t{limit});
    Status broken;
    TRY(reader.query(sql + page + " ORDER BY p.sequence " + (ascending ? "ASC" : "DESC") + " LIMIT ?", values,
                     [&](const Row& row) { return keep(pair_from(row), pairs.emplace_back(), broken); }));
    return broken;
  }));
  return pairs;
}

Result<std::vector<std::string>> Catalog::running_jobs(const Context& context, const std::string& base_id, const std::string& file_id) {
  std::vector<std::string> jobs;
  TRY(store_.read(context, [&](Reader& reader) {
    return reader.query("SELECT job_id FROM base_files WHERE state = 'in_progress' AND (? = '' OR base_id = ?) AND (? = '' OR file_id = ?)",
                        {base_id, base_id, file_id, file_id}, [&](const Row& row) { return jobs.push_back(row.text(0)), true; });
  }));
  return jobs;
}

Result<BaseFile> Catalog::add_base_file(Transaction& transaction, const std::string& base_id, const std::string& file_id, const AddOptions& options) {
  TRY(check_attributes(options.attributes));
  TRY(check_chunking(options.chunking));
  TRY(base_in(transaction, base_id));
  TRY(file_in(transaction, file_id));
  TRY_ASSIGN(auto before, find_base_file(transaction, base_id, file_id));
  if (before) TRY(forget_staged(transaction, before->job_id));
  int64_t now = clock_.unix_ms();
  TRY(
      transaction.execute("INSERT INTO base_files(base_id, file_id, state, job_id, attributes, tokens_max, tokens_overlap, created_ms) "
                          "VALUES(?, ?, 'in_progress', ?, ?, ?, ?, ?) ON CONFLICT(base_id, file_id) DO UPDATE SET state = 'in_progress', "
                          "error = '', job_id = excluded.job_id, attributes = excluded.attributes, tokens_max = excluded.tokens_max, "
                          "tokens_overlap = excluded.tokens_overlap",
                          {base_id, file_id, options.job_id, attributes_text(options.attributes), int64_t{options.chunking.tokens_max},
                           int64_t{options.chunking.tokens_overlap}, now}));
  TRY(transaction.execute("UPDATE bases SET active_ms = ? WHERE id = ?", {now, base_id}));
  TRY_ASSIGN(auto pair, find_base_file(transaction, base_id, file_id));
  CHECK(pair);
  return std::move(*pair);
}

Status Catalog::set_state(Transaction& transaction, const std::string& base_id, const std::string& file_id, const std::string& job_id, FileState state,
                          std::string error) {
  if (error.size() > kErrorBytesMax) error.resize(utf8_complete_prefix(std::string_view(error).substr(0, kErrorBytesMax)));
  TRY(transaction.execute("UPDATE base_files SET state = ?, error = ? WHERE base_id = ? AND file_id = ? AND job_id = ? AND state <> 'completed'",
                          {std::string(file_state_name(state)), utf8_repaired(error), base_id, file_id, job_id}));
  return {};
}

Status Catalog::set_attributes(const Context& context, const std::string& base_id, const std::string& file_id, Attributes attributes) {
  TRY(check_attributes(attributes));
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(int64_t changed,
               transaction.execute("UPDATE base_files SET attributes = ? WHERE base_id = ? AND file_id = ?", {attributes_text(attributes), base_id, file_id}));
    if (changed == 0) return no_pair(base_id, file_id);
    Change change;
    change.base_id = base_id;
    change.file_id = file_id;
    change.attributes = std::move(attributes);
    change.attributes_set = true;
    tell(transaction, std::move(change));
    return {};
  });
}

Status Catalog::remove_base_file(const Context& context, const std::string& base_id, const std::string& file_id) {
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(auto pair, find_base_file(transaction, base_id, file_id));
    if (!pair) return no_pair(base_id, file_id);
    Change change;
    TRY(remove_pairs(transaction, "base_id = ? AND file_id = ?", {base_id, file_id}, change));
    tell(transaction, std::move(change));
    return {};
  });
}

Status Catalog::remove_pairs(Transaction& transaction, const std::string& condition, const std::vector<Value>& values, Change& change) {
  TRY(transaction.query("SELECT c.id FROM documents d JOIN chunks c ON c.document_id = d.id WHERE " + condition, values,
                        [&](const Row& row) { return change.removed.push_back(row.integer(0)), true; }));
  for (const char* table : {"staged_documents", "staged_vectors"}) {
    TRY(transaction.execute(std::string("DELETE FROM ") + table + " WHERE job_id IN (SELECT job_id FROM base_files WHERE " + condition + ")", values));
  }
  std::vector<Value> with_time = {clock_.unix_ms()};
  with_time.insert(with_time.end(), values.begin(), values.end());
  TRY(transaction.execute("UPDATE bases SET active_ms = ? WHERE id IN (SELECT base_id FROM base_files WHERE " + condition + ")", with_time));
  TRY(transaction.execute("DELETE FROM base_files WHERE " + condition, values));  // documents and chunks go with them
  return {};
}

Status Catalog::forget_staged(Transaction& transaction, const std::string& job_id) {
  TRY(transaction.execute("DELETE FROM staged_documents WHERE job_id = ?", {job_id}));
  TRY(transaction.execute("DELETE FROM staged_vectors WHERE job_id = ?", {job_id}));
  return {};
}

}  // namespace strata::catalog
