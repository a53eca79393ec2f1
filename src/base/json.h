// Json: one JSON value. Ordered objects, 64-bit integers exact, bounded when parsed, accessors that return Result.
//
// The library that parses is nlohmann/json, and json.cc is the only file that includes it. Layers below `app` pass structs;
// Json is for the edges (HTTP bodies, model files' metadata, stored documents).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"

namespace strata {

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;  // in order of appearance; a repeated key keeps its last value

  // What parse() accepts at most. UNITS: bytes, levels.
  struct Limits {
    size_t bytes = 64u << 20;
    size_t depth = 64;
  };

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(int64_t{value}) {}
  Json(unsigned value) : value_(int64_t{value}) {}
  Json(long value) : value_(int64_t{value}) {}
  Json(long long value) : value_(int64_t{value}) {}
  Json(unsigned long value) { set_unsigned(value); }
  Json(unsigned long long value) { set_unsigned(value); }
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}

  static Json array(std::initializer_list<Json> items = {}) { return Json(Array(items)); }
  static Json object(std::initializer_list<Member> members = {}) { return Json(Object(members)); }

  // Strict RFC 8259. The error names the byte offset. Invalid UTF-8 is an error.
  static Result<Json> parse(std::string_view text, const Limits& limits);
  static Result<Json> parse(std::string_view text) { return parse(text, Limits{}); }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<int64_t>(value_); }
  bool is_number() const { return is_int() || std::holds_alternative<double>(value_) || std::holds_alternative<uint64_t>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  std::string_view type_name() const;  // "null", "boolean", "integer", "number", "string", "array", "object"

  // Views; nullptr where the type is another.
  const bool* as_bool() const { return std::get_if<bool>(&value_); }
  const uint64_t* as_big_unsigned() const { return std::get_if<uint64_t>(&value_); }  // only integers over INT64_MAX
  const std::string* as_string() const { return std::get_if<std::string>(&value_); }
  const Array* as_array() const { return std::get_if<Array>(&value_); }
  const Object* as_object() const { return std::get_if<Object>(&value_); }
  Array* as_array() { return std::get_if<Array>(&value_); }
  Object* as_object() { return std::get_if<Object>(&value_); }

  // Conversions; `what` names the value in the error ("messages[0].role"), which also carries it as param.
  Result<bool> to_bool(std::string_view what) const;
  Result<int64_t> to_int(std::string_view what) const;     // an integral double such as 3.0 is accepted
  Result<double> to_double(std::string_view what) const;
  Result<std::string> to_string(std::string_view what) const;

  // Objects. find: nullptr where this is no object or has no such key. set: replaces or appends; makes an object of null.
  const Json* find(std::string_view key) const;
  Json* find(std::string_view key);
  Json& set(std::string key, Json value);
  bool erase(std::string_view key);
  // The member, or a null value: for chains such as j["a"]["b"].
  const Json& operator[](std::string_view key) const;

  // Arrays. push: appends; makes an array of null.
  void push(Json value);
  size_t size() const;  // of arrays and objects, else 0

  // Compact, or indented by `indent` spaces. Always valid UTF-8: an invalid byte in a string becomes U+FFFD.
  std::string dump(int indent = -1) const;

  bool operator==(const Json& other) const = default;

 private:
  void set_unsigned(uint64_t value) {
    if (value <= static_cast<uint64_t>(INT64_MAX)) value_ = static_cast<int64_t>(value);
    else value_ = value;
  }
  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Array, Object> value_;
};

// "text" with quotes, escaped as a JSON string.
std::string json_quote(std::string_view text);

}  // namespace strata
