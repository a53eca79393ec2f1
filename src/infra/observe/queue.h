// The bounded queue between those who end spans and the writer. Only this folder includes it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "base/span.h"

namespace strata::observe {

class Queue : public SpanSink {
 public:
  Queue(size_t spans_max, size_t bytes_max) : spans_max_(spans_max), bytes_max_(bytes_max) {}

  void take(SpanData span) override;
  bool keeps_content() const override { return content_.load(std::memory_order_relaxed); }
  void set_content(bool wanted) { content_.store(wanted, std::memory_order_relaxed); }

  // Waits until there is something (gathering for a moment, so that a batch is worth a commit), or somebody hurries or stops it.
  // Empty: stopped, and nothing is left; or `idle_ms` went by.
  std::vector<SpanData> gather(int64_t idle_ms);
  void done(size_t count);       // the gathered ones were dealt with
  void hurry();
  bool wait_until_done(int64_t ms);   // everything taken before the call
  void stop();                   // from now on take() drops
  bool stopped() const;

  uint64_t taken() const { return taken_.load(); }
  uint64_t dropped() const { return dropped_.load(); }
  void count_dropped(uint64_t count) { dropped_ += count; }
  uint64_t queued() const;

 private:
  const size_t spans_max_, bytes_max_;
  std::atomic<bool> content_{false};
  std::atomic<uint64_t> taken_{0}, dropped_{0};
  mutable std::mutex mutex_;
  std::condition_variable wake_, progress_;
  std::vector<SpanData> spans_;
  size_t bytes_ = 0;
  uint64_t entered_ = 0, left_ = 0;
  bool stopping_ = false, hurry_ = false;
};

}  // namespace strata::observe
