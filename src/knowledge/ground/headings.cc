#include "knowledge/ground/headings.h"

#include <algorithm>

#include "base/text.h"
#include "knowledge/ground/words.h"

namespace strata::ground {
namespace {

constexpr size_t kHeadingWordsMax = 12;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "## 5.9.4. Orphaning a package" and "- Orphaning a package" → "orphaning a package"
std::string plain(std::string_view line) {
  line = trim(line);
  while (!line.empty() && std::string_view("#-*+ ").find(line.front()) != std::string_view::npos) line.remove_prefix(1);
  size_t number = 0;
  while (number < line.size() && (is_digit(line[number]) || line[number] == '.' || line[number] == ')')) ++number;
  if (number > 0 && number < line.size() && line[number] == ' ') line.remove_prefix(number);
  line = trim(line);
  while (!line.empty() && (line.back() == ':' || line.back() == '#')) line.remove_suffix(1);
  return ascii_lower(trim(line));
}

// The line that ends before `end` ("\n" left out); its begin is 0 where it is the first.
std::string_view line_before(std::string_view text, size_t end) {
  const size_t begin = end == 0 ? std::string_view::npos : text.rfind('\n', end - 1);
  return text.substr(begin == std::string_view::npos ? 0 : begin + 1, end - (begin == std::string_view::npos ? 0 : begin + 1));
}

// Between blank lines, or the ends of the text.
bool stands_alone(std::string_view text, const document::Range& at) {
  const std::string_view before = text.substr(0, at.begin), after = text.substr(at.end);
  const bool opens = before.empty() || before.ends_with("\n\n");
  return opens && (after.empty() || after.starts_with("\n\n"));
}

// Like "Orphaning a package": short, without a full stop, and neither a name ("Dana Hill") nor a fact ("Fee: none", "20 euros").
bool reads_like_a_heading(std::string_view line) {
  if (line.find_first_of("\n:=|\"0123456789") != std::string_view::npos || line.find("\xE2\x80\x9C") != std::string_view::npos) return false;
  if (line.size() < 4 || std::string_view(".!?;,").find(line.back()) != std::string_view::npos) return false;
  const std::vector<Word> all = words(line);
  if (all.size() < 2 || all.size() > kHeadingWordsMax || !all[0].capital) return false;
  return std::any_of(all.begin() + 1, all.end(), [](const Word& word) { return !word.capital && !is_stop_word(word.lower); });
}

// "5.9.4. Orphaning a package", "5.9 Orphaning a package": an entry of a list of contents.
bool is_numbered_entry(std::string_view line) {
  const size_t begin = line.find_first_not_of("-*+# ");
  if (begin == std::string_view::npos || !is_digit(line[begin])) return false;
  const size_t end = std::min(line.find_first_not_of("0123456789.", begin), line.size());
  const std::string_view number = line.substr(begin, end - begin);
  const bool levels = number.find('.') < number.size() - 1 && number.find("..") == std::string_view::npos;
  const std::string_view title = trim(line.substr(end));
  return levels && line.substr(end, 1) == " " && !title.empty() && title[0] >= 'A' && title[0] <= 'Z' && reads_like_a_heading(title);
}

std::string_view line_around(std::string_view text, const document::Range& at) {
  const auto begin = static_cast<size_t>(line_before(text, at.begin).data() - text.data());
  const size_t end = std::min(text.find('\n', at.end), text.size());
  return text.substr(begin, end - begin);
}

}  // namespace

Headings::Headings(const std::vector<Source>& sources) {
  for (const Source& source : sources) {
    known_.insert(plain(source.title));
    for (size_t begin = 0; begin <= source.heading.size();) {
      const size_t end = std::min(source.heading.find(" > ", begin), source.heading.size());
      known_.insert(plain(std::string_view(source.heading).substr(begin, end - begin)));
      begin = end + 3;
    }
  }
  known_.erase("");
}

bool Headings::holds(std::string_view text, const document::Range& at) const {
  const std::string_view line = text.substr(at.begin, at.end - at.begin);
  const std::string bare = plain(line);
  if (bare.empty() || line.front() == '#' || known_.count(bare) != 0) return true;
  return (stands_alone(text, at) && reads_like_a_heading(line)) || is_numbered_entry(line_around(text, at));
}

bool is_table_row(std::string_view line) {
  line = trim(line);
  return line.size() > 1 && line.front() == '|' && line.find('|', 1) != std::string_view::npos;
}

document::Range header_row(std::string_view text, const document::Range& at) {
  if (!is_table_row(text.substr(at.begin, at.end - at.begin))) return {};
  document::Range first = at;
  size_t end = at.begin;
  while (end > 0 && text[end - 1] == '\n') {
    const std::string_view line = line_before(text, end - 1);
    if (!is_table_row(line)) break;
    first = {static_cast<uint32_t>(end - 1 - line.size()), static_cast<uint32_t>(end - 1)};
    end = first.begin;
  }
  const bool whole = first.begin > 0;  // a passage that begins with a row may begin inside the table
  return whole && first.begin != at.begin ? first : document::Range{};
}

bool is_header_row(std::string_view text, const document::Range& at) {
  if (at.begin == 0 || !is_table_row(text.substr(at.begin, at.end - at.begin)) || header_row(text, at).end != 0) return false;
  const size_t next = at.end + 1;
  return next < text.size() && text[at.end] == '\n' && is_table_row(text.substr(next, text.find('\n', next) - next));
}

}  // namespace strata::ground
