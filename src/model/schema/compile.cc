// Looks at every schema once: shapes of keywords, references, patterns.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "model/grammar/grammar.h"
#include "model/schema/schema.h"

namespace strata::schema {

namespace {

constexpr int kDepthMost = 64;
constexpr size_t kSchemasMost = 100'000;

constexpr std::array<std::string_view, 4> kUncheckable = {"unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef"};
constexpr std::array<std::string_view, 5> kMaps = {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"};
constexpr std::array<std::string_view, 4> kLists = {"allOf", "anyOf", "oneOf", "prefixItems"};
constexpr std::array<std::string_view, 9> kSingles = {"items", "additionalItems", "contains", "additionalProperties", "propertyNames", "not", "if", "then",
                                                      "else"};
constexpr std::array<std::string_view, 8> kCounts = {"minLength",     "maxLength",     "minItems",    "maxItems",
                                                     "minProperties", "maxProperties", "minContains", "maxContains"};
constexpr std::array<std::string_view, 5> kNumbers = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"};
const std::vector<std::string_view> kTypes = {"object", "array", "string", "number", "integer", "boolean", "null"};

std::string segment(std::string_view key) {
  std::string out;
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

// "%25" as "%": references are written as URI fragments.
std::string percent_decoded(std::string_view text) {
  auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

class Compilation {
 public:
  Compilation(Validator& validator, std::string where) : validator_(validator), where_(std::move(where)) {}

  Status run() {
    // Another dialect may take keywords away or add some.
    if (const auto* dialect = validator_.schema_["$schema"].as_string(); dialect && dialect->find("json-schema.org/") == dialect->npos)
      return error("", "$schema '" + *dialect + "': only JSON Schema's own dialects are known");
    TRY(walk(validator_.schema_, "", 0));
    for (size_t i = 0; i < wanted_.size(); ++i) {  // by index: walking finds more
      const auto [reference, path] = wanted_[i];
      TRY_ASSIGN(const Json* target, resolve(reference, path));
      validator_.references_.emplace(reference, target);
      // What is only referred to may lie where no keyword holds schemas.
      if (!seen_.contains(target)) TRY(walk(*target, reference.substr(1), 1));
    }
    return {};
  }

 private:
  Error error(const std::string& path, const std::string& what) const {
    return invalid_argument(where_ + (path.empty() ? "" : " at " + path) + ": " + what, where_, "invalid_schema");
  }

  Status walk(const Json& schema, const std::string& path, int depth) {
    if (depth > kDepthMost) return error(path, "schemas nested deeper than " + std::to_string(kDepthMost));
    if (schema.is_bool()) return {};
    if (!schema.is_object()) return error(path, "expected a schema (an object or a boolean), got " + std::string(schema.type_name()));
    if (!seen_.emplace(&schema, true).second) return {};
    if (seen_.size() > kSchemasMost) return error(path, "more than " + std::to_string(kSchemasMost) + " schemas");
    TRY(check_shapes(schema, path));
    if (const auto* anchor = schema["$anchor"].as_string()) anchors_.emplace(*anchor, &schema);
    if (const auto* reference = schema["$ref"].as_string()) wanted_.emplace_back(*reference, path);
    return walk_inside(schema, path, depth);
  }

  Status walk_inside(const Json& schema, const std::string& path, int depth) {
    for (const std::string_view key : kMaps) {
      if (const auto* map = schema[key].as_object()) {
        for (const auto& [name, value] : *map) TRY(walk(value, path + "/" + std::string(key) + "/" + segment(name), depth + 1));
      }
    }
    for (const std::string_view key : kLists) TRY(walk_list(schema[key], path + "/" + std::string(key), depth));
    for (const std::string_view key : kSingles) {
      const Json* value = schema.find(key);
      if (!value) continue;
      if (key == "items" && value->is_array()) TRY(walk_list(*value, path + "/items", depth));
      else TRY(walk(*value, path + "/" + std::string(key), depth + 1));
    }
    if (const auto* map = schema["dependencies"].as_object()) {
      for (const auto& [name, value] : *map) {
        if (!value.is_array()) TRY(walk(value, path + "/dependencies/" + segment(name), depth + 1));
      }
    }
    return {};
  }

  Status walk_list(const Json& list, const std::string& path, int depth) {
    const auto* items = list.as_array();
    if (!items) return {};
    for (size_t i = 0; i < items->size(); ++i) TRY(walk((*items)[i], path + "/" + std::to_string(i), depth + 1));
    return {};
  }

  Status check_shapes(const Json& schema, const std::string& path) {
    for (const std::string_view key : kUncheckable) {
      if (schema.find(key)) return error(path, "the keyword '" + std::string(key) + "' cannot be checked");
    }
    if (const auto* id = schema["$id"].as_string(); id && !path.empty() && !id->starts_with('#'))
      return error(path, "a schema inside another with an $id of its own cannot be followed");
    if (const Json* reference = schema.find("$ref"); reference && !reference->is_string()) return error(path, "$ref: expected a text");
    for (const std::string_view key : kMaps) TRY(expect(schema, key, path, "an object", [](const Json& v) { return v.is_object(); }));
    for (const std::string_view key : kLists) TRY(expect(schema, key, path, "a list", [](const Json& v) { return v.is_array(); }));
    for (const std::string_view key : kNumbers) TRY(expect(schema, key, path, "a number", [](const Json& v) { return v.is_number(); }));
    for (const std::string_view key : kCounts) {
      TRY(expect(schema, key, path, "a whole number of 0 or more", [](const Json& v) { return v.is_number() && v.to_int("").value_or(-1) >= 0; }));
    }
    TRY(expect(schema, "enum", path, "a list", [](const Json& v) { return v.is_array(); }));
    TRY(expect(schema, "multipleOf", path, "a number above 0", [](const Json& v) { return v.to_double("").value_or(0) > 0; }));
    TRY(expect(schema, "required", path, "a list of names", is_names));
    TRY(expect(schema, "uniqueItems", path, "true or false", [](const Json& v) { return v.is_bool(); }));
    TRY(expect(schema, "dependentRequired", path, "an object of lists of names", [](const Json& v) {
      return v.is_object() && std::all_of(v.as_object()->begin(), v.as_object()->end(), [](const auto& member) { return is_names(member.second); });
    }));
    TRY(check_types(schema, path));
    if (const Json* pattern = schema.find("pattern")) {
      if (!pattern->is_string()) return error(path, "pattern: expected a regular expression");
      TRY(add_pattern(*pattern->as_string(), path + "/pattern"));
    }
    if (const auto* patterns = schema["patternProperties"].as_object()) {
      for (const auto& [pattern, value] : *patterns) TRY(add_pattern(pattern, path + "/patternProperties"));
    }
    return {};
  }

  template <class Fits>
  Status expect(const Json& schema, std::string_view key, const std::string& path, const char* what, Fits fits) const {
    const Json* value = schema.find(key);
    if (!value || fits(*value)) return {};
    return error(path, std::string(key) + ": expected " + what + ", got " + std::string(value->type_name()));
  }

  static bool is_names(const Json& value) {
    return value.is_array() && std::all_of(value.as_array()->begin(), value.as_array()->end(), [](const Json& name) { return name.is_string(); });
  }

  Status check_types(const Json& schema, const std::string& path) const {
    const Json* type = schema.find("type");
    if (!type) return {};
    const Json::Array one = {*type};
    for (const Json& item : type->is_array() ? *type->as_array() : one) {
      const auto* name = item.as_string();
      if (!name) return error(path, "type: expected a name or a list of names");
      if (std::find(kTypes.begin(), kTypes.end(), *name) != kTypes.end()) continue;
      const std::string near(nearest_name(*name, kTypes));
      return error(path, "type '" + *name + "' is none of JSON Schema's" + (near.empty() ? "" : "; did you mean '" + near + "'?"));
    }
    return {};
  }

  Status add_pattern(const std::string& pattern, const std::string& path) {
    if (validator_.patterns_.contains(pattern)) return {};
    TRY_ASSIGN(auto compiled, grammar::compile_search(pattern, where_ + " at " + path));
    validator_.patterns_.emplace(pattern, std::move(compiled));
    return {};
  }

  Result<const Json*> resolve(const std::string& reference, const std::string& path) const {
    if (reference.empty() || reference[0] != '#') return error(path, "$ref '" + reference + "': only references inside this schema ('#/…') are followed");
    const std::string fragment = percent_decoded(reference.substr(1));
    const Json* at = &validator_.schema_;
    if (fragment.empty()) return at;
    if (fragment[0] != '/') {
      const auto anchor = anchors_.find(fragment);
      if (anchor == anchors_.end()) return error(path, "$ref '" + reference + "' leads nowhere");
      return anchor->second;
    }
    for (std::string_view part : split(std::string_view(fragment).substr(1), '/')) {
      std::string name;
      for (size_t i = 0; i < part.size(); ++i) {
        if (part[i] == '~' && i + 1 < part.size() && (part[i + 1] == '0' || part[i + 1] == '1')) name += part[++i] == '0' ? '~' : '/';
        else name += part[i];
      }
      const Json* next = at->find(name);
      if (const auto* items = at->as_array(); items && !name.empty() && name.size() < 7 && name.find_first_not_of("0123456789") == name.npos) {
        const size_t index = std::stoul(name);
        next = index < items->size() ? &(*items)[index] : nullptr;
      }
      if (!next) return error(path, "$ref '" + reference + "' leads nowhere");
      at = next;
    }
    return at;
  }

  Validator& validator_;
  const std::string where_;
  std::map<const Json*, bool> seen_;
  std::map<std::string, const Json*, std::less<>> anchors_;
  std::vector<std::pair<std::string, std::string>> wanted_;   // reference, where; grows while it is followed
};

Result<std::shared_ptr<const Validator>> Validator::compile(const Json& schema, const std::string& where) {
  std::shared_ptr<Validator> out(new Validator(schema));
  TRY(Compilation(*out, where).run());
  return std::shared_ptr<const Validator>(std::move(out));
}

}  // namespace strata::schema
