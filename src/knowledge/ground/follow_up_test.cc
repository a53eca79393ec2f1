#include <gtest/gtest.h>

#include "knowledge/ground/ground.h"

namespace strata::ground {
namespace {

FollowUp after(std::string first, std::string answer, std::string second) {
  return standalone(
      {{.role = "user", .content = std::move(first)}, {.role = "assistant", .content = std::move(answer)}, {.role = "user", .content = std::move(second)}});
}

TEST(FollowUp, AQuestionOnItsOwnStaysAsItIs) {
  const FollowUp out = standalone({{.role = "user", .content = "How long is parental leave?"}});
  EXPECT_FALSE(out.carried);
  EXPECT_EQ(out.queries, std::vector<std::string>{"How long is parental leave?"});
  EXPECT_FALSE(after("How long is parental leave?", "12 weeks.", "Where is the Berlin office?").carried);
}

TEST(FollowUp, APronounTakesTheNameOfTheQuestionBefore) {
  EXPECT_EQ(after("Who founded the Duchy of Normandy?", "“Rollo did.” [1]", "When was it annexed by France?").question,
            "When was Duchy of Normandy annexed by France?");
}

TEST(FollowUp, AnEllipsisReplacesTheSamePart) {
  EXPECT_EQ(after("How many vacation days are there for full-timers?", "20.", "And for part-timers?").question,
            "How many vacation days are there for part-timers?");
}

TEST(FollowUp, AnEllipsisWithoutACounterpartIsAdded) {
  EXPECT_EQ(after("When does the office open?", "At nine.", "What about weekends?").question, "When does the office open weekends?");
}

TEST(FollowUp, HowLongDoesItTakeTakesTheTopic) {
  const FollowUp out = after("How do I request parental leave?", "“Ask your lead.” [1]", "How long does it take?");
  EXPECT_TRUE(out.carried);
  EXPECT_NE(out.question.find("parental leave"), std::string::npos);
  EXPECT_EQ(out.queries.size(), 2u);
}

TEST(FollowUp, APersonAskedForIsCarriedFromTheAnswer) {
  EXPECT_EQ(after("Who led the Norse settlers?", "“Their leader was Rollo, a Viking.” [1]", "When did he die?").question, "When did Rollo die?");
}

TEST(FollowUp, ThanksInBetweenDoNotLoseTheTopic) {
  const FollowUp out = standalone({{.role = "user", .content = "When was Warsaw founded?"},
                                   {.role = "assistant", .content = "In 1300."},
                                   {.role = "user", .content = "Thanks!"},
                                   {.role = "assistant", .content = "Ask me."},
                                   {.role = "user", .content = "Who governs it?"}});
  EXPECT_EQ(out.question, "Who governs Warsaw?");
}

TEST(SmallTalk, GreetingsAreAndQuestionsAreNot) {
  EXPECT_TRUE(is_small_talk("hello"));
  EXPECT_TRUE(is_small_talk("Thank you very much!"));
  EXPECT_TRUE(is_small_talk("👍"));
  EXPECT_FALSE(is_small_talk("How much leave?"));
  EXPECT_FALSE(is_small_talk("hello, when does the office open?"));
}

TEST(NotEnglish, OtherScriptsAndForeignWordsAre) {
  EXPECT_TRUE(is_probably_not_english("Сколько длится отпуск?"));
  EXPECT_TRUE(is_probably_not_english("Wieviel Urlaubstage bekommen neue Mitarbeiter jährlich?"));
  EXPECT_FALSE(is_probably_not_english("How many vacation days do new employees get?"));
}

}  // namespace
}  // namespace strata::ground
