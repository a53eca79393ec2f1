#include "model/engine/draft.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace strata::engine {
namespace {

constexpr double kCost = 0.2;

// Steps that a text takes when each step's guesses are checked against it; a step with n guesses costs 1 + n * kCost.
double cost_of(const std::vector<int32_t>& text, size_t prompt) {
  Draft draft;
  double cost = 0;
  for (size_t at = prompt; at < text.size();) {
    const auto guesses = draft.propose(std::span(text).first(at), {}, static_cast<int>(text.size() - at) - 1, kCost);
    int right = 0;
    while (static_cast<size_t>(right) < guesses.size() && guesses[static_cast<size_t>(right)] == text[at + static_cast<size_t>(right)]) ++right;
    if (!guesses.empty()) draft.learn(static_cast<int>(guesses.size()), right, kCost);
    cost += 1 + kCost * static_cast<double>(guesses.size());
    at += static_cast<size_t>(right) + 1;
  }
  return cost;
}

TEST(DraftTest, AQuoteOfThePromptTakesHalfTheStepsOrFewer) {
  Random random(1);
  std::vector<int32_t> text;
  for (int i = 0; i < 400; ++i) text.push_back(static_cast<int32_t>(random.below(5000)));
  for (int i = 0; i < 200; ++i) text.push_back(text[static_cast<size_t>(i + 100)]);
  EXPECT_LT(cost_of(text, 403), 197 / 2.0);
}

TEST(DraftTest, TextThatRepeatsNothingIsNeverGuessed) {
  std::vector<int32_t> text;
  for (int i = 0; i < 500; ++i) text.push_back(i);
  EXPECT_EQ(cost_of(text, 100), 400);
}

TEST(DraftTest, GuessesThatKeepFailingCostLittle) {
  Random random(4);
  std::vector<int32_t> text;  // three tokens only: the last three always stood before, and what followed them says nothing
  for (int i = 0; i < 2000; ++i) text.push_back(static_cast<int32_t>(random.below(8)));
  EXPECT_LT(cost_of(text, 100), 1900 / 0.97);
}

TEST(DraftTest, NoMoreThanAskedForAndNothingWithoutAMatch) {
  Draft draft;
  const std::vector<int32_t> text = {1, 2, 3, 4, 5, 6, 1, 2, 3};
  EXPECT_TRUE(draft.propose(text, {}, 0, kCost).empty());
  EXPECT_EQ(draft.propose(text, {}, 5, 0.01), (std::vector<int32_t>{4, 5, 6, 1}));
  EXPECT_TRUE(Draft().propose(std::vector<int32_t>{1, 2}, {}, 5, kCost).empty());
}

TEST(DraftTest, WhatAGrammarDemandsComesFirstAndIsJudgedByItself) {
  Draft draft;
  const std::vector<int32_t> text = {1, 2, 3, 4, 5, 6, 1, 2, 3}, demanded = {7, 8, 9};
  EXPECT_EQ(draft.propose(text, demanded, 5, 0.01), demanded);
  // The model spells it otherwise again and again: demands pause, repeats go on.
  for (int i = 0; i < 8; ++i) {
    const auto guesses = draft.propose(text, demanded, 5, kCost);
    if (!guesses.empty()) draft.learn(static_cast<int>(guesses.size()), 0, kCost);
  }
  EXPECT_TRUE(draft.propose(text, demanded, 5, kCost).empty());
  EXPECT_EQ(draft.propose(text, {}, 5, kCost).front(), 4);
}

}  // namespace
}  // namespace strata::engine
