// One job being run: its recorded steps, its progress, its cancel flag. Only this folder includes it.
//
// THREADS: what a worker calls (Run) from its thread; the rest from any.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>

#include "infra/durable/rows.h"

namespace strata::durable {

class JobRun : public Run {
 public:
  JobRun(store::Store& store, const Clock& clock, std::string owner, Claim claim, int64_t lease_until_ms, std::function<void(const Job&)> changed,
         std::function<void(const std::string&)> grown, std::shared_ptr<SpanSink> spans);

  const Job& job() const override { return claim_.job; }
  const Context& context() const override { return current_; }   // of the step that runs, in its span
  Result<Json> step(const std::string& name, const std::function<Result<Json>()>& work) override;
  Result<Json> transact(const std::string& name, const std::function<Result<Json>(store::Transaction&)>& work) override;
  void progress(int64_t done, int64_t total, std::string note) override;
  Result<std::vector<Event>> events() override;
  Result<std::vector<Event>> append(std::vector<Event> events, const Also& also, bool* added) override;
  Result<std::vector<Event>> news() override;
  void on_news(std::function<void()> heard) override;
  void park(int64_t until_ms) override { park_until_ms_ = std::max<int64_t>(0, until_ms); }

  std::optional<int64_t> parked_until() const { return park_until_ms_; }   // once the worker returned
  int64_t events_seen() const { return seen_; }
  Job snapshot() const;             // with the progress so far
  // Begins of the step that comes next, this one included.
  int strikes() const { return recorded_ ? 1 : claim_.strikes; }

  void ask_cancel();                // by a person
  void interrupt();                 // we stop
  void signalled();                 // somebody has added to its log
  void ended(const Result<Json>& result);   // the worker returned
  void lose();                      // another has the lease
  bool cancel_asked() const { return cancel_asked_; }
  bool lost() const { return lost_; }

  // For the heartbeat: whether a renewal is due, and that it was done.
  bool renewal_due(int64_t now_ms, int64_t lease_ms) const;
  void renewed(int64_t lease_until_ms);

 private:
  Result<std::string> dumped(const std::string& name, const Json& result) const;

  store::Store& store_;
  const Clock& clock_;
  const std::string owner_;
  Claim claim_;                     // steps: added to by the worker's thread only
  std::function<void(const Job&)> changed_;
  std::function<void(const std::string&)> grown_;
  Span span_;                       // the worker's thread
  const Context context_;
  Context current_;                 // the worker's thread
  int64_t seen_ = 0;                // events; the worker's thread only
  std::optional<int64_t> park_until_ms_;
  std::atomic<bool> recorded_{false}, cancel_asked_{false}, lost_{false};
  mutable std::mutex mutex_;        // guards what follows
  int64_t done_, total_;
  std::string note_;
  bool dirty_ = false;
  int64_t lease_until_ms_;
  std::mutex heard_mutex_;          // guards what follows, also while it is called
  std::function<void()> heard_;
};

}  // namespace strata::durable
