// What Unicode says of a code point, over utf8proc (unicode.cc is the only file that includes it): the one source of such facts for
// tokenizers, the index, and whoever else reads text. Past U+10FFFF everything is unassigned and its own lower case.
#pragma once

#include <cstdint>
#include <string>

namespace strata::unicode {

inline constexpr uint32_t kCodePoints = 0x110000;

// The general category, in the order of Unicode's own table.
enum class Category : uint8_t {
  kUnassigned,
  kUpper,
  kLower,
  kTitle,
  kModifierLetter,
  kOtherLetter,                                                  // L*
  kNonspacingMark,
  kSpacingMark,
  kEnclosingMark,                                                          // M*
  kDecimalDigit,
  kLetterNumber,
  kOtherNumber,                                                             // N*
  kConnector,
  kDash,
  kOpen,
  kClose,
  kInitialQuote,
  kFinalQuote,
  kOtherPunctuation,                        // P*
  kMathSymbol,
  kCurrency,
  kModifierSymbol,
  kOtherSymbol,                                                  // S*
  kSpaceSeparator,
  kLineSeparator,
  kParagraphSeparator,                                                   // Z*
  kControl,
  kFormat,
  kSurrogate,
  kPrivateUse,                                                             // C*
};
Category category(uint32_t code_point);   // COST: a table look-up

constexpr bool is_letter(Category c) { return c >= Category::kUpper && c <= Category::kOtherLetter; }
constexpr bool is_number(Category c) { return c >= Category::kDecimalDigit && c <= Category::kOtherNumber; }
constexpr bool is_punctuation(Category c) { return c >= Category::kConnector && c <= Category::kOtherPunctuation; }
bool is_white_space(uint32_t code_point);  // the property White_Space

uint32_t lower(uint32_t code_point);       // simple mapping: one code point
// Canonical decomposition (NFD) of one code point into out[0..]; returns how many (1 to 4).
int decompose(uint32_t code_point, uint32_t out[8]);
// For comparing words: case folded and compatibility forms resolved (NFKD of the case folding), until nothing changes: "ﬁ" gives f i,
// "ß" gives s s. Returns how many, at most 32; 1 and the code point itself where the result would be longer.
int fold(uint32_t code_point, uint32_t out[32]);

}  // namespace strata::unicode
