#include "model/network/low_rank.h"

#include <algorithm>

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

std::span<const compute::MatmulLowRank> LowRank::parts(int layer, std::span<const Adapter::Site> sites) {
  parts_.clear();
  for (const Group& group : groups_) {
    for (size_t i = 0; i < sites.size(); ++i) {
      const Adapter::Part* part = group.adapter->part(layer, sites[i]);
      if (part) parts_.push_back({.target = i, .a = &part->a, .b = &part->b, .scale = part->scale, .rows = group.rows});
    }
  }
  return parts_;
}

}  // namespace strata::network
