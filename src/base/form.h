// base/form: what the readers of files that people write by hand (flows, agents, teams) share: known keys and their types, and mistakes that
// are told with line, path and the nearest name. yaml::Document gives the lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "base/yaml.h"

namespace strata::form {

struct Key {
  std::string_view name;
  std::string_view type;          // a Json type, "text", "expression", "step" (strings), "steps" (a list), "any"
  bool required = false;
};

// ": did you mean 'x'?", or what there is.
std::string hint(std::string_view wrong, const std::vector<std::string_view>& names);
// Lower-case letters, digits, '_' and `more`; begins with a letter or '_'; at most 64 bytes.
bool name_ok(std::string_view name, std::string_view more = "");
inline std::string join(const std::string& path, std::string_view key) { return path.empty() ? std::string(key) : path + "." + std::string(key); }

class Reader {
 public:
  // `reason` is that of every error ("invalid_flow"). The document outlives it.
  Reader(const yaml::Document& document, std::string reason) : document_(&document), reason_(std::move(reason)) {}
  // Of a value that was never a file: mistakes have no line.
  explicit Reader(std::string reason) : reason_(std::move(reason)) {}

  // kInvalidArgument: "line 12: steps[2].query: …", with the path as param.
  Error wrong(const std::string& path, const std::string& message) const;
  Status typed(const Json& value, const std::string& path, std::string_view type) const;
  // An object with these keys and no others. A null member counts as absent, unless it is required.
  Status keys(const Json& value, const std::string& path, const std::vector<Key>& known) const;
  // The member `name`, where it is there: a number from `least` to `most`. REQUIRES: keys() has seen to its type.
  template <class Number>
  Status number(const Json& json, const std::string& path, const char* name, Number least, Number most, Number& to) const {
    if (json[name].is_null()) return {};
    TRY_ASSIGN(double value, json[name].to_double(name));
    if (!(value >= static_cast<double>(least) && value <= static_cast<double>(most)))
      return wrong(join(path, name), "expected " + Json(least).dump() + " to " + Json(most).dump() + ", got " + json[name].dump());
    to = static_cast<Number>(value);
    return {};
  }

 private:
  const yaml::Document* document_ = nullptr;
  std::string reason_;
};

}  // namespace strata::form
