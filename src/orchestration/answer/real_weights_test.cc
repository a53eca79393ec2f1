// The pipeline with the default embedding model, where its weights are present.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "model/engine/engine.h"
#include "orchestration/answer/answer.h"

namespace strata::answer {
namespace {

std::string models_folder() {
  if (const char* set = std::getenv("STRATA_MODELS")) return set;
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : ".") + "/.cache/strata/models";
}

struct LastAnswer : Sink {
  Result<Answer> result = internal_error("not done");
  void on_text(const std::string&, const std::vector<Citation>&) override {}
  void on_done(Result<Answer> answer) override { result = std::move(answer); }
};

retrieve::Found passages() {
  const std::vector<std::string> texts = {
      "New employees receive 20 days of paid vacation in their first year. Unused days expire at the end of March.",
      "Laptops are replaced every four years. A broken laptop is reported to the help desk, which answers within one working day.",
      "The cafeteria serves lunch from noon until two. Visitors pay eight dollars at the counter."};
  retrieve::Found out;
  for (size_t i = 0; i < texts.size(); ++i) {
    retrieve::Hit hit;
    hit.chunk.id = static_cast<int64_t>(i) + 1;
    hit.chunk.document_id = "doc_" + std::to_string(i);
    hit.chunk.text = texts[i];
    hit.chunk.chunk.at = {0, static_cast<uint32_t>(texts[i].size())};
    out.hits.push_back(std::move(hit));
  }
  return out;
}

TEST(RealWeights, ParaphrasedQuestionsFindTheirSentenceAndForeignOnesAreRefused) {
  const std::string folder = models_folder() + "/all-minilm-l6-v2";
  if (!std::filesystem::exists(folder + "/model.safetensors")) GTEST_SKIP() << "no weights in " << folder;
  auto engine = engine::Engine::make({});
  ASSERT_TRUE(engine) << engine.error().message;
  auto embedder = (*engine)->load_embedder(folder, "all-minilm-l6-v2");
  ASSERT_TRUE(embedder) << embedder.error().message;
  Answerer answerer({.search = [](const Context&, const auto&, const auto&, const auto&) -> Result<retrieve::Found> { return passages(); }}, **embedder,
                    nullptr);
  const auto ask = [&](const std::string& question) {
    auto sink = std::make_shared<LastAnswer>();
    answerer.answer(Context::background(), Request{.conversation = {{.role = "user", .content = question}}, .base_ids = {"base"}}, sink);
    EXPECT_TRUE(sink->result);
    return sink->result ? *sink->result : Answer{};
  };
  const Answer vacation = ask("How many vacation days does a new employee get in the first year?");
  ASSERT_EQ(vacation.outcome, Outcome::kAnswered);
  EXPECT_EQ(vacation.citations.at(0).quote.find("New employees receive 20 days"), 0u);
  EXPECT_EQ(ask("How often are laptops replaced?").citations.at(0).quote.find("Laptops are replaced every four years."), 0u);
  for (const char* foreign : {"What is the capital of Mongolia?", "Who composed the opera Carmen?", "How far is the moon from the earth?"}) {
    EXPECT_EQ(ask(foreign).outcome, Outcome::kNotInDocuments) << foreign;
  }
}

}  // namespace
}  // namespace strata::answer
