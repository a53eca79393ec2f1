#include "knowledge/chunk/sections.h"

#include <algorithm>

#include "base/text.h"
#include "knowledge/chunk/chunk.h"

namespace strata::chunk {
namespace {

using document::Heading;
using document::Range;

constexpr size_t kTitleBytes = 120;  // of a title or of one heading in a path: about 30 tokens, so that the text keeps its room
constexpr size_t kPathBytes = 240;   // of a whole path; the nearest headings are kept

// The headings that can be used: in range, in order, not overlapping.
std::vector<const Heading*> usable(const document::Document& document) {
  std::vector<const Heading*> out;
  uint32_t end = 0;
  for (const Heading& heading : document.headings) {
    if (heading.at.begin < end || heading.at.end <= heading.at.begin || heading.at.end > document.text.size()) continue;
    out.push_back(&heading);
    end = heading.at.end;
  }
  return out;
}

// For each heading, where its section ends: at the next heading of the same or a higher level. COST: linear, by a stack.
std::vector<uint32_t> section_ends(const std::vector<const Heading*>& headings, uint32_t size) {
  std::vector<uint32_t> ends(headings.size(), size);
  std::vector<size_t> open;
  for (size_t i = 0; i < headings.size(); ++i) {
    while (!open.empty() && headings[open.back()]->level >= headings[i]->level) {
      ends[open.back()] = headings[i]->at.begin;
      open.pop_back();
    }
    open.push_back(i);
  }
  return ends;
}

std::string join_path(const std::vector<std::string>& titles) {
  std::string path;
  for (size_t i = titles.size(); i-- > 0;) {
    const size_t more = titles[i].size() + (path.empty() ? 0 : 3);
    if (!path.empty() && path.size() + more > kPathBytes) break;
    path = path.empty() ? titles[i] : titles[i] + " > " + path;
  }
  return path;
}

// The titles from the outermost heading down to the current one.
class Path {
 public:
  void enter(const Heading& heading) {
    while (!levels_.empty() && levels_.back() >= heading.level) {
      levels_.pop_back();
      titles_.pop_back();
    }
    levels_.push_back(heading.level);
    titles_.push_back(shortened(trim(heading.title), kTitleBytes));
  }
  std::string text() const { return join_path(titles_); }

 private:
  std::vector<int> levels_;
  std::vector<std::string> titles_;
};

bool is_blank(std::string_view text) { return trim(text).empty(); }

}  // namespace

std::string shortened(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  const size_t space = text.substr(0, bytes + 1).rfind(' ');
  if (space != text.npos && space > bytes / 2) return std::string(text.substr(0, space));
  return std::string(text.substr(0, utf8_complete_prefix(text.substr(0, bytes))));
}

std::vector<Section> sections(const document::Document& document) {
  const std::string_view text = document.text;
  const uint32_t size = static_cast<uint32_t>(text.size());
  const std::vector<const Heading*> headings = usable(document);
  const std::vector<uint32_t> ends = section_ends(headings, size);
  std::vector<Section> out;
  const uint32_t first = headings.empty() ? size : headings[0]->at.begin;
  if (!is_blank(text.substr(0, first))) out.push_back({{0, first}, {0, headings.empty() ? size : first}, ""});
  Path path;
  uint32_t begin = first;  // of the bare headings, if any, that the next section takes along
  for (size_t i = 0; i < headings.size(); ++i) {
    path.enter(*headings[i]);
    const uint32_t next = i + 1 < headings.size() ? headings[i + 1]->at.begin : size;
    const bool bare = is_blank(text.substr(headings[i]->at.end, next - headings[i]->at.end));
    if (bare && i + 1 < headings.size()) continue;
    out.push_back({{begin, next}, {begin, ends[i]}, path.text()});
    begin = next;
  }
  return out;
}

std::string heading_lines(const std::string& title, const std::string& path) {
  const std::string head = shortened(trim(title), kTitleBytes);
  std::string out;
  if (!head.empty() && path != head && !path.starts_with(head + " > ")) out = head + "\n";
  if (!path.empty()) out += path + "\n";
  return out;
}

std::string indexed_text(const document::Document& document, const Chunk& chunk) {
  std::string out = heading_lines(document.title, chunk.heading);
  const size_t begin = std::min<size_t>(chunk.at.begin, document.text.size());
  out += std::string_view(document.text).substr(begin, chunk.at.end > begin ? chunk.at.end - begin : 0);
  return out;
}

}  // namespace strata::chunk
