#include "worker/parse/builder.h"

#include <algorithm>

#include "base/text.h"

namespace strata::worker {
namespace {

using document::BlockType;
using document::Range;

constexpr size_t kWarnings = 100;
constexpr size_t kHeadingBytes = 500;  // longer "headings" are prose in heading markup

// Characters that show nothing and join nothing: soft hyphen, zero-width space, direction marks, byte order mark, interlinear and private format marks.
bool is_invisible(uint32_t c) {
  return c == 0xAD || c == 0x200B || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x2064) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}
bool is_space(uint32_t c) {
  return c == ' ' || c == '\t' || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F || c == 0x3000;
}
bool is_line_end(uint32_t c) { return c == '\n' || c == '\v' || c == '\f' || c == 0x85 || c == 0x2028 || c == 0x2029; }

// Spaces off the end of each line, empty lines off both ends.
std::string tidy_lines(std::string_view text) {
  std::string out;
  size_t blank = 0;
  for (std::string_view line : split(text, '\n')) {
    const size_t end = line.find_last_not_of(" \t");
    if (end == line.npos) {
      ++blank;
      continue;
    }
    if (!out.empty()) out.append(blank + 1, '\n');
    blank = 0;
    out += line.substr(0, end + 1);
  }
  return out;
}

}  // namespace

std::string clean_text(std::string_view text, bool keep_lines) {
  std::string out;
  out.reserve(text.size());
  bool gap = false;
  for (size_t at = 0; at < text.size();) {
    size_t length = 0;
    const uint32_t c = utf8_decode(text.substr(at), &length);
    const std::string_view bytes = text.substr(at, length);
    at += length;
    if (c == '\r') {
      if (at < text.size() && text[at] == '\n') continue;
      if (keep_lines) out += '\n';
      else gap = true;
    } else if (is_line_end(c) || is_space(c)) {
      if (!keep_lines) gap = true;
      else if (is_line_end(c)) out += '\n';
      else out += c == '\t' ? '\t' : ' ';
    } else if (c >= 0x20 && c != 0x7F && !(c >= 0x80 && c < 0xA0) && !is_invisible(c)) {
      if (gap && !out.empty()) out += ' ';
      gap = false;
      if (length == 1 && c == 0xFFFD) utf8_append(out, c);
      else out += bytes;
    }
  }
  return keep_lines ? tidy_lines(out) : out;
}

std::string clean_prose(std::string_view text) {
  std::string out;
  const std::string clean = clean_text(text, true);
  for (std::string_view line : split(clean, '\n')) {
    const std::string tidy = one_line(line);
    if (!tidy.empty()) out += (out.empty() ? "" : "\n") + tidy;
  }
  return out;
}

std::string one_line(std::string_view text) { return clean_text(text, false); }

std::string table_row(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const std::string& cell : cells) row += " " + one_line(cell) + " |";
  return row;
}

Error unreadable(std::string message) { return invalid_argument(std::move(message), "file", "document_unreadable"); }

void Builder::set_title(std::string_view title) { document_.title = one_line(title.substr(0, utf8_complete_prefix(title.substr(0, 1000)))); }

bool Builder::append(BlockType type, std::string clean) {
  if (clean.empty() || full_) return false;
  std::string& text = document_.text;
  const bool list_goes_on = type == BlockType::kListItem && !document_.blocks.empty() && document_.blocks.back().type == BlockType::kListItem && !page_is_new_;
  const std::string_view gap = text.empty() ? "" : list_goes_on ? "\n" : "\n\n";
  if (text.size() + gap.size() + clean.size() > limits_.text_bytes) {
    full_ = true;
    return false;
  }
  text += gap;
  if (page_is_new_) document_.pages.back().at.begin = static_cast<uint32_t>(text.size());
  page_is_new_ = false;
  const Range at{static_cast<uint32_t>(text.size()), static_cast<uint32_t>(text.size() + clean.size())};
  text += clean;
  document_.blocks.push_back({type, at});
  if (!document_.pages.empty()) document_.pages.back().at.end = at.end;
  return true;
}

void Builder::add(BlockType type, std::string_view text) { append(type, clean_text(text, true)); }

void Builder::add_heading(int level, std::string_view text) {
  std::string title = one_line(text);
  if (title.size() > kHeadingBytes) return add(BlockType::kParagraph, title);
  if (append(BlockType::kHeading, title)) document_.headings.push_back({std::clamp(level, 1, 6), std::move(title), document_.blocks.back().at});
}

void Builder::begin_page(bool by_ocr) {
  const uint32_t at = static_cast<uint32_t>(document_.text.size());
  document_.pages.push_back({static_cast<int>(document_.pages.size()) + 1, {at, at}, by_ocr});
  page_is_new_ = true;
}

void Builder::warn(std::string message) {
  if (document_.warnings.size() < kWarnings) document_.warnings.push_back(clean_text(message, false));
}

Result<document::Document> Builder::finish() {
  if (full_) {
    return invalid_argument("the document holds more than " + human_bytes(limits_.text_bytes) + " of text, which is the limit", "file", "document_too_large");
  }
  return std::move(document_);
}

}  // namespace strata::worker
