// Answerer over the catalog and the retriever.
#include "orchestration/answer/answer.h"

namespace strata::answer {
namespace {

constexpr int kFilesPerRead = 100;
constexpr int kReadsMax = 10;   // looks for a newer file of the same name among the thousand newest

Result<bool> newer_file_of_same_name(const Context& context, catalog::Catalog& catalog, const catalog::BaseFile& mine) {
  std::string after;
  for (int read = 0; read < kReadsMax; ++read) {
    TRY_ASSIGN(const auto files, catalog.base_files(context, mine.base_id, kFilesPerRead, after, false));
    for (const catalog::BaseFile& file : files) {
      if (file.created_ms <= mine.created_ms) return false;  // newest first
      if (file.filename == mine.filename && file.state == catalog::FileState::kCompleted) return true;
    }
    if (files.size() < kFilesPerRead) return false;
    after = files.back().file_id;
  }
  return false;
}

// Removed, parsed again since, or followed by a newer file of the same name.
Result<bool> superseded(const Context& context, catalog::Catalog& catalog, const retrieve::Hit& hit) {
  const auto file = catalog.base_file(context, hit.chunk.base_id, hit.chunk.file_id);
  if (!file) {
    if (file.error().code == Code::kNotFound) return true;
    return file.error();
  }
  if (!file->document_id.empty() && file->document_id != hit.chunk.document_id) return true;
  return newer_file_of_same_name(context, catalog, *file);
}

}  // namespace

Answerer::Answerer(catalog::Catalog& catalog, retrieve::Retriever& retriever, model::Embedder& embedder, model::LanguageModel* model)
    : Answerer(Library{.search = [&retriever](const Context& context, const std::vector<std::string>& queries, const std::vector<std::string>& base_ids,
                                              const retrieve::Options& options) { return retriever.search(context, queries, base_ids, options); },
                       .superseded = [&catalog](const Context& context, const retrieve::Hit& hit) { return superseded(context, catalog, hit); }},
               embedder, model) {}

}  // namespace strata::answer
