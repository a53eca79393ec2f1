// knowledge/ingest: a file in a knowledge base → its document, chunks and vectors, as a job of infra/durable (kind "ingest"):
//
//   parse ─▶ chunk ─▶ embed, in batches ─▶ publish (document, chunks and vectors in one transaction; catalog listeners hear of it)
//
// Each arrow's outcome is recorded, so a killed program goes on where it was and embeds nothing twice. What an earlier version of the
// file (or any other file) has embedded already with the same text and model is taken over, so a changed file costs what changed.
// A file that cannot be parsed is failed with the reason and not tried again; an embedder that is away is waited for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/status.h"
#include "infra/durable/durable.h"
#include "infra/store/store.h"
#include "knowledge/catalog/catalog.h"
#include "knowledge/document/document.h"
#include "model/interface/interface.h"

namespace strata::ingest {

struct Options {
  int batch = 32;              // chunks embedded, and recorded, at once
};

struct AttachOptions {
  catalog::Attributes attributes;
  chunk::Options chunking;
  // The file takes the place of others of its name in the base, once it is ready. Where the one there has the same bytes already,
  // that one is returned and no work is done.
  bool replace_same_name = false;
};

// What names an embedding model and its precision in documents and chunks: vectors of different fingerprints must not be compared.
std::string fingerprint(const model::ModelInfo& info);

// THREADS: safe. Everything passed in outlives it.
class Ingest {
 public:
  // Registers the kind with the journal. REQUIRES: before journal.start().
  Ingest(store::Store& store, durable::Journal& journal, catalog::Catalog& catalog, document::Parser& parser, model::Embedder& embedder, const Clock& clock,
         Options options = {});

  // The pair and its job are committed together when it returns. Idempotent: a pair that is there is returned as it is, unless it
  // failed or was cancelled: then it is tried again.
  Result<catalog::BaseFile> attach(const Context& context, const std::string& base_id, const std::string& file_id, const AttachOptions& options);
  // Stores the bytes and attaches them; the same name and bytes again give the same file.
  Result<catalog::BaseFile> put(const Context& context, const std::string& base_id, std::string filename, std::string_view bytes, const AttachOptions& options);
  // Ingests the pair again (another embedding model, other chunking); the old version is found until the new one is ready.
  Result<catalog::BaseFile> again(const Context& context, const std::string& base_id, const std::string& file_id);
  // Again for every file that another embedding model made; returns how many jobs that gave.
  Result<int> refresh(const Context& context);
  // Stops the pair's job, if it runs. kFailedPrecondition where it is done.
  Status cancel(const Context& context, const std::string& base_id, const std::string& file_id);
  // As the catalog's functions, and stop the jobs of what they remove.
  Status remove(const Context& context, const std::string& base_id, const std::string& file_id);
  Status remove_file(const Context& context, const std::string& file_id);
  Status remove_base(const Context& context, const std::string& base_id);

 private:
  Result<Json> run(durable::Run& run);
  Result<document::Document> document_of(durable::Run& run, const catalog::BaseFile& pair);
  Result<std::vector<chunk::Chunk>> chunks_of(const document::Document& document, const catalog::BaseFile& pair);
  Status embed(durable::Run& run, const catalog::BaseFile& pair, const catalog::Publication& publication);
  Status moved(store::Transaction& transaction, const durable::Job& job);
  Result<catalog::BaseFile> start(store::Transaction& transaction, const std::string& base_id, const std::string& file_id, catalog::AddOptions options,
                                  bool replace_same_name);
  void stop_jobs(const Context& context, const std::vector<std::string>& job_ids);

  store::Store& store_;
  durable::Journal& journal_;
  catalog::Catalog& catalog_;
  document::Parser& parser_;
  model::Embedder& embedder_;
  const Clock& clock_;
  const Options options_;
};

}  // namespace strata::ingest
