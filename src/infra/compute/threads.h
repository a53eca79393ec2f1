// A fixed team of threads that shares out numbered tasks. Part of infra/compute/compute.h; include that.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace strata::compute {

// run() calls task(i, thread) once for each i in [0, count) on the team and the caller, and returns when all are done. Tasks are
// taken one by one, in ascending order, by whoever is free, so a busy neighbour slows us in proportion: a worker that the system
// does not schedule takes no task, and nobody waits for it. Workers spin for some tens of microseconds after their last task, then
// sleep.
// THREADS: one run() at a time, never from inside a task; the engine's thread owns the team. What tasks wrote is visible to the
// caller when run() returns.
class Threads {
 public:
  explicit Threads(int count);  // REQUIRES: count >= 1; the caller counts as one
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  int count() const;
  // `thread` is in [0, count()): the caller is 0. Tasks of one run with the same `thread` never overlap.
  void run(size_t count, const std::function<void(size_t task, int thread)>& task);

  // Working memory that the kernels share: at least `bytes`, aligned to 64, undefined content, valid until the next call. Taken by
  // every matmul and attention call, so a caller cannot keep anything there across them.
  std::byte* scratch(size_t bytes);

 private:
  struct Team;
  std::unique_ptr<Team> team_;
};

}  // namespace strata::compute
