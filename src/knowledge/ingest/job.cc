// One run of an ingest job. It may be begun many times: each part looks first at what is recorded.
//
// Recorded: "parse" (the document, staged), "known" (vectors that chunks elsewhere have already; names the model), "embed N" (a batch
// of vectors, staged; N counts what was staged before it), "publish". Splitting is repeated: it is quick and always comes out the same.
#include <cmath>
#include <set>
#include <unordered_map>

#include "base/crypto.h"
#include "knowledge/ingest/ingest.h"

namespace strata::ingest {
namespace {

using catalog::BaseFile;
using catalog::FileState;
using durable::Run;
using store::Transaction;

struct Input {
  std::string base_id, file_id;
  bool replace_same_name = false;
};

Result<Input> input_of(const durable::Job& job) {
  Input input;
  TRY_ASSIGN(input.base_id, job.input["base_id"].to_string("base_id"));
  TRY_ASSIGN(input.file_id, job.input["file_id"].to_string("file_id"));
  TRY_ASSIGN(input.replace_same_name, job.input["replace_same_name"].to_bool("replace_same_name"));
  return input;
}

// A parser that crashed or was too slow is not tried again: the same file would do the same.
Error parse_error(Error error, const std::string& filename) {
  if (error.code == Code::kUnavailable || error.code == Code::kAborted) error.code = Code::kInternal;
  return annotate(std::move(error), filename);
}

Json removed() { return Json::object({{"removed", true}}); }

Status check_embedding(const model::Embedding& embedding, size_t dimensions) {
  bool finite = !embedding.vector.empty();
  for (float x : embedding.vector) finite = finite && std::isfinite(x);
  if (finite && embedding.vector.size() == dimensions) return {};
  return internal_error("the embedding model returned a vector of " + std::to_string(embedding.vector.size()) +
                        " numbers that is empty, not finite, or unlike the others");
}

}  // namespace

Result<Json> Ingest::run(Run& run) {
  TRY_ASSIGN(Input input, input_of(run.job()));
  std::optional<BaseFile> pair;
  TRY(store_.read(run.context(), [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(pair, catalog_.find_base_file(reader, input.base_id, input.file_id));
    return {};
  }));
  if (!pair || pair->job_id != run.job().id) return removed();
  if (pair->state == FileState::kCompleted) return Json::object({{"document_id", pair->document_id}});  // killed between publishing and the job's end

  catalog::Publication publication{.base_id = input.base_id, .file_id = input.file_id, .job_id = run.job().id};
  publication.replace_same_name = input.replace_same_name;
  publication.model = fingerprint(embedder_.info());
  TRY_ASSIGN(publication.document, document_of(run, *pair));
  TRY_ASSIGN(publication.chunks, chunks_of(publication.document, *pair));
  for (const auto& piece : publication.chunks) publication.hashes.push_back(sha256_hex(chunk::indexed_text(publication.document, piece)));
  TRY(embed(run, *pair, publication));

  auto total = static_cast<int64_t>(publication.chunks.size());
  auto published = run.transact("publish", [&](Transaction& transaction) -> Result<Json> {
    TRY_ASSIGN(std::string id, catalog_.publish(transaction, publication));
    return Json::object({{"document_id", id}, {"chunks", total}});
  });
  if (!published && published.error().code == Code::kNotFound) return removed();
  if (published) run.progress(total, total, pair->filename);
  return published;
}

Result<document::Document> Ingest::document_of(Run& run, const BaseFile& pair) {
  TRY_ASSIGN(auto staged, catalog_.staged_document(run.context(), run.job().id));
  if (staged) return std::move(*staged);
  run.progress(0, 0, "parsing " + pair.filename);
  auto bytes = catalog_.file_bytes(run.context(), pair.file_id);
  if (!bytes) return parse_error(std::move(bytes.error()), pair.filename);
  auto document = parser_.parse(run.context(), pair.filename, *bytes);
  if (!document) return parse_error(std::move(document.error()), pair.filename);
  TRY(run.transact("parse", [&](Transaction& transaction) -> Result<Json> {
    TRY(catalog_.stage_document(transaction, run.job().id, *document));
    return Json::object({{"text_bytes", document->text.size()}, {"warnings", document->warnings.size()}});
  }));
  return std::move(*document);
}

Result<std::vector<chunk::Chunk>> Ingest::chunks_of(const document::Document& document, const BaseFile& pair) {
  Status counted;
  auto chunks = chunk::split(document, pair.chunking, [&](std::string_view text) {
    auto tokens = embedder_.count_tokens(text);
    if (!tokens && counted) counted = Status(tl::unexpect, tokens.error());
    return tokens.value_or(1);
  });
  TRY(counted);
  if (chunks.empty()) {
    std::string why = document.warnings.empty() ? "" : " (" + document.warnings.front() + ")";
    return invalid_argument(pair.filename + ": no text was found in the file" + why);
  }
  return chunks;
}

Status Ingest::embed(Run& run, const BaseFile& pair, const catalog::Publication& publication) {
  const std::string& job_id = run.job().id;
  std::vector<std::string> distinct;
  std::unordered_map<std::string, size_t> first;  // hash → the first chunk that has it
  for (size_t i = 0; i < publication.hashes.size(); ++i)
    if (first.emplace(publication.hashes[i], i).second) distinct.push_back(publication.hashes[i]);
  TRY_ASSIGN(Json known, run.transact("known", [&](Transaction& transaction) -> Result<Json> {
    TRY(catalog_.stage_known(transaction, job_id, distinct, publication.model));
    return Json::object({{"model", publication.model}});
  }));
  if (known["model"] != Json(publication.model))
    return failed_precondition("the embedding model changed while " + pair.filename + " was ingested: ingest it again");
  TRY_ASSIGN(auto staged, catalog_.staged_hashes(run.context(), job_id));
  std::erase_if(distinct, [have = std::set<std::string>(staged.begin(), staged.end())](const auto& hash) { return have.count(hash) > 0; });

  size_t done = staged.size(), total = staged.size() + distinct.size(), dimensions = 0;
  for (size_t begin = 0; begin < distinct.size();) {
    run.progress(static_cast<int64_t>(done), static_cast<int64_t>(total), "embedding " + pair.filename);
    size_t end = std::min(distinct.size(), begin + static_cast<size_t>(options_.batch));
    model::EmbedRequest request;
    for (size_t i = begin; i < end; ++i) request.texts.push_back(chunk::indexed_text(publication.document, publication.chunks[first.at(distinct[i])]));
    TRY_ASSIGN(auto embeddings, embedder_.embed(run.context(), std::move(request)));
    if (embeddings.size() != end - begin) return internal_error("the embedding model returned another number of vectors than it was given texts");
    std::vector<catalog::StagedVector> vectors;
    for (size_t i = begin; i < end; ++i) {
      if (dimensions == 0) dimensions = embeddings[0].vector.size();
      TRY(check_embedding(embeddings[i - begin], dimensions));
      vectors.push_back({distinct[i], std::move(embeddings[i - begin].vector)});
    }
    TRY(run.transact("embed " + std::to_string(done), [&](Transaction& transaction) -> Result<Json> {
      TRY(catalog_.stage_vectors(transaction, job_id, vectors));
      return Json::object({{"vectors", vectors.size()}});
    }));
    done += end - begin;
    begin = end;
  }
  return {};
}

// The pair shows its job's outcome, in the same transaction. (Success is written by publish.)
Status Ingest::moved(Transaction& transaction, const durable::Job& job) {
  TRY_ASSIGN(Input input, input_of(job));
  auto set = [&](FileState state, const std::string& error) { return catalog_.set_state(transaction, input.base_id, input.file_id, job.id, state, error); };
  switch (job.state) {
    case durable::State::kQueued: return set(FileState::kInProgress, "");
    case durable::State::kFailed: return set(FileState::kFailed, job.error);
    case durable::State::kCancelled: return set(FileState::kCancelled, "");
    default: return {};
  }
}

}  // namespace strata::ingest
