#include "knowledge/chunk/atoms.h"

#include <algorithm>

#include "base/text.h"
#include "knowledge/chunk/chunk.h"

namespace strata::chunk {
namespace {

using document::Block;
using document::BlockType;
using document::Range;

// A tokenizer may call a megabyte without a space one token ("[UNK]"), so every 24 bytes count as one at least. English runs at 4 to
// 5 bytes a token: real text is not touched by this.
constexpr size_t kTokenBytes = 24;
// Lines of code are joined into atoms of about this size: fewer counts, and a cut still falls on a line.
constexpr size_t kCodeBytes = 64;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

class Builder {
 public:
  Builder(std::string_view text, int budget, const TokenCounter& count, std::vector<Atom>* out) : text_(text), budget_(budget), count_(count), out_(out) {}

  void add_prose(Range range) {
    ++group_;
    for (const Range& sentence : sentences(text_.substr(range.begin, range.end - range.begin))) {
      add({range.begin + sentence.begin, range.begin + sentence.end}, false, true);
    }
  }

  // A table's rows or a code block's lines, small lines together.
  void add_lines(Range range, size_t bytes_least) {
    ++group_;
    for (uint32_t begin = range.begin; begin < range.end;) {
      uint32_t end = begin;
      do {
        const size_t newline = text_.find('\n', end);
        end = newline >= range.end ? range.end : static_cast<uint32_t>(newline + 1);
      } while (end < range.end && end - begin < bytes_least);
      add(trimmed({begin, end}), true, false);
      begin = end;
    }
  }

 private:
  Range trimmed(Range range) const {
    while (range.begin < range.end && is_space(text_[range.begin])) ++range.begin;
    while (range.end > range.begin && is_space(text_[range.end - 1])) --range.end;
    return range;
  }

  void add(Range range, bool keeps_whole, bool is_sentence) {
    if (range.begin >= range.end) return;
    const int tokens = measure(range);
    if (tokens <= budget_) {
      out_->push_back({range, tokens, group_, keeps_whole, is_sentence});
      return;
    }
    cut(range, tokens, keeps_whole);
  }

  int measure(Range range) const {
    const size_t bytes = range.end - range.begin;
    return std::max({1, static_cast<int>(bytes / kTokenBytes), count_(text_.substr(range.begin, bytes))});
  }

  // Into equal parts at words. A part that is still too long (dense with tokens) is cut again; one letter is never cut.
  void cut(Range range, int tokens, bool keeps_whole) {
    const size_t bytes = range.end - range.begin;
    // 1/8 more parts than the mean asks for, since parts differ.
    size_t parts = std::max<size_t>(2, (static_cast<size_t>(tokens) + budget_ - 1) / budget_);
    parts += parts / 8;
    const size_t step = std::max<size_t>(1, bytes / parts);
    for (uint32_t begin = range.begin; begin < range.end;) {
      const uint32_t end = range.end - begin <= step + step / 4 ? range.end : word_end(begin, begin + step, range.end);
      const Range part = trimmed({begin, end});
      begin = end;
      if (part.begin >= part.end) continue;
      const int part_tokens = measure(part);
      size_t length = 0;
      utf8_decode(text_.substr(part.begin), &length);
      const bool one_letter = part.end - part.begin <= length;
      const bool smaller = part.end - part.begin < bytes;
      if (part_tokens <= budget_ || one_letter || !smaller) {
        out_->push_back({part, part_tokens, group_, keeps_whole, false});
      } else {
        cut(part, part_tokens, keeps_whole);
      }
    }
  }

  // Where to cut near `target`: behind the last space in the second half, else at the next letter boundary.
  uint32_t word_end(uint32_t begin, size_t target, uint32_t limit) const {
    for (size_t at = target; at > begin + (target - begin) / 2; --at) {
      if (is_space(text_[at])) return static_cast<uint32_t>(at);
    }
    while (target < limit && (static_cast<unsigned char>(text_[target]) & 0xC0) == 0x80) ++target;
    return static_cast<uint32_t>(target);
  }

  std::string_view text_;
  int budget_;
  const TokenCounter& count_;
  std::vector<Atom>* out_;
  int group_ = 0;
};

}  // namespace

std::vector<Atom> atoms(const document::Document& document, Range section, size_t* first_block, int budget, const TokenCounter& count_tokens) {
  std::vector<Atom> out;
  Builder builder(document.text, budget, count_tokens, &out);
  const std::vector<Block>& blocks = document.blocks;
  while (*first_block < blocks.size() && blocks[*first_block].at.end <= section.begin) ++*first_block;
  uint32_t at = section.begin;
  for (size_t i = *first_block; i < blocks.size() && blocks[i].at.begin < section.end; ++i) {
    const uint32_t begin = std::max(at, blocks[i].at.begin);
    const uint32_t end = std::min(section.end, blocks[i].at.end);
    if (begin >= end) continue;
    builder.add_prose({at, begin});  // what no block claims
    if (blocks[i].type == BlockType::kTable) builder.add_lines({begin, end}, 0);
    else if (blocks[i].type == BlockType::kCode) builder.add_lines({begin, end}, kCodeBytes);
    else builder.add_prose({begin, end});
    at = end;
  }
  builder.add_prose({at, section.end});
  return out;
}

}  // namespace strata::chunk
