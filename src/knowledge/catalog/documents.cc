// Documents, chunks and what a job has staged for them.
#include <algorithm>

#include "base/check.h"
#include "base/random.h"
#include "knowledge/catalog/catalog.h"
#include "knowledge/catalog/rows.h"

namespace strata::catalog {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;
using store::Value;

constexpr char kChunkColumns[] =
    "SELECT c.id, c.document_id, d.base_id, d.file_id, d.title, d.filename, d.version, d.model, c.ordinal, c.at_begin, c.at_end, "
    "c.parent_begin, c.parent_end, c.heading, c.page, c.tokens, c.body";

ChunkRow chunk_from(const Row& row) {
  auto at = [&](int column) { return static_cast<uint32_t>(row.integer(column)); };
  ChunkRow chunk;
  chunk.id = row.integer(0);
  chunk.document_id = row.text(1);
  chunk.base_id = row.text(2);
  chunk.file_id = row.text(3);
  chunk.title = row.text(4);
  chunk.filename = row.text(5);
  chunk.version = row.text(6);
  chunk.model = row.text(7);
  chunk.ordinal = static_cast<int>(row.integer(8));
  chunk.chunk.at = {at(9), at(10)};
  chunk.chunk.parent = {at(11), at(12)};
  chunk.chunk.heading = row.text(13);
  chunk.chunk.page = static_cast<int>(row.integer(14));
  chunk.chunk.tokens = static_cast<int>(row.integer(15));
  chunk.text = row.text(16);
  return chunk;
}

Result<std::vector<float>> staged_vector(Reader& reader, const std::string& job_id, const std::string& hash) {
  std::vector<float> vector;
  TRY(reader.query("SELECT vector FROM staged_vectors WHERE job_id = ? AND hash = ?", {job_id, hash},
                   [&](const Row& row) { return vector = vector_from(row.blob(0)), false; }));
  if (vector.empty()) return failed_precondition("job " + job_id + " has not embedded all of its chunks");
  return vector;
}

// Fills the row's text, vector and id.
Status insert_chunk(Transaction& transaction, const Publication& publication, size_t index, ChunkRow& row) {
  const chunk::Chunk& chunk = row.chunk;
  CHECK(chunk.at.begin <= chunk.at.end && chunk.at.end <= publication.document.text.size());
  row.text = publication.document.text.substr(chunk.at.begin, chunk.at.end - chunk.at.begin);
  TRY_ASSIGN(row.vector, staged_vector(transaction, publication.job_id, publication.hashes[index]));
  TRY(transaction.execute(
      "INSERT INTO chunks(document_id, ordinal, at_begin, at_end, parent_begin, parent_end, heading, page, tokens, body, "
      "hash, vector) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {row.document_id, int64_t{row.ordinal}, int64_t{chunk.at.begin}, int64_t{chunk.at.end}, int64_t{chunk.parent.begin}, int64_t{chunk.parent.end},
       chunk.heading, int64_t{chunk.page}, int64_t{chunk.tokens}, row.text, publication.hashes[index], vector_blob(row.vector)}));
  row.id = transaction.last_row_id();
  return {};
}

}  // namespace

Result<DocumentRow> Catalog::document(const Context& context, const std::string& id) {
  DocumentRow document;
  Status broken;
  TRY(store_.read(context, [&](Reader& reader) {
    return reader.query(
        "SELECT id, file_id, base_id, filename, title, version, created_ms, structure, body, "
        "(SELECT count(*) FROM chunks c WHERE c.document_id = d.id) FROM documents d WHERE id = ?",
        {id}, [&](const Row& row) {
          document = {.id = row.text(0), .file_id = row.text(1), .base_id = row.text(2), .filename = row.text(3), .title = row.text(4), .version = row.text(5)};
          document.created_ms = row.integer(6);
          document.chunks = static_cast<int>(row.integer(9));
          return keep(document_from(row.text(7), row.text(8)), document.content, broken) && false;
        });
  }));
  TRY(broken);
  if (document.id.empty()) return not_found("no document has the id '" + id + "'", "document_id");
  return document;
}

Result<std::vector<ChunkRow>> Catalog::chunks_of(const Context& context, const std::string& document_id) {
  std::vector<ChunkRow> chunks;
  TRY(store_.read(context, [&](Reader& reader) {
    return reader.query(std::string(kChunkColumns) + " FROM chunks c JOIN documents d ON d.id = c.document_id WHERE c.document_id = ? ORDER BY c.ordinal",
                        {document_id}, [&](const Row& row) { return chunks.push_back(chunk_from(row)), true; });
  }));
  return chunks;
}

Result<std::vector<ChunkRow>> Catalog::chunks(const Context& context, const std::vector<int64_t>& ids) {
  std::vector<ChunkRow> chunks;
  chunks.reserve(ids.size());
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    for (int64_t id : ids) {
      TRY(reader.query(std::string(kChunkColumns) + " FROM chunks c JOIN documents d ON d.id = c.document_id WHERE c.id = ?", {id},
                       [&](const Row& row) { return chunks.push_back(chunk_from(row)), false; }));
    }
    return {};
  }));
  return chunks;
}

Status Catalog::each_chunk(const Context& context, int64_t after_id, const std::function<bool(const ChunkRow&, const Attributes&)>& each) {
  Status broken;
  TRY(store_.read(context, [&](Reader& reader) {
    std::string document_id;  // attributes are parsed once per run of a document's chunks
    Attributes attributes;
    return reader.query(std::string(kChunkColumns) +
                            ", c.vector, p.attributes FROM chunks c JOIN documents d ON d.id = c.document_id "
                            "JOIN base_files p ON p.base_id = d.base_id AND p.file_id = d.file_id WHERE c.id > ? ORDER BY c.id",
                        {after_id}, [&](const Row& row) {
                          ChunkRow chunk = chunk_from(row);
                          chunk.vector = vector_from(row.blob(17));
                          if (chunk.document_id != document_id && !keep(attributes_from(row.text(18)), attributes, broken)) return false;
                          document_id = chunk.document_id;
                          return each(chunk, attributes);
                        });
  }));
  return broken;
}

Result<std::vector<std::pair<std::string, std::string>>> Catalog::stale(const Context& context, const std::string& model, int limit) {
  std::vector<std::pair<std::string, std::string>> pairs;
  TRY(store_.read(context, [&](Reader& reader) {
    return reader.query("SELECT base_id, file_id FROM documents WHERE model <> ? ORDER BY sequence LIMIT ?", {model, int64_t{limit}},
                        [&](const Row& row) { return pairs.emplace_back(row.text(0), row.text(1)), true; });
  }));
  return pairs;
}

Status Catalog::stage_document(Transaction& transaction, const std::string& job_id, const document::Document& document) {
  TRY(
      transaction.execute("INSERT INTO staged_documents(job_id, structure, body) VALUES(?, ?, ?) ON CONFLICT(job_id) DO UPDATE SET "
                          "structure = excluded.structure, body = excluded.body",
                          {job_id, structure_text(document), document.text}));
  return {};
}

Result<std::optional<document::Document>> Catalog::staged_document(const Context& context, const std::string& job_id) {
  std::optional<document::Document> found;
  Status broken;
  TRY(store_.read(context, [&](Reader& reader) {
    return reader.query("SELECT structure, body FROM staged_documents WHERE job_id = ?", {job_id},
                        [&](const Row& row) { return keep(document_from(row.text(0), row.text(1)), found.emplace(), broken) && false; });
  }));
  TRY(broken);
  return found;
}

Status Catalog::stage_vectors(Transaction& transaction, const std::string& job_id, const std::vector<StagedVector>& vectors) {
  for (const auto& staged : vectors) {
    TRY(transaction.execute("INSERT INTO staged_vectors(job_id, hash, vector) VALUES(?, ?, ?) ON CONFLICT(job_id, hash) DO NOTHING",
                            {job_id, staged.hash, vector_blob(staged.vector)}));
  }
  return {};
}

Status Catalog::stage_known(Transaction& transaction, const std::string& job_id, const std::vector<std::string>& hashes, const std::string& model) {
  for (const auto& hash : hashes) {
    TRY(
        transaction.execute("INSERT INTO staged_vectors(job_id, hash, vector) SELECT ?, c.hash, c.vector FROM chunks c "
                            "JOIN documents d ON d.id = c.document_id WHERE c.hash = ? AND d.model = ? LIMIT 1 ON CONFLICT(job_id, hash) DO NOTHING",
                            {job_id, hash, model}));
  }
  return {};
}

Result<std::vector<std::string>> Catalog::staged_hashes(const Context& context, const std::string& job_id) {
  std::vector<std::string> hashes;
  TRY(store_.read(context, [&](Reader& reader) {
    return reader.query("SELECT hash FROM staged_vectors WHERE job_id = ? ORDER BY hash", {job_id},
                        [&](const Row& row) { return hashes.push_back(row.text(0)), true; });
  }));
  return hashes;
}

Result<std::string> Catalog::publish(Transaction& transaction, const Publication& publication) {
  CHECK(publication.chunks.size() == publication.hashes.size());
  TRY_ASSIGN(auto pair, find_base_file(transaction, publication.base_id, publication.file_id));
  if (!pair || pair->job_id != publication.job_id)
    return not_found("the file '" + publication.file_id + "' was removed from the vector store while it was ingested", "file_id");
  TRY_ASSIGN(File file, file_in(transaction, publication.file_id));
  Change change;
  change.base_id = publication.base_id;
  change.file_id = publication.file_id;
  change.attributes = pair->attributes;
  TRY(transaction.query("SELECT c.id FROM documents d JOIN chunks c ON c.document_id = d.id WHERE d.base_id = ? AND d.file_id = ?",
                        {publication.base_id, publication.file_id}, [&](const Row& row) { return change.removed.push_back(row.integer(0)), true; }));
  TRY(transaction.execute("DELETE FROM documents WHERE base_id = ? AND file_id = ?", {publication.base_id, publication.file_id}));
  if (publication.replace_same_name) {
    TRY(remove_pairs(transaction, "base_id = ? AND file_id <> ? AND file_id IN (SELECT id FROM files WHERE filename = ?)",
                     {publication.base_id, publication.file_id, file.filename}, change));
  }
  std::string id = make_id("doc");
  int64_t now = clock_.unix_ms();
  const document::Document& document = publication.document;
  TRY(
      transaction.execute("INSERT INTO documents(id, base_id, file_id, filename, title, version, structure, body, model, created_ms) "
                          "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          {id, publication.base_id, publication.file_id, file.filename, document.title, file.sha256, structure_text(document), document.text,
                           publication.model, now}));
  for (size_t i = 0; i < publication.chunks.size(); ++i) {
    ChunkRow row{.document_id = id,
                 .base_id = publication.base_id,
                 .file_id = publication.file_id,
                 .title = document.title,
                 .filename = file.filename,
                 .version = file.sha256,
                 .ordinal = static_cast<int>(i),
                 .chunk = publication.chunks[i]};
    row.model = publication.model;
    TRY(insert_chunk(transaction, publication, i, row));
    change.added.push_back(std::move(row));
  }
  TRY(transaction.execute("UPDATE base_files SET state = 'completed', error = '', document_id = ? WHERE base_id = ? AND file_id = ?",
                          {id, publication.base_id, publication.file_id}));
  TRY(transaction.execute("UPDATE bases SET active_ms = ? WHERE id = ?", {now, publication.base_id}));
  TRY(forget_staged(transaction, publication.job_id));
  tell(transaction, std::move(change));
  return id;
}

}  // namespace strata::catalog
