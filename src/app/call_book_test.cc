#include "app/call_book.h"

#include <gtest/gtest.h>

#include <deque>
#include <filesystem>

#include "base/random.h"

namespace strata::app {
namespace {

class CallBookTest : public testing::Test {
 protected:
  CallBookTest() : folder_(std::filesystem::temp_directory_path() / make_id("call-book-test")) {
    store_ = std::move(*store::Store::open(folder_, outcome::migrations()));
    outcomes_ = std::make_unique<outcome::Outcomes>(*store_, clock_);
    EXPECT_TRUE(outcomes_->put_product(context_, "desk", "Desk"));
    book_ = std::make_unique<CallBook>(*outcomes_, [this](std::function<void()> job) { jobs_.push_back(std::move(job)); });
  }
  ~CallBookTest() override {
    book_.reset();
    outcomes_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void run() {
    while (!jobs_.empty()) {
      jobs_.front()();
      jobs_.pop_front();
    }
  }
  void add(const std::string& answer, const std::string& developer = "ann") {
    book_->add({.product = "desk", .route = "/v1/chat/completions", .developer = developer, .generates = true, .answer_id = answer, .status = "ok"});
  }
  size_t calls() { return outcomes_->calls(context_, {.product = "desk"}, 1000, "")->size(); }
  void sql(const std::string& text) {
    auto done = store_->write(context_, [&](store::Transaction& transaction) -> Status {
      TRY(transaction.execute(text, {}));
      return {};
    });
    ASSERT_TRUE(done) << done.error().message;
  }

  std::string folder_;
  ManualClock clock_;
  Context context_ = Context::background();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<outcome::Outcomes> outcomes_;
  std::deque<std::function<void()>> jobs_;
  std::unique_ptr<CallBook> book_;
};

TEST_F(CallBookTest, ACallWhoseAnswerIsRecordedAlreadyStopsNoOther) {
  ASSERT_TRUE(outcomes_->add_output(context_, {.id = "ans_1", .product = "desk", .user = "carl"}));
  add("ans_1");
  add("ans_2");
  run();
  EXPECT_EQ(calls(), 2u);
  EXPECT_EQ(outcomes_->outputs(context_, {.product = "desk"}, 10, "")->back().user, "carl") << "what was recorded first stands";
}

TEST_F(CallBookTest, WhatNoCallCanBeIsLeftOutAlone) {
  add("ans_1", "");     // nobody
  sql("CREATE TRIGGER no_bob BEFORE INSERT ON outcome_calls WHEN NEW.developer = 'bob' BEGIN SELECT RAISE(ABORT, 'not bob'); END");
  add("ans_2", "bob");
  add("ans_3");
  run();
  EXPECT_EQ(calls(), 1u);
  add("ans_4");
  run();
  EXPECT_EQ(calls(), 2u);
}

TEST_F(CallBookTest, WhatTheStoreRefusedIsWrittenWhenTheBookGoesThoughNoCallFollows) {
  sql("CREATE TRIGGER full BEFORE INSERT ON outcome_calls BEGIN SELECT RAISE(ABORT, 'away'); END");
  add("ans_1");
  add("ans_2");
  run();
  EXPECT_EQ(calls(), 0u);
  sql("DROP TRIGGER full");
  book_.reset();
  EXPECT_EQ(calls(), 2u);
}

TEST_F(CallBookTest, ACallIsTakenThoughTheClockWasSetBackMeanwhile) {
  book_->add({.product = "desk", .route = "/v1/embeddings", .developer = "ann", .at_ms = clock_.unix_ms() + 60'000});
  run();
  ASSERT_EQ(calls(), 1u);
  EXPECT_EQ(outcomes_->calls(context_, {.product = "desk"}, 1, "")->front().at_ms, clock_.unix_ms());
}

}  // namespace
}  // namespace strata::app
