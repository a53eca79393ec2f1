// Widths and encoding of the two fonts.
#include <array>
#include <cstdint>

#include "base/text.h"
#include "infra/pdf/pdf.h"

namespace strata::pdf {
namespace {

// Of the characters 32 to 126. UNITS: thousandths of the size.
constexpr std::array<int16_t, 95> kRegular = {278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333,  278, 278, 556, 556, 556,
                                              556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
                                              611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,  611, 722, 667, 944, 667,
                                              667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278,  556, 556, 222, 222, 500,
                                              222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,  500, 334, 260, 334, 584};
constexpr std::array<int16_t, 95> kBold = {278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
                                           556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667,
                                           611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
                                           667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556,
                                           278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584};
// The letters above 191 are as wide as what they are made of; AE and the like are wider, which kWide says.
constexpr char kBaseLetters[] = "AAAAAAACEEEEIIIIDNOOOOO*OUUUUYPbaaaaaaaceeeeiiiionooooo*ouuuuypy";
static_assert(sizeof kBaseLetters == 65);
constexpr int kWide = 1000, kOther = 556;   // signs of 128 to 191: the dash and the dots are 1000, most others at most 556

struct Sign {
  uint32_t code;
  unsigned char byte;
};
constexpr Sign kSigns[] = {{0x20AC, 0x80}, {0x201A, 0x82}, {0x0192, 0x83}, {0x201E, 0x84}, {0x2026, 0x85}, {0x2020, 0x86}, {0x2021, 0x87},
                           {0x02C6, 0x88}, {0x2030, 0x89}, {0x0160, 0x8A}, {0x2039, 0x8B}, {0x0152, 0x8C}, {0x017D, 0x8E}, {0x2018, 0x91},
                           {0x2019, 0x92}, {0x201C, 0x93}, {0x201D, 0x94}, {0x2022, 0x95}, {0x2013, 0x96}, {0x2014, 0x97}, {0x02DC, 0x98},
                           {0x2122, 0x99}, {0x0161, 0x9A}, {0x203A, 0x9B}, {0x0153, 0x9C}, {0x017E, 0x9E}, {0x0178, 0x9F}};
struct Spelled {
  uint32_t code;
  const char* text;
};
constexpr Spelled kSpelled[] = {{0x2010, "-"},  {0x2011, "-"},  {0x2012, "-"},  {0x2212, "-"}, {0x2192, "->"}, {0x2190, "<-"}, {0x2264, "<="},
                                {0x2265, ">="}, {0x2260, "!="}, {0x2248, "~"},  {0x00AD, ""},  {0x200B, ""},   {0xFEFF, ""},   {0x202F, " "},
                                {0x2009, " "},  {0xFB01, "fi"}, {0xFB02, "fl"}, {0x26A0, "!"}, {0x2713, "+"},  {0x2032, "'"},  {0x2033, "\""}};

void append(std::string& out, uint32_t code, int* missing) {
  if (code == '\n' || code == '\t' || code == '\r' || code == 0xA0) {
    out += ' ';
    return;
  }
  if ((code >= 0x20 && code < 0x7F) || (code > 0xA0 && code <= 0xFF && code != 0xAD)) {
    out += static_cast<char>(code);
    return;
  }
  for (const Sign& sign : kSigns) {
    if (sign.code == code) {
      out += static_cast<char>(sign.byte);
      return;
    }
  }
  for (const Spelled& spelled : kSpelled) {
    if (spelled.code == code) {
      out += spelled.text;
      return;
    }
  }
  out += '?';
  if (missing) ++*missing;
}

int thousandths(unsigned char c, bool bold) {
  const auto& table = bold ? kBold : kRegular;
  if (c >= 32 && c < 127) return table[c - 32u];
  if (c == 0x85 || c == 0x97 || c == 0x99 || c == 0xC6 || c == 0xE6 || c == 0x8C || c == 0x9C || c == 0x89) return kWide;
  if (c >= 0xC0) {
    const char base = kBaseLetters[c - 0xC0];
    return base == '*' ? 584 : table[static_cast<unsigned char>(base) - 32u] + (base == 'I' || base == 'i' ? 60 : 0);
  }
  return kOther;
}

}  // namespace

std::string to_windows_1252(std::string_view utf8, int* missing) {
  std::string out;
  out.reserve(utf8.size());
  while (!utf8.empty()) {
    size_t length = 1;
    append(out, utf8_decode(utf8, &length), missing);
    utf8.remove_prefix(length);
  }
  return out;
}

double width_of(std::string_view windows_1252, bool bold, double size) {
  int sum = 0;
  for (char c : windows_1252) sum += thousandths(static_cast<unsigned char>(c), bold);
  return sum * size / 1000;
}

}  // namespace strata::pdf
