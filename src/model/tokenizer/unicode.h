// The Unicode facts that tokenizers ask for: base/unicode, corrected to the versions of Unicode that the reference tokenizers carry:
// BPE's regex engine knows Unicode 16, BERT's tables Unicode 8, utf8proc 2.8 Unicode 15.
#pragma once

#include <cstdint>
#include <string_view>

namespace strata::tokenizer {

// ---- For BPE -----------------------------------------------------------------------------------------------------------------

enum class Kind : uint8_t { kOther, kLetter, kNumber, kSpace };  // \p{L}, \p{N}, \s; the rest is kOther
Kind kind_of(uint32_t code_point);                               // COST: a table look-up
bool is_digit_for_split(uint32_t code_point);                    // what the "Digits" splitter takes for a number

// ---- For BERT ----------------------------------------------------------------------------------------------------------------

enum class Cleaned { kKept, kSpace, kRemoved };
Cleaned bert_clean(uint32_t code_point);
bool bert_space(uint32_t code_point);
bool bert_punctuation(uint32_t code_point);
bool bert_chinese(uint32_t code_point);
bool bert_accent(uint32_t code_point);  // removed after decomposition
// Canonical decomposition (NFD) of one code point into out[0..]; returns how many (1 to 4).
int decompose(uint32_t code_point, uint32_t out[8]);
// Lower case; returns how many code points (2 only for U+0130).
int lower(uint32_t code_point, uint32_t out[2]);

// ---- The corrections (unicode_tables.cc, written by tools/fixtures/tokenizer_unicode.py) ----------------------------------------

struct Range {
  uint32_t first, last;
};
struct Pair {
  uint32_t from, to;
};
extern const Range kMoreLetters[], kMoreNumbers[], kMoreDigits[];
extern const Range kNotPunctuation[], kMorePunctuation[], kNotAccents[], kMoreAccents[], kNotControls[], kNotDecomposed[];
extern const Pair kLower[];
extern const int kMoreLettersCount, kMoreNumbersCount, kMoreDigitsCount, kNotPunctuationCount, kMorePunctuationCount, kNotAccentsCount, kMoreAccentsCount,
    kNotControlsCount, kNotDecomposedCount, kLowerCount;

}  // namespace strata::tokenizer
