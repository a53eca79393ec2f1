#include "model/network/planes.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "model/network/rows.h"

namespace strata::network {
namespace {

constexpr size_t kBlock = 32;   // values that share a scale in compute::matmul

// hi is what compute::matmul will make of x, so that it takes hi without further loss.
void split_row(const float* x, size_t cols, float* hi, float* lo) {
  for (size_t at = 0; at < cols; at += kBlock) {
    float greatest = 0;
    for (size_t i = at; i < at + kBlock; ++i) greatest = std::max(greatest, std::fabs(x[i]));
    const float scale = greatest / 127, inverse = greatest > 0 ? 127 / greatest : 0;
    for (size_t i = at; i < at + kBlock; ++i) {
      hi[i] = std::nearbyint(x[i] * inverse) * scale;
      lo[i] = x[i] - hi[i];
    }
  }
}

}  // namespace

void Planes::multiply(compute::Threads& threads, std::span<const compute::MatmulTarget> targets, const float* x, size_t n) {
  if (std::none_of(targets.begin(), targets.end(), [](const auto& target) { return rounds_input(*target.w); })) {
    return compute::matmul_group(threads, targets, x, n);
  }
  const size_t cols = targets.front().w->cols();
  CHECK(cols % kBlock == 0);
  split_.resize(std::max(split_.size(), 2 * n * cols));
  for_rows(threads, n, cols * 4, [&](size_t i) { split_row(x + i * cols, cols, split_.data() + i * cols, split_.data() + (n + i) * cols); });
  compute::matmul_group(threads, targets, split_.data(), 2 * n);
  for (const compute::MatmulTarget& target : targets) {
    const size_t rows = target.w->rows();
    for_rows(threads, n, rows, [&](size_t i) { compute::add(target.y + i * rows, target.y + (n + i) * rows, target.y + i * rows, rows); });
  }
}

}  // namespace strata::network
