// Any bytes as an agent's or a team's file: an error, or a definition that is also a flow.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "orchestration/agent/agent.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (strata::agent::check(text)) CHECK(strata::agent::flow_of(text));
  if (strata::agent::check_team(text)) CHECK(strata::agent::flow_of_team(text));
  return 0;
}
