#include "knowledge/ground/words.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"

namespace strata::ground {
namespace {

constexpr std::string_view kCommonWords =
#include "knowledge/ground/common_words.inc"
    ;

// Past the table every word counts the same: a name or a term.
constexpr double kRare = 9.8;

const std::unordered_set<std::string_view>& stop_words() {
  static const auto* const set = new std::unordered_set<std::string_view>{
      "a",        "an",    "the",      "of",     "in",    "on",    "at",      "to",     "for",     "from",   "by",    "with",   "and",     "or",      "but",
      "is",       "are",   "was",      "were",   "be",    "been",  "being",   "do",     "does",    "did",    "done",  "has",    "have",    "had",     "having",
      "what",     "which", "who",      "whom",   "whose", "when",  "where",   "why",    "how",     "that",   "this",  "these",  "those",   "it",      "its",
      "as",       "into",  "than",     "then",   "there", "their", "them",    "they",   "he",      "she",    "his",   "her",    "him",     "you",     "your",
      "i",        "we",    "our",      "us",     "my",    "me",    "not",     "no",     "if",      "so",     "such",  "can",    "could",   "may",     "might",
      "will",     "would", "shall",    "should", "must",  "about", "between", "during", "after",   "before", "over",  "under",  "out",     "up",      "down",
      "off",      "again", "also",     "any",    "all",   "some",  "more",    "most",   "other",   "only",   "own",   "same",   "very",    "per",     "name",
      "called",   "many",  "much",     "type",   "kind",  "it's",  "what's",  "don't",  "doesn't", "didn't", "isn't", "aren't", "wasn't",  "weren't", "can't",
      "couldn't", "won't", "wouldn't", "i'm",    "i'd",   "i'll",  "i've",    "who's",  "where's", "how's",  "let's", "that's", "there's", "please",  "tell"};
  return *set;
}

const std::unordered_map<std::string_view, double>& weights() {
  static const auto* const map = [] {
    auto* out = new std::unordered_map<std::string_view, double>;
    double rank = 1;
    for (std::string_view word : split(kCommonWords, ' ')) {
      if (!word.empty()) out->emplace(word, std::log(rank++ + 1) + 1);
    }
    return out;
  }();
  return *map;
}

bool is_letter(uint32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c != 0xD7 && c != 0xF7 && (c < 0x2000 || c > 0x2BFF) && c < 0xE000);
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Capitals beyond ASCII: Latin-1, and the even code points of Latin Extended-A, Greek and Cyrillic capitals.
bool is_capital(uint32_t c) {
  return (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x100 && c <= 0x137 && c % 2 == 0) || (c >= 0x391 && c <= 0x3A9) ||
         (c >= 0x410 && c <= 0x42F);
}

size_t apostrophe(std::string_view text, size_t at) {
  if (at >= text.size()) return 0;
  if (text[at] == '\'') return 1;
  return text.substr(at, 3) == "\xE2\x80\x99" ? 3 : 0;
}

bool ends_sentence(char c) { return c == '.' || c == '!' || c == '?' || c == '\n' || c == ':' || c == '"'; }

std::string undoubled(std::string word) {
  const size_t n = word.size();
  if (n > 3 && word[n - 1] == word[n - 2] && word[n - 1] != 'l' && word[n - 1] != 's' && word[n - 1] != 'z') word.pop_back();
  return word;
}

// End of the word that begins at `at`; fills `lower`. Numbers keep ",.:" between digits.
size_t scan(std::string_view text, size_t at, bool number, std::string* lower) {
  while (at < text.size()) {
    size_t length = 0;
    const uint32_t c = utf8_decode(text.substr(at), &length);
    if (is_letter(c) || (length == 1 && is_digit(text[at]))) {
      for (char byte : text.substr(at, length)) lower->push_back(byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte);
      at += length;
      continue;
    }
    const bool between_digits = number && at > 0 && at + 1 < text.size() && is_digit(text[at - 1]) && is_digit(text[at + 1]);
    if (between_digits && (c == ',' || c == '.' || c == ':')) {
      if (c != ',') lower->push_back(static_cast<char>(c));
      ++at;
      continue;
    }
    const size_t mark = apostrophe(text, at);
    size_t next = 0;
    if (mark != 0 && !number && at + mark < text.size() && is_letter(utf8_decode(text.substr(at + mark), &next))) {
      lower->push_back('\'');
      at += mark;
      continue;
    }
    break;
  }
  return at;
}

}  // namespace

std::string stem(std::string_view lower) {
  if (lower.empty() || is_digit(lower[0])) return std::string(lower);
  std::string out(lower);
  if (out.size() > 2 && out.ends_with("'s")) out.resize(out.size() - 2);
  static constexpr std::array<std::string_view, 19> kEndings = {"ization", "ations", "ation", "ingly", "edly", "ments", "ment", "ness", "ings", "ing",
                                                                "ies",     "ied",    "ers",   "ed",    "es",   "er",    "ly",   "al",   "s"};
  for (std::string_view ending : kEndings) {
    const size_t least = ending.size() > 3 ? 4 : 3;
    if (!out.ends_with(ending) || out.size() < ending.size() + least) continue;
    if (ending == "s" && out.ends_with("ss")) break;
    out.resize(out.size() - ending.size());
    if (ending == "ies" || ending == "ied") out += 'y';
    out = undoubled(std::move(out));
    break;
  }
  if (out.size() > 4 && out.back() == 'e') out.pop_back();
  if (out.back() == 'i') out.back() = 'y';
  return out;
}

std::vector<Word> words(std::string_view text) {
  std::vector<Word> out;
  bool opens = true;
  for (size_t at = 0; at < text.size();) {
    size_t length = 0;
    const uint32_t c = utf8_decode(text.substr(at), &length);
    const bool digit = length == 1 && is_digit(text[at]);
    if (!digit && !is_letter(c)) {
      if (length == 1 && ends_sentence(text[at])) opens = true;
      at += length;
      continue;
    }
    Word word{.begin = static_cast<uint32_t>(at), .capital = is_capital(c), .number = digit, .opens = opens};
    at = scan(text, at, digit, &word.lower);
    word.end = static_cast<uint32_t>(at);
    word.stem = stem(word.lower);
    opens = false;
    out.push_back(std::move(word));
  }
  return out;
}

bool is_stop_word(std::string_view lower) { return stop_words().count(lower) != 0; }

double weight(std::string_view lower) {
  const auto found = weights().find(lower);
  return found == weights().end() ? kRare : found->second;
}

std::vector<Word> content_words(std::string_view text) {
  std::vector<Word> out;
  std::set<std::string> seen;
  for (Word& word : words(text)) {
    if (is_stop_word(word.lower) || (word.lower.size() < 2 && !word.number)) continue;
    if (seen.insert(word.stem).second) out.push_back(std::move(word));
  }
  return out;
}

std::set<std::string> stems(std::string_view text) {
  std::set<std::string> out;
  for (Word& word : words(text)) out.insert(std::move(word.stem));
  return out;
}

}  // namespace strata::ground
