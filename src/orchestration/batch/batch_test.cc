// Batches: what is checked, what is counted, and that nothing is lost or asked twice, whenever the process dies.
#include "orchestration/batch/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

#include "base/random.h"
#include "knowledge/catalog/catalog.h"
#include "orchestration/batch/lines.h"
#include "orchestration/batch/rows.h"

namespace strata::batch {
namespace {

using ::testing::HasSubstr;

// Answers from a thread of its own; what it does with a line stands in its body.
class Scripted : public Executor {
 public:
  ~Scripted() override { join(); }
  const std::vector<std::string>& endpoints() const override { return endpoints_; }
  Status check(const std::string&, const Json& body) const override {
    if (!body["bad"].is_null()) return invalid_argument("bad: must not be there", "bad", "unknown_parameter");
    return {};
  }
  bool repeatable(const std::string&, const std::string& body) const override { return body.find("\"once\"") == body.npos; }
  void start(const Context& context, const std::string&, const std::string& body, std::function<void(Answer)> done) const override {
    const std::lock_guard lock(mutex_);
    asked_.push_back(body);
    most_ = std::max(most_, ++under_way_);
    threads_.emplace_back([this, context, body, done = std::move(done)] { answer(context, body, done); });
  }
  void hold() { held_ = true; }
  void let_go() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  size_t asked() const {
    const std::lock_guard lock(mutex_);
    return asked_.size();
  }
  size_t asked(const std::string& text) const {
    const std::lock_guard lock(mutex_);
    return static_cast<size_t>(std::count_if(asked_.begin(), asked_.end(), [&](auto& body) { return body.find(text) != body.npos; }));
  }
  int most() const { return most_; }
  void join() {
    for (;;) {
      std::vector<std::thread> threads;
      {
        const std::lock_guard lock(mutex_);
        threads.swap(threads_);
      }
      if (threads.empty()) return;
      for (auto& thread : threads) thread.join();
    }
  }

 private:
  void answer(const Context& context, const std::string& body, const std::function<void(Answer)>& done) const {
    Answer out;
    out.request_id = "req_1";
    out.status = 200;
    out.body = body;
    out.tokens = {.input = 3, .cached = 1, .output = 2};
    {
      std::unique_lock lock(mutex_);
      const bool waits = body.find("\"wait\"") != body.npos;
      while (waits && held_ && !context.cancelled()) changed_.wait_for(lock, std::chrono::milliseconds(5));
      --under_way_;
      if (waits && held_) out = {.status = 499, .request_id = "req_1", .body = "{}"};
      if (body.find("\"fail\"") != body.npos) out = {.status = 400, .request_id = "req_1", .body = R"({"error":{"message":"no"}})"};
      const bool full = body.find("\"full\"") != body.npos && refused_.insert(body).second;   // the first time
      if (full) out = {.status = 429, .request_id = "req_1", .body = "{}"};
    }
    done(std::move(out));
  }

  const std::vector<std::string> endpoints_ = {"/v1/chat/completions", "/v1/embeddings"};
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable std::vector<std::thread> threads_;
  mutable std::vector<std::string> asked_;
  mutable std::set<std::string> refused_;
  mutable int under_way_ = 0, most_ = 0;
  std::atomic<bool> held_{false};
};

// The system's, until a test lets days pass.
class LaterClock : public Clock {
 public:
  int64_t monotonic_ns() const override { return system_clock().monotonic_ns(); }
  int64_t unix_ms() const override { return system_clock().unix_ms() + later_ms; }
  std::atomic<int64_t> later_ms{0};
};

// One start of the program.
struct Program {
  Program(const std::string& folder, const Executor& executor, int64_t drain_ms = 50) {
    std::vector<store::Migration> all = durable::Journal::migrations();
    for (auto& part : {catalog::migrations(), migrations()}) all.insert(all.end(), part.begin(), part.end());
    store = store::Store::open(folder, all).value();
    journal = durable::Journal::open(*store, system_clock(), 1).value();
    catalog = std::make_unique<catalog::Catalog>(*store, system_clock());
    batches = std::make_unique<Batches>(*store, *journal, *catalog, clock, executor, Options{.together = 3, .retry_ms = 1, .drain_ms = drain_ms});
    batches->register_jobs();
  }
  ~Program() { journal->stop(); }
  std::string upload(const std::string& text) { return catalog->add_file(context, "in.jsonl", "batch", text)->id; }
  Result<Batch> make(const std::string& text, const std::string& window = "24h") {
    return batches->create(context, {upload(text), "/v1/chat/completions", window, Json()});
  }
  Batch ended(const std::string& id) {
    for (;;) {
      const Batch batch = batches->get(context, id).value();
      if (finished(batch.state)) return batch;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  std::string text(const std::string& file_id) { return file_id.empty() ? "" : catalog->file_bytes(context, file_id).value(); }

  Context context = Context::background();
  LaterClock clock;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<catalog::Catalog> catalog;
  std::unique_ptr<durable::Journal> journal;
  std::unique_ptr<Batches> batches;
};

std::string line(const std::string& id, const std::string& body) {
  return R"({"custom_id":")" + id + R"(","method":"POST","url":"/v1/chat/completions","body":)" + body + "}\n";
}
std::string lines(int n, const std::string& body = R"({"say":"wait"})") {
  std::string out;
  for (int i = 0; i < n; ++i) out += line("id" + std::to_string(i), body);
  return out;
}

size_t count(const std::string& text, const std::string& what) {
  size_t out = 0;
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++out;
  return out;
}

class BatchTest : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<Program> start(int64_t drain_ms = 50) {
    auto program = std::make_unique<Program>(folder_, executor_, drain_ms);
    program->journal->start();
    return program;
  }
  // Waits for at least so many to be asked.
  void asked(size_t n) {
    while (executor_.asked() < n) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const std::string folder_ = ::testing::TempDir() + make_id("batch");
  Scripted executor_;
};

TEST_F(BatchTest, EveryLineIsAnsweredOnceInOrderAndCountedWithItsTokens) {
  auto program = start();
  std::string text = lines(10, R"({"say":"hello"})");
  text += "\n" + line("bad", R"({"say":"fail"})") + line("later", R"({"say":"full"})");
  const Batch batch = program->ended(program->make(text)->id);
  EXPECT_EQ(batch.state, State::kCompleted);
  EXPECT_EQ(batch.total, 12);
  EXPECT_EQ(batch.completed, 11);
  EXPECT_EQ(batch.failed, 1);
  EXPECT_EQ(batch.tokens.input, 33);
  EXPECT_EQ(batch.tokens.cached, 11);
  EXPECT_EQ(batch.tokens.output, 22);
  EXPECT_LE(executor_.most(), 3);
  const std::string output = program->text(batch.output_file_id), errors = program->text(batch.error_file_id);
  EXPECT_EQ(count(output, "\n"), 11u);
  for (int i = 0; i + 1 < 10; ++i) EXPECT_LT(output.find("\"id" + std::to_string(i) + "\""), output.find("\"id" + std::to_string(i + 1) + "\""));
  EXPECT_THAT(output, HasSubstr(R"("custom_id":"later","response":{"status_code":200,"request_id":"req_1","body":{"say":"full"}},"error":null})"));
  EXPECT_EQ(count(errors, "\n"), 1u);
  EXPECT_THAT(errors, HasSubstr(R"("custom_id":"bad","response":{"status_code":400)"));
  EXPECT_EQ(executor_.asked("full"), 2u);
}

TEST_F(BatchTest, ABadLineIsNamedByNumberAndFieldAndNothingIsRun) {
  auto program = start();
  const std::string text = line("a", "{}") + "\nnot json\n" + line("a", "{}") + line("b", R"({"bad":1})") +
                           R"({"custom_id":"c","method":"GET","url":"/v1/chat/completions","body":{}})" + "\n" +
                           R"({"custom_id":"d","method":"POST","url":"/v1/embeddings","body":{}})" + "\n" + R"({"custom_id":"e","metod":"POST"})" + "\n";
  const Batch batch = program->make(text).value();
  EXPECT_EQ(batch.state, State::kFailed);
  ASSERT_EQ(batch.errors.size(), 6u);
  const std::vector<std::tuple<int64_t, std::string, std::string>> expected = {{3, "invalid_json_line", ""},         {4, "duplicate_custom_id", "custom_id"},
                                                                               {5, "unknown_parameter", "body.bad"}, {6, "invalid_method", "method"},
                                                                               {7, "mismatched_url", "url"},         {8, "unknown_parameter", "metod"}};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(std::tie(batch.errors[i].line, batch.errors[i].code, batch.errors[i].param), expected[i]) << i;
  EXPECT_THAT(batch.errors[5].message, HasSubstr("line 8: unknown field 'metod'; did you mean 'method'?"));
  EXPECT_EQ(program->make("").value().errors[0].code, "empty_file");
  EXPECT_EQ(executor_.asked(), 0u);
  EXPECT_EQ(program->batches->get(program->context, batch.id)->errors.size(), 6u);
}

TEST_F(BatchTest, WhatCannotBecomeABatchIsRefusedByField) {
  auto program = start();
  const std::string file = program->upload(lines(1));
  auto refused = [&](Wanted wanted) { return program->batches->create(program->context, wanted).error(); };
  EXPECT_EQ(refused({"file_none", "/v1/embeddings", "24h", {}}).param, "input_file_id");
  EXPECT_THAT(refused({file, "/v1/embedings", "24h", {}}).message, HasSubstr("did you mean '/v1/embeddings'?"));
  for (const char* window : {"", "24", "0h", "8d", "-1h", "99999999999999999999h", "1w"})
    EXPECT_EQ(refused({file, "/v1/embeddings", window, {}}).param, "completion_window");
  const std::string other = program->catalog->add_file(program->context, "x", "assistants", "x")->id;
  EXPECT_EQ(refused({other, "/v1/embeddings", "24h", {}}).param, "input_file_id");
}

TEST_F(BatchTest, AfterAStopInTheMiddleOnlyWhatIsNotDoneIsAskedAgain) {
  executor_.hold();
  std::string id;
  {
    auto program = start();
    id = program
             ->make(lines(4, R"({"say":"now"})") + line("w1", R"({"say":"wait"})") + line("w2", R"({"say":"wait"})") + line("w3", R"({"say":"wait"})") +
                    line("w4", R"({"say":"wait"})"))
             ->id;
    asked(7);
  }
  executor_.join();
  executor_.let_go();
  auto program = start();
  const Batch batch = program->ended(id);
  EXPECT_EQ(batch.state, State::kCompleted);
  EXPECT_EQ(batch.completed, 8);
  EXPECT_EQ(batch.failed, 0);
  EXPECT_EQ(batch.tokens.output, 16);
  EXPECT_EQ(executor_.asked("now"), 4u);
  EXPECT_EQ(count(program->text(batch.output_file_id), "\n"), 8u);
}

// What costs money elsewhere and was under way when the process died is not sent again: it ends as an error that says so.
TEST_F(BatchTest, ALineThatMustNotBeAskedTwiceEndsAsUnknownAfterACrash) {
  std::string id;
  {
    Program program(folder_, executor_);
    id = program.make(line("paid", R"({"say":"now","how":"once"})") + lines(2, R"({"say":"now","how":"once"})"))->id;
    ASSERT_TRUE(program.store->write(program.context, [&](store::Transaction& transaction) { return begin_lines(transaction, id, {1}); }));
  }
  auto program = start();
  const Batch batch = program->ended(id);
  EXPECT_EQ(executor_.asked(), 2u);
  EXPECT_EQ(batch.completed, 2);
  EXPECT_EQ(batch.failed, 1);
  EXPECT_THAT(program->text(batch.error_file_id), HasSubstr(R"("custom_id":"paid","response":null,"error":{"code":"outcome_unknown")"));
}

// A stop is no crash: we know what we hung up on.
TEST_F(BatchTest, AStopWaitsForWhatCostsMoneyAndAsksTheRestAgain) {
  executor_.hold();
  std::string id;
  {
    auto program = start();
    id = program
             ->make(line("slow", R"({"say":"wait","how":"once"})") + line("full", R"({"say":"full","how":"once"})") + lines(2, R"({"say":"now","how":"once"})"))
             ->id;
    asked(4);
  }
  executor_.join();
  executor_.let_go();
  auto program = start();
  const Batch batch = program->ended(id);
  EXPECT_EQ(batch.state, State::kCompleted);
  EXPECT_EQ(batch.completed, 4);
  EXPECT_EQ(batch.failed, 0);
  EXPECT_EQ(executor_.asked("now"), 2u);
  EXPECT_EQ(executor_.asked("wait"), 2u);
  EXPECT_EQ(executor_.asked("full"), 2u);
}

TEST_F(BatchTest, AnAnswerThatComesWhileTheProgramStopsIsKept) {
  executor_.hold();
  std::string id;
  {
    auto program = start(60'000);
    id = program->make(line("paid", R"({"say":"wait","how":"once"})"))->id;
    asked(1);
    std::thread stopping([&] { program->journal->stop(); });
    executor_.let_go();
    stopping.join();
  }
  auto program = start();
  const Batch batch = program->ended(id);
  EXPECT_EQ(batch.completed, 1);
  EXPECT_EQ(executor_.asked("wait"), 1u);
}

TEST_F(BatchTest, ACancelKeepsWhatIsDoneAndNamesTheRest) {
  executor_.hold();
  auto program = start();
  const std::string id = program
                             ->make(lines(3, R"({"say":"now"})") + line("w1", R"({"say":"wait"})") + line("w2", R"({"say":"wait"})") +
                                    line("w3", R"({"say":"wait"})") + line("w4", R"({"say":"wait"})"))
                             ->id;
  asked(6);
  while (program->batches->get(program->context, id)->completed < 3) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const State at_once = program->batches->cancel(program->context, id)->state;
  EXPECT_TRUE(at_once == State::kCancelling || at_once == State::kCancelled);
  const Batch batch = program->ended(id);
  EXPECT_EQ(batch.state, State::kCancelled);
  EXPECT_GT(batch.cancelled_ms, 0);
  EXPECT_EQ(batch.completed, 3);
  EXPECT_EQ(count(program->text(batch.output_file_id), "\n"), 3u);
  EXPECT_EQ(count(program->text(batch.error_file_id), "batch_cancelled"), 4u);
  EXPECT_TRUE(program->batches->cancel(program->context, id));   // again: ok
}

TEST_F(BatchTest, ACancelAmongTheJobsEndsTheSameWay) {
  executor_.hold();
  auto program = start();
  const Batch made = program->make(lines(2, R"({"say":"now"})") + line("w", R"({"say":"wait"})")).value();
  asked(3);
  while (program->batches->get(program->context, made.id)->completed < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ASSERT_TRUE(program->journal->cancel(program->context, made.job_id));
  const Batch batch = program->ended(made.id);
  EXPECT_EQ(batch.state, State::kCancelled);
  EXPECT_EQ(count(program->text(batch.output_file_id), "\n"), 2u);
}

TEST_F(BatchTest, WhatIsNotDoneWhenTheWindowIsOverIsNamedAsExpired) {
  executor_.hold();
  auto program = start();
  const std::string id = program->make(lines(2, R"({"say":"now"})") + line("w", R"({"say":"wait"})"))->id;
  while (program->batches->get(program->context, id)->completed < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  program->clock.later_ms = 24 * 3'600'000LL;
  const Batch batch = program->ended(id);
  EXPECT_EQ(batch.state, State::kExpired);
  EXPECT_EQ(batch.completed, 2);
  EXPECT_EQ(count(program->text(batch.error_file_id), "batch_expired"), 1u);
  EXPECT_FALSE(program->batches->cancel(program->context, batch.id));
}

TEST_F(BatchTest, AMissingInputFileFailsTheBatchAndSaysSo) {
  Program program(folder_, executor_);
  const Batch made = program.make(lines(2)).value();
  ASSERT_TRUE(program.catalog->remove_file(program.context, made.input_file_id));
  program.journal->start();
  const Batch batch = program.ended(made.id);
  EXPECT_EQ(batch.state, State::kFailed);
  ASSERT_EQ(batch.errors.size(), 1u);
  EXPECT_THAT(batch.errors[0].message, HasSubstr("input file cannot be read"));
}

TEST_F(BatchTest, ListsAreNewestFirst) {
  Program program(folder_, executor_);
  const std::string a = program.make(lines(1))->id, b = program.make(lines(1))->id, c = program.make("")->id;
  auto ids = [&](int limit, const std::string& after) {
    std::vector<std::string> out;
    const auto batches = program.batches->list(program.context, limit, after);
    for (auto& batch : *batches) out.push_back(batch.id);
    return out;
  };
  EXPECT_EQ(ids(10, ""), (std::vector<std::string>{c, b, a}));
  EXPECT_EQ(ids(1, c), (std::vector<std::string>{b}));
  EXPECT_EQ(program.batches->cancel(program.context, b)->state, State::kCancelled) << "it had not begun";
  EXPECT_EQ(program.batches->get(program.context, "batch_none").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace strata::batch
