// Where in a JSON text a value stands, so that an error about its meaning can name the line.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace strata::landscape {

using Step = std::variant<std::string, size_t>;   // a key of an object, or an index of an array
using Path = std::vector<Step>;

// The line (from 1) of the value at `path`, or of the deepest part of it that is there. REQUIRES: `json` is valid JSON.
int line_at(std::string_view json, const Path& path);
// The line of a byte offset.
int line_of_byte(std::string_view text, size_t offset);

}  // namespace strata::landscape
