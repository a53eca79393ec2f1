// Work on many rows, shared out where it is worth it.
#pragma once

#include <algorithm>
#include <cstddef>

#include "infra/compute/compute.h"

namespace strata::network {

// Calls f(row) for each row: on the caller where the work is too small to be worth waking others for.
template <class F>
void for_rows(compute::Threads& threads, size_t rows, size_t values_per_row, F f) {
  // UNITS: values. Some 20 µs of work on one core, several times what it takes to hand tasks out.
  constexpr size_t kTaskValues = 1 << 15;
  const size_t rows_per_task = std::max<size_t>(1, kTaskValues / std::max<size_t>(1, values_per_row));
  const size_t tasks = (rows + rows_per_task - 1) / rows_per_task;
  if (tasks <= 1) {
    for (size_t i = 0; i < rows; ++i) f(i);
    return;
  }
  threads.run(tasks, [&](size_t task, int) {
    const size_t end = std::min(rows, (task + 1) * rows_per_task);
    for (size_t i = task * rows_per_task; i < end; ++i) f(i);
  });
}

}  // namespace strata::network
