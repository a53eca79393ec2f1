#include "product/suggest/suggest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/random.h"

namespace strata::suggest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Matches, EveryWordTypedBeginsAWord) {
  EXPECT_TRUE(matches("How many days of parental leave are paid?", "parental lea"));
  EXPECT_TRUE(matches("Parental leave", "LEAVE par"));
  EXPECT_TRUE(matches("Größe der Räume", "größ"));
  EXPECT_FALSE(matches("Parental leave", "parental trip"));
  EXPECT_FALSE(matches("Parental leave", "arental"));
  EXPECT_FALSE(matches("Parental leave", ""));
  EXPECT_FALSE(matches("Parental leave", " ?!"));
}

class SuggesterTest : public testing::Test {
 protected:
  SuggesterTest() : folder_(std::filesystem::temp_directory_path() / make_id("suggest-test")) {
    auto all = catalog::migrations();
    for (auto& migration : feedback::migrations()) all.push_back(migration);
    store_ = std::move(*store::Store::open(folder_, all));
    catalog_ = std::make_unique<catalog::Catalog>(*store_, clock_);
    feedback_ = std::make_unique<feedback::Feedback>(*store_, clock_);
    suggester_ = std::make_unique<Suggester>(*catalog_, *feedback_);
  }
  ~SuggesterTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void answer(const std::string& id, const std::string& question, const std::string& outcome = "answered") {
    ASSERT_TRUE(feedback_->put_answer(context_, {.id = id, .question = question, .text = "t", .outcome = outcome, .json = "{}", .model = "m"}));
  }
  // A document with these headings, published into the base.
  void document(const std::string& base, const std::string& name, const std::vector<std::string>& titles) {
    auto file = *catalog_->add_file(context_, name, "user_data", name);
    document::Document document;
    document.title = name;
    for (const auto& title : titles) {
      const auto begin = static_cast<uint32_t>(document.text.size());
      document.text += title + "\n\n";
      document.headings.push_back({2, title, {begin, begin + static_cast<uint32_t>(title.size())}});
    }
    auto status = store_->write(context_, [&](store::Transaction& transaction) -> Status {
      TRY(catalog_->add_base_file(transaction, base, file.id, {.job_id = "job"}));
      TRY(catalog_->publish(transaction, {.base_id = base, .file_id = file.id, .job_id = "job", .document = document, .model = "m"}));
      return {};
    });
    ASSERT_TRUE(status) << status.error().message;
  }
  std::vector<std::string> names(const std::vector<Heading>& headings) {
    std::vector<std::string> out;
    for (auto& heading : headings) out.push_back(heading.heading);
    return out;
  }

  std::string folder_;
  ManualClock clock_;
  Context context_ = Context::background();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<catalog::Catalog> catalog_;
  std::unique_ptr<feedback::Feedback> feedback_;
  std::unique_ptr<Suggester> suggester_;
};

TEST_F(SuggesterTest, QuestionsThatWereAnsweredComeNewestFirstAndOnce) {
  answer("ans_1", "How long is parental leave?");
  answer("ans_2", "how long is parental leave?");
  answer("ans_3", "Who pays parental leave?");
  answer("ans_4", "What is parental control?", "not_in_documents");
  EXPECT_THAT(suggester_->complete(context_, "parental", {}, 10)->questions, ElementsAre("Who pays parental leave?", "how long is parental leave?"));
  EXPECT_THAT(suggester_->complete(context_, "parental", {}, 1)->questions, ElementsAre("Who pays parental leave?"));
  EXPECT_THAT(suggester_->complete(context_, "Who pays parental leave?", {}, 10)->questions, IsEmpty());
  EXPECT_THAT(suggester_->complete(context_, "", {}, 10)->questions, IsEmpty());
}

TEST_F(SuggesterTest, HeadingsOfTheBasesAskedForAreFound) {
  const auto one = catalog_->add_base(context_, "one", {})->id, two = catalog_->add_base(context_, "two", {})->id;
  document(one, "leave.md", {"Annual leave", "Leave of absence"});
  document(two, "travel.md", {"Leave the country"});
  EXPECT_THAT(names(suggester_->complete(context_, "leave", {one}, 10)->headings), ElementsAre("Leave of absence", "Annual leave"));
  EXPECT_THAT(names(suggester_->complete(context_, "leave", {one, two}, 10)->headings), ElementsAre("Leave of absence", "Leave the country", "Annual leave"));
  const auto heading = suggester_->complete(context_, "annual", {one}, 10)->headings.at(0);
  EXPECT_EQ(heading.title, "leave.md");
  EXPECT_EQ(heading.base_id, one);
  EXPECT_EQ(heading.end - heading.begin, 12u);
  EXPECT_EQ(suggester_->complete(context_, "x", {"vs_none"}, 10).error().code, Code::kNotFound);
  EXPECT_EQ(suggester_->complete(context_, "x", {}, 0).error().param, "limit");
}

}  // namespace
}  // namespace strata::suggest
