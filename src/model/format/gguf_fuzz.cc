// Any bytes give a Gguf or an error; what a Gguf hands out can be read to its last byte.
#include <cstdint>

#include "model/format/format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::format;
  auto gguf = Gguf::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!gguf) return 0;
  volatile uint8_t sink = 0;
  for (const auto& [key, value] : gguf->metadata()) {
    (void)gguf->strings(key);
    (void)gguf->integers(key);
    (void)gguf->numbers(key);
    (void)gguf->number(key);
  }
  for (const Tensor& tensor : gguf->tensors()) {
    (void)tensor.runnable_format();
    if (!tensor.data.empty()) sink = sink + static_cast<uint8_t>(tensor.data.front()) + static_cast<uint8_t>(tensor.data.back());
  }
  return 0;
}
