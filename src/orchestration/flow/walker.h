// The worker of a run, as a class whose parts lie in two files: engine.cc walks and does effects, steps.cc has the steps that only
// think, and what a person is asked. Only this folder includes it.
#pragma once

#include <condition_variable>
#include <deque>
#include <iterator>
#include <list>
#include <mutex>
#include <set>
#include <thread>

#include "orchestration/flow/effects.h"

namespace strata::flow {

using durable::Event;

inline Event event(std::string kind, std::string name, Json data, bool decision = false) {
  return {.kind = std::move(kind), .name = std::move(name), .data = std::move(data), .decision = decision};
}

// What one step adds to the log, with the rows that change in the same transaction.
struct News {
  std::vector<Event> events;
  std::vector<durable::Run::Also> also;
  size_t bytes = 0;   // of the events' data, at most; set by Walker::fitting
  void add(Event one) { events.push_back(std::move(one)); }
  void join(News other) {
    bytes += other.bytes;
    std::move(other.events.begin(), other.events.end(), std::back_inserter(events));
    std::move(other.also.begin(), other.also.end(), std::back_inserter(also));
  }
};

class Walker {
 public:
  Walker(Flows::Core& core, durable::Run& job)
      : core_(core), job_(job), id_(job.job().id), machine_([this](const std::string& name, int version) { return core_.definition(name, version); }) {
    machine_.set_run_id(id_);
    job_.on_news([this] {
      std::lock_guard lock(mutex_);
      called_ = true;
      arrived_.notify_one();
    });
  }
  ~Walker() {
    job_.on_news(nullptr);
    for (auto& thread : threads_)
      if (thread.joinable()) thread.join();
  }
  Result<Json> walk();

 private:
  // With `added`, news made from the log as the machine knows it: where something came meanwhile they are not written, and *added is false.
  Status record(News news, bool* added = nullptr);
  Status take_in(const std::vector<Event>& events);
  Status close_left();
  Result<bool> advance();
  Result<bool> act(const std::vector<Due>& due);
  Status over_limits(News& news) const;
  bool is_effect(const Frame& frame) const;
  int at_once(const Frame& frame) const;
  Status launch(const Frame& frame, bool alone);
  Result<bool> take_outcome();
  Status listen();
  // The news, or why the step fails: an event holds at most durable::kResultBytesMax.
  News fitting(const Frame& frame, News news) const;
  News result_too_large(const Work& work, Json data, size_t bytes);
  News news_of(Outcome outcome);
  News failed(const Work& work, const Error& error, int64_t ms);
  News unclear(const Work& work, const std::string& why);
  News ask_first(const Work& work, const std::string& why);
  News final_failure(const Frame& frame, const Error& error) const;

  Result<News> pure(const Due& due);
  Result<News> begin_step(const Frame& frame);
  Result<News> end_step(const Frame& frame);
  Result<News> condition(const Frame& frame);
  Result<News> set(const Frame& frame);
  Result<News> record_step(const Frame& frame);
  Result<News> open(const Frame& frame);
  Status room_for(size_t frames);
  Result<Driver*> driver_of(const Frame& frame) const;
  Result<News> begin_driven(const Frame& frame);
  Result<News> drive(const Frame& frame);
  Result<News> begin_wait(const Frame& frame);
  Result<News> ask(const Frame& frame);
  News asking(Approval row);
  News decided(const Frame& frame);
  Result<News> deadline(const Frame& frame);
  News lost_effect(const Frame& frame);
  News finished(const Frame& frame, Json output, Json more = Json::object()) const;

  int64_t now() const { return core_.clock.unix_ms(); }

  Flows::Core& core_;
  durable::Run& job_;
  const std::string id_;
  Machine machine_;
  std::set<int64_t> in_flight_;
  std::list<std::thread> threads_;
  size_t opening_ = 0;   // frames that the news being made will add
  int64_t told_ms_ = 0;

  struct Arrived {
    Outcome outcome;
    std::list<std::thread>::iterator thread;
  };
  std::mutex mutex_;   // guards what follows
  std::condition_variable arrived_;
  std::deque<Arrived> outcomes_;
  bool called_ = false;   // somebody has added to the log
};

}  // namespace strata::flow
