// Context: passed first to everything that can wait, cost or fail. Who asks, until when, and whether they still want it.
//
// A cheap value (one shared pointer); children narrow it and never widen it. A client that hangs up cancels the decode loop
// through it; no layer invents its own deadline or cancellation.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace strata {

struct SpanScope;   // span.h

// Who asks. In local mode there is one administrator, "local".
struct Principal {
  std::string tenant = "local";
  std::string user = "local";
  std::string key_id;                        // the API key used; empty for the web app's own session
  std::vector<std::string> roles = {"admin"};
};

// A flag that anyone may raise and many may watch. THREADS: safe.
class CancelFlag {
 public:
  void raise() { raised_.store(true, std::memory_order_release); }
  bool raised() const { return raised_.load(std::memory_order_acquire); }

 private:
  std::atomic<bool> raised_{false};
};

class Context {
 public:
  // No deadline, never cancelled, the local administrator: for start-up, the command line and tests.
  static Context background(const Clock& clock = system_clock());
  static Context make(const Clock& clock, Principal principal, std::string request_id, std::shared_ptr<CancelFlag> cancel);

  // A child whose deadline is the earlier of this one's and now + ms.
  Context with_timeout_ms(int64_t ms) const;

  // A child whose work belongs to this span (span.h); null: to none.
  Context with_span(std::shared_ptr<const SpanScope> span) const;
  const std::shared_ptr<const SpanScope>& span() const { return state_->span; }

  // Ok, or kCancelled, or kDeadlineExceeded. COST: a few nanoseconds and one clock read.
  Status check() const;
  bool cancelled() const { return state_->cancel->raised(); }
  void cancel() const { state_->cancel->raise(); }
  int64_t remaining_ms() const;  // INT64_MAX without a deadline, 0 once it passed

  const Principal& principal() const { return state_->principal; }
  const std::string& request_id() const { return state_->request_id; }
  const Clock& clock() const { return *state_->clock; }
  std::shared_ptr<const CancelFlag> cancel_flag() const { return state_->cancel; }

 private:
  struct State {
    const Clock* clock;
    Principal principal;
    std::string request_id;
    std::shared_ptr<CancelFlag> cancel;
    int64_t deadline_ns = INT64_MAX;
    std::shared_ptr<const SpanScope> span = nullptr;
  };
  explicit Context(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace strata
