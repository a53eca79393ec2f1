// OpenAPI documents from outside: any JSON gives tools or an error, and tools that the registry takes or refuses by name.
#include "knowledge/tool/tool.h"

using namespace strata;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto client = egress::Client::make();
  auto document = Json::parse({reinterpret_cast<const char*>(data), size}, {.bytes = 1u << 16, .depth = 64});
  if (!document) return 0;
  auto tools = tool::make_openapi(*client, *document, {.name = "fuzz", .base_url = "http://127.0.0.1:1"});
  if (!tools) return 0;
  for (auto& tool : *tools) {
    auto validator = schema::Validator::compile(tool->description().parameters, "fuzz");
    if (validator) (*validator)->check(Json::object());
  }
  return 0;
}
