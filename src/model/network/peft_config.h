// adapter_config.json of PEFT: what of it this program can follow.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace strata::network {

struct PeftConfig {
  int rank = 0;
  double alpha = 0;
  bool rank_stabilized = false;   // scale alpha / sqrt(r), not alpha / r
};

// kUnimplemented, naming the option, where following it is not supported; also for an option that is not known and is switched on: to
// leave it out could change every answer.
Result<PeftConfig> parse_peft_config(std::string_view text, const std::string& what);

}  // namespace strata::network
