#include "product/confidence/confidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include "base/json.h"
#include "base/random.h"

namespace strata::confidence {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Run from the repository's root (see cmake/room.cmake).
Json read(const std::string& name) {
  std::ifstream file("src/product/confidence/testdata/" + name);
  auto json = Json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
  EXPECT_TRUE(json) << name;
  return json ? *json : Json();
}

std::string label_at(double value) { return std::string(AIResponse{.confidence = value}.confidence_label()); }

TEST(Label, EdgesAreAsPythonSaysToTheLastBit) {
  const Json fixture = read("labels.json");
  ASSERT_EQ(fixture["edges"].size(), 11u);
  for (const Json& edge : *fixture["edges"].as_array()) {
    const Json::Array& row = *edge.as_array();
    const double value = std::strtod(row[1].as_string()->c_str(), nullptr);
    EXPECT_EQ(value, *row[0].to_double("edge"));
    EXPECT_EQ(label_at(value), *row[2].as_string()) << *row[1].as_string();
  }
}

TEST(Label, ThousandsOfRandomValuesAreAsPythonSays) {
  const Json fixture = read("labels.json");
  const std::string& letters = *fixture["letters"].as_string();
  ASSERT_EQ(letters.size(), 4000u);
  uint64_t state = static_cast<uint64_t>(*fixture["seed"].to_int("seed"));
  for (const char letter : letters) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const double value = static_cast<double>(state >> 11) / 9007199254740992.0;  // 2^53
    EXPECT_EQ(label_at(value)[0], letter) << value;
  }
}

TEST(Label, WhatIsNoNumberIsLow) { EXPECT_EQ(label_of(std::numeric_limits<double>::quiet_NaN()), Label::kLow); }

TEST(Treatment, IsPrintedAsPythonPrintsIt) {
  const Json fixture = read("labels.json");
  for (const Label label : {Label::kHigh, Label::kMedium, Label::kLow}) {
    const std::string name(label_name(label));
    EXPECT_EQ("Confidence: " + name + "\nUX treatment: " + python_dict(treatment_of(label)) + "\n", *fixture["shown"][name].as_string());
  }
  EXPECT_FALSE(treatment_of(Label::kHigh).disclaimer);
}

std::vector<Pair> pairs_of(const Json& rows) {
  std::vector<Pair> out;
  for (const Json& row : *rows.as_array()) out.push_back({*(*row.as_array())[0].to_double("raw"), *(*row.as_array())[1].to_int("right") == 1});
  return out;
}

// Written again here, plainly: not the code under test.
double plain_error(const Table& table, const std::vector<Pair>& pairs) {
  double sum = 0;
  for (int bin = 0; bin < 10; ++bin) {
    double gap = 0;
    for (const Pair& pair : pairs) {
      const double p = table(pair.raw);
      if (std::min(9, static_cast<int>(p * 10)) == bin) gap += (pair.right ? 1 : 0) - p;
    }
    sum += std::abs(gap);
  }
  return sum / static_cast<double>(pairs.size());
}

TEST(BuiltIn, ReachesItsErrorOnTheHeldOutHalf) {
  const Json fixture = read("pairs.json");
  const std::vector<Pair> fitting = pairs_of(fixture["fitting"]), held_out = pairs_of(fixture["held_out"]);
  const Table& table = built_in();
  EXPECT_EQ(static_cast<int>(fitting.size()), table.fitted_on);
  EXPECT_EQ(static_cast<int>(held_out.size()), table.tested_on);
  EXPECT_LE(plain_error(table, held_out), 0.05);
  EXPECT_NEAR(plain_error(table, held_out), table.error, 2e-3);
  std::vector<Pair> calibrated;
  for (const Pair& pair : held_out) calibrated.push_back({table(pair.raw), pair.right});
  EXPECT_NEAR(reliability_of(calibrated).error, plain_error(table, held_out), 1e-9);
  const Reliability& diagram = built_in_reliability();
  for (size_t i = 0; i < diagram.bins.size(); ++i) EXPECT_NEAR(reliability_of(calibrated).bins[i].accuracy, diagram.bins[i].accuracy, 0.05) << i;
}

TEST(BuiltIn, IsWhatOurOwnFitGives) {
  const std::vector<Pair> fitting = pairs_of(read("pairs.json")["fitting"]);
  const Table& table = built_in();
  const Table ours{.points = table.method == "platt" ? fit_platt(fitting) : fit_isotonic(fitting, kBuiltInGroup)};
  for (double raw = 0; raw <= 1; raw += 0.01) EXPECT_NEAR(ours(raw), table(raw), 1e-3) << raw;
}

TEST(Table, NeverFallsAndStaysAProbability) {
  for (const Table& table : {built_in(), Table{.points = {{0.2, 0.1}, {0.4, 0.7}}}, Table{}}) {
    double last = -1;
    for (double raw = -0.5; raw <= 1.5; raw += 0.003) {
      const double p = table(raw);
      EXPECT_GE(p, last);
      EXPECT_GE(p, 0);
      EXPECT_LE(p, 1);
      last = p;
    }
    EXPECT_FALSE(std::isnan(table(std::numeric_limits<double>::quiet_NaN())) && !table.points.empty());
  }
}

// Answers that are right with probability raw^2: overconfident.
std::vector<Pair> overconfident(int count, uint64_t seed) {
  Random random(seed);
  std::vector<Pair> pairs;
  for (int i = 0; i < count; ++i) {
    const double raw = random.uniform();
    pairs.push_back({raw, random.uniform() < raw * raw});
  }
  return pairs;
}

TEST(Fit, MendsAnOverconfidentScore) {
  auto table = fit(overconfident(4000, 1));
  ASSERT_TRUE(table);
  const std::vector<Pair> fresh = overconfident(20000, 2);
  EXPECT_GT(plain_error(Table{}, fresh), 0.15);
  EXPECT_LT(plain_error(*table, fresh), 0.03);
  EXPECT_NEAR(table->error, plain_error(*table, fresh), 0.03);  // what it says of itself holds elsewhere
  for (const double raw : {0.2, 0.5, 0.8}) EXPECT_NEAR((*table)(raw), raw * raw, 0.06) << raw;
}

TEST(Fit, TooFewOrOneSidedRatingsAreRefusedWithTheirCounts) {
  auto few = fit(overconfident(49, 1));
  ASSERT_FALSE(few);
  EXPECT_EQ(few.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(few.error().message, HasSubstr("49 rated answers"));
  EXPECT_FALSE(fit(std::vector<Pair>(200, Pair{0.7, true})));
  std::vector<Pair> seven = std::vector<Pair>(200, Pair{0.7, true});
  for (size_t i = 0; i < 40; ++i) seven[i] = {0.7, false};
  auto table = fit(seven);  // all alike: one point
  ASSERT_TRUE(table);
  EXPECT_NEAR((*table)(0.7), 0.8, 0.02);
}

TEST(Fit, SeparableAndContraryRatingsStayFinite) {
  std::vector<Pair> separable, contrary;
  for (int i = 0; i < 100; ++i) {
    separable.push_back({i < 50 ? 0.1 : 0.9, i >= 50});
    contrary.push_back({i < 50 ? 0.1 : 0.9, i < 50});
  }
  for (const auto& pairs : {separable, contrary}) {
    for (const Table& table : {Table{.points = fit_platt(pairs)}, Table{.points = fit_isotonic(pairs, 10)}}) {
      for (const Point& point : table.points) EXPECT_TRUE(std::isfinite(point.raw) && point.calibrated >= 0 && point.calibrated <= 1);
      EXPECT_LE(table(0.1), table(0.9));
    }
  }
}

TEST(Isotonic, PoolsAreMeansOfViolators) {
  const std::vector<Pair> pairs = {{0.1, false}, {0.2, true}, {0.3, false}, {0.4, true}, {0.5, true}};
  const auto points = fit_isotonic(pairs, 1);
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[0].calibrated, 0);
  EXPECT_NEAR(points[1].raw, 0.25, 1e-12);
  EXPECT_EQ(points[1].calibrated, 0.5);
  EXPECT_EQ(points[2].calibrated, 1);
  EXPECT_TRUE(fit_isotonic({}, 5).empty());
}

class CalibratorTest : public testing::Test {
 protected:
  CalibratorTest() : folder_(std::filesystem::temp_directory_path() / make_id("calibrator-test")) { open(); }
  ~CalibratorTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open() {
    calibrator_.reset();
    store_.reset();
    store_ = std::move(*store::Store::open(folder_, migrations()));
    calibrator_ = std::move(*Calibrator::open(context_, *store_, clock_));
  }
  std::string folder_;
  ManualClock clock_;
  Context context_ = Context::background();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Calibrator> calibrator_;
};

TEST_F(CalibratorTest, ARefitIsUsedAtOnceKeptOverARestartAndTakenBack) {
  EXPECT_EQ(calibrator_->table()->fitted_ms, 0);
  auto table = calibrator_->refit(context_, overconfident(600, 3));
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ((*calibrator_->table())(0.5), (*table)(0.5));
  open();
  EXPECT_EQ(calibrator_->table()->fitted_on, 600);
  EXPECT_EQ(calibrator_->table()->fitted_ms, clock_.unix_ms());
  for (double raw = 0; raw <= 1; raw += 0.05) EXPECT_EQ((*calibrator_->table())(raw), (*table)(raw));
  ASSERT_TRUE(calibrator_->reset(context_));
  EXPECT_EQ((*calibrator_->table())(0.5), built_in()(0.5));
  open();
  EXPECT_EQ(calibrator_->table()->source, built_in().source);
}

TEST_F(CalibratorTest, TooFewRatingsChangeNothing) {
  ASSERT_TRUE(calibrator_->refit(context_, overconfident(600, 3)));
  EXPECT_FALSE(calibrator_->refit(context_, overconfident(10, 3)));
  EXPECT_EQ(calibrator_->table()->fitted_on, 600);
}

TEST_F(CalibratorTest, ADamagedRowLeavesTheBuiltInTable) {
  ASSERT_TRUE(calibrator_->refit(context_, overconfident(600, 3)));
  for (const char* points : {"[[0.1,0.9],[0.2,0.1]]", "[[0.2,0.1],[0.1,0.2]]", "[]", "{}", "[[0.1]]", "[[0.1,2]]", "x"}) {
    ASSERT_TRUE(store_->write(context_, [&](store::Transaction& transaction) -> Status {
      TRY(transaction.execute("UPDATE calibration SET points = ?", {std::string(points)}));
      return {};
    }));
    open();
    EXPECT_EQ(calibrator_->table()->source, built_in().source) << points;
  }
}

answer::Answer answered(double raw, answer::Outcome outcome = answer::Outcome::kAnswered) {
  answer::Answer answer{.text = "“30 days.” [1]", .outcome = outcome, .raw_confidence = raw};
  answer.verdicts.push_back({.begin = 0, .end = 10, .kind = answer::SentenceKind::kQuote, .supported = true});
  answer.citations.push_back({.number = 1, .filename = "refund_policy_v3.pdf", .page = 2, .quote = "30 days."});
  return answer;
}
answer::Answer presented(answer::Answer answer, Presentation presentation = {}) {
  present(&answer, Table{}, presentation);  // an empty table leaves the confidence as it is
  return answer;
}

TEST(Present, LowConfidenceOrTheSpecDemandsReview) {
  EXPECT_FALSE(presented(answered(0.6)).requires_human_review);
  EXPECT_TRUE(presented(answered(0.59)).requires_human_review);
  EXPECT_TRUE(presented(answered(0.99), {.review_demanded = true}).requires_human_review);
}

TEST(Present, ARefusalHoldsNoAnswerAndLeadsToAPerson) {
  answer::Answer refusal{.text = "The documents do not answer this.", .outcome = answer::Outcome::kNotInDocuments, .raw_confidence = 0.9};
  refusal.verdicts.push_back({.begin = 0, .end = 33, .kind = answer::SentenceKind::kNotice, .supported = true});
  const auto out = presented(refusal);
  EXPECT_EQ(out.confidence, 0);
  EXPECT_EQ(out.raw_confidence, 0.9);
  EXPECT_TRUE(out.requires_human_review);
  EXPECT_THAT(out.suggested_actions, ElementsAre("Ask in other words", "Ask a person"));
  EXPECT_THAT(presented(refusal, {.place = Place::kDraft}).suggested_actions, ElementsAre("Escalate", "Edit draft"));
  refusal.outcome = answer::Outcome::kModelFailed;
  EXPECT_EQ(presented(refusal).confidence, 0);
}

TEST(Present, AGreetingNeedsNobody) {
  answer::Answer greeting{.text = "Ask me.", .outcome = answer::Outcome::kAnswered};
  greeting.verdicts.push_back({.begin = 0, .end = 7, .kind = answer::SentenceKind::kNotice, .supported = true});
  const auto out = presented(greeting, {.review_demanded = true});
  EXPECT_TRUE(is_greeting(out));
  EXPECT_FALSE(out.requires_human_review);
  EXPECT_THAT(out.suggested_actions, ElementsAre());
}

TEST(Present, ADraftOffersTheThreeActionsOfTheProduct) {
  const auto out = presented(answered(0.72), {.place = Place::kDraft, .review_demanded = true});
  const AIResponse response = response_of(out);
  EXPECT_EQ(response.confidence_label(), "medium_confidence");
  EXPECT_THAT(response.suggested_actions, ElementsAre("Send to customer", "Edit draft", "Escalate"));
  EXPECT_TRUE(response.requires_human_review);
  ASSERT_EQ(response.citations.size(), 1u);
  EXPECT_EQ(response.citations[0].source, "refund_policy_v3.pdf");
  EXPECT_EQ(response.citations[0].page, 2);
  EXPECT_EQ(response.citations[0].text, "30 days.");
}

TEST(Present, APageAndATextMayBeAbsent) {
  answer::Answer answer = answered(0.9);
  answer.citations[0].page = 0;
  answer.citations[0].quote.clear();
  const AIResponse response = response_of(answer);
  EXPECT_FALSE(response.citations[0].page);
  EXPECT_FALSE(response.citations[0].text);
}

}  // namespace
}  // namespace strata::confidence
