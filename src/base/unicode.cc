#include "base/unicode.h"

#include <utf8proc.h>

namespace strata::unicode {
namespace {

static_assert(static_cast<int>(Category::kUnassigned) == UTF8PROC_CATEGORY_CN && static_cast<int>(Category::kUpper) == UTF8PROC_CATEGORY_LU &&
              static_cast<int>(Category::kOtherLetter) == UTF8PROC_CATEGORY_LO && static_cast<int>(Category::kNonspacingMark) == UTF8PROC_CATEGORY_MN &&
              static_cast<int>(Category::kEnclosingMark) == UTF8PROC_CATEGORY_ME && static_cast<int>(Category::kDecimalDigit) == UTF8PROC_CATEGORY_ND &&
              static_cast<int>(Category::kOtherNumber) == UTF8PROC_CATEGORY_NO && static_cast<int>(Category::kConnector) == UTF8PROC_CATEGORY_PC &&
              static_cast<int>(Category::kOtherPunctuation) == UTF8PROC_CATEGORY_PO && static_cast<int>(Category::kMathSymbol) == UTF8PROC_CATEGORY_SM &&
              static_cast<int>(Category::kSpaceSeparator) == UTF8PROC_CATEGORY_ZS && static_cast<int>(Category::kControl) == UTF8PROC_CATEGORY_CC &&
              static_cast<int>(Category::kFormat) == UTF8PROC_CATEGORY_CF && static_cast<int>(Category::kPrivateUse) == UTF8PROC_CATEGORY_CO);

int decomposed(uint32_t code_point, int options, uint32_t* out, int most) {
  utf8proc_int32_t parts[32];
  int boundary = 0;
  utf8proc_ssize_t count = 0;
  if (code_point < kCodePoints) {
    count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code_point), parts, most, static_cast<utf8proc_option_t>(options), &boundary);
  }
  if (count < 1 || count > most) {
    out[0] = code_point;
    return 1;
  }
  for (utf8proc_ssize_t i = 0; i < count; ++i) out[i] = static_cast<uint32_t>(parts[i]);
  return static_cast<int>(count);
}

}  // namespace

Category category(uint32_t code_point) {
  if (code_point >= kCodePoints) return Category::kUnassigned;
  return static_cast<Category>(utf8proc_category(static_cast<utf8proc_int32_t>(code_point)));
}

bool is_white_space(uint32_t c) {
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}

uint32_t lower(uint32_t code_point) {
  return code_point < kCodePoints ? static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code_point))) : code_point;
}

int decompose(uint32_t code_point, uint32_t out[8]) { return decomposed(code_point, UTF8PROC_DECOMPOSE, out, 8); }

int fold(uint32_t code_point, uint32_t out[32]) {
  constexpr int kOptions = UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD;
  uint32_t once[32];
  const int count = decomposed(code_point, kOptions, once, 32);
  int total = 0;
  for (int i = 0; i < count; ++i) {  // a compatibility form may hold letters that fold again
    uint32_t twice[32];
    const int parts = decomposed(once[i], kOptions, twice, 32);
    for (int k = 0; k < parts; ++k) {
      if (total == 32) {
        out[0] = code_point;
        return 1;
      }
      out[total++] = twice[k];
    }
  }
  return total;
}

}  // namespace strata::unicode
