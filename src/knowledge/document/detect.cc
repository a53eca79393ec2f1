#include <algorithm>
#include <array>

#include "base/text.h"
#include "knowledge/document/document.h"

namespace strata::document {
namespace {

struct KindRow {
  Kind kind;
  std::string_view name, content_type;
};
constexpr std::array kKinds = std::to_array<KindRow>({
    {Kind::kText, "text", "text/plain"},
    {Kind::kMarkdown, "markdown", "text/markdown"},
    {Kind::kHtml, "html", "text/html"},
    {Kind::kPdf, "pdf", "application/pdf"},
    {Kind::kDocx, "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {Kind::kImage, "image", "image/*"},
});

struct Ending {
  std::string_view ending;
  Kind kind;
};
constexpr std::array kEndings = std::to_array<Ending>({
    {"md", Kind::kMarkdown}, {"markdown", Kind::kMarkdown}, {"mdown", Kind::kMarkdown}, {"mkd", Kind::kMarkdown}, {"mdx", Kind::kMarkdown},
    {"html", Kind::kHtml},   {"htm", Kind::kHtml},          {"xhtml", Kind::kHtml},     {"txt", Kind::kText},     {"text", Kind::kText},
    {"log", Kind::kText},    {"rst", Kind::kText},          {"adoc", Kind::kText},      {"org", Kind::kText},     {"csv", Kind::kText},
    {"tsv", Kind::kText},    {"srt", Kind::kText},          {"vtt", Kind::kText},       {"pdf", Kind::kPdf},      {"docx", Kind::kDocx},
    {"png", Kind::kImage},   {"jpg", Kind::kImage},         {"jpeg", Kind::kImage},     {"tif", Kind::kImage},    {"tiff", Kind::kImage},
});

constexpr std::string_view kSupported = "Markdown (.md), HTML (.html), text (.txt), PDF (.pdf), Word (.docx) and images (.png, .jpg, .tiff)";

std::string ending_of(std::string_view filename) {
  const size_t slash = filename.find_last_of("/\\");
  if (slash != filename.npos) filename.remove_prefix(slash + 1);
  const size_t dot = filename.rfind('.');
  return dot == filename.npos || dot == 0 ? "" : ascii_lower(filename.substr(dot + 1));
}

bool is_pdf(std::string_view bytes) { return bytes.substr(0, 1024).find("%PDF-") != bytes.npos; }
bool is_zip(std::string_view bytes) { return bytes.starts_with("PK\x03\x04"); }
bool is_image(std::string_view bytes) {
  return bytes.starts_with("\x89PNG\r\n\x1a\n") || bytes.starts_with("\xff\xd8\xff") || bytes.starts_with(std::string_view("II*\0", 4)) ||
         bytes.starts_with(std::string_view("MM\0*", 4));
}
bool has_utf16_mark(std::string_view bytes) { return bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff"); }
bool is_binary(std::string_view bytes) { return !has_utf16_mark(bytes) && bytes.substr(0, 4096).find('\0') != bytes.npos; }
bool is_html(std::string_view bytes) {
  std::string head = ascii_lower(bytes.substr(0, 512));
  std::string_view start = trim(head);
  if (start.starts_with("\xef\xbb\xbf")) start.remove_prefix(3);
  return start.starts_with("<!doctype html") || start.starts_with("<html");
}

Error unsupported(std::string_view filename, std::string_view why) {
  return invalid_argument("\"" + utf8_repaired(filename.substr(0, 200)) + "\" " + std::string(why) + "; supported are " + std::string(kSupported), "file",
                          "document_unsupported");
}

// A name without a known ending: the bytes decide where they are plain.
Result<Kind> by_bytes(std::string_view filename, std::string_view bytes, const std::string& ending) {
  if (is_pdf(bytes)) return Kind::kPdf;
  if (is_image(bytes)) return Kind::kImage;
  if (ending == "doc") return unsupported(filename, "is in Word's old binary format: save it as .docx");
  if (!ending.empty() || is_binary(bytes)) return unsupported(filename, "is of a type that cannot be read");
  return is_html(bytes) ? Kind::kHtml : Kind::kText;
}

}  // namespace

Result<Kind> detect(std::string_view filename, std::string_view bytes) {
  const std::string ending = ending_of(filename);
  const auto row = std::ranges::find(kEndings, ending, &Ending::ending);
  if (row == kEndings.end()) return by_bytes(filename, bytes, ending);
  switch (row->kind) {
    case Kind::kPdf:
      if (!is_pdf(bytes)) return unsupported(filename, "is named .pdf but holds no PDF (no \"%PDF-\" at its start)");
      break;
    case Kind::kDocx:
      if (!is_zip(bytes)) return unsupported(filename, "is named .docx but is no Word document (perhaps an encrypted or an old one)");
      break;
    case Kind::kImage:
      if (!is_image(bytes)) return unsupported(filename, "is named as an image but holds no PNG, JPEG or TIFF");
      break;
    case Kind::kText:
    case Kind::kMarkdown:
    case Kind::kHtml:
      if (is_pdf(bytes.substr(0, 8))) return Kind::kPdf;
      if (is_binary(bytes)) return unsupported(filename, "is named as text but holds binary data");
      break;
  }
  return row->kind;
}

std::string_view kind_name(Kind kind) { return std::ranges::find(kKinds, kind, &KindRow::kind)->name; }
std::string_view content_type(Kind kind) { return std::ranges::find(kKinds, kind, &KindRow::kind)->content_type; }

}  // namespace strata::document
