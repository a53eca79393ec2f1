#include "model/network/low_rank.h"

#include <algorithm>

#include "base/check.h"
#include "model/network/rows.h"

namespace strata::network {

void LowRank::begin(std::span<const Row> rows, bool only_wanted) {
  groups_.clear();
  size_t index = 0;
  for (const Row& row : rows) {
    if (only_wanted && !row.wanted) continue;
    if (row.adapter) {
      auto at = std::find_if(groups_.begin(), groups_.end(), [&](const Group& group) { return group.adapter == row.adapter; });
      if (at == groups_.end()) at = groups_.insert(at, Group{row.adapter, {}});
      at->rows.push_back(index);
    }
    ++index;
  }
}

// The group's rows of x: where they lie together already, or copied to `gathered`, which moves on.
const float* LowRank::rows_of(const Group& group, const float* x, size_t cols, size_t& gathered) {
  const size_t n = group.rows.size();
  if (group.rows.back() - group.rows.front() + 1 == n) return x + group.rows.front() * cols;
  float* out = gathered_.data() + gathered;
  for (size_t i = 0; i < n; ++i) std::copy_n(x + group.rows[i] * cols, cols, out + i * cols);
  gathered += n * cols;
  return out;
}

void LowRank::add(compute::Threads& threads, int layer, std::span<const Target> targets, const float* x, size_t cols) {
  if (groups_.empty()) return;
  size_t all = 0, gathered = 0, low = 0, high = 0;
  for (const Group& group : groups_) all += group.rows.size();
  gathered_.resize(std::max(gathered_.size(), all * cols));
  products_.clear();
  for (const Group& group : groups_) {
    const float* rows = nullptr;
    for (const Target& target : targets) {
      const Adapter::Part* part = group.adapter->part(layer, target.site);
      if (!part) continue;
      CHECK(part->a.cols() == cols && part->b.rows() == target.out);
      if (!rows) rows = rows_of(group, x, cols, gathered);
      products_.push_back({part, &group, &target, rows, low, high});
      low += group.rows.size() * part->a.rows();
      high += group.rows.size() * target.out;
    }
  }
  if (products_.empty()) return;
  low_.resize(std::max(low_.size(), low));
  high_.resize(std::max(high_.size(), high));
  jobs_.clear();
  for (const Product& p : products_) jobs_.push_back({&p.part->a, p.x, p.group->rows.size(), low_.data() + p.low});
  compute::matmul_batch(threads, jobs_);
  jobs_.clear();
  for (const Product& p : products_) jobs_.push_back({&p.part->b, low_.data() + p.low, p.group->rows.size(), high_.data() + p.high});
  compute::matmul_batch(threads, jobs_);
  for (const Product& p : products_) {
    const size_t out = p.target->out;
    for_rows(threads, p.group->rows.size(), out * 2,
             [&](size_t i) { compute::scaled_add(high_.data() + p.high + i * out, p.part->scale, p.target->y + p.group->rows[i] * out, out); });
  }
}

}  // namespace strata::network
