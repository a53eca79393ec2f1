// Cuts text into the pieces that BPE merges within: hand-written scanners for the four published patterns, linear in the text.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace strata::tokenizer {

// \p{L} letter, \p{N} number, \s space. SOURCE: the pre_tokenizer of each model's tokenizer.json.
enum class Pattern {
  kGpt2,    // 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  kSmollm,  // every number character alone, then kGpt2 between them
  kLlama3,  // (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
  kQwen2,   // the same with \p{N} in place of \p{N}{1,3}
};

struct Piece {
  uint32_t begin, end;
};
// Appends the pieces of text[begin, end); together they cover it. Invalid bytes count as neither letter, number nor space.
void cut_pieces(Pattern pattern, std::string_view text, uint32_t begin, uint32_t end, std::vector<Piece>& out);

}  // namespace strata::tokenizer
