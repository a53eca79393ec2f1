#include "worker/parse/package.h"

#include <zip.h>

#include <algorithm>

#include "base/text.h"
#include "worker/parse/builder.h"

namespace strata::worker {
namespace {

constexpr zip_int64_t kEntries = 20'000;           // a long report with pictures has some hundreds
constexpr uint64_t kPartBytes = 96u << 20;         // War and Peace as document.xml is 25 MB
constexpr uint64_t kAllBytes = 160u << 20;         // of all parts that are read
constexpr uint64_t kGrowth = 250, kFree = 4u << 20;  // XML shrinks to 1/10 to 1/50; small parts may shrink more

struct FileClose {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

class ZipPackage : public Package {
 public:
  ~ZipPackage() override {
    if (zip_ != nullptr) zip_discard(zip_);
  }

  Status load(std::string_view bytes) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    if (source == nullptr) return unreadable("the file could not be opened as a Word document");
    zip_ = zip_open_from_source(source, ZIP_RDONLY, &error);
    if (zip_ == nullptr) {
      zip_source_free(source);
      return unreadable(std::string("the Word document is damaged: ") + zip_error_strerror(&error));
    }
    if (zip_get_num_entries(zip_, 0) > kEntries) return unreadable("the Word document holds more than " + std::to_string(kEntries) + " parts");
    return {};
  }

  Result<std::unique_ptr<pugi::xml_document>> xml(const std::string& part) override {
    TRY_ASSIGN(const std::string bytes, read(part));
    auto document = std::make_unique<pugi::xml_document>();
    const pugi::xml_parse_result result = document->load_buffer(bytes.data(), bytes.size(), pugi::parse_default | pugi::parse_ws_pcdata);
    if (!result) return unreadable("the Word document is damaged: " + part + ": " + result.description());
    return document;
  }

  std::string related(const std::string& from, std::string_view type) override {
    const size_t slash = from.rfind('/');
    const std::string folder = slash == from.npos ? "" : from.substr(0, slash + 1);
    const std::string name = from.substr(folder.size());
    const auto relations = xml(folder + "_rels/" + name + ".rels");
    if (!relations) return "";
    for (const pugi::xml_node relation : (*relations)->document_element().children()) {
      if (!std::string_view(relation.attribute("Type").value()).ends_with(type)) continue;
      if (std::string_view(relation.attribute("TargetMode").value()) == "External") continue;
      const std::string target = relation.attribute("Target").value();
      return target.starts_with('/') ? target.substr(1) : folder + target;
    }
    return "";
  }

 private:
  Result<std::string> read(const std::string& part) {
    const Error bomb = invalid_argument("the Word document unpacks to more than its limit (" + part + ")", "file", "document_too_large");
    zip_stat_t stat;
    if (part.empty() || zip_stat(zip_, part.c_str(), ZIP_FL_NOCASE, &stat) != 0) return not_found("the Word document has no part " + part);
    if ((stat.valid & ZIP_STAT_COMP_SIZE) != 0) {
      const uint64_t most = std::min(kPartBytes, kFree + stat.comp_size * kGrowth);
      if ((stat.valid & ZIP_STAT_SIZE) != 0 && stat.size > most) return bomb;
    }
    const std::unique_ptr<zip_file_t, FileClose> file(zip_fopen(zip_, part.c_str(), ZIP_FL_NOCASE));
    if (!file) return unreadable("the Word document is damaged or encrypted: " + part + " cannot be opened");
    std::string out;
    char buffer[64 << 10];
    for (;;) {
      const zip_int64_t got = zip_fread(file.get(), buffer, sizeof buffer);
      if (got < 0) return unreadable("the Word document is damaged: " + part + " cannot be unpacked");
      if (got == 0) break;
      read_ += static_cast<uint64_t>(got);
      // What the archive says of its sizes may be a lie; this counts what comes.
      if (out.size() + static_cast<uint64_t>(got) > kPartBytes || read_ > kAllBytes) return bomb;
      out.append(buffer, static_cast<size_t>(got));
    }
    return out;
  }

  zip_t* zip_ = nullptr;
  uint64_t read_ = 0;
};

}  // namespace

Result<std::unique_ptr<Package>> Package::open(std::string_view bytes) {
  auto package = std::make_unique<ZipPackage>();
  TRY(package->load(bytes));
  return std::unique_ptr<Package>(std::move(package));
}

}  // namespace strata::worker
