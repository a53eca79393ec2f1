// knowledge/catalog: what we know, as rows: knowledge bases (the API's vector stores), the files in them, document versions and
// their chunks with embeddings. The index (knowledge/index) is derived from these rows and can be rebuilt from them at any time; it
// follows them by listen().
//
//   files ◀── base_files ──▶ bases          a file is in many bases; each pair has one job that ingests it
//                 ▲
//             documents ◀── chunks          at most one document per pair: the last version that was published
//   staged_documents, staged_vectors        what a job has made so far, by job id; gone once published or removed
//
// Limits (kInvalidArgument with the field as param): file names of 512 bytes, names of 256, metadata of 16 pairs with keys of 64 and
// values of 512 characters, attributes likewise; all are valid UTF-8 without NUL.
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
std::string_view file_state_name(FileState state);    // "in_progress", "completed", "failed", "cancelled"
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

// What one committed write did to what can be found. Exactly one of these: a document published (added, and removed: the chunks of
// what it replaces), chunks removed, or new attributes.
struct Change {
  std::string base_id, file_id;      // of added and of attributes
  std::vector<ChunkRow> added;       // with vectors
  Attributes attributes;             // of the file that was added or whose attributes were set
  bool attributes_set = false;       // the chunks stay, their attributes are new
  std::vector<int64_t> removed;      // chunk ids, of any file or base
};

struct AddOptions {
  Attributes attributes;
  chunk::Options chunking;
  std::string job_id;                // that will ingest it
};

struct StagedVector {
  std::string hash;                  // SHA-256 of the indexed text
  std::vector<float> vector;
};

struct Publication {                 // a document ready to be found
  std::string base_id, file_id, job_id;
  document::Document document;
  std::vector<chunk::Chunk> chunks;
  std::vector<std::string> hashes;   // SHAPE: one per chunk; its vector is staged under it
  std::string model;                 // that made the vectors
  bool replace_same_name = false;    // other files of the same name leave the base with it
};

// All functions are transactions of their own unless they take one. Errors: kNotFound names the id. Lists are in the order of
// making (ascending) or the reverse; `after` is the id of the last one seen, `limit` in [1, 10001]. THREADS: safe.
class Catalog {
 public:
  explicit Catalog(store::Store& store, const Clock& clock);
  // Called after each commit that changes chunks, in the order of the commits, while no other write can begin: must be short and must
  // not write to the store. REQUIRES: before the first use by another thread.
  void listen(std::function<void(const Change&)> listener) { listeners_.push_back(std::move(listener)); }

  Result<File> add_file(const Context&, std::string filename, std::string purpose, std::string_view bytes);
  // Of bytes that the store has (store::NewFile). kAborted where they went away meanwhile, with the last file that had them: store them anew.
  Result<File> add_stored_file(const Context&, std::string filename, std::string purpose, std::string sha256, int64_t bytes);
  Result<File> file(const Context&, const std::string& id);
  Result<std::vector<File>> files(const Context&, std::string_view purpose, int limit, std::string_view after, bool ascending);
  Result<std::string> file_bytes(const Context&, const std::string& id);
  Status remove_file(const Context&, const std::string& id);        // also from every base; its bytes with the last file that has them
  // A file with this name, purpose and bytes of this SHA-256, where there is one.
  Result<std::optional<File>> same_file(const Context&, const std::string& filename, const std::string& purpose, const std::string& sha256);
  // Removes stored bytes that no row names (left by a crash between the bytes and the row). Returns how many files.
  Result<int> sweep(const Context&);

  Result<Base> add_base(const Context&, std::string name, std::map<std::string, std::string> metadata);
  Result<Base> base(const Context&, const std::string& id);
  Result<std::vector<Base>> bases(const Context&, int limit, std::string_view after, bool ascending);
  Result<Base> update_base(const Context&, const std::string& id, std::optional<std::string> name, std::optional<std::map<std::string, std::string>> metadata);
  Status remove_base(const Context&, const std::string& id);

  Result<BaseFile> base_file(const Context&, const std::string& base_id, const std::string& file_id);
  Result<std::vector<BaseFile>> base_files(const Context&, const std::string& base_id, int limit, std::string_view after, bool ascending,
                                           std::optional<FileState> state = std::nullopt);
  Status set_attributes(const Context&, const std::string& base_id, const std::string& file_id, Attributes attributes);
  Status remove_base_file(const Context&, const std::string& base_id, const std::string& file_id);

  Result<DocumentRow> document(const Context&, const std::string& id);               // with its content
  Result<std::vector<ChunkRow>> chunks_of(const Context&, const std::string& document_id);   // without vectors
  Result<std::vector<ChunkRow>> chunks(const Context&, const std::vector<int64_t>& ids);     // in the order asked, without vectors
  // Every chunk with its vector, in id order, above `after_id`: for building the index.
  Status each_chunk(const Context&, int64_t after_id, const std::function<bool(const ChunkRow&, const Attributes&)>& each);

  // Files whose document was embedded by another model: (base, file), at most `limit`.
  Result<std::vector<std::pair<std::string, std::string>>> stale(const Context&, const std::string& model, int limit);

  // For knowledge/ingest.
  Result<Base> base_in(store::Reader&, const std::string& id);
  Result<File> file_in(store::Reader&, const std::string& id);
  Result<std::optional<BaseFile>> find_base_file(store::Reader&, const std::string& base_id, const std::string& file_id);
  // The file of that name in the base that was added last.
  Result<std::optional<BaseFile>> find_by_name(store::Reader&, const std::string& base_id, const std::string& filename);
  // The jobs of pairs in progress; an empty id stands for any.
  Result<std::vector<std::string>> running_jobs(const Context&, const std::string& base_id, const std::string& file_id);
  // Adds the pair, in progress, or puts it in progress again under the new job (options replace the old ones).
  Result<BaseFile> add_base_file(store::Transaction&, const std::string& base_id, const std::string& file_id, const AddOptions& options);
  // Where the pair is still that job's and not completed (only publish() completes it); else nothing happens. An error text is cut to 1,000 bytes.
  Status set_state(store::Transaction&, const std::string& base_id, const std::string& file_id, const std::string& job_id, FileState state, std::string error);
  Status stage_document(store::Transaction&, const std::string& job_id, const document::Document& document);
  Result<std::optional<document::Document>> staged_document(const Context&, const std::string& job_id);
  Status stage_vectors(store::Transaction&, const std::string& job_id, const std::vector<StagedVector>& vectors);
  // Stages what chunks anywhere have already for these hashes by this model.
  Status stage_known(store::Transaction&, const std::string& job_id, const std::vector<std::string>& hashes, const std::string& model);
  Result<std::vector<std::string>> staged_hashes(const Context&, const std::string& job_id);
  // Replaces the pair's document by this one, completes the pair, and forgets what the job staged. kNotFound where the pair is gone or
  // another job's; kFailedPrecondition where a vector is not staged.
  Result<std::string> publish(store::Transaction&, const Publication& publication);   // the document's id

 private:
  Result<File> add_row(const Context& context, File file, const std::function<Status()>& where_absent);
  Status remove_pairs(store::Transaction&, const std::string& condition, const std::vector<store::Value>& values, Change& change);
  Status forget_staged(store::Transaction&, const std::string& job_id);
  void tell(store::Transaction&, Change change);

  store::Store& store_;
  const Clock& clock_;
  std::vector<std::function<void(const Change&)>> listeners_;
};

}  // namespace strata::catalog
