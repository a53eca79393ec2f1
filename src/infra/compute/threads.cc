// The state of a run is one 64-bit word: the run's number in the upper half, the tasks not yet taken in the lower. Taking a task is
// one compare-and-swap that fails where the run has changed, so a worker that wakes late can never take a task of a run that it has
// not seen. After a successful take the run cannot end before this task does, so `task` and `count` are stable until then.
#include "infra/compute/threads.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "base/check.h"

namespace strata::compute {
namespace {

// WHY: longer than the serial pieces between two kernels of a decode step (a few microseconds), far shorter than a time slice.
constexpr auto kSpin = std::chrono::microseconds(40);
constexpr uint64_t kTasksMask = 0xffffffff;

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// True as soon as ready() is, false after kSpin without it.
template <class Ready>
bool spin_until(Ready ready) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 16; ++i) {
      if (ready()) return true;
      pause_cpu();
    }
  } while (std::chrono::steady_clock::now() < end);
  return ready();
}

struct FreeBytes {
  void operator()(std::byte* bytes) const { std::free(bytes); }
};

}  // namespace

struct Threads::Team {
  std::atomic<uint64_t> state{0};        // (run << 32) | tasks not yet taken
  std::atomic<uint64_t> done{0};         // tasks finished in this run
  std::atomic<int> sleepers{0};          // workers inside, or about to enter, wake.wait
  std::atomic<bool> caller_sleeps{false};
  std::atomic<bool> stop{false};
  const std::function<void(size_t, int)>* task = nullptr;  // of the current run
  size_t count = 0;
  std::mutex mutex;
  std::condition_variable wake;      // workers: there is work, or the end
  std::condition_variable finished;  // the caller: all tasks are done
  std::vector<std::thread> workers;
  std::unique_ptr<std::byte, FreeBytes> scratch;
  size_t scratch_bytes = 0;

  bool has_work() const { return (state.load() & kTasksMask) != 0; }

  // Takes and runs tasks until none is left.
  void help(int thread) {
    uint64_t seen = state.load();
    while ((seen & kTasksMask) != 0) {
      if (!state.compare_exchange_weak(seen, seen - 1)) continue;
      const size_t total = count;
      (*task)(total - static_cast<size_t>(seen & kTasksMask), thread);
      // The last increment releases the caller, who may start the next run: nothing of this run is touched after it.
      if (done.fetch_add(1) + 1 == total && caller_sleeps.load()) {
        const std::lock_guard lock(mutex);
        finished.notify_one();
      }
      seen = state.load();
    }
  }

  void work(int thread) {
    while (!stop.load()) {
      help(thread);
      if (spin_until([&] { return has_work() || stop.load(); })) continue;
      std::unique_lock lock(mutex);
      sleepers.fetch_add(1);
      wake.wait(lock, [&] { return has_work() || stop.load(); });
      sleepers.fetch_sub(1);
    }
  }

  // WHY the order: run() first publishes work, then reads `sleepers`; a worker first counts itself, then looks for work. One of the
  // two sees the other (both sequentially consistent), so no wake-up is lost.
  void wake_sleepers() {
    if (sleepers.load() == 0) return;
    { const std::lock_guard lock(mutex); }
    wake.notify_all();
  }
};

Threads::Threads(int count) : team_(std::make_unique<Team>()) {
  CHECK(count >= 1);
  team_->workers.reserve(static_cast<size_t>(count) - 1);
  for (int i = 1; i < count; ++i) team_->workers.emplace_back([team = team_.get(), i] { team->work(i); });
}

Threads::~Threads() {
  team_->stop.store(true);
  team_->wake_sleepers();
  for (std::thread& worker : team_->workers) worker.join();
}

int Threads::count() const { return static_cast<int>(team_->workers.size()) + 1; }

void Threads::run(size_t count, const std::function<void(size_t task, int thread)>& task) {
  if (count == 0) return;
  CHECK(count <= kTasksMask);
  if (count == 1 || team_->workers.empty()) {
    for (size_t i = 0; i < count; ++i) task(i, 0);
    return;
  }
  Team& team = *team_;
  team.task = &task;
  team.count = count;
  team.done.store(0);
  const uint64_t run = (team.state.load() >> 32) + 1;
  team.state.store((run << 32) | count);
  team.wake_sleepers();
  team.help(0);
  auto all_done = [&] { return team.done.load() == count; };
  if (spin_until(all_done)) return;
  std::unique_lock lock(team.mutex);
  team.caller_sleeps.store(true);
  team.finished.wait(lock, all_done);
  team.caller_sleeps.store(false);
}

std::byte* Threads::scratch(size_t bytes) {
  if (bytes <= team_->scratch_bytes) return team_->scratch.get();
  const size_t size = (bytes + bytes / 4 + 63) / 64 * 64;  // a quarter more, so that slowly growing prompts do not allocate each time
  team_->scratch.reset();
  team_->scratch.reset(static_cast<std::byte*>(std::aligned_alloc(64, size)));
  CHECK(team_->scratch != nullptr);
  team_->scratch_bytes = size;
  return team_->scratch.get();
}

}  // namespace strata::compute
