#include "knowledge/catalog/rows.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/text.h"

namespace strata::catalog {
namespace {

static_assert(std::endian::native == std::endian::little, "vectors are stored as they lie in memory");

size_t characters(std::string_view text) {
  size_t count = 0;
  for (unsigned char byte : text) count += (byte & 0xc0) != 0x80;
  return count;
}

Status check_pair_text(std::string_view text, size_t characters_max, const std::string& what, const std::string& param) {
  if (!utf8_valid(text) || text.find('\0') != text.npos) return invalid_argument(what + " must be valid UTF-8 without NUL", param);
  if (size_t count = characters(text); count > characters_max)
    return invalid_argument(what + " may have at most " + std::to_string(characters_max) + " characters, got " + std::to_string(count), param);
  return {};
}

Status check_key(std::string_view key, const std::string& param) {
  if (key.empty()) return invalid_argument("a key of " + param + " must not be empty", param);
  return check_pair_text(key, kKeyCharactersMax, "a key of " + param, param);
}

// Reads stored structure: whatever is not as we write it is damage.
class StructureReader {
 public:
  explicit StructureReader(size_t text_bytes) : text_bytes_(text_bytes) {}
  int64_t integer(const Json& value) {
    auto number = value.to_int("structure");
    if (!number) broken_ = true;
    return number.value_or(0);
  }
  std::string text(const Json& value) {
    auto string = value.as_string();
    if (!string) broken_ = true;
    return string ? *string : std::string();
  }
  const Json::Array& array(const Json& value) {
    static const Json::Array kNone;
    auto* items = value.as_array();
    if (!items) broken_ = true;
    return items ? *items : kNone;
  }
  const Json& at(const Json& value, size_t index) {
    static const Json kNull;
    const auto& items = array(value);
    if (index >= items.size()) broken_ = true;
    return index < items.size() ? items[index] : kNull;
  }
  document::Range range(const Json& value, size_t from) {
    int64_t begin = integer(at(value, from)), end = integer(at(value, from + 1));
    if (begin < 0 || begin > end || static_cast<uint64_t>(end) > text_bytes_) broken_ = true;
    if (broken_) return {};
    return {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
  }
  void damaged() { broken_ = true; }
  bool broken() const { return broken_; }

 private:
  size_t text_bytes_;
  bool broken_ = false;
};

}  // namespace

std::string_view file_state_name(FileState state) {
  switch (state) {
    case FileState::kInProgress: return "in_progress";
    case FileState::kCompleted: return "completed";
    case FileState::kFailed: return "failed";
    case FileState::kCancelled: return "cancelled";
  }
  return "";
}

Result<FileState> file_state_from(std::string_view name) {
  for (FileState state : {FileState::kInProgress, FileState::kCompleted, FileState::kFailed, FileState::kCancelled})
    if (file_state_name(state) == name) return state;
  return data_loss("base_files: unknown state '" + std::string(name) + "'");
}

Status check_text(std::string_view text, size_t bytes_max, const std::string& what, const std::string& param) {
  if (!utf8_valid(text) || text.find('\0') != text.npos) return invalid_argument(what + " must be valid UTF-8 without NUL", param);
  if (text.size() > bytes_max)
    return invalid_argument(what + " may have at most " + std::to_string(bytes_max) + " bytes, got " + std::to_string(text.size()), param);
  return {};
}

Status check_limit(int limit) {
  if (limit < 1 || limit > 10'001) return invalid_argument("limit must be between 1 and 10000, got " + std::to_string(limit), "limit");
  return {};
}

Status check_metadata(const std::map<std::string, std::string>& metadata) {
  if (metadata.size() > kPairsMax) return invalid_argument("metadata may have at most 16 pairs, got " + std::to_string(metadata.size()), "metadata");
  for (const auto& [key, value] : metadata) {
    TRY(check_key(key, "metadata"));
    TRY(check_pair_text(value, kValueCharactersMax, "metadata." + key, "metadata." + key));
  }
  return {};
}

Status check_attributes(const Attributes& attributes) {
  if (attributes.size() > kPairsMax) return invalid_argument("attributes may have at most 16 pairs, got " + std::to_string(attributes.size()), "attributes");
  for (const auto& [key, value] : attributes) {
    TRY(check_key(key, "attributes"));
    std::string param = "attributes." + key;
    if (auto* text = std::get_if<std::string>(&value)) TRY(check_pair_text(*text, kValueCharactersMax, param, param));
    if (auto* number = std::get_if<double>(&value); number && !std::isfinite(*number)) return invalid_argument(param + " must be a finite number", param);
  }
  return {};
}

Status check_chunking(const chunk::Options& options) {
  if (options.tokens_max < 16 || options.tokens_max > 4'096)
    return invalid_argument("the chunk size must be between 16 and 4096 tokens, got " + std::to_string(options.tokens_max), "chunking_strategy");
  if (options.tokens_overlap < 0 || options.tokens_overlap > options.tokens_max / 2)
    return invalid_argument("the chunk overlap must be between 0 and half of the chunk size, got " + std::to_string(options.tokens_overlap),
                            "chunking_strategy");
  return {};
}

std::string metadata_text(const std::map<std::string, std::string>& metadata) {
  Json json = Json::object();
  for (const auto& [key, value] : metadata) json.set(key, value);
  return json.dump();
}

Result<std::map<std::string, std::string>> metadata_from(const std::string& text) {
  TRY_ASSIGN(Json json, Json::parse(text));
  std::map<std::string, std::string> metadata;
  if (auto* members = json.as_object())
    for (const auto& [key, value] : *members)
      if (auto* string = value.as_string()) metadata[key] = *string;
  return metadata;
}

std::string attributes_text(const Attributes& attributes) {
  Json json = Json::object();
  for (const auto& [key, value] : attributes) std::visit([&json, &name = key](const auto& held) { json.set(name, Json(held)); }, value);
  return json.dump();
}

Result<Attributes> attributes_from(const std::string& text) {
  TRY_ASSIGN(Json json, Json::parse(text));
  Attributes attributes;
  if (auto* members = json.as_object()) {
    for (const auto& [key, value] : *members) {
      if (auto* string = value.as_string()) attributes[key] = *string;
      else if (auto* flag = value.as_bool()) attributes[key] = *flag;
      else if (auto number = value.to_double(key)) attributes[key] = *number;
    }
  }
  return attributes;
}

std::string structure_text(const document::Document& document) {
  Json headings = Json::array(), blocks = Json::array(), pages = Json::array(), warnings = Json::array();
  for (const auto& heading : document.headings) headings.push(Json::array({heading.level, heading.title, heading.at.begin, heading.at.end}));
  for (const auto& block : document.blocks) blocks.push(Json::array({static_cast<int>(block.type), block.at.begin, block.at.end}));
  for (const auto& page : document.pages) pages.push(Json::array({page.number, page.at.begin, page.at.end, page.by_ocr}));
  for (const auto& warning : document.warnings) warnings.push(warning);
  return Json::object({{"kind", document::kind_name(document.kind)},
                       {"title", document.title},
                       {"headings", std::move(headings)},
                       {"blocks", std::move(blocks)},
                       {"pages", std::move(pages)},
                       {"warnings", std::move(warnings)}})
      .dump();
}

Result<document::Document> document_from(const std::string& structure, std::string text) {
  using document::Kind;
  TRY_ASSIGN(Json json, Json::parse(structure, {.bytes = size_t{1} << 30, .depth = 8}));
  StructureReader reader(text.size());
  document::Document document;
  std::string kind = reader.text(json["kind"]);
  bool known = false;
  for (Kind candidate : {Kind::kText, Kind::kMarkdown, Kind::kHtml, Kind::kPdf, Kind::kDocx, Kind::kImage})
    if (document::kind_name(candidate) == kind) document.kind = candidate, known = true;
  if (!known) reader.damaged();
  document.title = reader.text(json["title"]);
  for (const Json& item : reader.array(json["headings"]))
    document.headings.push_back({static_cast<int>(reader.integer(reader.at(item, 0))), reader.text(reader.at(item, 1)), reader.range(item, 2)});
  for (const Json& item : reader.array(json["blocks"])) {
    int64_t type = reader.integer(reader.at(item, 0));
    if (type < 0 || type > static_cast<int64_t>(document::BlockType::kQuote)) reader.damaged();
    document.blocks.push_back({static_cast<document::BlockType>(type), reader.range(item, 1)});
  }
  for (const Json& item : reader.array(json["pages"])) {
    const bool* by_ocr = reader.at(item, 3).as_bool();
    document.pages.push_back({static_cast<int>(reader.integer(reader.at(item, 0))), reader.range(item, 1), by_ocr && *by_ocr});
  }
  for (const Json& item : reader.array(json["warnings"])) document.warnings.push_back(reader.text(item));
  if (reader.broken()) return data_loss("the stored structure of a document is damaged: ingest the file again");
  document.text = std::move(text);
  return document;
}

store::Blob vector_blob(const std::vector<float>& vector) {
  std::string bytes(vector.size() * sizeof(float), '\0');
  if (!bytes.empty()) std::memcpy(bytes.data(), vector.data(), bytes.size());
  return {std::move(bytes)};
}

std::vector<float> vector_from(std::string_view blob) {
  std::vector<float> vector(blob.size() / sizeof(float));
  if (!vector.empty()) std::memcpy(vector.data(), blob.data(), vector.size() * sizeof(float));
  return vector;
}

Result<std::string> page_condition(store::Reader& reader, const std::string& id_sql, const std::vector<store::Value>& id_values, std::string_view after,
                                   bool ascending, std::vector<store::Value>& values) {
  if (after.empty()) return std::string();
  std::optional<int64_t> sequence;
  TRY(reader.query(id_sql, id_values, [&](const store::Row& row) { return sequence = row.integer(0), false; }));
  if (!sequence) return invalid_argument("after: no '" + std::string(after) + "' is in this list", "after");
  values.push_back(*sequence);
  return std::string(ascending ? " AND sequence > ?" : " AND sequence < ?");
}

}  // namespace strata::catalog
