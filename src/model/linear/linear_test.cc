#include "model/linear/linear.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace strata::linear {
namespace {

const Context kContext = Context::background();

// Points around the corners of a triangle, of unit length or so.
struct Cloud {
  Vectors x;
  std::vector<int> labels;
};
Cloud cloud(int each, double spread, uint64_t seed) {
  Random random(seed);
  Cloud out;
  const float corners[3][2] = {{1, 0}, {-0.5f, 0.87f}, {-0.5f, -0.87f}};
  for (int i = 0; i < each; ++i) {
    for (int c = 0; c < 3; ++c) {
      std::vector<float> point;
      for (float at : corners[c]) point.push_back(at + static_cast<float>(spread * (random.uniform() - 0.5)));
      out.x.push_back(std::move(point));
      out.labels.push_back(c);
    }
  }
  return out;
}

TEST(Softmax, WhatIsSeparableIsLearnedAndProbabilitiesSumToOne) {
  const Cloud all = cloud(20, 0.6, 1);
  const Softmax model = *fit_softmax(kContext, all.x, all.labels, 3);
  for (size_t i = 0; i < all.x.size(); ++i) {
    const auto p = model.probabilities(all.x[i]);
    EXPECT_NEAR(p[0] + p[1] + p[2], 1, 1e-12);
    EXPECT_GT(p[static_cast<size_t>(all.labels[i])], 0.5);
  }
}

// All that differs lies across the vector of ones, where a power iteration that starts there finds no curvature.
TEST(Softmax, DifferencesAcrossThePlainDirectionAreLearned) {
  const Softmax model = *fit_softmax(kContext, {{1, 0}, {1, 0}, {0, 1}, {0, 1}}, {0, 0, 1, 1}, 2);
  EXPECT_GT(model.probabilities({1, 0})[0], 0.9);
  EXPECT_GT(model.probabilities({0, 1})[1], 0.9);
}

// At the minimum, the mean of the predictions is the share of each class, and the weights are what the residuals pull them to: the gradient by
// finite differences of the objective, written down here anew, is nought.
TEST(Softmax, ItEndsWhereTheObjectiveIsFlat) {
  const Cloud all = cloud(15, 2.5, 2);
  const double l2 = 0.05;
  const Softmax model = *fit_softmax(kContext, all.x, all.labels, 3, {.l2 = l2, .iterations = 2'000});
  const auto objective = [&](const Softmax& m) {
    double sum = 0;
    for (size_t i = 0; i < all.x.size(); ++i) sum -= std::log(m.probabilities(all.x[i])[static_cast<size_t>(all.labels[i])]);
    sum /= static_cast<double>(all.x.size());
    for (float w : m.weights) sum += l2 / 2 * static_cast<double>(w) * static_cast<double>(w);
    return sum;
  };
  const float h = 1e-2f;   // the error of the difference is of the order h², that of floats 1e-7 / h
  for (auto list : {&Softmax::weights, &Softmax::bias}) {
    for (size_t k = 0; k < (model.*list).size(); ++k) {
      Softmax more = model, less = model;
      (more.*list)[k] += h;
      (less.*list)[k] -= h;
      EXPECT_NEAR((objective(more) - objective(less)) / (2 * static_cast<double>(h)), 0, 5e-4);
    }
  }
}

TEST(Softmax, CrossValidationOfNoiseIsNoBetterThanChance) {
  Cloud all = cloud(60, 0.5, 3);
  Random random(4);
  for (int& label : all.labels) label = static_cast<int>(random.below(3));
  const Quality noise = *cross_validate(kContext, all.x, all.labels, 3, 5, 1);
  EXPECT_LT(noise.accuracy, 0.5);
  const Cloud clear = cloud(20, 0.5, 3);
  const Quality good = *cross_validate(kContext, clear.x, clear.labels, 3, 5, 1);
  EXPECT_EQ(good.accuracy, 1);
  EXPECT_EQ(good.macro_f1, 1);
  EXPECT_NEAR(good.majority, 1.0 / 3, 1e-12);
  EXPECT_EQ(good.classes[1].examples, 20);
}

// Two tastes: even users have items 0–9, odd ones 10–19, each but a few.
Interactions tastes(int users) {
  Interactions out{users, 20, {}};
  Random random(5);
  for (int u = 0; u < users; ++u) {
    for (int i = 0; i < 10; ++i) {
      if (random.below(10) < 5) out.pairs.emplace_back(u, (u % 2) * 10 + i);
    }
  }
  return out;
}

TEST(Neighbours, WhatGoesTogetherIsRecommendedAndWhatOneHasIsNot) {
  const Neighbours model = *fit_neighbours(kContext, tastes(60), 5);
  const auto best = model.best({10, 11}, 8);
  ASSERT_EQ(best.size(), 8u);
  for (const auto& [item, score] : best) EXPECT_GE(item, 12) << score;
  EXPECT_EQ(model.best({}, 3).size(), 3u);
}

// (XᵀX + λI) P = I, checked by hand for two items: users {a, b}, {a}, {a}: XᵀX = [[3, 1], [1, 1]], λ = 1: P = [[2, -1], [-1, 4]] / 7.
TEST(Neighbours, TheClosedFormIsThatOfThePaper) {
  const Neighbours model = *fit_neighbours(kContext, {3, 2, {{0, 0}, {0, 1}, {1, 0}, {2, 0}}}, 1);
  EXPECT_FLOAT_EQ(model.b[0 * 2 + 1], 1.0f / 4);   // -P_01 / P_11
  EXPECT_FLOAT_EQ(model.b[1 * 2 + 0], 1.0f / 2);
  EXPECT_EQ(model.b[0], 0);
  EXPECT_FLOAT_EQ(model.popularity[0], 1);
}

TEST(Neighbours, RecallIsMeasuredOnHiddenItemsBesidePopularity) {
  const Recall measured = *measure(kContext, tastes(200), 5, 7, 5);
  EXPECT_GT(measured.users, 150);
  EXPECT_GT(measured.recall, measured.popularity + 0.1);
}

}  // namespace
}  // namespace strata::linear
