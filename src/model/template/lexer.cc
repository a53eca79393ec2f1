#include "model/template/lexer.h"

#include <algorithm>

#include "base/text.h"

namespace strata::templates {
namespace {

bool space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

constexpr std::string_view kOperators[] = {"//", "**", "==", "!=", "<=", ">=", "+", "-", "/", "*", "%", "~", "[",
                                           "]",  "(",  ")",  "{",  "}",  ".",  ":", "|", ",", ";", "=", "<", ">"};

class Lexer {
 public:
  explicit Lexer(std::string_view source) {
    for (size_t i = 0; i < source.size(); ++i) {  // \r\n and \r are \n
      if (source[i] == '\r') {
        source_ += '\n';
        if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      } else source_ += source[i];
    }
    if (!source_.empty() && source_.back() == '\n') source_.pop_back();  // keep_trailing_newline is off
  }

  Result<std::vector<Token>> run() {
    while (at_ < source_.size()) {
      size_t tag = source_.find('{', at_);
      while (tag != std::string::npos && (tag + 1 >= source_.size() || std::string_view("%{#").find(source_[tag + 1]) == std::string_view::npos))
        tag = source_.find('{', tag + 1);
      if (tag == std::string::npos) {
        text(source_.size(), '+', false);
        break;
      }
      const char type = source_[tag + 1];
      const char sign = tag + 2 < source_.size() ? source_[tag + 2] : ' ';
      text(tag, sign, type != '{');
      move_to(tag + 2 + (sign == '-' || sign == '+'));
      if (type == '#') TRY(comment());
      else if (type == '{') TRY(tokens(false));
      else if (raw_follows()) TRY(raw());
      else TRY(tokens(true));
    }
    push(TokenKind::kEnd, "end of the template");
    return std::move(out_);
  }

 private:
  Error error(const std::string& message) const { return invalid_argument("template, line " + std::to_string(line_) + ": " + message); }
  void push(TokenKind kind, std::string text) { out_.push_back({kind, std::move(text), line_}); }
  bool looking_at(std::string_view text) const { return source_.compare(at_, text.size(), text) == 0; }

  void move_to(size_t to) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<long>(at_), source_.begin() + static_cast<long>(to), '\n'));
    at_ = to;
  }
  void skip_space() {
    size_t to = at_;
    while (to < source_.size() && space(source_[to])) ++to;
    move_to(to);
  }

  // The text up to a tag, less the white space that the tag takes.
  void text(size_t end, char sign, bool block) {
    std::string_view text = std::string_view(source_).substr(at_, end - at_);
    if (sign == '-') {
      while (!text.empty() && space(text.back())) text.remove_suffix(1);
    } else if (sign != '+' && block) {
      size_t line_begin = text.rfind('\n') + 1;  // npos + 1 = 0
      bool blank = std::all_of(text.begin() + static_cast<long>(line_begin), text.end(), space);
      if (blank && (line_begin > 0 || at_line_start_)) text = text.substr(0, line_begin);
    }
    if (!text.empty()) push(TokenKind::kText, std::string(text));
    move_to(end);
  }

  // After the end of a block or comment at at_: what it takes of the text behind it. `sign` stands before the end mark.
  void after_block(char sign) {
    size_t before = at_;
    if (sign == '-') skip_space();
    else if (sign != '+' && at_ < source_.size() && source_[at_] == '\n') move_to(at_ + 1);
    at_line_start_ = at_ > before && source_[at_ - 1] == '\n';
  }

  Status comment() {
    size_t end = source_.find("#}", at_);
    if (end == std::string::npos) return error("a comment {# without its #}");
    char sign = end > at_ ? source_[end - 1] : ' ';
    move_to(end + 2);
    after_block(sign);
    return {};
  }

  bool raw_follows() const {
    size_t at = at_;
    while (at < source_.size() && space(source_[at])) ++at;
    if (source_.compare(at, 3, "raw") != 0) return false;
    at += 3;
    while (at < source_.size() && space(source_[at])) ++at;
    return source_.compare(at, 2, "%}") == 0 || source_.compare(at, 3, "-%}") == 0;
  }

  Status raw() {
    size_t end = source_.find("%}", at_);
    char sign = source_[end - 1];
    move_to(end + 2);
    if (sign == '-') skip_space();
    at_line_start_ = source_[at_ - 1] == '\n';
    for (size_t tag = source_.find("{%", at_); tag != std::string::npos; tag = source_.find("{%", tag + 1)) {
      size_t at = tag + 2;
      char begin_sign = at < source_.size() ? source_[at] : ' ';
      if (begin_sign == '-' || begin_sign == '+') ++at;
      while (at < source_.size() && space(source_[at])) ++at;
      if (source_.compare(at, 6, "endraw") != 0) continue;
      at += 6;
      while (at < source_.size() && space(source_[at])) ++at;
      char end_sign = at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? source_[at++] : ' ';
      if (source_.compare(at, 2, "%}") != 0) continue;
      text(tag, begin_sign, true);
      move_to(at + 2);
      after_block(end_sign);
      return {};
    }
    return error("raw without endraw");
  }

  // The tokens of a block or output tag, its end included.
  Status tokens(bool block) {
    const std::string_view close = block ? "%}" : "}}";
    push(block ? TokenKind::kBlockBegin : TokenKind::kOutputBegin, block ? "{%" : "{{");
    std::string open;  // brackets not yet closed
    while (true) {
      skip_space();
      if (at_ >= source_.size()) return error(std::string("a tag without its ") + std::string(close));
      const char c = source_[at_];
      const bool signed_end = (c == '-' || (c == '+' && block)) && source_.compare(at_ + 1, 2, close) == 0;
      if (open.empty() && (signed_end || looking_at(close))) {
        push(block ? TokenKind::kBlockEnd : TokenKind::kOutputEnd, std::string(close));
        move_to(at_ + (signed_end ? 3 : 2));
        end_tag(block, signed_end ? c : ' ');
        return {};
      }
      if (digit(c)) TRY(number());
      else if (name_start(c)) name();
      else if (c == '"' || c == '\'') TRY(string(c));
      else TRY(symbol(open));
    }
  }

  void end_tag(bool block, char sign) {
    if (block) return after_block(sign);
    size_t before = at_;
    if (sign == '-') skip_space();
    at_line_start_ = at_ > before && source_[at_ - 1] == '\n';
  }

  Status symbol(std::string& open) {
    for (std::string_view symbol : kOperators) {
      if (!looking_at(symbol)) continue;
      const char c = symbol[0];
      if (c == '(' || c == '[' || c == '{') open += c;
      if (c == ')' || c == ']' || c == '}') {
        const char wanted = c == ')' ? '(' : c == ']' ? '[' : '{';
        if (open.empty() || open.back() != wanted) return error(std::string("unexpected '") + c + "'");
        open.pop_back();
      }
      push(TokenKind::kOperator, std::string(symbol));
      move_to(at_ + symbol.size());
      return {};
    }
    return error(std::string("unexpected character '") + source_[at_] + "'");
  }

  void name() {
    size_t end = at_;
    while (end < source_.size() && (name_start(source_[end]) || digit(source_[end]))) ++end;
    push(TokenKind::kName, source_.substr(at_, end - at_));
    move_to(end);
  }

  Status number() {
    size_t end = at_;
    std::string text;
    auto digits = [&] {
      for (; end < source_.size() && (digit(source_[end]) || (source_[end] == '_' && end + 1 < source_.size() && digit(source_[end + 1]))); ++end)
        if (source_[end] != '_') text += source_[end];
    };
    auto digit_at = [&](size_t at) { return at < source_.size() && digit(source_[at]); };
    digits();
    TokenKind kind = TokenKind::kInteger;
    if (end < source_.size() && source_[end] == '.' && digit_at(end + 1)) {
      kind = TokenKind::kFloat;
      text += source_[end++];
      digits();
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      bool sign = end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-');
      if (digit_at(end + 1 + sign)) {
        kind = TokenKind::kFloat;
        text.append(source_, end, 1 + sign);
        end += 1 + sign;
        digits();
      }
    }
    push(kind, text);
    move_to(end);
    return {};
  }

  Status string(char quote) {
    std::string text;
    const int line = line_;
    for (size_t at = at_ + 1; at < source_.size(); ++at) {
      if (source_[at] == quote) {
        out_.push_back({TokenKind::kString, std::move(text), line});
        move_to(at + 1);
        return {};
      }
      if (source_[at] != '\\' || at + 1 >= source_.size()) {
        text += source_[at];
        continue;
      }
      TRY(escape(++at, text));
    }
    return error("a string without its closing quote");
  }

  // Python's escapes; `at` is on the character after the backslash, and is left on the last one used.
  Status escape(size_t& at, std::string& text) {
    constexpr std::string_view letters = "abfnrtv\\'\"\n";
    const std::string meanings("\a\b\f\n\r\t\v\\'\"", 10);
    const char c = source_[at];
    if (size_t found = letters.find(c); found != std::string_view::npos) {
      if (c != '\n') text += meanings[found];
      return {};
    }
    if (c >= '0' && c <= '7') {
      uint32_t code = 0;
      size_t end = at;
      for (; end < at + 3 && end < source_.size() && source_[end] >= '0' && source_[end] <= '7'; ++end)
        code = code * 8 + static_cast<uint32_t>(source_[end] - '0');
      at = end - 1;
      utf8_append(text, code);
      return {};
    }
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) {
      (text += '\\') += c;
      return {};
    }
    uint32_t code = 0;
    for (size_t i = 1; i <= digits; ++i) {
      const char h = at + i < source_.size() ? source_[at + i] : ' ';
      const bool letter = (h >= 'a' && h <= 'f') || (h >= 'A' && h <= 'F');
      if (!digit(h) && !letter) return error(std::string("an escape \\") + c + " needs " + std::to_string(digits) + " hex digits");
      code = code * 16 + static_cast<uint32_t>(digit(h) ? h - '0' : (h | 32) - 'a' + 10);
    }
    at += digits;
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return error("an escape is no Unicode character");
    utf8_append(text, code);
    return {};
  }

  std::string source_;
  std::vector<Token> out_;
  size_t at_ = 0;
  int line_ = 1;
  bool at_line_start_ = true;  // what stands before at_ ended a line
};

}  // namespace

Result<std::vector<Token>> lex_template(std::string_view source) { return Lexer(source).run(); }

}  // namespace strata::templates
