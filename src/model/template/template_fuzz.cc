// Any template over a small conversation gives a text, or an error, within its bounds.
#include <cstdint>

#include "model/template/template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  static const Json messages = Json::parse(R"([{"role":"user","content":"a <|x|> b","n":[1,2.5,{"k":null}]},{"role":"assistant","content":"\u00e9"}])").value();
  templates::Limits limits;
  limits.steps = 20'000;
  limits.work_bytes = 1 << 20;
  auto made = templates::Template::compile({reinterpret_cast<const char*>(data), size}, limits);
  if (!made) return 0;
  auto text = templates::render_chat(*made, messages, {.bos_token = "<s>", .eos_token = "</s>"});
  if (!text) return 0;
  uint32_t end = 0;
  for (auto [from, to] : text->content) {
    if (from < end || to <= from || to > text->text.size()) __builtin_trap();
    end = to;
  }
  return 0;
}
