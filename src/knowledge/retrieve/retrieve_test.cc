#include "knowledge/retrieve/retrieve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "base/text.h"
#include "knowledge/retrieve/fuse.h"
#include "knowledge/retrieve/rerank.h"

namespace strata::retrieve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr size_t kDimensions = 32;

// Meaning, as far as these tests need one: a word's first letter is its direction, so "automobile" is near "auto".
std::vector<float> unit(std::vector<float> vector) {
  float norm = 0;
  for (float value : vector) norm += value * value;
  for (float& value : vector) value /= std::sqrt(std::max(norm, 1e-12f));
  return vector;
}
std::vector<float> word_vector(std::string_view word) {
  std::vector<float> vector(kDimensions, 0.01f);
  vector[static_cast<size_t>(word[0]) % kDimensions] += 1;
  return unit(vector);
}
model::Embedding embedding_of(std::string_view text, bool token_vectors) {
  model::Embedding out;
  out.vector.assign(kDimensions, 0.0f);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find_first_of(" \n", at), text.size());
    if (end > at) {
      const std::vector<float> word = word_vector(text.substr(at, end - at));
      for (size_t i = 0; i < kDimensions; ++i) out.vector[i] += word[i];
      if (token_vectors) {
        out.token_vectors.insert(out.token_vectors.end(), word.begin(), word.end());
        out.token_spans.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end)});
      }
      ++out.tokens;
    }
    at = end + 1;
  }
  out.vector = unit(out.vector);
  return out;
}

class FakeEmbedder : public model::Embedder {
 public:
  const model::ModelInfo& info() const override { return info_; }
  int tokens_max() const override { return 256; }
  Result<int> count_tokens(std::string_view text) const override { return static_cast<int>(text.size() / 5); }
  Status submit(const Context&, model::EmbedRequest request, Done done) override {
    if (broken) return unavailable("the embedder is away");
    std::vector<model::Embedding> out;
    for (const std::string& text : request.texts) out.push_back(embedding_of(text, request.token_vectors));
    texts_embedded += static_cast<int>(request.texts.size());
    done(std::move(out));
    return {};
  }
  std::atomic<int> texts_embedded{0};
  bool broken = false;

 private:
  model::ModelInfo info_;
};

class RetrieverTest : public ::testing::Test {
 protected:
  RetrieverTest()
      : retriever_({.chunks = [this](const Context&, const std::vector<int64_t>& ids) { return read(ids); },
                    .document = [this](const Context&, const std::string& id) { return document(id); }},
                   index_, embedder_, {}) {}

  Result<std::vector<catalog::ChunkRow>> read(const std::vector<int64_t>& ids) {
    ++reads_;
    std::vector<catalog::ChunkRow> out;
    for (int64_t id : ids) {
      if (rows_.count(id)) out.push_back(rows_.at(id));
    }
    return out;
  }
  Result<catalog::DocumentRow> document(const std::string& id) {
    if (!documents_.count(id)) return not_found("no document " + id);
    return documents_.at(id);
  }
  // A chunk of its own document in base vs_a, unless said otherwise.
  catalog::ChunkRow& put(int64_t id, const std::string& text, catalog::Attributes attributes = {}, const std::string& base = "vs_a") {
    catalog::ChunkRow row;
    row.id = id;
    row.document_id = "doc_" + std::to_string(id);
    row.file_id = "file_" + std::to_string(id);
    row.base_id = base;
    row.filename = "f" + std::to_string(id) + ".md";
    row.version = "v";
    row.text = text;
    row.chunk.at = {0, static_cast<uint32_t>(text.size())};
    row.chunk.parent = row.chunk.at;
    EXPECT_TRUE(index_.add({{.id = id,
                             .base_id = base,
                             .document_id = row.document_id,
                             .file_id = row.file_id,
                             .text = text,
                             .vector = embedding_of(text, false).vector,
                             .attributes = std::move(attributes)}}));
    return rows_[id] = row;
  }
  std::vector<int64_t> ids(const Found& found) {
    std::vector<int64_t> out;
    for (const Hit& hit : found.hits) out.push_back(hit.chunk.id);
    return out;
  }
  Result<Found> search(const std::string& query, Options options = {}) { return retriever_.search(context_, {query}, {"vs_a"}, options); }

  Context context_ = Context::background();
  index::Index index_;
  FakeEmbedder embedder_;
  std::map<int64_t, catalog::ChunkRow> rows_;
  std::map<std::string, catalog::DocumentRow> documents_;
  int reads_ = 0;
  Retriever retriever_;
};

TEST_F(RetrieverTest, EveryModeFindsWhatItShould) {
  put(1, "zebra stripes");
  put(2, "automobile repair");
  put(3, "zoo opening hours");
  EXPECT_EQ(ids(search("zebra").value()).front(), 1);
  EXPECT_THAT(ids(search("zebra", {.mode = Mode::kKeyword}).value()), ElementsAre(1));
  EXPECT_EQ(ids(search("auto r", {.mode = Mode::kVector}).value()).front(), 2) << "no word in common, near in meaning";
  EXPECT_EQ(ids(search("auto r", {.mode = Mode::kHybrid, .fusion = Fusion::kRrf}).value()).front(), 2);
}

TEST_F(RetrieverTest, EveryStageIsRecordedWithItsCandidates) {
  put(1, "alpha beta");
  put(2, "alpha gamma");
  Found found = search("alpha").value();
  std::vector<std::string> names;
  for (const Stage& stage : found.stages) names.push_back(stage.name);
  EXPECT_THAT(names, ElementsAre("embed", "keyword", "vector", "fusion", "read", "rerank"));
  EXPECT_EQ(found.stages[1].candidates, 2);
  EXPECT_EQ(found.stages[1].top.size(), 2u);
  EXPECT_THAT(found.queries, ElementsAre("alpha"));
  ASSERT_EQ(found.hits.size(), 2u);
  for (const Hit& hit : found.hits) {
    EXPECT_TRUE(hit.scores.keyword && hit.scores.vector && hit.scores.fused && hit.scores.rerank);
    EXPECT_GE(hit.scores.final_score, 0);
    EXPECT_LE(hit.scores.final_score, 1);
  }
}

TEST_F(RetrieverTest, TextOfHitsComesFromOneRead) {
  for (int64_t id = 1; id <= 30; ++id) put(id, "alpha word" + std::to_string(id));
  Found found = search("alpha", {.results = 10, .rerank_candidates = 20}).value();
  EXPECT_EQ(found.hits.size(), 10u);
  EXPECT_EQ(reads_, 1);
  EXPECT_THAT(found.hits[0].chunk.text, HasSubstr("alpha"));
  EXPECT_THAT(found.hits[0].filename, HasSubstr(".md"));
}

TEST_F(RetrieverTest, RerankingLiftsWhatMeetsEveryWord) {
  put(1, "leave leave leave leave leave");
  put(2, "parents may take leave");
  Found plain = search("parental leave", {.mode = Mode::kKeyword, .rerank = false}).value();
  Found reranked = search("parental leave", {.mode = Mode::kKeyword, .rerank = true}).value();
  auto rerank_of = [](const Found& found, int64_t id) {
    for (const Hit& hit : found.hits) {
      if (hit.chunk.id == id) return hit.scores.rerank.value();
    }
    return -1.0;
  };
  EXPECT_GT(rerank_of(reranked, 2), rerank_of(reranked, 1) + 0.3);
  EXPECT_FALSE(plain.hits[0].scores.rerank);
}

TEST_F(RetrieverTest, WhatIsNotRerankedStaysBelowInItsOrder) {
  for (int64_t id = 1; id <= 20; ++id) put(id, "alpha" + std::string(static_cast<size_t>(id), ' ') + "x" + std::string(static_cast<size_t>(id), 'y'));
  Found found = search("alpha", {.results = 20, .rerank_candidates = 5}).value();
  ASSERT_EQ(found.hits.size(), 20u);
  for (size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(found.hits[i].scores.rerank.has_value(), i < 5) << i;
    if (i > 0) {
      EXPECT_LE(found.hits[i].scores.final_score, found.hits[i - 1].scores.final_score);
    }
  }
}

TEST_F(RetrieverTest, TokenVectorsAreMadeOncePerChunk) {
  for (int64_t id = 1; id <= 5; ++id) put(id, "alpha beta" + std::to_string(id));
  ASSERT_TRUE(search("alpha"));
  const int first = embedder_.texts_embedded;
  ASSERT_TRUE(search("alpha"));
  EXPECT_EQ(embedder_.texts_embedded, first + 1) << "the query alone";
}

TEST_F(RetrieverTest, SeveralQueriesAreFused) {
  put(1, "vacation days");
  put(2, "sick pay");
  put(3, "nothing else");
  Found found = retriever_.search(context_, {"vacation", "sick"}, {"vs_a"}, {.mode = Mode::kKeyword}).value();
  EXPECT_THAT(ids(found), ::testing::UnorderedElementsAre(1, 2));
}

TEST_F(RetrieverTest, FiltersHoldAndFillTheResults) {
  for (int64_t id = 1; id <= 200; ++id) put(id, "alpha n" + std::to_string(id), {{"year", static_cast<double>(id % 20 == 0 ? 2025 : 2020)}});
  Options options{.results = 10};
  options.filter = Filter::comparison(Filter::Op::kGte, "year", {2024.0}).value();
  Found found = search("alpha", options).value();
  ASSERT_EQ(found.hits.size(), 10u);
  for (const Hit& hit : found.hits) EXPECT_EQ(hit.chunk.id % 20, 0);
}

TEST_F(RetrieverTest, OtherBasesAreNotSearched) {
  put(1, "alpha", {}, "vs_a");
  put(2, "alpha", {}, "vs_b");
  EXPECT_THAT(ids(search("alpha").value()), ElementsAre(1));
  EXPECT_THAT(ids(retriever_.search(context_, {"alpha"}, {"vs_none"}, {}).value()), IsEmpty());
}

TEST_F(RetrieverTest, RepetitionsAreLeftOutAndReplaced) {
  put(1, "alpha beta gamma");
  put(2, "alpha beta gamma");          // the same text again
  auto& first = put(3, "alpha delta epsilon zeta");
  auto& second = put(4, "alpha delta epsilon zeta eta");
  second.document_id = first.document_id;   // more than half is the same stretch
  first.chunk.at = {0, 100};
  second.chunk.at = {40, 140};
  put(5, "alpha omega");
  EXPECT_THAT(ids(search("alpha", {.results = 3}).value()), ::testing::SizeIs(3));
  std::vector<int64_t> found = ids(search("alpha").value());
  EXPECT_EQ(std::count(found.begin(), found.end(), 1) + std::count(found.begin(), found.end(), 2), 1);
  EXPECT_EQ(std::count(found.begin(), found.end(), 3) + std::count(found.begin(), found.end(), 4), 1);
  EXPECT_EQ(found.size(), 3u);
}

TEST_F(RetrieverTest, AChunkRemovedMeanwhileIsNoHit) {
  put(1, "alpha");
  put(2, "alpha beta");
  rows_.erase(1);
  EXPECT_THAT(ids(search("alpha").value()), ElementsAre(2));
}

TEST_F(RetrieverTest, ScoresBelowTheMinimumAreLeftOut) {
  put(1, "alpha");
  put(2, "beta gamma delta alpha epsilon");
  put(3, "unrelated zebra");
  const Found found = search("alpha", {.score_min = 0.5}).value();
  ASSERT_FALSE(found.hits.empty());
  EXPECT_LT(found.hits.size(), search("alpha").value().hits.size());
  for (const Hit& hit : found.hits) EXPECT_GE(hit.scores.final_score, 0.5);
}

TEST_F(RetrieverTest, WrongRequestsSayWhatIsWrong) {
  auto code = [&](const Result<Found>& found) { return found ? Code::kInternal : found.error().code; };
  EXPECT_EQ(code(search("  \n")), Code::kInvalidArgument);
  EXPECT_EQ(code(retriever_.search(context_, {}, {"vs_a"}, {})), Code::kInvalidArgument);
  EXPECT_EQ(code(retriever_.search(context_, {"a"}, {}, {})), Code::kInvalidArgument);
  EXPECT_EQ(code(retriever_.search(context_, std::vector<std::string>(17, "a"), {"vs_a"}, {})), Code::kInvalidArgument);
  EXPECT_EQ(code(search("a", {.results = 0})), Code::kInvalidArgument);
  EXPECT_EQ(code(search("a", {.results = 1'000'000})), Code::kInvalidArgument);
  EXPECT_EQ(code(search("a", {.vector_weight = NAN})), Code::kInvalidArgument);
  EXPECT_EQ(code(search("a", {.candidates = -1})), Code::kInvalidArgument);
}

TEST_F(RetrieverTest, HostileQueriesAreAnswered) {
  EXPECT_TRUE(search("alpha").value().hits.empty()) << "an empty index";
  put(1, "alpha");
  EXPECT_TRUE(search("?!…"));
  EXPECT_TRUE(search(std::string(1u << 20, 'x')));
  EXPECT_TRUE(search("\xff\xfe broken"));
}

TEST_F(RetrieverTest, AFailingEmbedderIsAnErrorAndKeywordSearchGoesOn) {
  put(1, "alpha");
  embedder_.broken = true;
  EXPECT_EQ(search("alpha").error().code, Code::kUnavailable);
  EXPECT_THAT(ids(search("alpha", {.mode = Mode::kKeyword, .rerank = false}).value()), ElementsAre(1));
}

TEST_F(RetrieverTest, ACancelledSearchStops) {
  put(1, "alpha");
  context_.cancel();
  EXPECT_EQ(search("alpha").error().code, Code::kCancelled);
}

TEST_F(RetrieverTest, TheSectionOfAHitIsItsParentCutAroundIt) {
  auto& row = put(1, "größe");
  catalog::DocumentRow document;
  document.content.text = "# H\n" + std::string(50, 'a') + " größe " + std::string(50, 'b') + "\n# Next";
  const auto at = static_cast<uint32_t>(document.content.text.find("größe"));
  row.chunk.at = {at, at + 7};
  row.chunk.parent = {0, static_cast<uint32_t>(document.content.text.find("# Next"))};
  documents_["doc_1"] = document;
  Hit hit = search("größe").value().hits.at(0);
  Section whole = retriever_.section(context_, hit).value();
  EXPECT_FALSE(whole.cut);
  EXPECT_THAT(whole.text, ::testing::EndsWith("b\n"));
  for (size_t bytes = 0; bytes < 60; ++bytes) {
    Section cut = retriever_.section(context_, hit, bytes).value();
    EXPECT_TRUE(cut.cut);
    EXPECT_LE(cut.text.size(), bytes);
    EXPECT_TRUE(utf8_valid(cut.text));
    if (bytes >= 10) {
      EXPECT_THAT(cut.text, HasSubstr("größe"));
    }
  }
  hit.chunk.chunk.parent = {0, 1'000'000};
  EXPECT_EQ(retriever_.section(context_, hit).error().code, Code::kDataLoss);
}

TEST_F(RetrieverTest, ManySearchesMayRunTogether) {
  for (int64_t id = 1; id <= 20; ++id) put(id, "alpha n" + std::to_string(id));
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      Retriever retriever({.chunks =
                               [this](const Context&, const std::vector<int64_t>& ids) {
                                 std::vector<catalog::ChunkRow> out;
                                 for (int64_t id : ids) out.push_back(rows_.at(id));
                                 return Result<std::vector<catalog::ChunkRow>>(out);
                               },
                           .document = nullptr},
                          index_, embedder_, {.token_cache_bytes = 2'000});
      for (int round = 0; round < 20; ++round) good += retriever.search(context_, {"alpha"}, {"vs_a"}, {})->hits.size() == 10;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 80);
}

// ---- Filter ------------------------------------------------------------------------------------------------------------------

TEST(Filter, ComparisonsHoldAsTheirNamesSay) {
  using Op = Filter::Op;
  const catalog::Attributes attributes{{"year", 2024.0}, {"team", std::string("hr")}, {"public", true}};
  auto holds = [&](Op op, const char* key, std::vector<catalog::Attribute> values) {
    return Filter::comparison(op, key, std::move(values)).value().matches(attributes);
  };
  EXPECT_TRUE(holds(Op::kEq, "year", {2024.0}));
  EXPECT_FALSE(holds(Op::kEq, "year", {std::string("2024")})) << "another type";
  EXPECT_TRUE(holds(Op::kNe, "year", {2023.0}));
  EXPECT_TRUE(holds(Op::kNe, "absent", {2023.0}));
  EXPECT_FALSE(holds(Op::kEq, "absent", {2023.0}));
  EXPECT_TRUE(holds(Op::kGt, "year", {2023.0}));
  EXPECT_FALSE(holds(Op::kGt, "year", {2024.0}));
  EXPECT_TRUE(holds(Op::kGte, "year", {2024.0}));
  EXPECT_TRUE(holds(Op::kLt, "team", {std::string("it")}));
  EXPECT_FALSE(holds(Op::kLte, "team", {3.0}));
  EXPECT_TRUE(holds(Op::kIn, "team", {std::string("it"), std::string("hr")}));
  EXPECT_FALSE(holds(Op::kNin, "team", {std::string("it"), std::string("hr")}));
  EXPECT_TRUE(holds(Op::kEq, "public", {true}));
  EXPECT_FALSE(Filter{}.matches(attributes)) << "one that nobody built";
}

TEST(Filter, CombinationsNestUpToTheirDepth) {
  Filter year = Filter::comparison(Filter::Op::kEq, "year", {2024.0}).value(), team = Filter::comparison(Filter::Op::kEq, "team", {std::string("hr")}).value();
  EXPECT_TRUE(Filter::combination(Filter::Op::kAnd, {year, team})->matches({{"year", 2024.0}, {"team", std::string("hr")}}));
  EXPECT_FALSE(Filter::combination(Filter::Op::kAnd, {year, team})->matches({{"year", 2024.0}}));
  EXPECT_TRUE(Filter::combination(Filter::Op::kOr, {year, team})->matches({{"year", 2024.0}}));
  Result<Filter> nested = year;
  for (int depth = 2; depth <= Filter::kDepthMax; ++depth) nested = Filter::combination(Filter::Op::kAnd, {*nested});
  ASSERT_TRUE(nested);
  EXPECT_EQ(Filter::combination(Filter::Op::kAnd, {*nested}).error().code, Code::kInvalidArgument);
}

TEST(Filter, WhatCannotBeMeantIsRefused) {
  using Op = Filter::Op;
  EXPECT_EQ(Filter::parse_op("nin").value(), Op::kNin);
  EXPECT_THAT(Filter::parse_op("like").error().message, HasSubstr("eq, ne"));
  EXPECT_FALSE(Filter::comparison(Op::kEq, "", {1.0}));
  EXPECT_FALSE(Filter::comparison(Op::kEq, "a", {}));
  EXPECT_FALSE(Filter::comparison(Op::kEq, "a", {1.0, 2.0}));
  EXPECT_FALSE(Filter::comparison(Op::kGt, "a", {true}));
  EXPECT_FALSE(Filter::comparison(Op::kIn, "a", {}));
  EXPECT_FALSE(Filter::comparison(Op::kAnd, "a", {1.0}));
  EXPECT_FALSE(Filter::combination(Op::kAnd, {}));
  EXPECT_FALSE(Filter::combination(Op::kEq, {Filter{}}));
}

// ---- Fusion and late interaction ------------------------------------------------------------------------------------------------

TEST(Fuse, MinMaxIsTheWeightedAverageOfBothScales) {
  std::vector<index::Candidate> candidates{{.id = 1, .keyword = 10, .vector = 0.2, .keyword_rank = 1, .vector_rank = 3},
                                           {.id = 2, .keyword = 5, .vector = 0.6, .keyword_rank = 2, .vector_rank = 1},
                                           {.id = 3, .keyword = 0, .vector = 0.5, .keyword_rank = 0, .vector_rank = 2}};
  auto fused = fuse(candidates, Mode::kHybrid, Fusion::kMinMax, 0.5);
  ASSERT_EQ(fused.size(), 3u);
  EXPECT_EQ(fused[0].id, 2);
  EXPECT_NEAR(fused[0].score, 0.5 * 0.5 + 0.5 * 1, 1e-12);
  EXPECT_NEAR(fused[1].score, 0.5 * 1 + 0.5 * 0, 1e-12);
  EXPECT_NEAR(fused[2].score, 0.5 * 0 + 0.5 * 0.75, 1e-12);
}

TEST(Fuse, AStageWithNothingToSayLosesItsWeight) {
  std::vector<index::Candidate> candidates{{.id = 1, .vector = 0.2, .vector_rank = 2}, {.id = 2, .vector = 0.6, .vector_rank = 1}};
  auto fused = fuse(candidates, Mode::kHybrid, Fusion::kMinMax, 0.5);
  EXPECT_EQ(fused[0].id, 2);
  EXPECT_EQ(fused[0].score, 1);
  EXPECT_EQ(fused[1].score, 0);
}

TEST(Fuse, ReciprocalRanksAddUp) {
  std::vector<index::Candidate> candidates{{.id = 1, .keyword_rank = 1, .vector_rank = 1}, {.id = 2, .keyword_rank = 2, .vector_rank = 0}};
  auto fused = fuse(candidates, Mode::kHybrid, Fusion::kRrf, 0.5);
  EXPECT_NEAR(fused[0].score, 1, 1e-12);
  EXPECT_NEAR(fused[1].score, (1.0 / 62) / (2.0 / 61), 1e-12);
}

TEST(LateInteraction, EqualsItsFormula) {
  model::Embedding query = embedding_of("alpha beta", true), chunk = embedding_of("beta gamma alpha", true);
  EXPECT_NEAR(max_sim(round_tokens(query, true), round_tokens(chunk, false)), 1.0, 0.01);
  double expected = 0;
  model::Embedding other = embedding_of("gamma zeta", true);
  for (size_t q = 0; q < 2; ++q) {
    double best = -1;
    for (size_t c = 0; c < 2; ++c) {
      double dot = 0;
      for (size_t i = 0; i < kDimensions; ++i) dot += query.token_vectors[q * kDimensions + i] * other.token_vectors[c * kDimensions + i];
      best = std::max(best, dot);
    }
    expected += best / 2;
  }
  EXPECT_NEAR(max_sim(round_tokens(query, true), round_tokens(other, false)), expected, 0.01);
  EXPECT_EQ(max_sim(round_tokens({}, true), round_tokens(other, false)), 0);
}

TEST(LateInteraction, SpecialTokensOfTheQueryAreLeftOut) {
  model::Embedding query = embedding_of("alpha beta", true);
  query.token_spans[0] = {0, 0};
  EXPECT_EQ(round_tokens(query, true).tokens(), 1u);
  EXPECT_EQ(round_tokens(query, false).tokens(), 2u);
}

TEST(TokenCache, StaysWithinItsBytesAndDropsTheLeastRecentlyUsed) {
  auto rows = std::make_shared<const TokenRows>(round_tokens(embedding_of("alpha beta", true), false));
  TokenCache cache(3 * rows->bytes());
  for (int64_t id = 1; id <= 3; ++id) cache.keep(id, rows);
  EXPECT_NE(cache.find(1), nullptr);
  cache.keep(4, rows);
  EXPECT_EQ(cache.find(2), nullptr);
  EXPECT_NE(cache.find(1), nullptr);
  cache.keep(1, rows);
  EXPECT_EQ(cache.bytes(), 3 * rows->bytes());
  TokenCache none(0);
  none.keep(1, rows);
  EXPECT_EQ(none.find(1), nullptr);
}

}  // namespace
}  // namespace strata::retrieve
