#include "product/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/crypto.h"
#include "base/random.h"
#include "base/text.h"

namespace strata::report {
namespace {

using outcome::End;
using outcome::Week;
using product_metrics::LLMProductMetrics;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kNow = 1'795'338'000'000;  // 2026-11-22T09:00:00Z, the Sunday of 2026-W47
constexpr int64_t kHour = 3'600'000, kDay = 24 * kHour;

TEST(StakeholderUpdate, WeekEightReadsAsTheRequirementsSay) {
  EXPECT_EQ(generate_stakeholder_update({0.91, 0.03, 2.8, 4.2, 0.72, 0.24, 0.76, 0.38, 4.20}, 8),
            "WEEKLY UPDATE: Support Copilot (Week 8)\n\n"
            "STATUS: 4/5 metrics on target\n\n"
            "HIGHLIGHTS:\n"
            "- Customer satisfaction: 4.2/5.0 (target: 4.0)\n"
            "- Tickets resolved without escalation: 76%\n"
            "- AI-assisted deflection: 38% (target: 40%)\n"
            "- Cost per resolution: $4.20\n\n"
            "QUALITY:\n"
            "- Response accuracy: 91%\n"
            "- Factual errors (hallucinations): 3.0%\n"
            "- Agent edit rate: 24% of AI drafts modified\n\n"
            "ACTIONS:\n"
            "- Deflection below target; expanding knowledge base coverage");
}

// tools/fixtures/metrics_reference.py: thousands of random values and every boundary ± one ulp, by Python itself.
TEST(StakeholderUpdate, ReadsAndJudgesAsPythonDoes) {
  std::ifstream file(STRATA_SOURCE_DIR "/src/product/report/testdata/reference.tsv");
  int rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    auto fields = split(line, '\t');
    ASSERT_EQ(fields.size(), 12u) << line;
    LLMProductMetrics metrics;
    for (size_t i = 0; i < 9; ++i) product_metrics::member(metrics, i) = std::strtod(std::string(fields[i + 1]).c_str(), nullptr);
    std::string states;
    for (auto& check : product_metrics::health_check(metrics)) states += product_metrics::health_name(check.health)[0];
    ASSERT_EQ(states, fields[10]) << line;
    std::string text = generate_stakeholder_update(metrics, std::stoi(std::string(fields[0])));
    ASSERT_EQ(sha256_hex(text).substr(0, 16), fields[11]) << line << "\n" << text;
  }
  EXPECT_EQ(rows, 2600);
}

TEST(StakeholderUpdate, AnotherProductPutsItsNameAndTargetsInTheSamePlaces) {
  product_metrics::Settings settings;
  settings.csat = 4.5, settings.deflection_rate = 0.25, settings.edit_rate = 0.2, settings.hallucination_rate = 0.01;
  std::string text = generate_stakeholder_update({0.91, 0.03, 2.8, 4.2, 0.72, 0.24, 0.76, 0.38, 4.20}, 9, "Trip Planner", settings);
  EXPECT_THAT(text, HasSubstr("WEEKLY UPDATE: Trip Planner (Week 9)"));
  EXPECT_THAT(text, HasSubstr("4.2/5.0 (target: 4.5)"));
  EXPECT_THAT(text, HasSubstr("deflection: 38% (target: 25%)"));
  EXPECT_THAT(text, Not(HasSubstr("Deflection below target")));
  EXPECT_THAT(text, HasSubstr("High edit rate"));
  EXPECT_THAT(text, HasSubstr("Hallucination rate elevated"));
  EXPECT_THAT(text, HasSubstr("STATUS: 3/5"));
}

TEST(Forms, WhatAPersonWroteIsEscapedAndNothingRemoteIsLoaded) {
  std::string html = render("# A <b>\n\n**ok**\n\n## LIST\n- <script>alert(1)</script>\n- \"two\" & more\n\n<img src=x>\n", Form::kHtml);
  EXPECT_THAT(html, HasSubstr("<h1>A &lt;b&gt;</h1>"));
  EXPECT_THAT(html, HasSubstr("<li>&lt;script&gt;alert(1)&lt;/script&gt;</li>\n<li>&quot;two&quot; &amp; more</li>\n</ul>"));
  EXPECT_THAT(html, HasSubstr("<p>&lt;img src=x&gt;</p>"));
  EXPECT_THAT(html, Not(HasSubstr("http")));
  EXPECT_EQ(render("# A\n\n**B**\n\n## C\n- d\n", Form::kText), "A\n\nB\n\nC:\n- d");
}

class ReportTest : public testing::Test {
 protected:
  ReportTest() : folder_(std::filesystem::temp_directory_path() / make_id("report-test")), clock_(kNow) {
    open();
    EXPECT_TRUE(outcomes_->put_product(context_, "support-copilot", "Support Copilot"));
  }
  ~ReportTest() override {
    close();
    std::filesystem::remove_all(folder_);
  }
  void close() {
    if (journal_) journal_->stop();
    reports_.reset(), journal_.reset(), metrics_.reset(), outcomes_.reset(), store_.reset();
  }
  void open() {
    close();
    std::vector<store::Migration> all;
    for (auto& part : {durable::Journal::migrations(), outcome::migrations(), product_metrics::migrations(), migrations()})
      all.insert(all.end(), part.begin(), part.end());
    store_ = std::move(*store::Store::open(folder_, all));
    outcomes_ = std::make_unique<outcome::Outcomes>(*store_, clock_);
    metrics_ = std::make_unique<product_metrics::Metrics>(*store_, *outcomes_);
    journal_ = std::move(*durable::Journal::open(*store_, clock_, 1));
    reports_ = std::make_unique<Reports>(*store_, *journal_, *outcomes_, *metrics_, clock_);
    reports_->register_jobs();
  }
  template <class T>
  static T must(Result<T> result) {
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result ? std::move(*result) : T{};
  }
  // A week with data for all nine.
  void busy_week() {
    Week week = Week::of(clock_.unix_ms());
    for (auto [name, value] :
         std::map<std::string, double>{{"eligible_users", 2}, {"human_cost", 30}, {"manual_minutes_per_reply", 12}, {"revenue_impact", -20}})
      must(outcomes_->put_fact(context_, {.product = "support-copilot", .week = week, .name = name, .value = value}));
    for (int i = 0; i < 3; ++i) {
      std::string id = make_id("conv");
      must(outcomes_->open(context_, {.id = id, .product = "support-copilot", .user = "ann"}));
      auto output = must(outcomes_->add_output(context_, {.conversation = id, .total_ms = 1000, .prompt_tokens = 10}));
      must(outcomes_->judge(context_, {.answer_id = output.id, .who = "eva", .correct = i != 0}));
      auto draft = must(outcomes_->add_draft(context_, id, output.id, "", "Hello"));
      must(outcomes_->send_draft(context_, draft.id, i == 0 ? "Hello!" : "Hello", draft.id));
      must(outcomes_->end(context_, id, i == 0 ? End::kDeflected : End::kResolved));
      must(outcomes_->add_satisfaction(context_, {.conversation = id, .score = i == 0 ? 5 : 4, .source = "survey"}));
    }
  }

  std::string folder_;
  ManualClock clock_;
  Context context_ = Context::background();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<outcome::Outcomes> outcomes_;
  std::unique_ptr<product_metrics::Metrics> metrics_;
  std::unique_ptr<durable::Journal> journal_;
  std::unique_ptr<Reports> reports_;
};

TEST_F(ReportTest, TheTextOfAStoredUpdateBeginsWithTheRequirementsText) {
  busy_week();
  Update update = must(reports_->make(context_, "support-copilot", Week::of(kNow), "ann"));
  auto report = must(metrics_->week(context_, "support-copilot", Week::of(kNow)));
  ASSERT_TRUE(report.complete());
  LLMProductMetrics metrics = *report.complete();
  metrics.csat = 4.33;
  std::string text = render(update.body, Form::kText);
  EXPECT_TRUE(text.starts_with(generate_stakeholder_update(metrics, 47))) << text;
  EXPECT_THAT(text, HasSubstr("Operating safely: no reviewed answer broke a safety rule"));
  EXPECT_THAT(text, HasSubstr("Revenue impact: -$20.00"));
}

TEST_F(ReportTest, AnUpdateIsInTheLanguageOfBusiness) {
  busy_week();
  clock_.advance_ms(7 * kDay);
  busy_week();
  std::string text = ascii_lower(render(must(reports_->make(context_, "support-copilot", Week::of(clock_.unix_ms()), "ann")).body, Form::kText));
  for (const char* jargon : {"perplexity", "f1", "token", "latency", "p95", "llm", "embedding", "inference", "bleu", "recall", "precision", "logit",
                             "context window", "retrieval", "percentile", "csat", "json"})
    EXPECT_THAT(text, Not(HasSubstr(jargon)));
  EXPECT_THAT(text, HasSubstr("resolved without escalation: 100%, as in the week before"));
}

TEST_F(ReportTest, WhatHasNoDataSaysSo) {
  std::string text = render(must(reports_->make(context_, "support-copilot", Week::of(kNow), "ann")).body, Form::kText);
  EXPECT_THAT(text, HasSubstr("STATUS: 0/5 metrics on target"));
  EXPECT_THAT(text, HasSubstr("- Customer satisfaction: no data yet (target: 4.0)"));
  EXPECT_THAT(text, HasSubstr("Not known this week: no answer was reviewed by a person"));
}

TEST_F(ReportTest, APersonsChangesAreNeverWrittenOver) {
  Update made = must(reports_->make(context_, "support-copilot", Week::of(kNow), "ann"));
  busy_week();
  EXPECT_NE(must(reports_->make(context_, "support-copilot", Week::of(kNow), "ann")).body, made.body);   // unedited: what is known now
  made = must(reports_->update(context_, made.id));
  Update edited = must(reports_->edit(context_, made.id, "# Mine\n", made.updated_ms));
  EXPECT_EQ(reports_->edit(context_, made.id, "# Theirs\n", made.updated_ms).error().code, Code::kAborted);
  EXPECT_EQ(must(reports_->make(context_, "support-copilot", Week::of(kNow), "ann")).body, "# Mine\n");
  EXPECT_THAT(must(reports_->reset(context_, made.id)).body, HasSubstr("# WEEKLY UPDATE"));
  must(reports_->mark_sent(context_, made.id));
  EXPECT_EQ(reports_->edit(context_, made.id, "x", 0).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(reports_->reset(context_, made.id).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(must(reports_->updates(context_, "support-copilot", 10, "")).size(), 1u);
}

TEST_F(ReportTest, TheScheduleMakesEachWeeksUpdateOnceThoughTheServerRestarts) {
  busy_week();
  EXPECT_EQ(must(reports_->tick(context_)), 0);                  // Sunday: the week is not over, and the one before was empty
  clock_.advance_ms(20 * kHour);                                 // Monday 05:00
  EXPECT_EQ(must(reports_->tick(context_)), 0);
  clock_.advance_ms(kHour);                                      // Monday 06:00
  EXPECT_EQ(must(reports_->tick(context_)), 1);
  open();                                                        // dies before the job ran
  EXPECT_EQ(must(reports_->tick(context_)), 1);                  // asks again: the same job
  auto jobs = must(journal_->list(context_, "weekly_update", 10));
  ASSERT_EQ(jobs.size(), 1u);
  journal_->start();
  EXPECT_EQ(must(journal_->wait(context_, jobs[0].id)).state, durable::State::kSucceeded);
  auto updates = must(reports_->updates(context_, "support-copilot", 10, ""));
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].week.text(), "2026-W47");
  EXPECT_EQ(updates[0].made_by, "schedule");
  EXPECT_EQ(must(reports_->tick(context_)), 0);
  clock_.advance_ms(7 * kDay);                                   // an empty week needs no update
  EXPECT_EQ(must(reports_->tick(context_)), 0);
}

TEST_F(ReportTest, AScheduleThatIsOffMakesNothing) {
  busy_week();
  ASSERT_TRUE(reports_->set_schedule(context_, "support-copilot", {.enabled = false}));
  clock_.advance_ms(3 * kDay);
  EXPECT_EQ(must(reports_->tick(context_)), 0);
  EXPECT_EQ(reports_->set_schedule(context_, "support-copilot", {.weekday = 8}).error().param, "weekday");
  EXPECT_EQ(reports_->set_schedule(context_, "support-copilot", {.hour = 24}).error().param, "hour");
}

}  // namespace
}  // namespace strata::report
