// What feedback.cc and conversations.cc share. Only this folder includes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "product/feedback/feedback.h"

namespace strata::feedback {

Status check_text(std::string_view text, size_t bytes_max, const std::string& param);  // valid UTF-8 without NUL
Status check_limit(int limit);

// Adds " AND <alias><column> < ?" to a list that runs downwards, for what comes after the row of that id; nothing where it is empty.
Status add_cursor(store::Reader& reader, const std::string& table, const std::string& column, std::string_view after, std::string& sql,
                  std::vector<store::Value>& values, const std::string& alias);

Result<Conversation> conversation_in(store::Reader& reader, const std::string& id);  // kNotFound names it

}  // namespace strata::feedback
