#include <gtest/gtest.h>

#include "worker/parse/encoding.h"
#include "worker/parse/parse.h"
#include "worker/parse/test_document.h"

namespace strata::worker {
namespace {

using namespace std::string_literals;  // NOLINT: for zero bytes

TEST(Text, ParagraphsKeepTheirLines) {
  EXPECT_EQ(shown(parse_text("One\r\ntwo\r\n\r\n\r\n  indented\nThree\n", {})), "P One⏎two\nP   indented⏎Three");
  EXPECT_EQ(shown(parse_text("", {})), "");
}

TEST(Text, UnderlinedLinesAreHeadings) {
  EXPECT_EQ(shown(parse_text("Title\n=====\n\nText.\n\nPart\n----\n\nMore.\n\n====\nBig\n====\nx", {})), "H1 Title\nP Text.\nH2 Part\nP More.\nH3 Big\nP x");
  EXPECT_EQ(shown(parse_text("a  b\n----\n1  2", {})), "P a  b⏎----⏎1  2") << "a plain-text table is no heading";
}

TEST(Text, EncodingsAreTold) {
  EXPECT_EQ(decode_text("\xEF\xBB\xBFh\xC3\xA9", "").text, "hé");
  EXPECT_EQ(decode_text("\xFF\xFEh\0\xE9\0"s, "").text, "hé");
  EXPECT_EQ(decode_text("\xFE\xFF\0h\0\xE9"s, "").text, "hé");
  EXPECT_EQ(decode_text("\xFF\xFE\x3D\xD8\x00\xDE"s, "").text, "😀");
  EXPECT_EQ(decode_text("\xFF\xFE\x3D\xD8"s, "").text, "\xEF\xBF\xBD") << "half a pair";
  EXPECT_EQ(decode_text("h\0e\0l\0l\0o\0"s, "").text, "hello");
  EXPECT_EQ(decode_text("caf\xE9 \x80 \x93q\x94", "").text, "café € “q”");
  EXPECT_EQ(decode_text("\xEF\xF0\xE8", "windows-1251").text, "при");
  EXPECT_EQ(decode_text("\x93\xFA\x96\x7B", "Shift_JIS").text, "日本");
  EXPECT_EQ(decode_text("plain", "no-such-charset").text, "plain");
}

TEST(Text, InvisibleAndControlCharactersFallAway) {
  EXPECT_EQ(shown(parse_text("so\xC2\xAD"
                             "ft ze\xE2\x80\x8Bro a\x01"
                             "b c\xC2\xA0"
                             "d\x7F",
                             {})),
            "P soft zero ab c d");
  expect_sound(parse_text(std::string("\0\x1b[31mred\x85\xff\xfe", 12), {}));
}

TEST(Text, TheLimitIsAnError) {
  document::Limits limits;
  limits.text_bytes = 10;
  EXPECT_EQ(parse_text("12345\n\n1234", limits).error().reason, "document_too_large");
  EXPECT_TRUE(parse_text("12345\n\n123", limits).has_value());
}

}  // namespace
}  // namespace strata::worker
