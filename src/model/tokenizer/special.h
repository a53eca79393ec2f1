// Finds added tokens ("<|im_end|>") in text: leftmost first, longest at one place.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::tokenizer {

struct SpecialToken {
  int32_t id = -1;
  std::string text;
  bool special = true;                 // false: an added word that decoding shows
  bool strips_left = false, strips_right = false;  // takes the white space beside it
};

class SpecialFinder {
 public:
  SpecialFinder() = default;
  explicit SpecialFinder(std::vector<SpecialToken> tokens);
  struct Match {
    uint32_t begin = 0, end = 0;       // with the white space that it takes
    uint32_t text_begin = 0, text_end = 0;
    const SpecialToken* token = nullptr;  // nullptr: none
  };
  using Ranges = std::vector<std::pair<uint32_t, uint32_t>>;
  // The first match in text[from, …) that touches none of the ranges. COST: linear in the text, over all calls with rising `from`.
  Match find(std::string_view text, uint32_t from, const Ranges& literal) const;
  const std::vector<SpecialToken>& tokens() const { return tokens_; }

 private:
  std::vector<SpecialToken> tokens_;   // longest first
  std::array<std::vector<uint32_t>, 256> by_first_byte_;
};

}  // namespace strata::tokenizer
