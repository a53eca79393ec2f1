#include "infra/compute/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace strata::compute {
namespace {

TEST(Threads, RunsEachTaskExactlyOnce) {
  for (const int team_size : {1, 2, 3, 8}) {
    Threads team(team_size);
    EXPECT_EQ(team.count(), team_size);
    for (const size_t count : {0, 1, 2, 7, 1000}) {
      std::vector<int> calls(count, 0);  // plain ints: a task run twice at once is a race that TSan sees
      team.run(count, [&](size_t task, int) { ++calls[task]; });
      EXPECT_EQ(std::accumulate(calls.begin(), calls.end(), size_t{0}), count);
      for (const int n : calls) EXPECT_EQ(n, 1);
    }
  }
}

TEST(Threads, ManyShortRunsFollowEachOther) {
  Threads team(4);
  std::vector<size_t> sums(16, 0);
  for (size_t run = 0; run < 3000; ++run) {
    const size_t count = run % 16 + 1;
    team.run(count, [&](size_t task, int) { sums[task] += run; });
  }
  size_t expected = 0;
  for (size_t run = 0; run < 3000; ++run) expected += run;
  EXPECT_EQ(sums[0], expected);
}

TEST(Threads, SleepingWorkersWakeForWork) {
  Threads team(3);
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // far past the spin
    std::atomic<int> done{0};
    team.run(3, [&](size_t, int) { ++done; });
    EXPECT_EQ(done, 3);
  }
}

TEST(Threads, CallerSleepsThroughALongTaskOfAWorker) {
  Threads team(2);
  std::atomic<int> done{0};
  team.run(2, [&](size_t, int thread) {
    if (thread == 1) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ++done;
  });
  EXPECT_EQ(done, 2);
}

TEST(Threads, TasksOfOneThreadNeverOverlap) {
  Threads team(4);
  std::vector<int> inside(4, 0);
  team.run(500, [&](size_t, int thread) {
    ASSERT_GE(thread, 0);
    ASSERT_LT(thread, 4);
    EXPECT_EQ(inside[static_cast<size_t>(thread)]++, 0);
    --inside[static_cast<size_t>(thread)];
  });
}

TEST(Threads, ScratchIsAlignedAndGrows) {
  Threads team(1);
  for (const size_t bytes : {1, 63, 4096, 100000, 10}) {
    std::byte* memory = team.scratch(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u);
    memory[bytes - 1] = std::byte{1};
  }
}

TEST(Threads, TeamsEndWhileTheirWorkersSleepOrSpin) {
  for (int i = 0; i < 50; ++i) {
    Threads team(3);
    if (i % 2 == 0) team.run(3, [](size_t, int) {});
  }
}

}  // namespace
}  // namespace strata::compute
