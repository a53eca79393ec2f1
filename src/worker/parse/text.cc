#include <algorithm>

#include "base/text.h"
#include "worker/parse/builder.h"
#include "worker/parse/encoding.h"
#include "worker/parse/parse.h"

namespace strata::worker {
namespace {

using document::BlockType;

constexpr size_t kHeadingBytes = 120;

// A line of one repeated mark, "=====", under a heading; its mark, or 0.
char underline(std::string_view line) {
  line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
  if (line.size() < 3 || std::string_view("=-~^*#+\"'`").find(line[0]) == std::string_view::npos) return 0;
  return line.find_first_not_of(line[0]) == line.npos ? line[0] : 0;
}

class TextParser {
 public:
  TextParser(std::string_view text, Builder* out) : lines_(split(text, '\n')), out_(out) {}

  void run() {
    for (size_t at = 0; at < lines_.size() && !out_->full();) {
      if (trim(lines_[at]).empty()) {
        ++at;
        continue;
      }
      if (const size_t end = heading(at); end > at) {
        at = end;
        continue;
      }
      size_t end = at;
      std::string paragraph;
      // A heading may also follow a paragraph without a blank line, as long as it is underlined.
      while (end < lines_.size() && !trim(lines_[end]).empty() && (end == at || heading_end(end) == end)) {
        paragraph += std::string(lines_[end++]) + "\n";
      }
      out_->add(BlockType::kParagraph, paragraph);
      at = end;
    }
  }

 private:
  // Past the heading that begins at line `at`, or `at` where there is none.
  size_t heading_end(size_t at) const {
    const bool overlined = underline(lines_[at]) != 0;
    const size_t title = at + overlined;
    if (title + 1 >= lines_.size()) return at;
    const std::string_view line = trim(lines_[title]);
    const char mark = underline(lines_[title + 1]);
    if (line.empty() || line.size() > kHeadingBytes || mark == 0 || underline(lines_[title]) != 0) return at;
    if (overlined && underline(lines_[at]) != mark) return at;
    const size_t marks = trim(lines_[title + 1]).size();
    // Two thirds: people miscount, and letters outside ASCII take more bytes than columns.
    if (marks * 3 < line.size() * 2 || line.find("  ") != line.npos) return at;
    if (title + 2 < lines_.size() && !trim(lines_[title + 2]).empty() && !overlined && mark != '=') return at;
    return title + 2;
  }

  size_t heading(size_t at) {
    const size_t end = heading_end(at);
    if (end == at) return at;
    const bool overlined = end - at == 3;
    // Levels come in the order in which the marks first appear, as in reStructuredText.
    const int style = static_cast<int>(underline(lines_[end - 1])) * 2 + overlined;
    auto found = std::ranges::find(styles_, style);
    if (found == styles_.end()) found = styles_.insert(styles_.end(), style);
    out_->add_heading(static_cast<int>(found - styles_.begin()) + 1, lines_[end - 2]);
    return end;
  }

  std::vector<std::string_view> lines_;
  Builder* out_;
  std::vector<int> styles_;
};

}  // namespace

Result<document::Document> parse_text(std::string_view bytes, const document::Limits& limits) {
  Builder builder(limits);
  const Decoded decoded = decode_text(bytes, "");
  if (!decoded.encoding.starts_with("utf-")) builder.warn("the text is not UTF-8; it was read as " + decoded.encoding);
  TextParser(clean_text(decoded.text, true), &builder).run();
  return builder.finish();
}

Result<document::Document> parse(document::Kind kind, std::string_view bytes, const document::Limits& limits) {
  switch (kind) {
    case document::Kind::kText: return parse_text(bytes, limits);
    case document::Kind::kMarkdown: return parse_markdown(bytes, limits);
    case document::Kind::kHtml: return parse_html(bytes, limits);
    case document::Kind::kDocx: return parse_docx(bytes, limits);
    case document::Kind::kPdf:
    case document::Kind::kImage: break;
  }
  return unreadable("this parser does not read " + std::string(kind == document::Kind::kPdf ? "PDF" : "images"));
}

}  // namespace strata::worker
