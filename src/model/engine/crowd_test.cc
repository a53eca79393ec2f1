// A crowd: hundreds of clients from many threads, who join, hang up, come too late or ask for what cannot be, on a cache too small for
// them. Each ends exactly once and rightly, and says what it says alone. Meant to be run under ThreadSanitizer too.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <thread>

#include "base/random.h"
#include "model/engine/engine.h"
#include "model/engine/engine_for_test.h"
#include "model/engine/models_for_test.h"
#include "model/grammar/grammar.h"

namespace strata::engine {
namespace {

using model::Finish;
using model::FinishReason;
using model::GenerateRequest;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kThreads = 8, kClientsEach = 25;   // sanitizers are many times slower
#else
constexpr int kThreads = 8, kClientsEach = 60;
#endif
constexpr size_t kQuestions = 12;

// Hangs up by itself after `enough` events.
struct Client : model::Sink {
  int enough = 1 << 30, events = 0;
  std::atomic<bool> hang_up{false};
  std::string text;
  std::promise<Finish> done;
  std::future<Finish> finished = done.get_future();
  void on_token(const model::TokenEvent& event) override {
    if (!event.from_prompt) text += event.text;
    if (++events == enough) hang_up = true;
  }
  void on_finish(const Finish& finish) override { done.set_value(finish); }   // throws where it comes twice
};

GenerateRequest question(size_t which, const std::shared_ptr<const grammar::Grammar>& letters) {
  GenerateRequest out;
  out.prompt = std::string(which % 3 == 0 ? 120 : 10, 's') + " question " + std::to_string(which) + std::string(which * 9, 'l');
  out.max_tokens = static_cast<int>(10 + which * 7);
  out.sampling.temperature = which % 2 ? 0.8 : 0.0;
  out.sampling.seed = which;
  out.ignore_eos = which % 4 != 1;
  if (which % 4 == 1) out.grammar = letters;
  if (which % 5 == 2) out.sampling.repetition_penalty = 1.2;
  if (which % 5 == 3) out.logprobs = true, out.top_logprobs = 2;
  if (which == 6) out.echo = true;
  return out;
}

// One client's whole stay; `expected` by question.
void visit(model::LanguageModel& model, Random& random, const std::vector<GenerateRequest>& questions, const std::vector<std::string>& expected) {
  const size_t which = random.below(kQuestions), manner = random.below(8);
  auto client = std::make_shared<Client>();
  GenerateRequest request = questions[which];
  Context context = Context::background();
  if (manner == 0) request.max_tokens = 100'000;                   // cannot be
  if (manner == 1) context = context.with_timeout_ms(static_cast<int64_t>(1 + random.below(5)));
  if (manner == 2) client->enough = static_cast<int>(1 + random.below(6));
  auto handle = model.submit(context, request, client);
  if (manner == 0) {
    ASSERT_FALSE(handle);
    EXPECT_EQ(handle.error().reason, "context_length_exceeded");
    return;
  }
  if (!handle) {
    EXPECT_EQ(handle.error().code, Code::kDeadlineExceeded) << handle.error().message;
    return;
  }
  if (manner == 3) (*handle)->cancel();
  while (client->finished.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
    if (client->hang_up) (*handle)->cancel();
  }
  const Finish finish = client->finished.get();
  EXPECT_EQ(expected[which].rfind(client->text, 0), 0u) << "question " << which << " was answered otherwise alone";
  if (finish.reason == FinishReason::kStop || finish.reason == FinishReason::kLength) EXPECT_EQ(client->text, expected[which]);
  else if (finish.reason == FinishReason::kCancelled) EXPECT_TRUE(manner == 2 || manner == 3);
  else EXPECT_TRUE(manner == 1 && finish.error.code == Code::kDeadlineExceeded) << finish.error.message;
}

// Six whose texts fit the cache at first and not when they have grown, all there before the next step: somebody gives way, on any machine.
void crowd_out(model::LanguageModel& model) {
  testing::Gate gate;
  auto holder = std::make_shared<testing::Recorder>();
  holder->on_first = [&] { gate.arrive_and_wait(); };
  auto ask = [&](char letter, const std::shared_ptr<model::Sink>& sink) {
    GenerateRequest request;
    request.prompt = std::string(60, letter);
    request.max_tokens = 100;
    request.ignore_eos = true;
    return model.submit(Context::background(), request, sink).value();
  };
  auto handle = ask('h', holder);
  gate.wait_for_arrival();
  std::vector<std::shared_ptr<Client>> clients;
  for (const char letter : std::string("abcdef")) ask(letter, clients.emplace_back(std::make_shared<Client>()));
  handle->cancel();
  gate.open();
  holder->finished.get();
  for (auto& client : clients) EXPECT_EQ(client->finished.get().reason, FinishReason::kLength);
}

class CrowdTest : public ::testing::TestWithParam<KvFormat> {};

TEST_P(CrowdTest, HundredsOfRandomClientsAllEndRight) {
  testing::TemporaryFolder folder;
  const std::string path = folder.write("model.gguf", testing::random_decoder(21));
  const auto letters = grammar::compile_regex("[a-f]{3,30}", "test").value();
  std::vector<GenerateRequest> questions;
  for (size_t i = 0; i < kQuestions; ++i) questions.push_back(question(i, letters));
  std::vector<std::string> expected;
  {
    auto alone = Engine::make({.threads = 1, .sequences_max = 1, .speculate = false, .kv_cache = GetParam()}).value();
    auto* model = alone->load_language_model(path, "alone").value();
    for (const GenerateRequest& one : questions) expected.push_back(model::generate(Context::background(), *model, one).value().text);
  }
  auto engine =
      Engine::make(
          {.threads = 2, .sequences_max = 12, .queue_max = 4096, .prefill_chunk = 64, .kv_cache = GetParam(), .cache_tokens = 512, .draft_row_cost = 0.2})
          .value();
  auto* model = engine->load_language_model(path, "crowd").value();
  std::atomic<bool> over{false};
  std::thread watcher([&] {   // somebody always looks at the figures
    while (!over) {
      const Stats stats = engine->stats();
      EXPECT_LE(stats.kv_cache_used, 1.0);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Random random(static_cast<uint64_t>(t) + 100);
      for (int i = 0; i < kClientsEach; ++i) visit(*model, random, questions, expected);
    });
  }
  for (auto& thread : threads) thread.join();
  crowd_out(*model);
  over = true;
  watcher.join();
  const Stats stats = engine->stats();
  EXPECT_EQ(stats.running, 0);
  EXPECT_EQ(stats.waiting, 0);
  EXPECT_EQ(stats.kv_cache_used, 0);
  EXPECT_GT(stats.preemptions, 0u);
}

INSTANTIATE_TEST_SUITE_P(EachCache, CrowdTest, ::testing::Values(KvFormat::kF16, KvFormat::kQ8),
                         [](const auto& tested) { return tested.param == KvFormat::kQ8 ? "q8" : "f16"; });

}  // namespace
}  // namespace strata::engine
