#include "base/unicode.h"

#include <gtest/gtest.h>

#include <vector>

namespace strata::unicode {
namespace {

std::vector<uint32_t> folded(uint32_t code_point) {
  uint32_t out[32];
  const int count = fold(code_point, out);
  return {out, out + count};
}

TEST(Unicode, CategoriesOfEveryKind) {
  EXPECT_EQ(category('A'), Category::kUpper);
  EXPECT_EQ(category(0xE9), Category::kLower);
  EXPECT_EQ(category(0x4E2D), Category::kOtherLetter);
  EXPECT_EQ(category(0x301), Category::kNonspacingMark);
  EXPECT_EQ(category('7'), Category::kDecimalDigit);
  EXPECT_EQ(category(0x2163), Category::kLetterNumber);
  EXPECT_EQ(category('-'), Category::kDash);
  EXPECT_EQ(category(0x20AC), Category::kCurrency);
  EXPECT_EQ(category(0xA0), Category::kSpaceSeparator);
  EXPECT_EQ(category(0xFEFF), Category::kFormat);
  EXPECT_EQ(category(0xD800), Category::kSurrogate);
  EXPECT_EQ(category(0x378), Category::kUnassigned);
  for (const uint32_t beyond : {kCodePoints, 0xFFFFFFFFu}) {
    EXPECT_EQ(category(beyond), Category::kUnassigned);
    EXPECT_EQ(lower(beyond), beyond);
    EXPECT_EQ(folded(beyond), std::vector<uint32_t>{beyond});
  }
  EXPECT_TRUE(is_letter(category(0x2B0)) && is_number(category(0xBD)) && is_punctuation(category('_')));
  EXPECT_FALSE(is_letter(category('1')) || is_number(category('x')) || is_punctuation(category('$')));
}

TEST(Unicode, WhiteSpaceIsTheProperty) {
  for (const uint32_t space : {0x9u, 0xDu, 0x20u, 0x85u, 0xA0u, 0x2009u, 0x2028u, 0x3000u}) EXPECT_TRUE(is_white_space(space)) << space;
  for (const uint32_t none : {0x8u, 0x200Bu, 0xFEFFu, 0x180Eu}) EXPECT_FALSE(is_white_space(none)) << none;
}

TEST(Unicode, LowerCaseAndDecomposition) {
  EXPECT_EQ(lower(0x41), 0x61u);
  EXPECT_EQ(lower(0x416), 0x436u);
  EXPECT_EQ(lower('7'), uint32_t{'7'});
  uint32_t out[8];
  ASSERT_EQ(decompose(0x1EAD, out), 3);  // a with circumflex and dot below
  EXPECT_EQ(out[0], uint32_t{'a'});
  EXPECT_EQ(decompose('x', out), 1);
}

TEST(Unicode, FoldingMakesWordsComparable) {
  using Points = std::vector<uint32_t>;
  EXPECT_EQ(folded('Q'), Points{'q'});
  EXPECT_EQ(folded(0xDF), (Points{'s', 's'}));
  EXPECT_EQ(folded(0xFB01), (Points{'f', 'i'}));
  EXPECT_EQ(folded(0xC9), (Points{'e', 0x301}));
  EXPECT_EQ(folded(0xFF21), Points{'a'});
  EXPECT_EQ(folded(0x3C2), Points{0x3C3});        // final sigma
  EXPECT_EQ(folded(0x2122), (Points{'t', 'm'}));  // ™: capitals only behind the compatibility form
  EXPECT_EQ(folded(0x4E2D), Points{0x4E2D});
}

}  // namespace
}  // namespace strata::unicode
