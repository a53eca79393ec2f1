#include "infra/store/committer.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"

namespace strata::store {

Committer::~Committer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Status Committer::commit(const Context& context, const std::function<Status(Transaction&)>& work) {
  Request request{context, work};
  std::unique_lock lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  CHECK(thread_.get_id() != std::this_thread::get_id());   // inside a work it would wait for itself
  waiting_.push_back(&request);
  arrived_.notify_one();
  request.wake.wait(lock, [&] { return request.done; });
  return std::move(request.status);
}

void Committer::run() {
  size_t last = 1;
  std::unique_lock lock(mutex_);
  for (;;) {
    arrived_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    if (last > 1) {
      auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(kGatherUs);
      arrived_.wait_until(lock, until, [&] { return stopping_ || waiting_.size() >= last; });
    }
    size_t count = std::min(waiting_.size(), kBatchMost);
    std::vector<Request*> batch(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
    last = std::max<size_t>(count, 1);
    lock.unlock();
    write_(batch);
    lock.lock();
    for (Request* request : batch) {
      request->done = true;
      request->wake.notify_one();
    }
  }
}

}  // namespace strata::store
