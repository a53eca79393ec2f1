// How the catalog's values are written into rows, and the limits that they must keep. Only this folder includes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "knowledge/catalog/catalog.h"

namespace strata::catalog {

constexpr size_t kFilenameBytesMax = 512;
constexpr size_t kNameBytesMax = 256;
constexpr size_t kPairsMax = 16, kKeyCharactersMax = 64, kValueCharactersMax = 512;
constexpr size_t kErrorBytesMax = 1'000;

Status check_text(std::string_view text, size_t bytes_max, const std::string& what, const std::string& param);
Status check_limit(int limit);
Status check_metadata(const std::map<std::string, std::string>& metadata);
Status check_attributes(const Attributes& attributes);
Status check_chunking(const chunk::Options& options);

std::string metadata_text(const std::map<std::string, std::string>& metadata);
Result<std::map<std::string, std::string>> metadata_from(const std::string& text);
std::string attributes_text(const Attributes& attributes);
Result<Attributes> attributes_from(const std::string& text);
Result<FileState> file_state_from(std::string_view name);

// All of a document but its text, as compact JSON; and back.
std::string structure_text(const document::Document& document);
Result<document::Document> document_from(const std::string& structure, std::string text);

store::Blob vector_blob(const std::vector<float>& vector);   // F32, little-endian
std::vector<float> vector_from(std::string_view blob);

// The row's values, where a failure to read one must end a query's walk.
template <class T>
bool keep(Result<T> value, T& out, Status& broken) {
  if (!value) return broken = Status(tl::unexpect, std::move(value.error())), false;
  out = std::move(*value);
  return true;
}

// " AND sequence < ?" (or >) for the page after `after`, "" for the first; the value is added. kInvalidArgument: no such id in `table`.
// `id_sql` finds the sequence of an id ("SELECT sequence FROM files WHERE id = ?"), bound to `id_values`.
Result<std::string> page_condition(store::Reader& reader, const std::string& id_sql, const std::vector<store::Value>& id_values, std::string_view after,
                                   bool ascending, std::vector<store::Value>& values);

}  // namespace strata::catalog
