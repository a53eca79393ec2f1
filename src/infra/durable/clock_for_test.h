// A clock for tests whose threads share it: it moves only when told to, and can tell of each look at it.
#pragma once

#include <atomic>
#include <functional>

#include "base/clock.h"

namespace strata::durable {

class SharedClock : public Clock {
 public:
  int64_t unix_ms() const override {
    if (on_look) on_look();
    return now_ms_;
  }
  int64_t monotonic_ns() const override { return now_ms_ * 1'000'000; }
  void advance_ms(int64_t ms) { now_ms_ += ms; }
  void set_ms(int64_t ms) { now_ms_ = ms; }
  std::function<void()> on_look;   // set before any thread looks; called on the thread that does

 private:
  std::atomic<int64_t> now_ms_{1'700'000'000'000};
};

}  // namespace strata::durable
