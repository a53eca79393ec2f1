// What the files of this room say alike: how values become words, messages to models, and the small schemas that they are held to.
#pragma once

#include <string>

#include "base/json.h"

namespace strata::agent {

// A text as it is, nothing as "", anything else as JSON.
inline std::string text_of(const Json& json) { return json.is_string() ? *json.as_string() : json.is_null() ? "" : json.dump(); }
// 0 where there is none.
inline double number_of(const Json& json) { return json.is_number() ? *json.to_double("") : 0; }
inline int64_t integer_of(const Json& json) { return json.is_int() ? *json.to_int("") : 0; }

inline Json message(const char* role, std::string text) { return Json::object({{"role", role}, {"content", std::move(text)}}); }
inline Json text_schema(int most) { return Json::object({{"type", "string"}, {"maxLength", most}}); }
// An object with all of these and nothing else.
Json closed(Json properties);
// The outermost "{…}" of what was said freely; null where there is none.
Json object_in(const std::string& text);
// "{…}" cut short, for a prompt.
std::string cut(const std::string& text, size_t most);

}  // namespace strata::agent
