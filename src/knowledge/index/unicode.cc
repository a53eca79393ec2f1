#include "knowledge/index/unicode.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace strata::index {
namespace {

struct CodePointRange {
  uint32_t first, last;
};
struct Fold {
  uint32_t from;
  const char* to;
};
#include "knowledge/index/unicode_table.inc"

}  // namespace

bool is_word_character(uint32_t code_point) {
  if (code_point < 0x80) {
    return (code_point >= '0' && code_point <= '9') || (code_point >= 'A' && code_point <= 'Z') || (code_point >= 'a' && code_point <= 'z');
  }
  auto after = std::upper_bound(std::begin(kWordRanges), std::end(kWordRanges), code_point,
                                [](uint32_t value, const CodePointRange& range) { return value < range.first; });
  return after != std::begin(kWordRanges) && code_point <= std::prev(after)->last;
}

bool is_unspaced_script(uint32_t code_point) {
  return (code_point >= 0x0E00 && code_point <= 0x0EFF) ||   // Thai, Lao
         (code_point >= 0x1000 && code_point <= 0x109F) ||   // Myanmar
         (code_point >= 0x1780 && code_point <= 0x17FF) ||   // Khmer
         (code_point >= 0x3040 && code_point <= 0x30FF) ||   // Hiragana, Katakana
         (code_point >= 0x3400 && code_point <= 0x9FFF) ||   // Han
         (code_point >= 0xF900 && code_point <= 0xFAFF) || (code_point >= 0x20000 && code_point <= 0x31FFF);
}

void append_folded(std::string& out, uint32_t code_point) {
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point >= 'A' && code_point <= 'Z' ? code_point + 32 : code_point));
    return;
  }
  if (code_point >= 0x300 && code_point <= 0x36F) return;
  auto found = std::lower_bound(std::begin(kFolds), std::end(kFolds), code_point, [](const Fold& fold, uint32_t value) { return fold.from < value; });
  if (found != std::end(kFolds) && found->from == code_point) {
    out += found->to;
  } else {
    utf8_append(out, code_point);
  }
}

}  // namespace strata::index
