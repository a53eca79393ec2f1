#include "base/text.h"
#include "infra/http/http.h"

namespace strata::http {

std::string_view Request::header(std::string_view lower_case_name) const {
  for (auto& header : headers)
    if (header.name == lower_case_name) return header.value;
  return {};
}

std::string_view Request::parameter(std::string_view name) const {
  for (auto& [key, value] : query)
    if (key == name) return value;
  return {};
}

std::string media_type(std::string_view content_type) { return ascii_lower(trim(content_type.substr(0, content_type.find(';')))); }

}  // namespace strata::http
