// Documents as resources: what the knowledge bases hold, by document.
#include "knowledge/catalog/catalog.h"
#include "knowledge/mcp/host.h"

namespace strata::mcp {
namespace {

constexpr std::string_view kScheme = "strata://documents/";
constexpr int kPage = 100;
constexpr int kBasesMost = 10'000;

class Documents : public Resources {
 public:
  explicit Documents(catalog::Catalog& catalog) : catalog_(catalog) {}

  // A cursor is "base/file": the last one of the page before.
  Result<ResourcePage> list(const Context& context, const std::string& cursor) override {
    const size_t slash = cursor.find('/');
    if (!cursor.empty() && slash == cursor.npos) return invalid_argument("cursor: not one of ours", "cursor", "invalid_cursor");
    const std::string from_base = cursor.substr(0, slash), from_file = cursor.empty() ? "" : cursor.substr(slash + 1);
    TRY_ASSIGN(const auto bases, catalog_.bases(context, kBasesMost, "", true));
    ResourcePage page;
    bool reached = cursor.empty();
    for (const catalog::Base& base : bases) {
      const bool resumes = base.id == from_base;
      if (!reached && !resumes) continue;
      reached = true;
      TRY_ASSIGN(const auto files, catalog_.base_files(context, base.id, kPage + 1, resumes ? from_file : "", true, catalog::FileState::kCompleted));
      for (const catalog::BaseFile& file : files) {
        if (page.items.size() == kPage) return page;
        page.items.push_back({std::string(kScheme) + file.document_id, file.filename, base.name + ": " + file.filename, "text/plain", -1});
        page.next = page.items.size() == kPage ? base.id + "/" + file.file_id : "";
      }
    }
    if (!reached) return invalid_argument("cursor: its knowledge base is gone; begin again without a cursor", "cursor", "invalid_cursor");
    page.next.clear();
    return page;
  }

  Result<std::string> read(const Context& context, const std::string& uri) override {
    if (!uri.starts_with(kScheme)) return not_found("there is no resource '" + uri.substr(0, 200) + "': expected " + std::string(kScheme) + "ID", "uri");
    TRY_ASSIGN(auto document, catalog_.document(context, uri.substr(kScheme.size())));
    return std::move(document.content.text);
  }

 private:
  catalog::Catalog& catalog_;
};

}  // namespace

std::unique_ptr<Resources> make_document_resources(catalog::Catalog& catalog) { return std::make_unique<Documents>(catalog); }

}  // namespace strata::mcp
