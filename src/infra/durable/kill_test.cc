// Programs with a journal are killed, at random instants and always at the same step.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include "infra/durable/world_for_test.h"

namespace strata::durable {
namespace {

using testing::ElementsAre;

class KillTest : public DurableTest {};

// A job of 50 steps in a child process, each with an effect in the same transaction.
constexpr int kSteps = 50;
[[noreturn]] void run_child(const std::string& folder, int crash_at) {
  auto store = store::Store::open(folder, all_migrations());
  if (!store) _exit(3);
  Options options;
  if (crash_at < 0) options.crashes_max = 1'000;  // the killer outside is random: it may well come before the next step several times
  auto journal = std::move(*Journal::open(**store, system_clock(), options));
  journal->register_kind("work", [crash_at](durable::Run& run) -> Result<Json> {
    for (int n = 0; n < kSteps; ++n) {
      if (n == crash_at) raise(SIGKILL);
      TRY(run.transact("step " + std::to_string(n), [n](store::Transaction& transaction) -> Result<Json> {
        TRY(transaction.execute("INSERT INTO effect(n) VALUES(?)", {int64_t{n}}));
        return Json(n);
      }));
      run.progress(n + 1, kSteps, "");
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return Json("done");
  });
  journal->start();
  auto job = journal->submit(Context::background(), "work", Json(), "the one");
  if (!job) _exit(4);
  auto end = journal->wait(Context::background(), job->id);
  if (end && end->state == State::kFailed) _exit(5);
  _exit(end && end->state == State::kSucceeded ? 0 : 6);
}

int wait_for(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST_F(KillTest, KilledAtRandomInstantsEveryStepTakesEffectOnceAndInOrder) {
  Random random(11);
  int kills = 0;
  for (;;) {
    pid_t child = fork();
    if (child == 0) run_child(folder_, -1);
    std::this_thread::sleep_for(std::chrono::milliseconds(10 + random.below(40)));
    if (kills < 15) kill(child, SIGKILL);
    int status = wait_for(child);
    if (WIFEXITED(status)) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
      break;
    }
    ++kills;
  }
  open_store();
  std::vector<int64_t> expected(kSteps);
  for (int n = 0; n < kSteps; ++n) expected[n] = n;
  EXPECT_EQ(effects(), expected);
  EXPECT_GT(kills, 2);
}

TEST_F(KillTest, AJobThatKillsTheProgramAtOneStepFailsInTheEnd) {
  for (int i = 0; i < Options{}.crashes_max; ++i) {
    pid_t child = fork();
    if (child == 0) run_child(folder_, 3);
    ASSERT_TRUE(WIFSIGNALED(wait_for(child)));
  }
  pid_t child = fork();
  if (child == 0) run_child(folder_, 3);
  int status = wait_for(child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 5);
  open_store();
  EXPECT_THAT(effects(), ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace strata::durable
