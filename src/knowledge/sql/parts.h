// Small things that the files of knowledge/sql share. Inside this folder only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/text.h"

namespace strata::sql {

bool is_plain(const std::string& word);                // says nothing alone: "the", "of", one letter
std::string joined(const std::vector<std::string>& words, size_t begin, size_t end);
// 1: the same; 0: more than a fifth of the letters differ.
double likeness(std::string_view a, std::string_view b);

}  // namespace strata::sql
