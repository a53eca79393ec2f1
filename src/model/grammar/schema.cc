// JSON Schema (2020-12) → automaton. What a keyword asks for is either built in or refused by name.
#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"
#include "model/grammar/json_text.h"
#include "model/grammar/regex.h"
#include "model/grammar/schemas.h"

namespace strata::grammar {
namespace {

constexpr size_t kEnumMost = 10'000;                 // and required names, and properties
constexpr size_t kWaysMost = 1'000;                  // of anyOf, oneOf, allOf and type

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
  Compiler(Builder& builder, const Json& root, std::string where, size_t& work) : schemas_(root, std::move(where), work), b_(builder), text_(builder) {}

  Result<Piece> run() {
    if (bytes_of(schemas_.root()) > kSchemaBytesMost)
      return error("", "schemas of more than " + std::to_string(kSchemaBytesMost >> 10) + " KiB are not enforced");
    return compile(schemas_.root(), "", 0);
  }

 private:
  Error error(const std::string& path, const std::string& what) const { return schemas_.error(path, what); }

  Result<Piece> reference(const std::string& name, const std::string& path, int depth) {
    if (const auto known = rules_.find(name); known != rules_.end()) return b_.call(known->second);
    TRY_ASSIGN(const Json* target, schemas_.resolve(name, path));
    const uint32_t rule = rules_[name] = b_.declare();
    TRY_ASSIGN(const Piece piece, compile(*target, name.substr(1), depth + 1));
    b_.define(rule, piece);
    return b_.call(rule);
  }

  // ---- One schema -------------------------------------------------------------------------------------------------------------

  Status check_keywords(const Json& schema, const std::string& path) const {
    for (const auto& [key, value] : *schema.as_object()) {
      if (kRefused.contains(key)) return error(path, "the keyword '" + key + "' cannot be enforced");
    }
    for (const char* key : {"enum", "required", "properties"}) {
      if (schema[key].size() > kEnumMost) return error(path, std::string(key) + ": more than " + std::to_string(kEnumMost) + " of them");
    }
    for (const char* key : {"anyOf", "oneOf", "allOf", "type"}) {
      if (schema[key].size() > kWaysMost) return error(path, std::string(key) + ": more than " + std::to_string(kWaysMost) + " of them");
    }
    if (!schema["type"].is_null()) {
      const std::vector<std::string> types = types_in(schema["type"]);
      if (types.empty() && !(schema["type"].as_array() && schema["type"].as_array()->empty())) return error(path, "type: expected a name or a list of names");
      for (const std::string& type : types) {
        if (std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end()) continue;
        std::vector<std::string_view> names(kTypes.begin(), kTypes.end());
        const std::string nearest(nearest_name(type, names));
        return error(
            path, "type '" + utf8_repaired(type.substr(0, 100)) + "' is none of JSON Schema's" + (nearest.empty() ? "" : "; the nearest is '" + nearest + "'"));
      }
    }
    return {};
  }

  Result<Piece> compile(const Json& schema, const std::string& path, int depth) {
    if (depth > kSchemaDepthMost) return error(path, "schemas nested deeper than " + std::to_string(kSchemaDepthMost));
    if (b_.full()) return error(path, "the schema is too large to be enforced; shorten lengths, counts and enumerations");
    if (const bool* any = schema.as_bool()) return *any ? text_.value() : b_.nothing();
    if (!schema.as_object()) return error(path, "expected a schema (an object or a boolean), got " + std::string(schema.type_name()));
    TRY(check_keywords(schema, path));
    if (const auto* name = schema["$ref"].as_string(); name && !asserts(schema, "$ref")) return reference(*name, path, depth);
    if (schema.find("$ref") || schema.find("allOf")) {
      TRY_ASSIGN(const Json together, schemas_.flat(schema, path, depth));
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
        TRY_ASSIGN(Json one, schemas_.flat((*parts)[i], at, depth + 1));
        for (size_t j = 0; j < flats.size(); ++j) {
          TRY_ASSIGN(const bool apart, schemas_.disjoint(flats[j], one, at));
          if (!apart) {
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
      TRY_ASSIGN(const Json other, schemas_.flat((*parts)[i], at, depth + 1));
      TRY_ASSIGN(const Json together, schemas_.merge(rest, other, at));
      TRY_ASSIGN(const Piece way, compile(together, at, depth + 1));
      ways.push_back(way);
    }
    return b_.any_of(ways);
  }

  Result<Piece> listed(const Json& schema, const std::string& path) {
    for (const auto& [key, value] : *schema.as_object()) {
      if (key != "const" && key != "enum" && key != "type" && is_enforced(key)) {
        return error(path, "'" + key + "' beside " + (schema.find("const") ? "const" : "enum") + " cannot be enforced; leave out the values that it excludes");
      }
    }
    if (schema.find("enum") && !schema["enum"].as_array()) return error(path, "enum: expected a list");
    std::vector<std::string> texts;
    const std::vector<std::string> types = types_in(schema["type"]);
    const std::span<const Json> values = values_of(schema);
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
    TRY_ASSIGN(const Piece inside, regex_piece(b_, *pattern, true, schemas_.where() + (path.empty() ? "" : " at " + path) + "/pattern",
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
    const std::set<std::string_view> wanted(required.begin(), required.end());
    std::set<std::string_view> there;
    if (!schema["properties"].is_null()) {
      const auto* properties = schema["properties"].as_object();
      if (!properties) return error(path, "properties: expected an object");
      for (const auto& [name, value] : *properties) there.insert(name), out.push_back({name, value, wanted.contains(name)});
    }
    for (const std::string& name : required) {
      if (!there.insert(name).second) continue;
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
    const std::string where = schemas_.where() + " at " + path + "/patternProperties";
    for (const auto& [pattern, value] : patterns) {
      Builder apart;
      TRY_ASSIGN(const Piece piece, regex_piece(apart, pattern, true, where, [&](const CodePoints& set) { return apart.code_points(set); }));
      TRY(schemas_.spend(apart.size(), path));
      TRY_ASSIGN(const auto names, apart.finish(piece, where));
      for (const Property& property : properties) {
        size_t work = 0;
        const bool both = reads(names, property.name, &work);
        TRY(schemas_.spend(1 + work, path));
        if (both) return error(path, "patternProperties: property '" + property.name + "' matches a pattern too, which cannot be enforced together");
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

  void add_member(uint32_t none, uint32_t some, Piece member) {
    const Piece comma = text_.comma();
    b_.link(none, member.from);
    b_.link(some, comma.from);
    b_.link(comma.to, member.from);
  }

  const Schemas schemas_;
  Builder& b_;
  JsonText text_;
  std::map<std::string, uint32_t> rules_;              // by $ref
};

// Any bytes in which `marker` does not stand whole; after it the way goes on to `marked`, else it may end at `end` at any time.
// SOURCE: Knuth, Morris, Pratt, "Fast pattern matching in strings", 1977: node i has read the marker's first i bytes.
uint32_t text_until(Builder& b, std::string_view marker, uint32_t marked, uint32_t end) {
  std::vector<uint32_t> nodes;
  for (size_t i = 0; i < marker.size(); ++i) nodes.push_back(b.node());
  for (size_t read = 0; read < marker.size(); ++read) {
    b.link(nodes[read], end);
    const std::string seen(marker.substr(0, read));
    auto after = [&](char c) {   // how much of the marker the text ends with once c is read too
      const std::string text = seen + c;
      for (size_t length = std::min(text.size(), marker.size()); length > 0; --length) {
        if (text.ends_with(marker.substr(0, length))) return length;
      }
      return size_t{0};
    };
    for (int low = 0; low < 256;) {
      const size_t to = after(static_cast<char>(low));
      int high = low;
      while (high + 1 < 256 && after(static_cast<char>(high + 1)) == to) ++high;
      const Piece edge = b.bytes(static_cast<uint8_t>(low), static_cast<uint8_t>(high));
      b.link(nodes[read], edge.from);
      b.link(edge.to, to == marker.size() ? marked : nodes[to]);
      low = high + 1;
    }
  }
  return nodes[0];
}

Result<Piece> one_call(Builder& b, const std::vector<Function>& functions) {
  std::vector<Piece> ways;
  size_t work = 0, bytes = 0;
  for (const Function& function : functions) {
    bytes += bytes_of(function.parameters);
    if (bytes > kSchemaBytesMost) return invalid_argument("tools: the functions' parameters have more than 256 KiB in all", "tools");
    TRY_ASSIGN(const Piece arguments, Compiler(b, function.parameters, function.where, work).run());
    ways.push_back(b.sequence({b.text(json_quote(function.name) + ", \"arguments\": "), arguments}));
  }
  return b.sequence({b.text("{\"name\": "), b.any_of(ways), b.text("}" + std::string(kCallClose))});
}

}  // namespace

Result<std::shared_ptr<const Grammar>> compile_json_schema(const Json& schema, const std::string& where) {
  Builder builder;
  size_t work = 0;
  TRY_ASSIGN(const Piece whole, Compiler(builder, schema, where, work).run());
  return builder.finish(whole, where);
}

Result<std::shared_ptr<const Grammar>> compile_calls(const std::vector<Function>& functions, bool text, int calls_most) {
  if (functions.empty()) return invalid_argument("tools: expected at least one function", "tools");
  Builder b;
  TRY_ASSIGN(const Piece body, one_call(b, functions));
  const uint32_t call = b.rule(body);
  // The marker is the opening without its line break, so that no text can come near a call and miss it.
  const std::string_view marker = kCallOpen.substr(0, kCallOpen.size() - 1);
  const Piece first = b.sequence({b.text(kCallOpen.substr(marker.size())), b.call(call)});
  const uint32_t more = b.rule(b.sequence({b.text("\n" + std::string(kCallOpen)), b.call(call)}));
  const Piece rest = b.repeat(more, 0, std::max(0, calls_most - 1));
  b.link(first.to, rest.from);
  uint32_t begin = 0;
  if (text) {
    begin = text_until(b, marker, first.from, rest.to);
  } else {
    const Piece open = b.text(marker);
    b.link(open.to, first.from);
    begin = open.from;
  }
  return b.finish({begin, rest.to}, "tools");
}

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
