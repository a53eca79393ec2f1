#include "model/engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/random.h"

namespace strata::engine {
namespace {

using model::Sampling;

std::vector<float> some_logits(size_t n, uint64_t seed = 1) {
  Random random(seed);
  std::vector<float> out(n);
  for (float& x : out) x = static_cast<float>(random.uniform() * 8 - 4);
  return out;
}

int32_t sample(Sampler& sampler, std::vector<float> logits) { return sampler.sample(logits); }

std::map<int32_t, int> draw(const Sampling& sampling, const std::vector<float>& logits, int count) {
  Sampler sampler(sampling, {});
  std::map<int32_t, int> out;
  for (int i = 0; i < count; ++i) ++out[sample(sampler, logits)];
  return out;
}

TEST(Sampler, GreedyTakesTheLargestAndTheSmallestIdOfEquals) {
  Sampler sampler({.temperature = 0}, {});
  EXPECT_EQ(sample(sampler, {1, 3, 3, 2}), 1);
  EXPECT_EQ(sample(sampler, {NAN, -5, INFINITY, -6}), 1) << "numbers that are none are passed over";
}

TEST(Sampler, DamagedLogitsAreReportedNotSampled) {
  Sampler greedy({.temperature = 0}, {}), warm({.temperature = 1}, {});
  EXPECT_EQ(sample(greedy, {NAN, NAN}), -1);
  EXPECT_EQ(sample(warm, {NAN, INFINITY}), -1);
}

TEST(Sampler, DrawsFollowTheSoftmax) {
  const std::vector<float> logits = {0.0f, std::log(2.0f), std::log(5.0f)};
  for (const bool restricted : {false, true}) {
    const auto counts = draw({.temperature = 1, .top_k = restricted ? 3 : 0}, logits, 8000);
    EXPECT_NEAR(counts.at(0) / 8000.0, 1 / 8.0, 0.02);
    EXPECT_NEAR(counts.at(1) / 8000.0, 2 / 8.0, 0.02);
    EXPECT_NEAR(counts.at(2) / 8000.0, 5 / 8.0, 0.02);
  }
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  const std::vector<float> logits = {0, 1};
  EXPECT_NEAR(draw({.temperature = 0.5}, logits, 8000).at(1) / 8000.0, 1 / (1 + std::exp(-2.0)), 0.02);
  EXPECT_NEAR(draw({.temperature = 2}, logits, 8000).at(1) / 8000.0, 1 / (1 + std::exp(-0.5)), 0.02);
}

TEST(Sampler, TopKTopPAndMinPKeepWhatTheySay) {
  std::vector<float> logits(1000, -20.0f);
  logits[700] = 3, logits[5] = 2, logits[90] = 1, logits[91] = 0;   // weights 20.1, 7.4, 2.7, 1 of 31.2
  EXPECT_EQ(draw({.top_k = 2}, logits, 500).size(), 2u);
  EXPECT_EQ(draw({.top_p = 0.6}, logits, 500).size(), 1u);
  EXPECT_EQ(draw({.top_p = 0.8}, logits, 500).size(), 2u);
  EXPECT_EQ(draw({.top_p = 0.95}, logits, 500).size(), 3u);
  EXPECT_EQ(draw({.min_p = 0.3}, logits, 500).size(), 2u);
  EXPECT_EQ(draw({.top_k = 4, .min_p = 0.1}, logits, 500).size(), 3u);
  EXPECT_EQ(draw({.top_k = 1}, logits, 50).begin()->first, 700);
  EXPECT_EQ(draw({.top_p = 0.0}, logits, 50).size(), 1u) << "the best token is always kept";
}

TEST(Sampler, WideTopPReachesPastTheFirstSortedPiece) {
  const std::vector<float> flat(5000, 0.5f);
  EXPECT_GT(draw({.top_p = 0.9}, flat, 3000).size(), 1500u);
}

TEST(Sampler, TheNthTokenDependsOnSeedAndNAlone) {
  const std::vector<float> logits = some_logits(300);
  Sampler a({.seed = 7}, {}), b({.seed = 7}, {}), c({.seed = 8}, {});
  std::vector<int32_t> from_a, from_b, from_c;
  for (int i = 0; i < 20; ++i) {
    from_a.push_back(sample(a, logits));
    sample(c, some_logits(300, static_cast<uint64_t>(i)));
    from_b.push_back(sample(b, logits));
    from_c.push_back(sample(c, logits));
  }
  EXPECT_EQ(from_a, from_b);
  EXPECT_NE(from_a, from_c);
}

TEST(Sampler, FrequencyAndPresencePenaltiesCountTheCompletionOnly) {
  const std::vector<int32_t> prompt = {1};
  Sampler sampler({.temperature = 0, .frequency_penalty = 0.4}, prompt);
  std::vector<int32_t> out;
  for (int i = 0; i < 4; ++i) out.push_back(sample(sampler, {0, 1.0f, 0.5f}));
  EXPECT_EQ(out, (std::vector<int32_t>{1, 1, 2, 1}));  // 1.0, 0.6, then 0.5 beats 0.2, then 0.2 beats 0.1
  Sampler once({.temperature = 0, .presence_penalty = 0.6}, prompt);
  out.clear();
  for (int i = 0; i < 4; ++i) out.push_back(sample(once, {0, 1.0f, 0.5f}));
  EXPECT_EQ(out, (std::vector<int32_t>{1, 2, 1, 1}));  // 1.0; 0.5 beats 0.4; 0.4 beats 0 and -0.1, and stays
}

TEST(Sampler, RepetitionPenaltyCoversPromptAndCompletion) {
  const std::vector<int32_t> prompt = {1, 1};
  Sampler sampler({.temperature = 0, .repetition_penalty = 4}, prompt);
  EXPECT_EQ(sample(sampler, {0.1f, 1.0f, 0.5f}), 2);   // 1.0 / 4 once, however often it appeared
  EXPECT_EQ(sample(sampler, {0.1f, 1.0f, 0.5f}), 1);   // 0.25 against 0.125
  EXPECT_EQ(sample(sampler, {-3.0f, -1.0f, -1.0f}), 0) << "negative logits are multiplied";
}

TEST(Sampler, LogitBiasForcesAndForbids) {
  Sampler forced({.temperature = 0, .logit_bias = {{2, 100.0}}}, {}), forbidden({.temperature = 0, .logit_bias = {{1, -100.0}}}, {});
  EXPECT_EQ(sample(forced, {0, 5, 1}), 2);
  EXPECT_EQ(sample(forbidden, {0, 5, 1}), 2);
}

TEST(Sampler, WrongParametersAreNamed) {
  auto param = [](const Sampling& sampling) {
    const Status status = check_sampling(sampling, 10);
    return status ? std::string("ok") : status.error().param;
  };
  EXPECT_EQ(param({}), "ok");
  EXPECT_EQ(param({.temperature = 2.5}), "temperature");
  EXPECT_EQ(param({.temperature = NAN}), "temperature");
  EXPECT_EQ(param({.top_k = -1}), "top_k");
  EXPECT_EQ(param({.top_p = 1.5}), "top_p");
  EXPECT_EQ(param({.min_p = -0.1}), "min_p");
  EXPECT_EQ(param({.frequency_penalty = 3}), "frequency_penalty");
  EXPECT_EQ(param({.presence_penalty = -3}), "presence_penalty");
  EXPECT_EQ(param({.repetition_penalty = 0}), "repetition_penalty");
  EXPECT_EQ(param({.logit_bias = {{10, 1.0}}}), "logit_bias");
  EXPECT_EQ(param({.logit_bias = {{1, 200.0}}}), "logit_bias");
}

TEST(LogProbabilities, AreTheLogSoftmaxBestFirst) {
  const std::vector<float> logits = {0.0f, std::log(2.0f), std::log(5.0f), std::log(2.0f)};
  const LogProbabilities out(logits);
  EXPECT_NEAR(out.of(2), std::log(0.5), 1e-6);
  EXPECT_NEAR(out.of(0), std::log(0.1), 1e-6);
  EXPECT_EQ(out.top(3), (std::vector<int32_t>{2, 1, 3}));
  EXPECT_EQ(out.top(0).size(), 0u);
  EXPECT_EQ(out.top(20).size(), 4u);
}

}  // namespace
}  // namespace strata::engine
