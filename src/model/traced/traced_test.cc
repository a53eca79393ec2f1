#include "model/traced/traced.h"

#include <gtest/gtest.h>

#include "base/span.h"

namespace strata::model {
namespace {

class Kept : public SpanSink {
 public:
  void take(SpanData span) override { spans.push_back(std::move(span)); }
  bool keeps_content() const override { return content; }
  std::vector<SpanData> spans;
  bool content = true;
};

// Says "hello", or what it was told to say of it.
class Scripted : public LanguageModel {
 public:
  Scripted() { info_.id = "m"; }
  const ModelInfo& info() const override { return info_; }
  Result<std::shared_ptr<Handle>> submit(const Context&, GenerateRequest request, std::shared_ptr<Sink> sink) override {
    last = std::move(request);
    if (refuses) return resource_exhausted("full", "queue_full");
    for (auto& delta : calls) sink->on_token({.calls = {delta}});
    sink->on_token({.text = "hel"});
    sink->on_token({.text = "lo"});
    Finish finish{.reason = reason, .usage = {.prompt_tokens = 4, .cached_tokens = 1, .completion_tokens = 2}, .first_token_ms = 20};
    if (reason == FinishReason::kError) finish.error = unavailable("away");
    if (last.receipt) finish.receipt = std::make_shared<Receipt>();
    sink->on_finish(finish);
    return std::shared_ptr<Handle>();
  }
  Result<int> count_tokens(const Prompt&) const override { return 1; }
  Result<std::vector<int32_t>> tokenize(std::string_view, bool) const override { return std::vector<int32_t>{}; }
  Result<std::string> detokenize(const std::vector<int32_t>&) const override { return std::string(); }

  GenerateRequest last;
  std::vector<CallDelta> calls;
  bool refuses = false;
  FinishReason reason = FinishReason::kStop;
  ModelInfo info_;
};

class TracedTest : public ::testing::Test {
 protected:
  TracedTest() {
    Tracing tracing;
    tracing.charge = [this](const Charge& charge) { return charges.push_back(charge), std::optional<double>(0.5); };
    tracing.receipt_text = [](const Receipt&) { return std::string("{}"); };
    model = traced(scripted, tracing, make_meter());
  }
  Result<Generated> run(GenerateRequest request = {.prompt = std::vector<Message>{{"user", "hi", ""}}}) {
    Span root = Span::root(sink, system_clock(), "root", SpanKind::kServer);
    const Context context = root.in(Context::background());
    note_trace(context, "strata.product", std::string("desk"));
    auto out = generate(context, *model, std::move(request));
    root.discard();
    return out;
  }
  const SpanValue* attribute(std::string_view key) {
    for (auto& [name, value] : sink->spans.at(0).attributes)
      if (name == key) return &value;
    return nullptr;
  }

  std::shared_ptr<Kept> sink = std::make_shared<Kept>();
  std::shared_ptr<Scripted> scripted = std::make_shared<Scripted>();
  std::shared_ptr<LanguageModel> model;
  std::vector<Charge> charges;
};

TEST_F(TracedTest, ACallIsASpanWithTokensTimesAndCostAndIsCharged) {
  auto out = run();
  ASSERT_TRUE(out);
  EXPECT_EQ(out->text, "hello");
  ASSERT_EQ(sink->spans.size(), 1u);
  EXPECT_EQ(sink->spans[0].name, "chat m");
  EXPECT_EQ(std::get<int64_t>(*attribute("gen_ai.usage.input_tokens")), 4);
  EXPECT_EQ(std::get<int64_t>(*attribute("gen_ai.usage.cache_read.input_tokens")), 1);
  EXPECT_DOUBLE_EQ(std::get<double>(*attribute("gen_ai.response.time_to_first_chunk")), 0.02);
  EXPECT_DOUBLE_EQ(std::get<double>(*attribute("strata.cost")), 0.5);
  ASSERT_EQ(charges.size(), 1u);
  EXPECT_EQ(charges[0].product, "desk");
  EXPECT_EQ(charges[0].usage.completion_tokens, 2);
  EXPECT_GE(charges[0].busy_s, 0);
  EXPECT_EQ(sink->spans[0].content.size(), 2u);
}

TEST_F(TracedTest, AReceiptTakenForTheTraceIsNotGivenToWhoDidNotAsk) {
  auto out = run();
  EXPECT_TRUE(scripted->last.receipt);
  EXPECT_EQ(out->finish.receipt, nullptr);
  EXPECT_EQ(sink->spans[0].receipt, "{}");
  GenerateRequest asked{.prompt = std::string("x"), .receipt = true};
  EXPECT_NE(run(asked)->finish.receipt, nullptr);
}

TEST_F(TracedTest, CallsOfFunctionsAreKeptBothWaysAndNoReceiptIsAskedForThem) {
  scripted->calls = {{0, "call_1", "add", ""}, {0, "", "", "{\"a\":1}"}};
  GenerateRequest request{.prompt =
                              std::vector<Message>{{"user", "hi", ""}, {"assistant", "", "", {{"call_0", "add", "{}"}}}, {"tool", "3", "", {}, "call_0"}}};
  request.functions = {{"add", "", Json::object()}};
  const auto out = run(std::move(request));
  ASSERT_EQ(out->calls.size(), 1u);
  EXPECT_FALSE(scripted->last.receipt);
  const std::string all = sink->spans[0].content.at(0).second + sink->spans[0].content.at(1).second;
  EXPECT_NE(all.find(R"({"type":"tool_call_response","id":"call_0","response":"3"})"), all.npos) << all;
  EXPECT_NE(all.find(R"({"type":"tool_call","id":"call_1","name":"add","arguments":{"a":1}})"), all.npos) << all;
  EXPECT_NE(all.find(R"("finish_reason":"tool_call")"), all.npos) << all;
}

TEST_F(TracedTest, APromptOfTokenIdsLeavesNoReceiptAsNobodyCanReadItForPersonalData) {
  run({.prompt = std::vector<int32_t>{1, 2, 3}});
  EXPECT_FALSE(scripted->last.receipt);
  GenerateRequest asked{.prompt = std::vector<int32_t>{1, 2, 3}, .receipt = true};
  EXPECT_NE(run(asked)->finish.receipt, nullptr);   // who asked has it
  for (auto& span : sink->spans) EXPECT_EQ(span.receipt, "");
}

TEST_F(TracedTest, NamesOfSpeakersStandInTheContentWhereTheyAreMasked) {
  run({.prompt = std::vector<Message>{{"user", "hi", "anna@example.com"}}});
  EXPECT_NE(sink->spans[0].content.at(0).second.find("anna@example.com"), std::string::npos);
}

TEST_F(TracedTest, WithoutContentNothingIsTakenOnTheSide) {
  sink->content = false;
  run();
  EXPECT_FALSE(scripted->last.receipt);
  EXPECT_TRUE(sink->spans[0].content.empty());
  EXPECT_EQ(sink->spans[0].receipt, "");
}

TEST_F(TracedTest, ARefusalIsAFailedSpanThatCostsNothing) {
  scripted->refuses = true;
  auto out = run();
  EXPECT_EQ(out.error().reason, "queue_full");
  ASSERT_EQ(sink->spans.size(), 1u);
  EXPECT_TRUE(sink->spans[0].failed);
  EXPECT_EQ(sink->spans[0].error_type, "queue_full");
  EXPECT_TRUE(charges.empty());
}

TEST_F(TracedTest, AFailureOnTheWayIsChargedForWhatItUsed) {
  scripted->reason = FinishReason::kError;
  run();
  EXPECT_TRUE(sink->spans[0].failed);
  ASSERT_EQ(charges.size(), 1u);
  EXPECT_TRUE(charges[0].failed);
}

TEST_F(TracedTest, WithoutATraceTheCallIsStillCharged) {
  ASSERT_TRUE(generate(Context::background(), *model, {.prompt = std::string("x")}));
  EXPECT_TRUE(sink->spans.empty());
  EXPECT_EQ(charges.size(), 1u);
}

}  // namespace
}  // namespace strata::model
