// A model's text is outside bytes too: any bytes come apart without loss of text before the first call, and without a crash.
#include "model/engine/call_reader.h"

using namespace strata;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  engine::CallReader whole, cut;
  const auto once = whole.feed(text);
  std::string first = once.text, second;
  std::vector<model::FunctionCall> calls, again;
  for (const auto& delta : once.calls) model::add_call(calls, delta);
  for (size_t i = 0; i < size; ++i) {
    const auto piece = cut.feed(text.substr(i, 1));
    second += piece.text;
    for (const auto& delta : piece.calls) model::add_call(again, delta);
  }
  if (first + whole.finish().text != second + cut.finish().text || calls.size() != again.size()) __builtin_trap();
  for (size_t i = 0; i < calls.size(); ++i)
    if (calls[i].name != again[i].name || calls[i].arguments != again[i].arguments) __builtin_trap();
  return 0;
}
