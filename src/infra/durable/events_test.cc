// A job's log, waiting without a thread, and signals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "base/random.h"
#include "infra/durable/clock_for_test.h"
#include "infra/durable/durable.h"

namespace strata::durable {
namespace {

using testing::ElementsAre;

class EventsTest : public testing::Test {
 protected:
  EventsTest() : folder_(std::filesystem::temp_directory_path() / make_id("events-test")) { open(); }
  ~EventsTest() override {
    close();
    std::filesystem::remove_all(folder_);
  }
  void open() { store_ = std::move(*store::Store::open(folder_, Journal::migrations())); }
  void close() {
    journal_.reset();
    store_.reset();
  }
  void start(Worker worker, int threads = 2) {
    journal_ = std::move(*Journal::open(*store_, clock_, 1));
    journal_->register_kind("log", std::move(worker), nullptr, threads);
    journal_->start();
  }
  std::string submit() { return journal_->submit(context_, "log", Json())->id; }
  void until_waiting(const std::string& id) {
    while (journal_->get(context_, id)->state != State::kWaiting) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::vector<std::string> kinds(const std::string& id) {
    std::vector<std::string> all;
    auto events = journal_->events(context_, id, 0, 1000);
    for (auto& event : *events) all.push_back(event.kind);
    return all;
  }
  static Event event(const std::string& kind) { return {.kind = kind, .name = "", .data = Json()}; }

  const std::string folder_;
  SharedClock clock_;
  Context context_ = Context::background();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Journal> journal_;
};

// Waits for "go", in the log or to come.
Result<Json> wait_for_go(Run& run) {
  TRY_ASSIGN(auto events, run.events());
  for (auto& event : events)
    if (event.kind == "go") return Json("went");
  TRY(run.append({Event{.kind = "asked", .name = "", .data = Json()}}));
  run.park(kNever);
  return Json();
}

TEST_F(EventsTest, AParkedJobHasNoThreadAndASignalWakesIt) {
  start(wait_for_go, 1);
  auto first = submit(), second = submit();   // one thread: the second runs because the first has none
  until_waiting(first);
  until_waiting(second);
  ASSERT_TRUE(journal_->signal(context_, first, {event("go")}));
  EXPECT_EQ(journal_->wait(context_, first)->result, Json("went"));
  EXPECT_EQ(journal_->get(context_, second)->state, State::kWaiting);
  EXPECT_THAT(kinds(first), ElementsAre("asked", "go"));
}

TEST_F(EventsTest, AWaitingJobWaitsAcrossARestart) {
  start(wait_for_go);
  auto id = submit();
  until_waiting(id);
  close();
  open();
  start(wait_for_go);
  EXPECT_EQ(journal_->get(context_, id)->state, State::kWaiting);
  ASSERT_TRUE(journal_->signal(context_, id, {event("go")}));
  EXPECT_EQ(journal_->wait(context_, id)->state, State::kSucceeded);
}

TEST_F(EventsTest, ASignalBetweenTheLastLookAndTheParkingIsNotLost) {
  std::atomic<int> begun{0};
  Journal* journal = nullptr;
  start([&](durable::Run& run) -> Result<Json> {
    ++begun;
    TRY_ASSIGN(auto events, run.events());
    if (!events.empty()) return Json("went");
    EXPECT_TRUE(journal->signal(Context::background(), run.job().id, {Event{.kind = "go", .name = "", .data = Json()}}));
    run.park(kNever);
    return Json();
  });
  journal = journal_.get();
  auto id = submit();
  EXPECT_EQ(journal_->wait(context_, id)->result, Json("went"));
  EXPECT_EQ(begun, 2);
}

TEST_F(EventsTest, AppendTellsOfSignalsThatCameMeanwhileInTheOrderOfTheLog) {
  std::vector<std::string> told;
  Journal* journal = nullptr;
  start([&](durable::Run& run) -> Result<Json> {
    TRY(run.events());
    EXPECT_TRUE(journal->signal(Context::background(), run.job().id, {Event{.kind = "from outside", .name = "", .data = Json()}}));
    TRY_ASSIGN(auto news, run.append({Event{.kind = "mine", .name = "", .data = Json()}}));
    for (auto& one : news) told.push_back(one.kind + std::to_string(one.sequence));
    return Json();
  });
  journal = journal_.get();
  auto id = submit();
  journal_->wait(context_, id);
  EXPECT_THAT(told, ElementsAre("from outside1", "mine2"));
}

TEST_F(EventsTest, AJobWakesWhenItsTimeHasComeAndWatchersAreTold) {
  const int64_t wakes = clock_.unix_ms() + 3'600'000;
  start([&](durable::Run& run) -> Result<Json> {
    TRY_ASSIGN(auto events, run.events());
    if (!events.empty()) return Json(clock_.unix_ms() >= wakes ? "woke in time" : "woke too early");
    TRY(run.append({Event{.kind = "slept", .name = "", .data = Json()}}));
    run.park(wakes);
    return Json();
  });
  std::mutex mutex;
  std::vector<std::string> states;
  journal_->on_change([&](const Job& job) {
    std::lock_guard lock(mutex);
    states.push_back(std::string(state_name(job.state)));
  });
  auto id = submit();
  until_waiting(id);
  clock_.advance_ms(3'600'000);
  EXPECT_EQ(journal_->wait(context_, id)->result, Json("woke in time"));
  journal_->stop();
  EXPECT_THAT(states, ElementsAre("queued", "running", "waiting", "queued", "running", "succeeded"));
}

TEST_F(EventsTest, AnyTimeToWaitUntilIsTaken) {
  start([&](durable::Run& run) -> Result<Json> {
    TRY_ASSIGN(auto events, run.events());
    if (events.size() == 2) return Json("went");
    TRY(run.append({Event{.kind = "slept", .name = "", .data = Json()}}));
    run.park(events.empty() ? INT64_MIN : kNever - 1);
    return Json();
  });
  auto id = submit();
  while (journal_->get(context_, id)->wake_ms != kNever - 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ASSERT_TRUE(journal_->signal(context_, id, {}));
  EXPECT_EQ(journal_->wait(context_, id)->result, Json("went"));
}

TEST_F(EventsTest, WhatWasMadeFromAnOldLogIsNotAddedAfterASignal) {
  std::vector<std::string> told;
  std::vector<bool> flags;
  Journal* journal = nullptr;
  start([&](durable::Run& run) -> Result<Json> {
    TRY(run.events());
    EXPECT_TRUE(journal->signal(Context::background(), run.job().id, {Event{.kind = "decided", .name = "", .data = Json()}}));
    for (int i = 0; i < 2; ++i) {
      bool added = false;
      TRY_ASSIGN(auto news, run.append({Event{.kind = "nobody decided", .name = "", .data = Json()}}, nullptr, &added));
      for (auto& one : news) told.push_back(one.kind + std::to_string(one.sequence));
      flags.push_back(added);
    }
    return Json();
  });
  journal = journal_.get();
  auto id = submit();
  journal_->wait(context_, id);
  EXPECT_THAT(told, ElementsAre("decided1", "nobody decided2"));
  EXPECT_THAT(flags, ElementsAre(false, true));
  EXPECT_THAT(kinds(id), ElementsAre("decided", "nobody decided"));
}

TEST_F(EventsTest, AnEventThatIsTooLargeSaysSoByItsReasonAndNothingOfItStays) {
  start([](durable::Run& run) -> Result<Json> {
    TRY(run.events());
    auto refused =
        run.append({Event{.kind = "small", .name = "", .data = Json()}, Event{.kind = "large", .name = "", .data = Json(std::string(2 << 20, 'x'))}});
    EXPECT_EQ(refused.error().reason, kTooLarge);
    return Json();
  });
  auto id = submit();
  EXPECT_EQ(journal_->wait(context_, id)->state, State::kSucceeded);
  EXPECT_TRUE(kinds(id).empty());
}

TEST_F(EventsTest, AWaitingJobIsCancelledAtOnceAndRevivedByASignalThatSaysSo) {
  start(wait_for_go);
  auto id = submit();
  until_waiting(id);
  ASSERT_TRUE(journal_->cancel(context_, id));
  EXPECT_EQ(journal_->get(context_, id)->state, State::kCancelled);
  EXPECT_EQ(journal_->signal(context_, id, {event("go")}).error().code, Code::kFailedPrecondition);
  ASSERT_TRUE(journal_->signal(context_, id, {event("go")}, Wake::kRevive));
  EXPECT_EQ(journal_->wait(context_, id)->state, State::kSucceeded);
}

TEST_F(EventsTest, WhatIsWrittenBesideAnEventIsThereWithItOrNotAtAll) {
  start([](durable::Run& run) -> Result<Json> {
    TRY(run.events());
    auto refused = run.append({Event{.kind = "lost", .name = "", .data = Json()}}, [](store::Transaction&) -> Status { return failed_precondition("no"); });
    EXPECT_FALSE(refused);
    TRY(run.append({Event{.kind = "kept", .name = "", .data = Json()}}));
    return Json();
  });
  auto id = submit();
  journal_->wait(context_, id);
  EXPECT_THAT(kinds(id), ElementsAre("kept"));
}

TEST_F(EventsTest, DecisionsAreFoundAcrossJobs) {
  start([](durable::Run& run) -> Result<Json> {
    TRY(run.events());
    TRY(run.append({{.kind = "routed", .name = "a", .data = Json::object({{"reason", "Too Expensive"}}), .decision = true},
                    {.kind = "routed", .name = "b", .data = Json("expensive")}}));
    return Json();
  });
  auto one = submit(), two = submit();
  journal_->wait(context_, one);
  journal_->wait(context_, two);
  Journal::Search search{.kind = "routed", .job_id = "", .text = "too expensive"};
  auto found = journal_->search_events(context_, search, 10);
  ASSERT_EQ(found->size(), 2u);
  search.job_id = two;
  ASSERT_EQ(journal_->search_events(context_, search, 10)->size(), 1u);
}

TEST_F(EventsTest, ARunningJobHearsWhatIsSaidToItAndReadsItOnce) {
  std::mutex mutex;
  std::condition_variable heard;
  bool called = false;
  start([&](durable::Run& run) -> Result<Json> {
    run.on_news([&] {
      std::lock_guard lock(mutex);
      called = true;
      heard.notify_all();
    });
    TRY(run.events());
    TRY(run.append({event("listening")}));
    {
      std::unique_lock lock(mutex);
      if (!heard.wait_for(lock, std::chrono::seconds(30), [&] { return called; })) return internal_error("nobody called");
    }
    run.on_news(nullptr);
    TRY_ASSIGN(auto news, run.news());
    TRY_ASSIGN(auto more, run.news());
    return Json::array({news.size(), news.empty() ? Json() : Json(news[0].kind), more.size()});
  });
  const std::string id = submit();
  while (kinds(id).empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ASSERT_TRUE(journal_->signal(context_, id, {event("go")}));
  EXPECT_EQ(journal_->wait(context_, id)->result.dump(), R"([1,"go",0])");
}

}  // namespace
}  // namespace strata::durable
