// Products with quantized weights that keep 16 bits of their input's outliers instead of 8.
//
// compute::matmul rounds x to 8 bits per block of 32. Here x is first split into what 8 bits can say and the rest, hi + lo, the two are
// multiplied as two rows of one product, and their results added: the rounding error falls by a factor of about 250, the weights are
// still streamed once. Only blocks with an outlier have a rest; compute::matmul skips blocks that are zero in all rows of a tile, so a
// long prompt's rests cost little (in most models a few channels are outliers in every row).
// WHY: where an error enters decides how much it matters. In the default model the 8-bit rounding of the inputs of query, key and value
// (a few of their channels are very large) and of the output matrix makes more than half of the whole error (variance), while the
// three are 16 % of a layer's arithmetic: over 2,000 positions the log-probabilities come from 0.060 to 0.042 nats from an FP32 pass
// (reference_test.cc; llama.cpp: 0.061).
#pragma once

#include <span>
#include <vector>

#include "infra/compute/compute.h"

namespace strata::network {

class Planes {
 public:
  // As compute::matmul_group. SHAPE: x [n, cols]; each target's y must have room for [2 n, rows]; the results are the first n rows.
  // The parts (as of compute::matmul_group) read x itself.
  void multiply(compute::Threads& threads, std::span<const compute::MatmulTarget> targets, const float* x, size_t n,
                std::span<const compute::MatmulLowRank> parts = {});

 private:
  std::vector<float> split_;   // SHAPE: [2 n, cols]: hi of all rows, then lo
};

// Whether a product with this matrix rounds its input.
inline bool rounds_input(const compute::Matrix& w) {
  return w.format() != compute::Format::kF32 && w.format() != compute::Format::kF16 && w.format() != compute::Format::kBF16;
}

}  // namespace strata::network
