#include "base/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<strata::config::Field> fields = {
      {"server.port", int64_t{8080}, "", 0, 65535}, {"server.hosts", std::vector<std::string>{}, ""}, {"answer.threshold", 0.5, "", 0, 1}};
  auto config = strata::config::load(fields, {reinterpret_cast<const char*>(data), size}, "fuzz", {}, {});
  if (config && (config->integer("server.port") < 0 || config->integer("server.port") > 65535)) __builtin_trap();
  return 0;
}
