// The scheduler step by step: who gets rows, who gives way where KV blocks run out, and that nobody notices.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <optional>

#include "model/engine/loader.h"
#include "model/engine/local_models.h"
#include "model/engine/models_for_test.h"
#include "model/grammar/grammar.h"

namespace strata::engine {
namespace {

using model::Finish;
using model::FinishReason;
using model::GenerateRequest;

struct Sink : model::Sink {
  std::string text, echoed;
  int tokens = 0;
  std::vector<double> logprobs;
  std::optional<Finish> finish;
  void on_token(const model::TokenEvent& event) override {
    EXPECT_FALSE(finish);
    (event.from_prompt ? echoed : text) += event.text;
    if (!event.from_prompt) tokens += static_cast<int>(event.ids.size());
    for (const auto& token : event.logprobs) logprobs.push_back(token.known ? token.logprob : 1);
  }
  void on_finish(const Finish& with) override {
    EXPECT_FALSE(finish);
    finish = with;
  }
};

// A model without the engine's thread: the test says when a step is made.
class SchedulerTest : public ::testing::Test {
 protected:
  void start(const std::string& bytes, const LanguageLimits& limits, uint32_t blocks, compute::Format format = compute::Format::kF16) {
    const auto file = open_language_file(folder_.write("model.gguf", bytes), "tiny", {}).value();
    LanguageParts loaded = read_language_model(*file, uint64_t{1} << 30).value();
    loaded.parts.info.context_tokens = static_cast<int>(blocks) * network::KvCache::kBlockTokens;
    network::KvCache cache = network::KvCache::make(loaded.decoder.shape(), blocks, format).value();
    loaded.parts.runner = std::make_unique<LanguageRunner>(std::move(loaded.decoder), std::move(cache), limits);
    loaded.parts.wake = [] {};
    model_ = std::make_unique<LocalLanguageModel>(std::move(loaded.parts));
  }
  static GenerateRequest request(std::string prompt, int max_tokens) {
    GenerateRequest out;
    out.prompt = std::move(prompt);
    out.max_tokens = max_tokens;
    out.sampling.temperature = 0;
    out.ignore_eos = true;
    return out;
  }
  std::shared_ptr<Sink> submit_in_batch(GenerateRequest request) {
    request.priority = model::Priority::kBatch;
    return submit(std::move(request));
  }
  std::shared_ptr<Sink> submit(GenerateRequest request, std::shared_ptr<model::Handle>* handle = nullptr) {
    auto sink = std::make_shared<Sink>();
    auto submitted = model_->submit(Context::background(), std::move(request), sink);
    EXPECT_TRUE(submitted) << submitted.error().message;
    if (handle && submitted) *handle = *submitted;
    return sink;
  }
  bool step() { return model_->runner().step(threads_); }
  // UNITS: steps, that it took.
  int run() {
    int steps = 0;
    while (step()) EXPECT_LT(++steps, 100'000) << "somebody never comes to an end";
    return steps;
  }
  LanguageRunner::Counts counts() { return model_->runner().counts(); }

  testing::TemporaryFolder folder_;
  compute::Threads threads_{1};
  std::unique_ptr<LocalLanguageModel> model_;
};

LanguageLimits plain(int sequences = 8) {
  LanguageLimits limits;
  limits.sequences_max = sequences;
  limits.speculate = false;
  return limits;
}

// ---- Fairness, in steps and rows

TEST_F(SchedulerTest, WhileALongPromptIsReadEveryStreamGetsATokenInEveryStepAndThePromptItsLeastRows) {
  start(testing::reciting_decoder("abcdef", true), plain(), 128);
  std::vector<std::shared_ptr<Sink>> streams;
  for (int i = 0; i < 4; ++i) streams.push_back(submit(request("a", 600)));
  while (streams.back()->tokens < 3) ASSERT_TRUE(step());
  const auto late = submit(request(std::string(2047, 'q') + "a", 2));
  for (int steps = 1; late->tokens == 0; ++steps) {
    std::vector<int> before;
    for (const auto& stream : streams) before.push_back(stream->tokens);
    const uint64_t rows = counts().prompt_tokens;
    ASSERT_TRUE(step());
    for (size_t i = 0; i < streams.size(); ++i) ASSERT_EQ(streams[i]->tokens, before[i] + 1);
    ASSERT_TRUE(late->tokens > 0 || counts().prompt_tokens - rows >= static_cast<uint64_t>(Pace::kLeastRows));
    ASSERT_LE(steps, 2048 / Pace::kLeastRows + 1);
  }
}

TEST_F(SchedulerTest, TheOlderOfTwoPromptsIsReadFirst) {
  start(testing::reciting_decoder("abcdef", true), plain(), 128);
  const auto first = submit(request(std::string(700, 'q') + "a", 3)), second = submit(request(std::string(700, 'r') + "a", 3));
  while (first->tokens == 0) {
    ASSERT_TRUE(step());
    ASSERT_EQ(second->tokens, 0);
  }
  run();
  EXPECT_EQ(second->finish->reason, FinishReason::kLength);
}

// ---- Blocks are taken as texts grow

TEST_F(SchedulerTest, ARequestIsAdmittedForItsTextSoFarNotForItsLongestAnswer) {
  start(testing::reciting_decoder("abcdef", true), plain(), 16);   // 512 tokens
  for (int i = 0; i < 4; ++i) submit(request("a", 400));
  ASSERT_TRUE(step());
  EXPECT_EQ(counts().running, 4);
  EXPECT_EQ(counts().kv_blocks_used, 4u);
}

TEST_F(SchedulerTest, WhereBlocksRunOutTheYoungestGivesWayAndTheOldestMovesOnInEveryStep) {
  start(testing::reciting_decoder("abcdef", true), plain(), 8);
  std::vector<std::shared_ptr<Sink>> sinks;
  for (int i = 0; i < 4; ++i) sinks.push_back(submit(request(std::string(1, static_cast<char>('a' + i)), 180)));
  size_t oldest = 0;
  for (int steps = 0; oldest < sinks.size(); ++steps) {
    ASSERT_LT(steps, 4 * 200);
    const int before = sinks[oldest]->tokens;
    const uint64_t again = counts().recomputed_tokens;
    ASSERT_TRUE(step());
    ASSERT_TRUE(sinks[oldest]->tokens == before + 1 || counts().recomputed_tokens > again) << "step " << steps;
    for (size_t i = oldest + 1; i < sinks.size(); ++i) ASSERT_LE(sinks[i]->tokens, sinks[i - 1]->tokens) << "an older one is never behind";
    while (oldest < sinks.size() && sinks[oldest]->finish) ++oldest;
  }
  EXPECT_GT(counts().preemptions, 0u);
  EXPECT_EQ(counts().prompt_tokens, 4u) << "what is run again is not counted as a prompt";
  EXPECT_EQ(counts().generated_tokens, 4u * 180);
  EXPECT_EQ(counts().kv_blocks_used, 0u);
  for (size_t i = 0; i < sinks.size(); ++i) {
    std::string expected;
    for (size_t n = 0; n < 180; ++n) expected += static_cast<char>('a' + (i + 1 + n) % 6);
    EXPECT_EQ(sinks[i]->text, expected);
  }
}

TEST_F(SchedulerTest, TheOldestNeverGivesWay) {
  start(testing::random_decoder(5), plain(), 13);
  const auto oldest = submit(request(std::string(200, 'o'), 200));
  while (oldest->tokens == 0) ASSERT_TRUE(step());
  for (int i = 0; i < 6; ++i) submit(request("young " + std::to_string(i), 100));
  const int begin = static_cast<int>(counts().generated_tokens);
  int steps = 0;
  for (; !oldest->finish; ++steps) ASSERT_TRUE(step());
  EXPECT_LE(steps, 200 - begin) << "a token in every step";
  EXPECT_GT(counts().preemptions, 0u);
  run();
}

TEST_F(SchedulerTest, APreemptedRequestCanBeCancelledWhileItWaits) {
  start(testing::reciting_decoder("abcdef", true), plain(), 4);
  std::shared_ptr<model::Handle> handle;
  const auto old = submit(request("a", 120)), young = submit(request("b", 120), &handle);
  while (counts().preemptions == 0) ASSERT_TRUE(step());
  EXPECT_EQ(counts().waiting, 1);
  EXPECT_EQ(counts().running, 1);
  const std::string said = young->text;
  handle->cancel();
  run();
  EXPECT_EQ(young->finish->reason, FinishReason::kCancelled);
  EXPECT_EQ(young->text, said);
  EXPECT_EQ(old->finish->reason, FinishReason::kLength);
  EXPECT_EQ(counts().kv_blocks_used, 0u);
  EXPECT_EQ(counts().running, 0);
}

// ---- What nobody waits for

TEST_F(SchedulerTest, WhatIsInABatchRestsWhileSomebodyWaitsAndThenGoesOnUnseen) {
  start(testing::reciting_decoder("abcdef", true), plain(2), 64);
  const auto first = submit_in_batch(request("a", 60)), second = submit_in_batch(request("b", 60));
  while (second->tokens < 5) ASSERT_TRUE(step());
  const int before = first->tokens + second->tokens;
  const auto person = submit(request("c", 40));   // both places are taken: the younger one gives way
  for (int steps = 0; !person->finish; ++steps) {
    ASSERT_TRUE(step());
    ASSERT_EQ(first->tokens + second->tokens, before);
    ASSERT_LE(steps, 42) << "a token in every step";
  }
  EXPECT_EQ(counts().preemptions, 1u);
  run();
  EXPECT_EQ(first->text.substr(0, 6), "bcdefa");
  EXPECT_EQ(first->tokens, 60);
  EXPECT_EQ(second->text.substr(0, 12), "cdefabcdefab");
  EXPECT_EQ(second->tokens, 60);
  EXPECT_EQ(counts().kv_blocks_used, 0u);
}

TEST_F(SchedulerTest, WhatIsInABatchGivesItsBlocksToWhoeverWaits) {
  start(testing::reciting_decoder("abcdef", true), plain(), 8);   // 256 tokens
  const auto batch = submit_in_batch(request(std::string(120, 'q') + "a", 60));
  while (batch->tokens < 3) ASSERT_TRUE(step());
  const auto person = submit(request(std::string(200, 'r') + "a", 20));
  while (!person->finish) ASSERT_TRUE(step());
  EXPECT_EQ(batch->tokens, 3);
  run();
  EXPECT_EQ(batch->tokens, 60);
}

TEST_F(SchedulerTest, AQueueFullOfBatchesRefusesNobodyWhoWaits) {
  LanguageLimits limits = plain(1);
  limits.queue_max = 1;
  start(testing::reciting_decoder("abcdef", true), limits, 64);
  const auto kept = submit_in_batch(request("a", 3));
  GenerateRequest another = request("a", 3);
  another.priority = model::Priority::kBatch;
  EXPECT_EQ(model_->submit(Context::background(), another, std::make_shared<Sink>()).error().reason, "queue_full");
  const auto person = submit(request("a", 3));
  ASSERT_TRUE(step());
  EXPECT_EQ(kept->tokens, 0) << "the person goes first, though later";
  EXPECT_EQ(person->tokens, 1);
  run();
  EXPECT_EQ(kept->tokens, 3);
}

// ---- And nobody notices

struct Case {
  const char* name;
  std::function<void(GenerateRequest&)> set;
};

TEST_F(SchedulerTest, APreemptedRequestSaysTheSameAsAnUndisturbedOne) {
  const auto letters = grammar::compile_regex("[a-m ]{40,90}", "test").value();
  const Case cases[] = {
      {"greedy", [](GenerateRequest&) {}},
      {"sampled", [](GenerateRequest& r) { r.sampling.temperature = 1, r.sampling.seed = 77, r.sampling.top_p = 0.9; }},
      {"penalties", [](GenerateRequest& r) { r.sampling.frequency_penalty = 0.7, r.sampling.repetition_penalty = 1.3, r.sampling.presence_penalty = 0.3; }},
      {"log-probabilities", [](GenerateRequest& r) { r.logprobs = true, r.top_logprobs = 3; }},
      {"scored prompt", [](GenerateRequest& r) { r.logprobs = r.echo = true; }},
      {"echo", [](GenerateRequest& r) { r.echo = true; }},
      {"grammar", [&](GenerateRequest& r) { r.grammar = letters, r.ignore_eos = false; }},
      {"stop", [](GenerateRequest& r) { r.stop = {"\x01\x02", "no such"}; }},
  };
  for (const compute::Format format : {compute::Format::kF16, compute::Format::kQ8_0}) {
    for (const bool speculate : {false, true}) {
      LanguageLimits limits = plain();
      limits.speculate = speculate;
      limits.draft_row_cost = 0.2;
      limits.prefill_chunk = 40;
      std::vector<std::shared_ptr<Sink>> alone, together;
      uint64_t preemptions = 0;
      for (const bool crowded : {false, true}) {
        start(testing::random_decoder(7), limits, crowded ? 9 : 64, format);
        for (const Case& one : cases) {
          GenerateRequest r = request("abc abc abc abc " + std::string(70, 'x') + one.name, 100);
          one.set(r);
          (crowded ? together : alone).push_back(submit(std::move(r)));
          if (!crowded) run();
        }
        run();
        preemptions = counts().preemptions;
        EXPECT_EQ(counts().kv_blocks_used, 0u);
      }
      EXPECT_GT(preemptions, 3u);
      for (size_t i = 0; i < std::size(cases); ++i) {
        EXPECT_EQ(together[i]->text, alone[i]->text) << cases[i].name;
        EXPECT_EQ(together[i]->echoed, alone[i]->echoed) << cases[i].name;
        EXPECT_EQ(together[i]->logprobs, alone[i]->logprobs) << cases[i].name;
        EXPECT_EQ(together[i]->tokens, alone[i]->tokens) << cases[i].name;
        EXPECT_EQ(together[i]->finish->usage.completion_tokens, alone[i]->finish->usage.completion_tokens) << cases[i].name;
        EXPECT_LT(together[i]->finish->usage.cached_tokens, together[i]->finish->usage.prompt_tokens) << "what is run again is nobody's saving";
      }
    }
  }
}

TEST_F(SchedulerTest, AnEightBitCacheAnswersNearlyTheSame) {
  std::vector<double> scores[2];
  for (const bool bytes : {false, true}) {
    start(testing::random_decoder(7), plain(), 64, bytes ? compute::Format::kQ8_0 : compute::Format::kF16);
    GenerateRequest r = request(std::string("the same text, scored twice, with keys and values in sixteen bits and in eight"), 1);
    r.echo = r.logprobs = true;
    const auto sink = submit(std::move(r));
    run();
    scores[bytes] = sink->logprobs;
  }
  ASSERT_EQ(scores[0].size(), scores[1].size());
  double difference = 0;
  for (size_t i = 1; i + 1 < scores[0].size(); ++i) difference += std::abs(scores[0][i] - scores[1][i]) / static_cast<double>(scores[0].size());
  EXPECT_GT(difference, 0) << "it is not the same cache";
  EXPECT_LT(difference, 0.05);
}

}  // namespace
}  // namespace strata::engine
