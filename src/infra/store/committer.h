// Group commit: callers hand in their work and sleep; one thread takes all that wait and writes them together. Only this folder includes it.
//
// WHY a pause before writing: after a commit all its callers wake at about the same time, and the first of them would else get a
// commit of its own while the others wait for the next. So where the last batch had company, the thread waits for as many again,
// at most kGatherUs. THREADS: safe; the thread starts with the first request.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "infra/store/store.h"

namespace strata::store {

inline constexpr int kGatherUs = 300;       // about a tenth of an fsync of a slow disk, a third of a fast one's
inline constexpr size_t kBatchMost = 256;   // works in one transaction: bounds how long a write() waits behind it

class Committer {
 public:
  struct Request {
    const Context& context;
    const std::function<Status(Transaction&)>& work;
    Status status = {};
    bool done = false;
    std::condition_variable wake = {};
  };
  using Write = std::function<void(const std::vector<Request*>&)>;   // sets each status

  explicit Committer(Write write) : write_(std::move(write)) {}
  ~Committer();
  Status commit(const Context& context, const std::function<Status(Transaction&)>& work);

 private:
  void run();
  const Write write_;
  std::mutex mutex_;   // guards what follows
  std::condition_variable arrived_;
  std::vector<Request*> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace strata::store
