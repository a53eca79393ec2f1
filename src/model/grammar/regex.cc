// Regular expressions, of the whole output or of a JSON string's content.
#include "model/grammar/regex.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace strata::grammar {
namespace {

constexpr int kDepthMost = 64;

const CodePoints kDigits = {{'0', '9'}};
const CodePoints kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const CodePoints kSpace = {{'\t', '\r'},     {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
                           {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};
const CodePoints kNewLines = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

class Parser {
 public:
  Parser(Builder& builder, std::string_view pattern, const std::string& where, const OneOf& one_of)
      : b_(builder), text_(pattern), where_(where), one_of_(one_of) {}

  Result<Piece> whole(bool search) {
    TRY_ASSIGN(const Piece out, alternatives(0, search));
    if (at_ < text_.size()) return error("an unmatched ')'");
    return out;
  }

 private:
  Error error(const std::string& what) const {
    return invalid_argument(where_ + ": the regular expression has " + what + " at byte " + std::to_string(at_) + ", which cannot be enforced", where_);
  }
  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool take(char c) { return next_is(c) && ++at_; }
  bool take(std::string_view s) {
    if (text_.substr(at_, s.size()) != s) return false;
    at_ += s.size();
    return true;
  }

  // `search`: of the outermost, each alternative may stand anywhere unless it is anchored.
  Result<Piece> alternatives(int depth, bool search) {
    if (depth > kDepthMost) return error("groups nested deeper than " + std::to_string(kDepthMost));
    std::vector<Piece> ways;
    do {
      const bool begins = depth == 0 && take('^');
      std::vector<Piece> parts;
      bool ends = false;
      while (at_ < text_.size() && !next_is('|') && !next_is(')')) {
        if (depth == 0 && next_is('$') && (at_ + 1 == text_.size() || text_[at_ + 1] == '|')) {
          ++at_;
          ends = true;
          break;
        }
        TRY_ASSIGN(const Piece part, repeated(depth));
        parts.push_back(part);
        if (b_.full()) return error("more states than fit");
      }
      if (search && !begins) parts.insert(parts.begin(), anything());
      if (search && !ends) parts.push_back(anything());
      ways.push_back(b_.sequence(parts));
    } while (take('|'));
    return b_.any_of(ways);
  }

  Piece anything() { return b_.repeat(b_.rule(one_of_(complement({}))), 0, -1); }

  Result<Piece> repeated(int depth) {
    TRY_ASSIGN(const Piece one, atom(depth));
    int least = 1, most = 1;
    if (take('*')) least = 0, most = -1;
    else if (take('+')) most = -1;
    else if (take('?')) least = 0;
    else if (next_is('{')) TRY(counts(&least, &most));
    else return one;
    take('?');                                         // which of several matches is taken does not matter to whether one matches
    if (next_is('*') || next_is('+') || next_is('?') || next_is('{')) return error("a quantifier of a quantifier");
    return b_.repeat(b_.rule(one), least, most);
  }

  Result<int> number() {
    int out = 0;
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      out = std::min(out * 10 + (text_[at_++] - '0'), kRepeatMost + 1);
    }
    if (at_ == begin) return error("a '{' without numbers");
    return out;
  }

  Status counts(int* least, int* most) {
    take('{');
    TRY_ASSIGN(*least, number());
    *most = *least;
    if (take(',')) {
      *most = -1;
      if (!next_is('}')) {
        TRY_ASSIGN(*most, number());
      }
    }
    if (!take('}')) return error("a '{' that is not closed");
    if (*most >= 0 && *most < *least) return error("a count that falls");
    if (*least > kRepeatMost) return error("a count over " + std::to_string(kRepeatMost));
    return {};
  }

  Result<Piece> atom(int depth) {
    if (take('(')) {
      if (take("?:")) {
      } else if (take("?<") && !next_is('=') && !next_is('!')) {
        const size_t end = text_.find('>', at_);
        if (end == std::string_view::npos) return error("a group name that is not closed");
        at_ = end + 1;
      } else if (at_ > 0 && (text_[at_ - 1] == '<' || next_is('?'))) {
        return error("a look-around");
      }
      TRY_ASSIGN(const Piece inside, alternatives(depth + 1, false));
      if (!take(')')) return error("a '(' that is not closed");
      return inside;
    }
    if (take('.')) return one_of_(complement(kNewLines));
    if (take('[')) return char_class();
    if (next_is('^') || next_is('$')) return error("an anchor inside");
    if (next_is('*') || next_is('+') || next_is('?')) return error("a quantifier of nothing");
    if (take('\\')) {
      TRY_ASSIGN(const CodePoints set, escape(false));
      return one_of_(set);
    }
    return one_of_(one(character()));
  }

  static CodePoints one(uint32_t c) { return {{c, c}}; }

  uint32_t character() {
    size_t length = 1;
    const uint32_t c = utf8_decode(text_.substr(at_), &length);
    at_ += std::max<size_t>(length, 1);
    return c;
  }

  Result<uint32_t> hex(size_t digits) {
    uint32_t out = 0;
    for (size_t i = 0; i < digits; ++i, ++at_) {
      const char c = at_ < text_.size() ? text_[at_] : 'x';
      const int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
      if (value < 0) return error("a wrong hexadecimal number");
      out = out * 16 + static_cast<uint32_t>(value);
    }
    return out;
  }

  Result<CodePoints> escape(bool in_class) {
    if (at_ == text_.size()) return error("a '\\' at the end");
    const char c = text_[at_];
    switch (c) {
      case 'd': ++at_; return kDigits;
      case 'D': ++at_; return complement(kDigits);
      case 'w': ++at_; return kWord;
      case 'W': ++at_; return complement(kWord);
      case 's': ++at_; return kSpace;
      case 'S': ++at_; return complement(kSpace);
      case 'n': ++at_; return one('\n');
      case 'r': ++at_; return one('\r');
      case 't': ++at_; return one('\t');
      case 'f': ++at_; return one('\f');
      case 'v': ++at_; return one('\v');
      case '0': ++at_; return one(0);
      case 'x': {
        ++at_;
        TRY_ASSIGN(const uint32_t code, hex(2));
        return one(code);
      }
      case 'u': {
        ++at_;
        TRY_ASSIGN(const uint32_t code, hex(4));
        if (code >= 0xd800 && code <= 0xdfff) return error("half a surrogate pair");
        return one(code);
      }
      case 'b':
        if (in_class) {
          ++at_;
          return one('\b');
        }
        break;
      default: break;
    }
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '1' && c <= '9');
    if (letter) return error("the escape '\\" + std::string(1, c) + "'");
    return one(character());
  }

  Result<CodePoints> class_member() {
    if (take('\\')) return escape(true);
    return one(character());
  }

  Result<Piece> char_class() {
    const bool inverted = take('^');
    CodePoints set;
    while (!next_is(']')) {
      if (at_ >= text_.size()) return error("a '[' that is not closed");
      TRY_ASSIGN(const CodePoints low, class_member());
      const bool single = low.size() == 1 && low[0].first == low[0].second;
      if (single && next_is('-') && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        TRY_ASSIGN(const CodePoints high, class_member());
        if (high.size() != 1 || high[0].first != high[0].second || high[0].first < low[0].first) return error("a wrong range");
        set.emplace_back(low[0].first, high[0].first);
      } else {
        set.insert(set.end(), low.begin(), low.end());
      }
    }
    take(']');
    return one_of_(inverted ? complement(set) : set);
  }

  Builder& b_;
  std::string_view text_;
  const std::string& where_;
  const OneOf& one_of_;
  size_t at_ = 0;
};

}  // namespace

Result<Piece> regex_piece(Builder& builder, std::string_view pattern, bool search, const std::string& where, const OneOf& one_of) {
  if (!utf8_valid(pattern)) return invalid_argument(where + ": the regular expression is not valid UTF-8", where);
  return Parser(builder, pattern, where, one_of).whole(search);
}

Result<std::shared_ptr<const Grammar>> compile_regex(std::string_view pattern, const std::string& where) {
  Builder builder;
  TRY_ASSIGN(const Piece whole, regex_piece(builder, pattern, false, where, [&](const CodePoints& set) { return builder.code_points(set); }));
  return builder.finish(whole, where);
}

Result<std::shared_ptr<const Grammar>> compile_search(std::string_view pattern, const std::string& where) {
  Builder builder;
  TRY_ASSIGN(const Piece whole, regex_piece(builder, pattern, true, where, [&](const CodePoints& set) { return builder.code_points(set); }));
  return builder.finish(whole, where);
}

}  // namespace strata::grammar
