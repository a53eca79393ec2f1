#include "product/feedback/feedback.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/random.h"

namespace strata::feedback {
namespace {

using testing::ElementsAre;

class FeedbackTest : public testing::Test {
 protected:
  FeedbackTest() : folder_(std::filesystem::temp_directory_path() / make_id("feedback-test")) { open(); }
  ~FeedbackTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open() {
    store_.reset();
    store_ = std::move(*store::Store::open(folder_, migrations()));
    feedback_ = std::make_unique<Feedback>(*store_, clock_);
  }
  StoredAnswer put(const std::string& id, const std::string& conversation = "") {
    StoredAnswer answer{.id = id,
                        .conversation_id = conversation,
                        .question = "How many days?",
                        .text = "\"30 days.\" [1]",
                        .outcome = "answered",
                        .confidence = 0.75,
                        .raw_confidence = 0.5,
                        .json = R"({"id":"x"})",
                        .model = "smollm2",
                        .first_text_ms = 12.5,
                        .total_ms = 300};
    answer.prompt_tokens = 400;
    answer.completion_tokens = 20;
    auto status = feedback_->put_answer(context_, answer);
    EXPECT_TRUE(status) << status.error().message;
    return answer;
  }
  std::vector<std::string> ids(const AnswerFilter& filter, int limit = 10, const std::string& after = "") {
    std::vector<std::string> found;
    auto answers = feedback_->answers(context_, filter, limit, after);
    EXPECT_TRUE(answers);
    for (auto& answer : *answers) found.push_back(answer.id);
    return found;
  }

  std::string folder_;
  ManualClock clock_;
  Context context_ = Context::background();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Feedback> feedback_;
};

TEST_F(FeedbackTest, AnAnswerAndItsVoteAreThereAfterARestart) {
  put("ans_1");
  auto vote = feedback_->rate(context_, "ans_1", Rating::kDown, {"wrong", "bad citation"}, "It says 30, not 20.");
  ASSERT_TRUE(vote) << vote.error().message;
  auto issue = feedback_->report_issue(context_, "ans_1", "private", "a phone number");
  ASSERT_TRUE(issue);
  open();
  auto answer = feedback_->answer(context_, "ans_1");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->text, "\"30 days.\" [1]");
  EXPECT_EQ(answer->json, R"({"id":"x"})");
  EXPECT_EQ(answer->confidence, 0.75);
  EXPECT_EQ(answer->raw_confidence, 0.5);
  EXPECT_EQ(answer->first_text_ms, 12.5);
  EXPECT_EQ(answer->prompt_tokens, 400);
  EXPECT_EQ(answer->created_ms, clock_.unix_ms());
  auto same = feedback_->vote(context_, "ans_1");
  EXPECT_EQ(same->rating, Rating::kDown);
  EXPECT_THAT(same->reasons, ElementsAre("wrong", "bad citation"));
  EXPECT_EQ(same->comment, "It says 30, not 20.");
  EXPECT_EQ(feedback_->issues(context_, 10, "")->at(0).category, "private");
}

TEST_F(FeedbackTest, TheLastVoteCountsAndPuttingTheAnswerAgainKeepsIt) {
  put("ans_1");
  EXPECT_EQ(feedback_->vote(context_, "ans_1")->rating, Rating::kNone);
  ASSERT_TRUE(feedback_->rate(context_, "ans_1", Rating::kUp, {}, ""));
  ASSERT_TRUE(feedback_->rate(context_, "ans_1", Rating::kDown, {"wrong"}, ""));
  put("ans_1");
  EXPECT_EQ(feedback_->vote(context_, "ans_1")->rating, Rating::kDown);
  EXPECT_THAT(ids({}), ElementsAre("ans_1"));
}

TEST_F(FeedbackTest, AnswersAreListedByVoteNewestFirst) {
  for (auto id : {"ans_1", "ans_2", "ans_3", "ans_4"}) put(id);
  ASSERT_TRUE(feedback_->rate(context_, "ans_2", Rating::kDown, {}, ""));
  ASSERT_TRUE(feedback_->rate(context_, "ans_4", Rating::kDown, {}, ""));
  ASSERT_TRUE(feedback_->rate(context_, "ans_3", Rating::kUp, {}, ""));
  EXPECT_THAT(ids({}), ElementsAre("ans_4", "ans_3", "ans_2", "ans_1"));
  EXPECT_THAT(ids({}, 2, "ans_4"), ElementsAre("ans_3", "ans_2"));
  EXPECT_THAT(ids({.rating = Rating::kDown}), ElementsAre("ans_4", "ans_2"));
  EXPECT_THAT(ids({.rating = Rating::kNone}), ElementsAre("ans_1"));
}

TEST_F(FeedbackTest, RemovedAnswersTakeTheirVotesAndIssuesAndLeaveTheRest) {
  put("ans_1");
  put("ans_2");
  ASSERT_TRUE(feedback_->rate(context_, "ans_1", Rating::kUp, {}, ""));
  ASSERT_TRUE(feedback_->report_issue(context_, "ans_1", "broken", ""));
  ASSERT_TRUE(feedback_->remove_answers(context_, {"ans_1", "ans_none"}));
  EXPECT_THAT(ids({}), ElementsAre("ans_2"));
  EXPECT_EQ(feedback_->issues(context_, 10, "")->size(), 0u);
  EXPECT_FALSE(feedback_->answer(context_, "ans_1"));
}

TEST_F(FeedbackTest, WhatIsWrongOrNotThereIsNamed) {
  auto param = [](auto result) { return result ? "accepted" : result.error().param; };
  put("ans_1");
  EXPECT_EQ(feedback_->rate(context_, "ans_x", Rating::kUp, {}, "").error().code, Code::kNotFound);
  EXPECT_EQ(param(feedback_->vote(context_, "ans_x")), "answer_id");
  EXPECT_EQ(param(feedback_->report_issue(context_, "ans_x", "broken", "")), "answer_id");
  EXPECT_EQ(param(feedback_->report_issue(context_, "ans_1", "", "")), "category");
  EXPECT_EQ(param(feedback_->rate(context_, "ans_1", Rating::kUp, std::vector<std::string>(17, "r"), "")), "reasons");
  EXPECT_EQ(param(feedback_->rate(context_, "ans_1", Rating::kUp, {}, std::string(4'001, 'c'))), "comment");
  EXPECT_EQ(param(feedback_->rate(context_, "ans_1", Rating::kUp, {}, "\xff")), "comment");
  EXPECT_EQ(param(feedback_->answers(context_, {}, 10, "ans_x")), "after");
  EXPECT_EQ(param(feedback_->put_answer(context_, {.id = "ans_2", .conversation_id = "conv_x"})), "conversation_id");
  EXPECT_EQ(param(rating_from("great")), "rating");
  EXPECT_EQ(*rating_from("up"), Rating::kUp);
}

TEST_F(FeedbackTest, AConversationKeepsItsMessagesInOrder) {
  auto conversation = *feedback_->add_conversation(context_, "Parental leave");
  put("ans_1", conversation.id);
  ASSERT_TRUE(feedback_->add_message(context_, conversation.id, "user", "How many days?", ""));
  ASSERT_TRUE(feedback_->add_message(context_, conversation.id, "assistant", "30 [1]", "ans_1"));
  ASSERT_TRUE(feedback_->add_message(context_, conversation.id, "user", "And for part-timers?", ""));
  open();
  auto messages = *feedback_->messages(context_, conversation.id);
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[1].ordinal, 1);
  EXPECT_EQ(messages[1].answer_id, "ans_1");
  EXPECT_EQ(messages[2].content, "And for part-timers?");
  ASSERT_TRUE(feedback_->cut_messages(context_, conversation.id, 1));
  EXPECT_EQ(feedback_->add_message(context_, conversation.id, "assistant", "again", "")->ordinal, 1);
  EXPECT_EQ(feedback_->conversation(context_, conversation.id)->messages, 2);
  EXPECT_THAT(ids({.conversation_id = conversation.id}), ElementsAre("ans_1"));
}

TEST_F(FeedbackTest, ConversationsAreListedByTheirLastChangeAndLeaveTheirAnswersBehind) {
  std::vector<std::string> made;
  for (auto title : {"a", "b", "c"}) made.push_back(feedback_->add_conversation(context_, title)->id);
  put("ans_1", made[0]);
  ASSERT_TRUE(feedback_->add_message(context_, made[0], "user", "hello", ""));
  ASSERT_TRUE(feedback_->rename_conversation(context_, made[1], "better"));
  auto list = *feedback_->conversations(context_, 10, "");
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].id, made[0]);
  EXPECT_EQ(list[1].id, made[2]);
  EXPECT_EQ(list[2].title, "better");
  EXPECT_EQ(feedback_->conversations(context_, 10, made[2])->size(), 1u);
  ASSERT_TRUE(feedback_->remove_conversation(context_, made[0]));
  EXPECT_EQ(feedback_->messages(context_, made[0]).error().code, Code::kNotFound);
  EXPECT_EQ(feedback_->answer(context_, "ans_1")->conversation_id, "");
}

}  // namespace
}  // namespace strata::feedback
