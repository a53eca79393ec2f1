// What the networks share: reading tensors with their shapes checked and their memory bounded.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "infra/compute/compute.h"
#include "model/format/format.h"
#include "model/packed/packed.h"

namespace strata::network {

// Reads tensors from a file's directory, checks each shape, and remembers which were used.
class WeightReader {
 public:
  // `packed`: where packed matrices come from and go to; may be nullptr.
  WeightReader(const format::TensorDirectory& directory, uint64_t bytes_max, packed::Loading* packed = nullptr)
      : directory_(directory), packed_(packed), bytes_max_(bytes_max) {}

  bool has(const std::string& name) const { return directory_.find(name) != nullptr; }
  // The tensor, checked to be exactly of this shape.
  Result<const format::Tensor*> tensor(const std::string& name, const std::vector<uint64_t>& shape);
  // F32, F16 or BF16 tensor as floats. SHAPE: [length]
  Result<std::vector<float>> vector(const std::string& name, uint64_t length);
  // Matrix [rows, cols], as the file has it.
  Result<compute::Matrix> matrix(const std::string& name, uint64_t rows, uint64_t cols);
  // The same, rounded to 8 bits (Q8_0). kUnimplemented where cols is no multiple of its block.
  Result<compute::Matrix> matrix_int8(const std::string& name, uint64_t rows, uint64_t cols);

  uint64_t bytes() const { return bytes_; }          // held by what was read
  uint64_t parameters() const { return parameters_; }
  // Name and type of a tensor never asked for; nullptr where all were used.
  const format::Tensor* first_unused() const;

 private:
  Status count(uint64_t bytes, uint64_t values);
  const format::TensorDirectory& directory_;
  packed::Loading* packed_;
  std::set<std::string> used_;
  uint64_t bytes_max_ = 0, bytes_ = 0, parameters_ = 0;
};

}  // namespace strata::network
