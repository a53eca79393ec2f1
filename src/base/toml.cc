#include "base/toml.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <optional>

#include "base/json.h"
#include "base/text.h"

namespace strata::toml {
namespace {

// Names are kept whole, so a file's cost is their number times their length: at most some megabytes.
constexpr size_t kPartsMax = 16;         // of a section and a key together; ours have two
constexpr size_t kPartBytesMax = 128;
constexpr size_t kNamesMax = 10'000;     // sections and keys

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_bare(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-'; }

// ---- Numbers -------------------------------------------------------------------------------------------------------------------

int digit_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// Appends the digits without their underscores; false where there are none, or an underscore does not stand between two digits.
bool append_digits(std::string_view text, int base, std::string* out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (digit_value(text[i]) < base) {
      *out += text[i];
    } else if (text[i] != '_' || i == 0 || i + 1 == text.size() || text[i - 1] == '_') {
      return false;
    }
  }
  return !text.empty();
}

enum class Reading { kRight, kWrong, kTooLarge };

template <class Number, class... How>
Reading convert(const std::string& text, Value* out, How... how) {
  Number number{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number, how...);
  if (failure == std::errc::result_out_of_range) return Reading::kTooLarge;
  if (failure != std::errc() || end != text.data() + text.size()) return Reading::kWrong;
  *out = number;
  return Reading::kRight;
}

// digits [ "." digits ] [ "e" [sign] digits ]: an integer where neither follows.
Reading read_decimal(std::string_view word, std::string plain, Value* out) {
  const size_t e = word.find_first_of("eE");
  const std::string_view mantissa = word.substr(0, e);
  const size_t dot = mantissa.find('.');
  const std::string_view whole = mantissa.substr(0, dot);
  if (!append_digits(whole, 10, &plain) || (whole.size() > 1 && whole[0] == '0')) return Reading::kWrong;
  if (dot == std::string_view::npos && e == std::string_view::npos) return convert<int64_t>(plain, out);
  if (dot != std::string_view::npos && !append_digits(mantissa.substr(dot + 1), 10, &(plain += '.'))) return Reading::kWrong;
  if (e != std::string_view::npos) {
    std::string_view exponent = word.substr(e + 1);
    plain += 'e';
    if (!exponent.empty() && (exponent[0] == '+' || exponent[0] == '-')) {
      plain += exponent[0];
      exponent.remove_prefix(1);
    }
    if (!append_digits(exponent, 10, &plain)) return Reading::kWrong;
  }
  return convert<double>(plain, out);
}

Reading read_number(std::string_view word, Value* out) {
  const bool has_sign = word[0] == '+' || word[0] == '-';
  const bool negative = word[0] == '-';
  const std::string_view rest = has_sign ? word.substr(1) : word;
  if (rest == "inf" || rest == "nan") {
    const double number = rest == "inf" ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
    *out = negative ? -number : number;
    return Reading::kRight;
  }
  if (!has_sign && rest.size() > 2 && rest[0] == '0' && !is_digit(rest[1])) {
    const int base = rest[1] == 'x' ? 16 : rest[1] == 'o' ? 8 : rest[1] == 'b' ? 2 : 0;
    std::string digits;
    if (base != 0) return append_digits(rest.substr(2), base, &digits) ? convert<int64_t>(digits, out, base) : Reading::kWrong;
  }
  return read_decimal(rest, negative ? "-" : "", out);
}

// "1979-05-27…" and "07:32…"
bool looks_like_a_date(std::string_view word) {
  const size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
  return digits < word.size() && ((digits == 4 && word[4] == '-') || (digits == 2 && word[2] == ':'));
}

// ---- The file ------------------------------------------------------------------------------------------------------------------

class Reader {
 public:
  Reader(std::string_view text, std::string_view name) : text_(text), name_(name) {}
  Result<std::vector<Entry>> read();

 private:
  // What a path names. A section may be opened once; one that only a longer section's name implied may still be opened.
  enum class Named { kValue, kSection, kImplied, kByDottedKey };
  struct Known {
    Named as;
    int line;
  };

  bool done() const { return at_ >= text_.size(); }
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  size_t newline() const { return peek() == '\n' ? 1 : peek() == '\r' && peek(1) == '\n' ? 2 : 0; }
  bool take(char c) { return peek() == c && !done() ? (++at_, true) : false; }
  bool three(char quote) const { return peek() == quote && peek(1) == quote && peek(2) == quote; }
  void skip_blanks() { at_ = std::min(text_.find_first_not_of(" \t", at_), text_.size()); }
  void next_line() {
    at_ += newline();
    line_begin_ = at_;
    ++line_;
  }
  int column(size_t at) const {
    const std::string_view before = text_.substr(line_begin_, at - line_begin_);
    return 1 + static_cast<int>(std::count_if(before.begin(), before.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  }
  Error fail(const std::string& what) const {
    return invalid_argument(std::string(name_) + ":" + std::to_string(line_) + ": not valid TOML at column " + std::to_string(column(at_)) + ": " + what);
  }
  std::string here() const;

  Status end_line();
  Status skip_lines();
  Status comment();
  Result<size_t> character() const;

  Status section();
  Status pair();
  Result<std::string> key_part();
  Result<std::vector<std::string>> key_path();
  Status define(const std::vector<std::string>& path, Named as, size_t begin);
  Error named_twice(const std::vector<std::string>& path, const Known& known, size_t begin);

  Result<Value> value();
  Result<Value> word();
  Result<Value> list();
  Result<std::string> text();
  Result<std::string> text_of_one_line(char quote);
  Result<std::string> text_of_many_lines(char quote);
  bool joins_lines();
  Status part_of_text(char quote, std::string* out);
  Status escape(std::string* out);

  const std::string_view text_, name_;
  size_t at_ = 0, line_begin_ = 0;
  int line_ = 1;
  std::vector<std::string> section_;
  std::map<std::vector<std::string>, Known> known_;
  std::vector<Entry> entries_;
};

Result<std::vector<Entry>> Reader::read() {
  if (text_.size() > kBytesMax) return fail("the file has more than " + human_bytes(kBytesMax) + ", the most that is read");
  if (text_.starts_with("\xEF\xBB\xBF")) at_ = line_begin_ = 3;  // a byte order mark, as some editors write it
  while (!done()) {
    skip_blanks();
    if (peek() == '[') TRY(section());
    else if (!done() && newline() == 0 && peek() != '#') TRY(pair());
    TRY(end_line());
  }
  return std::move(entries_);
}

// What stands here, for "expected …, got HERE".
std::string Reader::here() const {
  if (done()) return "the end of the file";
  if (newline() > 0) return "the end of the line";
  const size_t length = utf8_sequence_length(text_.substr(at_));
  const auto byte = static_cast<unsigned char>(peek());
  if (length == 0 || byte < 0x20 || byte == 0x7F) return "the byte 0x" + hex(text_.substr(at_, 1));
  return "'" + std::string(text_.substr(at_, length)) + "'";
}

Status Reader::end_line() {
  skip_blanks();
  TRY(comment());
  if (done()) return {};
  if (newline() == 0) return fail("expected the end of the line, got " + here() + "; one key = value stands on a line");
  next_line();
  return {};
}

Status Reader::skip_lines() {
  for (;;) {
    skip_blanks();
    TRY(comment());
    if (newline() == 0) return {};
    next_line();
  }
}

Status Reader::comment() {
  if (peek() != '#') return {};
  while (!done() && newline() == 0) {
    TRY_ASSIGN(const size_t length, character());
    at_ += length;
  }
  return {};
}

// The bytes of the character here, where a text or a comment may hold it.
Result<size_t> Reader::character() const {
  const size_t length = utf8_sequence_length(text_.substr(at_));
  if (length == 0) return fail(here() + " is not UTF-8; save the file as UTF-8");
  const auto byte = static_cast<unsigned char>(peek());
  if ((byte < 0x20 && byte != '\t') || byte == 0x7F)
    return fail("the control character " + here() + " may not stand here; in a \"text\" write \\u00" + hex(text_.substr(at_, 1)));
  return length;
}

// ---- Sections and keys

Status Reader::section() {
  if (peek(1) == '[') return fail("arrays of tables, [[…]], are not used here; write one [section]");
  section_.clear();
  const size_t begin = ++at_;
  TRY_ASSIGN(std::vector<std::string> path, key_path());
  if (!take(']')) return fail("expected ']' behind the section's name, got " + here());
  TRY(define(path, Named::kSection, begin));
  section_ = std::move(path);
  return {};
}

Status Reader::pair() {
  Entry entry;
  entry.line = line_;
  entry.column = column(at_);
  const size_t begin = at_;
  TRY_ASSIGN(std::vector<std::string> path, key_path());
  if (!take('=')) return fail("expected '=' behind the key '" + joined(path) + "', got " + here());
  entry.path = section_;
  entry.path.insert(entry.path.end(), path.begin(), path.end());
  TRY(define(entry.path, Named::kValue, begin));
  skip_blanks();
  TRY_ASSIGN(entry.value, value());
  entries_.push_back(std::move(entry));
  return {};
}

Result<std::vector<std::string>> Reader::key_path() {
  std::vector<std::string> path;
  do {
    skip_blanks();
    if (path.size() + section_.size() >= kPartsMax) return fail("the name has more than " + std::to_string(kPartsMax) + " parts");
    TRY_ASSIGN(std::string part, key_part());
    if (part.size() > kPartBytesMax) return fail("the name has a part of more than " + std::to_string(kPartBytesMax) + " bytes");
    path.push_back(std::move(part));
    skip_blanks();
  } while (take('.'));
  return path;
}

Result<std::string> Reader::key_part() {
  const char quote = peek();
  if (quote == '"' || quote == '\'') {
    if (three(quote)) return fail("a key stands on one line; put it between one quote and one quote");
    return text_of_one_line(quote);
  }
  const size_t begin = at_;
  while (is_bare(peek())) ++at_;
  if (static_cast<unsigned char>(peek()) >= 0x80) return fail("letters past ASCII stand only in quotes and comments");
  if (at_ == begin) return fail("expected a name (letters, digits, '_', '-', or anything in quotes), got " + here());
  return std::string(text_.substr(begin, at_ - begin));
}

// Enters a section's or a value's path with all that lies above it.
Status Reader::define(const std::vector<std::string>& path, Named as, size_t begin) {
  if (known_.size() >= kNamesMax) return fail("the file has more than " + std::to_string(kNamesMax) + " names");
  const size_t own = as == Named::kValue ? section_.size() : path.size();   // from here on, parts above are a dotted key's own
  std::vector<std::string> above;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    above.push_back(path[i]);
    const auto [at, fresh] = known_.try_emplace(above, Known{i >= own ? Named::kByDottedKey : Named::kImplied, line_});
    if (fresh) continue;
    const bool closed = i >= own && at->second.as != Named::kByDottedKey;   // a section is added to under its own name only
    if (at->second.as == Named::kValue || closed) return named_twice(above, at->second, begin);
  }
  const auto [at, fresh] = known_.try_emplace(path, Known{as, line_});
  if (fresh) return {};
  if (as != Named::kSection || at->second.as != Named::kImplied) return named_twice(path, at->second, begin);
  at->second = {as, line_};
  return {};
}

Error Reader::named_twice(const std::vector<std::string>& path, const Known& known, size_t begin) {
  at_ = begin;
  const std::string name = "'" + joined(path) + "'", where = " on line " + std::to_string(known.line);
  if (known.as == Named::kValue) return fail(name + " has a value already," + where + "; keep one");
  return fail(name + " is a section already," + where + "; write all its keys there, each once");
}

// ---- Values

Result<Value> Reader::value() {
  switch (peek()) {
    case '"':
    case '\'': return text();
    case '[': return list();
    case '{': return fail("inline tables, {…}, are not read here; write a [section] with one key = value a line");
    default: return word();
  }
}

Result<Value> Reader::word() {
  size_t end = at_;
  while (end < text_.size() && (is_bare(text_[end]) || text_[end] == '+' || text_[end] == '.' || text_[end] == ':')) ++end;
  const std::string_view word = text_.substr(at_, end - at_);
  if (word.empty()) return fail("expected a value, got " + here() + "; a text stands in quotes");
  Value out;
  if (word == "true" || word == "false") {
    out = word == "true";
  } else if (looks_like_a_date(word)) {
    return fail("dates and times are not read here; write it as a text, in quotes");
  } else if (const Reading reading = read_number(word, &out); reading != Reading::kRight) {
    if (reading == Reading::kTooLarge) return fail("'" + std::string(word) + "' does not fit into 64 bits");
    return fail("'" + std::string(word) + "' is neither a number nor true or false; a text stands in quotes");
  }
  at_ = end;
  return out;
}

Result<Value> Reader::list() {
  const int begin = line_;
  ++at_;
  std::vector<Scalar> items;
  for (;;) {
    TRY(skip_lines());
    if (take(']')) return Value(std::move(items));
    if (done()) return fail("the list that begins on line " + std::to_string(begin) + " is not closed; expected ']'");
    if (peek() == '[') return fail("lists in lists are not read here");
    TRY_ASSIGN(Value item, value());
    std::visit(
        [&](auto& plain) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(plain)>, std::vector<Scalar>>) items.emplace_back(std::move(plain));
        },
        item);
    TRY(skip_lines());
    if (!take(',') && peek() != ']' && !done()) return fail("expected ',' or ']' in the list, got " + here());
  }
}

Result<std::string> Reader::text() {
  const char quote = peek();
  return three(quote) ? text_of_many_lines(quote) : text_of_one_line(quote);
}

Result<std::string> Reader::text_of_one_line(char quote) {
  const size_t begin = at_++;
  std::string out;
  while (!take(quote)) {
    if (done() || newline() > 0) return fail("the text that begins at column " + std::to_string(column(begin)) + " is not closed; expected " + quote);
    TRY(part_of_text(quote, &out));
  }
  return out;
}

Result<std::string> Reader::text_of_many_lines(char quote) {
  const int begin = line_;
  at_ += 3;
  if (newline() > 0) next_line();
  std::string out;
  while (!done()) {
    if (three(quote)) {
      at_ += 3;
      for (int extra = 0; extra < 2 && take(quote); ++extra) out += quote;  // up to two quotes before the closing ones are text
      return out;
    }
    if (newline() > 0) {
      out += '\n';
      next_line();
    } else if (quote == '\'' || !joins_lines()) {
      TRY(part_of_text(quote, &out));
    }
  }
  return fail("the text that begins on line " + std::to_string(begin) + " is not closed; expected " + std::string(3, quote));
}

// A backslash at a line's end swallows the white space up to the next character; false where none stands here.
bool Reader::joins_lines() {
  if (peek() != '\\') return false;
  const size_t end = text_.find_first_not_of(" \t", at_ + 1);
  if (end == std::string_view::npos || !(text_[end] == '\n' || text_.substr(end, 2) == "\r\n")) return false;
  at_ = end;
  while (newline() > 0) {
    next_line();
    skip_blanks();
  }
  return true;
}

Status Reader::part_of_text(char quote, std::string* out) {
  if (quote == '"' && peek() == '\\') return escape(out);
  TRY_ASSIGN(const size_t length, character());
  out->append(text_.substr(at_, length));
  at_ += length;
  return {};
}

Status Reader::escape(std::string* out) {
  static constexpr std::string_view kNames = "btnfr\"\\", kMeanings = "\b\t\n\f\r\"\\";
  const char name = peek(1);
  if (const size_t plain = kNames.find(name); plain != std::string_view::npos) {
    *out += kMeanings[plain];
    at_ += 2;
    return {};
  }
  const size_t digits = name == 'u' ? 4 : name == 'U' ? 8 : 0;
  if (digits == 0) return fail("unknown escape; write \\\\ for a backslash, or put the text in 'single quotes'");
  uint32_t code_point = 0;
  for (size_t i = 0; i < digits; ++i) {
    const int value = digit_value(peek(2 + i));
    if (value >= 16) return fail(std::string("expected ") + std::to_string(digits) + " hexadecimal digits behind \\" + name);
    code_point = code_point * 16 + static_cast<uint32_t>(value);
  }
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) return fail("the escape names no Unicode character");
  utf8_append(*out, code_point);
  at_ += 2 + digits;
  return {};
}

}  // namespace

Result<std::vector<Entry>> parse(std::string_view text, std::string_view name) { return Reader(text, name).read(); }

std::string joined(const std::vector<std::string>& path) {
  std::string out;
  for (const std::string& part : path) {
    if (!out.empty()) out += '.';
    out += !part.empty() && std::all_of(part.begin(), part.end(), is_bare) ? part : json_quote(part);
  }
  return out;
}

}  // namespace strata::toml
