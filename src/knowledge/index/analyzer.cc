#include "knowledge/index/analyzer.h"

#include <libstemmer.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "knowledge/index/unicode.h"

namespace strata::index {
namespace {

// Most words of a corpus are few distinct ones: remembering their stems makes analysis several times faster.
constexpr size_t kStemsMax = 1u << 16;

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_stemmable(std::string_view word) {
  return word.size() > 2 && std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

// Length of what joins two words into a compound at the start of `text`, 0 where nothing does.
size_t joiner_length(std::string_view text) {
  if (text.empty()) return 0;
  if (std::string_view("-_./:'").find(text[0]) != std::string_view::npos) return 1;
  if (text.substr(0, 3) == "\xE2\x80\x99") return 3;  // ’
  if (text.substr(0, 3) == "\xE2\x80\x90" || text.substr(0, 3) == "\xE2\x80\x91") return 3;  // hyphens
  return 0;
}

// Bytes of a possessive "'s" at the start of `text` that ends a word, else 0.
size_t possessive_length(std::string_view text) {
  size_t mark = text.substr(0, 1) == "'" ? 1 : text.substr(0, 3) == "\xE2\x80\x99" ? 3 : 0;
  if (mark == 0 || text.size() <= mark || (text[mark] != 's' && text[mark] != 'S')) return 0;
  if (text.size() == mark + 1) return mark + 1;
  size_t length = 0;
  return is_word_character(utf8_decode(text.substr(mark + 1), &length)) ? 0 : mark + 1;
}

// "PodAutoscaler" → Pod, Autoscaler; "HTTPServer" → HTTP, Server; "il6" → il, 6. ASCII only; one piece where nothing changes.
std::vector<std::string_view> inner_pieces(std::string_view raw) {
  std::vector<std::string_view> pieces;
  size_t begin = 0;
  for (size_t i = 1; i < raw.size(); ++i) {
    char before = raw[i - 1], here = raw[i];
    bool kind_change = is_digit(before) != is_digit(here);
    bool word_start = is_upper(here) && !is_upper(before);
    bool acronym_end = is_upper(before) && is_upper(here) && i + 1 < raw.size() && is_ascii_letter(raw[i + 1]) && !is_upper(raw[i + 1]);
    if (!kind_change && !word_start && !acronym_end) continue;
    pieces.push_back(raw.substr(begin, i - begin));
    begin = i;
  }
  pieces.push_back(raw.substr(begin));
  return pieces;
}

}  // namespace

Analyzer::Analyzer() : stemmer_(sb_stemmer_new("english", nullptr), sb_stemmer_delete) {}
Analyzer::~Analyzer() = default;

std::string_view Analyzer::stem(const std::string& word) {
  if (!is_stemmable(word)) return word;
  auto found = stems_.find(word);
  if (found != stems_.end()) return found->second;
  if (stems_.size() >= kStemsMax) stems_.clear();
  std::string stemmed = word;
  if (stemmer_) {
    const sb_symbol* out = sb_stemmer_stem(stemmer_.get(), reinterpret_cast<const sb_symbol*>(word.data()), static_cast<int>(word.size()));
    if (out != nullptr) stemmed.assign(reinterpret_cast<const char*>(out), static_cast<size_t>(sb_stemmer_length(stemmer_.get())));
  }
  return stems_.emplace(word, std::move(stemmed)).first->second;
}

// Reads the word that starts at *at (which must be a word character) and moves *at past it.
bool Analyzer::next_part(std::string_view text, size_t* at, Part* part) {
  part->folded.clear();
  part->single = false;
  size_t begin = *at;
  while (*at < text.size()) {
    size_t length = 0;
    uint32_t code_point = utf8_decode(text.substr(*at), &length);
    if (!is_word_character(code_point)) break;
    if (is_unspaced_script(code_point)) {
      if (*at != begin) break;
      *at += length;
      append_folded(part->folded, code_point);
      part->single = true;
      break;
    }
    *at += length;
    if (part->folded.size() < kWordBytesMax) append_folded(part->folded, code_point);
  }
  part->raw = text.substr(begin, std::min(*at - begin, kWordBytesMax));
  return !part->folded.empty();
}

void Analyzer::emit_inner(const Part& part, const Each& each) {
  if (!std::all_of(part.raw.begin(), part.raw.end(), [](char c) { return is_ascii_letter(c) || is_digit(c); })) return;
  std::vector<std::string_view> pieces = inner_pieces(part.raw);
  if (pieces.size() < 2) return;
  for (std::string_view piece : pieces) {
    scratch_ = ascii_lower(piece);
    each(stem(scratch_), true);
  }
}

void Analyzer::emit_compound(const Each& each) {
  if (compound_parts_ > 1 && compound_.size() <= kWordBytesMax) each(stem(compound_), true);
  compound_.clear();
  compound_parts_ = 0;
}

void Analyzer::analyze(std::string_view text, const Each& each) {
  compound_.clear();
  compound_parts_ = 0;
  Part part;
  std::string pair, previous_single;   // the character before, of a script without spaces, where it touches this one
  size_t at = 0;
  while (at < text.size()) {
    size_t length = 0;
    if (!is_word_character(utf8_decode(text.substr(at), &length))) {
      emit_compound(each);
      previous_single.clear();
      at += length;
      continue;
    }
    if (!next_part(text, &at, &part)) continue;
    each(stem(part.folded), false);
    if (part.single) {
      emit_compound(each);
      if (!previous_single.empty()) each(pair = previous_single + part.folded, true);
      previous_single = part.folded;
      continue;
    }
    previous_single.clear();
    emit_inner(part, each);
    if (compound_.size() <= kWordBytesMax) compound_ += part.folded;
    ++compound_parts_;
    at += possessive_length(text.substr(at));
    size_t joiner = joiner_length(text.substr(at));
    bool joined = joiner > 0 && at + joiner < text.size() && is_word_character(utf8_decode(text.substr(at + joiner), &length));
    if (joined) at += joiner;
    else emit_compound(each);
  }
  emit_compound(each);
}

}  // namespace strata::index
