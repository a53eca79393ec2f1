#include "model/tokenizer/unicode.h"

#include <utf8proc.h>

#include <memory>

namespace strata::tokenizer {
namespace {

constexpr uint32_t kCodePoints = 0x110000;

bool within(const Range* ranges, int count, uint32_t code_point) {
  int low = 0, high = count;
  while (low < high) {
    int middle = (low + high) / 2;
    if (ranges[middle].last < code_point) low = middle + 1;
    else high = middle;
  }
  return low < count && ranges[low].first <= code_point;
}

// The property White_Space.
bool white_space(uint32_t c) {
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}

Kind slow_kind(uint32_t c) {
  if (white_space(c)) return Kind::kSpace;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return Kind::kLetter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return Kind::kNumber;
    default: break;
  }
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
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CS: return within(kNotControls, kNotControlsCount, c) ? Cleaned::kKept : Cleaned::kRemoved;
    default: break;
  }
  return white_space(c) ? Cleaned::kSpace : Cleaned::kKept;
}

bool bert_space(uint32_t c) { return white_space(c); }

bool bert_punctuation(uint32_t c) {
  if (c < 0x80) return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO: return !within(kNotPunctuation, kNotPunctuationCount, c);
    default: return within(kMorePunctuation, kMorePunctuationCount, c);
  }
}

// SOURCE: the ranges of google-research/bert tokenization.py, as the reference tokenizer has them (with its 0x2B920).
bool bert_chinese(uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

bool bert_accent(uint32_t c) {
  if (c < 0x300) return false;
  if (utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_MN) return !within(kNotAccents, kNotAccentsCount, c);
  return within(kMoreAccents, kMoreAccentsCount, c);
}

int decompose(uint32_t c, uint32_t out[8]) {
  utf8proc_int32_t parts[8];
  int boundary = 0;
  utf8proc_ssize_t count = 0;
  if (c >= 0xC0 && !within(kNotDecomposed, kNotDecomposedCount, c))
    count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, 8, UTF8PROC_DECOMPOSE, &boundary);
  if (count < 1 || count > 8) {
    out[0] = c;
    return 1;
  }
  for (utf8proc_ssize_t i = 0; i < count; ++i) out[i] = static_cast<uint32_t>(parts[i]);
  return static_cast<int>(count);
}

int lower(uint32_t c, uint32_t out[2]) {
  if (c == 0x130) {  // the one code point whose lower case is two
    out[0] = 'i';
    out[1] = 0x307;
    return 2;
  }
  out[0] = static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
  for (int i = 0; c >= 0x1C80 && i < kLowerCount; ++i)
    if (kLower[i].from == c) out[0] = kLower[i].to;
  return 1;
}

}  // namespace strata::tokenizer
