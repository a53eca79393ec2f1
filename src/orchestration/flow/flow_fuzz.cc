#include <cstddef>
#include <cstdint>

#include "orchestration/flow/definition.h"
#include "orchestration/flow/flow.h"

// The file's parser, the schedule's and the signature's: bytes from people and from outside.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto flow = strata::flow::parse_definition(text)) {
    auto input = (*flow)->check_input({});
    if (input) (void)(*flow)->value_of(strata::Json(std::string(text.substr(0, 64))), strata::Json::object({{"input", *input}}));
  }
  (void)strata::flow::next_time(text, 1'700'000'000'000);
  (void)strata::flow::verify_webhook("whsec_AAAA", "id", text, text, text, 0);
  return 0;
}
