// The part of TOML 1.0 that a configuration file needs, read strictly: whatever is not certain is an error with its line and column.
//
// Read: comments, [section] and [dotted.section], bare, quoted and dotted keys, basic and literal texts (also of many lines), integers
// (also hexadecimal, octal, binary, with underscores), floats, true and false, and lists of these over several lines.
// Refused with a word that says what to write instead: inline tables, arrays of tables, lists in lists, dates and times.
//
// Invariants: nothing recurses; every entry's path is there once, and no entry's path is the beginning of another's.
// SOURCE: https://toml.io/en/v1.0.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"

namespace strata::toml {

using Scalar = std::variant<bool, int64_t, double, std::string>;
using Value = std::variant<bool, int64_t, double, std::string, std::vector<Scalar>>;

struct Entry {
  std::vector<std::string> path;   // of section and key
  Value value;
  int line = 0, column = 0;        // of the key, from 1; a column counts characters
};

inline constexpr size_t kBytesMax = 1u << 20;    // of a file; ours are some kilobytes

// The entries in the file's order. `name` names the file in errors: "NAME:LINE: not valid TOML at column COLUMN: …".
Result<std::vector<Entry>> parse(std::string_view text, std::string_view name);

// "server.port"; a part that is not bare stands in quotes.
std::string joined(const std::vector<std::string>& path);

}  // namespace strata::toml
