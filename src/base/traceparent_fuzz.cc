#include "base/check.h"
#include "base/span.h"

// Whatever is read is written back as the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parent = strata::parse_traceparent({reinterpret_cast<const char*>(data), size});
  if (!parent) return 0;
  const auto again = strata::parse_traceparent(strata::traceparent(*parent));
  CHECK(again && again->trace == parent->trace && again->parent == parent->parent && again->sampled == parent->sampled);
  return 0;
}
