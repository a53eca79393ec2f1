#include "model/tokenizer/special.h"

#include <algorithm>

#include "base/text.h"
#include "model/tokenizer/unicode.h"

namespace strata::tokenizer {
namespace {

uint32_t space_before(std::string_view text, uint32_t at, uint32_t from) {
  while (at > from) {
    uint32_t start = at - 1;
    while (start > from && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    size_t size = 0;
    if (!bert_space(utf8_decode(text.substr(start, at - start), &size))) break;
    at = start;
  }
  return at;
}

uint32_t space_after(std::string_view text, uint32_t at) {
  while (at < text.size()) {
    size_t size = 1;
    if (!bert_space(utf8_decode(text.substr(at), &size))) break;
    at += static_cast<uint32_t>(size);
  }
  return at;
}

}  // namespace

SpecialFinder::SpecialFinder(std::vector<SpecialToken> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const SpecialToken& token) { return token.text.empty(); });
  std::stable_sort(tokens_.begin(), tokens_.end(), [](const auto& a, const auto& b) { return a.text.size() > b.text.size(); });
  for (uint32_t i = 0; i < tokens_.size(); ++i) by_first_byte_[static_cast<unsigned char>(tokens_[i].text[0])].push_back(i);
}

SpecialFinder::Match SpecialFinder::find(std::string_view text, uint32_t from, const Ranges& literal) const {
  // The first range that ends after a place.
  auto next = std::upper_bound(literal.begin(), literal.end(), from, [](uint32_t at, const auto& range) { return at < range.second; });
  for (uint32_t at = from; at < text.size(); ++at) {
    while (next != literal.end() && next->second <= at) ++next;
    for (uint32_t index : by_first_byte_[static_cast<unsigned char>(text[at])]) {
      const SpecialToken& token = tokens_[index];
      if (text.compare(at, token.text.size(), token.text) != 0) continue;
      if (next != literal.end() && next->first < at + token.text.size()) continue;
      Match match{at, at + static_cast<uint32_t>(token.text.size()), at, at + static_cast<uint32_t>(token.text.size()), &token};
      if (token.strips_left) match.begin = space_before(text, at, from);
      if (token.strips_right) match.end = space_after(text, match.end);
      return match;
    }
  }
  return {};
}

}  // namespace strata::tokenizer
