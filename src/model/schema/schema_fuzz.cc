// Schemas and values from outside: "schema \n value"; any bytes give a judgement or an error.
#include "model/schema/schema.h"

using namespace strata;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t line = text.find('\n');
  auto schema = Json::parse(text.substr(0, line));
  if (!schema) return 0;
  auto validator = schema::Validator::compile(*schema, "fuzz");
  if (!validator) return 0;
  auto value = Json::parse(line == text.npos ? "{}" : text.substr(line + 1));
  if (value && (*validator)->check(*value).size() > schema::kProblemsMost) __builtin_trap();
  return 0;
}
