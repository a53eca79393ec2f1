// Ranges lie in the text, in order; a masked text holds nothing more to mask and stays valid where the text was.
#include <cstdlib>

#include "base/text.h"
#include "orchestration/guard/guard.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto masked = strata::guard::mask_pii(text);
  uint32_t end = 0;
  for (auto& pii : masked.found) {
    if (pii.begin < end || pii.end <= pii.begin || pii.end > size) std::abort();
    end = pii.end;
  }
  if (!strata::guard::find_pii(masked.text).empty()) std::abort();
  if (strata::utf8_valid(text) && !strata::utf8_valid(masked.text)) std::abort();
  return 0;
}
