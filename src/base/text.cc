#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/check.h"

namespace strata {

size_t utf8_sequence_length(std::string_view text) {
  if (text.empty()) return 0;
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  auto tail = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) >= 0xA0) return 0;
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) >= 0x90) return 0;
    return 4;
  }
  return 0;
}

bool utf8_valid(std::string_view text) {
  while (!text.empty()) {
    size_t length = utf8_sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string utf8_repaired(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    size_t length = utf8_sequence_length(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      length = 1;
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return out;
}

size_t utf8_complete_prefix(std::string_view text) {
  // Only the last three bytes can begin a sequence that is not over yet.
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    unsigned char c = static_cast<unsigned char>(text[text.size() - back]);
    if ((c & 0xC0) == 0x80) continue;
    size_t needed = c >= 0xF0 && c <= 0xF4 ? 4 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xC2 && c < 0xE0 ? 2 : 1;
    return needed > back ? text.size() - back : text.size();
  }
  return text.size();
}

uint32_t utf8_decode(std::string_view text, size_t* length) {
  size_t n = utf8_sequence_length(text);
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  if (length) *length = n == 0 ? 1 : n;
  switch (n) {
    case 1: return byte(0);
    case 2: return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
    case 3: return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    case 4: return (byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
    default: return 0xFFFD;
  }
}

void utf8_append(std::string& out, uint32_t c) {
  auto put = [&](uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = 0xFFFD;
  if (c < 0x80) put(c);
  else if (c < 0x800) put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
  else if (c < 0x10000) put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  else put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 0x3F)), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && ascii_lower(text.substr(0, prefix.size())) == ascii_lower(prefix);
}

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char c : bytes) {
    out += kDigits[c >> 4];
    out += kDigits[c & 15];
  }
  return out;
}

std::string human_bytes(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit < 4) value /= 1024, ++unit;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text;
}

namespace {

// Python's repr: the shortest digits that read back as the same double, plain from 1e-4 up to below 1e16, else with an exponent.
// SOURCE: CPython, Python/pystrtod.c, format_float_short with the code 'r'.
std::string python_repr(double value) {
  char digits[32];
  auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::scientific).ptr;
  std::string text(digits, end);
  size_t e = text.find('e');
  int exponent = std::atoi(text.c_str() + e + 1);
  if (exponent < -4 || exponent >= 16) return text;  // to_chars writes a sign and at least two digits too
  bool negative = text[0] == '-';
  std::string mantissa = text.substr(negative ? 1 : 0, e - (negative ? 1 : 0));
  std::erase(mantissa, '.');
  size_t point = static_cast<size_t>(std::max(0, exponent + 1));
  if (exponent < 0) mantissa.insert(0, static_cast<size_t>(-exponent - 1), '0');
  if (mantissa.size() < point) mantissa.append(point - mantissa.size(), '0');
  std::string fraction = mantissa.substr(point);
  return (negative ? "-" : "") + (point ? mantissa.substr(0, point) : "0") + "." + (fraction.empty() ? "0" : fraction);
}

}  // namespace

std::string python_format(double value, std::string_view spec) {
  bool percent = spec.ends_with('%');
  CHECK(spec.empty() || (spec.size() == 3 && spec[0] == '.' && spec[1] >= '0' && spec[1] <= '9' && (percent || spec[2] == 'f')));
  std::string_view sign = percent ? "%" : "";
  if (percent) value *= 100;
  if (std::isnan(value)) return "nan" + std::string(sign);
  if (std::isinf(value)) return (value < 0 ? "-inf" : "inf") + std::string(sign);
  if (spec.empty()) return python_repr(value);
  std::string text(400, '\0');  // the largest double has 309 digits before the point
  text.resize(static_cast<size_t>(std::snprintf(text.data(), text.size(), "%.*f", spec[1] - '0', value)));
  return text + std::string(sign);
}

// Nobody mistyped a longer name, and it may be a whole request's body.
constexpr size_t kMistypedBytesMost = 100;

std::string_view nearest_name(std::string_view wrong, const std::vector<std::string_view>& names) {
  if (wrong.size() > kMistypedBytesMost) return {};
  std::string_view best;
  size_t best_distance = std::max<size_t>(2, wrong.size() / 3) + 1;
  for (std::string_view name : names) {
    if (name.size() >= wrong.size() + best_distance) continue;   // so much must be added at least
    std::vector<size_t> row(name.size() + 1);
    for (size_t j = 0; j <= name.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= wrong.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= name.size(); ++j) {
        size_t change = diagonal + (wrong[i - 1] == name[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
      }
    }
    if (row[name.size()] < best_distance) best = name, best_distance = row[name.size()];
  }
  return best;
}

}  // namespace strata
