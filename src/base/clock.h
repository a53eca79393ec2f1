// Time and randomness come in through these two interfaces, so that every test is repeatable.
#pragma once

#include <cstdint>
#include <string>

namespace strata {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t unix_ms() const = 0;       // UNITS: milliseconds since 1970, for what is stored and shown
  virtual int64_t monotonic_ns() const = 0;  // UNITS: nanoseconds since an arbitrary start, for deadlines and durations
};

// The machine's clock. Lives as long as the process.
const Clock& system_clock();

// A clock that moves only when told to. THREADS: not safe; for tests of one thread.
class ManualClock : public Clock {
 public:
  explicit ManualClock(int64_t unix_ms = 1'700'000'000'000) : unix_ms_(unix_ms) {}
  int64_t unix_ms() const override { return unix_ms_; }
  int64_t monotonic_ns() const override { return monotonic_ns_; }
  void advance_ms(int64_t ms) {
    unix_ms_ += ms;
    monotonic_ns_ += ms * 1'000'000;
  }

 private:
  int64_t unix_ms_;
  int64_t monotonic_ns_ = 0;
};

// "2026-11-22T05:13:00.123Z"
std::string iso8601(int64_t unix_ms);

}  // namespace strata
