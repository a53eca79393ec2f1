// Adds what adapters add to the linear layers of one step: rows are grouped by adapter, and each group's low-rank products are batched.
//
// Any number of adapters costs two waits of the threads for each group of linear layers, none where no row has one. A row's result does not depend on the
// other rows: its products are compute::matmul's, and one multiplication and one addition an element bring them in.
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

  struct Target {
    Adapter::Site site;
    float* y;                    // SHAPE: [n, out]
    size_t out;
  };
  // y += scale B (A x) for each row and target that its adapter changes. SHAPE: x [n, cols], n as begin() counted.
  void add(compute::Threads& threads, int layer, std::span<const Target> targets, const float* x, size_t cols);

 private:
  struct Group {
    const Adapter* adapter;
    std::vector<size_t> rows;
  };
  struct Product {               // one part on one group
    const Adapter::Part* part;
    const Group* group;
    const Target* target;
    const float* x;
    size_t low, high;            // where A x and B (A x) lie in low_ and high_
  };
  const float* rows_of(const Group& group, const float* x, size_t cols, size_t& gathered);

  std::vector<Group> groups_;
  std::vector<Product> products_;
  std::vector<compute::MatmulJob> jobs_;
  std::vector<float> gathered_, low_, high_;
};

}  // namespace strata::network
