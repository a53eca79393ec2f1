// Any bytes as a multipart body, with a boundary that they may contain; the parts must lie within the body.
#include <cstdlib>

#include "infra/http/http.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t line = text.find('\n');
  std::string_view body = line == std::string_view::npos ? text : text.substr(line + 1);
  std::string type = line == std::string_view::npos ? "multipart/form-data; boundary=b" : std::string(text.substr(0, line));
  for (auto& content_type : {type, std::string("multipart/form-data; boundary=b")}) {
    auto parts = strata::http::parse_multipart(content_type, body);
    if (!parts) continue;
    for (auto& part : *parts)
      if (!part.data.empty() && (part.data.data() < body.data() || part.data.data() + part.data.size() > body.data() + body.size())) std::abort();
  }
  return 0;
}
