// What adapters add to the linear layers of one step: rows are grouped by adapter, and each group's low-rank products become parts of the base's
// own product (compute::MatmulLowRank), so that any number of adapters costs no wait of the threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "infra/compute/compute.h"
#include "model/network/network.h"

namespace strata::network {

class LowRank {
 public:
  // Groups the rows that follow: of all, or only those that are wanted, moved together.
  void begin(std::span<const Row> rows, bool only_wanted);

  // The parts of a product whose targets are the layer's matrices at `sites`, in their order; empty where no row has an adapter. Valid until the
  // next call.
  std::span<const compute::MatmulLowRank> parts(int layer, std::span<const Adapter::Site> sites);

 private:
  struct Group {
    const Adapter* adapter;
    std::vector<size_t> rows;
  };

  std::vector<Group> groups_;
  std::vector<compute::MatmulLowRank> parts_;
};

}  // namespace strata::network
