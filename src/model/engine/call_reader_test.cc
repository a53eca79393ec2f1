#include "model/engine/call_reader.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace strata::engine {
namespace {

const std::string kText =
    "Let me <tool_ see.\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\":[1,{\"b\":\"}\\\"]<tool_call>\\n\"}],\"c\":{}}}\n</tool_call>\n"
    "<tool_call>\n{\"name\": \"empty\", \"arguments\": {}}\n</tool_call>";

// The whole in pieces of random sizes, put together again.
std::pair<std::string, std::vector<model::FunctionCall>> read(const std::string& text, uint64_t seed) {
  CallReader reader;
  Random random(seed);
  std::string out;
  std::vector<model::FunctionCall> calls;
  for (size_t at = 0; at < text.size();) {
    const size_t size = 1 + random.below(seed == 0 ? 1 : 40);
    const auto piece = reader.feed(std::string_view(text).substr(at, size));
    out += piece.text;
    for (const auto& delta : piece.calls) model::add_call(calls, delta);
    at += size;
  }
  return {out + reader.finish().text, calls};
}

TEST(CallReader, TextAndCallsComeApartHoweverTheyAreCut) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const auto [text, calls] = read(kText, seed);
    EXPECT_EQ(text, "Let me <tool_ see.\n");
    ASSERT_EQ(calls.size(), 2u);
    EXPECT_EQ(calls[0].name, "add");
    EXPECT_EQ(calls[0].arguments, "{\"a\":[1,{\"b\":\"}\\\"]<tool_call>\\n\"}],\"c\":{}}");
    EXPECT_EQ(calls[1].name, "empty");
    EXPECT_EQ(calls[1].arguments, "{}");
    EXPECT_NE(calls[0].id, calls[1].id);
    EXPECT_TRUE(calls[0].id.starts_with("call_"));
  }
}

TEST(CallReader, WhatOnlyBeginsLikeACallIsText) {
  EXPECT_EQ(read("a <tool_call", 0).first, "a <tool_call");
  EXPECT_EQ(read("<<tool_call>x", 3).first, "<<tool_call>x");
  const auto [text, calls] = read("<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1", 0);
  EXPECT_EQ(text, "");
  ASSERT_EQ(calls.size(), 1u) << "cut short by max_tokens";
  EXPECT_EQ(calls[0].arguments, "{\"a\": 1");
}

struct Kept : model::Sink {
  void on_token(const model::TokenEvent& event) override {
    text += event.text;
    ids.insert(ids.end(), event.ids.begin(), event.ids.end());
    for (const auto& delta : event.calls) model::add_call(calls, delta);
  }
  void on_finish(const model::Finish& finish) override { reason = finish.reason; }
  std::string text;
  std::vector<int32_t> ids;
  std::vector<model::FunctionCall> calls;
  model::FinishReason reason = model::FinishReason::kError;
};

// A byte is a token; each one's id is the byte.
std::shared_ptr<Kept> pass(const std::string& text, std::vector<std::string> stops) {
  auto kept = std::make_shared<Kept>();
  bool ended = false;
  const auto sink = call_sink(kept, std::move(stops), [&] { ended = true; });
  for (const char c : text) {
    model::TokenEvent event;
    event.text = std::string(1, c);
    event.ids = {c};
    sink->on_token(event);
  }
  model::Finish finish;
  if (ended) finish.reason = model::FinishReason::kCancelled, finish.error = cancelled("cancelled");
  sink->on_finish(finish);
  return kept;
}

TEST(CallSink, AStopStringEndsTextAndCutsNoCall) {
  const auto whole = pass(kText, {"add", "}}"});
  EXPECT_EQ(whole->text, "Let me <tool_ see.\n");
  ASSERT_EQ(whole->calls.size(), 2u);
  EXPECT_EQ(whole->calls[0].name, "add");
  EXPECT_EQ(whole->calls[1].arguments, "{}");
  EXPECT_EQ(whole->reason, model::FinishReason::kStop);
  const auto cut = pass(kText, {"see"});
  EXPECT_EQ(cut->text, "Let me <tool_ ");
  EXPECT_TRUE(cut->calls.empty());
  EXPECT_EQ(cut->reason, model::FinishReason::kStop) << "what ended it was the stop string, not the cancelling";
}

TEST(CallSink, OnlyTokensOfTheTextAreReported) {
  const auto kept = pass("ab<t" + kText.substr(kText.find("<tool_call>")), {});
  EXPECT_EQ(kept->text, "ab<t");
  EXPECT_EQ(kept->ids, (std::vector<int32_t>{'a', 'b', '<', 't'}));
  EXPECT_EQ(pass("x <tool_call", {})->ids.size(), 12u) << "held back until the end";
}

}  // namespace
}  // namespace strata::engine
