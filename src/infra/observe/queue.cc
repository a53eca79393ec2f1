#include "infra/observe/queue.h"

#include <chrono>

namespace strata::observe {
namespace {

using std::chrono::milliseconds;

// How long spans gather before they are stored. One commit for all of them costs less than one each; nobody looks sooner than this
// without flush().
constexpr auto kGather = milliseconds(250);
constexpr size_t kBatch = 2'000;

}  // namespace

void Queue::take(SpanData span) {
  const size_t bytes = span.bytes();
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    taken_.fetch_add(1, std::memory_order_relaxed);
    if (stopping_ || spans_.size() >= spans_max_ || bytes_ + bytes > bytes_max_) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    wake = spans_.empty() || spans_.size() + 1 == kBatch;
    bytes_ += bytes;
    ++entered_;
    spans_.push_back(std::move(span));
  }
  if (wake) wake_.notify_one();
}

std::vector<SpanData> Queue::gather(int64_t idle_ms) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, milliseconds(idle_ms), [&] { return stopping_ || hurry_ || !spans_.empty(); });
  if (!stopping_ && !hurry_ && !spans_.empty()) wake_.wait_for(lock, kGather, [&] { return stopping_ || hurry_ || spans_.size() >= kBatch; });
  hurry_ = false;
  bytes_ = 0;
  std::vector<SpanData> out;
  out.swap(spans_);
  return out;
}

void Queue::done(size_t count) {
  std::lock_guard lock(mutex_);
  left_ += count;
  progress_.notify_all();
}

void Queue::hurry() {
  std::lock_guard lock(mutex_);
  hurry_ = true;
  wake_.notify_one();
}

bool Queue::wait_until_done(int64_t ms) {
  std::unique_lock lock(mutex_);
  const uint64_t until = entered_;
  if (left_ >= until) return true;
  hurry_ = true;
  wake_.notify_one();
  return progress_.wait_for(lock, milliseconds(ms), [&] { return left_ >= until; });
}

void Queue::stop() {
  std::lock_guard lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
}

bool Queue::stopped() const {
  std::lock_guard lock(mutex_);
  return stopping_;
}

uint64_t Queue::queued() const {
  std::lock_guard lock(mutex_);
  return spans_.size();
}

}  // namespace strata::observe
