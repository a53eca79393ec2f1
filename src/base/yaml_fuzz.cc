// Whatever parses is written and parsed again to the same value, and has a place for every node.
#include <cstdlib>

#include "base/yaml.h"

namespace {

void check_places(const strata::Json& value, const strata::yaml::Place& place) {
  if (place.line < 1 || place.column < 1 || place.items.size() != value.size()) std::abort();
  for (size_t i = 0; i < value.size(); ++i) check_places(value.is_array() ? (*value.as_array())[i] : (*value.as_object())[i].second, place.items[i]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto document = strata::yaml::parse({reinterpret_cast<const char*>(data), size}, {.bytes = 1 << 16, .depth = 16, .nodes = 2000});
  if (!document) return 0;
  check_places(document->value, document->place);
  auto again = strata::yaml::parse(strata::yaml::dump(document->value));
  if (!again || again->value.dump() != document->value.dump()) std::abort();
  return 0;
}
