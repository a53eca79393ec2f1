// Building the index from the catalog: the one place that knows both. A library function of its own so that everything else here can
// be tested without a store.
#include "knowledge/index/index.h"

namespace strata::index {
namespace {

constexpr size_t kBatch = 256;   // chunks per add: one lock each, searches go on between them

Entry entry_of(const catalog::ChunkRow& row, const catalog::Attributes& attributes) {
  return {.id = row.id, .base_id = row.base_id, .document_id = row.document_id, .file_id = row.file_id, .title = row.title,
          .heading = row.chunk.heading, .text = row.text, .vector = row.vector, .attributes = attributes};
}

}  // namespace

Result<size_t> Index::load(const Context& context, catalog::Catalog& catalog) {
  clear();
  std::vector<Entry> batch;
  size_t count = 0;
  Status added;
  auto flush = [&] {
    count += batch.size();
    added = add(std::move(batch));
    batch.clear();
    return added.has_value();
  };
  TRY(catalog.each_chunk(context, 0, [&](const catalog::ChunkRow& row, const catalog::Attributes& attributes) {
    batch.push_back(entry_of(row, attributes));
    if (batch.size() < kBatch) return true;
    added = context.check();
    return added.has_value() && flush();
  }));
  TRY(std::move(added));
  if (!batch.empty()) flush();
  TRY(std::move(added));
  return count;
}

}  // namespace strata::index
