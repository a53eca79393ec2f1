// Whatever parses, written again as one dotted key a line, parses to the same entries.
#include <cstdio>
#include <cstdlib>

#include "base/json.h"
#include "base/toml.h"

namespace {

using strata::toml::Entry;
using strata::toml::Scalar;

std::string written(const Scalar& scalar) {
  if (auto* flag = std::get_if<bool>(&scalar)) return *flag ? "true" : "false";
  if (auto* whole = std::get_if<int64_t>(&scalar)) return std::to_string(*whole);
  if (auto* text = std::get_if<std::string>(&scalar)) return strata::json_quote(*text);
  char number[64];
  std::snprintf(number, sizeof number, "%.17g", std::get<double>(scalar));
  const std::string out = number;
  return out.find_first_of(".einf") == std::string::npos ? out + ".0" : out;
}

std::string written(const Entry& entry) {
  std::string out = strata::toml::joined(entry.path) + " = ";
  if (auto* list = std::get_if<std::vector<Scalar>>(&entry.value)) {
    out += "[";
    for (const Scalar& item : *list) out += written(item) + ", ";
    return out + "]\n";
  }
  Scalar scalar;
  std::visit(
      [&](const auto& plain) {
        if constexpr (std::is_constructible_v<Scalar, decltype(plain)>) scalar = plain;
      },
      entry.value);
  return out + written(scalar) + "\n";
}

std::string written(const std::vector<Entry>& entries) {
  std::string out;
  for (const Entry& entry : entries) out += written(entry);
  for (size_t at = 0; (at = out.find('\x7F', at)) != std::string::npos;) out.replace(at, 1, "\\u007F");  // JSON leaves it as it is
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto entries = strata::toml::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!entries) return 0;
  const std::string text = written(*entries);
  if (text.size() > strata::toml::kBytesMax) return 0;
  auto again = strata::toml::parse(text, "again");
  if (!again || again->size() != entries->size() || written(*again) != text) std::abort();
  return 0;
}
