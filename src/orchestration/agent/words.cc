#include "orchestration/agent/words.h"

namespace strata::agent {

Json closed(Json properties) {
  Json required = Json::array();
  for (auto& [name, member] : *properties.as_object()) required.push(name);
  return Json::object({{"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(required)}, {"additionalProperties", false}});
}

Json object_in(const std::string& text) {
  const size_t begin = text.find('{'), end = text.rfind('}');
  if (begin == text.npos || end == text.npos || end < begin) return {};
  return Json::parse(text.substr(begin, end - begin + 1)).value_or(Json());
}

std::string cut(const std::string& text, size_t most) {
  if (text.size() <= most) return text;
  size_t at = most;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;   // not inside a character
  return text.substr(0, at) + " … (cut: " + std::to_string(text.size()) + " bytes in all)";
}

}  // namespace strata::agent
