// What a schema, a grammar or an output may cost, by counted work and sizes.
#include <gtest/gtest.h>

#include "model/grammar/builder.h"
#include "model/grammar/grammar.h"
#include "model/grammar/schemas.h"

namespace strata::grammar {
namespace {

std::string schema_refusal(const std::string& text) {
  auto grammar = compile_json_schema(Json::parse(text).value(), "schema");
  return grammar ? "" : grammar.error().message;
}

std::string repeated(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

// {"KEY": [item(0), …]}
template <class Item>
std::string listed(const std::string& key, int count, Item item) {
  std::string out = "{\"" + key + "\":[";
  for (int i = 0; i < count; ++i) out += (i > 0 ? "," : "") + item(i);
  return out + "]}";
}

std::shared_ptr<const TokenTrie> letters() {
  std::vector<std::string> pieces;
  for (int b = 0; b < 256; ++b) pieces.push_back(std::string(1, static_cast<char>(b)));
  return std::make_shared<const TokenTrie>(pieces, std::vector<int32_t>());
}

TEST(SchemaLimitsTest, ReferencesThatDoubleAtEachLevelAreRefusedInsteadOfFollowed) {
  std::string defs;
  for (int i = 1; i <= 31; ++i) {
    const std::string next = R"({"$ref":"#/$defs/a)" + std::to_string(i + 1) + "\"}";
    defs += "\"a" + std::to_string(i) + R"(":{"allOf":[)" + next + "," + next + "]},";
  }
  const std::string schema = R"({"allOf":[{"$ref":"#/$defs/a1"},{"$ref":"#/$defs/a1"}],"$defs":{)" + defs + R"("a32":{"type":"string"}}})";
  EXPECT_NE(schema_refusal(schema).find("too complex"), std::string::npos);
  EXPECT_NE(schema_refusal(R"({"oneOf":[)" + schema + "," + schema + "]}").find("leads nowhere"), std::string::npos);
}

TEST(SchemaLimitsTest, WhatOnlyComparingAllWithAllCouldTellIsRefused) {
  auto text = [](const char* begin) { return [begin](int i) { return "\"" + std::string(begin) + std::to_string(i) + "\""; }; };
  EXPECT_NE(schema_refusal(R"({"oneOf":[)" + listed("enum", 5000, text("a")) + "," + listed("enum", 5000, text("b")) + "]}").find("too complex"),
            std::string::npos);
  EXPECT_NE(schema_refusal(R"({"type":"object","allOf":[)" + listed("required", 5000, text("a")) + "," + listed("required", 5000, text("b")) + "]}")
                .find("too complex"),
            std::string::npos);
  EXPECT_NE(schema_refusal(listed("oneOf", 2000, [](int i) { return R"({"const":)" + std::to_string(i) + "}"; })).find("oneOf: more than"), std::string::npos);
  EXPECT_EQ(schema_refusal(R"({"oneOf":[)" + listed("enum", 500, text("a")) + "," + listed("enum", 500, text("b")) + "]}"), "");
  EXPECT_EQ(schema_refusal(listed("oneOf", 300, [](int i) { return R"({"const":)" + std::to_string(i) + "}"; })), "");
  EXPECT_EQ(schema_refusal(R"({"type":"object",)" + listed("required", 2000, text("name")).substr(1)), "");
}

TEST(SchemaLimitsTest, ASchemaOfMoreBytesThanTheLimitIsRefused) {
  EXPECT_NE(schema_refusal(R"({"const":")" + std::string(kSchemaBytesMost, 'x') + "\"}").find("more than 256 KiB"), std::string::npos);
  EXPECT_EQ(schema_refusal(R"({"const":")" + std::string(kSchemaBytesMost / 4, 'x') + "\"}"), "");
}

TEST(SchemaLimitsTest, FunctionsOfOneRequestShareTheLimits) {
  const Json large = Json::object({{"const", std::string(kSchemaBytesMost / 3, 'x')}});
  EXPECT_TRUE(compile_calls({{"a", large, "tools[0]"}, {"b", large, "tools[1]"}}, false, 1));
  EXPECT_FALSE(compile_calls({{"a", large, "tools[0]"}, {"b", large, "tools[1]"}, {"c", large, "tools[2]"}}, false, 1));
}

TEST(SchemaLimitsTest, EscapesInAReferenceAreReadOnce) { EXPECT_EQ(schema_refusal(R"({"$ref":"#/$defs/a~01b~1c","$defs":{"a~1b/c":{"type":"string"}}})"), ""); }

TEST(BuilderTest, NoPartIsMadePastTheLimitOfNodes) {
  const std::string much(3 * kNodesMost, 'x');
  Builder one, all, many, sets;
  one.text(much);
  EXPECT_EQ(one.size(), kNodesMost + 1);
  all.texts({much, "y" + much});
  EXPECT_EQ(all.size(), kNodesMost + 1);
  const uint32_t rule = many.rule(many.bytes('a', 'z'));
  for (int i = 0; i < 300; ++i) many.repeat(rule, kRepeatMost, kRepeatMost);
  EXPECT_EQ(many.size(), kNodesMost + 1);
  for (int i = 0; i < 300'000; ++i) sets.code_points({{0x800, 0x10ffff}});
  EXPECT_EQ(sets.size(), kNodesMost + 1);
  EXPECT_NE(one.finish({0, 0}, "it").error().message.find("too large"), std::string::npos);
}

TEST(GbnfLimitsTest, RepetitionsThatMultiplyAreRefused) {
  const auto grammar = compile_gbnf("root ::= " + repeated(".{4096}", 2800), "grammar");
  ASSERT_FALSE(grammar);
  EXPECT_NE(grammar.error().message.find("too large"), std::string::npos);
  EXPECT_FALSE(compile_choices({std::string(3'000'000, 'x')}, "choices"));
}

TEST(MatcherLimitsTest, StacksThatNothingStandsOnAreForgotten) {
  const auto grammar = compile_gbnf("root ::= (\"b\"" + repeated(" | x", 2000) + ") root \"z\" | \"e\"\nx ::= \"b\"", "grammar");
  ASSERT_TRUE(grammar);
  Matcher matcher(*grammar, letters());
  std::string text;
  for (int i = 0; i < 300; ++i) {
    matcher.mask();
    ASSERT_TRUE(matcher.accept('b')) << i;
    ASSERT_LT(matcher.held(), 200'000u) << i;     // 2,000 a token are made
  }
  EXPECT_TRUE(matcher.accept('e'));
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(matcher.accept('z')) << i;   // what it stood on was kept
  EXPECT_TRUE(matcher.must_end());
}

TEST(MatcherLimitsTest, AStepThatCostMuchChecksNoMoreGuesses) {
  const auto grammar = compile_regex("(?:a?b?){0,400}c", "regex");
  ASSERT_TRUE(grammar);
  Matcher matcher(*grammar, letters());
  for (int step = 0; step < 3; ++step) {
    matcher.begin_step();
    const size_t before = matcher.work();
    int guesses = 0;
    for (; !matcher.tired() && guesses < 1000; ++guesses) {
      matcher.mask();
      ASSERT_TRUE(matcher.accept('a'));
    }
    EXPECT_GT(guesses, 1);
    EXPECT_LT(guesses, 200);
    EXPECT_LT(matcher.work() - before, Matcher::kStepWorkMost + 100'000);
    EXPECT_FALSE(matcher.overflowed());
  }
}

TEST(MatcherLimitsTest, AnOutputThatIsDearAtEachTokenEnds) {
  const auto grammar = compile_regex("(?:[a-z]?){0,700}!", "regex");
  ASSERT_TRUE(grammar);
  Matcher matcher(*grammar, letters());
  int tokens = 0;
  for (; !matcher.overflowed() && tokens < 2000; ++tokens) {
    matcher.mask();
    matcher.accept('a');
  }
  EXPECT_TRUE(matcher.overflowed());
  EXPECT_GT(tokens, 10);
  EXPECT_LT(matcher.work(), Matcher::kOutputWorkMost + 2000 * Matcher::kTokenWorkMost);
  EXPECT_FALSE(matcher.accept('a'));
}

TEST(MatcherLimitsTest, JudgingALongTextKeepsFewStates) {
  const auto grammar = compile_gbnf("root ::= \"[\" root? \"]\"", "grammar");
  ASSERT_TRUE(grammar);
  Matcher matcher(*grammar, letters());
  for (int i = 0; i < 40'000; ++i) {
    ASSERT_TRUE(matcher.accept('['));
    ASSERT_LT(matcher.held(), 250'000u);
  }
  for (int i = 0; i < 40'000; ++i) ASSERT_TRUE(matcher.accept(']'));
  EXPECT_TRUE(matcher.must_end());
}

}  // namespace
}  // namespace strata::grammar
