// Small things that several tools share. Inside knowledge/tool only.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace strata::tool {

std::string percent_encoded(std::string_view text);   // for one piece of a URL: all but letters, digits and "-_.~"
std::string text_of(const Json& json);                // "" where it is no text
std::string cut(std::string_view text, size_t bytes); // whole characters, with an ellipsis where something is missing

}  // namespace strata::tool
