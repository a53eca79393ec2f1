// Hits from the catalog: apart from the retriever, so that it can be tested over a stand-in.
#include "knowledge/retrieve/retrieve.h"

namespace strata::retrieve {

Library library_of(catalog::Catalog& catalog) {
  return {.chunks = [&catalog](const Context& context, const std::vector<int64_t>& ids) { return catalog.chunks(context, ids); },
          .document = [&catalog](const Context& context, const std::string& id) { return catalog.document(context, id); }};
}

Retriever::Retriever(catalog::Catalog& catalog, index::Index& index, model::Embedder& embedder) : Retriever(library_of(catalog), index, embedder, Limits{}) {}

}  // namespace strata::retrieve
