#include "infra/http/target.h"

#include "base/text.h"

namespace strata::http {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return invalid_argument("the request target holds a broken %-escape", "", "bad_target");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    out += c;
  }
  return out;
}

bool has_control(std::string_view text) {
  for (unsigned char c : text)
    if (c < 0x20 || c == 0x7f) return true;
  return false;
}

Result<std::string> decode_segment(std::string_view text) {
  TRY_ASSIGN(std::string out, decode(text, false));
  if (has_control(out)) return invalid_argument("the path holds a control character", "", "bad_target");
  if (!utf8_valid(out)) return invalid_argument("the path is not valid UTF-8", "", "bad_target");
  return out;
}

// Values may hold line ends and tabs (they are data), but no NUL.
Result<std::string> decode_query(std::string_view text) {
  TRY_ASSIGN(std::string out, decode(text, true));
  if (out.find('\0') != std::string::npos || !utf8_valid(out)) return invalid_argument("the query is not valid UTF-8 text", "", "bad_target");
  return out;
}

}  // namespace

Result<Target> parse_target(std::string_view target) {
  if (target.empty() || target[0] != '/') return invalid_argument("expected a request target that begins with \"/\"", "", "bad_target");
  if (has_control(target) || target.find_first_of(" #") != std::string_view::npos)
    return invalid_argument("the request target holds a character that must be escaped", "", "bad_target");
  Target out;
  size_t question = target.find('?');
  for (std::string_view raw : split(target.substr(1, question == std::string_view::npos ? question : question - 1), '/')) {
    TRY_ASSIGN(std::string segment, decode_segment(raw));
    out.path += '/';
    out.path += segment;
    out.segments.push_back(std::move(segment));
  }
  if (question == std::string_view::npos) return out;
  for (std::string_view pair : split(target.substr(question + 1), '&')) {
    if (pair.empty()) continue;
    size_t equals = pair.find('=');
    TRY_ASSIGN(std::string name, decode_query(pair.substr(0, equals)));
    TRY_ASSIGN(std::string value, decode_query(equals == std::string_view::npos ? "" : pair.substr(equals + 1)));
    out.query.emplace_back(std::move(name), std::move(value));
  }
  return out;
}

}  // namespace strata::http
