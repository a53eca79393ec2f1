// Answers of a search service: any JSON gives pages within their sizes, or an error.
#include "base/check.h"
#include "knowledge/tool/tool.h"

using namespace strata;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto reply = Json::parse({reinterpret_cast<const char*>(data), size}, {.bytes = 1u << 16, .depth = 64});
  if (!reply) return 0;
  tool::WebService service;
  service.results = "/web/results", service.title = "/title", service.link = "/url", service.snippet = "/about/0/~0text~1";
  for (const char* pointer : {"/web/results", "", "/0", "/web/~01"}) {
    service.results = pointer;
    auto pages = tool::pages_of(*reply, service, 20);
    if (!pages) continue;
    CHECK(pages->size() <= 20);
    for (const auto& page : *pages) CHECK(!page.url.empty() && page.url.size() < 2'100 && page.snippet.size() < 1'100);
  }
  return 0;
}
