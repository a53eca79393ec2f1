// Calls of functions by a model of random weights: what it says is noise, and still every call is valid.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/engine/engine_for_test.h"
#include "model/grammar/grammar.h"

namespace strata::engine {
namespace {

using testing::DecoderSizes;
using testing::GenerateRequest;
using Calling = GenerateRequest::Calling;

const Json kPoint = Json::parse(R"({"type":"object","properties":{"x":{"type":"integer","minimum":0,"maximum":99},"kind":{"enum":["near","far"]}},
                                   "required":["x","kind"],"additionalProperties":false})")
                        .value();

class FunctionsTest : public testing::EngineTest {
 protected:
  void SetUp() override { start(testing::random_decoder(3, DecoderSizes{.T = 8192})); }
  static GenerateRequest ask(uint64_t seed, Calling calling) {
    GenerateRequest out;
    out.prompt = std::vector<model::Message>{{"user", "where?", ""}};
    out.functions = {{"point", "A point.", kPoint}};
    out.calling = calling;
    out.max_tokens = 2048;
    out.sampling = {.temperature = 1.5, .seed = seed};
    return out;
  }
  static void expect_valid(const model::FunctionCall& call) {
    static const auto valid = grammar::compile_json_schema(kPoint, "test").value();
    EXPECT_EQ(call.name, "point");
    EXPECT_TRUE(grammar::reads(valid, call.arguments)) << call.arguments;
    EXPECT_TRUE(call.id.starts_with("call_"));
  }
};

TEST_F(FunctionsTest, ARequiredCallIsValidWhateverTheModelWantsAndNoStopStringCutsIt) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    GenerateRequest request = ask(seed, Calling::kRequired);
    request.parallel_calls = false;
    request.stop = {"}", "point"};
    const auto out = run(std::move(request));
    EXPECT_EQ(out.text, "");
    ASSERT_EQ(out.calls.size(), 1u);
    expect_valid(out.calls[0]);
    EXPECT_EQ(out.finish.reason, model::FinishReason::kStop);
  }
}

TEST_F(FunctionsTest, ANamedFunctionIsCalledOnceAlsoAfterSeveralCallsOfItWereAllowed) {
  size_t most = 0;
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    const auto several = run(ask(seed, Calling::kRequired));
    for (const auto& call : several.calls) expect_valid(call);
    most = std::max(most, several.calls.size());
    GenerateRequest named = ask(seed, Calling::kRequired);
    named.function = "point";
    EXPECT_EQ(run(std::move(named)).calls.size(), 1u);
  }
  EXPECT_GT(most, 1u);
}

TEST_F(FunctionsTest, WhatCannotBeEnforcedIsRefusedAndWithNoneNoFunctionIsShown) {
  GenerateRequest wrong = ask(1, Calling::kAuto);
  wrong.functions[0].parameters.set("not", Json::object());
  const auto refused = model::generate(context_, *model_, std::move(wrong));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("tools[0].function.parameters: the keyword 'not' cannot be enforced"));
  GenerateRequest none = ask(1, Calling::kNone), plain = ask(1, Calling::kNone);
  none.max_tokens = plain.max_tokens = 4;
  plain.functions.clear();
  EXPECT_EQ(run(std::move(none)).finish.usage.prompt_tokens, run(std::move(plain)).finish.usage.prompt_tokens);
}

}  // namespace
}  // namespace strata::engine
