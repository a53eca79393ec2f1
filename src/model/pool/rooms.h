// The pool's bookkeeping: which model is in memory, who uses it, who waits. Inside model/pool only.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "model/pool/pool.h"

namespace strata::pool {

class Lease;
using LeasePtr = std::shared_ptr<Lease>;

// Called once, outside the lock: with a lease, or why there is none.
struct Waiter {
  std::function<void(Result<LeasePtr>)> ready;
  bool blocks = false;
};

struct Slot {
  Model model;
  std::shared_ptr<const model::ModelInfo> info;
  std::vector<std::string> aliases;
  State state = State::kOnDisk;
  bool draining = false;               // loaded, and gives no lease any more
  int leases = 0;
  uint64_t last_used = 0;              // the pool's count of uses
  model::LanguageModel* loaded = nullptr;
  std::deque<Waiter> waiting;
  std::string problem;
};

struct Pool::Impl : std::enable_shared_from_this<Pool::Impl> {
  Options options;
  std::map<std::string, size_t> names; // → slots; fixed once made

  mutable std::mutex mutex;            // guards what follows
  std::vector<Slot> slots;             // never grows once made
  std::deque<size_t> wanted;           // to be loaded, in order
  uint64_t used = 0, uses = 0;
  int waiting = 0, blocking = 0;
  bool stopping = false;
  std::condition_variable changed;     // for the thread: something is wanted, or a lease ended
  std::thread thread;

  // A lease at once where the model is in memory and stays; else nullptr. REQUIRES: mutex held.
  LeasePtr lease(size_t slot);
  // Calls `waiter` as soon as there is a lease, maybe at once. An error where no more may wait: then it is not called.
  Status wait(size_t slot, Waiter waiter);
  void released(size_t slot);

  void run();                          // the thread
  void bring(std::unique_lock<std::mutex>& lock, size_t slot);
  bool make_room(std::unique_lock<std::mutex>& lock, uint64_t need);
  void unload(std::unique_lock<std::mutex>& lock, size_t slot);
  void serve(std::unique_lock<std::mutex>& lock, size_t slot, const Error* error);
  size_t least_recent(bool idle) const;
  Status check_fits(size_t slot) const;
};

// As long as one lives, its model stays in memory.
class Lease {
 public:
  Lease(std::shared_ptr<Pool::Impl> pool, size_t slot, model::LanguageModel* model);
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  model::LanguageModel& model() const { return *model_; }

 private:
  std::shared_ptr<Pool::Impl> pool_;
  const size_t slot_;
  model::LanguageModel* const model_;
};

// What find() gives.
std::shared_ptr<model::LanguageModel> make_session(std::shared_ptr<Pool::Impl> pool, size_t slot, std::shared_ptr<const model::ModelInfo> info);

}  // namespace strata::pool
