// JSON Schema (2020-12) → automaton. What a keyword asks for is either built in or refused by name.
#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"
#include "model/grammar/json_text.h"
#include "model/grammar/regex.h"

namespace strata::grammar {
namespace {

constexpr int kDepthMost = 64;
constexpr size_t kEnumMost = 10'000;

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
// They say nothing about what is valid (format is an annotation in 2020-12), or hold what is only referred to.
const std::set<std::string, std::less<>> kAnnotations = {
    "title", "description", "default", "examples", "deprecated",      "readOnly",         "writeOnly",     "$schema",     "$id",     "$comment",
    "$defs", "definitions", "$anchor", "format",   "contentEncoding", "contentMediaType", "contentSchema", "$vocabulary", "nullable"};
const std::set<std::string, std::less<>> kRefused = {
    "not",           "if",       "then",        "else",        "dependentRequired", "dependentSchemas",      "dependencies",

    "propertyNames", "contains", "minContains", "maxContains", "unevaluatedItems",  "unevaluatedProperties", "$dynamicRef",  "$dynamicAnchor", "$recursiveRef"};
const std::vector<std::string> kTypes = {"object", "array", "string", "number", "integer", "boolean", "null"};

bool has_type(const Json& value, std::string_view type) {
  const std::string_view own = value.type_name();
  if (type == own) return true;
  if (type == "number") return value.is_number();
  if (type == "integer") return value.is_number() && std::floor(value.to_double("").value_or(0.5)) == value.to_double("").value_or(0.5);
  return false;
}

std::string pointer_segment(std::string_view key) {
  std::string out;
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

class Compiler {
 public:
  Compiler(const Json& root, std::string where) : root_(root), where_(std::move(where)), text_(b_) {}

  Result<std::shared_ptr<const Grammar>> run() {
    TRY_ASSIGN(const Piece whole, compile(root_, "", 0));
    return b_.finish(whole, where_);
  }

 private:
  Error error(const std::string& path, const std::string& what) const {
    return invalid_argument(where_ + (path.empty() ? "" : " at " + path) + ": " + what, where_);
  }

  // ---- References, and schemas put together -----------------------------------------------------------------------------------

  Result<const Json*> resolve(const std::string& reference, const std::string& path) const {
    if (reference.empty() || reference[0] != '#') return error(path, "$ref '" + reference + "': only references inside this schema ('#/…') are followed");
    const Json* at = &root_;
    for (size_t begin = 1; begin < reference.size();) {
      if (reference[begin] != '/') return error(path, "$ref '" + reference + "': expected '#' or '#/…'; anchors are not followed");
      const size_t end = std::min(reference.find('/', begin + 1), reference.size());
      std::string segment = reference.substr(begin + 1, end - begin - 1);
      for (size_t i; (i = segment.find("~1")) != std::string::npos;) segment.replace(i, 2, "/");
      for (size_t i; (i = segment.find("~0")) != std::string::npos;) segment.replace(i, 2, "~");
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

  Result<Piece> reference(const std::string& name, const std::string& path, int depth) {
    if (const auto known = rules_.find(name); known != rules_.end()) return b_.call(known->second);
    TRY_ASSIGN(const Json* target, resolve(name, path));
    const uint32_t rule = rules_[name] = b_.declare();
    TRY_ASSIGN(const Piece piece, compile(*target, name.substr(1), depth + 1));
    b_.define(rule, piece);
    return b_.call(rule);
  }

  static bool asserts(const Json& schema, std::string_view except) {
    for (const auto& [key, value] : *schema.as_object()) {
      if (key != except && kEnforced.contains(key)) return true;
    }
    return false;
  }

  // A schema that both must hold, without $ref and allOf of its own.
  Result<Json> flat(const Json& schema, const std::string& path, int depth) const {
    if (depth > kDepthMost) return error(path, "schemas nested deeper than " + std::to_string(kDepthMost));
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

  Result<Json> merge(const Json& a, const Json& b, const std::string& path) const {
    if (const bool* all = b.as_bool()) return *all ? a : b;
    if (const bool* all = a.as_bool()) return *all ? b : a;
    if (!a.as_object() || !b.as_object()) return error(path, "expected a schema (an object or a boolean)");
    if ((a.find("patternProperties") && b.find("properties")) || (b.find("patternProperties") && a.find("properties"))) {
      return error(path, "patternProperties beside properties of another part cannot be enforced");
    }
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

  static bool adds_properties(const Json& schema, const Json& to) {
    const auto* properties = schema["properties"].as_object();
    return properties && std::any_of(properties->begin(), properties->end(), [&](const auto& p) { return to["properties"].find(p.first) == nullptr; });
  }

  Result<Json> merge_keyword(const std::string& key, const Json& a, const Json& b, const std::string& path) const {
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

  static std::vector<std::string> types_in(const Json& type) {
    std::vector<std::string> out;
    if (const auto* one = type.as_string()) out.push_back(*one);
    if (const auto* many = type.as_array()) {
      for (const Json& item : *many) {
        if (const auto* name = item.as_string()) out.push_back(*name);
      }
    }
    return out;
  }

  // ---- One schema -------------------------------------------------------------------------------------------------------------

  Status check_keywords(const Json& schema, const std::string& path) const {
    for (const auto& [key, value] : *schema.as_object()) {
      if (kRefused.contains(key)) return error(path, "the keyword '" + key + "' cannot be enforced");
    }
    if (!schema["type"].is_null()) {
      const std::vector<std::string> types = types_in(schema["type"]);
      if (types.empty() && !(schema["type"].as_array() && schema["type"].as_array()->empty())) return error(path, "type: expected a name or a list of names");
      for (const std::string& type : types) {
        if (std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end()) continue;
        std::vector<std::string_view> names(kTypes.begin(), kTypes.end());
        return error(path, "type '" + type + "' is none of JSON Schema's; the nearest is '" + std::string(nearest_name(type, names)) + "'");
      }
    }
    return {};
  }

  Result<Piece> compile(const Json& schema, const std::string& path, int depth) {
    if (depth > kDepthMost) return error(path, "schemas nested deeper than " + std::to_string(kDepthMost));
    if (b_.full()) return error(path, "the schema is too large to be enforced; shorten lengths, counts and enumerations");
    if (const bool* any = schema.as_bool()) return *any ? text_.value() : b_.nothing();
    if (!schema.as_object()) return error(path, "expected a schema (an object or a boolean), got " + std::string(schema.type_name()));
    TRY(check_keywords(schema, path));
    if (const auto* name = schema["$ref"].as_string(); name && !asserts(schema, "$ref")) return reference(*name, path, depth);
    if (schema.find("$ref") || schema.find("allOf")) {
      TRY_ASSIGN(const Json together, flat(schema, path, depth));
      return compile(together, path, depth + 1);
    }
    for (const char* key : {"anyOf", "oneOf"}) {
      if (schema.find(key)) return alternatives(schema, key, path, depth);
    }
    if (schema.find("const") || schema.find("enum")) return listed(schema, path);
    return typed(schema, path, depth);
  }

  Result<Piece> alternatives(const Json& schema, const std::string& key, const std::string& path, int depth) {
    const auto* parts = schema[key].as_array();
    if (!parts || parts->empty()) return error(path, key + ": expected a list of at least one schema");
    Json rest = schema;
    rest.erase(key);
    const bool alone = !asserts(rest, "");
    std::vector<Piece> ways;
    std::vector<Json> flats;
    for (size_t i = 0; i < parts->size(); ++i) {
      const std::string at = path + "/" + key + "/" + std::to_string(i);
      if (key == "oneOf") {
        TRY_ASSIGN(Json one, flat((*parts)[i], at, depth + 1));
        for (size_t j = 0; j < flats.size(); ++j) {
          if (!disjoint(flats[j], one)) {
            return error(at, "oneOf: it is not clear that this excludes alternative " + std::to_string(j) +
                                 "; give them different types, or a required property with different constants, or use anyOf");
          }
        }
        flats.push_back(std::move(one));
      }
      if (alone) {
        TRY_ASSIGN(const Piece way, compile((*parts)[i], at, depth + 1));
        ways.push_back(way);
        continue;
      }
      TRY_ASSIGN(const Json other, flat((*parts)[i], at, depth + 1));
      TRY_ASSIGN(const Json together, merge(rest, other, at));
      TRY_ASSIGN(const Piece way, compile(together, at, depth + 1));
      ways.push_back(way);
    }
    return b_.any_of(ways);
  }

  static std::vector<Json> values_of(const Json& schema) {
    if (schema.find("const")) return {schema["const"]};
    if (const auto* list = schema["enum"].as_array()) return *list;
    return {};
  }

  static bool no_common(const std::vector<Json>& a, const std::vector<Json>& b) {
    return std::none_of(a.begin(), a.end(), [&](const Json& value) { return std::find(b.begin(), b.end(), value) != b.end(); });
  }

  // Whether nothing that we write for one is valid for the other.
  bool disjoint(const Json& a, const Json& b) const {
    if (!a.as_object() || !b.as_object()) return a == Json(false) || b == Json(false);
    const std::vector<Json> a_values = values_of(a), b_values = values_of(b);
    if (!a_values.empty() && !b_values.empty()) return no_common(a_values, b_values);
    auto kinds = [](const Json& schema, const std::vector<Json>& values) {
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
    for (const Json& name : *a_required) {
      if (!name.as_string() || std::find(b_required->begin(), b_required->end(), name) == b_required->end()) continue;
      const std::vector<Json> here = values_of(a["properties"][*name.as_string()]), there = values_of(b["properties"][*name.as_string()]);
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

  Result<Piece> listed(const Json& schema, const std::string& path) {
    for (const auto& [key, value] : *schema.as_object()) {
      if (key != "const" && key != "enum" && key != "type" && kEnforced.contains(key)) {
        return error(path, "'" + key + "' beside " + (schema.find("const") ? "const" : "enum") + " cannot be enforced; leave out the values that it excludes");
      }
    }
    if (schema.find("enum") && !schema["enum"].as_array()) return error(path, "enum: expected a list");
    std::vector<std::string> texts;
    const std::vector<std::string> types = types_in(schema["type"]);
    const std::vector<Json> values = values_of(schema);
    if (values.size() > kEnumMost) return error(path, "enum: more than " + std::to_string(kEnumMost) + " values");
    for (const Json& value : values) {
      if (schema.find("const") && schema.find("enum") &&
          std::find(schema["enum"].as_array()->begin(), schema["enum"].as_array()->end(), value) == schema["enum"].as_array()->end())
        continue;
      const bool fits = types.empty() || std::any_of(types.begin(), types.end(), [&](const std::string& type) { return has_type(value, type); });
      if (fits) texts.push_back(value.dump());
    }
    return b_.texts(std::move(texts));
  }

  // The types that a schema may be written as: its own, or those that its keywords are about.
  static std::vector<std::string> types_of(const Json& schema) {
    if (!schema["type"].is_null()) return types_in(schema["type"]);
    auto any = [&](std::initializer_list<const char*> keys) {
      return std::any_of(keys.begin(), keys.end(), [&](const char* key) { return schema.find(key) != nullptr; });
    };
    std::vector<std::string> out;
    if (any({"properties", "required", "additionalProperties", "patternProperties", "minProperties", "maxProperties"})) out.push_back("object");
    if (any({"items", "prefixItems", "minItems", "maxItems", "uniqueItems"})) out.push_back("array");
    if (any({"minLength", "maxLength", "pattern"})) out.push_back("string");
    if (any({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})) out.push_back("number");
    return out;
  }

  Result<Piece> typed(const Json& schema, const std::string& path, int depth) {
    if (schema["type"].is_null() && types_of(schema).empty()) return text_.value();
    std::vector<Piece> ways;
    for (const std::string& type : types_of(schema)) {
      auto piece = type == "object"    ? object(schema, path, depth)
                   : type == "array"   ? array(schema, path, depth)
                   : type == "string"  ? string(schema, path)
                   : type == "boolean" ? Result<Piece>(b_.any_of({b_.text("true"), b_.text("false")}))
                   : type == "null"    ? Result<Piece>(b_.text("null"))
                                       : number(schema, path, type == "integer");
      if (!piece) return piece.error();
      ways.push_back(*piece);
    }
    return b_.any_of(ways);
  }

  Result<int> count_of(const Json& schema, const char* key, int fallback, const std::string& path) const {
    if (schema[key].is_null()) return fallback;
    auto value = schema[key].to_int(key);
    if (!value || *value < 0) return error(path, std::string(key) + ": expected a whole number of 0 or more");
    return static_cast<int>(std::min<int64_t>(*value, INT32_MAX));
  }

  Result<Piece> string(const Json& schema, const std::string& path) {
    TRY_ASSIGN(const int least, count_of(schema, "minLength", 0, path));
    TRY_ASSIGN(const int most, count_of(schema, "maxLength", -1, path));
    if (least > kRepeatMost) return error(path, "minLength: more than " + std::to_string(kRepeatMost) + " cannot be enforced");
    if (most >= 0 && most < least) return b_.nothing();
    if (schema["pattern"].is_null()) return text_.string(least, most);
    const auto* pattern = schema["pattern"].as_string();
    if (!pattern) return error(path, "pattern: expected a regular expression");
    if (least > 0 || most >= 0) return error(path, "pattern beside minLength or maxLength cannot be enforced: put the length into the pattern");
    TRY_ASSIGN(const Piece inside, regex_piece(b_, *pattern, true, where_ + (path.empty() ? "" : " at " + path) + "/pattern",
                                               [this](const CodePoints& set) { return text_.code_point(set); }));
    return b_.sequence({b_.text("\""), inside, b_.text("\"")});
  }

  Result<Piece> number(const Json& schema, const std::string& path, bool whole) {
    JsonText::Bounds bounds;
    for (const char* key : {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"}) {
      if (schema[key].is_null()) continue;
      auto value = schema[key].to_double(key);
      if (!value || !std::isfinite(*value)) return error(path, std::string(key) + ": expected a number");
      const bool lower = key[key[0] == 'e' ? 10 : 1] == 'i', excluded = key[0] == 'e';
      std::optional<double>& bound = lower ? bounds.least : bounds.most;
      bool& is_excluded = lower ? bounds.least_excluded : bounds.most_excluded;
      if (!bound || (lower ? *value > *bound : *value < *bound) || (*value == *bound && excluded)) {
        bound = *value;
        is_excluded = excluded;
      }
    }
    if (!schema["multipleOf"].is_null()) {
      auto unit = schema["multipleOf"].to_double("multipleOf");
      if (!unit || !(*unit > 0)) return error(path, "multipleOf: expected a number above 0");
      if (*unit != 1) return error(path, "the keyword 'multipleOf' cannot be enforced, except as 1");
      whole = true;
    }
    return whole ? text_.integer(bounds) : text_.number(bounds);
  }

  Result<Piece> array(const Json& schema, const std::string& path, int depth) {
    TRY_ASSIGN(const int least, count_of(schema, "minItems", 0, path));
    TRY_ASSIGN(const int most, count_of(schema, "maxItems", -1, path));
    if (least > kRepeatMost) return error(path, "minItems: more than " + std::to_string(kRepeatMost) + " cannot be enforced");
    if (schema["uniqueItems"] == Json(true) && (most < 0 || most > 1))
      return error(path, "the keyword 'uniqueItems' cannot be enforced, except with maxItems 1");
    if (most >= 0 && most < least) return b_.nothing();
    static const Json kAny(true);
    // Before 2020-12, items could be a list, and additionalItems what follows it.
    const bool old = schema["items"].as_array() != nullptr;
    const Json& rest = old ? schema["additionalItems"] : schema["items"];
    const Json& items = rest.is_null() ? kAny : rest;
    const uint32_t item = b_.declare();
    TRY_ASSIGN(const Piece item_piece, compile(items, path + "/items", depth + 1));
    b_.define(item, item_piece);
    const auto* prefix = old ? schema["items"].as_array() : schema["prefixItems"].as_array();
    if (!prefix || prefix->empty()) return text_.array_of(item, least, most);
    return tuple(*prefix, item, least, most, path, depth);
  }

  // [first, second, …, item*]: after each element the array may end once `least` are there.
  Result<Piece> tuple(const Json::Array& prefix, uint32_t item, int least, int most, const std::string& path, int depth) {
    const Piece open = b_.text("["), end = b_.text("]");
    uint32_t at = open.to;
    const int listed = static_cast<int>(prefix.size());
    const int explicit_count = std::max(listed, least);
    for (int i = 0; i < explicit_count && (most < 0 || i < most); ++i) {
      if (i >= least) b_.link(at, end.from);
      Piece element = b_.call(item);
      if (i < listed) {
        TRY_ASSIGN(element, compile(prefix[static_cast<size_t>(i)], path + "/prefixItems/" + std::to_string(i), depth + 1));
      }
      if (i > 0) element = b_.sequence({text_.comma(), element});
      b_.link(at, element.from);
      at = element.to;
    }
    if (most < 0 || most > explicit_count) {
      const uint32_t more = b_.rule(b_.sequence({text_.comma(), b_.call(item)}));
      const Piece rest = b_.repeat(more, 0, most < 0 ? -1 : most - explicit_count);
      b_.link(at, rest.from);
      at = rest.to;
    }
    b_.link(at, end.from);
    return Piece{open.from, end.to};
  }

  struct Property {
    std::string name;
    Json schema;
    bool required;
  };

  Result<std::vector<Property>> properties_of(const Json& schema, const std::string& path) const {
    std::vector<Property> out;
    std::vector<std::string> required;
    if (!schema["required"].is_null()) {
      const auto* names = schema["required"].as_array();
      if (!names) return error(path, "required: expected a list of names");
      for (const Json& name : *names) {
        if (!name.as_string()) return error(path, "required: expected a list of names");
        required.push_back(*name.as_string());
      }
    }
    auto wanted = [&](const std::string& name) { return std::find(required.begin(), required.end(), name) != required.end(); };
    if (!schema["properties"].is_null()) {
      const auto* properties = schema["properties"].as_object();
      if (!properties) return error(path, "properties: expected an object");
      for (const auto& [name, value] : *properties) out.push_back({name, value, wanted(name)});
    }
    for (const std::string& name : required) {
      if (std::any_of(out.begin(), out.end(), [&](const Property& p) { return p.name == name; })) continue;
      out.push_back({name, schema["additionalProperties"].is_null() ? Json(true) : schema["additionalProperties"], true});
    }
    return out;
  }

  Status check_property_counts(const Json& schema, const std::vector<Property>& properties, bool open, const std::string& path) const {
    TRY_ASSIGN(const int least, count_of(schema, "minProperties", 0, path));
    TRY_ASSIGN(const int most, count_of(schema, "maxProperties", -1, path));
    const auto required = static_cast<int>(std::count_if(properties.begin(), properties.end(), [](const Property& p) { return p.required; }));
    if (least > required) return error(path, "minProperties over the number of required properties cannot be enforced");
    if (most >= 0 && (open || most < static_cast<int>(properties.size()))) return error(path, "the keyword 'maxProperties' cannot be enforced here");
    return {};
  }

  Result<Piece> object(const Json& schema, const std::string& path, int depth) {
    TRY_ASSIGN(const std::vector<Property> properties, properties_of(schema, path));
    const Json& more = schema["additionalProperties"];
    // WHY: an object that lists its properties is written with these alone, unless the schema says more about others; one that lists
    // none would otherwise be always empty.
    // Beside patterns nothing else is added: what is added could match one of them.
    const auto* patterns = schema["patternProperties"].as_object();
    const bool open = !patterns && more != Json(false) && (!more.is_null() || properties.empty());
    TRY(check_property_counts(schema, properties, open, path));
    if (open && properties.empty() && (more.is_null() || more == Json(true))) return text_.any_object();
    const Piece begin = b_.text("{"), end = b_.text("}");
    uint32_t none = begin.to, some = b_.node();        // nothing, or something, was written so far
    for (const Property& property : properties) {
      TRY_ASSIGN(const Piece value, compile(property.schema, path + "/properties/" + pointer_segment(property.name), depth + 1));
      const Piece member = b_.sequence({text_.literal(Json(property.name)), text_.colon(), value});
      const uint32_t next_none = b_.node(), next_some = b_.node();
      add_member(none, some, member);
      b_.link(member.to, next_some);
      if (!property.required) b_.link(none, next_none), b_.link(some, next_some);
      none = next_none;
      some = next_some;
    }
    if (open) {
      std::vector<std::string> names;
      for (const Property& property : properties) names.push_back(property.name);
      static const Json kAny(true);
      TRY_ASSIGN(const Piece value, compile(more.is_null() ? kAny : more, path + "/additionalProperties", depth + 1));
      const Piece member = b_.sequence({text_.other_string(names), text_.colon(), value});
      add_member(none, some, member);
      b_.link(member.to, some);
    }
    if (patterns) TRY(add_pattern(*patterns, properties, path, depth, none, some));
    b_.link(none, end.from);
    b_.link(some, end.from);
    return Piece{begin.from, end.to};
  }

  // Members whose names match the one pattern there is. Of several patterns none are added: a name could match two.
  Status add_pattern(const Json::Object& patterns, const std::vector<Property>& properties, const std::string& path, int depth, uint32_t none, uint32_t some) {
    const std::string where = where_ + " at " + path + "/patternProperties";
    for (const auto& [pattern, value] : patterns) {
      Builder apart;
      TRY_ASSIGN(const Piece piece, regex_piece(apart, pattern, true, where, [&](const CodePoints& set) { return apart.code_points(set); }));
      TRY_ASSIGN(const auto names, apart.finish(piece, where));
      for (const Property& property : properties) {
        if (reads(names, property.name))
          return error(path, "patternProperties: property '" + property.name + "' matches a pattern too, which cannot be enforced together");
      }
    }
    if (patterns.size() != 1) return {};
    const auto& [pattern, schema] = patterns.front();
    TRY_ASSIGN(const Piece inside, regex_piece(b_, pattern, true, where, [this](const CodePoints& set) { return text_.code_point(set); }));
    TRY_ASSIGN(const Piece value, compile(schema, path + "/patternProperties/" + pointer_segment(pattern), depth + 1));
    const Piece member = b_.sequence({b_.text("\""), inside, b_.text("\""), text_.colon(), value});
    add_member(none, some, member);
    b_.link(member.to, some);
    return {};
  }

  static bool reads(const std::shared_ptr<const Grammar>& grammar, const std::string& text) {
    static const auto kBytes = [] {
      std::vector<std::string> pieces;
      for (int b = 0; b < 256; ++b) pieces.push_back(std::string(1, static_cast<char>(b)));
      return std::make_shared<const TokenTrie>(pieces, std::vector<int32_t>());
    }();
    Matcher matcher(grammar, kBytes);
    for (const char c : text) {
      if (!matcher.accept(static_cast<unsigned char>(c))) return false;
    }
    return matcher.may_end();
  }

  void add_member(uint32_t none, uint32_t some, Piece member) {
    const Piece comma = text_.comma();
    b_.link(none, member.from);
    b_.link(some, comma.from);
    b_.link(comma.to, member.from);
  }

  const Json& root_;
  const std::string where_;
  Builder b_;
  JsonText text_;
  std::map<std::string, uint32_t> rules_;              // by $ref
};

}  // namespace

Result<std::shared_ptr<const Grammar>> compile_json_schema(const Json& schema, const std::string& where) { return Compiler(schema, where).run(); }

Result<std::shared_ptr<const Grammar>> compile_json_object() {
  Builder builder;
  JsonText text(builder);
  const Piece whole = text.any_object();
  return builder.finish(whole, "response_format");
}

Result<std::shared_ptr<const Grammar>> compile_choices(const std::vector<std::string>& choices, const std::string& where) {
  Builder builder;
  for (const std::string& choice : choices) {
    if (choice.empty()) return invalid_argument(where + ": a choice must not be empty", where);
  }
  if (choices.empty()) return invalid_argument(where + ": expected at least one choice", where);
  return builder.finish(builder.texts(choices), where);
}

}  // namespace strata::grammar
