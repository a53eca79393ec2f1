#include "knowledge/index/unicode.h"

#include "base/text.h"
#include "base/unicode.h"

namespace strata::index {

bool is_word_character(uint32_t code_point) {
  if (code_point < 0x80) {
    return (code_point >= '0' && code_point <= '9') || (code_point >= 'A' && code_point <= 'Z') || (code_point >= 'a' && code_point <= 'z');
  }
  const unicode::Category category = unicode::category(code_point);
  return unicode::is_letter(category) || unicode::is_number(category) || category == unicode::Category::kNonspacingMark ||
         category == unicode::Category::kSpacingMark;
}

bool is_unspaced_script(uint32_t code_point) {
  return (code_point >= 0x0E00 && code_point <= 0x0EFF) ||   // Thai, Lao
         (code_point >= 0x1000 && code_point <= 0x109F) ||   // Myanmar
         (code_point >= 0x1780 && code_point <= 0x17FF) ||   // Khmer
         (code_point >= 0x3040 && code_point <= 0x30FF) ||   // Hiragana, Katakana
         (code_point >= 0x3400 && code_point <= 0x9FFF) ||   // Han
         (code_point >= 0xF900 && code_point <= 0xFAFF) || (code_point >= 0x20000 && code_point <= 0x3FFFF);
}

namespace {

bool is_accent(uint32_t code_point) { return code_point >= 0x300 && code_point <= 0x36F; }

}  // namespace

void append_folded(std::string& out, uint32_t code_point) {
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point >= 'A' && code_point <= 'Z' ? code_point + 32 : code_point));
    return;
  }
  if (is_accent(code_point)) return;
  // "½" as "12" would lie, and scripts past the Latin, Greek and Cyrillic neighbourhood are written in one form.
  const bool folds = code_point < 0x3000 || (code_point >= 0xFB00 && code_point <= 0xFB06) || (code_point >= 0xFF10 && code_point <= 0xFF5A);
  if (!folds || unicode::category(code_point) == unicode::Category::kOtherNumber) return utf8_append(out, code_point);
  uint32_t parts[32];
  const int count = unicode::fold(code_point, parts);
  const size_t before = out.size();
  for (int i = 0; i < count; ++i) {
    if (is_word_character(parts[i]) && !is_accent(parts[i])) utf8_append(out, parts[i]);
  }
  if (out.size() == before) utf8_append(out, code_point);
}

}  // namespace strata::index
