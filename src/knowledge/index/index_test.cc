#include "knowledge/index/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <thread>

#include "base/random.h"

namespace strata::index {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Entry entry(int64_t id, std::string text, std::vector<float> vector = {}, std::string base = "vs_a", std::string document = "") {
  if (document.empty()) document = "doc_" + std::to_string(id);
  return {.id = id, .base_id = std::move(base), .document_id = document, .file_id = "file_" + document, .text = std::move(text), .vector = std::move(vector)};
}

std::vector<int64_t> ids(const std::vector<Match>& matches) {
  std::vector<int64_t> out;
  for (const Match& match : matches) out.push_back(match.id);
  return out;
}

const Scope kBaseA{.base_ids = {"vs_a"}};

std::vector<int64_t> keyword_ids(const Index& index, std::string_view text, const Scope& scope = kBaseA, int k = 10) {
  return ids(index.search({.text = text, .k = k}, scope).value().keyword);
}

std::vector<float> random_unit(Random& random, size_t dimensions) {
  std::vector<float> vector(dimensions);
  double norm = 0;
  for (float& value : vector) {
    value = static_cast<float>(random.uniform() - 0.5);
    norm += static_cast<double>(value) * static_cast<double>(value);
  }
  for (float& value : vector) value = static_cast<float>(value / std::sqrt(norm));
  return vector;
}

// ---- BM25 ------------------------------------------------------------------------------------------------------------------

// BM25 written from its formula, over words that the analyzer leaves as they are ("w12" is avoided: letters and digits are split).
std::map<int64_t, double> bm25_oracle(const std::map<int64_t, std::vector<std::string>>& texts, const std::vector<std::string>& query) {
  double mean = 0;
  for (const auto& [id, words] : texts) mean += static_cast<double>(words.size()) / static_cast<double>(texts.size());
  std::map<int64_t, double> scores;
  for (const std::string& term : query) {
    double holders = 0;
    for (const auto& [id, words] : texts) holders += std::count(words.begin(), words.end(), term) > 0;
    double idf = std::log(1 + (static_cast<double>(texts.size()) - holders + 0.5) / (holders + 0.5));
    for (const auto& [id, words] : texts) {
      double count = static_cast<double>(std::count(words.begin(), words.end(), term));
      if (count > 0) scores[id] += idf * count * 2.2 / (count + 1.2 * (1 - 0.75 + 0.75 * static_cast<double>(words.size()) / mean));
    }
  }
  return scores;
}

std::string made_word(uint64_t n) { return std::string("q") + static_cast<char>('a' + n / 10) + static_cast<char>('a' + n % 10) + "k"; }

class Bm25 : public ::testing::Test {
 protected:
  void fill(Random& random, int64_t count, const std::string& base) {
    std::vector<Entry> batch;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t id = next_id_++;
      std::vector<std::string> words;
      std::string text;
      for (uint64_t n = 1 + random.below(40); n > 0; --n) {
        words.push_back(made_word(random.below(1 + random.below(60))));
        text += words.back() + " ";
      }
      texts_[base][id] = words;
      batch.push_back(entry(id, text, {}, base));
    }
    ASSERT_TRUE(index_.add(std::move(batch)));
  }
  void expect_equal_to_oracle(Random& random, const std::string& base) {
    for (int round = 0; round < 40; ++round) {
      std::set<std::string> words;
      for (uint64_t n = 1 + random.below(6); n > 0; --n) words.insert(made_word(random.below(60)));
      std::string text;
      for (const std::string& word : words) text += word + " ";
      auto expected = bm25_oracle(texts_[base], {words.begin(), words.end()});
      auto found = index_.search({.text = text, .k = 5000}, {.base_ids = {base}}).value();
      ASSERT_EQ(found.keyword.size(), expected.size());
      for (size_t i = 0; i < found.keyword.size(); ++i) {
        const Match& match = found.keyword[i];
        ASSERT_NEAR(match.score, expected.at(match.id), 1e-5 * (1 + match.score));
        if (i > 0) {
          ASSERT_GE(found.keyword[i - 1].score, match.score);
        }
      }
    }
  }
  Index index_;
  std::map<std::string, std::map<int64_t, std::vector<std::string>>> texts_;
  int64_t next_id_ = 1;
};

TEST_F(Bm25, ScoresEqualTheFormulaOnRandomTexts) {
  Random random(1);
  fill(random, 300, "vs_a");
  expect_equal_to_oracle(random, "vs_a");
}

TEST_F(Bm25, ScoresOfABaseDoNotDependOnOtherBases) {
  Random random(2);
  fill(random, 100, "vs_a");
  fill(random, 400, "vs_b");
  fill(random, 100, "vs_a");
  expect_equal_to_oracle(random, "vs_a");
}

TEST_F(Bm25, ScoresAreThoseOfWhatIsLeftAfterRemovals) {
  Random random(3);
  fill(random, 2000, "vs_a");
  for (int round = 0; round < 3; ++round) {   // before and after the arrays are rebuilt
    std::vector<int64_t> gone;
    for (int i = 0; i < 400; ++i) gone.push_back(static_cast<int64_t>(1 + random.below(static_cast<uint64_t>(next_id_))));
    index_.remove(gone);
    for (int64_t id : gone) texts_["vs_a"].erase(id);
    expect_equal_to_oracle(random, "vs_a");
  }
  EXPECT_EQ(index_.stats().chunks, texts_["vs_a"].size());
  fill(random, 100, "vs_a");
  expect_equal_to_oracle(random, "vs_a");
}

TEST(Index, AWordInTheTitleCountsMoreThanInTheText) {
  Index index;
  Entry in_text = entry(1, "parental leave rules"), in_title = entry(2, "general rules here");
  in_title.title = "leave";
  ASSERT_TRUE(index.add({in_text, in_title, entry(3, "nothing of the kind")}));
  EXPECT_THAT(keyword_ids(index, "leave"), ElementsAre(2, 1));
}

TEST(Index, CodesAreFoundWholeAndInParts) {
  Index index;
  ASSERT_TRUE(index.add({entry(1, "Install kn-serving v1.2 now"), entry(2, "set foo_bar in PodAutoscaler"), entry(3, "error E4711, IL-6 and café"),
                         entry(4, "unrelated words only")}));
  for (auto [text, id] : std::vector<std::pair<std::string, int64_t>>{{"kn-serving", 1},
                                                                      {"serving", 1},
                                                                      {"knserving", 1},
                                                                      {"v1.2", 1},
                                                                      {"foo_bar", 2},
                                                                      {"bar", 2},
                                                                      {"foobar", 2},
                                                                      {"autoscaler", 2},
                                                                      {"podautoscaler", 2},
                                                                      {"E4711", 3},
                                                                      {"e 4711", 3},
                                                                      {"IL6", 3},
                                                                      {"Cafe", 3},
                                                                      {"CAFÉ", 3}}) {
    EXPECT_THAT(keyword_ids(index, text), ElementsAre(id)) << text;
  }
}

TEST(Index, WordsOfAllScriptsAreFound) {
  Index index;
  ASSERT_TRUE(index.add({entry(1, "Übergrößenträger straße"), entry(2, "Отпуск по уходу за ребёнком"), entry(3, "育児休暇の申請方法"), entry(4, "ὀδυσσεύς"),
                         entry(5, "ﬁnance ＡＢＣ１"), entry(6, "हिन्दी में छुट्टी")}));
  EXPECT_THAT(keyword_ids(index, "ubergrossentrager"), ElementsAre(1));
  EXPECT_THAT(keyword_ids(index, "STRASSE"), ElementsAre(1));
  EXPECT_THAT(keyword_ids(index, "ОТПУСК"), ElementsAre(2));
  EXPECT_THAT(keyword_ids(index, "休暇"), ElementsAre(3));
  EXPECT_THAT(keyword_ids(index, "ΟΔΥΣΣΕΎΣ"), ElementsAre(4));
  EXPECT_THAT(keyword_ids(index, "finance abc1"), ElementsAre(5));
  EXPECT_THAT(keyword_ids(index, "छुट्टी"), ElementsAre(6));
}

TEST(Index, InflectionsAndPossessivesMatch) {
  Index index;
  ASSERT_TRUE(index.add({entry(1, "The employee's policies were reimbursed")}));
  for (const char* text : {"employees", "policy", "reimbursing", "employee’s"}) EXPECT_THAT(keyword_ids(index, text), ElementsAre(1)) << text;
}

// ---- Vectors ---------------------------------------------------------------------------------------------------------------

TEST(Index, VectorSearchEqualsBruteForce) {
  Random random(4);
  constexpr size_t kDimensions = 384;
  Index index;
  std::vector<Entry> entries;
  std::vector<std::vector<float>> vectors;
  for (int64_t id = 0; id < 3000; ++id) {
    vectors.push_back(random_unit(random, kDimensions));
    entries.push_back(entry(id, "", vectors.back()));
  }
  ASSERT_TRUE(index.add(entries));
  for (int round = 0; round < 20; ++round) {
    std::vector<float> query = random_unit(random, kDimensions);
    std::vector<std::pair<double, int64_t>> all;
    for (size_t id = 0; id < vectors.size(); ++id) {
      double dot = 0;
      for (size_t i = 0; i < kDimensions; ++i) dot += static_cast<double>(vectors[id][i]) * static_cast<double>(query[i]);
      all.push_back({-dot, static_cast<int64_t>(id)});
    }
    std::sort(all.begin(), all.end());
    auto found = index.search({.vector = query, .k = 50}, kBaseA).value();
    ASSERT_EQ(found.vector.size(), 50u);
    for (size_t i = 0; i < 50; ++i) {
      EXPECT_EQ(found.vector[i].id, all[i].second);
      EXPECT_NEAR(found.vector[i].score, -all[i].first, 1e-6);
    }
  }
}

TEST(Index, ChunksWithoutAVectorAreFoundByWordsAlone) {
  Index index;
  ASSERT_TRUE(index.add({entry(1, "alpha")}));
  ASSERT_TRUE(index.add({entry(2, "beta", {1, 0, 0}), entry(3, "alpha beta", {0, 1, 0})}));
  std::vector<float> query{0.6f, 0.8f, 0};
  auto found = index.search({.text = "alpha", .vector = query, .k = 10}, kBaseA).value();
  EXPECT_THAT(ids(found.keyword), ElementsAre(1, 3));
  EXPECT_THAT(ids(found.vector), ElementsAre(3, 2));
  EXPECT_EQ(index.stats().without_vector, 1u);
}

TEST(Index, CandidatesCarryBothScoresWhicheverStageFoundThem) {
  Index index;
  ASSERT_TRUE(index.add({entry(1, "alpha", {1, 0}), entry(2, "alpha alpha", {0, 1}), entry(3, "gamma", {0.8f, 0.6f})}));
  std::vector<float> query{1, 0};
  auto found = index.search({.text = "alpha", .vector = query, .k = 1}, kBaseA).value();
  ASSERT_EQ(found.candidates.size(), 2u);
  EXPECT_EQ(found.candidates[0].id, 1);
  EXPECT_EQ(found.candidates[0].vector_rank, 1);
  EXPECT_EQ(found.candidates[0].keyword_rank, 0);
  EXPECT_GT(found.candidates[0].keyword, 0);
  EXPECT_EQ(found.candidates[1].id, 2);
  EXPECT_NEAR(found.candidates[1].vector, 0, 1e-6);
}

TEST(Index, VectorsOfAnotherModelAreRefusedWhole) {
  Index index;
  ASSERT_TRUE(index.add({entry(1, "a", {1, 0})}));
  auto other = index.add({entry(2, "b", {1, 0}), entry(3, "b", {1, 0, 0})});
  EXPECT_EQ(other.error().code, Code::kInvalidArgument);
  EXPECT_EQ(index.add({entry(2, "b", {1, 0, 0})}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(index.add({entry(2, "b", {NAN, 0})}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(index.stats().chunks, 1u);
  std::vector<float> query{1, 0, 0};
  EXPECT_EQ(index.search({.vector = query}, kBaseA).error().code, Code::kInvalidArgument);
}

// ---- Scope, filters, removal -------------------------------------------------------------------------------------------------

TEST(Index, FiltersNeverLeakAndStillFillK) {
  Random random(5);
  Index index;
  std::vector<Entry> entries;
  for (int64_t id = 0; id < 2000; ++id) {
    Entry one = entry(id, "common word", random_unit(random, 8), id % 2 ? "vs_a" : "vs_b");
    one.attributes["team"] = std::string(id % 50 == 1 ? "hr" : "it");   // 40 in vs_a
    entries.push_back(one);
  }
  ASSERT_TRUE(index.add(entries));
  Scope scope{.base_ids = {"vs_a"}, .accepts = [](const catalog::Attributes& attributes) { return attributes.at("team") == catalog::Attribute("hr"); }};
  auto query = random_unit(random, 8);
  auto found = index.search({.text = "common", .vector = query, .k = 30}, scope).value();
  EXPECT_EQ(found.keyword.size(), 30u);
  EXPECT_EQ(found.vector.size(), 30u);
  for (const Candidate& candidate : found.candidates) EXPECT_EQ(candidate.id % 50, 1);
  found = index.search({.text = "common", .vector = query, .k = 500}, scope).value();
  EXPECT_EQ(found.keyword.size(), 40u);
  EXPECT_EQ(found.vector.size(), 40u);
}

TEST(Index, NoBaseMeansNothing) {
  Index index;
  ASSERT_TRUE(index.add({entry(1, "alpha", {1, 0})}));
  std::vector<float> query{1, 0};
  EXPECT_THAT(index.search({.text = "alpha", .vector = query}, {}).value().candidates, IsEmpty());
  EXPECT_THAT(index.search({.text = "alpha", .vector = query}, {.base_ids = {"vs_unknown"}}).value().candidates, IsEmpty());
}

TEST(Index, AttributesChangeForAllChunksOfTheFileInThatBase) {
  Index index;
  Entry one = entry(1, "alpha", {}, "vs_a", "doc_1"), two = entry(2, "alpha", {}, "vs_a", "doc_1"), other = entry(3, "alpha", {}, "vs_b", "doc_2");
  other.file_id = one.file_id;
  ASSERT_TRUE(index.add({one, two, other}));
  EXPECT_EQ(index.set_attributes("vs_a", one.file_id, {{"year", 2024.0}}), 1u);
  Scope scope{.base_ids = {"vs_a", "vs_b"}, .accepts = [](const catalog::Attributes& attributes) { return attributes.count("year") > 0; }};
  EXPECT_THAT(keyword_ids(index, "alpha", scope), UnorderedElementsAre(1, 2));
  EXPECT_EQ(index.attributes(2)->size(), 1u);
  EXPECT_EQ(index.attributes(99), nullptr);
}

TEST(Index, RemovedDocumentsAndBasesAreGone) {
  Index index;
  ASSERT_TRUE(index.add({entry(1, "alpha", {1, 0}, "vs_a", "doc_1"), entry(2, "alpha", {1, 0}, "vs_a", "doc_1"), entry(3, "alpha", {1, 0}, "vs_a", "doc_2"),
                         entry(4, "alpha", {1, 0}, "vs_b", "doc_3")}));
  EXPECT_EQ(index.remove_document("doc_1"), 2u);
  EXPECT_EQ(index.remove_document("doc_1"), 0u);
  EXPECT_THAT(keyword_ids(index, "alpha"), ElementsAre(3));
  EXPECT_EQ(index.remove_base("vs_a"), 1u);
  EXPECT_THAT(keyword_ids(index, "alpha", {.base_ids = {"vs_a", "vs_b"}}), ElementsAre(4));
  index.clear();
  EXPECT_EQ(index.stats().chunks, 0u);
  EXPECT_TRUE(index.add({entry(5, "alpha", {1, 0, 0})})) << "an empty index takes any model's vectors";
  EXPECT_THAT(keyword_ids(index, "alpha"), ElementsAre(5));
}

TEST(Index, AddingAnIdAgainReplacesIt) {
  Index index;
  ASSERT_TRUE(index.add({entry(1, "old words", {1, 0})}));
  ASSERT_TRUE(index.add({entry(1, "new words", {0, 1})}));
  EXPECT_THAT(keyword_ids(index, "old"), IsEmpty());
  EXPECT_THAT(keyword_ids(index, "new"), ElementsAre(1));
  EXPECT_EQ(index.stats().chunks, 1u);
}

TEST(Index, ItsContentsAreANumberOfTheChunksOfTheBasesAskedForAndOfNothingElse) {
  Index one, other;
  const std::vector<std::string> a = {"vs_a"};
  EXPECT_EQ(one.contents(a), other.contents({"vs_none"}));
  ASSERT_TRUE(one.add({entry(1, "x"), entry(2, "y"), entry(3, "z", {}, "vs_b")}));
  ASSERT_TRUE(other.add({entry(2, "y")}));
  EXPECT_NE(one.contents(a), other.contents(a));
  ASSERT_TRUE(other.add({entry(1, "x")}));   // in another order, as after a restart
  EXPECT_EQ(one.contents(a), other.contents(a));
  EXPECT_NE(one.contents({"vs_a", "vs_b"}), one.contents(a));
  const uint64_t before = one.contents(a);
  one.remove_document("doc_3");
  EXPECT_EQ(one.contents(a), before);
  ASSERT_TRUE(one.add({entry(4, "x", {}, "vs_a", "doc_1")}));
  EXPECT_NE(one.contents(a), before);
  EXPECT_EQ(one.remove(std::vector<int64_t>{4}), 1u);
  EXPECT_EQ(one.contents(a), before);
  one.remove_base("vs_a");
  EXPECT_EQ(one.contents(a), Index().contents(a));
}

TEST(Index, EqualScoresComeInIdOrder) {
  Index index;
  ASSERT_TRUE(index.add({entry(9, "alpha", {1, 0}), entry(3, "alpha", {1, 0}), entry(7, "alpha", {1, 0})}));
  std::vector<float> query{1, 0};
  auto found = index.search({.text = "alpha", .vector = query, .k = 2}, kBaseA).value();
  EXPECT_THAT(ids(found.keyword), ElementsAre(3, 7));
  EXPECT_THAT(ids(found.vector), ElementsAre(3, 7));
}

// ---- Hostile inputs ---------------------------------------------------------------------------------------------------------

TEST(Index, HostileQueriesFindNothingOrSomethingButNeverFail) {
  Index index;
  EXPECT_THAT(keyword_ids(index, "alpha"), IsEmpty()) << "an empty index";
  ASSERT_TRUE(index.add({entry(1, "alpha beta"), entry(2, std::string(3'000'000, 'x')), entry(3, ""), entry(4, "\xff\xfe\x80 broken \xe2\x82")}));
  std::string megabyte;
  while (megabyte.size() < (1u << 20)) megabyte += "w" + std::to_string(megabyte.size()) + " alpha ";
  EXPECT_THAT(keyword_ids(index, megabyte), ElementsAre(1));
  EXPECT_THAT(keyword_ids(index, ""), IsEmpty());
  EXPECT_THAT(keyword_ids(index, "?!… -- ''' \xe2\x80\x99"), IsEmpty());
  EXPECT_THAT(keyword_ids(index, "\xff\xff alpha\xff"), ElementsAre(1));
  EXPECT_THAT(keyword_ids(index, "broken"), ElementsAre(4));
  EXPECT_THAT(keyword_ids(index, "alpha", kBaseA, Index::kMax), ElementsAre(1));
  EXPECT_EQ(index.search({.text = "alpha", .k = Index::kMax + 1}, kBaseA).error().code, Code::kInvalidArgument);
  EXPECT_EQ(index.search({.text = "alpha", .k = 0}, kBaseA).error().code, Code::kInvalidArgument);
}

TEST(Index, SearchesAndWritersMayRunTogether) {
  Index index;
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    Random random(6);
    for (int64_t round = 0; round < 60; ++round) {
      std::vector<Entry> batch;
      for (int64_t i = 0; i < 20; ++i) batch.push_back(entry(round * 20 + i, "alpha number " + std::to_string(i), random_unit(random, 16)));
      ASSERT_TRUE(index.add(std::move(batch)));
      std::vector<int64_t> gone{round * 20 + 1, round * 20 + 3};
      index.remove(gone);
      index.set_attributes("vs_a", "file_doc_" + std::to_string(round * 20), {{"round", static_cast<double>(round)}});
    }
    stop = true;
  });
  auto reader = [&](uint64_t seed) {
    Random random(seed);
    do {
      auto query = random_unit(random, 16);
      auto found = index.search({.text = "alpha", .vector = query, .k = 10}, kBaseA);
      ASSERT_TRUE(found);
      for (const Candidate& candidate : found->candidates) ASSERT_GT(candidate.keyword, 0) << "every text holds the word";
      index.stats();
    } while (!stop);
  };
  std::thread first(reader, 7), second(reader, 8);
  writer.join();
  first.join();
  second.join();
  EXPECT_EQ(index.stats().chunks, 60u * 18u);
}

}  // namespace
}  // namespace strata::index
