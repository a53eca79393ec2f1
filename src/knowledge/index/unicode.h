// Which code points make words, and how each is folded. Internal to knowledge/index.
#pragma once

#include <cstdint>
#include <string>

namespace strata::index {

bool is_word_character(uint32_t code_point);        // letters, digits, marks
bool is_unspaced_script(uint32_t code_point);       // scripts written without spaces between words
void append_folded(std::string& out, uint32_t code_point);  // lower case, no accents; nothing for a combining accent

}  // namespace strata::index
