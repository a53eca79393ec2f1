#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "product/landscape/landscape.h"

namespace strata::landscape {
namespace {

std::string approach(const Situation& s) { return decide(s).approach; }
constexpr Situation kTunable{.style_consistency = true, .narrow_task = true, .daily_requests = 20'000, .labelled_examples = 2'000};

TEST(DecideTest, MatrixHasTheseCellsExactly) {
  std::string all;
  for (auto& row : matrix()) all += std::string(row.need) + " RAG " + std::string(fit_name(row.rag)) + "/FT " + std::string(fit_name(row.fine_tune)) + "; ";
  EXPECT_EQ(all, "Private docs RAG yes/FT no; Style consistency RAG no/FT yes; Domain jargon RAG partly/FT yes; Dynamic data RAG yes/FT no; ");
}

TEST(DecideTest, ConditionsOfFineTuningAreTheseFour) {
  std::string all;
  for (auto& condition : decide({}).conditions) all += condition.name + "; ";
  EXPECT_EQ(all, "narrow task; high volume; consistent style or decisions; enough labelled examples; ");
}

TEST(DecideTest, NothingSpecialNeedsAPrompt) { EXPECT_EQ(approach({}), "in_context"); }
TEST(DecideTest, PrivateDocumentsNeedRetrieval) { EXPECT_EQ(approach({.private_docs = true}), "rag"); }
TEST(DecideTest, ChangingFactsNeedRetrievalEvenWhereTheyFitIntoAPrompt) { EXPECT_EQ(approach({.dynamic_data = true, .fits_in_prompt = true}), "rag"); }
TEST(DecideTest, ASmallUnchangingHandbookGoesIntoThePrompt) { EXPECT_EQ(approach({.private_docs = true, .fits_in_prompt = true}), "in_context"); }
TEST(DecideTest, StyleAloneIsNotEnoughToTrain) { EXPECT_EQ(approach({.style_consistency = true}), "in_context"); }
TEST(DecideTest, JargonAloneIsPartlyServedByRetrieval) { EXPECT_EQ(approach({.domain_jargon = true}), "rag"); }
TEST(DecideTest, AllFourConditionsMakeFineTuningPay) { EXPECT_EQ(approach(kTunable), "fine_tune"); }

TEST(DecideTest, PrivateDocumentsAndATunableTaskNeedBoth) {
  Situation s = kTunable;
  s.private_docs = true;
  EXPECT_EQ(approach(s), "rag_and_fine_tune");
}

TEST(DecideTest, EachMissingConditionStopsFineTuningAndIsNamed) {
  Situation s = kTunable;
  s.labelled_examples = kExamplesEnough - 1;
  EXPECT_EQ(approach(s), "in_context");
  EXPECT_THAT(decide(s).reasons, testing::Contains(testing::HasSubstr("not met: enough labelled examples")));
  s = kTunable, s.narrow_task = false;
  EXPECT_EQ(approach(s), "in_context");
  s = kTunable, s.daily_requests = kHighVolume;   // more than, as in the product spec
  EXPECT_EQ(approach(s), "in_context");
}

TEST(DecideTest, CellsUsedAreThoseOfTheAnswers) {
  auto cells = decide({.private_docs = true, .domain_jargon = true}).cells;
  ASSERT_EQ(cells.size(), 2u);
  EXPECT_STREQ(cells[0].need, "Private docs");
  EXPECT_STREQ(cells[1].need, "Domain jargon");
}

// Every change that is named changes the approach as it says, and no single answer that would is left out, over all situations.
TEST(DecideTest, ChangesAreExactlyTheSingleAnswersThatWouldChangeIt) {
  for (int bits = 0; bits < 256; ++bits) {
    Situation s{.private_docs = (bits & 1) != 0,
                .dynamic_data = (bits & 2) != 0,
                .style_consistency = (bits & 4) != 0,
                .domain_jargon = (bits & 8) != 0,
                .narrow_task = (bits & 16) != 0,
                .fits_in_prompt = (bits & 32) != 0,
                .daily_requests = (bits & 64) ? 50'000 : 10,
                .labelled_examples = (bits & 128) ? 5'000 : 0};
    Advice advice = decide(s);
    EXPECT_FALSE(advice.reasons.empty());
    std::map<std::string, std::string> named;
    for (auto& change : advice.changes) named[change.question] = change.approach;
    bool Situation::* members[] = {&Situation::private_docs,  &Situation::dynamic_data, &Situation::style_consistency,
                                   &Situation::domain_jargon, &Situation::narrow_task,  &Situation::fits_in_prompt};
    for (size_t i = 0; i < 8; ++i) {
      Situation other = s;
      if (i < 6) other.*members[i] = !(s.*members[i]);
      else if (i == 6) other.daily_requests = (bits & 64) ? 10 : 50'000;
      else other.labelled_examples = (bits & 128) ? 0 : 5'000;
      std::string then = approach(other);
      std::string id = questions()[i].id;
      EXPECT_EQ(named.count(id) == 1, then != advice.approach) << bits << " " << id;
      if (named.count(id)) {
        EXPECT_EQ(named[id], then);
      }
    }
  }
}

}  // namespace
}  // namespace strata::landscape
