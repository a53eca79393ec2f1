// Whatever parses is printed and parsed again to the same value.
#include <cstdlib>

#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto json = strata::Json::parse({reinterpret_cast<const char*>(data), size});
  if (!json) return 0;
  auto again = strata::Json::parse(json->dump());
  if (!again || again->dump() != json->dump()) std::abort();
  return 0;
}
