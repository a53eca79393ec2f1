#include "base/json.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/text.h"

namespace strata {
namespace {

// Builds our value from the parser's events, refusing depth past the limit before it is reached by recursion anywhere.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(size_t depth_max) : depth_max_(depth_max) {}
  Json take() { return std::move(root_); }
  const std::string& error() const { return error_; }

  bool null() override { return put(Json()); }
  bool boolean(bool value) override { return put(Json(value)); }
  bool number_integer(number_integer_t value) override { return put(Json(static_cast<long long>(value))); }
  bool number_unsigned(number_unsigned_t value) override { return put(Json(static_cast<unsigned long long>(value))); }
  bool number_float(number_float_t value, const string_t&) override { return put(Json(value)); }
  bool string(string_t& value) override { return put(Json(std::move(value))); }
  bool binary(binary_t&) override { return false; }
  bool key(string_t& value) override {
    keys_.back() = std::move(value);
    return true;
  }
  bool start_object(size_t) override { return open(Json(Json::Object{})); }
  bool start_array(size_t) override { return open(Json(Json::Array{})); }
  bool end_object() override {
    keep_last_of_each_key(*stack_.back().as_object());
    return close();
  }
  bool end_array() override { return close(); }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& exception) override {
    std::string what = exception.what();
    size_t cut = what.find("syntax error");
    error_ = "not valid JSON at byte " + std::to_string(position) + ": " + (cut == std::string::npos ? what : what.substr(cut));
    return false;
  }

 private:
  bool open(Json value) {
    if (stack_.size() >= depth_max_) {
      error_ = "JSON is nested deeper than " + std::to_string(depth_max_) + " levels";
      return false;
    }
    stack_.push_back(std::move(value));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    Json done = std::move(stack_.back());
    stack_.pop_back();
    keys_.pop_back();
    return put(std::move(done));
  }
  bool put(Json value) {
    if (stack_.empty()) root_ = std::move(value);
    else if (auto* array = stack_.back().as_array()) array->push_back(std::move(value));
    else stack_.back().as_object()->emplace_back(std::move(keys_.back()), std::move(value));
    return true;
  }
  // COST: linear, whatever a hostile body repeats.
  static void keep_last_of_each_key(Json::Object& object) {
    std::unordered_map<std::string_view, size_t> seen;
    std::vector<char> dead(object.size(), 0);
    bool repeated = false;
    for (size_t i = 0; i < object.size(); ++i) {
      auto [at, fresh] = seen.emplace(object[i].first, i);
      if (fresh) continue;
      object[at->second].second = std::move(object[i].second);
      dead[i] = 1;
      repeated = true;
    }
    if (!repeated) return;
    Json::Object kept;
    for (size_t i = 0; i < object.size(); ++i)
      if (!dead[i]) kept.push_back(std::move(object[i]));
    object = std::move(kept);
  }

  size_t depth_max_;
  Json root_;
  std::vector<Json> stack_;
  std::vector<std::string> keys_;
  std::string error_;
};

void write_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (size_t i = 0; i < text.size();) {
    unsigned char c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      size_t length = utf8_sequence_length(text.substr(i));
      if (length == 0) out += "\xEF\xBF\xBD", i += 1;
      else out.append(text.substr(i, length)), i += length;
      continue;
    }
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      default:
        if (c < 0x20) {
          out += "\\u00";
          out += kHex[c >> 4];
          out += kHex[c & 15];
        } else {
          out += static_cast<char>(c);
        }
    }
    ++i;
  }
  out += '"';
}

void write_double(std::string& out, double value) {
  if (!std::isfinite(value)) {  // JSON has no infinities
    out += "null";
    return;
  }
  char text[32];
  auto end = std::to_chars(text, text + sizeof text, value).ptr;
  std::string_view digits(text, static_cast<size_t>(end - text));
  out += digits;
  if (digits.find_first_of(".en") == std::string_view::npos) out += ".0";
}

void newline(std::string& out, int indent, int level) {
  if (indent < 0) return;
  out += '\n';
  out.append(static_cast<size_t>(indent * level), ' ');
}

Error wrong_type(std::string_view what, std::string_view expected, const Json& got) {
  return invalid_argument(std::string(what) + ": expected " + std::string(expected) + ", got " + std::string(got.type_name()), std::string(what));
}

}  // namespace

Result<Json> Json::parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes)
    return invalid_argument("JSON of " + std::to_string(text.size()) + " bytes is over the limit of " + std::to_string(limits.bytes));
  Builder builder(limits.depth);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return invalid_argument(builder.error());
  return builder.take();
}

std::string_view Json::type_name() const {
  static constexpr std::string_view kNames[] = {"null", "boolean", "integer", "integer", "number", "string", "array", "object"};
  return kNames[value_.index()];
}

Result<bool> Json::to_bool(std::string_view what) const {
  if (auto* value = as_bool()) return *value;
  return wrong_type(what, "true or false", *this);
}

Result<int64_t> Json::to_int(std::string_view what) const {
  if (auto* value = std::get_if<int64_t>(&value_)) return *value;
  if (auto* value = std::get_if<double>(&value_))
    if (std::trunc(*value) == *value && std::fabs(*value) < 9.0e15) return static_cast<int64_t>(*value);
  return wrong_type(what, "an integer", *this);
}

Result<double> Json::to_double(std::string_view what) const {
  if (auto* value = std::get_if<double>(&value_)) return *value;
  if (auto* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
  if (auto* value = std::get_if<uint64_t>(&value_)) return static_cast<double>(*value);
  return wrong_type(what, "a number", *this);
}

Result<std::string> Json::to_string(std::string_view what) const {
  if (auto* value = as_string()) return *value;
  return wrong_type(what, "a string", *this);
}

const Json* Json::find(std::string_view key) const {
  auto* object = as_object();
  if (!object) return nullptr;
  for (auto& [name, value] : *object)
    if (name == key) return &value;
  return nullptr;
}

Json* Json::find(std::string_view key) { return const_cast<Json*>(std::as_const(*this).find(key)); }

Json& Json::set(std::string key, Json value) {
  if (!is_object()) value_ = Object{};
  if (Json* there = find(key)) {
    *there = std::move(value);
    return *there;
  }
  auto& object = *as_object();
  object.emplace_back(std::move(key), std::move(value));
  return object.back().second;
}

bool Json::erase(std::string_view key) {
  auto* object = as_object();
  if (!object) return false;
  return std::erase_if(*object, [&](const Member& member) { return member.first == key; }) > 0;
}

const Json& Json::operator[](std::string_view key) const {
  static const Json null;
  const Json* there = find(key);
  return there ? *there : null;
}

void Json::push(Json value) {
  if (!is_array()) value_ = Array{};
  as_array()->push_back(std::move(value));
}

size_t Json::size() const {
  if (auto* array = as_array()) return array->size();
  if (auto* object = as_object()) return object->size();
  return 0;
}

namespace {

void write(std::string& out, const Json& json, int indent, int level) {
  if (json.is_null()) {
    out += "null";
  } else if (auto* truth = json.as_bool()) {
    out += *truth ? "true" : "false";
  } else if (auto* text = json.as_string()) {
    write_string(out, *text);
  } else if (auto* array = json.as_array()) {
    out += '[';
    for (size_t i = 0; i < array->size(); ++i) {
      if (i) out += ',';
      newline(out, indent, level + 1);
      write(out, (*array)[i], indent, level + 1);
    }
    if (!array->empty()) newline(out, indent, level);
    out += ']';
  } else if (auto* object = json.as_object()) {
    out += '{';
    bool first = true;
    for (auto& [key, value] : *object) {
      if (!first) out += ',';
      first = false;
      newline(out, indent, level + 1);
      write_string(out, key);
      out += indent < 0 ? ":" : ": ";
      write(out, value, indent, level + 1);
    }
    if (!first) newline(out, indent, level);
    out += '}';
  } else if (json.is_int()) {
    out += std::to_string(*json.to_int(""));
  } else if (auto* big = json.as_big_unsigned()) {
    out += std::to_string(*big);
  } else {
    write_double(out, *json.to_double(""));
  }
}

}  // namespace

std::string Json::dump(int indent) const {
  std::string out;
  write(out, *this, indent, 0);
  return out;
}

std::string json_quote(std::string_view text) {
  std::string out;
  write_string(out, text);
  return out;
}

}  // namespace strata
