// The engine's contract: for given weights, prompt, parameters and seed the output is the same whatever else runs, however prompts are
// cut, however many threads there are, whatever the prefix cache holds, whether tokens are guessed, and however often somebody has to give
// way because KV blocks run out.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <future>

#include "base/random.h"
#include "model/engine/engine.h"
#include "model/engine/engine_for_test.h"
#include "model/engine/models_for_test.h"
#include "model/grammar/grammar.h"

namespace strata::engine {
namespace {

using model::Finish;
using model::GenerateRequest;

struct Output : model::Sink {
  std::string text;
  std::vector<int32_t> ids;
  std::vector<double> logprobs;
  std::promise<Finish> done;
  std::future<Finish> finished = done.get_future();
  testing::Gate* gate = nullptr;   // which its first token waits at
  void on_token(const model::TokenEvent& event) override {
    if (gate) std::exchange(gate, nullptr)->arrive_and_wait();
    text += event.text;
    ids.insert(ids.end(), event.ids.begin(), event.ids.end());
    for (const auto& token : event.logprobs) logprobs.push_back(token.logprob);
  }
  void on_finish(const Finish& finish) override { done.set_value(finish); }
};

std::shared_ptr<Output> submit(model::LanguageModel& model, const GenerateRequest& request, std::shared_ptr<model::Handle>* handle = nullptr,
                               testing::Gate* gate = nullptr) {
  auto out = std::make_shared<Output>();
  out->gate = gate;
  auto submitted = model.submit(Context::background(), request, out);
  EXPECT_TRUE(submitted) << submitted.error().message;
  if (!submitted) out->on_finish({});
  if (handle && submitted) *handle = *submitted;
  return out;
}

// Prompts that share prefixes, loop, and stand alone; greedy and sampled; with and without penalties, stops, log-probabilities, echo and
// grammar. At most 324 tokens each.
std::vector<GenerateRequest> requests(Random& random) {
  std::vector<GenerateRequest> out;
  const std::string shared(64, 'q');
  for (int i = 0; i < 16; ++i) {
    GenerateRequest request;
    std::string prompt = i % 2 ? shared : "";
    for (uint64_t n = 1 + random.below(100); n > 0; --n) prompt += static_cast<char>('a' + random.below(i % 4 == 0 ? 2 : 20));
    request.prompt = prompt;
    request.max_tokens = static_cast<int>(1 + random.below(160));
    request.ignore_eos = i % 3 != 0;
    request.sampling.temperature = i % 4 < 2 ? 0.0 : 0.9;
    request.sampling.seed = random.next();
    if (i % 5 == 0) request.sampling.repetition_penalty = 1.2, request.sampling.frequency_penalty = 0.5;
    if (i % 5 == 1) request.sampling.top_k = 20, request.sampling.top_p = 0.9;
    request.logprobs = i % 3 == 1;
    if (i == 7) request.stop = {"zz"};
    if (i % 6 == 2) {
      request.grammar = grammar::compile_regex("(?:name: [a-z]{3,8}; total: [0-9]{1,4}\n){2,9}", "grammar").value();
      request.ignore_eos = false;
    }
    if (i == 4 || i == 10) request.echo = true;
    out.push_back(std::move(request));
  }
  return out;
}

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kEngines = 6;    // sanitizers are many times slower
#else
constexpr int kEngines = 50;
#endif

void expect_the_same_bytes_in_random_schedules(KvFormat format) {
  testing::TemporaryFolder folder;
  const std::string path = folder.write("model.gguf", testing::random_decoder(9));
  Random random(format == KvFormat::kQ8 ? 2027 : 2026);
  const std::vector<GenerateRequest> all = requests(random);
  std::vector<std::shared_ptr<Output>> expected;
  {
    auto plain = Engine::make({.threads = 1, .sequences_max = 1, .prefill_chunk = 512, .speculate = false, .kv_cache = format}).value();
    auto* model = plain->load_language_model(path, "plain").value();
    for (const GenerateRequest& request : all) {
      expected.push_back(submit(*model, request));
      expected.back()->finished.get();
    }
    EXPECT_EQ(plain->stats().drafted_tokens, 0u);
  }
  uint64_t cached = 0, accepted = 0, drafted = 0, preemptions = 0;
  for (int engines = 0; engines < kEngines; ++engines) {
    auto engine = Engine::make({.threads = static_cast<int>(1 + random.below(3)),
                                .sequences_max = static_cast<int>(2 + random.below(7)),
                                .prefill_chunk = static_cast<int>(1 + random.below(300)),
                                .speculate = random.below(4) != 0,
                                .kv_cache = format,
                                .cache_tokens = random.below(5) == 0 ? 0 : static_cast<int>(352 + 32 * random.below(4)),
                                .draft_row_cost = 0.2})
                      .value();
    auto* model = engine->load_language_model(path, "tiny").value();
    for (int schedule = 0; schedule < 10; ++schedule) {
      std::vector<std::pair<size_t, std::shared_ptr<Output>>> running;
      // Of each engine one schedule is the same on every machine: all are there before the first step, so somebody must give way.
      testing::Gate gate;
      if (schedule == 0) {
        std::shared_ptr<model::Handle> handle;
        auto holder = submit(*model, all[1], &handle, &gate);
        gate.wait_for_arrival();
        for (size_t which = 0; which < all.size(); ++which) running.emplace_back(which, submit(*model, all[which]));
        handle->cancel();
        gate.open();
        holder->finished.get();
      }
      for (uint64_t n = 2 + random.below(6); n > 0; --n) {
        const size_t which = random.below(all.size());
        std::shared_ptr<model::Handle> handle;
        auto out = submit(*model, all[which], &handle);
        if (random.below(5) == 0) {  // somebody hangs up
          if (random.below(2)) std::this_thread::yield();
          handle->cancel();
          out->finished.get();
          EXPECT_EQ(expected[which]->text.rfind(out->text, 0), 0u) << "what a cancelled request had said is the beginning of its answer";
        } else {
          running.emplace_back(which, std::move(out));
        }
        if (random.below(3) == 0) std::this_thread::yield();
      }
      for (auto& [which, out] : running) {
        out->finished.get();
        ASSERT_EQ(out->text, expected[which]->text) << "request " << which;
        ASSERT_EQ(out->ids, expected[which]->ids) << "request " << which;
        ASSERT_EQ(out->logprobs, expected[which]->logprobs) << "request " << which;
      }
    }
    cached += engine->stats().cached_tokens;
    accepted += engine->stats().accepted_tokens;
    drafted += engine->stats().drafted_tokens;
    preemptions += engine->stats().preemptions;
  }
  std::printf("%llu prompt tokens from the cache, %llu of %llu guesses right, %llu sequences gave way\n", static_cast<unsigned long long>(cached),
              static_cast<unsigned long long>(accepted), static_cast<unsigned long long>(drafted), static_cast<unsigned long long>(preemptions));
  EXPECT_GT(cached, 20u * kEngines);
  EXPECT_GT(accepted, 5u * kEngines);
  EXPECT_GT(drafted, accepted) << "wrong guesses must have been among them";
  EXPECT_GT(preemptions, kEngines / 3u) << "most of the caches are too small for what runs";
}

TEST(DeterminismTest, FiveHundredRandomSchedulesGiveTheSameBytes) { expect_the_same_bytes_in_random_schedules(KvFormat::kF16); }

TEST(DeterminismTest, FiveHundredRandomSchedulesGiveTheSameBytesWithAnEightBitCache) { expect_the_same_bytes_in_random_schedules(KvFormat::kQ8); }

TEST(DeterminismTest, GuessingChangesNoTokenOfTheDefaultModelAndFindsWhatIsQuoted) {
  const char* models = std::getenv("STRATA_MODELS");
  const char* home = std::getenv("HOME");
  const std::string path = (models ? std::string(models) : std::string(home ? home : "") + "/.cache/strata/models") + "/smollm2-135m-instruct/model.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "the default model is not at " << path;
  const std::string passage =
      "Employees who have completed six months of service may take up to twelve weeks of parental leave. Requests are made in writing to the people "
      "team at least thirty days before the leave begins. During the leave the health plan goes on unchanged.";
  GenerateRequest request;
  request.prompt = passage + "\n\nThe same text once more:\n\n" + passage.substr(0, 60);
  request.max_tokens = 48;
  request.sampling.temperature = 0;
  std::string texts[2];
  for (const bool speculate : {false, true}) {
    auto engine = Engine::make({.speculate = speculate, .draft_row_cost = 0.2}).value();
    auto* model = engine->load_language_model(path, "default").value();
    const auto out = model::generate(Context::background(), *model, request);
    ASSERT_TRUE(out) << out.error().message;
    texts[speculate] = out->text;
    EXPECT_EQ(engine->stats().accepted_tokens > 10, speculate);
  }
  EXPECT_EQ(texts[0], texts[1]);
}

}  // namespace
}  // namespace strata::engine
