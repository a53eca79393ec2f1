// Building the index from the catalog: the one place that knows both. A library function of its own so that everything else here can
// be tested without a store.
#include "knowledge/index/index.h"

namespace strata::index {
namespace {

constexpr size_t kBatch = 256;   // chunks per add: one lock each, searches go on between them

// The heading path without the title, where it begins with it: the title has its own weight.
std::string below_title(const std::string& heading, const std::string& title) {
  if (title.empty() || heading.compare(0, title.size(), title) != 0) return heading;
  if (heading.size() == title.size()) return "";
  constexpr std::string_view kBelow = " > ";
  return heading.compare(title.size(), kBelow.size(), kBelow) == 0 ? heading.substr(title.size() + kBelow.size()) : heading;
}

Entry entry_of(const catalog::ChunkRow& row, const catalog::Attributes& attributes) {
  return {.id = row.id,
          .base_id = row.base_id,
          .document_id = row.document_id,
          .file_id = row.file_id,
          .title = row.title,
          .heading = below_title(row.chunk.heading, row.title),
          .text = row.text,
          .vector = row.vector,
          .model = row.model,
          .attributes = attributes};
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
  TRY(context.check());
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

Status Index::apply(const catalog::Change& change) {
  std::vector<Entry> entries;
  entries.reserve(change.added.size());
  for (const catalog::ChunkRow& row : change.added) entries.push_back(entry_of(row, change.attributes));
  TRY(add(std::move(entries)));
  if (!change.removed.empty()) remove(change.removed);
  if (change.attributes_set) set_attributes(change.base_id, change.file_id, change.attributes);
  return {};
}

}  // namespace strata::index
