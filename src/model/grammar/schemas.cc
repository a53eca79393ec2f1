#include "model/grammar/schemas.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace strata::grammar {
namespace {

const std::set<std::string, std::less<>> kEnforced = {"type",
                                                      "enum",
                                                      "const",
                                                      "properties",
                                                      "required",
                                                      "additionalProperties",
                                                      "items",
                                                      "prefixItems",
                                                      "minItems",
                                                      "maxItems",
                                                      "minLength",
                                                      "maxLength",
                                                      "pattern",
                                                      "minimum",
                                                      "maximum",
                                                      "exclusiveMinimum",
                                                      "exclusiveMaximum",
                                                      "anyOf",
                                                      "oneOf",
                                                      "allOf",
                                                      "$ref",
                                                      "multipleOf",
                                                      "uniqueItems",
                                                      "minProperties",
                                                      "maxProperties",
                                                      "patternProperties",
                                                      "additionalItems"};
constexpr size_t kPairWork = 4;                          // of telling two alternatives apart, beside their values

// They say nothing about what is valid (format is an annotation in 2020-12), or hold what is only referred to.
const std::set<std::string, std::less<>> kAnnotations = {
    "title", "description", "default", "examples", "deprecated",      "readOnly",         "writeOnly",     "$schema",     "$id",     "$comment",
    "$defs", "definitions", "$anchor", "format",   "contentEncoding", "contentMediaType", "contentSchema", "$vocabulary", "nullable"};

bool adds_properties(const Json& schema, const Json& to) {
  const auto* properties = schema["properties"].as_object();
  return properties && std::any_of(properties->begin(), properties->end(), [&](const auto& p) { return to["properties"].find(p.first) == nullptr; });
}

// A segment of a JSON pointer. SOURCE: RFC 6901 section 4.
std::string unescaped(std::string_view segment) {
  std::string out;
  for (size_t i = 0; i < segment.size(); ++i) {
    const char code = segment[i] == '~' && i + 1 < segment.size() ? segment[i + 1] : ' ';
    out += code == '1' ? '/' : segment[i];
    if (code == '0' || code == '1') ++i;
  }
  return out;
}

bool no_common(std::span<const Json> a, std::span<const Json> b) {
  return std::none_of(a.begin(), a.end(), [&](const Json& value) { return std::find(b.begin(), b.end(), value) != b.end(); });
}

}  // namespace

bool is_enforced(std::string_view keyword) { return kEnforced.contains(keyword); }

bool asserts(const Json& schema, std::string_view except) {
  for (const auto& [key, value] : *schema.as_object()) {
    if (key != except && kEnforced.contains(key)) return true;
  }
  return false;
}

std::vector<std::string> types_in(const Json& type) {
  std::vector<std::string> out;
  if (const auto* one = type.as_string()) out.push_back(*one);
  if (const auto* many = type.as_array()) {
    for (const Json& item : *many) {
      if (const auto* name = item.as_string()) out.push_back(*name);
    }
  }
  return out;
}

std::span<const Json> values_of(const Json& schema) {
  if (const Json* one = schema.find("const")) return {one, 1};
  if (const auto* list = schema["enum"].as_array()) return *list;
  return {};
}

size_t values_in(const Json& json) {
  size_t out = 1;
  if (const auto* items = json.as_array()) {
    for (const Json& item : *items) out += values_in(item);
  }
  if (const auto* members = json.as_object()) {
    for (const auto& [key, value] : *members) out += values_in(value);
  }
  return out;
}

size_t bytes_of(const Json& json) {
  size_t out = 2;
  if (const auto* text = json.as_string()) out += text->size();
  if (const auto* items = json.as_array()) {
    for (const Json& item : *items) out += bytes_of(item);
  }
  if (const auto* members = json.as_object()) {
    for (const auto& [key, value] : *members) out += key.size() + 4 + bytes_of(value);
  }
  return out;
}

Status Schemas::spend(size_t work, const std::string& path) const {
  work_ += work;
  if (work_ <= kSchemaWorkMost) return {};
  return error(path, "the schema is too complex to be enforced: putting its $ref, allOf, anyOf and oneOf together takes too much work");
}

Error Schemas::error(const std::string& path, const std::string& what) const {
  return invalid_argument(where_ + (path.empty() ? "" : " at " + path) + ": " + what, where_);
}

Result<const Json*> Schemas::resolve(const std::string& reference, const std::string& path) const {
  if (reference.empty() || reference[0] != '#') return error(path, "$ref '" + reference + "': only references inside this schema ('#/…') are followed");
  const Json* at = &root_;
  for (size_t begin = 1; begin < reference.size();) {
    if (reference[begin] != '/') return error(path, "$ref '" + reference + "': expected '#' or '#/…'; anchors are not followed");
    const size_t end = std::min(reference.find('/', begin + 1), reference.size());
    const std::string segment = unescaped(std::string_view(reference).substr(begin + 1, end - begin - 1));
    const Json* next = at->find(segment);
    if (const auto* items = at->as_array()) {
      const size_t index = segment.find_first_not_of("0123456789") == std::string::npos && segment.size() < 6 ? std::stoul("0" + segment) : items->size();
      next = index < items->size() ? &(*items)[index] : nullptr;
    }
    if (!next) return error(path, "$ref '" + reference + "' leads nowhere");
    at = next;
    begin = end;
  }
  return at;
}

Result<Json> Schemas::flat(const Json& schema, const std::string& path, int depth) const {
  if (depth > kSchemaDepthMost) return error(path, "schemas nested deeper than " + std::to_string(kSchemaDepthMost));
  TRY(spend(values_in(schema), path));
  if (!schema.as_object()) return schema;
  Json out = schema;
  if (const auto* name = schema["$ref"].as_string()) {
    out.erase("$ref");
    TRY_ASSIGN(const Json* target, resolve(*name, path));
    TRY_ASSIGN(const Json other, flat(*target, name->substr(1), depth + 1));
    TRY_ASSIGN(out, merge(out, other, path));
  }
  if (const auto* parts = schema["allOf"].as_array()) {
    out.erase("allOf");
    for (size_t i = 0; i < parts->size(); ++i) {
      const std::string at = path + "/allOf/" + std::to_string(i);
      TRY_ASSIGN(const Json other, flat((*parts)[i], at, depth + 1));
      TRY_ASSIGN(out, merge(out, other, at));
    }
  }
  return out;
}

Result<Json> Schemas::merge(const Json& a, const Json& b, const std::string& path) const {
  if (const bool* all = b.as_bool()) return *all ? a : b;
  if (const bool* all = a.as_bool()) return *all ? b : a;
  if (!a.as_object() || !b.as_object()) return error(path, "expected a schema (an object or a boolean)");
  if ((a.find("patternProperties") && b.find("properties")) || (b.find("patternProperties") && a.find("properties"))) {
    return error(path, "patternProperties beside properties of another part cannot be enforced");
  }
  TRY(spend(values_in(a) + values_in(b) + (a.size() + 1) * b.size(), path));
  for (const char* key : {"properties", "required", "enum", "type"}) TRY(spend(a[key].size() * b[key].size(), path));
  const bool a_closed = a["additionalProperties"] == Json(false), b_closed = b["additionalProperties"] == Json(false);
  if ((a_closed && adds_properties(b, a)) || (b_closed && adds_properties(a, b))) {
    return error(path, "additionalProperties: false beside properties of another part cannot be enforced");
  }
  Json out = a;
  for (const auto& [key, value] : *b.as_object()) {
    const Json* mine = a.find(key);
    if (!mine || *mine == value || kAnnotations.contains(key)) {
      if (!mine) out.set(key, value);
      continue;
    }
    TRY_ASSIGN(Json both, merge_keyword(key, *mine, value, path));
    out.set(key, std::move(both));
  }
  return out;
}

Result<Json> Schemas::merge_keyword(const std::string& key, const Json& a, const Json& b, const std::string& path) const {
  if (key == "properties" && a.as_object() && b.as_object()) {
    Json out = a;
    for (const auto& [name, value] : *b.as_object()) {
      const Json* mine = a.find(name);
      out.set(name, mine && *mine != value ? Json::object({{"allOf", Json::array({*mine, value})}}) : value);
    }
    return out;
  }
  if (key == "required" && a.as_array() && b.as_array()) {
    Json out = a;
    for (const Json& name : *b.as_array()) {
      if (std::find(a.as_array()->begin(), a.as_array()->end(), name) == a.as_array()->end()) out.push(name);
    }
    return out;
  }
  if (key == "type") {
    Json out = Json::array();
    for (const std::string& type : types_in(a)) {
      const std::vector<std::string> others = types_in(b);
      if (std::find(others.begin(), others.end(), type) != others.end() ||
          (type == "integer" && std::find(others.begin(), others.end(), "number") != others.end()))
        out.push(type);
      else if (type == "number" && std::find(others.begin(), others.end(), "integer") != others.end()) out.push("integer");
    }
    return out;
  }
  if (key == "enum" && a.as_array() && b.as_array()) {
    Json out = Json::array();
    for (const Json& value : *a.as_array()) {
      if (std::find(b.as_array()->begin(), b.as_array()->end(), value) != b.as_array()->end()) out.push(value);
    }
    return out;
  }
  const bool lower = key == "minimum" || key == "exclusiveMinimum" || key == "minLength" || key == "minItems" || key == "minProperties";
  const bool upper = key == "maximum" || key == "exclusiveMaximum" || key == "maxLength" || key == "maxItems" || key == "maxProperties";
  if ((lower || upper) && a.is_number() && b.is_number()) {
    const bool a_less = a.to_double("").value_or(0) < b.to_double("").value_or(0);
    return a_less == upper ? a : b;
  }
  return error(path, "two parts give '" + key + "' differently, which cannot be enforced together");
}

Result<bool> Schemas::disjoint(const Json& a, const Json& b, const std::string& path) const {
  if (!a.as_object() || !b.as_object()) return a == Json(false) || b == Json(false);
  const std::span<const Json> a_values = values_of(a), b_values = values_of(b);
  TRY(spend(kPairWork + a_values.size() + b_values.size() + a_values.size() * b_values.size(), path));
  if (!a_values.empty() && !b_values.empty()) return no_common(a_values, b_values);
  auto kinds = [](const Json& schema, std::span<const Json> values) {
    std::set<std::string> out;
    for (std::string type : types_in(schema["type"])) out.insert(type == "integer" ? "number" : type);
    if (out.empty()) {
      for (const Json& value : values) out.insert(value.is_number() ? "number" : std::string(value.type_name()));
    }
    return out;
  };
  const std::set<std::string> a_kinds = kinds(a, a_values), b_kinds = kinds(b, b_values);
  if (a_kinds.empty() || b_kinds.empty()) return false;
  std::vector<std::string> common;
  std::set_intersection(a_kinds.begin(), a_kinds.end(), b_kinds.begin(), b_kinds.end(), std::back_inserter(common));
  if (common.empty()) return true;
  if (common != std::vector<std::string>{"object"}) return false;
  const auto* a_required = a["required"].as_array();
  const auto* b_required = b["required"].as_array();
  if (!a_required || !b_required) return false;
  TRY(spend(a_required->size() * (b_required->size() + a["properties"].size() + b["properties"].size()) + b_required->size() * a["properties"].size(), path));
  for (const Json& name : *a_required) {
    if (!name.as_string() || std::find(b_required->begin(), b_required->end(), name) == b_required->end()) continue;
    const std::span<const Json> here = values_of(a["properties"][*name.as_string()]), there = values_of(b["properties"][*name.as_string()]);
    TRY(spend(here.size() + there.size() + here.size() * there.size(), path));
    if (!here.empty() && !there.empty() && no_common(here, there)) return true;
  }
  // Objects are written with their own properties only, where the schema does not ask for others.
  auto lacks = [](const Json& schema, const Json::Array& required) {
    const Json& more = schema["additionalProperties"];
    if (!schema["properties"].as_object() || (!more.is_null() && more != Json(false))) return false;
    return std::any_of(required.begin(), required.end(), [&](const Json& name) { return name.as_string() && !schema["properties"].find(*name.as_string()); });
  };
  return lacks(a, *b_required) && lacks(b, *a_required);
}

}  // namespace strata::grammar
