// Any bytes give a Safetensors or an error; its tensors can be read to their last byte.
#include <cstdint>

#include "model/format/format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::format;
  auto file = Safetensors::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!file) return 0;
  volatile uint8_t sink = 0;
  for (const Tensor& tensor : file->tensors())
    if (!tensor.data.empty()) sink = sink + static_cast<uint8_t>(tensor.data.front()) + static_cast<uint8_t>(tensor.data.back());
  return 0;
}
