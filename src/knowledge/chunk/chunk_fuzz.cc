// Any text and any ranges: sentences and chunks in order, covering all that is not white space.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/text.h"
#include "knowledge/chunk/chunk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;  // NOLINT: a main program
  uint8_t ranges[16] = {};
  const size_t head = std::min(size, sizeof ranges);
  std::copy_n(data, head, ranges);
  document::Document document;
  document.text = utf8_repaired({reinterpret_cast<const char*>(data) + head, size - head});
  for (int i = 0; i < 8; i += 2) {
    document.headings.push_back({1 + i % 6, "h", {ranges[i], ranges[i + 1]}});
    document.blocks.push_back({static_cast<document::BlockType>(i % 6), {ranges[8 + i], ranges[9 + i]}});
  }
  uint32_t end = 0;
  for (const auto& chunk :
       chunk::split(document, {.tokens_max = 20, .tokens_overlap = 5}, [](std::string_view text) { return static_cast<int>(text.size() / 4); })) {
    if (chunk.at.begin >= chunk.at.end || chunk.at.end > document.text.size() || chunk.at.end <= end) abort();
    if (chunk.at.begin > end && !trim(std::string_view(document.text).substr(end, chunk.at.begin - end)).empty()) abort();
    end = chunk.at.end;
  }
  if (!trim(std::string_view(document.text).substr(end)).empty()) abort();
  return 0;
}
