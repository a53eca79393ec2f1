// The engine's limits, refusals and endings, on models small enough to be written for each test.
#include "model/engine/engine.h"

#include <chrono>
#include <cmath>
#include <thread>

#include "model/engine/engine_for_test.h"

namespace strata::engine {
namespace {

using model::Finish;
using model::FinishReason;
using model::Generated;
using model::GenerateRequest;
using model::TokenEvent;
using testing::EngineTest;
using testing::Gate;
using testing::Recorder;

// ---- Limits and refusals

TEST_F(EngineTest, WhatCannotFitIsRefusedWithBothLengths) {
  start(testing::random_decoder(), {.context_tokens = 100});
  auto refused = model_->submit(context_, request(std::string(90, 'x'), 20), std::make_shared<Recorder>());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_EQ(refused.error().reason, "context_length_exceeded");
  for (const char* number : {"100", "90", "20", "110"}) EXPECT_NE(refused.error().message.find(number), std::string::npos) << refused.error().message;
  EXPECT_EQ(run(request(std::string(90, 'x'), 10)).finish.usage.prompt_tokens, 90) << "exactly full fits";
  EXPECT_FALSE(model_->submit(context_, request(std::string(100, 'x'), 0), std::make_shared<Recorder>()));
}

TEST_F(EngineTest, WrongRequestsAreRefusedAndNamed) {
  start(testing::random_decoder());
  auto param = [&](GenerateRequest r) {
    auto out = model_->submit(context_, std::move(r), std::make_shared<Recorder>());
    return out ? std::string("accepted") : out.error().param;
  };
  GenerateRequest bad_id = request("", 1);
  bad_id.prompt = std::vector<int32_t>{1, testing::kTokens};
  EXPECT_EQ(param(bad_id), "prompt");
  bad_id.prompt = std::vector<int32_t>{};
  EXPECT_EQ(param(bad_id), "prompt");
  GenerateRequest stops = request("a", 1);
  stops.stop.assign(5, "x");
  EXPECT_EQ(param(stops), "stop");
  GenerateRequest top = request("a", 1);
  top.top_logprobs = 21;
  EXPECT_EQ(param(top), "top_logprobs");
  EXPECT_EQ(param(request("a", -1)), "max_tokens");
}

TEST_F(EngineTest, AFullQueueRefusesAndTheWaitingAreServed) {
  start(testing::reciting_decoder("abcdef", true), {.sequences_max = 1, .queue_max = 2});
  Gate gate;
  std::shared_ptr<model::Handle> handle;
  auto running = occupy(gate, &handle);
  auto second = std::make_shared<Recorder>(), third = std::make_shared<Recorder>();
  submit(request("a", 2), second);
  submit(request("a", 3), third);
  auto refused = model_->submit(context_, request("a", 2), std::make_shared<Recorder>());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kResourceExhausted);
  EXPECT_EQ(refused.error().reason, "queue_full");
  EXPECT_EQ(engine_->stats().waiting, 2);
  EXPECT_EQ(engine_->stats().running, 1);
  gate.open();
  handle->cancel();
  EXPECT_EQ(second->finished.get().reason, FinishReason::kLength);
  EXPECT_EQ(third->finished.get().reason, FinishReason::kLength);
  EXPECT_EQ(running->finished.get().reason, FinishReason::kCancelled);
}

TEST_F(EngineTest, SequencesWaitForCacheBlocksRatherThanFail) {
  // Memory for the weights and one sequence of the whole context, not for two.
  const std::string bytes = testing::reciting_decoder("abcdef", true, 512);
  start(bytes);
  const uint64_t weights = model_->info().memory_bytes;
  const uint64_t block = 32 * (8 + 16) * 2 + 64;
  start(bytes, {.memory_bytes_max = weights + 18 * block});
  EXPECT_EQ(model_->info().context_tokens, 512);
  std::vector<std::shared_ptr<Recorder>> sinks;
  for (int i = 0; i < 4; ++i) {
    sinks.push_back(std::make_shared<Recorder>());
    submit(request("a", 400), sinks.back());
  }
  for (auto& sink : sinks) EXPECT_EQ(sink->finished.get().usage.completion_tokens, 400);
}

// ---- Ending early

TEST_F(EngineTest, CancelWhileRunningEndsWithinOneStep) {
  start(testing::reciting_decoder("abcdef", true));
  Gate gate;
  std::shared_ptr<model::Handle> handle;
  auto sink = occupy(gate, &handle);
  handle->cancel();
  gate.open();
  const Finish finish = sink->finished.get();
  EXPECT_EQ(finish.reason, FinishReason::kCancelled);
  EXPECT_EQ(finish.error.code, Code::kCancelled);
  EXPECT_EQ(sink->events.size(), 1u) << "no token after the step in which it was cancelled";
}

TEST_F(EngineTest, CancelWhileQueuedTouchesNobodyElse) {
  start(testing::reciting_decoder("abcdef", true), {.sequences_max = 1});
  Gate gate;
  std::shared_ptr<model::Handle> holder;
  auto running = occupy(gate, &holder);
  auto queued = std::make_shared<Recorder>(), behind = std::make_shared<Recorder>();
  auto handle = submit(request("a", 5), queued);
  submit(request("a", 5), behind);
  handle->cancel();
  gate.open();
  const Finish finish = queued->finished.get();
  EXPECT_EQ(finish.reason, FinishReason::kCancelled);
  EXPECT_TRUE(queued->events.empty());
  holder->cancel();
  EXPECT_EQ(behind->finished.get().reason, FinishReason::kLength);
  EXPECT_EQ(behind->text, "bcdef");
}

TEST_F(EngineTest, OfAPromptThatWasNeverReadNothingWasUsed) {
  start(testing::reciting_decoder("abcdef", true), {.sequences_max = 1});
  Gate gate;
  std::shared_ptr<model::Handle> holder;
  auto running = occupy(gate, &holder);
  auto queued = std::make_shared<Recorder>();
  auto handle = submit(request("abcdefabcdef", 5), queued);
  handle->cancel();
  gate.open();
  const Finish finish = queued->finished.get();
  EXPECT_EQ(finish.reason, FinishReason::kCancelled);
  EXPECT_EQ(finish.usage.prompt_tokens, 0);
  EXPECT_EQ(finish.usage.completion_tokens, 0);
  holder->cancel();
  EXPECT_GT(running->finished.get().usage.prompt_tokens, 0) << "it was read before the client left";
}

TEST_F(EngineTest, TheContextsCancelFlagEndsARequest) {
  start(testing::reciting_decoder("abcdef", true));
  const Context mine = Context::make(system_clock(), {}, "request", std::make_shared<CancelFlag>());
  Gate gate;
  auto sink = std::make_shared<Recorder>();
  sink->on_first = [&] { gate.arrive_and_wait(); };
  ASSERT_TRUE(model_->submit(mine, request("a", 3000), sink));
  gate.wait_for_arrival();
  mine.cancel();
  gate.open();
  EXPECT_EQ(sink->finished.get().reason, FinishReason::kCancelled);
  EXPECT_EQ(sink->events.size(), 1u);
}

TEST_F(EngineTest, APassedDeadlineEndsARequestWithThatError) {
  start(testing::reciting_decoder("abcdef", true));
  const Context hurried = context_.with_timeout_ms(30);
  Gate gate;
  auto sink = std::make_shared<Recorder>();
  sink->on_first = [&] { gate.arrive_and_wait(); };
  ASSERT_TRUE(model_->submit(hurried, request("a", 3000), sink));
  gate.wait_for_arrival();
  while (hurried.remaining_ms() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  gate.open();
  const Finish finish = sink->finished.get();
  EXPECT_EQ(finish.reason, FinishReason::kError);
  EXPECT_EQ(finish.error.code, Code::kDeadlineExceeded);
  EXPECT_FALSE(model_->submit(hurried, request("a", 1), std::make_shared<Recorder>())) << "already late when it comes";
}

TEST_F(EngineTest, DestroyingTheEngineEndsEveryRequest) {
  start(testing::reciting_decoder("abcdef", true), {.sequences_max = 1});
  auto running = std::make_shared<Recorder>(), queued = std::make_shared<Recorder>();
  submit(request("a", 4000), running);
  submit(request("a", 4000), queued);
  engine_.reset();
  EXPECT_EQ(queued->finished.get().reason, FinishReason::kCancelled);
  const FinishReason reason = running->finished.get().reason;
  EXPECT_TRUE(reason == FinishReason::kCancelled || reason == FinishReason::kLength);
}

TEST_F(EngineTest, ASinkMaySubmitAgainFromItsCallback) {
  start(testing::reciting_decoder("abcdef", false));
  struct Again : model::Sink {
    std::function<void()> then;
    void on_token(const TokenEvent&) override {}
    void on_finish(const Finish&) override { then(); }
  };
  auto last = std::make_shared<Recorder>();
  auto first = std::make_shared<Again>();
  first->then = [&] { EXPECT_TRUE(model_->submit(context_, request("a", 2), last)); };
  ASSERT_TRUE(model_->submit(context_, request("a", 1), first));
  EXPECT_EQ(last->finished.get().reason, FinishReason::kLength);
}

TEST_F(EngineTest, ManyThreadsMaySubmitAndCancelAtOnce) {
  start(testing::random_decoder(), {.sequences_max = 4, .queue_max = 256});
  std::vector<std::thread> callers;
  std::atomic<int> ended{0};
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; i < 8; ++i) {
        auto sink = std::make_shared<Recorder>();
        auto handle = model_->submit(context_, request("caller " + std::to_string(t), 12), sink);
        ASSERT_TRUE(handle);
        if (i % 2) (*handle)->cancel();
        sink->finished.get();
        ++ended;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(ended, 32);
  const Stats stats = engine_->stats();
  EXPECT_EQ(stats.waiting, 0);
}

TEST_F(EngineTest, StatsCountTheWork) {
  start(testing::reciting_decoder("abcdef", false));
  run(request("abc", 2));
  const Stats stats = engine_->stats();
  EXPECT_EQ(stats.prompt_tokens, 3u);
  EXPECT_EQ(stats.generated_tokens, 2u);
  EXPECT_EQ(stats.kv_cache_used, 0);
  EXPECT_GT(stats.memory_bytes, 0u);
  EXPECT_GT(stats.decode_tokens_per_s, 0);
}

}  // namespace
}  // namespace strata::engine
