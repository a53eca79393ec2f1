#include "model/grammar/grammar.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace strata::grammar {
namespace {

// Every byte is a token, and some words of several bytes.
std::shared_ptr<const TokenTrie> trie() {
  std::vector<std::string> pieces;
  for (int b = 0; b < 256; ++b) pieces.push_back(std::string(1, static_cast<char>(b)));
  pieces.push_back("");  // 256: the end, no text
  for (const char* word : {"{\"", "\":", "\", \"", "name", "true", "false", "null", "\"}", "12", "}]", "é", ", ", "\": \"", "aaa"}) pieces.push_back(word);
  return std::make_shared<TokenTrie>(pieces, std::vector<int32_t>{256});
}

std::shared_ptr<const Grammar> schema(const std::string& text) {
  auto grammar = compile_json_schema(Json::parse(text).value(), "schema");
  EXPECT_TRUE(grammar) << grammar.error().message;
  return grammar ? *grammar : nullptr;
}

bool matches(const std::shared_ptr<const Grammar>& grammar, std::string_view text) {
  Matcher matcher(grammar, trie());
  for (const char c : text) {
    if (!matcher.accept(static_cast<unsigned char>(c))) return false;
  }
  return matcher.may_end();
}

std::string refusal(const std::string& text) {
  auto grammar = compile_json_schema(Json::parse(text).value(), "schema");
  return grammar ? "" : grammar.error().message;
}

#define EXPECT_MATCH(grammar, text) EXPECT_TRUE(matches(grammar, text)) << text
#define EXPECT_NO_MATCH(grammar, text) EXPECT_FALSE(matches(grammar, text)) << text

// Draws tokens at random from the mask, as a model with random logits would, and prefers an end more and more.
std::string random_output(const std::shared_ptr<const Grammar>& grammar, Random& random, int most) {
  const auto tokens = trie();
  Matcher matcher(grammar, tokens);
  std::string out;
  for (int i = 0; i < most; ++i) {
    const std::vector<uint64_t>& mask = matcher.mask();
    std::vector<int32_t> allowed;
    for (size_t id = 0; id < tokens->vocabulary(); ++id) {
      if (mask[id / 64] >> id % 64 & 1) allowed.push_back(static_cast<int32_t>(id));
    }
    EXPECT_FALSE(allowed.empty()) << "a dead end after " << out;
    if (allowed.empty()) return out;
    EXPECT_EQ(matcher.may_end(), std::count(allowed.begin(), allowed.end(), 256) == 1);
    if (matcher.may_end() && (matcher.must_end() || random.below(3) == 0)) return out;
    // Structure is drawn more often than the text of strings, so that outputs end.
    int32_t token = allowed[random.below(allowed.size())];
    for (const char c : {'"', '}', ']'}) {
      const bool possible = std::count(allowed.begin(), allowed.end(), static_cast<unsigned char>(c)) > 0;
      if (possible && random.below(4) == 0) token = static_cast<unsigned char>(c);
    }
    if (token == 256) return out;
    EXPECT_TRUE(matcher.accept(token));
    out += tokens->piece(token);
  }
  return "";
}

TEST(GrammarTest, AnObjectHasItsPropertiesInOrderAndOptionalOnesMayBeLeftOut) {
  const auto g = schema(R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"},"c":{"type":"boolean"}},"required":["b"]})");
  EXPECT_MATCH(g, R"({"a": 1, "b": "x", "c": true})");
  EXPECT_MATCH(g, R"({"b":"x"})");
  EXPECT_MATCH(g, R"({"b":"x","c":false})");
  EXPECT_NO_MATCH(g, R"({"a":1})");
  EXPECT_NO_MATCH(g, R"({"b":"x","a":1})");
  EXPECT_NO_MATCH(g, R"({"b":"x","d":1})");
  EXPECT_NO_MATCH(g, R"({"b":"x",})");
}

TEST(GrammarTest, StringsAreValidJsonAndUtf8WithTheirLengthInCodePoints) {
  const auto g = schema(R"({"type":"string","minLength":2,"maxLength":3})");
  EXPECT_MATCH(g, "\"ab\"");
  EXPECT_MATCH(g, "\"äöü\"");
  EXPECT_MATCH(g, "\"😀\\n\"");
  EXPECT_NO_MATCH(g, "\"a\"");
  EXPECT_NO_MATCH(g, "\"abcd\"");
  EXPECT_NO_MATCH(g, "\"a\nb\"");
  EXPECT_NO_MATCH(g, "\"\xC0\xAF\"");
  EXPECT_NO_MATCH(g, "\"\xED\xA0\x80z\"");
  EXPECT_NO_MATCH(g, "\"\\q1\"");
}

TEST(GrammarTest, EveryCodePointAndNoOtherByteSequenceIsACharacter) {
  const auto any = compile_regex(".|\n|\r|\\u2028|\\u2029", "pattern").value();
  for (uint32_t c = 0; c <= 0x10ffff; c += c < 0x900 ? 1 : 97) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    std::string text;
    if (c < 0x80) text = std::string(1, static_cast<char>(c));
    else if (c < 0x800) text = {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
    else if (c < 0x10000) text = {static_cast<char>(0xe0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
    else
      text = {static_cast<char>(0xf0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 63)), static_cast<char>(0x80 | (c >> 6 & 63)),
              static_cast<char>(0x80 | (c & 63))};
    ASSERT_TRUE(matches(any, text)) << c;
  }
  for (const char* wrong : {"\x80", "\xC1\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3"})
    EXPECT_NO_MATCH(any, wrong);
}

TEST(GrammarTest, IntegersKeepTheirBounds) {
  for (const auto& [low, high] : std::vector<std::pair<int, int>>{{0, 9}, {-5, 5}, {17, 123}, {-200, -7}, {99, 1001}, {5, 5}, {-1, 0}}) {
    const auto g = schema(R"({"type":"integer","minimum":)" + std::to_string(low) + R"(,"maximum":)" + std::to_string(high) + "}");
    for (int i = -1100; i <= 1100; ++i) ASSERT_EQ(matches(g, std::to_string(i)), low <= i && i <= high) << i << " in " << low << ".." << high;
    EXPECT_NO_MATCH(g, "007");
    EXPECT_NO_MATCH(g, "-0");
  }
  const auto excluded = schema(R"({"type":"integer","exclusiveMinimum":3,"exclusiveMaximum":6})");
  for (int i = 0; i < 9; ++i) EXPECT_EQ(matches(excluded, std::to_string(i)), i == 4 || i == 5);
}

TEST(GrammarTest, NumbersInsideBoundsNeverLeaveThem) {
  const auto g = schema(R"({"type":"number","minimum":-1.5,"exclusiveMaximum":2})");
  for (const char* in : {"-1", "0", "1", "0.5", "1.999", "-0.5", "-1"}) EXPECT_MATCH(g, in);
  for (const char* out : {"2", "2.0", "-1.6", "-2", "3.5", "1e3", "-1.7"}) EXPECT_NO_MATCH(g, out);
  const auto unit = schema(R"({"type":"number","minimum":0.2,"maximum":0.75})");
  EXPECT_MATCH(unit, "0.200");
  EXPECT_MATCH(unit, "0.750");
  EXPECT_NO_MATCH(unit, "0.199");
  EXPECT_NO_MATCH(unit, "0.751");
  EXPECT_NO_MATCH(unit, "1");
}

TEST(GrammarTest, ArraysKeepTheirCountsAndTuplesTheirOrder) {
  const auto g = schema(R"({"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":3})");
  EXPECT_MATCH(g, "[true]");
  EXPECT_MATCH(g, "[true,false, true]");
  EXPECT_NO_MATCH(g, "[]");
  EXPECT_NO_MATCH(g, "[true,true,true,true]");
  const auto tuple = schema(R"({"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"items":false,"minItems":1})");
  EXPECT_MATCH(tuple, R"(["a"])");
  EXPECT_MATCH(tuple, R"(["a",1])");
  EXPECT_NO_MATCH(tuple, "[]");
  EXPECT_NO_MATCH(tuple, R"(["a",1,2])");
}

TEST(GrammarTest, ReferencesMayRecurse) {
  const auto g = schema(R"({"$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}},
    "required":["v","next"]}},"$ref":"#/$defs/n"})");
  EXPECT_MATCH(g, R"({"v":1,"next":{"v":2,"next":null}})");
  EXPECT_NO_MATCH(g, R"({"v":1,"next":{"v":2}})");
  EXPECT_NE(refusal(R"({"$ref":"#"})").find("nothing can match"), std::string::npos);
  EXPECT_NE(refusal(R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})").find("leads back to itself"), std::string::npos);
  EXPECT_NE(refusal(R"({"$ref":"#/$defs/x"})").find("leads nowhere"), std::string::npos);
}

TEST(GrammarTest, EnumerationsConstantsAndTypesAreTakenTogether) {
  const auto g = schema(R"({"type":"string","enum":["red","green",3]})");
  EXPECT_MATCH(g, "\"red\"");
  EXPECT_NO_MATCH(g, "3");
  EXPECT_MATCH(schema(R"({"const":{"a":[1,null]}})"), R"({"a":[1,null]})");
}

TEST(GrammarTest, PatternsSearchUnlessAnchoredAndAreWrittenAsJson) {
  const auto g = schema(R"({"type":"string","pattern":"^[A-Z]{2}-\\d+$"})");
  EXPECT_MATCH(g, "\"AB-12\"");
  EXPECT_NO_MATCH(g, "\"AB-\"");
  EXPECT_NO_MATCH(g, "\"xAB-12\"");
  EXPECT_MATCH(schema(R"({"type":"string","pattern":"b+"})"), "\"abc\"");
  EXPECT_MATCH(schema(R"({"type":"string","pattern":"^\"\\n$"})"), R"("\"\n")");
}

TEST(GrammarTest, AdditionalPropertiesNeverTakeAListedName) {
  const auto g = schema(R"({"type":"object","properties":{"id":{"type":"integer"}},"required":["id"],"additionalProperties":{"type":"string"}})");
  EXPECT_MATCH(g, R"({"id":1,"idx":"a","i":"b","":"c"})");
  EXPECT_NO_MATCH(g, R"({"id":1,"id":"a"})");
  EXPECT_NO_MATCH(g, R"({"id":1,"x":2})");
}

TEST(GrammarTest, NamesMayBeGivenByAPatternAndOldListsOfItemsAreTuples) {
  const auto g = schema(R"({"type":"object","properties":{"id":{"type":"integer"}},"patternProperties":{"^x-":{"type":"string"}}})");
  EXPECT_MATCH(g, R"({"id":1,"x-a":"b","x-c":"d"})");
  EXPECT_NO_MATCH(g, R"({"id":1,"y":"b"})");
  EXPECT_NO_MATCH(g, R"({"x-a":1})");
  EXPECT_NE(refusal(R"({"properties":{"x-id":{}},"patternProperties":{"^x-":{"type":"string"}}})").find("'x-id' matches a pattern too"), std::string::npos);
  const auto tuple = schema(R"({"type":"array","items":[{"type":"string"},{"type":"integer"}],"additionalItems":false,"minItems":2})");
  EXPECT_MATCH(tuple, R"(["a",1])");
  EXPECT_NO_MATCH(tuple, R"(["a",1,2])");
}

TEST(GrammarTest, AllOfIsMergedAndOneOfMustExclude) {
  const auto g =
      schema(R"({"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"null"}},"required":["b"]}]})");
  EXPECT_MATCH(g, R"({"a":1,"b":null})");
  EXPECT_NO_MATCH(g, R"({"a":1})");
  const auto one = schema(R"({"oneOf":[{"type":"object","properties":{"k":{"const":"x"},"v":{"type":"integer"}},"required":["k","v"]},
    {"type":"object","properties":{"k":{"const":"y"}},"required":["k"]}]})");
  EXPECT_MATCH(one, R"({"k":"x","v":1})");
  EXPECT_MATCH(one, R"({"k":"y"})");
  EXPECT_NO_MATCH(one, R"({"k":"y","v":1})");
  EXPECT_NE(refusal(R"({"oneOf":[{"type":"integer"},{"type":"number"}]})").find("oneOf"), std::string::npos);
}

TEST(GrammarTest, WhatCannotBeEnforcedIsRefusedByNameAndPlace) {
  EXPECT_NE(refusal(R"({"type":"object","properties":{"a":{"not":{"type":"null"}}}})").find("at /properties/a: the keyword 'not' cannot be enforced"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"type":"array","uniqueItems":true})").find("uniqueItems"), std::string::npos);
  EXPECT_NE(refusal(R"({"type":"strin"})").find("the nearest is 'string'"), std::string::npos);
  EXPECT_NE(refusal(R"({"type":"string","pattern":"(?=a)b"})").find("look-around"), std::string::npos);
  EXPECT_NE(refusal(R"({"type":"integer","minimum":5,"maximum":4})").find("nothing can match"), std::string::npos);
}

TEST(GrammarTest, RegularExpressionsMatchTheWholeOutput) {
  const auto g = compile_regex("(?:yes|no)(, (certainly|perhaps))?!{1,3}", "regex").value();
  EXPECT_MATCH(g, "yes, perhaps!!");
  EXPECT_MATCH(g, "no!");
  EXPECT_NO_MATCH(g, "no");
  EXPECT_NO_MATCH(g, "no!!!!");
  EXPECT_MATCH(compile_choices({"billing", "bills"}, "choices").value(), "bills");
}

TEST(GrammarTest, RandomDrawsFromTheMaskAlwaysEndAndAreValid) {
  const std::string all =
      R"({"type":"object","properties":{"name":{"type":"string","minLength":1,"maxLength":12},"age":{"type":"integer","minimum":0,"maximum":130},
    "score":{"type":"number"},"tags":{"type":"array","items":{"enum":["a","b","é"]},"maxItems":3},"free":{},"deep":{"$ref":"#/$defs/t"},
    "code":{"type":"string","pattern":"^[a-c]{2}\\d?$"}},"required":["name","age","tags"],"additionalProperties":{"type":"boolean"},
    "$defs":{"t":{"type":"object","properties":{"l":{"$ref":"#/$defs/t"},"r":{"$ref":"#/$defs/t"}},"additionalProperties":false}}})";
  const auto g = schema(all);
  Random random(77);
  int ended = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string out = random_output(g, random, 4000);
    if (out.empty()) continue;
    ++ended;
    const auto json = Json::parse(out, {.depth = 4000});
    ASSERT_TRUE(json) << out << "\n" << json.error().message;
    const Json& age = (*json)["age"];
    ASSERT_TRUE(age.is_int() && *age.to_int("") >= 0 && *age.to_int("") <= 130) << out;
    ASSERT_TRUE((*json)["name"].is_string() && (*json)["tags"].is_array()) << out;
    ASSERT_LE((*json)["tags"].size(), 3u);
  }
  EXPECT_GT(ended, 250);
}

TEST(GrammarTest, AFormatThatIsInTooManyPlacesAtOnceEndsInsteadOfStalling) {
  std::string pattern;
  for (int i = 0; i < 30; ++i) pattern += "(a|b)?(a*b*){0,40}(ab?){0,40}";
  auto g = compile_regex(pattern + "c", "regex");
  ASSERT_TRUE(g) << g.error().message;
  Matcher matcher(*g, trie());
  for (int i = 0; i < 50 && !matcher.overflowed(); ++i) {
    matcher.mask();
    matcher.accept('a');
  }
  if (matcher.overflowed()) {
    EXPECT_FALSE(matcher.may_end());
  }
  // Any text, in so many ways that each byte is at thousands of places: the mask gives up instead of holding up every other request.
  const auto wide = compile_regex("(?:(?:.{0,4000}){0,4000}){0,4000}x", "regex");
  ASSERT_TRUE(wide);
  Matcher stuck(*wide, trie());
  for (int i = 0; i < 30 && !stuck.overflowed(); ++i) {
    stuck.mask();
    stuck.accept('b');
  }
  EXPECT_TRUE(stuck.overflowed());
  for (const uint64_t word : stuck.mask()) EXPECT_EQ(word, 0u);
  std::string many = R"({"enum":[)";
  for (int i = 0; i < 9000; ++i) many += "\"value number " + std::to_string(i) + "\",";
  many.back() = ']';
  const auto listed = schema(many + "}");
  EXPECT_MATCH(listed, "\"value number 8123\"");
  EXPECT_NO_MATCH(listed, "\"value number 9123\"");
}

TEST(GrammarTest, AMaskAgreesWithTryingEveryToken) {
  const auto tokens = trie();
  const auto g = schema(R"({"type":"object","properties":{"name":{"type":"string"},"n":{"type":"integer"}},"required":["name"]})");
  Random random(5);
  for (int round = 0; round < 20; ++round) {
    Matcher matcher(g, tokens);
    for (int i = 0; i < 30 && !matcher.must_end(); ++i) {
      const std::vector<uint64_t> mask = matcher.mask();
      std::vector<int32_t> allowed;
      for (size_t id = 0; id < tokens->vocabulary(); ++id) {
        Matcher other(matcher);
        const bool fits = id == 256 ? matcher.may_end() : other.accept(static_cast<int32_t>(id));
        ASSERT_EQ(fits, (mask[id / 64] >> id % 64 & 1) != 0) << "token " << id;
        if (fits && id != 256) allowed.push_back(static_cast<int32_t>(id));
      }
      if (allowed.empty()) break;
      matcher.accept(allowed[random.below(allowed.size())]);
    }
  }
}

std::shared_ptr<const Grammar> gbnf(const std::string& text) {
  auto grammar = compile_gbnf(text, "grammar");
  EXPECT_TRUE(grammar) << grammar.error().message;
  return grammar ? *grammar : nullptr;
}

std::string gbnf_refusal(const std::string& text) {
  auto grammar = compile_gbnf(text, "grammar");
  return grammar ? "" : grammar.error().message;
}

TEST(GbnfTest, LiteralsSetsGroupsAndRepetitionsMatchAsWritten) {
  const auto g = gbnf("root ::= \"a\\n\" [x-z\\]]+ ( \"é\" | [^a-z\\n] ){1,2} .?  # a comment\n  end{,1}\nend ::= \"\\u0041\\x42\"");
  EXPECT_MATCH(g, "a\nxé");
  EXPECT_MATCH(g, "a\nz]yéQ☃AB");
  EXPECT_MATCH(g, "a\nx9AB");
  EXPECT_NO_MATCH(g, "a\né");
  EXPECT_NO_MATCH(g, "a\nxABAB!");
}

TEST(GbnfTest, ARuleMayBeginWithItself) {
  const auto g = gbnf("root ::= root \"+\" term | root \"-\" term | term\nterm ::= [0-9]+ | \"(\" root \")\"");
  EXPECT_MATCH(g, "1");
  EXPECT_MATCH(g, "1+23-(4-5)");
  EXPECT_NO_MATCH(g, "1+");
  EXPECT_NO_MATCH(g, "(1");
}

TEST(GbnfTest, BracketsNestWithoutEndAndLongListsNeedNoStack) {
  const auto brackets = gbnf("root ::= \"[\" root? \"]\"");
  EXPECT_MATCH(brackets, std::string(500, '[') + std::string(500, ']'));
  EXPECT_NO_MATCH(brackets, std::string(500, '[') + std::string(499, ']'));
  const auto list = gbnf("root ::= \"a\" root | \"a\"");
  EXPECT_MATCH(list, std::string(30'000, 'a'));
}

TEST(GbnfTest, WhatIsWrongIsNamedWithItsPlace) {
  EXPECT_NE(gbnf_refusal("root ::= itme\nitem ::= \"x\"").find("line 1, column 10: no rule is named 'itme'; did you mean 'item'?"), std::string::npos);
  EXPECT_NE(gbnf_refusal("item ::= \"x\"").find("needs a rule 'root'"), std::string::npos);
  EXPECT_NE(gbnf_refusal("root ::= \"x").find("a literal that is not closed"), std::string::npos);
  EXPECT_NE(gbnf_refusal("root ::= (\"x\"").find("line 1, column 10: a '(' that is not closed"), std::string::npos);
  EXPECT_NE(gbnf_refusal("root ::= \"x\" )").find("without its '('"), std::string::npos);
  EXPECT_NE(gbnf_refusal("root ::= \"x\"\nroot ::= \"y\"").find("line 2, column 1: rule 'root' is defined twice"), std::string::npos);
  EXPECT_NE(gbnf_refusal("root ::= \"x\"{3,2}").find("a count that falls"), std::string::npos);
  EXPECT_NE(gbnf_refusal("root ::= [z-a]").find("a range that falls"), std::string::npos);
  EXPECT_NE(gbnf_refusal("root ::= \"\\q\"").find("an escape that is not known: \\q"), std::string::npos);
  EXPECT_NE(gbnf_refusal("root ::= a\na ::= b \"x\"\nb ::= \"y\"? a").find("rule 'a' can begin with itself by way of"), std::string::npos);
  EXPECT_NE(gbnf_refusal("root ::= \"a\" root").find("nothing can match"), std::string::npos);
  EXPECT_NE(gbnf_refusal("root ::= root").find("nothing can match"), std::string::npos);
}

TEST(GbnfTest, RandomOutputsOfAGrammarAreInItsLanguage) {
  const auto g = gbnf("root ::= list\nlist ::= \"[\" (item (\", \" item)*)? \"]\"\nitem ::= list | \"true\" | \"null\" | [1-9] [0-9]{0,3}");
  Random random(11);
  int ended = 0;
  for (int i = 0; i < 60; ++i) {
    const std::string text = random_output(g, random, 200);
    if (text.empty()) continue;
    ++ended;
    EXPECT_TRUE(Json::parse(text)) << text;
  }
  EXPECT_GT(ended, 20);
}

TEST(MatcherTest, WhatAloneMayComeIsForeseenInTheLongestTokensAndChangesNothing) {
  Matcher matcher(schema(R"({"type":"object","properties":{"name":{"enum":["true"]}},"required":["name"],"additionalProperties":false})"), trie());
  const auto tokens = trie();
  const std::vector<uint64_t> before = matcher.mask();
  std::string text;
  for (const int32_t id : matcher.forced(100)) text += tokens->piece(id);
  EXPECT_EQ(text, "{\"name\":");                      // a blank may come next, or none
  EXPECT_EQ(matcher.forced(1).size(), 1u);
  EXPECT_EQ(tokens->piece(matcher.forced(1)[0]), "{\"");
  EXPECT_EQ(matcher.mask(), before);
  for (const int32_t id : matcher.forced(100)) ASSERT_TRUE(matcher.accept(id));
  EXPECT_TRUE(matcher.forced(8).empty());
  Matcher free(gbnf("root ::= \"a\"*"), trie());
  EXPECT_TRUE(free.forced(8).empty());                   // an end may come too
}

}  // namespace
}  // namespace strata::grammar
