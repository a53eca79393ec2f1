// Whatever text comes: a spec, a draft or problems, never a crash; a spec that is written reads back as the same.
#include <cstdlib>

#include "product/spec/spec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::spec;
  Checked checked = check_text({reinterpret_cast<const char*>(data), size});
  if (checked.spec.has_value() != (checked.missing.empty() && checked.problems.empty())) std::abort();
  if (!checked.spec) return 0;
  strata::Json json = to_json(*checked.spec);
  Checked again = check_text(to_yaml(json));
  if (!again.spec || to_json(*again.spec).dump() != json.dump()) std::abort();
  return 0;
}
