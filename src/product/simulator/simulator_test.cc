#include "product/simulator/simulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/text.h"

namespace strata::simulator {
namespace {

std::vector<Question> questions() {
  auto out = questions_from(sample_file("tickets.json"));
  EXPECT_TRUE(out.has_value()) << out.error().message;
  return out.value_or(std::vector<Question>{});
}

TEST(SampleTest, TicketsAreAnsweredByTheirPage) {
  ASSERT_GE(questions().size(), 50u);
  for (auto& q : questions())
    EXPECT_TRUE(q.page.empty() || ascii_lower(sample_file("policies/" + q.page)).find(ascii_lower(q.expect)) != std::string::npos) << q.text;
}

TEST(SampleTest, EveryPageSaysThatItIsASample) {
  int pages = 0;
  for (auto& file : sample_files())
    if (file.path.starts_with("policies/")) {
      ++pages;
      EXPECT_NE(file.bytes.find("Sample text"), std::string_view::npos) << file.path;
    }
  EXPECT_EQ(pages, 12);
}

TEST(SampleTest, BrokenTicketsNameTheEntry) {
  EXPECT_THAT(
      questions_from(R"([{"page": "", "text": "a", "expect": "", "weight": 1}, {"page": "no.md", "text": "b", "expect": "c", "weight": 1}])").error().message,
      testing::HasSubstr("tickets[1].page"));
  EXPECT_FALSE(questions_from("[]").has_value());
  EXPECT_FALSE(questions_from(R"([{"page": "refunds.md", "text": "a", "expect": "", "weight": 1}])").has_value());
}

TEST(PlanTest, SameSeedSamePlanAnotherSeedAnother) {
  auto keys = [&](uint64_t seed) {
    std::string all;
    for (auto& week : plan({.seed = seed}, questions()).weeks)
      for (auto& t : week) all += t.key + t.customer + t.agent + t.question.text + std::to_string(t.at_ms) + "\n";
    return all;
  };
  EXPECT_EQ(keys(1), keys(1));
  EXPECT_NE(keys(1), keys(2));
}

TEST(PlanTest, EveryTicketLiesInItsWeekInOfficeHours) {
  constexpr int64_t kWeekMs = 7LL * 24 * 3600 * 1000, kMonday = 1'700'438'400'000;   // 2023-11-20
  auto weeks = plan({.weeks = 8, .tickets = 40, .first_week_ms = kMonday}, questions()).weeks;
  std::set<std::string> keys;
  for (size_t week = 0; week < weeks.size(); ++week)
    for (auto& t : weeks[week]) {
      EXPECT_TRUE(keys.insert(t.key).second);
      int64_t in_week = t.at_ms - kMonday - static_cast<int64_t>(week) * kWeekMs;
      EXPECT_GE(in_week, 0);
      EXPECT_LT(in_week, kWeekMs);
      int64_t hour = (in_week / 3'600'000) % 24;
      EXPECT_GE(hour, 8);
      EXPECT_LT(hour, 18);
    }
  EXPECT_EQ(weeks.back().size(), 40u);
  EXPECT_LT(weeks.front().size(), weeks.back().size());
}

TEST(PlanTest, PagesAppearOnceAndAllOfThemWithinEightWeeks) {
  std::vector<std::string> all;
  for (auto& week : plan({.weeks = 8}, questions()).pages) all.insert(all.end(), week.begin(), week.end());
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
  EXPECT_EQ(all.size(), 12u);
}

Ticket ticket_of(const std::string& page) {
  for (auto& q : questions())
    if (q.page == page) return {.key = "w1-001", .customer = "c", .agent = "a", .question = q, .drafts_seen = 0};
  return {};
}

// Over many tickets, so that no single draw decides.
struct Tally {
  int sent = 0, edited = 0, discarded = 0, escalated = 0, resolved = 0;
};
Tally tally(Ticket ticket, const Answer& answer, int drafts_seen) {
  Tally out;
  ticket.drafts_seen = drafts_seen;
  for (int i = 0; i < 2000; ++i) {
    ticket.key = "w1-" + std::to_string(i);
    Reaction r = agent_handles(7, ticket, answer, sample_file("policies/" + ticket.question.page));
    out.sent += r.draft == Reaction::Draft::kSent;
    out.edited += r.draft == Reaction::Draft::kEdited;
    out.discarded += r.draft == Reaction::Draft::kDiscarded;
    out.escalated += r.outcome == Outcome::kEscalated;
    out.resolved += r.outcome == Outcome::kResolved;
    EXPECT_EQ(r.text.empty(), r.draft == Reaction::Draft::kDiscarded);
    EXPECT_NE(r.outcome, Outcome::kDeflected);
  }
  return out;
}

TEST(PeopleTest, AgentsEditLessWithExperience) {
  Ticket ticket = ticket_of("refunds.md");
  Answer right{.text = "“The refund window is 30 days from purchase.” [1]", .answered = true};
  EXPECT_GT(tally(ticket, right, 0).edited, 2 * tally(ticket, right, 30).edited);
}

TEST(PeopleTest, WrongAnswersMakeWork) {
  Ticket ticket = ticket_of("refunds.md");
  Answer right{.text = "30 days", .answered = true}, wrong{.text = "60 days", .answered = true}, none{.text = "Not in the documents.", .answered = false};
  EXPECT_GT(tally(ticket, right, 10).resolved, tally(ticket, wrong, 10).resolved);
  EXPECT_GT(tally(ticket, wrong, 10).escalated, tally(ticket, right, 10).escalated);
  EXPECT_EQ(tally(ticket, none, 10).discarded, 2000);
  EXPECT_EQ(tally(ticket, right, 10).discarded, 0);
}

TEST(PeopleTest, AnEditedDraftIsAnotherTextWithoutCitationMarks) {
  Ticket ticket = ticket_of("refunds.md");
  Answer right{.text = "“The refund window is 30 days from purchase.” [1]", .answered = true};
  for (int i = 0; i < 200; ++i) {
    ticket.key = "w1-" + std::to_string(i);
    Reaction r = agent_handles(7, ticket, right, "");
    if (r.draft != Reaction::Draft::kEdited) continue;
    EXPECT_EQ(r.text, "Hello,\n\nThe refund window is 30 days from purchase.\n\nKind regards,\na");
    return;
  }
  FAIL() << "nobody edited";
}

TEST(PeopleTest, TheHelpCentreDeflectsOnlyWhatItAnswers) {
  Ticket ticket = ticket_of("refunds.md");
  int deflected = 0;
  for (int i = 0; i < 500; ++i) {
    ticket.key = "w1-" + std::to_string(i);
    EXPECT_NE(customer_reacts(7, ticket, {.text = "nothing", .answered = false}).outcome, Outcome::kDeflected);
    deflected += customer_reacts(7, ticket, {.text = "30 days", .answered = true}).outcome == Outcome::kDeflected;
  }
  EXPECT_GT(deflected, 400);
}

TEST(PeopleTest, TheEvaluatorLooksAtThePagesNotAtLuck) {
  Ticket ticket = ticket_of("refunds.md");
  std::vector<std::string_view> pages = {sample_file("policies/refunds.md")};
  EXPECT_TRUE(evaluator_judges(7, ticket, {"The refund window is 30 days.", true}, pages).correct);
  EXPECT_FALSE(evaluator_judges(7, ticket, {"The refund window is 30 days.", true}, pages).fabricated);
  EXPECT_TRUE(evaluator_judges(7, ticket, {"The refund window is 77 days.", true}, pages).fabricated);
  EXPECT_FALSE(evaluator_judges(7, ticket, {"The refund window is 77 days.", true}, pages).correct);
  EXPECT_FALSE(evaluator_judges(7, ticket, {"It is [1] there.", true}, pages).fabricated);
}

TEST(PeopleTest, OutsideQuestionsAreRightlyLeftUnanswered) {
  Ticket ticket = ticket_of("");
  EXPECT_TRUE(is_right(ticket.question, {"The documents do not answer this.", false}));
  EXPECT_FALSE(is_right(ticket.question, {"Yes, behind the house.", true}));
}

}  // namespace
}  // namespace strata::simulator
