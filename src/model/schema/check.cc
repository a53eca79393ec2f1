// Judges one value against one schema and says what is wrong where.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "base/text.h"
#include "model/grammar/grammar.h"
#include "model/schema/schema.h"

namespace strata::schema {
namespace {

constexpr int kDepthMost = 256;          // schemas within schemas, references among them
constexpr size_t kShownBytes = 80;
constexpr size_t kNamesLookedAt = 256, kNameBytesLookedAt = 128;   // for the nearest one
constexpr size_t kItemsAStep = 16, kBytesAStep = 1024;

std::string shown(const Json& value) {
  std::string text = value.dump();
  if (text.size() > kShownBytes) text = text.substr(0, utf8_complete_prefix(std::string_view(text).substr(0, kShownBytes))) + "…";
  return text;
}

std::string described(const Json& value) {
  if (value.is_null() || value.is_bool()) return shown(value);
  return (value.is_object() || value.is_array() ? "an " : value.is_int() ? "the " : "the ") + std::string(value.type_name()) + " " + shown(value);
}

std::string segment(std::string_view key) {
  std::string out;
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

bool is_whole(const Json& value) {
  if (value.is_int() || value.as_big_unsigned()) return true;
  const auto number = value.is_number() ? value.to_double("") : Result<double>(0.5);
  return number && std::isfinite(*number) && std::floor(*number) == *number;
}

bool has_type(const Json& value, std::string_view type) {
  if (type == "integer") return value.is_number() && is_whole(value);
  if (type == "number") return value.is_number();
  return type == value.type_name();
}

std::string with_article(std::string_view type) {
  if (type == "null") return "null";
  return (type == "object" || type == "array" || type == "integer" ? "an " : "a ") + std::string(type);
}

std::vector<std::string_view> names_of(const Json::Object& object) {
  std::vector<std::string_view> out;
  for (const auto& member : object) out.push_back(member.first);
  return out;
}

std::string listed(const std::vector<std::string_view>& names) {
  std::string out;
  for (size_t i = 0; i < names.size() && i < 20; ++i) out += (out.empty() ? "'" : ", '") + std::string(names[i]) + "'";
  return names.size() > 20 ? out + ", …" : out;
}

// What a schema asks for, in a few words.
std::string wanted(const Json& schema) {
  if (const auto* list = schema["enum"].as_array()) {
    std::string out;
    for (const Json& value : *list) out += (out.empty() ? "" : ", ") + shown(value);
    return "one of " + (out.size() > 400 ? out.substr(0, utf8_complete_prefix(std::string_view(out).substr(0, 400))) + "…" : out);
  }
  if (schema.find("const")) return shown(schema["const"]);
  if (const auto* type = schema["type"].as_string()) return with_article(*type);
  if (const auto* types = schema["type"].as_array()) {
    std::string out;
    for (const Json& type : *types) out += (out.empty() ? "" : " or ") + with_article(type.as_string() ? *type.as_string() : "");
    return out;
  }
  return "a value";
}

std::string_view nearest(const std::string& wrong, const std::vector<std::string_view>& names) {
  return wrong.size() > kNameBytesLookedAt ? std::string_view() : nearest_name(wrong, names);
}

size_t code_points(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool divides(const Json& value, const Json& unit) {
  if (value.is_int() && unit.is_int()) return *value.to_int("") % *unit.to_int("") == 0;
  const double quotient = value.to_double("").value_or(0) / unit.to_double("").value_or(1);
  return std::isfinite(quotient) && std::abs(quotient - std::round(quotient)) <= 1e-9 * std::max(1.0, std::abs(quotient) * 1e-3);
}

// Below 0, 0, above 0; exact for two integers.
int compare(const Json& a, const Json& b) {
  if (a.is_int() && b.is_int()) return *a.to_int("") < *b.to_int("") ? -1 : *a.to_int("") > *b.to_int("") ? 1 : 0;
  const double x = a.to_double("").value_or(0), y = b.to_double("").value_or(0);
  return x < y ? -1 : x > y ? 1 : 0;
}

std::vector<const Json::Member*> by_name(const Json::Object& object) {
  std::vector<const Json::Member*> out;
  for (const auto& member : object) out.push_back(&member);
  std::sort(out.begin(), out.end(), [](const Json::Member* a, const Json::Member* b) { return a->first < b->first; });
  return out;
}

// Two values that are the same have the same text.
void append_canonical(const Json& value, std::string& out) {
  if (const auto* items = value.as_array()) {
    out += '[';
    for (const Json& item : *items) append_canonical(item, out), out += ',';
    out += ']';
  } else if (const auto* members = value.as_object()) {
    out += '{';
    for (const Json::Member* member : by_name(*members)) out += Json(member->first).dump() + ":", append_canonical(member->second, out), out += ',';
    out += '}';
  } else if (value.is_number() && !value.is_int() && is_whole(value) && std::abs(value.to_double("").value_or(0)) < 9e15) {
    out += std::to_string(static_cast<int64_t>(value.to_double("").value_or(0)));
  } else {
    out += value.dump();
  }
}

}  // namespace

bool same(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return compare(a, b) == 0;
  if (const auto *x = a.as_array(), *y = b.as_array(); x && y) return std::equal(x->begin(), x->end(), y->begin(), y->end(), same);
  if (const auto *x = a.as_object(), *y = b.as_object(); x && y) {
    if (x->size() != y->size()) return false;
    const auto left = by_name(*x), right = by_name(*y);
    return std::equal(left.begin(), left.end(), right.begin(),
                      [](const Json::Member* one, const Json::Member* other) { return one->first == other->first && same(one->second, other->second); });
  }
  return a == b;
}

std::string Problem::text() const {
  std::string out = (path.empty() ? "the value" : path) + ": expected " + expected + ", got " + got;
  return nearest.empty() ? out : out + "; did you mean '" + nearest + "'?";
}

Json Problem::json() const {
  Json out = Json::object({{"path", path}, {"keyword", keyword}, {"expected", expected}, {"got", got}});
  if (!nearest.empty()) out.set("nearest", nearest);
  return out;
}

// One check() in progress.
class Judgement {
 public:
  explicit Judgement(const Validator& validator) : validator_(validator) {}

  size_t steps() const { return steps_; }
  std::vector<Problem> run(const Json& value) {
    judge(validator_.schema_, value, "", 0);
    if (problems_.empty() && spent_) problems_.push_back({"", "", "a value that can be judged in bounded time", "one that branches too often", ""});
    return std::move(problems_);
  }

 private:
  bool spend(size_t steps) {
    steps_ += steps;
    if (steps_ > kStepsMost) spent_ = true;
    return !spent_;
  }
  bool full() const { return problems_.size() >= kProblemsMost; }

  void report(std::string path, std::string keyword, std::string expected, std::string got, std::string_view nearest = "") {
    if (problems_.size() < kProblemsMost) problems_.push_back({std::move(path), std::move(keyword), std::move(expected), std::move(got), std::string(nearest)});
    ++found_;
  }

  // How many problems there are, without keeping them.
  size_t count(const Json& schema, const Json& value, int depth) {
    std::vector<Problem> kept = std::exchange(problems_, {});
    const size_t before = found_;
    judge(schema, value, "", depth);
    problems_ = std::move(kept);
    return std::exchange(found_, before) - before;
  }

  void judge(const Json& schema, const Json& value, const std::string& path, int depth) {
    if (depth > kDepthMost) spent_ = true;
    if (!spend(1)) return report(path, "", "a value that can be judged in bounded time", "one that branches too often");
    if (const bool* any = schema.as_bool()) {
      if (!*any) report(path, "false", "nothing here", described(value));
      return;
    }
    if (const auto* reference = schema["$ref"].as_string()) {
      if (const auto target = validator_.references_.find(*reference); target != validator_.references_.end()) judge(*target->second, value, path, depth + 1);
    }
    if (!type_fits(schema, value)) return report(path, "type", wanted(schema), described(value));
    judge_listed(schema, value, path);
    if (value.is_number()) judge_number(schema, value, path);
    else if (value.is_string()) judge_text(schema, *value.as_string(), path);
    else if (value.is_array()) judge_array(schema, value, path, depth);
    else if (value.is_object()) judge_object(schema, value, path, depth);
    judge_combined(schema, value, path, depth);
  }

  static bool type_fits(const Json& schema, const Json& value) {
    const Json* type = schema.find("type");
    if (!type) return true;
    if (const auto* one = type->as_string()) return has_type(value, *one);
    return std::any_of(type->as_array()->begin(), type->as_array()->end(), [&](const Json& one) { return has_type(value, *one.as_string()); });
  }

  void judge_listed(const Json& schema, const Json& value, const std::string& path) {
    if (const Json* only = schema.find("const"); only && !same(*only, value)) report(path, "const", shown(*only), described(value));
    const auto* list = schema["enum"].as_array();
    if (!list || std::any_of(list->begin(), list->end(), [&](const Json& one) { return same(one, value); })) return;
    std::vector<std::string_view> texts;
    for (const Json& one : *list) {
      if (const auto* text = one.as_string()) texts.push_back(*text);
    }
    report(path, "enum", wanted(schema), described(value), value.is_string() ? nearest(*value.as_string(), texts) : std::string_view());
  }

  void judge_number(const Json& schema, const Json& value, const std::string& path) {
    auto bound = [&](const char* key, const char* words, auto fits) {
      const Json* limit = schema.find(key);
      if (limit && !fits(compare(value, *limit))) report(path, key, words + shown(*limit), described(value));
    };
    bound("minimum", "a number of at least ", [](int c) { return c >= 0; });
    bound("maximum", "a number of at most ", [](int c) { return c <= 0; });
    bound("exclusiveMinimum", "a number above ", [](int c) { return c > 0; });
    bound("exclusiveMaximum", "a number below ", [](int c) { return c < 0; });
    if (const Json* unit = schema.find("multipleOf"); unit && !divides(value, *unit))
      report(path, "multipleOf", "a multiple of " + shown(*unit), described(value));
  }

  void judge_count(const Json& schema, const char* least, const char* most, size_t count, const char* unit, const std::string& path) {
    const std::string got = std::to_string(count) + " " + unit;
    const auto size = static_cast<int64_t>(count);
    if (const Json* limit = schema.find(least); limit && size < limit->to_int("").value_or(0))
      report(path, least, "at least " + shown(*limit) + " " + unit, got);
    if (const Json* limit = schema.find(most); limit && size > limit->to_int("").value_or(0)) report(path, most, "at most " + shown(*limit) + " " + unit, got);
  }

  bool matches(const std::string& pattern, const std::string& text) const {
    const auto found = validator_.patterns_.find(pattern);
    return found != validator_.patterns_.end() && grammar::reads(found->second, text);
  }

  void judge_text(const Json& schema, const std::string& text, const std::string& path) {
    spend(text.size() / kBytesAStep);
    judge_count(schema, "minLength", "maxLength", code_points(text), "characters", path);
    if (const auto* pattern = schema["pattern"].as_string(); pattern && !matches(*pattern, text)) {
      report(path, "pattern", "a text that matches " + *pattern, shown(Json(text)));
    }
  }

  void judge_array(const Json& schema, const Json& value, const std::string& path, int depth) {
    const Json::Array& items = *value.as_array();
    spend(items.size() / kItemsAStep);
    judge_count(schema, "minItems", "maxItems", items.size(), "items", path);
    const bool old = schema["items"].is_array();
    const auto* prefix = old ? schema["items"].as_array() : schema["prefixItems"].as_array();
    const Json* rest = old ? schema.find("additionalItems") : schema.find("items");
    const size_t listed_items = prefix ? prefix->size() : 0;
    for (size_t i = 0; i < items.size(); ++i) {
      const std::string at = path + "/" + std::to_string(i);
      if (i < listed_items) judge((*prefix)[i], items[i], at, depth + 1);
      else if (rest) judge(*rest, items[i], at, depth + 1);
      if (full() || spent_) return;
    }
    if (schema["uniqueItems"] == Json(true)) judge_unique(items, path);
    if (const Json* wanted_item = schema.find("contains")) judge_contains(schema, *wanted_item, items, path, depth);
  }

  void judge_unique(const Json::Array& items, const std::string& path) {
    std::map<std::string, size_t> known;
    for (size_t i = 0; i < items.size(); ++i) {
      std::string text;
      append_canonical(items[i], text);
      if (!spend(1 + text.size() / kBytesAStep)) return;
      const auto [first, fresh] = known.emplace(std::move(text), i);
      if (!fresh)
        return report(path + "/" + std::to_string(i), "uniqueItems", "an item that is not there yet", "the same as item " + std::to_string(first->second));
    }
  }

  void judge_contains(const Json& schema, const Json& wanted_item, const Json::Array& items, const std::string& path, int depth) {
    int64_t fitting = 0;
    for (const Json& item : items) {
      if (spent_) return;
      fitting += count(wanted_item, item, depth + 1) == 0;
    }
    const int64_t least = schema.find("minContains") ? schema["minContains"].to_int("").value_or(1) : 1;
    const int64_t most = schema.find("maxContains") ? schema["maxContains"].to_int("").value_or(INT64_MAX) : INT64_MAX;
    if (fitting >= least && fitting <= most) return;
    report(path, fitting < least ? "contains" : "maxContains",
           (fitting < least ? "at least " + std::to_string(least) : "at most " + std::to_string(most)) + " items that are " + wanted(wanted_item),
           std::to_string(fitting));
  }

  void judge_object(const Json& schema, const Json& value, const std::string& path, int depth) {
    const Json::Object& members = *value.as_object();
    if (!spend(members.size() / kItemsAStep)) return;
    judge_count(schema, "minProperties", "maxProperties", members.size(), "members", path);
    judge_required(schema, value, path, depth);
    const Json &properties = schema["properties"], &patterns = schema["patternProperties"];
    const Json* more = schema.find("additionalProperties");
    const Json* names = schema.find("propertyNames");
    for (const auto& [name, member] : members) {
      if (full() || spent_) return;
      const std::string at = path + "/" + segment(name);
      if (names && count(*names, Json(name), depth + 1) > 0) report(at, "propertyNames", "a name that is allowed here", "'" + name + "'");
      const Json* own = properties.find(name);
      bool known = own != nullptr;
      if (own) judge(*own, member, at, depth + 1);
      if (const auto* list = patterns.as_object()) {
        for (const auto& [pattern, inside] : *list) {
          if (!matches(pattern, name)) continue;
          known = true;
          judge(inside, member, at, depth + 1);
        }
      }
      if (known || !more) continue;
      if (*more == Json(false)) report_unknown(properties, value, name, at);
      else judge(*more, member, at, depth + 1);
    }
    judge_dependent(schema, value, path, depth);
  }

  // COST: a look through the value for each name that the schema knows.
  void report_unknown(const Json& properties, const Json& value, const std::string& name, const std::string& at) {
    std::vector<std::string_view> known, missing;
    spend(1 + value.size() / kItemsAStep);
    if (const auto* list = properties.as_object()) known = names_of(*list);
    for (const std::string_view one : known) {
      if (!value.find(one)) missing.push_back(one);
    }
    report(at, "additionalProperties", known.empty() ? "no members" : "only the members " + listed(known), "'" + name.substr(0, kNameBytesLookedAt) + "'",
           nearest(name, missing));
  }

  void judge_required(const Json& schema, const Json& value, const std::string& path, int) {
    const auto* required = schema["required"].as_array();
    if (!required) return;
    std::vector<std::string_view> strangers;   // what may have been meant for it
    for (const auto& member : *value.as_object()) {
      if (strangers.size() == kNamesLookedAt) break;
      if (member.first.size() <= kNameBytesLookedAt && !schema["properties"].find(member.first)) strangers.push_back(member.first);
    }
    for (const Json& item : *required) {
      if (full() || !spend(value.size() / kItemsAStep)) return;
      const std::string& name = *item.as_string();
      if (value.find(name)) continue;
      const Json* own = schema["properties"].find(name);
      report(path + "/" + segment(name), "required", "'" + name + "'" + (own ? ", " + wanted(*own) : ""), "nothing", nearest(name, strangers));
    }
  }

  void judge_dependent(const Json& schema, const Json& value, const std::string& path, int depth) {
    for (const char* key : {"dependentRequired", "dependentSchemas", "dependencies"}) {
      const auto* list = schema[key].as_object();
      if (!list) continue;
      for (const auto& [name, then] : *list) {
        if (!value.find(name)) continue;
        const auto* needed = then.as_array();
        if (!needed) {
          judge(then, value, path, depth + 1);
          continue;
        }
        for (const Json& other : *needed) {
          const auto* text = other.as_string();
          if (text && !value.find(*text)) report(path + "/" + segment(*text), key, "'" + *text + "', because '" + name + "' is there", "nothing");
        }
      }
    }
  }

  void judge_combined(const Json& schema, const Json& value, const std::string& path, int depth) {
    if (const auto* all = schema["allOf"].as_array()) {
      for (const Json& one : *all) judge(one, value, path, depth + 1);
    }
    for (const char* key : {"anyOf", "oneOf"}) {
      if (const auto* ways = schema[key].as_array()) judge_alternatives(*ways, key, value, path, depth);
    }
    if (const Json* never = schema.find("not"); never && count(*never, value, depth + 1) == 0) {
      report(path, "not", "a value that is not " + (never->is_object() ? wanted(*never) : "anything"), described(value));
    }
    if (const Json* condition = schema.find("if")) {
      const Json* then = schema.find(count(*condition, value, depth + 1) == 0 ? "then" : "else");
      if (then) judge(*then, value, path, depth + 1);
    }
  }

  // Where none fits, the alternative that is nearest to fitting says what is wrong.
  void judge_alternatives(const Json::Array& ways, const char* key, const Json& value, const std::string& path, int depth) {
    size_t fitting = 0, best = SIZE_MAX, best_at = 0;
    for (size_t i = 0; i < ways.size(); ++i) {
      const size_t wrong = count(ways[i], value, depth + 1) + (ways[i].is_object() && !type_fits(ways[i], value) ? 1000 : 0);
      fitting += wrong == 0;
      if (wrong < best) best = wrong, best_at = i;
    }
    if (key[0] == 'a' ? fitting > 0 : fitting == 1) return;
    if (fitting > 1) return report(path, key, "a value that fits one alternative alone", "one that fits " + std::to_string(fitting));
    if (best >= 1000 || ways.empty()) {
      std::string all;
      for (const Json& way : ways) all += (all.empty() ? "" : " or ") + (way.is_object() ? wanted(way) : "nothing");
      return report(path, key, all, described(value));
    }
    judge(ways[best_at], value, path, depth + 1);
  }

  const Validator& validator_;
  std::vector<Problem> problems_;
  size_t found_ = 0, steps_ = 0;
  bool spent_ = false;
};

std::vector<Problem> Validator::check(const Json& value, size_t* steps) const {
  Judgement judgement(*this);
  std::vector<Problem> problems = judgement.run(value);
  if (steps) *steps = judgement.steps();
  return problems;
}

}  // namespace strata::schema
