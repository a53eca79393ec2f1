#include "model/tokenizer/tokenizer.h"

namespace strata::tokenizer {

std::string Tokenizer::decode(const std::vector<int32_t>& ids, bool special) const {
  std::string out;
  for (int32_t id : ids) out += piece(id, special);
  return out;
}

}  // namespace strata::tokenizer
