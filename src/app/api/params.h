// A request's fields are declared once: kind, range, default, meaning. The declaration parses and validates the body, rejects what is
// unknown or wrong by name, says which fields were accepted without effect, and prints the OpenAPI page.
//
// Three lists (docs/api.md): supported; accepted without effect (`user`, `store: false`, empty `tools`: named in the response header
// x-strata-without-effect); everything else that would change the output is a 400 that names it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace strata::api {

enum class Kind { kBoolean, kInteger, kNumber, kString, kArray, kObject, kAny };
enum class Support {
  kSupported,
  kNoEffect,     // accepted whatever its value, changes nothing here
  kUnsupported,  // only the `harmless` values are accepted (without effect); any other would change the output: a 400
};

struct Field {
  std::string name;
  Kind kind = Kind::kAny;
  std::string meaning;
  bool required = false;
  double least = -1e300, most = 1e300;       // numbers; length of strings and arrays
  std::vector<std::string> choices = {};     // strings; empty: any
  Support support = Support::kSupported;
  std::vector<Json> harmless = {};           // of kUnsupported
  Json fallback = {};                        // shown on the OpenAPI page
};

// A body that passed its declaration. A null member counts as absent.
class Body {
 public:
  // `where` prefixes names in errors for nested objects ("stream_options.").
  static Result<Body> parse(const std::vector<Field>& fields, const Json& json, std::string where = "");

  bool has(std::string_view name) const;
  const Json& operator[](std::string_view name) const { return json_[name]; }
  bool flag(std::string_view name, bool fallback) const;
  int64_t integer(std::string_view name, int64_t fallback) const;
  double number(std::string_view name, double fallback) const;
  std::string text(std::string_view name, std::string fallback = "") const;
  const std::vector<std::string>& without_effect() const { return without_effect_; }

 private:
  Json json_;
  std::vector<std::string> without_effect_;
};

// Parses a JSON body into an object: the error says what came instead.
Result<Json> parse_object(std::string_view text);

// The JSON Schema of a declaration, for /openapi.json.
Json schema_of(const std::vector<Field>& fields);

}  // namespace strata::api
