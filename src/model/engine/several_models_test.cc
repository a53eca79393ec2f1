// Several models in one engine: loaded, unloaded and loaded again, in turns, with their packed weights on disk or not.
#include <array>

#include "model/engine/engine_for_test.h"
#include "model/engine/turns.h"

namespace strata::engine {
namespace {

using testing::Gate;
using testing::Recorder;

class SeveralModels : public testing::EngineTest {
 protected:
  std::shared_ptr<ModelFile> open(const std::string& id, uint64_t seed) {
    return engine_->open_language_model(folder_.write(id + ".gguf", testing::random_decoder(seed)), id).value();
  }
  std::string text(model::LanguageModel& model) { return model::generate(context_, model, request("abc", 24)).value().text; }
  // Ends an engine of its own, so that only the files are left.
  static std::string text_of_new_engine(const std::string& path, bool keep) {
    Options options{.threads = 2};
    options.packed = {.keep = keep, .cache_folder = "", .disk_spare_bytes = 0};
    auto engine = Engine::make(options).value();
    auto* model = engine->load_language_model(path, "tiny").value();
    GenerateRequest request;
    request.prompt = std::string("abc");
    request.max_tokens = 24;
    request.sampling.temperature = 0;
    return model::generate(Context::background(), *model, std::move(request)).value().text;
  }
  using GenerateRequest = model::GenerateRequest;
};

TEST_F(SeveralModels, PackedWeightsFromDiskGiveTheSameTokens) {
  const std::string path = folder_.write("packed.gguf", testing::random_decoder(7));
  const std::string in_memory = text_of_new_engine(path, false);
  EXPECT_TRUE(packed::list({folder_.path()}).empty());
  EXPECT_EQ(text_of_new_engine(path, true), in_memory);   // writes
  ASSERT_EQ(packed::list({folder_.path()}).size(), 1u);
  EXPECT_EQ(text_of_new_engine(path, true), in_memory);   // reads
}

TEST_F(SeveralModels, HashOfAModelWithoutAManifestComesFromItsFirstLoad) {
  start(testing::random_decoder(), {.packed = {.keep = true, .cache_folder = "", .disk_spare_bytes = 0}});
  EXPECT_EQ(model_->info().sha256.size(), 64u);
}

TEST_F(SeveralModels, DescribedBeforeLoadingAsAfter) {
  engine_ = Engine::make({.threads = 1}).value();
  const auto file = open("a", 1);
  const model::ModelInfo before = file->info();
  const model::ModelInfo& after = (*engine_->load(*file))->info();
  EXPECT_EQ(before.id, after.id);
  EXPECT_EQ(before.parameters, after.parameters);
  EXPECT_EQ(before.context_tokens, after.context_tokens);
  EXPECT_EQ(before.memory_bytes, after.memory_bytes);
  EXPECT_EQ(before.format, after.format);
  const MemoryNeed need = engine_->memory_need(*file);
  EXPECT_LT(before.memory_bytes, need.least);
  EXPECT_LT(need.least, need.one);
  EXPECT_LT(need.one, need.all);
  EXPECT_EQ(engine_->memory_max() - engine_->memory_left(), need.all);
}

TEST_F(SeveralModels, UnloadingGivesTheMemoryBackAndLoadingAgainGivesTheSameText) {
  engine_ = Engine::make({.threads = 2}).value();
  const uint64_t left = engine_->memory_left();
  const auto a = open("a", 1), b = open("b", 2);
  const std::string said = text(**engine_->load(*a));
  const uint64_t tokens = engine_->stats().generated_tokens;
  ASSERT_TRUE(engine_->unload("a"));
  EXPECT_EQ(engine_->memory_left(), left);
  EXPECT_EQ(engine_->unload("a").error().code, Code::kNotFound);
  EXPECT_EQ(engine_->stats().generated_tokens, tokens);   // what it did stays counted
  EXPECT_EQ(engine_->stats_by_model().at("a").memory_bytes, 0u);
  EXPECT_NE(text(**engine_->load(*b)), said);
  EXPECT_EQ(text(**engine_->load(*a)), said);
  EXPECT_EQ(engine_->stats_by_model().at("a").generated_tokens, 2 * tokens);
}

TEST_F(SeveralModels, LoadTakesNoMoreThanItsShare) {
  engine_ = Engine::make({.threads = 1}).value();
  const auto file = open("a", 1);
  const MemoryNeed need = engine_->memory_need(*file);
  const uint64_t left = engine_->memory_left();
  ASSERT_TRUE(engine_->load(*file, need.one));
  EXPECT_EQ(left - engine_->memory_left(), need.one);
  ASSERT_TRUE(engine_->unload("a"));
  const auto refused = engine_->load(*file, need.least - 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kResourceExhausted);
}

TEST_F(SeveralModels, UnloadingOneModelTouchesNoOthersRequests) {
  engine_ = Engine::make({.threads = 2}).value();
  const auto a = open("a", 1), b = open("b", 2);
  auto* kept = *engine_->load(*a);
  const std::string alone = text(*kept);
  auto* leaves = *engine_->load(*b);
  Gate gate;
  auto held = std::make_shared<Recorder>(), beside = std::make_shared<Recorder>();
  held->on_first = [&gate] { gate.arrive_and_wait(); };
  GenerateRequest endless = request("x", 400);
  endless.ignore_eos = true;
  ASSERT_TRUE(leaves->submit(context_, endless, held));
  gate.wait_for_arrival();   // the engine is held in the middle of a step of b
  ASSERT_TRUE(kept->submit(context_, request("abc", 24), beside));
  auto unloaded = std::async(std::launch::async, [&] { return engine_->unload("b"); });
  gate.open();
  EXPECT_TRUE(unloaded.get());
  EXPECT_NE(held->finished.get().reason, model::FinishReason::kError);
  (void)beside->finished.get();
  EXPECT_EQ(beside->text, alone);
}

TEST(TurnsTest, EachModelGetsTheSameTimeHoweverLongItsStepsAre) {
  Turns turns;
  const int a = 0, b = 0;
  const std::array<const void*, 2> both = {&a, &b};
  int64_t time_a = 0, time_b = 0;
  for (int i = 0; i < 1000; ++i) {
    const void* next = turns.next(both);
    const int64_t ns = next == &a ? 100 : 7;
    turns.took(next, ns);
    (next == &a ? time_a : time_b) += ns;
    EXPECT_LE(std::abs(time_a - time_b), 107);
  }
}

TEST(TurnsTest, WhoHadNoWorkGainsNothingByIt) {
  Turns turns;
  const int a = 0, b = 0;
  const std::array<const void*, 1> alone = {&a};
  for (int i = 0; i < 100; ++i) turns.took(turns.next(alone), 10);
  const std::array<const void*, 2> both = {&a, &b};
  int turns_of_b = 0;
  for (int i = 0; i < 20; ++i) {
    const void* next = turns.next(both);
    turns.took(next, 10);
    turns_of_b += next == &b;
  }
  EXPECT_GE(turns_of_b, 9);
  EXPECT_LE(turns_of_b, 11);
}

}  // namespace
}  // namespace strata::engine
