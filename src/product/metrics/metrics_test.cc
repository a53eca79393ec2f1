#include "product/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "base/random.h"

namespace strata::product_metrics {
namespace {

using outcome::End;
using outcome::Outcomes;
using outcome::Week;
using testing::HasSubstr;

constexpr int64_t kDay = 24LL * 3600 * 1000;
constexpr int64_t kNow = 1'795'338'000'000;  // 2026-11-22T09:00:00Z, the Sunday of 2026-W47

LLMProductMetrics week8() { return {0.91, 0.03, 2.8, 4.2, 0.72, 0.24, 0.76, 0.38, 4.20}; }

std::string states(const std::array<Check, 5>& checks) {
  std::string out;
  for (auto& check : checks) out += std::string(out.empty() ? "" : " ") + std::string(check.metric) + "=" + std::string(health_name(check.health));
  return out;
}

TEST(HealthCheck, WeekEightIsFourOfFive) {
  EXPECT_EQ(states(health_check(week8())), "accuracy=PASS hallucination=PASS csat=PASS adoption=PASS deflection=WARN");
}

TEST(HealthCheck, EachBoundaryIsWhereTheRequirementsPutIt) {
  auto at = [](double LLMProductMetrics::* member, double value, size_t check) {
    LLMProductMetrics metrics = week8();
    metrics.*member = value;
    return health_name(health_check(metrics)[check].health);
  };
  auto below = [](double value) { return std::nextafter(value, -1); };
  EXPECT_EQ(at(&LLMProductMetrics::accuracy, 0.85, 0), "PASS");
  EXPECT_EQ(at(&LLMProductMetrics::accuracy, below(0.85), 0), "FAIL");
  EXPECT_EQ(at(&LLMProductMetrics::hallucination_rate, 0.05, 1), "FAIL");
  EXPECT_EQ(at(&LLMProductMetrics::hallucination_rate, below(0.05), 1), "PASS");
  EXPECT_EQ(at(&LLMProductMetrics::csat, 4.0, 2), "PASS");
  EXPECT_EQ(at(&LLMProductMetrics::csat, below(4.0), 2), "WARN");
  EXPECT_EQ(at(&LLMProductMetrics::adoption_rate, 0.60, 3), "PASS");
  EXPECT_EQ(at(&LLMProductMetrics::adoption_rate, below(0.60), 3), "WARN");
  EXPECT_EQ(at(&LLMProductMetrics::deflection_rate, 0.40, 4), "PASS");
  EXPECT_EQ(at(&LLMProductMetrics::deflection_rate, below(0.40), 4), "WARN");
}

TEST(MetricsFile, WhatIsWrongIsNamed) {
  auto message = [](const char* text) {
    auto metrics = metrics_from(*Json::parse(text));
    return metrics ? std::string("accepted") : metrics.error().message;
  };
  EXPECT_THAT(message("{}"), HasSubstr("'accuracy' is missing"));
  EXPECT_THAT(message(R"({"accurracy": 1})"), HasSubstr("did you mean 'accuracy'?"));
  EXPECT_THAT(message(R"({"accuracy": "high"})"), HasSubstr("accuracy"));
  EXPECT_THAT(message("[]"), HasSubstr("got array"));
}

TEST(EditRule, AlertsPastTheTargetAndWhenItRisesTwice) {
  Settings settings;
  EXPECT_TRUE(edit_alerts({0.1, 0.2, 0.15}, settings).empty());
  EXPECT_TRUE(edit_alerts({0.1, 0.2, std::nullopt}, settings).empty());
  ASSERT_EQ(edit_alerts({0.30}, settings).size(), 1u);   // accepted unmodified is to be MORE than 70 %
  EXPECT_THAT(edit_alerts({0.30}, settings)[0], HasSubstr("slower than manual work"));
  ASSERT_EQ(edit_alerts({0.1, 0.15, 0.2}, settings).size(), 1u);
  EXPECT_THAT(edit_alerts({0.1, 0.15, 0.2}, settings)[0], HasSubstr("risen two weeks in a row (10%, 15%, 20%)"));
}

TEST(Measure, NothingHappenedIsNoDataAndNeverZero) {
  Events events;
  events.week = {2026, 47};
  Report report = measure(events, {});
  for (auto& number : report.nine) {
    EXPECT_FALSE(number.value) << number.key;
    EXPECT_NE(number.note, "") << number.key;
  }
  for (auto& check : report.health) EXPECT_EQ(check.health, Health::kNoData);
  for (auto& target : report.targets) EXPECT_EQ(target.health, Health::kNoData);
  EXPECT_FALSE(report.complete());
}

TEST(Measure, AnAnswerThatNobodyTimedIsNoFastAnswer) {
  Events events;
  events.week = {2026, 47};
  events.outputs.push_back({.id = "a", .product = "p", .total_ms = 0, .at_ms = events.week.begin_ms()});
  EXPECT_FALSE(measure(events, {}).nine[2].value);
}

TEST(Measure, DevelopersAreCountedByTheirSteps) {
  Events events;
  events.week = Week::of(kNow);
  int64_t end = events.week.end_ms();
  auto add = [&](const char* who, const char* kind, int64_t at) { events.developer_events.push_back({"", "p", who, kind, "api", at, false}); };
  add("a", "signup", end - 20 * kDay), add("a", "first_call", end - 14 * kDay);               // within six days
  add("b", "signup", end - 20 * kDay), add("b", "first_call", end - 13 * kDay);               // on the seventh: too late
  add("c", "signup", end - 20 * kDay), add("c", "paid", end - 2 * kDay);
  add("d", "signup", end - 3 * kDay), add("d", "first_call", end - 3 * kDay);                 // its seven days are not over
  add("e", "production", end - 100 * kDay);
  events.developer_days = {{"p", "a", end - 3 * kDay, 5, false}, {"p", "a", end - 2 * kDay, 5, false}, {"p", "b", end - 2 * kDay, 1, false}};
  std::map<std::string, Number> by_key;
  for (auto& number : measure(events, {}).developer) by_key[number.key] = number;
  EXPECT_DOUBLE_EQ(*by_key["activation"].value, 1.0 / 3);
  EXPECT_EQ(*by_key["active_developers"].value, 2);
  EXPECT_EQ(*by_key["production_integrations"].value, 1);
  EXPECT_EQ(*by_key["paid_conversion"].value, 0.25);
  EXPECT_FALSE(by_key["developer_nps"].value);
}

// A history as a list of what was done, kept beside the store, and the nine metrics of a week by plain loops over it.
struct History {
  struct Conversation {
    std::string product, channel, user, end_user;
    int64_t opened, ended;
    std::string end;
  };
  struct Output {
    std::string id, product, user, status;
    int64_t at, ms, prompt, completion;
    std::map<std::string, std::pair<bool, bool>> judges;
  };
  struct Draft {
    std::string product, user, original, text, state;
    int64_t decided;
  };
  struct Score {
    std::string product;
    int score;
    int64_t at;
  };
  std::vector<Conversation> conversations;
  std::vector<Output> outputs;
  std::vector<Draft> drafts;
  std::vector<Score> scores;
  std::map<std::string, std::map<int64_t, std::map<std::string, double>>> facts;   // product → week index → name

  // Weeks since the one of 1970-01-01 (a Thursday), by integers alone.
  static int64_t index(int64_t ms) { return (ms / kDay + 3) / 7; }

  std::vector<std::optional<double>> nine(const std::string& product, int64_t week, double prompt_price, double completion_price) const {
    std::vector<std::optional<double>> out(9);
    double judged = 0, correct = 0, fabricated = 0, tokens_in = 0, tokens_out = 0;
    std::vector<int64_t> times;
    std::set<std::string> active;
    for (auto& o : outputs) {
      if (o.product != product || index(o.at) != week) continue;
      if (!o.user.empty()) active.insert(o.user);
      tokens_in += static_cast<double>(o.prompt), tokens_out += static_cast<double>(o.completion);
      if (o.status == "ok" && o.ms > 0) times.push_back(o.ms);
      if (o.judges.empty()) continue;
      int yes = 0, no = 0, made_up = 0;
      for (auto& [who, word] : o.judges) word.first ? ++yes : ++no, made_up += word.second;
      judged += 1;
      if (yes > no) correct += 1;
      if (made_up >= yes + no - made_up) fabricated += 1;
    }
    if (judged > 0) out[0] = correct / judged, out[1] = fabricated / judged;
    for (int64_t candidate : times) {   // the smallest that at least 95 % do not exceed
      size_t within = 0;
      for (int64_t t : times) within += t <= candidate;
      double seconds = static_cast<double>(candidate) / 1000;
      if (within * 100 >= times.size() * 95 && (!out[2] || seconds < *out[2])) out[2] = seconds;
    }
    double sum = 0, count = 0, sent = 0, edited = 0, ended = 0, resolved = 0, deflected = 0;
    for (auto& s : scores)
      if (s.product == product && index(s.at) == week) sum += s.score, count += 1;
    for (auto& d : drafts) {
      if (d.product != product || d.state == "open" || index(d.decided) != week) continue;
      if (!d.user.empty()) active.insert(d.user);
      if (d.state == "sent") sent += 1, edited += d.text != d.original;
    }
    for (auto& c : conversations) {
      if (c.product != product) continue;
      const std::string& who = c.channel == "customer" ? c.end_user : c.user;
      if (index(c.opened) == week && !who.empty()) active.insert(who);
      if (c.end == "open" || index(c.ended) != week) continue;
      ended += 1, resolved += c.end == "resolved" || c.end == "deflected", deflected += c.end == "deflected";
    }
    auto fact = [&](const std::string& name, bool standing) -> std::optional<double> {
      std::optional<double> found;
      if (auto mine = facts.find(product); mine != facts.end())
        for (auto& [at, values] : mine->second)
          if (auto value = values.find(name); value != values.end() && (at == week || (standing && at < week))) found = value->second;
      return found;
    };
    if (count > 0) out[3] = sum / count;
    else out[3] = fact("csat", false);
    if (auto eligible = fact("eligible_users", true); eligible && *eligible > 0) out[4] = static_cast<double>(active.size()) / *eligible;
    if (sent > 0) out[5] = edited / sent;
    if (ended > 0) out[6] = resolved / ended, out[7] = deflected / ended;
    if (resolved > 0) out[8] = (tokens_in * prompt_price / 1e6 + tokens_out * completion_price / 1e6 + fact("human_cost", false).value_or(0)) / resolved;
    return out;
  }
};

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() : folder_(std::filesystem::temp_directory_path() / make_id("metrics-test")), clock_(kNow) {
    auto all = outcome::migrations();
    for (auto& migration : migrations()) all.push_back(migration);
    store_ = std::move(*store::Store::open(folder_, all));
    outcomes_ = std::make_unique<Outcomes>(*store_, clock_);
    metrics_ = std::make_unique<Metrics>(*store_, *outcomes_);
  }
  ~MetricsTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  template <class T>
  static T must(Result<T> result) {
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result ? std::move(*result) : T{};
  }

  // One conversation with what may happen in it, done to the store and written down in the history.
  void live(Random& random, History& history, int n) {
    auto pick = [&](std::vector<std::string> choices) { return choices[random.below(choices.size())]; };
    std::string product = pick({"support-copilot", "sales"}), channel = pick({"agent", "customer"});
    std::string user = pick({"", "ann", "ben", "cem"}), end_user = pick({"", "x1", "x2", "x3"});
    int64_t opened = kNow - static_cast<int64_t>(random.below(20)) * kDay - static_cast<int64_t>(random.below(80'000'000)) - 2 * kDay;
    std::string id = "conv_" + std::to_string(n);
    must(outcomes_->open(context_, {.id = id, .product = product, .channel = channel, .user = user, .end_user = end_user, .simulated = true}, opened));
    for (uint64_t k = random.below(3); k > 0; --k) output(random, history, product, id, user, opened + static_cast<int64_t>(random.below(kDay)));
    for (uint64_t k = random.below(3); k > 0; --k) draft(random, history, product, id, user, opened);
    std::string end = pick({"open", "resolved", "escalated", "abandoned", "deflected"});
    int64_t ended = opened + static_cast<int64_t>(random.below(2 * kDay));
    if (end != "open") must(outcomes_->end(context_, id, must(outcome::end_from(end)), ended));
    history.conversations.push_back({product, channel, user, end_user, opened, ended, end});
    if (random.below(3) == 0) {
      int score = 1 + static_cast<int>(random.below(5));
      must(outcomes_->add_satisfaction(context_, {.conversation = id, .score = score, .source = "survey", .at_ms = ended}));
      history.scores.push_back({product, score, ended});
    }
  }
  void output(Random& random, History& history, const std::string& product, const std::string& conversation, const std::string& user, int64_t at) {
    History::Output o{"ans_" + std::to_string(history.outputs.size()),
                      product,
                      user,
                      random.below(8) ? "ok" : "timeout",
                      at,
                      static_cast<int64_t>(random.below(9'000)),
                      static_cast<int64_t>(random.below(4'000)),
                      static_cast<int64_t>(random.below(500)),
                      {}};
    must(outcomes_->add_output(context_, {.id = o.id,
                                          .conversation = conversation,
                                          .status = o.status,
                                          .total_ms = static_cast<double>(o.ms),
                                          .prompt_tokens = o.prompt,
                                          .completion_tokens = o.completion,
                                          .at_ms = at}));
    for (const char* who : {"eva", "tom", "kim"}) {
      if (random.below(3)) continue;
      bool correct = random.below(4) != 0, fabricated = random.below(5) == 0;
      must(outcomes_->judge(context_, {.answer_id = o.id, .who = who, .correct = correct, .fabricated = fabricated, .at_ms = kNow}));
      o.judges[who] = {correct, fabricated};
    }
    history.outputs.push_back(std::move(o));
  }
  void draft(Random& random, History& history, const std::string& product, const std::string& conversation, const std::string& user, int64_t at) {
    History::Draft d{
        product, user, "You have 30 days.", random.below(3) ? "You have 30 days." : "You have 14 days.", "open", at + static_cast<int64_t>(random.below(kDay))};
    std::string id = must(outcomes_->add_draft(context_, conversation, "ans", user, d.original, at)).id;
    uint64_t fate = random.below(4);
    if (fate >= 2) d.state = "sent", must(outcomes_->send_draft(context_, id, d.text, "key_" + id, d.decided));
    else if (fate == 1) d.state = "discarded", must(outcomes_->discard_draft(context_, id, "", d.decided));
    history.drafts.push_back(std::move(d));
  }
  void fact(History& history, const std::string& product, Week week, const std::string& name, double value) {
    must(outcomes_->put_fact(context_, {.product = product, .week = week, .name = name, .value = value}));
    history.facts[product][History::index(week.begin_ms())][name] = value;
  }

  std::string folder_;
  ManualClock clock_;
  Context context_ = Context::background();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Outcomes> outcomes_;
  std::unique_ptr<Metrics> metrics_;
};

TEST_F(MetricsTest, RandomHistoriesGiveWhatPlainLoopsOverTheEventsGive) {
  Settings settings;
  settings.prompt_price = 0.5, settings.completion_price = 1.5;
  History history;
  Random random(20261122);
  for (const char* product : {"support-copilot", "sales"}) {
    must(outcomes_->put_product(context_, product, product));
    ASSERT_TRUE(metrics_->set_settings(context_, product, settings));
  }
  Week week = Week::of(kNow);
  fact(history, "support-copilot", week.plus(-2), "eligible_users", 9);
  fact(history, "support-copilot", week.plus(-1), "human_cost", 321.5);
  fact(history, "sales", week, "eligible_users", 4);
  fact(history, "sales", week.plus(-3), "csat", 3.25);
  int compared = 0;
  for (int round = 0; round < 4; ++round) {   // the same store grows: four histories, each longer than the one before
    for (int i = 0; i < 18; ++i) live(random, history, round * 18 + i);
    for (const std::string product : {"support-copilot", "sales"})
      for (int back = 0; back < 5; ++back) {
        Report report = must(metrics_->week(context_, product, week.plus(-back)));
        auto expected = history.nine(product, History::index(week.plus(-back).begin_ms()), 0.5, 1.5);
        ASSERT_EQ(report.nine.size(), 9u);
        for (size_t i = 0; i < 9; ++i) {
          ASSERT_EQ(report.nine[i].value.has_value(), expected[i].has_value()) << product << " " << report.week.text() << " " << kNine[i];
          if (!expected[i]) continue;
          EXPECT_DOUBLE_EQ(*report.nine[i].value, *expected[i]) << product << " " << report.week.text() << " " << kNine[i];
          ++compared;
        }
      }
  }
  EXPECT_GT(compared, 150);
}

TEST_F(MetricsTest, TargetsAreComparedAsTheTableSays) {
  must(outcomes_->put_product(context_, "p", "P"));
  Week week = Week::of(kNow);
  must(outcomes_->open(context_, {.id = "c", .product = "p", .user = "ann"}));
  for (double ms : {5000.0}) must(outcomes_->add_output(context_, {.conversation = "c", .total_ms = ms}));
  for (int i = 0; i < 10; ++i) {
    auto draft = must(outcomes_->add_draft(context_, "c", "", "", "text"));
    must(outcomes_->send_draft(context_, draft.id, i < 3 ? "other" : "text", draft.id));
    std::string id = "d" + std::to_string(i);
    must(outcomes_->open(context_, {.id = id, .product = "p", .user = "ann"}));
    must(outcomes_->end(context_, id, i < 3 ? End::kResolved : i < 7 ? End::kDeflected : End::kEscalated));
  }
  must(outcomes_->put_fact(context_, {.product = "p", .week = week, .name = "human_cost", .value = 14}));
  must(outcomes_->put_fact(context_, {.product = "p", .week = week.plus(-1), .name = "baseline_cost_per_resolution", .value = 4}));
  Report report = must(metrics_->week(context_, "p", week));
  std::map<std::string, std::string> is;
  for (auto& target : report.targets) is[std::string(target.metric)] = health_name(target.health);
  EXPECT_EQ(is["latency_p95"], "WARN");           // 5.0 is not below 5.0
  EXPECT_EQ(is["edit_rate"], "WARN");             // 0.30 is not below 0.30
  EXPECT_EQ(is["resolution_rate"], "WARN");       // 0.70 is not above 0.70
  EXPECT_EQ(is["deflection_rate"], "PASS");       // 0.40 is at least 0.40
  EXPECT_EQ(is["cost_per_resolution"], "PASS");   // 2.00 is half of 4.00
  EXPECT_EQ(is["accuracy"], "NO DATA");
  EXPECT_EQ(report.nine[5].sources[1].rows, 3);
  EXPECT_EQ(report.nine[5].sources[1].kind, "edited");
}

TEST_F(MetricsTest, ApiCallsMakeTheDevelopersNumbersByThemselves) {
  must(outcomes_->put_product(context_, "p", "P"));
  Week week = Week::of(kNow);
  auto value = [](const std::vector<Number>& numbers, std::string_view key) -> std::optional<double> {
    for (auto& number : numbers)
      if (number.key == key) return number.value;
    ADD_FAILURE() << key;
    return {};
  };
  Report before = must(metrics_->week(context_, "p", week));
  EXPECT_FALSE(value(before.developer, "api_spend"));
  EXPECT_FALSE(value(before.technical, "late_rate"));
  must(outcomes_->add_developer_event(context_, {.product = "p", .developer = "ann", .kind = "signup", .at_ms = kNow - 12 * kDay}));
  must(outcomes_->add_developer_event(context_, {.product = "p", .developer = "bob", .kind = "signup", .at_ms = kNow - 12 * kDay}));
  outcome::Call call{.product = "p",
                     .route = "/v1/responses",
                     .developer = "ann",
                     .production = true,
                     .generates = true,
                     .total_ms = 1'000,
                     .objective_ms = 2'000,
                     .prompt_tokens = 1'000'000,
                     .completion_tokens = 500'000,
                     .at_ms = kNow - 9 * kDay};
  must(outcomes_->record_calls(context_, {call}));
  call.at_ms = kNow;
  outcome::Call late = call, failed = call;
  late.total_ms = 3'000;
  failed.status = "timeout", failed.http_status = 408, failed.prompt_tokens = failed.completion_tokens = 0;
  must(outcomes_->record_calls(context_, {call, late, failed}));
  Settings prices;
  prices.prompt_price = 2, prices.completion_price = 4;
  ASSERT_TRUE(metrics_->set_settings(context_, "p", prices));
  Report report = must(metrics_->week(context_, "p", week));
  EXPECT_EQ(value(report.developer, "activation"), 0.5);             // ann within 7 days, bob not at all
  EXPECT_EQ(value(report.developer, "active_developers"), 1);
  EXPECT_EQ(value(report.developer, "production_integrations"), 1);
  EXPECT_EQ(value(report.developer, "api_calls"), 3);
  EXPECT_EQ(value(report.developer, "api_spend"), 8);                // two calls of this week, 2 + 2 dollars each
  EXPECT_EQ(value(report.technical, "error_rate_timeout"), 1.0 / 3);
  EXPECT_EQ(value(report.technical, "late_rate"), 0.5);              // of those that were answered
  must(outcomes_->put_fact(context_, {.product = "p", .week = week, .name = "api_spend", .value = 11}));
  EXPECT_EQ(value(must(metrics_->week(context_, "p", week)).developer, "api_spend"), 11) << "a bill goes before our reckoning";
}

TEST_F(MetricsTest, SettingsAreKeptAndWrongOnesNamed) {
  must(outcomes_->put_product(context_, "p", "P"));
  EXPECT_EQ(must(metrics_->settings(context_, "p")).accuracy, 0.85);
  Settings settings;
  settings.accuracy = 0.92;
  ASSERT_TRUE(metrics_->set_settings(context_, "p", settings));
  EXPECT_EQ(must(metrics_->settings(context_, "p")).accuracy, 0.92);
  EXPECT_FALSE(must(metrics_->settings(context_, "p")).prompt_price);
  settings.csat = 6;
  EXPECT_EQ(metrics_->set_settings(context_, "p", settings).error().param, "csat");
  EXPECT_EQ(metrics_->settings(context_, "q").error().code, Code::kNotFound);
  EXPECT_THAT(settings_from(*Json::parse(R"({"acuracy": 0.9})")).error().message, HasSubstr("did you mean 'accuracy'?"));
}

}  // namespace
}  // namespace strata::product_metrics
