#include "base/yaml.h"

#include <gtest/gtest.h>

namespace strata::yaml {
namespace {

std::string message_of(std::string_view text, const Limits& limits = {}) {
  auto document = parse(text, limits);
  return document ? "parsed: " + document->value.dump() : document.error().message;
}
std::string json_of(std::string_view text) { return message_of(text).substr(0, 8) == "parsed: " ? message_of(text).substr(8) : message_of(text); }

TEST(Yaml, PlainScalarsMeanWhatYaml12SaysAndQuotesMakeStrings) {
  EXPECT_EQ(json_of("[true, False, null, ~, 12, -7, +3, 0o17, 0xff, 007]"), "[true,false,null,null,12,-7,3,15,255,7]");
  EXPECT_EQ(json_of("[3.0, .5, -1e3, 1., 12e-1]"), "[3.0,0.5,-1000.0,1.0,1.2]");
  EXPECT_EQ(json_of("[yes, no, on, OFF, y, 2026-11-22, 1_000, 1:30, 0b1, e5, '-', ' ', '12', \"true\"]"),
            R"(["yes","no","on","OFF","y","2026-11-22","1_000","1:30","0b1","e5","-"," ","12","true"])");
  EXPECT_EQ(json_of("[9223372036854775807, -9223372036854775808, 18446744073709551615]"), "[9223372036854775807,-9223372036854775808,18446744073709551615]");
}

TEST(Yaml, TextKeepsItsLines) {
  EXPECT_EQ(json_of("a: |\n  one\n  two\nb: >\n  folded\n  line\nc: \"x\\ny\"\n"), R"({"a":"one\ntwo\n","b":"folded line\n","c":"x\ny"})");
  EXPECT_EQ(json_of(""), "null");
  EXPECT_EQ(json_of("\xEF\xBB\xBFname: x"), R"({"name":"x"})");
  EXPECT_EQ(json_of("{\"a\": [1, {\"b\": \"c\"}],\n\t\"d\": null}"), R"({"a":[1,{"b":"c"}],"d":null})");
}

TEST(Yaml, EveryNodeHasItsPlace) {
  auto document = parse("name: Copilot\nlist:\n  - one\n  - deep: 5\nempty:\nlast: [1,\n  2]\n");
  ASSERT_TRUE(document) << document.error().message;
  auto line = [&](std::string_view path) { return document->at(path).line * 100 + document->at(path).column; };
  EXPECT_EQ(line("name"), 107);
  EXPECT_EQ(line("list[0]"), 305);
  EXPECT_EQ(line("list[1].deep"), 411);
  EXPECT_EQ(document->at("list[1].deep").key_line, 4);
  EXPECT_EQ(line("empty"), 501);
  EXPECT_EQ(line("last[1]"), 703);
  EXPECT_EQ(line("list[7].nothing"), 303) << "what is absent is looked for at its parent";
}

TEST(Yaml, WhatIsRefusedNamesLineAndColumn) {
  EXPECT_EQ(message_of("a: 1\nb: 2\na: 3\n"), "line 3, column 1: the key 'a' stands twice in this mapping: keep one");
  EXPECT_EQ(message_of("a: &x 1\nb: *x\n"), "line 1, column 4: anchors (&name) are not allowed: write the value out where it is needed");
  EXPECT_EQ(message_of("b: *x\n"), "line 1, column 4: aliases (*name) are not allowed: write the value out");
  EXPECT_EQ(message_of("b: !!int 3\n"), "line 1, column 4: tags (!type) are not allowed: quotes make a string, plain words do the rest");
  EXPECT_EQ(message_of("? [a]\n: 1\n"), "line 1, column 3: expected a key (a word or a quoted text) before ':'");
  EXPECT_EQ(message_of("a: 1\n---\nb: 2\n"), "line 2, column 1: expected one document, got a second one");
  EXPECT_EQ(message_of("a: .inf"), "line 1, column 4: expected a finite number, got .inf");
  EXPECT_EQ(message_of("a: 1e999"), "line 1, column 4: expected a number that a double can hold, got 1e999");
  EXPECT_EQ(message_of("a: 99999999999999999999").substr(0, 60), "line 1, column 4: expected an integer of at most 64 bits, go");
  EXPECT_EQ(message_of("a: 1\nb: \xFF\n"), "line 2, column 1: expected UTF-8 text, got a byte that is not");
  EXPECT_EQ(message_of("a: b: c").substr(0, 16), "line 1, column 5");
  EXPECT_EQ(message_of("a: [1\nb: 2").substr(0, 7), "line 2,");
  EXPECT_EQ(message_of("\tx: 1").substr(0, 7), "line 1,");
}

TEST(Yaml, LimitsHold) {
  EXPECT_EQ(message_of("[1, 2, 3]", {.nodes = 3}), "line 1, column 8: expected at most 3 values");
  EXPECT_EQ(message_of("[[[1]]]", {.depth = 2}), "line 1, column 4: expected at most 2 levels");
  EXPECT_EQ(message_of("abcdef", {.bytes = 5}), "expected at most 5 B, got 6 B");
  EXPECT_FALSE(parse(std::string(100'000, '[')));
  EXPECT_FALSE(parse(std::string(1'000, '{')));
}

TEST(Yaml, WhatIsWrittenReadsBackAsTheSame) {
  const char* texts[] = {
      R"({"a":"true","b":"12","c":"null","d":"~","e":"","f":" x","g":"x: y","h":"a #b","i":"- a","j":"1.5","k":"line\nline\n","l":"ä € 😀"})",
      R"({"list":[1,2.5,-3,[],{},[[1],[]],{"a":{"b":[{"c":1},{"d":"e"}]}}],"empty":"","tab":"a\tb","nul":"a\u0000b","del":"\u007f\u0085\u2028\ufeff"})",
      R"(["a",["b"],{"c":null}])",
      R"("just text")",
      "{}",
      "[]",
      "18446744073709551615",
      R"({"":"","true":1,"a b":2,"- x":3})",
      R"({"k":"first\n\n  indented\nlast\n","m":"\n\n","n":"a\n\n","o":" lead\nx\n","p":"x\r\ny"})",
      R"({"a":"0x1F","b":"1e5","c":"=","d":"a'b","e":"it's, \"so\""})"};
  for (const char* text : texts) {
    Json value = *Json::parse(text);
    std::string written = dump(value);
    auto again = parse(written);
    ASSERT_TRUE(again) << written << again.error().message;
    EXPECT_EQ(again->value.dump(), value.dump()) << written;
  }
}

TEST(Yaml, CommentsStandBehindTheirMembers) {
  Json value = *Json::parse(R"({"name":"Support Copilot","list":["text","document"],"part":{"x":3.0}})");
  std::string written = dump(value, [](std::string_view path) { return path == "list" ? "text, image" : path == "part.x" ? "seconds" : ""; });
  EXPECT_EQ(written, "name: Support Copilot\nlist:  # text, image\n  - text\n  - document\npart:\n  x: 3.0  # seconds\n");
}

}  // namespace
}  // namespace strata::yaml
