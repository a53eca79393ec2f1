#include "app/api/params.h"

#include <algorithm>

#include "base/text.h"

namespace strata::api {
namespace {

std::string_view kind_name(Kind kind) {
  static constexpr std::string_view kNames[] = {"boolean", "integer", "number", "string", "array", "object", "any"};
  return kNames[static_cast<size_t>(kind)];
}

bool is_kind(const Json& value, Kind kind) {
  switch (kind) {
    case Kind::kBoolean: return value.is_bool();
    case Kind::kInteger: return value.is_number() && value.to_int("").has_value();
    case Kind::kNumber: return value.is_number();
    case Kind::kString: return value.is_string();
    case Kind::kArray: return value.is_array();
    case Kind::kObject: return value.is_object();
    case Kind::kAny: return true;
  }
  return false;
}

std::string shown(double number) {
  std::string text = Json(number).dump();
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

// Of what came, as much as a message repeats.
std::string beginning(const std::string& text) {
  constexpr size_t kBytesMost = 100;
  if (text.size() <= kBytesMost) return text;
  return text.substr(0, utf8_complete_prefix(std::string_view(text).substr(0, kBytesMost))) + "…";
}

std::string range_text(const Field& field) {
  if (field.least > -1e300 && field.most < 1e300) return "from " + shown(field.least) + " to " + shown(field.most);
  return field.least > -1e300 ? "at least " + shown(field.least) : "at most " + shown(field.most);
}

Status check_choice(const Field& field, const std::string& name, const std::string& got) {
  if (field.choices.empty() || std::find(field.choices.begin(), field.choices.end(), got) != field.choices.end()) return {};
  std::string all;
  for (auto& choice : field.choices) all += (all.empty() ? "'" : ", '") + choice + "'";
  return invalid_argument(name + ": expected one of " + all + ", got '" + beginning(got) + "'", name, "invalid_value");
}

Status check_value(const Field& field, const std::string& name, const Json& value) {
  if (!is_kind(value, field.kind))
    return invalid_argument(name + ": expected " + std::string(kind_name(field.kind)) + ", got " + std::string(value.type_name()), name, "invalid_type");
  double size = 0;
  std::string unit;
  if (value.is_number()) size = *value.to_double("");
  else if (auto* text = value.as_string()) size = static_cast<double>(text->size()), unit = " bytes";
  else if (value.is_array()) size = static_cast<double>(value.size()), unit = " items";
  else return {};
  if (size < field.least || size > field.most)
    return invalid_argument(name + ": expected " + (unit.empty() ? "a value " : "a length ") + range_text(field) + unit + ", got " + shown(size), name,
                            "invalid_value");
  if (auto* text = value.as_string()) return check_choice(field, name, *text);
  return {};
}

Error unknown_field(const std::vector<Field>& fields, const std::string& key, const std::string& where) {
  std::vector<std::string_view> names;
  for (auto& field : fields) names.push_back(field.name);
  std::string_view nearest = nearest_name(key, names);
  const std::string name = where + beginning(key);
  return invalid_argument("unknown parameter '" + name + "'" + (nearest.empty() ? "" : "; did you mean '" + where + std::string(nearest) + "'?"), name,
                          "unknown_parameter");
}

}  // namespace

Result<Body> Body::parse(const std::vector<Field>& fields, const Json& json, std::string where) {
  Body body;
  if (!json.is_object())
    return invalid_argument((where.empty() ? "the request body" : where.substr(0, where.size() - 1)) + ": expected an object, got " +
                            std::string(json.type_name()));
  for (auto& [key, value] : *json.as_object()) {
    auto field = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == key; });
    if (field == fields.end()) return unknown_field(fields, key, where);
    if (value.is_null()) continue;
    std::string name = where + key;
    if (field->support == Support::kNoEffect) {
      body.without_effect_.push_back(name);
      continue;
    }
    if (field->support == Support::kUnsupported) {
      if (std::find(field->harmless.begin(), field->harmless.end(), value) == field->harmless.end())
        return invalid_argument(name + " is not supported here, and ignoring it would change the output: leave it out", name, "unsupported_parameter");
      body.without_effect_.push_back(name);
      continue;
    }
    TRY(check_value(*field, name, value));
    body.json_.set(key, value);
  }
  for (auto& field : fields)
    if (field.required && !body.has(field.name))
      return invalid_argument("missing required parameter '" + where + field.name + "'", where + field.name, "missing_required_parameter");
  return body;
}

bool Body::has(std::string_view name) const { return json_.find(name) != nullptr; }
bool Body::flag(std::string_view name, bool fallback) const { return has(name) ? *json_[name].as_bool() : fallback; }
int64_t Body::integer(std::string_view name, int64_t fallback) const { return has(name) ? *json_[name].to_int(name) : fallback; }
double Body::number(std::string_view name, double fallback) const { return has(name) ? *json_[name].to_double(name) : fallback; }
std::string Body::text(std::string_view name, std::string fallback) const { return has(name) ? *json_[name].as_string() : fallback; }

Result<Json> parse_object(std::string_view text) {
  auto json = Json::parse(text);
  if (!json) return annotate(std::move(json.error()), "the request body");
  if (!json->is_object()) return invalid_argument("the request body: expected a JSON object, got " + std::string(json->type_name()));
  return json;
}

Json schema_of(const std::vector<Field>& fields) {
  Json properties = Json::object(), required = Json::array();
  for (auto& field : fields) {
    Json property = Json::object();
    if (field.kind != Kind::kAny) property.set("type", kind_name(field.kind));
    std::string meaning = field.meaning;
    if (field.support == Support::kNoEffect) meaning += " Accepted without effect.";
    if (field.support == Support::kUnsupported) meaning += " Not supported: only values that change nothing are accepted.";
    property.set("description", std::string(trim(meaning)));
    bool numeric = field.kind == Kind::kInteger || field.kind == Kind::kNumber;
    if (field.kind == Kind::kArray) property.set("items", Json::object());
    if (numeric && field.least > -1e300) property.set("minimum", field.least);
    if (numeric && field.most < 1e300) property.set("maximum", field.most);
    if (!field.choices.empty()) {
      Json choices = Json::array();
      for (auto& choice : field.choices) choices.push(choice);
      property.set("enum", std::move(choices));
    }
    if (!field.fallback.is_null()) property.set("default", field.fallback);
    properties.set(field.name, std::move(property));
    if (field.required) required.push(field.name);
  }
  Json schema = Json::object({{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}});
  if (required.size()) schema.set("required", std::move(required));
  return schema;
}

}  // namespace strata::api
