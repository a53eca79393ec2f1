// Names → documents of the catalog.
#include "base/text.h"
#include "knowledge/catalog/catalog.h"
#include "knowledge/cite/cite.h"

namespace strata::cite {
namespace {

constexpr int kStoresMost = 1'000, kFilesAtOnce = 1'000;

std::string url_of(const catalog::Attributes& attributes) {
  const auto url = attributes.find("url");
  const std::string* text = url == attributes.end() ? nullptr : std::get_if<std::string>(&url->second);
  return text ? *text : "";
}

class CatalogShelf : public Shelf {
 public:
  explicit CatalogShelf(catalog::Catalog& catalog) : catalog_(catalog) {}

  Result<Document> find(const Context& context, const std::string& name, const std::vector<std::string>& stores) override {
    std::vector<std::string> all = stores;
    if (all.empty()) {
      TRY_ASSIGN(const auto bases, catalog_.bases(context, kStoresMost, "", true));
      for (const auto& base : bases) all.push_back(base.id);
    }
    if (name.starts_with("doc_")) return by_document(context, name, all);
    if (name.starts_with("file")) {
      for (const std::string& base : all) {
        auto pair = catalog_.base_file(context, base, name);
        if (pair) return document_of(context, *pair);
        if (pair.error().code != Code::kNotFound) return pair.error();
      }
      return report_of(context, name);
    }
    return by_name(context, name, all);
  }

 private:
  Result<Document> document_of(const Context& context, const catalog::BaseFile& pair) {
    if (pair.document_id.empty()) return not_found("'" + pair.filename + "' is not taken in yet, or could not be", "source");
    TRY_ASSIGN(auto row, catalog_.document(context, pair.document_id));
    return Document{row.id, row.file_id, row.filename, row.title, url_of(pair.attributes), std::move(row.content.text)};
  }
  Result<Document> by_document(const Context& context, const std::string& id, const std::vector<std::string>& stores) {
    TRY_ASSIGN(const auto row, catalog_.document(context, id));
    for (const std::string& base : stores) {
      if (base != row.base_id) continue;
      TRY_ASSIGN(const auto pair, catalog_.base_file(context, base, row.file_id));
      return document_of(context, pair);
    }
    return not_found("the document '" + id + "' is in none of these vector stores", "source");
  }
  // A report of our own, so that a reviewer can read it.
  Result<Document> report_of(const Context& context, const std::string& id) {
    TRY_ASSIGN(const auto file, catalog_.file(context, id));
    if (file.purpose != kPurpose) return not_found("the file '" + id + "' is in none of these vector stores", "source");
    TRY_ASSIGN(std::string bytes, catalog_.file_bytes(context, id));
    if (!utf8_valid(bytes) || bytes.find('\0') != bytes.npos) return not_found("the file '" + id + "' holds no text", "source");
    return Document{"", file.id, file.filename, file.filename, "", std::move(bytes), true};
  }
  Result<Document> by_name(const Context& context, const std::string& name, const std::vector<std::string>& stores) {
    std::vector<std::string> names;
    for (const std::string& base : stores) {
      for (std::string after;;) {
        auto files = catalog_.base_files(context, base, kFilesAtOnce, after, true);
        if (!files && files.error().code == Code::kNotFound) break;   // no such store: it holds nothing
        if (!files) return files.error();
        for (const auto& pair : *files) {
          const std::string url = url_of(pair.attributes);
          if (pair.filename == name || (!url.empty() && url == name)) return document_of(context, pair);
          names.push_back(pair.filename);
        }
        if (files->size() < static_cast<size_t>(kFilesAtOnce)) break;
        after = files->back().file_id;
      }
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string_view near = nearest_name(name, views);
    return not_found("there is no document '" + name.substr(0, 200) + "'" + (near.empty() ? "" : ": did you mean '" + std::string(near) + "'?"), "source");
  }

  catalog::Catalog& catalog_;
};

}  // namespace

std::unique_ptr<Shelf> make_shelf(catalog::Catalog& catalog) { return std::make_unique<CatalogShelf>(catalog); }

}  // namespace strata::cite
