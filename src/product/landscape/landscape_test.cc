#include "product/landscape/landscape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "model/hub/hub.h"

namespace strata::landscape {
namespace {

using testing::HasSubstr;

const Model& model(const char* name) {
  auto found = built_in().find(name);
  EXPECT_TRUE(found.has_value()) << name;
  return **found;
}

TEST(CatalogueTest, BuiltInFileIsValid) {
  auto parsed = parse(built_in_text(), Catalogue{}, Origin::kBuiltIn);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_FALSE(parsed->as_of.empty());
}

TEST(CatalogueTest, HasEveryNamedModelAndEveryNamedFamily) {
  for (const char* name : {"GPT-4o", "Claude 3.5 Sonnet", "Gemini 1.5 Pro", "Claude 3.5", "Llama 3.1 8B", "GPT-4o-mini", "Claude 3.5 Haiku"}) model(name);
  for (const char* id : {"openai-gpt", "anthropic-claude", "google-gemini", "meta-llama", "mistral", "falcon"}) EXPECT_NE(built_in().family(id), nullptr) << id;
}

TEST(CatalogueTest, EveryKindHasAModel) {
  for (const char* kind : {"general", "code", "on_device", "domain"}) {
    bool found = false;
    for (auto& m : built_in().models) found = found || std::find(m.kinds.begin(), m.kinds.end(), kind) != m.kinds.end();
    EXPECT_TRUE(found) << kind;
  }
}

TEST(CatalogueTest, EveryComparisonAxisIsThere) {
  std::set<std::string> axes;
  for (auto& field : fields()) axes.insert(field.axis);
  for (const char* axis : {"context length", "training data style", "safety tuning", "reasoning vs creativity", "cost vs latency", "suitability", "alignment"})
    EXPECT_TRUE(axes.count(axis)) << axis;
  for (size_t i = 0; i < fields().size(); ++i) EXPECT_EQ(static_cast<size_t>(fields()[i].field), i);
}

TEST(CatalogueTest, NamedModelsAreKnownOnEveryAxis) {
  for (const char* name : {"GPT-4o", "Claude 3.5 Sonnet", "Gemini 1.5 Pro", "GPT-4o mini", "Claude 3.5 Haiku", "Llama 3.1 8B"})
    for (Field field :
         {Field::kContextTokens, Field::kTrainingDataStyle, Field::kSafetyTuning, Field::kReasoning, Field::kCreativity, Field::kSpeed, Field::kChat,
          Field::kAnalytics, Field::kCoding, Field::kAgents, Field::kHelpfulness, Field::kSafety, Field::kCodingSkill, Field::kToxicity})
      EXPECT_TRUE(model(name)[field].known()) << name << " " << info(field).name;
}

TEST(CatalogueTest, EveryKnownFactHasASourceAndAgingOnesAMonth) {
  std::set<std::string> sources;
  for (auto& source : built_in().sources) sources.insert(source.id);
  for (auto& m : built_in().models)
    for (size_t i = 0; i < kFields; ++i)
      if (m.facts[i].known()) {
        EXPECT_TRUE(sources.count(m.facts[i].source)) << m.id << " " << fields()[i].name << ": " << m.facts[i].source;
        EXPECT_TRUE(!fields()[i].ages || !m.facts[i].as_of.empty()) << m.id << " " << fields()[i].name;
      }
}

TEST(CatalogueTest, IdsAndAliasesAreUnique) {
  std::set<std::string> seen;
  for (auto& m : built_in().models) {
    EXPECT_TRUE(seen.insert(m.id).second) << m.id;
    for (auto& alias : m.aliases) EXPECT_TRUE(seen.insert(alias).second) << alias;
  }
}

TEST(CatalogueTest, HubIdsAreThoseOfTheHubAndEveryHubModelIsDescribed) {
  std::set<std::string> here, there;
  for (auto& m : built_in().models) here.insert(m.hub.begin(), m.hub.end());
  for (auto& r : hub::recommendations()) there.insert(r.id);
  EXPECT_EQ(here, there);
  for (auto& r : hub::recommendations()) {
    const Model* found = match(built_in(), r.id);
    ASSERT_NE(found, nullptr) << r.id;
    EXPECT_EQ((*found)[Field::kLicense].text(), r.license) << r.id;
  }
}

TEST(CatalogueTest, FactsThatAModelDoesNotStateAreItsFamilysAndNullIsUnknown) {
  EXPECT_EQ(model("gpt-4o")[Field::kSafetyTuning].text(), built_in().family("openai-gpt")->facts[static_cast<size_t>(Field::kSafetyTuning)].text());
  EXPECT_TRUE(model("gpt-4o")[Field::kSafetyTuning].inherited);
  EXPECT_EQ(model("gpt-4o")[Field::kParameters].text(), "unknown");
  EXPECT_FALSE(model("gemini-1.5-pro")[Field::kTrainingCutoff].known());
}

TEST(CatalogueTest, MissingModelNamesTheNearest) {
  auto missing = built_in().find("gpt-4o-mni");
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().message, HasSubstr("did you mean 'gpt-4o-mini'?"));
}

TEST(OwnFileTest, ChangesOneFactAndKeepsTheRest) {
  auto mine = parse(R"({"models": [{"id": "gpt-4o", "as_of": "2026-11", "facts": {"price_in": 2.0}}]})", built_in());
  ASSERT_TRUE(mine.has_value()) << mine.error().message;
  const Model& changed = **mine->find("gpt-4o");
  EXPECT_EQ(changed.origin, Origin::kChanged);
  EXPECT_EQ(changed[Field::kPriceIn].text(), "2");
  EXPECT_EQ(changed[Field::kPriceIn].source, "yours");
  EXPECT_EQ(changed[Field::kPriceOut].text(), "10");
}

TEST(OwnFileTest, AddsAModelWhichInheritsFromItsFamily) {
  auto mine = parse(
      R"({"models": [{"id": "my-llama", "name": "Our Llama", "family": "meta-llama", "facts": {"context_tokens": {"value": 8192, "as_of": "2026-01"}}}]})",
      built_in());
  ASSERT_TRUE(mine.has_value()) << mine.error().message;
  const Model& added = **mine->find("our llama");
  EXPECT_EQ(added.origin, Origin::kOwn);
  EXPECT_TRUE(added.open_weights);
  EXPECT_TRUE(added[Field::kSafetyTuning].inherited);
}

TEST(OwnFileTest, ChangedFamilyReachesItsModels) {
  auto mine = parse(R"({"families": [{"id": "openai-gpt", "facts": {"safety": {"value": 2, "as_of": "2026-11"}}}]})", built_in());
  ASSERT_TRUE(mine.has_value()) << mine.error().message;
  EXPECT_EQ((**mine->find("gpt-4o"))[Field::kSafety].text(), "2");
}

TEST(OwnFileTest, ErrorsNameLineFieldAndNearestName) {
  auto message = [](const char* text) {
    auto parsed = parse(text, built_in());
    EXPECT_FALSE(parsed.has_value()) << text;
    return parsed ? std::string() : parsed.error().message;
  };
  EXPECT_THAT(message("{\n \"models\": [\n  {\"id\": \"a\", \"name\": \"A\", \"family\": \"meta-lama\"}]}"),
              testing::AllOf(HasSubstr("line 3: models[0].family"), HasSubstr("'meta-llama'")));
  EXPECT_THAT(message("{\"models\": [{\"id\": \"gpt-4o\",\n\"facts\": {\"chat\": 3,\n\"price_inn\": 1}}]}"),
              HasSubstr("line 2: models[0].facts.chat: this fact ages"));
  EXPECT_THAT(message("{\"models\": [{\"id\": \"gpt-4o\", \"as_of\": \"2026-01\",\n\"facts\": {\n\"price_inn\": 1}}]}"),
              HasSubstr("line 3: models[0].facts.price_inn: is not a known field; did you mean 'price_in'?"));
  EXPECT_THAT(message("{\"models\": [{\"id\": \"gpt-4o\", \"as_of\": \"2026-01\",\n\"facts\": {\"chat\":\n 6}}]}"),
              HasSubstr("line 3: models[0].facts.chat: expected a whole number from 1 to 5"));
  EXPECT_THAT(message("{\n\"modles\": []}"), HasSubstr("line 2: modles: is not a known key; did you mean 'models'?"));
  EXPECT_THAT(message("{\n\"models\": [\n}"), HasSubstr("line 3: not valid JSON"));
  EXPECT_THAT(message("{\"models\": [{\"id\": \"gpt-4o\", \"as_of\": \"yesterday\", \"facts\": {\"chat\": 1}}]}"), HasSubstr("expected a month"));
  EXPECT_THAT(message("[]"), HasSubstr("line 1: expected an object, got array"));
}

TEST(MatchTest, OwnersDatesAndFormatsDoNotMatterOtherModelsDo) {
  auto id = [](const char* name) {
    const Model* found = match(built_in(), name);
    return found ? found->id : std::string("none");
  };
  EXPECT_EQ(id("meta-llama/Llama-3.1-8B-Instruct"), "llama-3.1-8b");
  EXPECT_EQ(id("gpt-4o-2024-08-06"), "gpt-4o");
  EXPECT_EQ(id("gpt-4o-mini-2024-07-18"), "gpt-4o-mini");
  EXPECT_EQ(id("gpt-4o-audio-preview"), "none");
  EXPECT_EQ(id("claude-3-5-sonnet-20241022"), "claude-3.5-sonnet");
  EXPECT_EQ(id("claude-3-5-haiku-latest"), "claude-3.5-haiku");
  EXPECT_EQ(id("smollm2-135m-instruct"), "smollm2-135m");
  EXPECT_EQ(id("smollm2-1.7b-instruct-q4_0"), "smollm2-1.7b");
  EXPECT_EQ(id("gemma-3-270m-it-q4_k_m"), "gemma-3-270m");
  EXPECT_EQ(id("mistralai/Mistral-7B-Instruct-v0.3"), "mistral-7b");
  EXPECT_EQ(id("all-minilm-l6-v2"), "all-minilm-l6-v2");
  EXPECT_EQ(id("something-else"), "none");
  EXPECT_EQ(id(""), "none");
}

Comparison compared(const Wish& wish, const std::vector<Installed>& installed = {}) {
  auto out = compare(built_in(), installed, wish);
  EXPECT_TRUE(out.has_value()) << (out ? "" : out.error().message);
  return out ? *out : Comparison{};
}

TEST(CompareTest, WeightsAddUpToOneAndScoresAreTheirSum) {
  for (auto use : uses())
    for (auto lean : leans())
      for (auto favour : favours())
        for (auto& row : compared({.use = std::string(use), .lean = std::string(lean), .favour = std::string(favour)}).rows) {
          double weights = 0, score = 0;
          for (auto& part : row.parts) {
            weights += part.weight;
            score += 100 * part.weight * part.points;
            EXPECT_GE(part.points, 0);
            EXPECT_LE(part.points, 1);
            EXPECT_FALSE(part.reason.empty());
            EXPECT_TRUE(part.known || part.points == 0.5);
          }
          EXPECT_DOUBLE_EQ(weights, 1);
          EXPECT_DOUBLE_EQ(score, row.score);
        }
}

TEST(CompareTest, CheaperOfTwoAlikeWinsWhereCostMattersAndStrongerWhereItDoesNot) {
  Wish wish{.use = "coding", .favour = "cost", .with_retired = true, .models = {"gpt-4o", "gpt-4o-mini"}};
  auto rows = compared(wish).rows;
  ASSERT_EQ(rows.size(), 2u);
  auto part = [](const Row& row, const char* axis) {
    for (auto& p : row.parts)
      if (p.axis == axis) return p.points;
    return -1.0;
  };
  const Row &big = rows[0].id == "gpt-4o" ? rows[0] : rows[1], &small = rows[0].id == "gpt-4o" ? rows[1] : rows[0];
  EXPECT_GT(part(small, "cost"), part(big, "cost"));
  EXPECT_GT(part(big, "fit for coding"), part(small, "fit for coding"));
}

TEST(CompareTest, WhatIsHereRunsWithoutAPriceAndAtItsMeasuredRate) {
  std::vector<Installed> installed = {{.id = "smollm2-135m-instruct", .is_default = true, .context_tokens = 8192, .decode_tokens_per_s = 100}};
  auto rows = compared({.favour = "latency", .here_only = true}, installed).rows;
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].model->id, "smollm2-135m");
  EXPECT_EQ(rows[0].parts.back().points, 1);
  EXPECT_THAT(rows[0].parts.back().reason, HasSubstr("measured here"));
  EXPECT_THAT(compared({.favour = "cost", .here_only = true}, installed).rows[0].parts.back().reason, HasSubstr("runs on this machine"));
}

TEST(CompareTest, AnInstalledModelThatNobodyKnowsIsComparedAsUnknown) {
  std::vector<Installed> installed = {{.id = "house-model", .model = "house", .remote = true}};
  auto rows = compared({.here_only = true}, installed).rows;
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].model, nullptr);
  EXPECT_EQ(rows[0].score, 50);
  for (auto& part : rows[0].parts) EXPECT_FALSE(part.known);
}

TEST(CompareTest, WhatIsLeftOutSaysWhy) {
  auto all = compared({.context_tokens_min = 100'000, .open_weights_only = true});
  std::map<std::string, std::string> left;
  for (auto& l : all.left) left[l.id] = l.reason;
  EXPECT_THAT(left["gpt-4o"], HasSubstr("not open"));
  EXPECT_THAT(left["falcon-40b"], HasSubstr("2048"));
  EXPECT_THAT(left["all-minilm-l6-v2"], HasSubstr("does not write"));
  EXPECT_EQ(left.count("llama-3.1-8b"), 0u);
  EXPECT_THAT(compared({.models = {"claude-3.5-sonnet"}}).left.at(0).reason, HasSubstr("retired"));
}

TEST(CompareTest, UnknownWordsNameTheFieldAndTheNearest) {
  auto wrong = compare(built_in(), {}, {.use = "codng"});
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().param, "use");
  EXPECT_THAT(wrong.error().message, HasSubstr("did you mean 'coding'?"));
  EXPECT_FALSE(compare(built_in(), {}, {.models = {"gpt-5-imaginary"}}).has_value());
}

}  // namespace
}  // namespace strata::landscape
