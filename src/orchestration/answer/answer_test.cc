#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <thread>

#include "orchestration/answer/answer.h"
#include "orchestration/answer/compose.h"

namespace strata::answer {
namespace {

// Hashed bags of words: texts that share words are near.
class BagEmbedder : public model::Embedder {
 public:
  const model::ModelInfo& info() const override { return info_; }
  int tokens_max() const override { return 256; }
  Result<int> count_tokens(std::string_view text) const override { return static_cast<int>(text.size() / 4); }
  Status submit(const Context&, model::EmbedRequest request, Done done) override {
    std::vector<model::Embedding> out;
    for (const std::string& text : request.texts) out.push_back(embed_one(text));
    done(std::move(out));
    return {};
  }

 private:
  static model::Embedding embed_one(const std::string& text) {
    model::Embedding out;
    out.vector.assign(256, 0);
    std::string word;
    for (char c : text + " ") {
      if (std::isalnum(static_cast<unsigned char>(c))) {
        word += static_cast<char>(std::tolower(c));
      } else if (word.size() > 3) {
        out.vector[std::hash<std::string>()(word) % 256] += 1;
        word.clear();
      } else {
        word.clear();
      }
    }
    float sum = 0;
    for (float x : out.vector) sum += x * x;
    for (float& x : out.vector) x /= std::sqrt(std::max(sum, 1e-9f));
    return out;
  }
  model::ModelInfo info_{.id = "bag"};
};

// Says what it was told to, a few bytes at a time, from a thread of its own.
class ScriptedModel : public model::LanguageModel {
 public:
  explicit ScriptedModel(std::string script) : script_(std::move(script)) {}
  ~ScriptedModel() override {
    for (std::thread& thread : threads_) thread.join();
  }
  std::string prompt_seen;
  bool fails = false, hangs = false;
  int context_tokens = 2048;
  std::shared_ptr<CancelFlag> cancelled = std::make_shared<CancelFlag>();

  const model::ModelInfo& info() const override {
    info_.context_tokens = context_tokens;
    return info_;
  }
  Result<std::shared_ptr<model::Handle>> submit(const Context&, model::GenerateRequest request, std::shared_ptr<model::Sink> sink) override {
    for (const model::Message& message : std::get<std::vector<model::Message>>(request.prompt)) prompt_seen += message.content + "\n";
    if (fails) return unavailable("the model is away");
    threads_.emplace_back([this, sink, flag = cancelled] {
      for (size_t at = 0; at < script_.size() && !flag->raised(); at += 5) sink->on_token({.text = script_.substr(at, 5)});
      while (hangs && !flag->raised()) std::this_thread::yield();
      sink->on_finish({.reason = flag->raised() ? model::FinishReason::kCancelled : model::FinishReason::kStop, .usage = {.completion_tokens = 9}});
    });
    return std::make_shared<Stop>(cancelled);
  }
  Result<int> count_tokens(const model::Prompt& prompt) const override {
    if (const auto* text = std::get_if<std::string>(&prompt)) return static_cast<int>(text->size() / 4);
    return 20;
  }
  Result<std::vector<int32_t>> tokenize(std::string_view, bool) const override { return unimplemented("scripted"); }
  Result<std::string> detokenize(const std::vector<int32_t>&) const override { return unimplemented("scripted"); }

 private:
  struct Stop : model::Handle {
    explicit Stop(std::shared_ptr<CancelFlag> flag) : flag_(std::move(flag)) {}
    void cancel() override { flag_->raise(); }
    std::shared_ptr<CancelFlag> flag_;
  };
  std::string script_;
  mutable model::ModelInfo info_{.id = "scripted"};
  std::vector<std::thread> threads_;
};

retrieve::Hit hit(int64_t id, const std::string& document, const std::string& title, uint32_t begin, const std::string& text) {
  retrieve::Hit out;
  out.chunk.id = id;
  out.chunk.document_id = document;
  out.chunk.file_id = "file_" + document;
  out.chunk.text = text;
  out.chunk.chunk.at = {begin, begin + static_cast<uint32_t>(text.size())};
  out.chunk.chunk.page = 3;
  out.title = out.heading = title;
  out.filename = title + ".md";
  out.version = "v1";
  return out;
}

class Recorder : public Sink {
 public:
  std::string text;
  std::vector<Citation> citations;
  int pieces = 0, done = 0;
  Result<Answer> result = internal_error("not done");
  std::function<void()> at_text;
  void on_text(const std::string& piece, const std::vector<Citation>& fresh) override {
    ++pieces;
    text += piece;
    citations.insert(citations.end(), fresh.begin(), fresh.end());
    if (at_text) at_text();
  }
  void on_done(Result<Answer> answer) override {
    ++done;
    result = std::move(answer);
  }
};

struct World {
  std::vector<retrieve::Hit> hits = {
      hit(1, "leave", "Parental leave", 40, "Parental leave lasts 12 weeks for every employee. Parental leave is requested 30 days before it begins."),
      hit(2, "travel", "Travel", 0, "Travel is booked by the travel desk in Austin. Hotels cost at most 150 dollars a night.")};
  std::vector<std::string> queries;
  bool superseded = false;
  BagEmbedder embedder;

  std::shared_ptr<Recorder> ask(Request request, model::LanguageModel* model = nullptr, const Context& context = Context::background(),
                                std::shared_ptr<Recorder> recorder = std::make_shared<Recorder>()) {
    Answerer answerer({.search = [this](const Context&, const auto& asked, const auto&, const auto&) -> Result<retrieve::Found> {
                         queries = asked;
                         return retrieve::Found{.hits = hits, .stages = {{.name = "keyword", .candidates = 2}}, .queries = asked};
                       },
                       .superseded = [this](const Context&, const retrieve::Hit&) -> Result<bool> { return superseded; }},
                      embedder, model);
    answerer.answer(context, std::move(request), recorder);
    EXPECT_EQ(recorder->done, 1);
    return recorder;
  }
  std::shared_ptr<Recorder> ask(const std::string& question, model::LanguageModel* model = nullptr) {
    return ask(Request{.conversation = {{.role = "user", .content = question}}}, model);
  }
};

constexpr const char* kQuestion = "How many weeks does parental leave last for an employee?";

TEST(Answer, QuotesAreVerbatimCitedAndReleasedWithTheirCitations) {
  World world;
  const auto out = world.ask(kQuestion);
  ASSERT_TRUE(out->result) << out->result.error().message;
  const Answer& answer = *out->result;
  EXPECT_EQ(answer.outcome, Outcome::kAnswered);
  EXPECT_EQ(out->text, answer.text);
  ASSERT_FALSE(answer.citations.empty());
  EXPECT_EQ(out->citations.size(), answer.citations.size());
  const Citation& first = answer.citations[0];
  EXPECT_EQ(first.number, 1);
  EXPECT_EQ(first.begin, 40u);
  EXPECT_EQ(first.quote.substr(0, 49), "Parental leave lasts 12 weeks for every employee.");
  EXPECT_EQ(world.hits[0].chunk.text.substr(first.begin - 40, first.end - first.begin), first.quote);
  EXPECT_EQ(answer.text.substr(first.answer_begin, first.answer_end - first.answer_begin), first.quote);
  EXPECT_EQ(answer.text.substr(first.answer_end, 7), "” [1]");
  EXPECT_EQ(first.page, 3);
  EXPECT_EQ(first.version, "v1");
  EXPECT_GT(answer.confidence, 0);
  EXPECT_EQ(answer.found.stages.size(), 1u);
}

TEST(Answer, AQuotedTableRowStandsBelowTheNamesOfItsColumns) {
  World world;
  const std::string text = "Leave grows with the years of service.\n\n| Years of service | Days of leave |\n| 1 | 20 |\n| 5 | 25 |\n| 10 | 28 |";
  world.hits = {hit(1, "leave", "Leave", 40, text), hit(2, "travel", "Travel", 0, "Hotels cost at most 150 dollars a night.")};
  const auto out = world.ask(Request{.conversation = {{.role = "user", .content = "How many days of leave after 5 years of service?"}}, .threshold = 0});
  ASSERT_TRUE(out->result) << out->result.error().message;
  const Answer& answer = *out->result;
  const auto row =
      std::find_if(answer.citations.begin(), answer.citations.end(), [](const Citation& c) { return c.quote.find("| 5 | 25 |") != std::string::npos; });
  ASSERT_NE(row, answer.citations.end()) << answer.text;
  EXPECT_NE(answer.text.find("“Years of service | Days of leave\n" + readable(row->quote) + "” [" + std::to_string(row->number) + "]"), std::string::npos);
  for (const Citation& citation : answer.citations) {
    EXPECT_EQ(text.substr(citation.begin - 40, citation.end - citation.begin), citation.quote);
    EXPECT_EQ(answer.text.substr(citation.answer_begin, citation.answer_end - citation.answer_begin), readable(citation.quote));
  }
  const auto header = std::find_if(answer.citations.begin(), answer.citations.end(), [](const Citation& c) { return c.quote.starts_with("| Years"); });
  ASSERT_NE(header, answer.citations.end());
  EXPECT_EQ(header->number, row->number);
  EXPECT_LT(row, header) << "a chip opens the row, not the head of its table";
  EXPECT_EQ(answer.verdicts[0].end, row->answer_end);
}

TEST(Answer, OnlyTheTrueOneOfTwoSentencesOfTheModelComesThrough) {
  World world;
  ScriptedModel model("Parental leave lasts 14 weeks for every employee. For every employee, parental leave lasts twelve weeks. ");
  const auto out = world.ask(kQuestion, &model);
  ASSERT_TRUE(out->result);
  const Answer& answer = *out->result;
  EXPECT_EQ(out->text.find("14"), std::string::npos);
  EXPECT_NE(out->text.find("For every employee, parental leave lasts twelve weeks. [1]"), std::string::npos) << out->text;
  int refused = 0, released = 0;
  for (const Verdict& verdict : answer.verdicts) {
    if (verdict.kind != SentenceKind::kGenerated) continue;
    (verdict.supported ? released : refused)++;
    if (!verdict.supported) {
      EXPECT_EQ(verdict.reason, "number 14 is not in the cited text");
    }
  }
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(released, 1);
  EXPECT_EQ(answer.model, "scripted");
  EXPECT_EQ(answer.packed, (std::vector<int64_t>{1, 2}));
  EXPECT_NE(model.prompt_seen.find("Context:\n[1] Parental leave"), std::string::npos);
}

TEST(Answer, QuotesComeBeforeTheModelSaysAWord) {
  World world;
  ScriptedModel model("");
  model.hangs = true;
  auto recorder = std::make_shared<Recorder>();
  const Context context = Context::make(system_clock(), {}, "r", std::make_shared<CancelFlag>());
  recorder->at_text = [&] { context.cancel(); };
  world.ask(Request{.conversation = {{.role = "user", .content = kQuestion}}}, &model, context, recorder);
  EXPECT_EQ(recorder->pieces, 1);
  ASSERT_FALSE(recorder->result);
  EXPECT_EQ(recorder->result.error().code, Code::kCancelled);
  EXPECT_TRUE(model.cancelled->raised()) << "the model's request is cancelled too";
}

TEST(Answer, AModelThatFailsCostsNothingOfTheQuotes) {
  World world;
  ScriptedModel model("");
  model.fails = true;
  const auto out = world.ask(kQuestion, &model);
  ASSERT_TRUE(out->result);
  EXPECT_EQ(out->result->outcome, Outcome::kAnswered);
  EXPECT_FALSE(out->result->citations.empty());
}

TEST(Answer, AQuestionThatTheDocumentsDoNotAnswerGetsTheClosestPassagesAndNoAnswer) {
  World world;
  ScriptedModel model("Sucre is the capital.");
  const auto out = world.ask("Which volcano erupted near Reykjavik?", &model);
  ASSERT_TRUE(out->result);
  EXPECT_EQ(out->result->outcome, Outcome::kNotInDocuments);
  EXPECT_TRUE(out->result->citations.empty());
  EXPECT_FALSE(out->result->closest.empty());
  EXPECT_TRUE(model.prompt_seen.empty()) << "the model is not asked";
  EXPECT_EQ(out->result->verdicts.at(0).kind, SentenceKind::kNotice);
}

TEST(Answer, NothingFoundIsSaidSo) {
  World world;
  world.hits.clear();
  const auto out = world.ask(kQuestion);
  ASSERT_TRUE(out->result);
  EXPECT_EQ(out->result->outcome, Outcome::kNothingFound);
}

TEST(Answer, AGreetingIsToldWhatOneCanAsk) {
  World world;
  const auto out = world.ask("Hello!");
  ASSERT_TRUE(out->result);
  EXPECT_EQ(out->result->outcome, Outcome::kAnswered);
  EXPECT_TRUE(world.queries.empty()) << "nothing is searched for";
  EXPECT_EQ(out->result->verdicts.at(0).kind, SentenceKind::kNotice);
}

TEST(Answer, AFollowUpIsSearchedForWithItsTopic) {
  World world;
  const auto out = world.ask(Request{.conversation = {{.role = "user", .content = "Who may take parental leave?"},
                                                      {.role = "assistant", .content = "Everyone."},
                                                      {.role = "user", .content = "How many weeks does it last?"}}});
  ASSERT_TRUE(out->result);
  EXPECT_EQ(out->result->question, "How many weeks does it last?");
  EXPECT_NE(out->result->standalone_question.find("parental leave"), std::string::npos);
  EXPECT_EQ(world.queries.at(0), out->result->standalone_question);
}

TEST(Answer, AReplacedDocumentMakesTheAnswerStale) {
  World world;
  world.superseded = true;
  const auto out = world.ask(kQuestion);
  ASSERT_TRUE(out->result);
  EXPECT_EQ(out->result->outcome, Outcome::kStale);
  EXPECT_FALSE(out->result->citations.empty());
}

TEST(Answer, ClassicModeStreamsTheModelAndLabelsItAfterwards) {
  World world;
  ScriptedModel model("Parental leave lasts 12 weeks [1]. Parental leave lasts 99 weeks.");
  const auto out = world.ask(Request{.conversation = {{.role = "user", .content = kQuestion}}, .mode = Mode::kClassic}, &model);
  ASSERT_TRUE(out->result);
  const Answer& answer = *out->result;
  EXPECT_EQ(answer.text, "Parental leave lasts 12 weeks [1]. Parental leave lasts 99 weeks.");
  ASSERT_EQ(answer.verdicts.size(), 2u);
  EXPECT_TRUE(answer.verdicts[0].supported);
  EXPECT_FALSE(answer.verdicts[1].supported);
  ASSERT_EQ(answer.citations.size(), 1u);
  EXPECT_EQ(answer.citations[0].quote, "Parental leave lasts 12 weeks for every employee.");
  EXPECT_NE(model.prompt_seen.find("Context:"), std::string::npos);
}

TEST(Answer, ClassicModeSaysWhenTheBestEvidenceDidNotFit) {
  World world;
  world.hits[0].chunk.text = "Parental leave lasts 12 weeks for every employee " + std::string(3000, 'x') + ".";
  ScriptedModel model("Hotels cost at most 150 dollars a night.");
  model.context_tokens = 500;
  const auto out = world.ask(Request{.conversation = {{.role = "user", .content = kQuestion}}, .mode = Mode::kClassic}, &model);
  ASSERT_TRUE(out->result);
  EXPECT_EQ(out->result->outcome, Outcome::kPackedOut);
  EXPECT_EQ(out->result->left_out, std::vector<int64_t>{1});
}

TEST(Answer, ClassicModeWithoutAModelGivesTheQuotes) {
  World world;
  const auto out = world.ask(Request{.conversation = {{.role = "user", .content = kQuestion}}, .mode = Mode::kClassic});
  ASSERT_TRUE(out->result);
  EXPECT_EQ(out->result->outcome, Outcome::kModelFailed);
  EXPECT_FALSE(out->result->citations.empty());
}

TEST(Answer, AListIsShownLineByLineAndCitedByItsBytes) {
  World world;
  world.hits = {hit(1, "laptop", "Laptops", 7, "To replace a broken laptop, follow these steps:\n- Ask   your lead.\n- Open a ticket.")};
  const auto out = world.ask("Which steps do I follow to replace a broken laptop?");
  ASSERT_TRUE(out->result);
  EXPECT_EQ(out->result->text, "“To replace a broken laptop, follow these steps:\nAsk your lead.\nOpen a ticket.” [1]");
  EXPECT_EQ(out->result->citations.at(0).quote, world.hits[0].chunk.text);
}

TEST(Answer, AnObjectiveThatIsSpentEndsAdditionsAndLeavesTheQuotes) {
  World world;
  ScriptedModel model("");
  model.hangs = true;   // without the objective this answer would never end
  const auto out = world.ask(Request{.conversation = {{.role = "user", .content = kQuestion}}, .objective_ms = 30}, &model);
  ASSERT_TRUE(out->result) << out->result.error().message;
  EXPECT_TRUE(out->result->additions_stopped);
  EXPECT_EQ(out->result->objective_ms, 30);
  EXPECT_EQ(out->result->outcome, Outcome::kAnswered);
  EXPECT_FALSE(out->result->citations.empty());
  EXPECT_TRUE(model.cancelled->raised()) << "the model's request is cancelled";
}

TEST(Answer, AnObjectiveSpentByTheQuotesAsksNoModel) {
  World world;
  ManualClock clock;
  ScriptedModel model("For every employee, parental leave lasts twelve weeks. ");
  auto recorder = std::make_shared<Recorder>();
  recorder->at_text = [&] { clock.advance_ms(5'000); };
  const Context context = Context::make(clock, {}, "r", std::make_shared<CancelFlag>());
  const auto out = world.ask(Request{.conversation = {{.role = "user", .content = kQuestion}}, .objective_ms = 3'000}, &model, context, recorder);
  ASSERT_TRUE(out->result);
  EXPECT_TRUE(out->result->additions_stopped);
  EXPECT_TRUE(model.prompt_seen.empty());
  const auto slow = world.ask(Request{.conversation = {{.role = "user", .content = kQuestion}}, .objective_ms = 1e9}, &model);
  EXPECT_FALSE(slow->result->additions_stopped);
  EXPECT_FALSE(model.prompt_seen.empty());
}

TEST(Answer, WhatIsPackedNeverExceedsTheContextBudget) {
  World world;
  for (int64_t i = 3; i < 40; ++i)
    world.hits.push_back(
        hit(i, "doc" + std::to_string(i), "Title", 0, "Passage number " + std::to_string(i) + " " + std::string(150 + 40 * (i % 7), 'x') + "."));
  for (int budget : {0, 300, 450, 700, 1'000, 1'500, 4'096}) {
    ScriptedModel model("Parental leave lasts 12 weeks [1].");
    model.context_tokens = 100'000;
    const auto out = world.ask(Request{.conversation = {{.role = "user", .content = kQuestion}}, .mode = Mode::kClassic, .context_tokens_max = budget}, &model);
    ASSERT_TRUE(out->result);
    const Answer& answer = *out->result;
    if (budget == 0) {
      EXPECT_TRUE(answer.left_out.empty());
      continue;
    }
    EXPECT_LE(answer.packed_tokens, budget);
    EXPECT_LE(static_cast<int>(model.prompt_seen.size() / 4) + 256, budget) << "prompt and answer together";
    EXPECT_EQ(answer.packed.size() + answer.left_out.size(), world.hits.size());
  }
}

TEST(Answer, PersonalDataIsMaskedInTheTextItsCitationsAndWhatTheModelReads) {
  World world;
  world.hits[0].chunk.text = "Parental leave lasts 12 weeks for every employee, ask ann@example.com about parental leave. Cards: 4111 1111 1111 1111.";
  for (Mode mode : {Mode::kQuoteFirst, Mode::kClassic}) {
    ScriptedModel model(
        "Parental leave lasts 12 weeks for every employee. Ask bob@example.com or +49 30 901820 about it, as they know it well, day by day by day.");
    const auto out = world.ask(Request{.conversation = {{.role = "user", .content = kQuestion}}, .mode = mode, .mask_pii = true}, &model);
    ASSERT_TRUE(out->result);
    const Answer& answer = *out->result;
    EXPECT_EQ(out->text, answer.text);
    std::string all = answer.text + model.prompt_seen;
    for (const Citation& citation : answer.citations) all += citation.quote;
    for (const Citation& citation : out->citations) all += citation.quote;
    for (const retrieve::Hit& hit : answer.found.hits) all += hit.chunk.text;
    EXPECT_EQ(all.find("example.com"), std::string::npos) << all;
    EXPECT_EQ(all.find("4111"), std::string::npos) << all;
    EXPECT_EQ(all.find("901820"), std::string::npos) << all;
    EXPECT_NE(answer.text.find("[email]"), std::string::npos) << answer.text;
    EXPECT_GE(answer.pii.at("email"), 1);
    for (const Citation& citation : answer.citations) {
      if (mode == Mode::kQuoteFirst) {
        EXPECT_EQ(answer.text.substr(citation.answer_begin, citation.answer_end - citation.answer_begin), readable(citation.quote));
      }
    }
  }
}

TEST(Answer, WithoutAQuestionItIsAnInvalidArgument) {
  World world;
  EXPECT_EQ(world.ask(Request{})->result.error().code, Code::kInvalidArgument);
  EXPECT_EQ(world.ask("  ")->result.error().param, "messages");
}

TEST(Answer, ACancelledRequestReleasesNothing) {
  World world;
  const Context context = Context::make(system_clock(), {}, "r", std::make_shared<CancelFlag>());
  context.cancel();
  const auto out = world.ask(Request{.conversation = {{.role = "user", .content = kQuestion}}}, nullptr, context);
  EXPECT_EQ(out->pieces, 0);
  ASSERT_FALSE(out->result);
  EXPECT_EQ(out->result.error().code, Code::kCancelled);
}

}  // namespace
}  // namespace strata::answer
