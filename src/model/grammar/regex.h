// Regular expressions as pieces. Inside model/grammar only.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "model/grammar/builder.h"

namespace strata::grammar {

// How one character out of a set is written: as it is, or as a JSON string wants it.
using OneOf = std::function<Piece(const CodePoints&)>;
// `search`: the pattern may match anywhere (as JSON Schema's `pattern`), else it must match the whole.
Result<Piece> regex_piece(Builder& builder, std::string_view pattern, bool search, const std::string& where, const OneOf& one_of);

}  // namespace strata::grammar
