#include <cstddef>
#include <cstdint>

#include "product/landscape/landscape.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::landscape;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto parsed = parse(text, built_in());
  if (parsed) (void)compare(*parsed, {}, Wish{});
  (void)match(built_in(), text.substr(0, 200));
  return 0;
}
