// Template source → tokens. White space is already as trim_blocks and lstrip_blocks leave it. SOURCE: Jinja 3.1, "Whitespace Control".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace strata::templates {

enum class TokenKind { kText, kBlockBegin, kBlockEnd, kOutputBegin, kOutputEnd, kName, kInteger, kFloat, kString, kOperator, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;   // of text and strings: the characters; else as written
  int line = 1;
};

// Ends with one kEnd. Error: kInvalidArgument with the line.
Result<std::vector<Token>> lex_template(std::string_view source);

}  // namespace strata::templates
