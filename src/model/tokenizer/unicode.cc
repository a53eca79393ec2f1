#include "model/tokenizer/unicode.h"

#include <memory>

#include "base/unicode.h"

namespace strata::tokenizer {
namespace {

using unicode::Category;
using unicode::kCodePoints;

bool within(const Range* ranges, int count, uint32_t code_point) {
  int low = 0, high = count;
  while (low < high) {
    int middle = (low + high) / 2;
    if (ranges[middle].last < code_point) low = middle + 1;
    else high = middle;
  }
  return low < count && ranges[low].first <= code_point;
}

Kind slow_kind(uint32_t c) {
  if (unicode::is_white_space(c)) return Kind::kSpace;
  if (unicode::is_letter(unicode::category(c))) return Kind::kLetter;
  if (unicode::is_number(unicode::category(c))) return Kind::kNumber;
  if (within(kMoreLetters, kMoreLettersCount, c)) return Kind::kLetter;
  if (within(kMoreNumbers, kMoreNumbersCount, c)) return Kind::kNumber;
  return Kind::kOther;
}

// Two bits per code point, 272 KiB, made once.
const uint8_t* kinds() {
  static const std::unique_ptr<uint8_t[]> table = [] {
    auto bits = std::make_unique<uint8_t[]>(kCodePoints / 4);
    for (uint32_t c = 0; c < kCodePoints; ++c) bits[c / 4] |= static_cast<uint8_t>(static_cast<unsigned>(slow_kind(c)) << (c % 4 * 2));
    return bits;
  }();
  return table.get();
}

}  // namespace

Kind kind_of(uint32_t c) {
  if (c >= kCodePoints) return Kind::kOther;
  return static_cast<Kind>(kinds()[c / 4] >> (c % 4 * 2) & 3);
}

bool is_digit_for_split(uint32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  return kind_of(c) == Kind::kNumber || within(kMoreDigits, kMoreDigitsCount, c);
}

Cleaned bert_clean(uint32_t c) {
  if (c == 0 || c == 0xFFFD) return Cleaned::kRemoved;
  if (c == '\t' || c == '\n' || c == '\r') return Cleaned::kSpace;
  if (unicode::category(c) >= Category::kControl) return within(kNotControls, kNotControlsCount, c) ? Cleaned::kKept : Cleaned::kRemoved;
  return unicode::is_white_space(c) ? Cleaned::kSpace : Cleaned::kKept;
}

bool bert_space(uint32_t c) { return unicode::is_white_space(c); }

bool bert_punctuation(uint32_t c) {
  if (c < 0x80) return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
  if (unicode::is_punctuation(unicode::category(c))) return !within(kNotPunctuation, kNotPunctuationCount, c);
  return within(kMorePunctuation, kMorePunctuationCount, c);
}

// SOURCE: the ranges of google-research/bert tokenization.py, as the reference tokenizer has them (with its 0x2B920).
bool bert_chinese(uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

bool bert_accent(uint32_t c) {
  if (c < 0x300) return false;
  if (unicode::category(c) == Category::kNonspacingMark) return !within(kNotAccents, kNotAccentsCount, c);
  return within(kMoreAccents, kMoreAccentsCount, c);
}

int decompose(uint32_t c, uint32_t out[8]) {
  if (c >= 0xC0 && !within(kNotDecomposed, kNotDecomposedCount, c)) return unicode::decompose(c, out);
  out[0] = c;
  return 1;
}

int lower(uint32_t c, uint32_t out[2]) {
  if (c == 0x130) {  // the one code point whose lower case is two
    out[0] = 'i';
    out[1] = 0x307;
    return 2;
  }
  out[0] = unicode::lower(c);
  for (int i = 0; c >= 0x1C80 && i < kLowerCount; ++i)
    if (kLower[i].from == c) out[0] = kLower[i].to;
  return 1;
}

}  // namespace strata::tokenizer
