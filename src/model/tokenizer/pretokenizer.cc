#include "model/tokenizer/pretokenizer.h"

#include "base/text.h"
#include "model/tokenizer/unicode.h"

namespace strata::tokenizer {
namespace {

// One code point and where it ends. Past the end: kind kOther, size 0.
struct Char {
  uint32_t code = 0;
  uint32_t size = 0;
  Kind kind = Kind::kOther;
  bool newline() const { return code == '\r' || code == '\n'; }
  bool is(Kind k) const { return size > 0 && kind == k; }
};

class Scanner {
 public:
  Scanner(std::string_view text, std::vector<Piece>& out) : text_(text), out_(out) {}

  void gpt2(uint32_t begin, uint32_t end) {
    end_ = end;
    for (uint32_t at = begin; at < end;) at = emit(at, gpt2_piece(at));
  }
  void smollm(uint32_t begin, uint32_t end) {
    uint32_t start = begin;
    end_ = end;
    for (uint32_t at = begin; at < end;) {
      Char c = peek(at);
      if (is_digit_for_split(c.code)) {
        gpt2(start, at);
        end_ = end;
        emit(at, at + c.size);
        start = at + c.size;
      }
      at += c.size;
    }
    gpt2(start, end);
  }
  void llama3(uint32_t begin, uint32_t end, int digits_max) {
    end_ = end;
    for (uint32_t at = begin; at < end;) at = emit(at, llama3_piece(at, digits_max));
  }

 private:
  uint32_t emit(uint32_t begin, uint32_t end) {
    out_.push_back({begin, end});
    return end;
  }

  Char peek(uint32_t at) const {
    Char c;
    if (at >= end_) return c;
    size_t size = 1;
    c.code = utf8_decode(text_.substr(at, end_ - at), &size);
    c.size = static_cast<uint32_t>(size);
    c.kind = kind_of(c.code);
    return c;
  }

  // End of the run of `kind` from `at`.
  uint32_t run(uint32_t at, Kind kind) const {
    for (Char c = peek(at); c.is(kind); c = peek(at)) at += c.size;
    return at;
  }

  // 's 't 're 've 'm 'll 'd after an apostrophe at `at`; 0 where none.
  uint32_t contraction(uint32_t at, bool any_case) const {
    Char first = peek(at + 1), second = peek(at + 1 + first.size);
    auto letter = [&](const Char& c) -> uint32_t {
      if (!any_case) return c.code;
      if (c.code == 0x17F) return 's';  // LONG S folds to s
      return c.code >= 'A' && c.code <= 'Z' ? c.code + 32 : c.code;
    };
    uint32_t a = letter(first), b = letter(second);
    if (first.size == 0) return 0;
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return at + 1 + first.size;
    if (second.size > 0 && ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l'))) return at + 1 + first.size + second.size;
    return 0;
  }

  // \s+(?!\S)|\s+ : a run of spaces leaves its last one to what follows, unless it is the only one.
  uint32_t spaces(uint32_t at) const {
    uint32_t last = at, end = at;
    for (Char c = peek(end); c.is(Kind::kSpace); c = peek(end)) {
      last = end;
      end += c.size;
    }
    return end < end_ && last > at ? last : end;
  }

  uint32_t gpt2_piece(uint32_t at) const {
    Char c = peek(at);
    if (c.code == '\'') {
      if (uint32_t end = contraction(at, false)) return end;
    }
    uint32_t body = at;
    if (c.code == ' ') {
      body = at + 1;
      c = peek(body);
    }
    if (c.size > 0 && c.kind != Kind::kSpace) return run(body, c.kind);
    return spaces(at);
  }

  uint32_t llama3_piece(uint32_t at, int digits_max) const {
    Char c = peek(at);
    if (c.code == '\'') {
      if (uint32_t end = contraction(at, true)) return end;
    }
    if (c.is(Kind::kLetter)) return run(at, Kind::kLetter);
    Char next = peek(at + c.size);
    if (!c.newline() && !c.is(Kind::kNumber) && next.is(Kind::kLetter)) return run(at + c.size, Kind::kLetter);
    if (c.is(Kind::kNumber)) {
      for (int i = 0; i < digits_max && peek(at).is(Kind::kNumber); ++i) at += peek(at).size;
      return at;
    }
    uint32_t body = c.code == ' ' && next.is(Kind::kOther) ? at + 1 : at;
    if (peek(body).is(Kind::kOther)) {
      uint32_t end = run(body, Kind::kOther);
      while (peek(end).newline()) end += 1;
      return end;
    }
    if (uint32_t end = spaces_to_newline(at)) return end;
    return spaces(at);
  }

  // \s*[\r\n]+ : up to the last newline of the run of spaces; 0 where it has none.
  uint32_t spaces_to_newline(uint32_t at) const {
    uint32_t end = 0;
    for (Char c = peek(at); c.is(Kind::kSpace); c = peek(at)) {
      at += c.size;
      if (c.newline()) end = at;
    }
    return end;
  }

  std::string_view text_;
  std::vector<Piece>& out_;
  uint32_t end_ = 0;
};

}  // namespace

void cut_pieces(Pattern pattern, std::string_view text, uint32_t begin, uint32_t end, std::vector<Piece>& out) {
  Scanner scanner(text, out);
  switch (pattern) {
    case Pattern::kGpt2: return scanner.gpt2(begin, end);
    case Pattern::kSmollm: return scanner.smollm(begin, end);
    case Pattern::kLlama3: return scanner.llama3(begin, end, 3);
    case Pattern::kQwen2: return scanner.llama3(begin, end, 1);
  }
}

}  // namespace strata::tokenizer
