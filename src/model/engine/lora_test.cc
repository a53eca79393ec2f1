// Adapters in service: which request gets which, whatever runs beside it; loading and letting go while requests run.
#include <future>
#include <thread>

#include "model/engine/engine_for_test.h"

namespace strata::engine {
namespace {

using model::Finish;
using model::FinishReason;
using model::Generated;
using model::GenerateRequest;
using testing::EngineTest;
using testing::Gate;
using testing::Recorder;

// A GGUF adapter for testing::random_decoder() on every linear layer, with B of the given size.
std::string adapter_bytes(uint64_t seed, float size, uint64_t rank = 4, const testing::DecoderSizes& s = {}) {
  Random random(seed);
  format::GgufWriter writer;
  writer.add("general.type", "adapter").add("general.architecture", "llama").add("adapter.type", "lora").add("adapter.lora.alpha", 8.0f);
  for (uint32_t i = 0; i < s.L; ++i) {
    const std::pair<const char*, std::pair<uint64_t, uint64_t>> sites[] = {
        {"attn_q", {s.H * s.D, s.C}}, {"attn_k", {s.G * s.D, s.C}}, {"attn_v", {s.G * s.D, s.C}}, {"attn_output", {s.C, s.H * s.D}},
        {"ffn_gate", {s.F, s.C}},     {"ffn_up", {s.F, s.C}},       {"ffn_down", {s.C, s.F}}};
    for (const auto& [site, shape] : sites) {
      const std::string name = "blk." + std::to_string(i) + "." + site + ".weight.lora_";
      writer.add_tensor(name + "a", {rank, shape.second}, compute::Format::kF32, testing::floats(testing::random_floats(rank * shape.second, 0.2f, random)));
      writer.add_tensor(name + "b", {shape.first, rank}, compute::Format::kF32, testing::floats(testing::random_floats(shape.first * rank, size, random)));
    }
  }
  return writer.bytes();
}

class LoraTest : public EngineTest {
 protected:
  std::shared_ptr<model::LanguageModel> adapter(const std::string& id, uint64_t seed, float size = 0.3f, uint64_t rank = 4) {
    auto loaded = engine_->load_adapter("tiny", folder_.write(id + ".gguf", adapter_bytes(seed, size, rank)), id);
    if (!loaded) ADD_FAILURE() << loaded.error().message;
    if (!loaded) return nullptr;
    return model::with_adapter(std::shared_ptr<model::LanguageModel>(model_, [](auto*) {}), *loaded);
  }
  Generated run_on(model::LanguageModel& model, GenerateRequest request) {
    auto out = model::generate(context_, model, std::move(request));
    if (!out) ADD_FAILURE() << out.error().message;
    return out ? std::move(*out) : Generated{};
  }
  GenerateRequest scored(const std::string& prompt, int max_tokens = 24) {
    GenerateRequest out = request(prompt, max_tokens);
    out.logprobs = out.ignore_eos = true;
    return out;
  }
};

std::vector<double> logprobs_of(const Generated& out) {
  std::vector<double> all;
  for (const auto& event : out.events) {
    for (const auto& token : event.logprobs) all.push_back(token.logprob);
  }
  return all;
}

TEST_F(LoraTest, AnAdapterChangesItsOwnRequestsOnly) {
  start(testing::random_decoder());
  const Generated plain = run(scored("hello there"));
  const auto one = adapter("one", 1), two = adapter("two", 2);
  const Generated first = run_on(*one, scored("hello there")), second = run_on(*two, scored("hello there"));
  EXPECT_NE(logprobs_of(plain), logprobs_of(first));
  EXPECT_NE(logprobs_of(first), logprobs_of(second));
  EXPECT_EQ(logprobs_of(plain), logprobs_of(run(scored("hello there"))));
  EXPECT_EQ(one->info().parent, "tiny");
  EXPECT_EQ(one->info().adapter_rank, 4);
  EXPECT_EQ(one->info().adapter_sha256.size(), 64u);
  EXPECT_EQ(engine_->stats().adapters, 2);
}

TEST_F(LoraTest, AnAdapterOfZerosGivesTheBasesBits) {
  start(testing::random_decoder());
  const auto zero = adapter("zero", 3, 0);
  const Generated plain = run(scored("the same text")), with = run_on(*zero, scored("the same text"));
  EXPECT_EQ(plain.text, with.text);
  EXPECT_EQ(logprobs_of(plain), logprobs_of(with));
}

TEST_F(LoraTest, SeveralAdaptersAndNoneInOneBatchGiveTheBitsOfEachAlone) {
  for (const bool speculate : {false, true}) {
    start(testing::random_decoder(), {.threads = 3, .prefill_chunk = 7, .speculate = speculate, .draft_row_cost = 0.2});
    const auto one = adapter("one", 1), two = adapter("two", 2, 0.3f, 17);
    std::vector<model::LanguageModel*> models = {model_, one.get(), two.get(), one.get(), model_, two.get()};
    std::vector<Generated> alone;
    for (size_t i = 0; i < models.size(); ++i) alone.push_back(run_on(*models[i], scored("shared beginning of all, then " + std::to_string(i), 40)));
    for (int round = 0; round < 3; ++round) {
      std::vector<std::shared_ptr<Recorder>> sinks;
      for (size_t i = 0; i < models.size(); ++i) {
        sinks.push_back(std::make_shared<Recorder>());
        ASSERT_TRUE(models[i]->submit(context_, scored("shared beginning of all, then " + std::to_string(i), 40), sinks.back()));
      }
      for (size_t i = 0; i < models.size(); ++i) {
        EXPECT_EQ(sinks[i]->finished.get().reason, FinishReason::kLength);
        Generated together;
        together.events = sinks[i]->events;
        EXPECT_EQ(sinks[i]->text, alone[i].text) << i;
        EXPECT_EQ(logprobs_of(together), logprobs_of(alone[i])) << i;
      }
    }
  }
}

TEST_F(LoraTest, PreemptedAndComputedAgainARequestKeepsItsAdapter) {
  for (const KvFormat kv : {KvFormat::kF16, KvFormat::kQ8}) {
    for (const bool speculate : {false, true}) {
      start(testing::random_decoder(), {.threads = 2, .prefill_chunk = 32, .speculate = speculate, .kv_cache = kv, .cache_tokens = 512, .draft_row_cost = 0.2});
      const auto one = adapter("one", 1), two = adapter("two", 2);
      const std::vector<model::LanguageModel*> models = {model_, one.get(), two.get(), one.get(), two.get(), model_};
      std::vector<Generated> alone;
      for (size_t i = 0; i < models.size(); ++i) alone.push_back(run_on(*models[i], scored(std::string(40, 'p') + std::to_string(i), 150)));
      std::vector<std::shared_ptr<Recorder>> sinks;
      for (size_t i = 0; i < models.size(); ++i) {
        sinks.push_back(std::make_shared<Recorder>());
        ASSERT_TRUE(models[i]->submit(context_, scored(std::string(40, 'p') + std::to_string(i), 150), sinks.back()));
      }
      for (size_t i = 0; i < models.size(); ++i) {
        EXPECT_EQ(sinks[i]->finished.get().reason, FinishReason::kLength);
        Generated together;
        together.events = sinks[i]->events;
        EXPECT_EQ(sinks[i]->text, alone[i].text) << i;
        EXPECT_EQ(logprobs_of(together), logprobs_of(alone[i])) << i;
      }
      EXPECT_GT(engine_->stats().preemptions, 0u);
    }
  }
}

TEST_F(LoraTest, ItOutlivesAModelThatIsUnloadedAndGoesWithItWhenItIsBack) {
  Options options{.threads = 2};
  options.packed = {.keep = true, .cache_folder = "", .disk_spare_bytes = 0};   // the second load maps what the first wrote
  start(testing::random_decoder(), options);
  ASSERT_TRUE(engine_->unload("tiny"));
  const auto file = engine_->open_language_model(folder_.path() + "/model.gguf", "tiny").value();
  model_ = engine_->load(*file).value();
  const auto weights = engine_->load_adapter("tiny", folder_.write("one.gguf", adapter_bytes(1, 0.3f)), "one").value();
  auto on_it = [&] { return model::with_adapter(std::shared_ptr<model::LanguageModel>(model_, [](auto*) {}), weights); };
  const Generated before = run_on(*on_it(), scored("hello there"));
  EXPECT_NE(logprobs_of(run(scored("hello there"))), logprobs_of(before));
  ASSERT_TRUE(engine_->unload("tiny"));
  model_ = engine_->load(*file).value();
  EXPECT_EQ(logprobs_of(run_on(*on_it(), scored("hello there"))), logprobs_of(before));
  // Other weights under its model's name are refused: it was not made for them, and may not fit.
  for (const std::string& other : {testing::random_decoder(2), testing::random_decoder(1, {.L = 1}), testing::random_decoder(1, {.C = 32})}) {
    ASSERT_TRUE(engine_->unload("tiny"));
    model_ = engine_->load_language_model(folder_.write("model.gguf", other), "tiny").value();
    const auto refused = model::generate(context_, *on_it(), scored("hello there"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  }
}

TEST_F(LoraTest, ThePrefixCacheKeepsAdaptersApart) {
  start(testing::random_decoder());
  const auto one = adapter("one", 1), two = adapter("two", 2);
  const std::string prompt(100, 'q');
  EXPECT_EQ(run(scored(prompt)).finish.usage.cached_tokens, 0);
  EXPECT_EQ(run_on(*one, scored(prompt)).finish.usage.cached_tokens, 0);
  EXPECT_EQ(run_on(*two, scored(prompt)).finish.usage.cached_tokens, 0);
  EXPECT_GT(run_on(*one, scored(prompt)).finish.usage.cached_tokens, 0);
  EXPECT_GT(run(scored(prompt)).finish.usage.cached_tokens, 0);
}

TEST_F(LoraTest, UnloadedWhileItRunsItStaysUntilItsRequestsEnd) {
  start(testing::random_decoder());
  auto one = adapter("one", 1);
  const std::string expected = run_on(*one, scored("a", 60)).text;
  Gate gate;
  auto sink = std::make_shared<Recorder>();
  sink->on_first = [&gate] { gate.arrive_and_wait(); };
  ASSERT_TRUE(one->submit(context_, scored("a", 60), sink));
  gate.wait_for_arrival();
  one.reset();
  EXPECT_EQ(engine_->stats().adapters, 1) << "still in use";
  const auto again = adapter("one", 9);   // its name is free at once
  gate.open();
  EXPECT_EQ(sink->finished.get().reason, FinishReason::kLength);
  EXPECT_EQ(sink->text, expected);
  run(request("b", 1));                   // a step later the finished one is gone
  EXPECT_EQ(engine_->stats().adapters, 1);
}

TEST_F(LoraTest, AdaptersComeAndGoWhileOthersRun) {
  start(testing::random_decoder(), {.threads = 2});
  const std::string expected = run(scored("steady", 200)).text;
  auto steady = std::make_shared<Recorder>();
  submit(scored("steady", 200), steady);
  std::vector<std::thread> clients;
  for (uint64_t t = 0; t < 3; ++t) {
    clients.emplace_back([this, t] {
      for (int i = 0; i < 5; ++i) {
        const auto mine = adapter("mine" + std::to_string(t), 10 + t);
        EXPECT_FALSE(run_on(*mine, scored("x", 10)).text.empty());
      }
    });
  }
  for (auto& client : clients) client.join();
  steady->finished.get();
  EXPECT_EQ(steady->text, expected);
}

TEST_F(LoraTest, ItsReceiptNamesItAndItsHash) {
  start(testing::random_decoder());
  const auto one = adapter("one", 1);
  GenerateRequest asked = request("hello", 8);
  asked.receipt = true;
  const Generated with = run_on(*one, asked), without = run(asked);
  ASSERT_TRUE(with.finish.receipt && without.finish.receipt);
  EXPECT_EQ(with.finish.receipt->model, "tiny");
  EXPECT_EQ(with.finish.receipt->adapter, "one");
  EXPECT_EQ(with.finish.receipt->adapter_sha256, one->info().adapter_sha256);
  EXPECT_EQ(without.finish.receipt->adapter, "");
  EXPECT_EQ(without.finish.receipt->adapter_sha256, "");
}

TEST_F(LoraTest, WhatCannotBeLoadedSaysWhy) {
  start(testing::random_decoder());
  const std::string good = folder_.write("good.gguf", adapter_bytes(1, 0.1f)),
                    other = folder_.write("other.gguf", adapter_bytes(1, 0.1f, 4, {.L = 2, .C = 32}));
  EXPECT_EQ(engine_->load_adapter("nobody", good, "a").error().code, Code::kNotFound);
  EXPECT_EQ(engine_->load_adapter("tiny", good, "tiny").error().code, Code::kAlreadyExists);
  EXPECT_EQ(engine_->load_adapter("tiny", other, "a").error().code, Code::kInvalidArgument);
  EXPECT_FALSE(engine_->load_adapter("tiny", folder_.path() + "/absent.gguf", "a"));
  EXPECT_FALSE(engine_->load_adapter("tiny", folder_.path(), "a"));
  EXPECT_EQ(engine_->stats().adapters, 0);
  std::vector<std::shared_ptr<const model::Adapter>> all;
  for (int i = 0; i < Engine::kAdaptersMax; ++i) all.push_back(engine_->load_adapter("tiny", good, "a" + std::to_string(i)).value());
  EXPECT_EQ(engine_->load_adapter("tiny", good, "more").error().code, Code::kResourceExhausted);
  all.pop_back();
  EXPECT_TRUE(engine_->load_adapter("tiny", good, "more"));
}

TEST_F(LoraTest, MemoryIsCountedAndGivenBack) {
  start(testing::random_decoder(), {.context_tokens = 128, .memory_bytes_max = 4 << 20});
  const uint64_t before = engine_->stats().memory_bytes;
  {
    const auto one = adapter("one", 1);
    EXPECT_EQ(engine_->stats().memory_bytes, before + one->info().memory_bytes);
    const auto large = engine_->load_adapter("tiny", folder_.write("large.gguf", adapter_bytes(1, 0.1f, 1024)), "large");
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().code, Code::kResourceExhausted);
  }
  EXPECT_EQ(engine_->stats().memory_bytes, before);
}

}  // namespace
}  // namespace strata::engine
