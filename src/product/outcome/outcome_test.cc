#include "product/outcome/outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/random.h"
#include "base/text.h"
#include "product/outcome/rows.h"

namespace strata::outcome {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kNow = 1'795'338'000'000;  // 2026-11-22T09:00:00Z, the Sunday of 2026-W47
constexpr int64_t kHour = 3'600'000, kDay = 24 * kHour;

class OutcomeTest : public testing::Test {
 protected:
  OutcomeTest() : folder_(std::filesystem::temp_directory_path() / make_id("outcome-test")), clock_(kNow) {
    open_store();
    EXPECT_TRUE(outcomes_->put_product(context_, "support-copilot", "Support Copilot"));
  }
  ~OutcomeTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void open_store() {
    store_.reset();
    store_ = std::move(*store::Store::open(folder_, migrations()));
    outcomes_ = std::make_unique<Outcomes>(*store_, clock_);
  }
  Conversation open(const std::string& id, bool simulated = false, int64_t at_ms = 0) {
    auto opened = outcomes_->open(context_, {.id = id, .product = "support-copilot", .user = "ann", .simulated = simulated}, at_ms);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened.value_or(Conversation{});
  }
  Output output(const std::string& id, const std::string& conversation) {
    auto added = outcomes_->add_output(context_, {.id = id, .conversation = conversation, .total_ms = 1200});
    EXPECT_TRUE(added) << added.error().message;
    return added.value_or(Output{});
  }
  template <class T>
  static T must(Result<T> result) {
    EXPECT_TRUE(result) << message(result);
    return result ? std::move(*result) : T{};
  }
  template <class T>
  static std::string param(const Result<T>& result) {
    return result ? "accepted" : result.error().param;
  }
  template <class T>
  static std::string message(const Result<T>& result) {
    return result ? "accepted" : result.error().message;
  }
  template <class T>
  static Code code(const Result<T>& result) {
    return result ? Code::kInternal : result.error().code;
  }

  std::string folder_;
  ManualClock clock_;
  Context context_ = Context::background();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Outcomes> outcomes_;
};

TEST(Week, AWeekBelongsToTheYearOfItsThursday) {
  auto week_at = [](const char* date) { return Week::of(*time_from(date, "date")).text(); };
  EXPECT_EQ(week_at("2026-11-22"), "2026-W47");
  EXPECT_EQ(week_at("2026-11-23"), "2026-W48");
  EXPECT_EQ(week_at("2021-01-03"), "2020-W53");   // examples of ISO 8601 and its common tables
  EXPECT_EQ(week_at("2021-01-04"), "2021-W01");
  EXPECT_EQ(week_at("2024-12-30"), "2025-W01");
  EXPECT_EQ(week_at("2005-01-01"), "2004-W53");
  EXPECT_EQ(week_at("1970-01-01"), "1970-W01");
  EXPECT_EQ(week_at("2000-02-29T23:59:59.999Z"), "2000-W09");
}

TEST(Week, EveryWeekIsReadAsItIsWrittenAndFollowsTheOneBefore) {
  Week week{1970, 1};
  for (int i = 0; i < 52 * 200; ++i, week = week.plus(1)) {
    auto read = Week::parse(week.text());
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(*read, week);
    ASSERT_EQ(Week::of(week.begin_ms()), week);
    ASSERT_EQ(Week::of(week.end_ms() - 1), week);
    ASSERT_EQ(week.plus(1).begin_ms(), week.end_ms());
    ASSERT_LT(week, week.plus(1));
  }
  for (const char* wrong : {"2026-W54", "2026-W00", "2025-W53", "2026-47", "2026W47", "26-W47", "2026-W4x", ""}) EXPECT_FALSE(Week::parse(wrong)) << wrong;
}

TEST(Dates, OnlyDatesThatExistAreRead) {
  EXPECT_EQ(*time_from("2026-11-22T09:00:00Z", "date"), kNow);
  EXPECT_EQ(*time_from("2024-02-29", "date") + kDay, *time_from("2024-03-01", "date"));
  for (const char* wrong : {"2026-02-29", "2026-13-01", "2026-1-1", "2026-11-22T25:00Z", "2026-11-22T09:00", "2026-11-22 09:00", "22.11.2026", ""})
    EXPECT_FALSE(time_from(wrong, "date")) << wrong;
}

// The textbook's whole matrix.
int64_t plain_distance(const std::u32string& a, const std::u32string& b) {
  std::vector<std::vector<int64_t>> d(a.size() + 1, std::vector<int64_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i)
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) d[i][j] = static_cast<int64_t>(i + j);
      else d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
    }
  return d[a.size()][b.size()];
}

TEST(EditDistance, AgreesWithTheWholeMatrixOnRandomTexts) {
  Random random(7);
  auto text = [&](size_t length) {
    std::u32string out;
    for (size_t i = 0; i < length; ++i) out += static_cast<char32_t>(U"abä€😀"[random.below(5)]);
    return out;
  };
  auto utf8 = [](const std::u32string& text) {
    std::string out;
    for (char32_t c : text) utf8_append(out, c);
    return out;
  };
  for (int round = 0; round < 300; ++round) {
    std::u32string a = text(random.below(120)), b = round % 2 ? text(random.below(120)) : a;
    for (size_t k = random.below(6); k > 0 && !b.empty(); --k) b[random.below(b.size())] = U'x';
    EXPECT_EQ(edit_distance(utf8(a), utf8(b)), plain_distance(a, b));
  }
  EXPECT_EQ(edit_distance(std::string(5'000, 'a'), std::string(5'000, 'b')), kEditDistanceMax);
  EXPECT_EQ(edit_distance(std::string(30'000, 'a'), std::string(30'000 - 70, 'a')), 70);
}

TEST_F(OutcomeTest, ConversationsEndAndStandAfterARestart) {
  open("conv_1");
  clock_.advance_ms(kHour);
  ASSERT_TRUE(outcomes_->end(context_, "conv_1", End::kResolved));
  clock_.advance_ms(kHour);
  ASSERT_TRUE(outcomes_->end(context_, "conv_1", End::kAbandoned));   // a correction keeps the time of ending
  open_store();
  auto conversation = outcomes_->conversation(context_, "conv_1");
  ASSERT_TRUE(conversation);
  EXPECT_EQ(conversation->end, End::kAbandoned);
  EXPECT_EQ(conversation->opened_ms, kNow);
  EXPECT_EQ(conversation->ended_ms, kNow + kHour);
  EXPECT_EQ(*outcomes_->product_of(context_, "conv_1"), "support-copilot");
  EXPECT_EQ(*outcomes_->product_of(context_, "conv_2"), std::nullopt);
  ASSERT_TRUE(outcomes_->end(context_, "conv_1", End::kOpen));
  EXPECT_EQ(outcomes_->conversation(context_, "conv_1")->ended_ms, 0);
}

TEST_F(OutcomeTest, AConversationBelongsToOneProduct) {
  open("conv_1");
  ASSERT_TRUE(outcomes_->put_product(context_, "sales", "Sales"));
  EXPECT_EQ(code(outcomes_->open(context_, {.id = "conv_1", .product = "sales"})), Code::kFailedPrecondition);
  EXPECT_EQ(outcomes_->open(context_, {.id = "conv_1", .product = "support-copilot", .end_user = "bob"})->end_user, "bob");
  EXPECT_THAT(message(outcomes_->open(context_, {.id = "conv_2", .product = "support-copilt"})), HasSubstr("did you mean 'support-copilot'"));
  EXPECT_EQ(param(outcomes_->put_product(context_, "Support Copilot", "x")), "product");
}

TEST_F(OutcomeTest, SendingTwiceUnderOneKeySendsOnce) {
  open("conv_1");
  auto draft = outcomes_->add_draft(context_, "conv_1", "ans_1", "", "You have 30 days.");
  ASSERT_TRUE(draft) << draft.error().message;
  EXPECT_EQ(draft->user, "ann");
  ASSERT_TRUE(outcomes_->save_draft(context_, draft->id, "You have"));
  auto sent = outcomes_->send_draft(context_, draft->id, "You have 31 days.", "k1");
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_TRUE(sent->edited);
  EXPECT_EQ(sent->edit_distance, 1);
  auto again = outcomes_->send_draft(context_, draft->id, "Something else", "k1");
  EXPECT_EQ(again->text, "You have 31 days.");
  EXPECT_EQ(code(outcomes_->send_draft(context_, draft->id, "x", "k2")), Code::kFailedPrecondition);
  EXPECT_EQ(code(outcomes_->save_draft(context_, draft->id, "x")), Code::kFailedPrecondition);
  EXPECT_EQ(code(outcomes_->discard_draft(context_, draft->id, "")), Code::kFailedPrecondition);
  auto other = outcomes_->add_draft(context_, "conv_1", "ans_2", "ben", "As it is.");
  EXPECT_EQ(param(outcomes_->send_draft(context_, other->id, "As it is.", "k1")), "idempotency_key");
  EXPECT_FALSE(outcomes_->send_draft(context_, other->id, "As it is.", "k2")->edited);
  auto third = outcomes_->add_draft(context_, "conv_1", "ans_3", "ben", "No.");
  ASSERT_TRUE(outcomes_->discard_draft(context_, third->id, "wrong"));
  auto ids = [&](const std::string& kind) {
    std::vector<std::string> found;
    for (auto& d : must(outcomes_->drafts(context_, Filter::of("support-copilot", Week::of(kNow), kind), 10, ""))) found.push_back(d.answer_id);
    return found;
  };
  EXPECT_THAT(ids("sent"), ElementsAre("ans_2", "ans_1"));
  EXPECT_THAT(ids("edited"), ElementsAre("ans_1"));
  EXPECT_THAT(ids("unmodified"), ElementsAre("ans_2"));
  EXPECT_THAT(ids("decided"), ElementsAre("ans_3", "ans_2", "ans_1"));
  EXPECT_THAT(ids("open"), ElementsAre());
  EXPECT_EQ(param(outcomes_->drafts(context_, {.kind = "send"}, 10, "")), "kind");
}

TEST_F(OutcomeTest, APersonTakesOverOnceAndTheConversationEndsEscalated) {
  open("conv_1");
  auto item = outcomes_->hand_over(context_, "conv_1", "ans_1", "low_confidence", "Where is my refund?");
  ASSERT_TRUE(item) << item.error().message;
  EXPECT_EQ(outcomes_->hand_over(context_, "conv_1", "ans_2", "asked_for_a_person", "")->id, item->id);
  EXPECT_EQ(code(outcomes_->end(context_, "conv_1", End::kResolved)), Code::kFailedPrecondition);
  EXPECT_EQ(code(outcomes_->finish(context_, item->id, "eve", "Hello")), Code::kFailedPrecondition);
  ASSERT_TRUE(outcomes_->claim(context_, item->id, "eve"));
  ASSERT_TRUE(outcomes_->claim(context_, item->id, "eve"));
  EXPECT_THAT(message(outcomes_->claim(context_, item->id, "mallory")), HasSubstr("claimed by eve"));
  EXPECT_EQ(outcomes_->release(context_, item->id, "eve")->state, "waiting");
  ASSERT_TRUE(outcomes_->claim(context_, item->id, "ben"));
  clock_.advance_ms(kHour);
  auto done = outcomes_->finish(context_, item->id, "ben", "It left yesterday.");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->done_ms, kNow + kHour);
  EXPECT_TRUE(outcomes_->finish(context_, item->id, "ben", "It left yesterday."));
  EXPECT_EQ(outcomes_->conversation(context_, "conv_1")->end, End::kEscalated);
  EXPECT_EQ(outcomes_->handovers(context_, {.kind = "done"}, 10, "")->size(), 1u);
  EXPECT_EQ(outcomes_->handovers(context_, {.kind = "waiting"}, 10, "")->size(), 0u);
}

TEST_F(OutcomeTest, TheLastJudgementOfAnEvaluatorCountsInTheWeekOfTheOutput) {
  open("conv_1");
  output("ans_1", "conv_1");
  clock_.advance_ms(8 * kDay);
  ASSERT_TRUE(outcomes_->judge(context_, {.answer_id = "ans_1", .who = "eva", .correct = true}));
  ASSERT_TRUE(outcomes_->judge(context_, {.answer_id = "ans_1", .who = "eva", .correct = false, .fabricated = true}));
  auto week = outcomes_->judgements(context_, Filter::of("support-copilot", Week::of(kNow)), 10, "");
  ASSERT_EQ(week->size(), 1u);
  EXPECT_TRUE(week->at(0).fabricated);
  EXPECT_EQ(outcomes_->judgements(context_, Filter::of("support-copilot", Week::of(kNow).plus(1)), 10, "")->size(), 0u);
  EXPECT_EQ(param(outcomes_->judge(context_, {.answer_id = "ans_2", .who = "eva"})), "answer_id");
  EXPECT_EQ(param(outcomes_->judge(context_, {.answer_id = "ans_1"})), "who");
}

TEST_F(OutcomeTest, NobodyBackdatesRealWork) {
  open("conv_1");
  EXPECT_EQ(param(outcomes_->end(context_, "conv_1", End::kResolved, kNow - kDay)), "at");
  EXPECT_EQ(param(outcomes_->add_output(context_, {.conversation = "conv_1", .at_ms = kNow - kDay})), "at");
  EXPECT_EQ(param(outcomes_->add_satisfaction(context_, {.conversation = "conv_1", .score = 5, .source = "survey", .at_ms = kNow - kDay})), "at");
  open("conv_2", true, kNow - kDay);
  EXPECT_TRUE(outcomes_->end(context_, "conv_2", End::kResolved, kNow - kHour));
  EXPECT_EQ(param(outcomes_->end(context_, "conv_2", End::kResolved, kNow - 2 * kDay)), "at");   // before it was opened
  EXPECT_EQ(param(outcomes_->end(context_, "conv_2", End::kResolved, kNow + kDay)), "at");
}

TEST_F(OutcomeTest, StandingFactsHoldUntilTheNext) {
  Week week = Week::of(kNow);
  auto put = [&](Week at, const char* name, double value) {
    auto fact = outcomes_->put_fact(context_, {.product = "support-copilot", .week = at, .name = name, .value = value});
    EXPECT_TRUE(fact) << message(fact);
  };
  put(week.plus(-3), "eligible_users", 50);
  put(week.plus(-1), "eligible_users", 60);
  put(week.plus(-1), "human_cost", 900);
  auto values = [&](Week at) {
    std::vector<std::string> found;
    for (auto& fact : must(outcomes_->facts_of(context_, "support-copilot", at)))
      found.push_back(fact.name + "=" + std::to_string(static_cast<int>(fact.value)));
    return found;
  };
  EXPECT_THAT(values(week), ElementsAre("eligible_users=60"));
  EXPECT_THAT(values(week.plus(-1)), ElementsAre("eligible_users=60", "human_cost=900"));
  EXPECT_THAT(values(week.plus(-2)), ElementsAre("eligible_users=50"));
  EXPECT_THAT(values(week.plus(-4)), ElementsAre());
  EXPECT_THAT(message(outcomes_->put_fact(context_, {.product = "support-copilot", .week = week, .name = "eligible_user", .value = 1})),
              HasSubstr("did you mean 'eligible_users'?"));
  EXPECT_EQ(param(outcomes_->put_fact(context_, {.product = "support-copilot", .week = week, .name = "csat", .value = 6})), "value");
  EXPECT_EQ(param(outcomes_->put_fact(context_, {.product = "support-copilot", .week = week.plus(1), .name = "csat", .value = 4})), "week");
}

TEST_F(OutcomeTest, AnImportIsTakenWholeOrNotAtAllAndItsErrorsNameLineAndField) {
  EXPECT_EQ(
      *outcomes_->import_facts(context_, "support-copilot", "\xEF\xBB\xBFweek,name,value\r\n2026-W46,csat,4.25\r\n\r\n2026-W46,\"eligible_users\",40\r\n"), 2);
  auto text = [&](const std::string& csv) { return message(outcomes_->import_facts(context_, "support-copilot", csv)); };
  EXPECT_THAT(text("week,name,value\n2026-W45,csat,4\n2026-W46,csat,7\n"), HasSubstr("line 3, value: csat is from 1 to 5"));
  EXPECT_THAT(text("week,name,value\n2026-W45,csat,four\n"), HasSubstr("line 2, value: expected a number such as 4200 or 0.5, got 'four'"));
  EXPECT_THAT(text("week,name,value\n2026-W45,cast,4\n"), HasSubstr("did you mean 'csat'?"));
  EXPECT_THAT(text("week,name,vlaue\n2026-W45,csat,4\n"),
              HasSubstr("line 1: column: expected one of week, name, value, product; got 'vlaue'; did you mean 'value'?"));
  EXPECT_THAT(text("week,name\n2026-W45,csat\n"), HasSubstr("line 1: the column 'value' is missing"));
  EXPECT_THAT(text("week,name,value\n2026-W45,csat\n"), HasSubstr("line 2: expected 3 columns as in the header, got 2"));
  EXPECT_THAT(text("week,name,value\n2026-W45,\"csat,4\n"), HasSubstr("line 2: a quote is opened and never closed"));
  EXPECT_THAT(text("week,name,value,product\n2026-W45,csat,4,support-copilot\n2026-W45,csat,4,sales\n"), HasSubstr("line 3, no product has the id 'sales'"));
  EXPECT_THAT(text(""), HasSubstr("it is empty"));
  EXPECT_THAT(text(std::string(kImportBytesMax + 1, 'x')), HasSubstr("split it"));
  EXPECT_EQ(outcomes_->facts(context_, {}, 10, "")->size(), 2u);   // nothing of what failed
  EXPECT_EQ(*outcomes_->import_satisfaction(context_, "support-copilot", "date,score\n2026-11-20,5\n2026-11-21T10:00Z,2\n"), 2);
  EXPECT_THAT(message(outcomes_->import_satisfaction(context_, "support-copilot", "date,score\n2026-11-20,4.5\n")),
              HasSubstr("line 2, score: expected a whole"));
  EXPECT_THAT(message(outcomes_->import_satisfaction(context_, "support-copilot", "date,score\n2036-11-20,4\n")), HasSubstr("line 2, at: expected a time"));
  EXPECT_EQ(*outcomes_->import_developer_events(context_, "support-copilot", "developer,kind,date\ndana,signup,2026-11-01\n"), 1);
  EXPECT_THAT(message(outcomes_->import_developer_events(context_, "support-copilot", "developer,kind,date\ndana,sign-up,2026-11-01\n")),
              HasSubstr("did you mean 'signup'?"));
}

TEST_F(OutcomeTest, TheFirstCallOfADeveloperIsSeenAndStays) {
  ASSERT_TRUE(outcomes_->count_calls(context_, "support-copilot", "dana", 2));
  clock_.advance_ms(kDay);
  ASSERT_TRUE(outcomes_->count_calls(context_, "support-copilot", "dana", 3));
  auto events = outcomes_->developer_events(context_, {.kind = "first_call"}, 10, "");
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ(events->at(0).at_ms, kNow);
  auto days = outcomes_->developer_days(context_, {.product = "support-copilot"});
  ASSERT_EQ(days->size(), 2u);
  EXPECT_EQ(days->at(0).calls, 2);
  EXPECT_EQ(days->at(1).calls, 3);
}

TEST_F(OutcomeTest, ACallIsRecordedWithAllThatFollowsFromIt) {
  Call chat{.product = "support-copilot",
            .route = "/v1/chat/completions",
            .developer = "ann",
            .end_user = "carl",
            .generates = true,
            .answer_id = "ans_1",
            .model = "m",
            .total_ms = 4'000,
            .objective_ms = 3'000,
            .prompt_tokens = 30,
            .completion_tokens = 5,
            .at_ms = kNow - kHour};
  Call failed = chat;
  failed.answer_id = "", failed.status = "server_error", failed.http_status = 500, failed.end_user = "", failed.production = true;
  Call search{.product = "support-copilot", .route = "/v1/vector_stores/{}/search", .developer = "bob", .total_ms = 5};
  EXPECT_EQ(must(outcomes_->record_calls(context_, {chat, failed, search, {.product = "gone", .route = "/x", .developer = "ann"}})), 3);
  auto calls = must(outcomes_->calls(context_, {.product = "support-copilot"}, 10, ""));
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[2].end_user, "carl");
  EXPECT_TRUE(calls[2].late());
  EXPECT_EQ(calls[2].at_ms, kNow - kHour);
  EXPECT_EQ(calls[0].at_ms, kNow);
  EXPECT_EQ(must(outcomes_->calls(context_, {.kind = "failed"}, 10, "")).size(), 1u);
  EXPECT_EQ(must(outcomes_->calls(context_, {.kind = "late"}, 10, "")).size(), 2u);
  EXPECT_THAT(message(outcomes_->calls(context_, {.kind = "latte"}, 10, "")), HasSubstr("did you mean 'late'?"));
  auto outputs = must(outcomes_->outputs(context_, {.product = "support-copilot"}, 10, ""));   // what generates, also where it failed
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[1].id, "ans_1");
  EXPECT_EQ(outputs[1].user, "carl");
  EXPECT_EQ(outputs[0].status, "server_error");
  EXPECT_EQ(outputs[0].user, "ann");
  std::string steps;
  for (auto& event : must(outcomes_->developer_events(context_, {.product = "support-copilot"}, 10, ""))) steps += event.developer + ":" + event.kind + " ";
  EXPECT_EQ(steps, "bob:first_call ann:production ann:first_call ");
  EXPECT_EQ(must(outcomes_->developer_days(context_, {.product = "support-copilot"})).size(), 2u);
  EXPECT_EQ(param(outcomes_->record_calls(context_, {chat, {.product = "support-copilot", .developer = ""}})), "developer");
  EXPECT_EQ(must(outcomes_->calls(context_, {}, 10, "")).size(), 3u) << "all or nothing";
}

TEST_F(OutcomeTest, WhatIsSimulatedIsToldApartAndGoesAtOnce) {
  open("conv_real");
  output("ans_real", "conv_real");
  open("conv_sim", true, kNow - 8 * kDay);
  ASSERT_TRUE(outcomes_->add_output(context_, {.id = "ans_sim", .conversation = "conv_sim", .at_ms = kNow - 8 * kDay}));
  ASSERT_TRUE(outcomes_->judge(context_, {.answer_id = "ans_sim", .who = "eva", .correct = true, .at_ms = kNow - 7 * kDay}));
  auto draft = outcomes_->add_draft(context_, "conv_sim", "ans_sim", "", "Hello", kNow - 8 * kDay);
  ASSERT_TRUE(outcomes_->send_draft(context_, draft->id, "Hello", "k", kNow - 8 * kDay + kHour));
  ASSERT_TRUE(outcomes_->add_satisfaction(context_, {.conversation = "conv_sim", .score = 4, .source = "survey", .at_ms = kNow - 7 * kDay}));
  for (bool simulated : {true, false})
    ASSERT_TRUE(outcomes_->put_fact(
        context_, {.product = "support-copilot", .week = Week::of(kNow), .name = "eligible_users", .value = simulated ? 10.0 : 20.0, .simulated = simulated}));
  ASSERT_TRUE(outcomes_->count_calls(context_, "support-copilot", "sim", 1, kNow - kDay, true));
  ASSERT_TRUE(outcomes_->put_product(context_, "toy", "Toy", true));
  EXPECT_EQ(outcomes_->conversations(context_, {.simulated = true}, 10, "")->size(), 1u);
  EXPECT_EQ(outcomes_->facts_of(context_, "support-copilot", Week::of(kNow))->at(0).value, 20);   // what is real wins
  auto removed = outcomes_->remove_simulated(context_);
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_THAT(removed->conversations, ElementsAre("conv_sim"));
  EXPECT_THAT(removed->answers, ElementsAre("ans_sim"));
  EXPECT_EQ(removed->rows, 9);   // with the first call, the day of calls and the product
  EXPECT_EQ(outcomes_->products(context_, 10, "")->size(), 1u);
  EXPECT_EQ(outcomes_->outputs(context_, {}, 10, "")->size(), 1u);
  EXPECT_EQ(outcomes_->facts(context_, {}, 10, "")->size(), 1u);
}

TEST_F(OutcomeTest, ListsArePagedLastRecordedFirst) {
  for (int i = 0; i < 5; ++i) open("conv_" + std::to_string(i));
  auto ids = [&](int limit, const std::string& after) {
    std::vector<std::string> found;
    for (auto& c : must(outcomes_->conversations(context_, {.product = "support-copilot"}, limit, after))) found.push_back(c.id);
    return found;
  };
  EXPECT_THAT(ids(2, ""), ElementsAre("conv_4", "conv_3"));
  EXPECT_THAT(ids(10, "conv_3"), ElementsAre("conv_2", "conv_1", "conv_0"));
  EXPECT_EQ(param(outcomes_->conversations(context_, {}, 10, "conv_x")), "after");
  EXPECT_EQ(param(outcomes_->conversations(context_, {}, 0, "")), "limit");
}

}  // namespace
}  // namespace strata::outcome
