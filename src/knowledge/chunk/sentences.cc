// How sentences() works: the text falls into segments (a paragraph, a list item, a table row), and inside a segment each full
// stop, question mark or exclamation mark is judged by the word before it and the word after it.
//
// Invariants: (1) ranges are in order, do not touch, and begin and end on a non-space byte; (2) every non-space byte lies in one;
// (3) no range crosses a blank line. COST: linear; looking back is bounded by kWordBytes, looking ahead by what is then consumed.
#include <algorithm>

#include "base/text.h"
#include "knowledge/chunk/chunk.h"
#include "knowledge/chunk/sentence_words.h"

namespace strata::chunk {
namespace {

using document::Range;

constexpr size_t kWordBytes = 24;  // no abbreviation is longer

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_upper(c) || is_lower(c); }

// Bytes of one mark that ends a sentence at `at`, or 0.
size_t stop_bytes(std::string_view text, size_t at) {
  const char c = text[at];
  if (c == '.' || c == '!' || c == '?') return 1;
  const std::string_view three = text.substr(at, 3);
  if (three == "…" || three == "。" || three == "！" || three == "？") return 3;
  return 0;
}
bool is_wide_stop(std::string_view text, size_t at) {
  const std::string_view three = text.substr(at, 3);
  return three == "。" || three == "！" || three == "？";
}

// Bytes of one closing quote, bracket or emphasis mark at `at`, or 0.
size_t closer_bytes(std::string_view text, size_t at) {
  const char c = text[at];
  if (c == '"' || c == '\'' || c == ')' || c == ']' || c == '}' || c == '*' || c == '_') return 1;
  if (text.substr(at, 2) == "»") return 2;
  const std::string_view three = text.substr(at, 3);
  if (three == "”" || three == "’" || three == "」" || three == "』" || three == "）") return 3;
  return 0;
}
size_t opener_bytes(std::string_view text, size_t at) {
  const char c = text[at];
  if (c == '"' || c == '\'' || c == '(' || c == '[' || c == '*' || c == '_' || c == '`') return 1;
  if (text.substr(at, 2) == "«" || text.substr(at, 2) == "¿" || text.substr(at, 2) == "¡") return 2;
  const std::string_view three = text.substr(at, 3);
  if (three == "“" || three == "‘" || three == "「" || three == "『") return 3;
  return 0;
}

// A footnote mark right behind the stop: "true.[12] Next".
size_t footnote_bytes(std::string_view text, size_t at) {
  if (text[at] != '[') return 0;
  size_t end = at + 1;
  while (end < text.size() && end - at <= 6 && (is_digit(text[end]) || is_lower(text[end]))) ++end;
  return end < text.size() && end > at + 1 && text[end] == ']' ? end + 1 - at : 0;
}

// The word that ends right before `at`, cut at spaces, brackets and quotes; `segment` bounds it.
std::string_view word_before(std::string_view text, size_t segment, size_t at) {
  size_t begin = at;
  while (begin > segment && at - begin < kWordBytes) {
    const char c = text[begin - 1];
    if (!is_letter(c) && !is_digit(c) && c != '.' && static_cast<unsigned char>(c) < 0x80) break;
    --begin;
  }
  std::string_view word = text.substr(begin, at - begin);
  if (const size_t quote = std::max(word.rfind("“") + 1, word.rfind("‘") + 1); quote > 0) word.remove_prefix(quote + 2);
  return word;
}
std::string_view word_after(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && end - at < kWordBytes && is_letter(text[end])) ++end;
  return text.substr(at, end - at);
}

bool is_number(std::string_view word) {
  for (char c : word) {
    if (!is_digit(c) && c != '.') return false;
  }
  return !word.empty();
}
// "U.S", "e.g", "J.R.R": letters with stops between them.
bool is_dotted(std::string_view word) {
  if (word.size() < 3) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    if (i % 2 == 0 ? !is_letter(word[i]) : word[i] != '.') return false;
  }
  return word.size() % 2 == 1;
}

// Does the single full stop at `at` end a sentence, when `next` is where the following word begins?
// `marked`: a closing bracket or quote stands behind it, or an opening one before the next word.
bool full_stop_ends(std::string_view text, size_t segment, size_t at, size_t next, bool marked) {
  const std::string_view word = word_before(text, segment, at);
  const size_t word_begin = at - word.size();
  const char first = text[next];
  const std::string_view following = word_after(text, next);
  // "1. Install", "a. Open", "iv. Close" at the start of a line is a list mark.
  const bool at_start = word_begin == segment || (word_begin == segment + 1 && text[segment] == '(');
  if (at_start && ((is_number(word) && word.size() <= 4) || word.size() == 1)) return false;
  switch (abbreviation(word)) {
    case Abbreviation::kOpen: return false;
    case Abbreviation::kBeforeDigit:
      // "c", "p" and "v" are single letters and initials too, so they fall through to the rule for those.
      if (is_digit(first)) return false;
      if (word.size() > 1) return true;
      break;
    case Abbreviation::kEither: return opens_sentence(following) && is_upper(first);
    case Abbreviation::kNone: break;
  }
  if ((word.size() == 1 && is_letter(word[0])) || is_dotted(word)) return marked || (is_upper(first) && opens_sentence(following));
  return true;
}

// One segment [begin, end): cuts it at sentence ends.
class Cutter {
 public:
  Cutter(std::string_view text, std::vector<Range>* out) : text_(text), out_(out) {}

  void cut(size_t begin, size_t end) {
    const std::string_view text = text_.substr(0, end);
    size_t start = begin;
    for (size_t at = begin; at < end;) {
      if (stop_bytes(text, at) == 0) {
        ++at;
        continue;
      }
      const size_t after = end_of_stop(text, at);
      if (ends(text, start, at, after)) {
        emit(start, after);
        start = after;
      }
      at = after;
    }
    emit(start, end);
  }

  // A table row: one sentence, whatever is in it.
  void keep(size_t begin, size_t end) { emit(begin, end); }

 private:
  // Past the stops, closers and footnote marks that begin at `at`.
  static size_t end_of_stop(std::string_view text, size_t at) {
    while (at < text.size() && stop_bytes(text, at) > 0) at += stop_bytes(text, at);
    for (size_t more = 1; at < text.size() && more > 0;) {
      more = footnote_bytes(text, at);
      if (more == 0) more = closer_bytes(text, at);
      at += more;
    }
    return at;
  }

  static bool ends(std::string_view text, size_t start, size_t at, size_t after) {
    if (after == text.size()) return true;
    if (is_wide_stop(text, at)) return true;
    if (!is_space(text[after])) return false;
    size_t next = after;
    while (next < text.size() && is_space(text[next])) ++next;
    if (next == text.size()) return true;
    bool marked = after > at + 1;
    for (size_t bytes = opener_bytes(text, next); bytes > 0 && next + bytes < text.size(); bytes = opener_bytes(text, next)) {
      next += bytes;
      marked = true;
    }
    const char first = text[next];
    if (is_lower(first) || first == ',' || first == ';' || first == '.' || first == '-' || first == ')') return false;
    const bool single = text[at] == '.' && (at + 1 == text.size() || stop_bytes(text, at + 1) == 0);
    // "... Which" goes on as often as not; a capital letter decides for an end.
    return single ? full_stop_ends(text, start, at, next, marked) : true;
  }

  void emit(size_t begin, size_t end) {
    while (begin < end && is_space(text_[begin])) ++begin;
    while (end > begin && is_space(text_[end - 1])) --end;
    if (begin < end) out_->push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
  }

  std::string_view text_;
  std::vector<Range>* out_;
};

bool is_table_row(std::string_view line) { return line.size() >= 2 && line.front() == '|' && line.find('|', 1) != line.npos; }

// "- x", "* x", "• x", "3. x", "b) x", "(iv) x"
bool is_list_item(std::string_view line) {
  if (line.size() < 2) return false;
  if ((line[0] == '-' || line[0] == '*' || line[0] == '+') && is_space(line[1])) return true;
  if (line.substr(0, 3) == "•" || line.substr(0, 3) == "–" || line.substr(0, 3) == "‣") return true;
  size_t at = line[0] == '(' ? 1 : 0;
  const size_t begin = at;
  while (at < line.size() && at - begin < 3 && is_digit(line[at])) ++at;
  if (at == begin) {
    while (at < line.size() && at - begin < 4 && is_lower(line[at])) ++at;
    if (at - begin > 1 && line.substr(begin, at - begin).find_first_not_of("ivx") != line.npos) return false;
    if (at == begin || at >= line.size() || line[at] != ')') return false;
  }
  return at + 1 < line.size() && (line[at] == '.' || line[at] == ')') && is_space(line[at + 1]);
}

}  // namespace

std::vector<Range> sentences(std::string_view text) {
  std::vector<Range> out;
  Cutter cutter(text, &out);
  size_t segment = 0;
  bool row_before = false;
  auto finish = [&](size_t end) {
    if (row_before) cutter.keep(segment, end);
    else cutter.cut(segment, end);
    segment = end;
  };
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    if (end == text.npos) end = text.size();
    const std::string_view line = trim(text.substr(at, end - at));
    const bool row = is_table_row(line);
    if (line.empty() || row || row_before || is_list_item(line)) finish(at);
    row_before = row;
    at = end + 1;
  }
  finish(text.size());
  return out;
}

}  // namespace strata::chunk
