// knowledge/catalog: what we know, as rows: knowledge bases (the API's vector stores), the files in them, document versions and
// their chunks with embeddings. The index (knowledge/index) is derived from these rows and can be rebuilt from them at any time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "infra/store/store.h"
#include "knowledge/chunk/chunk.h"
#include "knowledge/document/document.h"

namespace strata::catalog {

using Attribute = std::variant<std::string, double, bool>;
using Attributes = std::map<std::string, Attribute>;      // at most 16 keys of 64 characters, strings of 512

struct File {                  // an uploaded file, /v1/files
  std::string id;              // "file_…"
  std::string filename;
  std::string purpose;         // "assistants", "user_data"
  std::string sha256;          // of its bytes in store's files/
  int64_t bytes = 0, created_ms = 0;
};

struct Base {                  // a knowledge base, /v1/vector_stores
  std::string id;              // "vs_…"
  std::string name;
  std::map<std::string, std::string> metadata;
  int64_t created_ms = 0, active_ms = 0;
  int files_in_progress = 0, files_completed = 0, files_failed = 0, files_cancelled = 0;
  int64_t bytes = 0;
};

enum class FileState { kInProgress, kCompleted, kFailed, kCancelled };
struct BaseFile {              // a file in a base, /v1/vector_stores/{}/files
  std::string base_id, file_id, filename;
  FileState state = FileState::kInProgress;
  std::string error;           // why it failed
  std::string job_id;          // infra/durable
  Attributes attributes;
  chunk::Options chunking;
  std::string document_id;     // once completed
  int64_t created_ms = 0, bytes = 0;
};

struct DocumentRow {           // one version of one document: parsed text with structure
  std::string id;              // "doc_…"
  std::string file_id, base_id, filename, title;
  std::string version;         // SHA-256 of the file's bytes
  document::Document content;  // text, headings, blocks, pages
  int64_t created_ms = 0;
  int chunks = 0;
};

struct ChunkRow {
  int64_t id = 0;              // dense row id, never reused: the key in the index
  std::string document_id, base_id, file_id;
  std::string title, filename, version;   // of its document, for showing a hit and for weighting its title
  int ordinal = 0;             // within the document
  chunk::Chunk chunk;
  std::string text;            // the document's text in chunk.at
  std::vector<float> vector;   // unit length; empty where not loaded
  std::string model;           // fingerprint of the embedding model
};

std::vector<store::Migration> migrations();

// All functions are transactions of their own unless they take one. Errors: kNotFound names the id.
class Catalog {
 public:
  explicit Catalog(store::Store& store, const Clock& clock);

  Result<File> add_file(const Context&, std::string filename, std::string purpose, std::string_view bytes);
  Result<File> file(const Context&, const std::string& id);
  Result<std::vector<File>> files(const Context&, std::string_view purpose, int limit, std::string_view after, bool ascending);
  Result<std::string> file_bytes(const Context&, const std::string& id);
  Status remove_file(const Context&, const std::string& id);        // also from every base

  Result<Base> add_base(const Context&, std::string name, std::map<std::string, std::string> metadata);
  Result<Base> base(const Context&, const std::string& id);
  Result<std::vector<Base>> bases(const Context&, int limit, std::string_view after, bool ascending);
  Result<Base> update_base(const Context&, const std::string& id, std::optional<std::string> name,
                           std::optional<std::map<std::string, std::string>> metadata);
  Status remove_base(const Context&, const std::string& id);

  Result<BaseFile> base_file(const Context&, const std::string& base_id, const std::string& file_id);
  Result<std::vector<BaseFile>> base_files(const Context&, const std::string& base_id, int limit, std::string_view after, bool ascending);
  Status set_attributes(const Context&, const std::string& base_id, const std::string& file_id, Attributes attributes);
  Status remove_base_file(const Context&, const std::string& base_id, const std::string& file_id);

  Result<DocumentRow> document(const Context&, const std::string& id);               // with its content
  Result<std::vector<ChunkRow>> chunks_of(const Context&, const std::string& document_id);   // without vectors
  Result<std::vector<ChunkRow>> chunks(const Context&, const std::vector<int64_t>& ids);     // in the order asked, without vectors
  // Every chunk with its vector, in id order, above `after_id`: for building the index.
  Status each_chunk(const Context&, int64_t after_id, const std::function<bool(const ChunkRow&, const Attributes&)>& each);

 private:
  store::Store& store_;
  const Clock& clock_;
};

}  // namespace strata::catalog
