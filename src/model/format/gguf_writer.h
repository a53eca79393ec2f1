// Writes small GGUF v3 files: for tests, and for synthetic models to measure with. Not for weights of gigabytes: it works in memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "infra/compute/compute.h"

namespace strata::format {

class GgufWriter {
 public:
  // The value's C++ type chooses the type in the file: uint32_t u32, int64_t i64, float f32, …
  GgufWriter& add(std::string_view key, bool value);
  GgufWriter& add(std::string_view key, uint32_t value);
  GgufWriter& add(std::string_view key, int32_t value);
  GgufWriter& add(std::string_view key, uint64_t value);
  GgufWriter& add(std::string_view key, int64_t value);
  GgufWriter& add(std::string_view key, float value);
  GgufWriter& add(std::string_view key, double value);
  GgufWriter& add(std::string_view key, std::string_view value);
  GgufWriter& add(std::string_view key, const char* value) { return add(key, std::string_view(value)); }
  GgufWriter& add(std::string_view key, const std::vector<std::string>& values);
  GgufWriter& add(std::string_view key, const std::vector<int32_t>& values);
  GgufWriter& add(std::string_view key, const std::vector<float>& values);
  // REQUIRES: `data` is as long as shape (outermost first) and format take, in ggml's block layout.
  GgufWriter& add_tensor(std::string_view name, const std::vector<uint64_t>& shape, compute::Format format, std::string data);
  // The file. Tensors lie in the order in which they were added, aligned to 32 bytes.
  std::string bytes() const;

 private:
  GgufWriter& begin(std::string_view key, uint32_t type);
  struct Pending {
    std::string name, data;
    std::vector<uint64_t> shape;
    uint32_t type;
  };
  std::string metadata_;
  uint64_t metadata_count_ = 0;
  std::vector<Pending> tensors_;
};

}  // namespace strata::format
