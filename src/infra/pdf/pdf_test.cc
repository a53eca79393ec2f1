#include "infra/pdf/pdf.h"

#include <gtest/gtest.h>

namespace strata::pdf {
namespace {

std::vector<Block> words(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "word" + std::to_string(i) + " ";
  return {{Kind::kTitle, {{"A title"}}}, {Kind::kParagraph, {{text}}}};
}

TEST(Pdf, OffsetsOfTheTableLeadToTheirObjects) {
  const std::string file = write("t", words(2'000)).bytes;
  const size_t table = static_cast<size_t>(std::stoul(file.substr(file.rfind("startxref") + 10)));
  ASSERT_EQ(file.substr(table, 5), "xref\n");
  const int count = std::stoi(file.substr(table + 7));
  size_t line = file.find('\n', table + 5) + 1;
  for (int i = 1; i < count; ++i) {
    const size_t offset = static_cast<size_t>(std::stoul(file.substr(line + 20 * static_cast<size_t>(i), 10)));
    const std::string head = std::to_string(i) + " 0 obj\n";
    EXPECT_EQ(file.substr(offset, head.size()), head);
  }
}

TEST(Pdf, LongTextTakesPagesAndNoLineLeavesThem) {
  EXPECT_EQ(write("t", words(50)).pages, 1);
  EXPECT_GT(write("t", words(3'000)).pages, 3);
  EXPECT_EQ(write("t", {}).pages, 1);
  const Written cut = write("t", {{Kind::kParagraph, {{std::string(500, 'W')}}}});   // a word longer than a line
  EXPECT_EQ(cut.bytes.find(std::string(60, 'W')), std::string::npos);
}

TEST(Pdf, WhatMeansSomethingInAFileIsEscaped) {
  const std::string file = write("(t)", {{Kind::kParagraph, {{"a (b) \\ c"}}}}).bytes;
  EXPECT_NE(file.find("(a \\(b\\) \\\\ c)"), std::string::npos);
}

TEST(Pdf, LinksLeadToAddressesAndWithin) {
  const std::string file = write("t", {{Kind::kParagraph, {{"see"}, {.text = "[1]", .target = 7}, {.text = "there", .url = "https://example.com/a b)"}}},
                                       {Kind::kNote, {{"source"}}, 7}})
                               .bytes;
  EXPECT_NE(file.find("/URI(https://example.com/a%20b\\))"), std::string::npos);
  EXPECT_NE(file.find("/Dest["), std::string::npos);
  EXPECT_EQ(write("t", {{Kind::kParagraph, {{.text = "x", .url = "javascript:alert(1)"}}}}).bytes.find("/URI"), std::string::npos);
}

TEST(Pdf, CharactersBeyondTheFontAreCounted) {
  int missing = 0;
  EXPECT_EQ(to_windows_1252("caf\xC3\xA9 \xE2\x89\xA4 5 \xE2\x82\xAC", &missing), "caf\xE9 <= 5 \x80");
  EXPECT_EQ(missing, 0);
  EXPECT_EQ(to_windows_1252("\xE6\x97\xA5\xE6\x9C\xAC", &missing), "??");
  EXPECT_EQ(missing, 2);
  EXPECT_EQ(write("t", {{Kind::kParagraph, {{"\xE6\x97\xA5"}}}}).missing, 1);
}

}  // namespace
}  // namespace strata::pdf
