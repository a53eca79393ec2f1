// Words of questions, names and values, and how alike they are.
#include <algorithm>

#include "knowledge/sql/parts.h"
#include "knowledge/sql/sql.h"

namespace strata::sql {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_word(char c) { return is_upper(c) || is_lower(c) || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80; }

// Says nothing alone: a value of this one word is not meant by it.
constexpr std::string_view kPlain[] = {"a",    "all", "am",   "an",  "and",  "any",  "are",  "as",   "at",    "be",    "by",   "can",  "do",    "does", "each",
                                       "ever", "for", "from", "had", "has",  "he",   "her",  "his",  "how",   "i",     "if",   "in",   "is",    "it",   "its",
                                       "last", "let", "list", "me",  "many", "may",  "more", "most", "much",  "my",    "name", "no",   "not",   "of",   "on",
                                       "one",  "or",  "our",  "out", "over", "per",  "show", "so",   "than",  "that",  "the",  "them", "there", "they", "this",
                                       "to",   "up",  "us",   "was", "we",   "were", "what", "when", "where", "which", "who",  "why",  "will",  "with", "you"};

}  // namespace

bool is_plain(const std::string& word) { return word.size() < 2 || std::find(std::begin(kPlain), std::end(kPlain), word) != std::end(kPlain); }

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool camel = i > 0 && is_upper(c) && is_lower(text[i - 1]);
    if ((!is_word(c) || camel) && !word.empty()) out.push_back(ascii_lower(word)), word.clear();
    // An apostrophe inside a word is none of its letters: "customer's" is "customers".
    if (c == '\'' && i > 0 && i + 1 < text.size() && is_word(text[i - 1]) && is_lower(text[i + 1]) && !out.empty()) {
      word = out.back();
      out.pop_back();
    }
    if (is_word(c)) word += c;
  }
  if (!word.empty()) out.push_back(ascii_lower(word));
  return out;
}

std::string stem_of(const std::string& word) {
  const auto cut = [&](size_t letters, const char* instead) { return word.substr(0, word.size() - letters) + instead; };
  if (word.size() > 4 && word.ends_with("ies")) return cut(3, "y");
  if (word.size() > 4 && (word.ends_with("sses") || word.ends_with("xes") || word.ends_with("ches") || word.ends_with("shes"))) return cut(2, "");
  if (word.size() > 3 && word.ends_with("s") && !word.ends_with("ss") && !word.ends_with("us") && !word.ends_with("is")) return cut(1, "");
  return word;
}

std::string joined(const std::vector<std::string>& words, size_t begin, size_t end) {
  std::string out;
  for (size_t i = begin; i < end; ++i) out += (out.empty() ? "" : " ") + words[i];
  return out;
}

double likeness(std::string_view a, std::string_view b) {
  const size_t longer = std::max(a.size(), b.size()), shorter = std::min(a.size(), b.size());
  if (longer == 0) return 1;
  const size_t most = longer / 5;   // edits
  if (longer - shorter > most) return 0;
  // Edit distance with swaps of neighbours (optimal string alignment).
  std::vector<size_t> before, last(b.size() + 1), now(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before = last;
    std::swap(last, now);
  }
  return last[b.size()] > most ? 0 : 1 - static_cast<double>(last[b.size()]) / static_cast<double>(longer);
}

}  // namespace strata::sql
