// Meter: tokens per second over the last 10 seconds of work (idle time does not count). THREADS: one at a time.
#pragma once

#include <cstdint>
#include <deque>

namespace strata::engine {

class Meter {
 public:
  // A step of `seconds` that ran so many rows; the time is shared between the kinds by rows.
  void add(double seconds, int decode_rows, int prefill_rows) {
    const int rows = decode_rows + prefill_rows;
    if (rows == 0) return;
    const double decode_seconds = seconds * decode_rows / rows;
    decode_.add(decode_seconds, decode_rows);
    prefill_.add(seconds - decode_seconds, prefill_rows);
  }
  double decode_per_s() const { return decode_.per_s(); }
  double prefill_per_s() const { return prefill_.per_s(); }

 private:
  static constexpr double kWindowSeconds = 10;

  class Window {
   public:
    void add(double seconds, int tokens) {
      if (tokens == 0) return;
      entries_.push_back({seconds, tokens});
      seconds_ += seconds;
      tokens_ += tokens;
      while (entries_.size() > 1 && seconds_ - entries_.front().seconds > kWindowSeconds) {
        seconds_ -= entries_.front().seconds;
        tokens_ -= entries_.front().tokens;
        entries_.pop_front();
      }
    }
    double per_s() const { return seconds_ > 0 ? static_cast<double>(tokens_) / seconds_ : 0; }

   private:
    struct Entry {
      double seconds;
      int tokens;
    };
    std::deque<Entry> entries_;
    double seconds_ = 0;
    int64_t tokens_ = 0;
  };
  Window decode_, prefill_;
};

}  // namespace strata::engine
