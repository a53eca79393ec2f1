#include "worker/parse/encoding.h"

#include <iconv.h>

#include <array>
#include <cerrno>
#include <map>

#include "base/text.h"

namespace strata::worker {
namespace {

// What 0x80..0x9F mean in Windows-1252; the five holes stay as they are in Latin-1. SOURCE: WHATWG Encoding, index windows-1252.
constexpr std::array<uint16_t, 32> kWindows1252 = {0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
                                                   0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                                                   0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

// Sets that pages and files still come in, as iconv names them.
constexpr std::array kSets = {"ISO-8859-2",   "ISO-8859-5",   "ISO-8859-7",   "ISO-8859-9",   "ISO-8859-15", "WINDOWS-1250", "WINDOWS-1251", "WINDOWS-1253",
                              "WINDOWS-1254", "WINDOWS-1255", "WINDOWS-1256", "WINDOWS-1257", "KOI8-R",      "KOI8-U",       "SHIFT_JIS",    "EUC-JP",
                              "ISO-2022-JP",  "GBK",          "GB18030",      "BIG5",         "EUC-KR",      "MACINTOSH"};

std::string from_windows_1252(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8);
  for (unsigned char byte : bytes) utf8_append(out, byte >= 0x80 && byte < 0xA0 ? kWindows1252[byte - 0x80] : byte);
  return out;
}

std::string from_utf16(std::string_view bytes, bool big_endian) {
  std::string out;
  const auto unit = [&](size_t at) -> uint32_t {
    const auto a = static_cast<unsigned char>(bytes[at]), b = static_cast<unsigned char>(bytes[at + 1]);
    return big_endian ? static_cast<uint32_t>(a << 8 | b) : static_cast<uint32_t>(b << 8 | a);
  };
  for (size_t at = 0; at + 1 < bytes.size(); at += 2) {
    uint32_t c = unit(at);
    if (c >= 0xD800 && c < 0xDC00 && at + 3 < bytes.size()) {
      const uint32_t low = unit(at + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        at += 2;
      }
    }
    utf8_append(out, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
  }
  return out;
}

// ASCII written as UTF-16 has a zero in every second byte.
int utf16_by_zeros(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, 512);
  size_t even = 0, odd = 0;
  for (size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '\0') ++(i % 2 == 0 ? even : odd);
  }
  if (head.size() < 4) return 0;
  if (odd > head.size() / 4 && even * 20 < head.size()) return 1;   // little-endian
  if (even > head.size() / 4 && odd * 20 < head.size()) return -1;  // big-endian
  return 0;
}

// "Shift-JIS" → "SHIFT_JIS"; names that mean a superset in practice are mapped to it, as browsers do.
std::string iconv_name(std::string_view declared) {
  std::string name;
  for (char c : trim(declared)) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  if (name == "SHIFT-JIS" || name == "X-SJIS" || name == "SJIS" || name == "WINDOWS-31J") return "SHIFT_JIS";
  if (name == "GB2312" || name == "GB_2312-80") return "GBK";
  if (name == "KS_C_5601-1987") return "EUC-KR";
  if (name.starts_with("CP125")) return "WINDOWS-" + name.substr(2);
  return name;
}

iconv_t open_set(const std::string& name) {
  static std::map<std::string, iconv_t>* opened = new std::map<std::string, iconv_t>;
  for (const char* known : kSets) {
    if (name != known) continue;
    auto [at, is_new] = opened->try_emplace(name, iconv_t(-1));
    if (is_new) at->second = iconv_open("UTF-8", known);
    return at->second;
  }
  return iconv_t(-1);
}

bool by_iconv(std::string_view bytes, const std::string& name, std::string* out) {
  const iconv_t set = open_set(name);
  if (set == iconv_t(-1)) return false;
  iconv(set, nullptr, nullptr, nullptr, nullptr);
  char* in = const_cast<char*>(bytes.data());
  size_t left = bytes.size();
  char buffer[16384];
  while (left > 0) {
    char* to = buffer;
    size_t room = sizeof buffer;
    const size_t result = iconv(set, &in, &left, &to, &room);
    out->append(buffer, static_cast<size_t>(to - buffer));
    if (result == size_t(-1) && errno != E2BIG) {
      *out += "\xEF\xBF\xBD";
      ++in;
      --left;
    }
  }
  *out = utf8_repaired(*out);
  return true;
}

}  // namespace

Decoded decode_text(std::string_view bytes, std::string_view declared) {
  if (bytes.starts_with("\xEF\xBB\xBF")) return {utf8_repaired(bytes.substr(3)), "utf-8"};
  if (bytes.starts_with("\xFF\xFE")) return {from_utf16(bytes.substr(2), false), "utf-16le"};
  if (bytes.starts_with("\xFE\xFF")) return {from_utf16(bytes.substr(2), true), "utf-16be"};
  if (const int order = utf16_by_zeros(bytes); order != 0) return {from_utf16(bytes, order < 0), order < 0 ? "utf-16be" : "utf-16le"};
  // ISO-2022-JP is ASCII on the face of it, so its declaration goes first.
  const std::string name = iconv_name(declared);
  std::string text;
  if (name == "ISO-2022-JP" && by_iconv(bytes, name, &text)) return {std::move(text), ascii_lower(name)};
  if (utf8_valid(bytes)) return {std::string(bytes), "utf-8"};
  if (by_iconv(bytes, name, &text)) return {std::move(text), ascii_lower(name)};
  // Mostly UTF-8 with a few damaged bytes is still UTF-8.
  if (name == "UTF-8" || name == "UTF8") return {utf8_repaired(bytes), "utf-8"};
  return {from_windows_1252(bytes), "windows-1252"};
}

void preload_encodings() {
  for (const char* name : kSets) open_set(name);
}

}  // namespace strata::worker
