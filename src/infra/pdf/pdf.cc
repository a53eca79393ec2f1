// Pages → the file's objects.
#include "infra/pdf/pdf.h"

#include <cstdio>

#include "base/text.h"
#include "infra/pdf/layout.h"

namespace strata::pdf {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

// A literal string: its bytes, with the three that mean something escaped.
std::string literal(std::string_view bytes) {
  std::string out = "(";
  for (char c : bytes) {
    if (c == '(' || c == ')' || c == '\\') out += '\\';
    out += c;
  }
  return out + ")";
}

// UTF-16 with its mark, in hexadecimal: for what readers show outside of the pages.
std::string wide(std::string_view utf8) {
  std::string out = "<FEFF";
  char text[8];
  const auto unit = [&](uint32_t value) {
    std::snprintf(text, sizeof text, "%04X", value & 0xFFFF);
    out += text;
  };
  while (!utf8.empty()) {
    size_t length = 1;
    const uint32_t code = utf8_decode(utf8, &length);
    utf8.remove_prefix(length);
    if (code >= 0x10000) {
      unit(0xD800 + ((code - 0x10000) >> 10));
      unit(0xDC00 + ((code - 0x10000) & 0x3FF));
    } else {
      unit(code);
    }
  }
  return out + ">";
}

// An address that a reader may open, as bytes that a URI may hold; else "".
std::string address(std::string_view url) {
  bool known = false;
  for (std::string_view scheme : {"http://", "https://", "mailto:"}) known = known || starts_with_ignoring_case(url, scheme);
  if (!known) return "";
  std::string out;
  char text[4];
  for (char c : url) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7F && c != '"' && c != '<' && c != '>') out += c;
    else std::snprintf(text, sizeof text, "%%%02X", byte), out += text;
  }
  return out;
}

std::string content_of(const std::vector<Run>& runs, size_t page, size_t pages) {
  std::string out = "BT\n";
  for (const Run& run : runs) {
    const bool link = run.target > 0 || !address(run.url).empty();
    out += (link ? "0.1 0.25 0.6 rg " : "0 0 0 rg ");
    out += (run.bold ? "/B " : "/R ") + number(run.size) + " Tf 1 0 0 1 " + number(run.x) + " " + number(run.y) + " Tm " + literal(run.text) + " Tj\n";
  }
  const std::string footer = std::to_string(page + 1) + " / " + std::to_string(pages);
  out += "0.4 0.4 0.4 rg /R 8.50 Tf 1 0 0 1 " + number((kPageWidth - width_of(footer, false, 8.5)) / 2) + " " + number(kFooterY) + " Tm " + literal(footer) +
         " Tj\nET\n";
  return out;
}

class File {
 public:
  File(std::string_view title, const Layout& layout) : title_(title), layout_(layout) {}

  std::string write() {
    out_ = "%PDF-1.7\n%\xE2\xE3\xCF\xD3\n";
    const size_t pages = layout_.pages.size(), marks = layout_.bookmarks.size();
    first_page_ = kFirst + marks;   // then three objects a page: page, content, links
    std::string kids;
    for (size_t i = 0; i < pages; ++i) kids += std::to_string(page_object(i)) + " 0 R ";
    object("<</Type/Catalog/Pages 2 0 R/Outlines 6 0 R/PageMode/UseOutlines/Lang(en)>>");
    object("<</Type/Pages/Count " + std::to_string(pages) + "/Kids[" + kids + "]>>");
    object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>");
    object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>");
    object("<</Title" + wide(title_) + "/Producer(Strata)>>");
    outline();
    for (size_t i = 0; i < pages; ++i) page(i);
    return finish();
  }

 private:
  static constexpr size_t kFirst = 7;   // the number of the first bookmark
  size_t page_object(size_t page) const { return first_page_ + 3 * page; }
  void object(const std::string& body) {
    offsets_.push_back(out_.size());
    out_ += std::to_string(offsets_.size()) + " 0 obj\n" + body + "\nendobj\n";
  }
  std::string destination(const Place& at) const { return "[" + std::to_string(page_object(at.page)) + " 0 R/XYZ 0 " + number(at.y) + " null]"; }

  void outline() {
    const size_t count = layout_.bookmarks.size();
    const auto reference = [](size_t i) { return std::to_string(kFirst + i) + " 0 R"; };
    object(count == 0 ? "<</Type/Outlines/Count 0>>"
                      : "<</Type/Outlines/First " + reference(0) + "/Last " + reference(count - 1) + "/Count " + std::to_string(count) + ">>");
    for (size_t i = 0; i < count; ++i) {
      std::string body = "<</Title" + wide(layout_.bookmarks[i].title) + "/Parent 6 0 R/Dest" + destination(layout_.bookmarks[i].at);
      if (i > 0) body += "/Prev " + reference(i - 1);
      if (i + 1 < count) body += "/Next " + reference(i + 1);
      object(body + ">>");
    }
  }

  void page(size_t i) {
    const auto& runs = layout_.pages[i];
    const size_t self = page_object(i);
    object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 " + number(kPageWidth) + " " + number(kPageHeight) + "]/Resources<</Font<</R 3 0 R/B 4 0 R>>>>/Contents " +
           std::to_string(self + 1) + " 0 R/Annots " + std::to_string(self + 2) + " 0 R>>");
    const std::string content = content_of(runs, i, layout_.pages.size());
    object("<</Length " + std::to_string(content.size()) + ">>\nstream\n" + content + "endstream");
    std::string links;
    for (const Run& run : runs) links += link(run);
    object("[" + links + "]");
  }

  std::string link(const Run& run) const {
    std::string to;
    if (const std::string url = address(run.url); !url.empty()) to = "/A<</S/URI/URI" + literal(url) + ">>";
    for (const auto& [anchor, place] : layout_.anchors) {
      if (run.target > 0 && anchor == run.target) to = "/Dest" + destination(place);
    }
    if (to.empty()) return "";
    return "<</Type/Annot/Subtype/Link/Border[0 0 0]/Rect[" + number(run.x) + " " + number(run.y - 2) + " " + number(run.x + run.width) + " " +
           number(run.y + run.size) + "]" + to + ">>\n";
  }

  // The table's lines have 20 bytes each: ten digits, a blank, five digits, a blank, a letter, and a line end of two.
  std::string finish() {
    const size_t at = out_.size();
    const std::string count = std::to_string(offsets_.size() + 1);
    out_ += "xref\n0 " + count + "\n0000000000 65535 f \n";
    char line[24];
    for (size_t offset : offsets_) {
      std::snprintf(line, sizeof line, "%010zu 00000 n \n", offset);
      out_ += line;
    }
    out_ += "trailer\n<</Size " + count + "/Root 1 0 R/Info 5 0 R>>\nstartxref\n" + std::to_string(at) + "\n%%EOF\n";
    return std::move(out_);
  }

  const std::string_view title_;
  const Layout& layout_;
  std::string out_;
  std::vector<size_t> offsets_;
  size_t first_page_ = 0;
};

}  // namespace

Written write(std::string_view title, const std::vector<Block>& blocks) {
  const Layout layout = lay_out(blocks);
  Written out;
  out.pages = static_cast<int>(layout.pages.size());
  out.missing = layout.missing;
  out.bytes = File(title, layout).write();
  return out;
}

}  // namespace strata::pdf
