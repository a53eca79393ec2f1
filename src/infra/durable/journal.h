// The journal as a class whose parts lie in two files: journal.cc has its threads, calls.cc what others ask of it. Only this folder
// includes it.
//
// Invariants: (1) a job is in running_ exactly from the commit of its claim to the commit of its end, both under the store's writer,
// so that a cancel, which takes the writer too, sees it either in running_ or in its row; (2) only the owner named in the row writes
// steps, events, renewals and ends; (3) no lock of ours is held while the store is called; (4) a thread runs jobs of its lane only: the
// shared lane's kinds, or one kind that was given threads of its own.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "base/check.h"
#include "base/random.h"
#include "infra/durable/run.h"

namespace strata::durable {

class StoreJournal : public Journal {
 public:
  StoreJournal(store::Store& store, const Clock& clock, Options options) : store_(store), clock_(clock), options_(options), owner_(make_id("own")) {}
  ~StoreJournal() override { stop(); }

  void register_kind(std::string kind, Worker worker, Moved moved, int threads) override {
    CHECK(threads_.empty() && threads >= 0);
    lanes_[threads == 0 ? "" : kind].kinds.push_back(kind);
    if (threads > 0) lanes_[kind].threads = threads;
    CHECK(kinds_.emplace(std::move(kind), Kind{std::move(worker), std::move(moved), nullptr}).second);
  }
  void on_prune(const std::string& kind, Pruned pruned) override {
    CHECK(threads_.empty());
    kinds_.at(kind).pruned = std::move(pruned);
  }
  void start() override;
  void stop() override;

  Result<Job> submit(const Context& context, std::string kind, Json input, std::string key) override;
  Result<Job> submit_in(store::Transaction& transaction, std::string kind, Json input, std::string key, const Principal& principal) override {
    return submit_as(transaction, principal, kind, input, key);
  }
  Result<Job> get(const Context& context, const std::string& id) override;
  Result<std::vector<Job>> list(const Context& context, std::string kind, int limit) override;
  Status cancel(const Context& context, const std::string& id) override;
  Status retry(const Context& context, const std::string& id) override;
  Result<Job> wait(const Context& context, const std::string& id) override;
  Result<int64_t> prune(const Context& context, int64_t before_ms) override;
  Status signal(const Context& context, const std::string& id, std::vector<Event> events, Wake wake) override;
  Status signal_in(store::Transaction& transaction, const std::string& id, std::vector<Event> events, Wake wake) override;
  Result<std::vector<Event>> events(const Context& context, const std::string& id, int64_t after, int limit, size_t bytes_most) override;
  Result<std::vector<FoundEvent>> search_events(const Context& context, const Search& search, int limit) override;

  uint64_t on_change(std::function<void(const Job&)> watcher) override {
    std::unique_lock lock(watchers_mutex_);
    watchers_.emplace(++watcher_last_, std::move(watcher));
    return watcher_last_;
  }
  uint64_t on_events(std::function<void(const std::string&)> watcher) override {
    std::unique_lock lock(watchers_mutex_);
    event_watchers_.emplace(++watcher_last_, std::move(watcher));
    return watcher_last_;
  }
  void remove_watcher(uint64_t watcher) override {
    std::unique_lock lock(watchers_mutex_);
    watchers_.erase(watcher);
    event_watchers_.erase(watcher);
  }

 private:
  struct Kind {
    Worker worker;
    Moved moved;
    Pruned pruned;
  };
  Result<Job> submit_as(store::Transaction& transaction, const Principal& principal, const std::string& kind, const Json& input, const std::string& key);
  struct Lane {
    std::vector<std::string> kinds;
    int threads = 0;
    bool watched = false;        // one of its idle threads looks for jobs whose pause is over, for all; guarded by mutex_
  };
  void work(Lane& lane);
  void rest(Lane& lane, uint64_t* seen);
  bool any_due(const Lane& lane);
  std::shared_ptr<JobRun> claim(const Lane& lane);
  using Due = std::map<std::string, int64_t>;   // kind → its first due job's sequence
  Result<Due> due_of(const Lane& lane, store::Reader& reader);
  Status claim_in(const Lane& lane, store::Transaction& transaction, std::shared_ptr<JobRun>& run);
  void wake_sleepers();
  void grown(const std::string& job_id);
  void execute(const std::shared_ptr<JobRun>& run);
  End end_of(const JobRun& run, const Result<Json>& result);
  void beat();
  void beat_once();
  Status moved(store::Transaction& transaction, const std::string& id);
  void changed(const Job& job);
  std::shared_ptr<JobRun> find_run(const std::string& id);
  void overlay(Job& job);

  store::Store& store_;
  const Clock& clock_;
  const Options options_;
  const std::string owner_;
  std::map<std::string, Kind> kinds_;  // fixed once started, as are the lanes
  std::map<std::string, Lane> lanes_;  // "" is the shared one
  std::vector<std::thread> threads_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  uint64_t changes_ = 0;     // of any job, so that no wake-up of wait() is lost
  uint64_t queued_ = 0;      // jobs that became queued, so that no wake-up of a worker is lost
  bool stopping_ = false;
  int64_t wake_ms_ = 0;      // no waiting job's time is over before; 0: look
  bool orphans_ = false;     // a job's end could not be recorded: its lease must run out
  std::map<std::string, std::shared_ptr<JobRun>> running_;

  std::shared_mutex watchers_mutex_;
  std::map<uint64_t, std::function<void(const Job&)>> watchers_;
  std::map<uint64_t, std::function<void(const std::string&)>> event_watchers_;
  uint64_t watcher_last_ = 0;
};

}  // namespace strata::durable
