// Runs a blocking job once a day, on a thread of its own; the first time a day after it was made.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace strata::app {

class Daily {
 public:
  explicit Daily(std::function<void()> job) : job_(std::move(job)), thread_([this] { run(); }) {}
  // Waits for a job that runs now.
  ~Daily() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::hours(24), [this] { return stopping_; })) {
      lock.unlock();
      job_();
      lock.lock();
    }
  }
  const std::function<void()> job_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace strata::app
