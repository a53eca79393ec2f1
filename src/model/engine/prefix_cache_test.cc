// Prefix reuse seen from outside: what is run again, what is reported, and that it changes no result.
#include <gtest/gtest.h>

#include <future>

#include "model/engine/engine.h"
#include "model/engine/models_for_test.h"

namespace strata::engine {
namespace {

using model::Finish;
using model::GenerateRequest;

struct Quiet : model::Sink {
  std::string text;
  std::promise<Finish> done;
  std::future<Finish> finished = done.get_future();
  void on_token(const model::TokenEvent& event) override { text += event.text; }
  void on_finish(const Finish& finish) override { done.set_value(finish); }
};

class PrefixCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    engine_ = Engine::make({.threads = 2, .prefill_chunk = 48}).value();
    model_ = engine_->load_language_model(folder_.write("model.gguf", testing::random_decoder(3)), "tiny").value();
  }
  static GenerateRequest request(std::string prompt, int max_tokens) {
    GenerateRequest out;
    out.prompt = std::move(prompt);
    out.max_tokens = max_tokens;
    out.sampling.temperature = 0;
    out.ignore_eos = true;
    return out;
  }
  model::Generated run(GenerateRequest request, Context context = Context::background()) {
    auto out = model::generate(context, *model_, std::move(request));
    EXPECT_TRUE(out) << out.error().message;
    return out ? std::move(*out) : model::Generated{};
  }

  testing::TemporaryFolder folder_;
  std::unique_ptr<Engine> engine_;
  model::LanguageModel* model_ = nullptr;
};

const std::string kShared(300, 'p');

TEST_F(PrefixCacheTest, ASecondPromptRunsAtMostOneSharedBlockAgainAndSaysWhatItSaved) {
  const model::Generated alone = run(request(kShared + "one", 16));
  EXPECT_EQ(alone.finish.usage.cached_tokens, 0);
  const uint64_t before = engine_->stats().prompt_tokens;
  const model::Generated second = run(request(kShared + "two", 16));
  EXPECT_EQ(second.finish.usage.prompt_tokens, 303);
  EXPECT_GE(second.finish.usage.cached_tokens, 300 - 32);
  EXPECT_EQ(engine_->stats().prompt_tokens - before, static_cast<uint64_t>(303 - second.finish.usage.cached_tokens));
}

TEST_F(PrefixCacheTest, AHitChangesNoToken) {
  for (const std::string tail : {"one", "two", "", "another, longer tail than the others"}) {
    auto fresh = Engine::make({.threads = 1, .prefill_chunk = 512}).value();
    auto* cold = fresh->load_language_model(folder_.path() + "/model.gguf", "cold").value();
    const auto expected = model::generate(Context::background(), *cold, request(kShared + tail, 40));
    ASSERT_TRUE(expected);
    const model::Generated first = run(request(kShared + tail, 40)), again = run(request(kShared + tail, 40));
    EXPECT_EQ(first.text, expected->text);
    EXPECT_EQ(again.text, expected->text);
    EXPECT_GT(again.finish.usage.cached_tokens, 0);
  }
}

TEST_F(PrefixCacheTest, EightStreamsTogetherReadASharedPrefixOnce) {
  const uint64_t before = engine_->stats().prompt_tokens;
  std::vector<std::shared_ptr<Quiet>> sinks;
  for (int i = 0; i < 8; ++i) {
    sinks.push_back(std::make_shared<Quiet>());
    ASSERT_TRUE(model_->submit(Context::background(), request(kShared + std::to_string(i), 4), sinks.back()));
  }
  int cached = 0, prompts = 0;
  for (auto& sink : sinks) {
    const Finish finish = sink->finished.get();
    cached += finish.usage.cached_tokens;
    prompts += finish.usage.prompt_tokens;
  }
  EXPECT_EQ(prompts, 8 * 301);
  EXPECT_GE(cached, 7 * (300 - 32));
  EXPECT_EQ(engine_->stats().prompt_tokens - before, static_cast<uint64_t>(prompts - cached));
}

TEST_F(PrefixCacheTest, ANextTurnStartsFromTheAnswerToo) {
  const model::Generated first = run(request(kShared, 100));
  const model::Generated next = run(request(kShared + first.text, 4));
  if (next.finish.usage.prompt_tokens == 400) {  // every token of the answer was a byte of its own
    EXPECT_GE(next.finish.usage.cached_tokens, 400 - 64);
  } else {
    EXPECT_GE(next.finish.usage.cached_tokens, 300 - 32);
  }
}

TEST_F(PrefixCacheTest, AnotherTenantOrPermissionSetStartsFromNothing) {
  run(request(kShared, 4));
  for (const Principal& who : {Principal{.tenant = "other"}, Principal{.roles = {"reader"}}, Principal{.roles = {"admin", "reader"}}}) {
    const auto context = Context::make(system_clock(), who, "r", std::make_shared<CancelFlag>());
    EXPECT_EQ(run(request(kShared, 4), context).finish.usage.cached_tokens, 0);
    EXPECT_GT(run(request(kShared, 4), context).finish.usage.cached_tokens, 0) << "its own it finds again";
  }
}

TEST_F(PrefixCacheTest, AScoredPromptIsRunWhole) {
  run(request(kShared, 4));
  GenerateRequest scored = request(kShared, 4);
  scored.echo = scored.logprobs = true;
  const model::Generated out = run(std::move(scored));
  EXPECT_EQ(out.finish.usage.cached_tokens, 0);
  size_t tokens = 0;
  for (const auto& event : out.events) tokens += event.logprobs.size();
  EXPECT_EQ(tokens, 304u);
}

TEST_F(PrefixCacheTest, ACancelledPromptLeavesWhatItComputedToOthers) {
  auto sink = std::make_shared<Quiet>();
  auto handle = model_->submit(Context::background(), request(kShared, 0), sink);
  ASSERT_TRUE(handle);
  while (engine_->stats().prompt_tokens == 0) std::this_thread::yield();
  (*handle)->cancel();
  sink->finished.get();
  const model::Generated after = run(request(kShared, 8));
  EXPECT_GT(after.finish.usage.cached_tokens, 0);
  EXPECT_EQ(after.text, run(request(kShared, 8)).text);
}

}  // namespace
}  // namespace strata::engine
