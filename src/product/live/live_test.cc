#include "product/live/live.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/random.h"
#include "infra/store/store.h"

namespace strata::live {
namespace {

using testing::HasSubstr;

constexpr char kWhole[] = R"(name: Support Copilot
user_persona: agent
job_to_be_done: draft answers
input_types: [text]
output_format: free text
max_latency_seconds: 3
context_window_needs: short
hallucination_risk: low
requires_citations: true
human_review_required: false
accuracy_target: 0.9
daily_requests_estimate: 10
concurrent_users_peak: 1
pii_handling: redact
)";

class LiveTest : public testing::Test {
 protected:
  LiveTest() : folder_(std::filesystem::temp_directory_path() / make_id("live-test")) {
    auto migrations = registry::migrations();
    auto more = outcome::migrations();
    migrations.insert(migrations.end(), more.begin(), more.end());
    store_ = std::move(*store::Store::open(folder_, migrations));
    registry_ = std::make_unique<registry::Registry>(*store_, clock_);
    outcomes_ = std::make_unique<outcome::Outcomes>(*store_, clock_);
    specs_ = std::make_unique<Specs>(*registry_, *outcomes_);
  }
  ~LiveTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string folder_;
  ManualClock clock_;
  Context context_ = Context::background();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<outcome::Outcomes> outcomes_;
  std::unique_ptr<Specs> specs_;
};

TEST_F(LiveTest, AWholeSpecMakesTheProductAndIsLive) {
  auto saved = specs_->create(context_, "", kWhole, {"ann", "first"});
  ASSERT_TRUE(saved) << saved.error().message;
  EXPECT_EQ(saved->product, "support-copilot");
  EXPECT_EQ(saved->version->number, 1);
  EXPECT_EQ(outcomes_->product(context_, "support-copilot")->name, "Support Copilot");
  EXPECT_EQ((*specs_->live(context_, "support-copilot"))->version, 1);
  EXPECT_EQ(specs_->create(context_, "", kWhole, {}).error().reason, "product_exists");
}

TEST_F(LiveTest, AHalfFilledSpecIsKeptAsDraftAndIsNotLive) {
  auto saved = specs_->create(context_, "half", "name: Half\n", {});
  ASSERT_TRUE(saved) << saved.error().message;
  EXPECT_FALSE(saved->version);
  EXPECT_EQ(saved->missing.size(), 12u);
  EXPECT_FALSE(*specs_->live(context_, "half"));
  EXPECT_EQ((*registry_->draft(context_, {kSpecKind, "half"}))->content, "name: Half\n");
  EXPECT_EQ(specs_->newest_or_live(context_, "half").error().reason, "only_a_draft");
}

TEST_F(LiveTest, AWrongSpecIsRefusedByLineAndLeavesNothing) {
  auto saved = specs_->create(context_, "bad", "name: Bad\naccuracy_target: 92\n", {});
  EXPECT_EQ(saved.error().reason, "invalid_spec");
  EXPECT_THAT(saved.error().message, HasSubstr("line 2: accuracy_target"));
  EXPECT_EQ(outcomes_->product(context_, "bad").error().code, Code::kNotFound);
}

TEST_F(LiveTest, AVersionThatIsNotMadeLiveChangesNoAnswer) {
  ASSERT_TRUE(specs_->create(context_, "", kWhole, {}));
  ASSERT_TRUE(specs_->save(context_, "support-copilot", std::string(kWhole) + "data_residency: EU\n", 1, false, {}));
  EXPECT_EQ((*specs_->live(context_, "support-copilot"))->version, 1);
  ASSERT_TRUE(outcomes_->open(context_, {.id = "conv_1", .product = "support-copilot"}));
  EXPECT_EQ((*specs_->of_conversation(context_, "conv_1"))->spec.data_residency, std::nullopt);
  EXPECT_FALSE(*specs_->of_conversation(context_, "conv_of_nobody"));
}

TEST_F(LiveTest, PersonalDataIsMaskedFoundOrLeftAsTheSpecSays) {
  LiveSpec live{"p", 1, *spec::check_text(kWhole).spec};
  std::string question = "I am ann@example.com, call +49 30 901820";
  Terms terms = terms_for(live, question, "ann");
  EXPECT_EQ(terms.question, "I am [email], call [phone]");
  EXPECT_EQ(terms.pii.at("email"), 1);
  live.spec.pii_handling = "allowed";
  terms = terms_for(live, question, "ann");
  EXPECT_EQ(terms.question, question);
  EXPECT_EQ(terms.pii.size(), 2u);
  EXPECT_EQ(personal_data_in(terms, "call +49 30 901820", "ann"), (std::map<std::string, int>{{"phone", 1}}));
  live.spec.pii_handling = "none";
  EXPECT_TRUE(terms_for(live, question, "ann").pii.empty());
  EXPECT_TRUE(personal_data_in(terms_for(live, question, "ann"), question, "ann").empty());
  live.spec.pii_handling = "redact";
  std::string one = "a@example.com", two = "nothing", three = "b@example.com";
  EXPECT_EQ(terms_for(live, {&one, &two, &three}, "ann").pii.at("email"), 2);
  EXPECT_EQ(one + two + three, "[email]nothing[email]");
}

TEST_F(LiveTest, ThePromiseIsHeldAgainstTheNearestRankOfItsOwnAnswers) {
  ASSERT_TRUE(specs_->create(context_, "", kWhole, {}));
  for (int i = 1; i <= 20; ++i) ASSERT_TRUE(outcomes_->add_output(context_, {.product = "support-copilot", .total_ms = i * 200.0}));
  ASSERT_TRUE(outcomes_->add_output(context_, {.product = "support-copilot", .status = "timeout", .total_ms = 60'000}));
  auto promise = *specs_->promise(context_, "support-copilot", 3.0);
  EXPECT_EQ(promise.answers, 20);
  EXPECT_DOUBLE_EQ(promise.actual_seconds_p95, 3.8);
  EXPECT_EQ(promise.late, 5);
}

}  // namespace
}  // namespace strata::live
