#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/grammar/grammar.h"

namespace strata::grammar {
namespace {

using testing::HasSubstr;

std::vector<Function> functions() {
  return {{"add",
           Json::parse(R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a","b"],"additionalProperties":false})")
               .value(),
           "tools[0].function.parameters"},
          {"address", Json::parse(R"({"type":"object","properties":{"city":{"enum":["Oslo","Rome"]}},"required":["city"]})").value(),
           "tools[1].function.parameters"}};
}

std::string call(const std::string& body) { return std::string(kCallOpen) + body + std::string(kCallClose); }
const std::string kAdd = call(R"({"name": "add", "arguments": {"a":1,"b":-2}})");
const std::string kRome = call(R"({"name": "address", "arguments": {"city":"Rome"}})");

TEST(Calls, WhatIsRequiredIsOneCallOrSeveralAndNothingElse) {
  const auto several = compile_calls(functions(), false, 3).value();
  EXPECT_TRUE(reads(several, kAdd));
  EXPECT_TRUE(reads(several, kAdd + "\n" + kRome + "\n" + kAdd));
  EXPECT_FALSE(reads(several, kAdd + "\n" + kRome + "\n" + kAdd + "\n" + kAdd));
  EXPECT_FALSE(reads(several, ""));
  EXPECT_FALSE(reads(several, "Sure! " + kAdd));
  EXPECT_FALSE(reads(several, call(R"({"name": "add", "arguments": {"a":1}})")));
  EXPECT_FALSE(reads(several, call(R"({"name": "add", "arguments": {"city":"Rome"}})")));
  EXPECT_FALSE(reads(several, call(R"({"name": "sub", "arguments": {}})")));
  const auto one = compile_calls(functions(), false, 1).value();
  EXPECT_TRUE(reads(one, kRome));
  EXPECT_FALSE(reads(one, kRome + "\n" + kRome));
}

TEST(Calls, TextMayStandAloneOrBeforeACallAndNeverHidesAMalformedOne) {
  const auto free = compile_calls(functions(), true, 2).value();
  for (const std::string& text : {std::string(), std::string("Hello."), std::string("a < b, <tool_cal and <<tool_"), std::string("<tool_call"),
                                  "Let me see.\n" + kAdd, "<tool_" + kAdd + "\n" + kRome, kAdd, std::string("Grüße <t")})
    EXPECT_TRUE(reads(free, text)) << text;
  for (const char* text : {"<tool_call>", "I write <tool_call> here", "x <tool_call>\n{\"name\": \"nope\"", "x <tool_call> "})
    EXPECT_FALSE(reads(free, text)) << text;
  EXPECT_FALSE(reads(free, kAdd + " done"));
}

TEST(Calls, ASchemaThatCannotBeEnforcedIsRefusedByKeywordAndPlace) {
  auto wrong = functions();
  wrong[1].parameters = Json::parse(R"({"type":"object","properties":{"x":{"not":{"type":"null"}}}})").value();
  const auto refused = compile_calls(wrong, true, 2);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("tools[1].function.parameters at /properties/x: the keyword 'not' cannot be enforced"));
}

}  // namespace
}  // namespace strata::grammar
