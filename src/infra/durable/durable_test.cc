#include "infra/durable/durable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "infra/durable/world_for_test.h"

namespace strata::durable {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(DurableTest, AJobRunsAndItsResultIsKept) {
  start([](durable::Run& run) -> Result<Json> {
    run.progress(1, 2, "half");
    TRY_ASSIGN(Json a, run.step("a", [] { return Result<Json>(Json(20)); }));
    return Json(*a.to_int("a") + 2 * *run.job().input["n"].to_int("n"));
  });
  Job job = wait(submit().id);
  EXPECT_EQ(job.state, State::kSucceeded);
  EXPECT_EQ(job.result, Json(22));
  EXPECT_EQ(job.attempts, 1);
  EXPECT_EQ(job.done, 1);
  EXPECT_EQ(job.total, 2);
  EXPECT_EQ(job.note, "half");
  EXPECT_EQ(journal_->list(context_, "work", 10)->size(), 1u);
  EXPECT_EQ(journal_->list(context_, "other", 10)->size(), 0u);
  EXPECT_EQ(journal_->get(context_, "job_x").error().code, Code::kNotFound);
}

TEST_F(DurableTest, TheSameKeyGivesTheSameJob) {
  start([](durable::Run&) -> Result<Json> { return Json(1); });
  Job first = submit("k");
  EXPECT_EQ(submit("k").id, first.id);
  EXPECT_NE(submit("other").id, first.id);
  EXPECT_NE(submit().id, submit().id);
  wait(first.id);
  EXPECT_EQ(submit("k").state, State::kSucceeded);
}

TEST_F(DurableTest, AJobInAnUndoneTransactionNeverWas) {
  start([](durable::Run&) -> Result<Json> { return Json(1); });
  std::string id;
  EXPECT_FALSE(store_->write(context_, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(Job job, journal_->submit_in(transaction, "work", Json()));
    id = job.id;
    return invalid_argument("no");
  }));
  EXPECT_EQ(journal_->get(context_, id).error().code, Code::kNotFound);
  EXPECT_TRUE(store_->write(context_, [&](store::Transaction& transaction) -> Status {
    TRY_ASSIGN(Job job, journal_->submit_in(transaction, "work", Json()));
    id = job.id;
    return {};
  }));
  EXPECT_EQ(wait(id).state, State::kSucceeded);
}

TEST_F(DurableTest, AFailureSaysWhyAndIsNotRepeated) {
  std::atomic<int> runs = 0;
  start([&](durable::Run&) -> Result<Json> { return ++runs, invalid_argument("the file is empty"); });
  Job job = wait(submit().id);
  EXPECT_EQ(job.state, State::kFailed);
  EXPECT_EQ(job.error, "the file is empty");
  EXPECT_EQ(runs, 1);
}

TEST_F(DurableTest, UnavailableIsTriedAgainAfterGrowingPausesThenFails) {
  std::atomic<int> runs = 0;
  start([&](durable::Run&) -> Result<Json> { return ++runs, unavailable("the embedder is away"); });
  Job job = submit();
  for (int64_t pause : {1'000, 4'000}) {
    int before = runs;
    until([&] { return get(job.id).state == State::kQueued && runs > 0; });
    EXPECT_EQ(get(job.id).error, "the embedder is away");
    clock_.advance_ms(pause - 1);
    EXPECT_EQ(get(job.id).attempts, runs);
    EXPECT_GE(runs, before);
    int now = runs;
    clock_.advance_ms(1);
    until([&] { return runs > now; });
  }
  EXPECT_EQ(wait(job.id).state, State::kFailed);
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(get(job.id).attempts, 3);
}

TEST_F(DurableTest, RetryResumesAfterTheRecordedSteps) {
  std::atomic<int> first = 0;
  std::atomic<bool> broken = true;
  start([&](durable::Run& run) -> Result<Json> {
    TRY(run.step("first", [&] { return ++first, Result<Json>(Json(5)); }));
    if (broken) return invalid_argument("broken");
    return Json("done");
  });
  Job job = submit();
  EXPECT_EQ(wait(job.id).state, State::kFailed);
  broken = false;
  ASSERT_TRUE(journal_->retry(context_, job.id));
  EXPECT_EQ(wait(job.id).state, State::kSucceeded);
  EXPECT_EQ(first, 1);
  EXPECT_EQ(get(job.id).error, "");
  EXPECT_EQ(journal_->retry(context_, job.id).error().code, Code::kFailedPrecondition);
}

TEST_F(DurableTest, CancelStopsARunningJobAndAQueuedOne) {
  std::atomic<bool> running = false;
  start(
      [&](durable::Run& run) -> Result<Json> {
        running = true;
        until([&] { return run.context().cancelled(); });
        TRY(run.step("never", [] { return Result<Json>(Json(1)); }));
        return Json(1);
      },
      {.workers = 1});
  Job job = submit(), queued = submit();
  until([&] { return running.load(); });
  ASSERT_TRUE(journal_->cancel(context_, queued.id));
  EXPECT_EQ(get(queued.id).state, State::kCancelled);
  ASSERT_TRUE(journal_->cancel(context_, job.id));
  EXPECT_EQ(wait(job.id).state, State::kCancelled);
  EXPECT_EQ(get(queued.id).attempts, 0);
  EXPECT_TRUE(journal_->cancel(context_, job.id));
  EXPECT_EQ(journal_->cancel(context_, "job_x").error().code, Code::kNotFound);
}

TEST_F(DurableTest, StopKeepsTheJobAndTheNextJournalFinishesIt) {
  std::atomic<bool> running = false;
  start([&](durable::Run& run) -> Result<Json> {
    TRY(run.transact("one", [](store::Transaction& transaction) -> Result<Json> {
      TRY(transaction.execute("INSERT INTO effect(n) VALUES(1)"));
      return Json();
    }));
    running = true;
    until([&] { return run.context().cancelled(); });
    return cancelled();
  });
  Job job = submit();
  until([&] { return running.load(); });
  journal_->stop();
  EXPECT_EQ(get(job.id).state, State::kQueued);
  start([&](durable::Run& run) -> Result<Json> {
    TRY(run.transact("one", [](store::Transaction& transaction) -> Result<Json> {
      TRY(transaction.execute("INSERT INTO effect(n) VALUES(1)"));
      return Json();
    }));
    return Json("done");
  });
  EXPECT_EQ(wait(job.id).state, State::kSucceeded);
  EXPECT_THAT(effects(), ElementsAre(1));
}

TEST_F(DurableTest, AJobWhoseLeaseRanOutIsTakenOverAndTheOldOwnerWritesNothingMore) {
  open_store();
  std::atomic<bool> old_runs = false, old_may_go = false;
  std::mutex mutex;
  std::string old_said;
  // The old owner's heartbeat never comes: its lease is hours of real time, and its clock stands still until it has lost.
  SharedClock old_clock;
  auto old = std::move(*Journal::open(*store_, old_clock, Options{.workers = 1, .lease_ms = 60'000, .alone = false}));
  old->register_kind("work", [&](durable::Run& run) -> Result<Json> {
    old_runs = true;
    until([&] { return old_may_go.load(); });
    auto result = run.transact("one", [](store::Transaction& transaction) -> Result<Json> {
      TRY(transaction.execute("INSERT INTO effect(n) VALUES(-1)"));
      return Json();
    });
    std::lock_guard lock(mutex);
    if (!result) old_said = result.error().message;
    return result;
  });
  old->start();
  Job job = *old->submit(context_, "work", Json());
  until([&] { return old_runs.load(); });
  start(
      [](durable::Run& run) -> Result<Json> {
        return run.transact("one", [](store::Transaction& transaction) -> Result<Json> {
          TRY(transaction.execute("INSERT INTO effect(n) VALUES(1)"));
          return Json("new");
        });
      },
      {.workers = 1, .lease_ms = 60'000, .alone = false});
  clock_.advance_ms(59'000);
  EXPECT_EQ(get(job.id).state, State::kRunning);
  clock_.advance_ms(2'000);
  EXPECT_EQ(wait(job.id).result, Json("new"));
  old_may_go = true;
  until([&] {
    std::lock_guard lock(mutex);
    return !old_said.empty();
  });
  old->stop();
  EXPECT_THAT(effects(), ElementsAre(1));
  EXPECT_EQ(get(job.id).state, State::kSucceeded);
  EXPECT_EQ(get(job.id).attempts, 2);
}

TEST_F(DurableTest, ARenewedLeaseIsNotTakenOver) {
  open_store();
  auto options = Options{.workers = 1, .lease_ms = 300, .alone = false};
  std::atomic<int> runs = 0;
  std::atomic<bool> go = false;
  auto worker = [&](durable::Run&) -> Result<Json> {
    ++runs;
    until([&] { return go.load(); });
    return Json(1);
  };
  start(worker, options);
  auto other = make(options);
  other->register_kind("work", worker);
  other->start();
  Job job = submit();
  until([&] { return runs > 0; });
  for (int i = 0; i < 8; ++i) {  // four leases' time; each step waits for its heartbeat, so a busy machine only takes longer
    clock_.advance_ms(150);
    until([&] { return number("SELECT lease_ms FROM durable_jobs") == clock_.unix_ms() + options.lease_ms; });
  }
  go = true;
  EXPECT_EQ(wait(job.id).attempts, 1);
  EXPECT_EQ(runs, 1);
}

TEST_F(DurableTest, ABusyKindDoesNotHoldUpAnother) {
  open_store();
  journal_ = make({.workers = 2});
  std::mutex mutex;
  std::vector<std::string> order;
  std::atomic<bool> go = false;
  auto worker = [&](durable::Run& run) -> Result<Json> {
    {
      std::lock_guard lock(mutex);
      order.push_back(run.job().kind);
    }
    until([&] { return go.load(); });
    return Json();
  };
  journal_->register_kind("long", worker);
  journal_->register_kind("quick", worker);
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(journal_->submit(context_, "long", Json())->id);
  ids.push_back(journal_->submit(context_, "quick", Json())->id);
  journal_->start();
  until([&] {
    std::lock_guard lock(mutex);
    return order.size() == 2;
  });
  EXPECT_THAT(order, testing::UnorderedElementsAre("long", "quick"));
  go = true;
  for (auto& id : ids) EXPECT_EQ(wait(id).state, State::kSucceeded);
}

// Of the idle threads of a lane one looks for all of them: whoever is busy does not keep it from being done.
TEST_F(DurableTest, AJobWhosePauseIsOverIsFoundWhileAllOtherThreadsOfItsLaneAreBusy) {
  open_store();
  journal_ = make({.workers = 1, .backoff_ms = 1});
  std::atomic<bool> hold{true};
  std::atomic<int> holding{0}, tries{0};
  journal_->register_kind(
      "lane",
      [&](durable::Run& run) -> Result<Json> {
        if (run.job().input["n"] == Json(0)) {
          ++holding;
          until([&] { return !hold; });
          return Json("held");
        }
        if (tries++ == 0) return unavailable("not yet");
        return Json("done");
      },
      nullptr, 3);
  journal_->start();
  std::vector<std::string> held;
  for (int i = 0; i < 2; ++i) held.push_back(journal_->submit(context_, "lane", Json::object({{"n", 0}}))->id);
  until([&] { return holding == 2; });
  const std::string id = journal_->submit(context_, "lane", Json::object({{"n", 1}}))->id;
  until([&] {
    clock_.advance_ms(1);
    return finished(get(id).state);
  });
  EXPECT_EQ(get(id).result, Json("done"));
  EXPECT_EQ(holding, 2);
  hold = false;
  for (auto& one : held) EXPECT_EQ(wait(one).result, Json("held"));
}

TEST_F(DurableTest, JobsOfOneKindRunInTheOrderTheyCame) {
  open_store();
  journal_ = make({.workers = 1});
  std::vector<std::string> ran, ids;
  journal_->register_kind("work", [&](durable::Run& run) -> Result<Json> { return ran.push_back(run.job().id), Json(); });
  for (int i = 0; i < 10; ++i) ids.push_back(submit().id);
  journal_->start();
  for (auto& id : ids) wait(id);
  journal_->stop();
  EXPECT_EQ(ran, ids);
}

TEST_F(DurableTest, WatchersSeeProgressAndStatesAtOnce) {
  std::mutex mutex;
  std::vector<std::string> seen;
  std::atomic<bool> go = false;
  start([&](durable::Run& run) -> Result<Json> {
    until([&] { return go.load(); });
    run.progress(3, 4, "embedding");
    return Json();
  });
  auto watcher = journal_->on_change([&](const Job& job) {
    std::lock_guard lock(mutex);
    seen.push_back(std::string(state_name(job.state)) + " " + std::to_string(job.done) + "/" + std::to_string(job.total) + " " + job.note);
  });
  Job job = submit();
  go = true;
  wait(job.id);
  until([&] {
    std::lock_guard lock(mutex);
    return seen.size() >= 4;
  });
  journal_->remove_watcher(watcher);
  EXPECT_THAT(seen, ElementsAre("queued 0/0 ", "running 0/0 ", "running 3/4 embedding", "succeeded 3/4 embedding"));
  wait(submit().id);
  EXPECT_EQ(seen.size(), 4u);
}

TEST_F(DurableTest, TheMovedHookCommitsWithTheState) {
  open_store();
  journal_ = make();
  std::mutex mutex;
  std::vector<std::string> moves;
  journal_->register_kind(
      "work", [](durable::Run&) -> Result<Json> { return invalid_argument("no"); },
      [&](store::Transaction& transaction, const Job& job) -> Status {
        TRY(transaction.execute("INSERT INTO effect(n) VALUES(1)"));
        std::lock_guard lock(mutex);
        moves.push_back(std::string(state_name(job.state)));
        return {};
      });
  Job cancelled_job = submit();
  ASSERT_TRUE(journal_->cancel(context_, cancelled_job.id));
  ASSERT_TRUE(journal_->retry(context_, cancelled_job.id));
  journal_->start();
  wait(cancelled_job.id);
  EXPECT_THAT(moves, ElementsAre("cancelled", "queued", "failed"));
  EXPECT_EQ(effects().size(), 3u);
}

TEST_F(DurableTest, AResultThatIsTooLargeFailsTheJob) {
  start([](durable::Run& run) -> Result<Json> { return run.step("big", [] { return Result<Json>(Json(std::string(2 << 20, 'x'))); }); });
  Job job = wait(submit().id);
  EXPECT_EQ(job.state, State::kFailed);
  EXPECT_THAT(job.error, HasSubstr("1 MiB"));
  EXPECT_EQ(journal_->submit(context_, "work", Json(std::string(2 << 20, 'x'))).error().code, Code::kInvalidArgument);
}

TEST_F(DurableTest, PruneForgetsOnlyWhatIsFinishedAndOld) {
  start([](durable::Run& run) -> Result<Json> { return run.step("a", [] { return Result<Json>(Json(1)); }); });
  Job job = wait(submit("k").id);
  Job waiting = *journal_->submit(context_, "other", Json());
  clock_.advance_ms(10);
  EXPECT_EQ(*journal_->prune(context_, clock_.unix_ms() - 10), 0);
  EXPECT_EQ(*journal_->prune(context_, clock_.unix_ms()), 1);
  EXPECT_FALSE(journal_->get(context_, job.id));
  EXPECT_EQ(get(waiting.id).state, State::kQueued);
}

TEST_F(DurableTest, WhatOthersKeepOfAJobIsForgottenWithIt) {
  open_store();
  journal_ = make();
  journal_->register_kind("work", [](durable::Run&) -> Result<Json> { return Json(1); });
  std::vector<std::string> told;
  journal_->on_prune("work", [&](store::Transaction& transaction, const std::vector<std::string>& ids) -> Status {
    told.insert(told.end(), ids.begin(), ids.end());
    TRY(transaction.execute("INSERT INTO effect(n) VALUES(?)", {static_cast<int64_t>(ids.size())}));
    return {};
  });
  journal_->start();
  constexpr int kMany = 450;   // more than one transaction takes
  std::vector<std::string> ids;
  for (int i = 0; i < kMany; ++i) ids.push_back(submit().id);
  for (auto& id : ids) wait(id);
  clock_.advance_ms(10);
  EXPECT_EQ(*journal_->prune(context_, clock_.unix_ms()), kMany);
  EXPECT_THAT(told, testing::UnorderedElementsAreArray(ids));
  EXPECT_EQ(number("SELECT sum(n) FROM effect"), kMany);
}

TEST_F(DurableTest, AfterStopNoWatcherIsCalledOrKept) {
  start([](durable::Run&) -> Result<Json> { return Json(1); });
  auto kept = std::make_shared<std::atomic<int>>(0);
  journal_->on_change([kept](const Job&) { ++*kept; });
  journal_->on_events([kept](const std::string&) { ++*kept; });
  journal_->stop();
  const int before = *kept;
  submit();
  EXPECT_EQ(*kept, before);
  EXPECT_EQ(kept.use_count(), 1);
}

}  // namespace
}  // namespace strata::durable
