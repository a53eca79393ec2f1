// One thread that runs small blocking jobs in order (storing what a stream has finished), so that neither the engine's nor the network
// thread waits for a disk.
// WHY not infra/http's WorkerPool: that one runs many at once, refuses what is too much, and drops what waits when it stops, as is right
// for requests. What is posted here has been promised to a client: it keeps its order, is never refused, and is done before the end.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace strata::app {

class Background {
 public:
  Background() : thread_([this] { run(); }) {}
  // Ends what is queued, then returns.
  ~Background() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  // Returns once what was posted before is done.
  void drain() {
    std::unique_lock lock(mutex_);
    const uint64_t last = posted_;
    done_.wait(lock, [&] { return finished_ >= last; });
  }
  // The queue is bounded by what feeds it: one job per finished request, and requests are bounded by the server and the engine.
  void post(std::function<void()> job) {
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
      ++posted_;
    }
    wake_.notify_one();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      job = nullptr;
      lock.lock();
      ++finished_;
      done_.notify_all();
    }
  }
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::deque<std::function<void()>> jobs_;
  uint64_t posted_ = 0, finished_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace strata::app
