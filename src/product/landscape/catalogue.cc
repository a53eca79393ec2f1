// Reading a catalogue file over another catalogue.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/check.h"
#include "base/json.h"
#include "base/text.h"
#include "product/landscape/landscape.h"
#include "product/landscape/locate.h"

namespace strata::landscape {
namespace {

constexpr size_t kBytesMax = 1u << 20;      // the built-in one has 60 kB
constexpr size_t kEntriesMax = 2000;
constexpr size_t kTextMax = 500;            // bytes of one text: it is shown in a table

bool is_month(const std::string& text) {
  if (text.size() != 4 && text.size() != 7) return false;
  for (size_t i = 0; i < text.size(); ++i)
    if (i == 4 ? text[i] != '-' : (text[i] < '0' || text[i] > '9')) return false;
  return text.size() == 4 || (text.substr(5) >= "01" && text.substr(5) <= "12");
}

// One reading of one file: the catalogue so far, and where we are for errors.
class Reader {
 public:
  Reader(std::string_view text, const Catalogue& base, Origin origin) : text_(text), out_(base), origin_(origin) {}

  Result<Catalogue> read(const Json& json) {
    TRY(known_keys(json, {"as_of", "sources", "kinds", "families", "models"}));
    TRY_ASSIGN(std::string as_of, word(json, "as_of", false));
    if (!as_of.empty() && !is_month(as_of)) return wrong("as_of", "expected a month such as \"2026-11\"");
    if (origin_ == Origin::kBuiltIn) out_.as_of = as_of;
    TRY(read_sources(json));
    TRY(read_kinds(json));
    TRY(each(json, "families", [this](const Json& entry) { return read_family(entry); }));
    TRY(each(json, "models", [this](const Json& entry) { return read_model(entry); }));
    inherit();
    return std::move(out_);
  }

 private:
  // --- errors ---
  Error wrong(const Path& more, const std::string& what) const {
    Path path = path_;
    path.insert(path.end(), more.begin(), more.end());
    std::string name;
    for (auto& step : path) {
      if (auto* key = std::get_if<std::string>(&step)) name += (name.empty() ? "" : ".") + *key;
      else name += "[" + std::to_string(std::get<size_t>(step)) + "]";
    }
    return invalid_argument("line " + std::to_string(line_at(text_, path)) + ": " + (name.empty() ? "" : name + ": ") + what, name, "invalid_catalogue");
  }
  Error wrong(const std::string& key, const std::string& what) const { return wrong(Path{key}, what); }

  template <class Names>
  static std::string nearest(std::string_view wrong_name, const Names& names) {
    std::vector<std::string_view> views(names.begin(), names.end());
    std::string_view found = nearest_name(wrong_name, views);
    return found.empty() ? "" : "; did you mean '" + std::string(found) + "'?";
  }

  // --- values ---
  Status known_keys(const Json& json, std::initializer_list<const char*> keys) const {
    if (!json.is_object()) return wrong(Path{}, "expected an object, got " + std::string(json.type_name()));
    std::vector<std::string_view> names(keys.begin(), keys.end());
    for (auto& [key, value] : *json.as_object())
      if (std::find(names.begin(), names.end(), key) == names.end()) return wrong(key, "is not a known key" + nearest(key, names));
    return {};
  }

  Result<std::string> word(const Json& json, const char* key, bool required) const {
    const Json* value = json.find(key);
    if (!value || value->is_null()) {
      if (required) return wrong(key, "is missing");
      return std::string();
    }
    auto* words = value->as_string();
    if (!words) return wrong(key, "expected a text, got " + std::string(value->type_name()));
    if (words->size() > kTextMax) return wrong(key, "expected at most " + std::to_string(kTextMax) + " bytes");
    if (required && trim(*words).empty()) return wrong(key, "must not be empty");
    return *words;
  }

  Status words(const Json& json, const char* key, std::vector<std::string>& into) const {
    const Json* value = json.find(key);
    if (!value) return {};
    if (!value->is_array()) return wrong(key, "expected a list of texts, got " + std::string(value->type_name()));
    into.clear();
    for (size_t i = 0; i < value->size(); ++i) {
      auto* text = (*value->as_array())[i].as_string();
      if (!text || text->empty() || text->size() > kTextMax) return wrong(Path{key, i}, "expected a text");
      into.push_back(*text);
    }
    return {};
  }

  Status flag(const Json& json, const char* key, bool& into) const {
    const Json* value = json.find(key);
    if (!value) return {};
    if (!value->as_bool()) return wrong(key, "expected true or false, got " + std::string(value->type_name()));
    into = *value->as_bool();
    return {};
  }

  template <class Function>
  Status each(const Json& json, const char* key, Function function) {
    const Json* list = json.find(key);
    if (!list) return {};
    if (!list->is_array()) return wrong(key, "expected a list, got " + std::string(list->type_name()));
    if (list->size() > kEntriesMax) return wrong(key, "expected at most " + std::to_string(kEntriesMax) + " entries");
    for (size_t i = 0; i < list->size(); ++i) {
      path_ = {std::string(key), i};
      TRY(function((*list->as_array())[i]));
    }
    path_.clear();
    return {};
  }

  // --- parts ---
  Status read_sources(const Json& json) {
    const Json* sources = json.find("sources");
    if (!sources) return {};
    if (!sources->is_object()) return wrong("sources", "expected an object of id to title and url, got " + std::string(sources->type_name()));
    for (auto& [id, value] : *sources->as_object()) {
      path_ = {"sources", id};
      TRY(known_keys(value, {"title", "url"}));
      Source source{id, "", ""};
      TRY_ASSIGN(source.title, word(value, "title", true));
      TRY_ASSIGN(source.url, word(value, "url", false));
      if (!source.url.empty() && !source.url.starts_with("https://")) return wrong("url", "expected an address that begins with https://");
      std::erase_if(out_.sources, [&](const Source& other) { return other.id == source.id; });
      out_.sources.push_back(std::move(source));
    }
    path_.clear();
    return {};
  }

  Status read_kinds(const Json& json) {
    return each(json, "kinds", [this](const Json& entry) -> Status {
      TRY(known_keys(entry, {"id", "name", "meaning"}));
      Kind kind;
      TRY_ASSIGN(kind.id, word(entry, "id", true));
      TRY_ASSIGN(kind.name, word(entry, "name", true));
      TRY_ASSIGN(kind.meaning, word(entry, "meaning", false));
      std::erase_if(out_.kinds, [&](const Kind& other) { return other.id == kind.id; });
      out_.kinds.push_back(std::move(kind));
      return {};
    });
  }

  Status check_kinds(const std::vector<std::string>& kinds) const {
    std::vector<std::string_view> known;
    for (auto& kind : out_.kinds) known.push_back(kind.id);
    for (size_t i = 0; i < kinds.size(); ++i)
      if (std::find(known.begin(), known.end(), kinds[i]) == known.end())
        return wrong(Path{"kinds", i}, "'" + kinds[i] + "' is not a kind" + nearest(kinds[i], known));
    return {};
  }

  Result<Value> read_value(const FieldInfo& field, const Json& json, const Path& at) const {
    if (json.is_null()) return Value{};
    std::string expected = std::string("expected ");
    switch (field.kind) {
      case FieldKind::kText:
        if (auto* text = json.as_string(); text && !text->empty() && text->size() <= kTextMax) return Value{*text};
        return wrong(at, expected + "a text of at most " + std::to_string(kTextMax) + " bytes, or null for unknown");
      case FieldKind::kChoice: {
        static const std::vector<std::string_view> kStatuses = {"current", "legacy", "deprecated", "retired"};
        auto* text = json.as_string();
        if (text && std::find(kStatuses.begin(), kStatuses.end(), *text) != kStatuses.end()) return Value{*text};
        return wrong(at, expected + "current, legacy, deprecated, retired or null" + (text ? nearest(*text, kStatuses) : ""));
      }
      case FieldKind::kMonth:
        if (auto* text = json.as_string(); text && is_month(*text)) return Value{*text};
        return wrong(at, expected + "a month such as \"2023-10\", a year, or null for unknown");
      case FieldKind::kNumber:
        if (auto number = json.to_double(""); number && std::isfinite(*number) && *number >= 0 && *number <= 1e6) return Value{*number};
        return wrong(at, expected + "a number from 0 to 1000000, or null for unknown");
      case FieldKind::kCount:
      case FieldKind::kGrade: {
        int64_t most = field.kind == FieldKind::kGrade ? 5 : 100'000'000'000'000;
        if (auto whole = json.to_int(""); json.is_number() && whole && *whole >= 1 && *whole <= most) return Value{*whole};
        return wrong(at, expected + "a whole number from 1 to " + std::to_string(most) + ", or null for unknown");
      }
    }
    return Value{};
  }

  // A bare value takes the entry's source and month; an object may name its own.
  Result<Fact> read_fact(const FieldInfo& field, const Json& json, const Fact& defaults) const {
    Fact fact = defaults;
    Path at = {"facts", std::string(field.name)};
    if (!json.is_object()) {
      TRY_ASSIGN(fact.value, read_value(field, json, at));
    } else {
      for (auto& [key, value] : *json.as_object()) {
        static const std::vector<std::string_view> kKeys = {"value", "source", "as_of", "note"};
        if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end())
          return wrong(Path{"facts", std::string(field.name), key}, "is not a known key" + nearest(key, kKeys));
        if (key != "value" && (!value.as_string() || value.as_string()->size() > kTextMax))
          return wrong(Path{"facts", std::string(field.name), key}, "expected a text");
      }
      Path value_at = json.find("value") ? Path{"facts", std::string(field.name), "value"} : at;
      TRY_ASSIGN(fact.value, read_value(field, json["value"], value_at));
      if (auto* source = json["source"].as_string()) fact.source = *source;
      if (auto* as_of = json["as_of"].as_string()) fact.as_of = *as_of;
      if (auto* note = json["note"].as_string()) fact.note = *note;
    }
    if (!fact.as_of.empty() && !is_month(fact.as_of)) return wrong(at, "as_of: expected a month such as \"2026-11\", got '" + fact.as_of + "'");
    if (fact.known() && field.ages && fact.as_of.empty()) return wrong(at, "this fact ages: say \"as_of\" (a month), on it or on its entry");
    return fact;
  }

  Status read_facts(const Json& entry, Facts& into) const {
    TRY_ASSIGN(std::string source, word(entry, "source", false));
    TRY_ASSIGN(std::string as_of, word(entry, "as_of", false));
    Fact defaults{Value{}, source.empty() && origin_ == Origin::kOwn ? "yours" : source, as_of, "", false};
    const Json* facts = entry.find("facts");
    if (!facts) return {};
    if (!facts->is_object()) return wrong("facts", "expected an object, got " + std::string(facts->type_name()));
    std::vector<std::string_view> names;
    for (auto& field : fields()) names.push_back(field.name);
    for (auto& [key, value] : *facts->as_object()) {
      auto found = std::find(names.begin(), names.end(), key);
      if (found == names.end()) return wrong(Path{"facts", key}, "is not a known field" + nearest(key, names));
      size_t index = static_cast<size_t>(found - names.begin());
      TRY_ASSIGN(into[index], read_fact(fields()[index], value, defaults));
    }
    return {};
  }

  Status read_family(const Json& entry) {
    TRY(known_keys(entry, {"id", "name", "maker", "kinds", "open_weights", "ux", "source", "as_of", "facts"}));
    TRY_ASSIGN(std::string id, word(entry, "id", true));
    auto known = std::find_if(out_.families.begin(), out_.families.end(), [&](const Family& family) { return family.id == id; });
    bool fresh = known == out_.families.end();
    Family family = fresh ? Family{} : *known;
    family.id = id;
    TRY_ASSIGN(std::string name, word(entry, "name", fresh));
    TRY_ASSIGN(std::string maker, word(entry, "maker", fresh));
    TRY_ASSIGN(std::string ux, word(entry, "ux", false));
    if (!name.empty()) family.name = name;
    if (!maker.empty()) family.maker = maker;
    if (!ux.empty()) family.ux = ux;
    TRY(words(entry, "kinds", family.kinds));
    if (family.kinds.empty()) return wrong("kinds", "expected at least one kind");
    TRY(check_kinds(family.kinds));
    TRY(flag(entry, "open_weights", family.open_weights));
    TRY(read_facts(entry, family.facts));
    family.origin = fresh ? origin_ : family.origin == Origin::kBuiltIn && origin_ != Origin::kBuiltIn ? Origin::kChanged : family.origin;
    if (fresh) out_.families.push_back(std::move(family));
    else *known = std::move(family);
    return {};
  }

  Status check_family(const std::string& id) const {
    std::vector<std::string_view> known;
    for (auto& family : out_.families) known.push_back(family.id);
    if (std::find(known.begin(), known.end(), id) != known.end()) return {};
    return wrong("family", "'" + id + "' is not a family of the catalogue" + nearest(id, known) + " A new one goes into \"families\"");
  }

  Status read_model(const Json& entry) {
    TRY(known_keys(entry, {"id", "name", "family", "kinds", "input", "output", "aliases", "hub", "installed_as", "open_weights", "source", "as_of", "facts"}));
    TRY_ASSIGN(std::string id, word(entry, "id", true));
    auto known = std::find_if(out_.models.begin(), out_.models.end(), [&](const Model& model) { return model.id == id; });
    bool fresh = known == out_.models.end();
    Model model = fresh ? Model{} : *known;
    model.id = id;
    TRY_ASSIGN(std::string name, word(entry, "name", fresh));
    TRY_ASSIGN(std::string family, word(entry, "family", fresh));
    if (!name.empty()) model.name = name;
    if (!family.empty()) model.family = family;
    TRY(check_family(model.family));
    if (fresh)
      model.open_weights = out_.family(model.family)->open_weights, model.kinds = out_.family(model.family)->kinds, model.input = model.output = {"text"};
    TRY(words(entry, "kinds", model.kinds));
    TRY(check_kinds(model.kinds));
    TRY(words(entry, "input", model.input));
    TRY(words(entry, "output", model.output));
    TRY(words(entry, "aliases", model.aliases));
    TRY(words(entry, "hub", model.hub));
    TRY(words(entry, "installed_as", model.installed_as));
    TRY(flag(entry, "open_weights", model.open_weights));
    TRY(read_model_facts(entry, model, fresh));
    model.origin = fresh ? origin_ : model.origin == Origin::kBuiltIn && origin_ != Origin::kBuiltIn ? Origin::kChanged : model.origin;
    if (fresh) out_.models.push_back(std::move(model));
    else *known = std::move(model);
    return {};
  }

  Status read_model_facts(const Json& entry, Model& model, bool fresh) const {
    if (fresh)
      for (auto& fact : model.facts) fact.inherited = true;
    return read_facts(entry, model.facts);
  }

  // Last, so that a family that a user changed reaches its models.
  void inherit() {
    for (auto& model : out_.models) {
      const Family* family = out_.family(model.family);
      for (size_t i = 0; i < kFields; ++i)
        if (model.facts[i].inherited) model.facts[i] = family->facts[i], model.facts[i].inherited = true;
    }
  }

  std::string_view text_;
  Catalogue out_;
  Origin origin_;
  Path path_;
};

// The parser's error says the byte; a person looks for the line.
Error with_line(Error error, std::string_view text) {
  size_t at = error.message.find("at byte ");
  if (at != std::string::npos) {
    size_t byte = std::strtoull(error.message.c_str() + at + 8, nullptr, 10);
    error.message = "line " + std::to_string(line_of_byte(text, byte == 0 ? 0 : byte - 1)) + ": " + error.message;
  }
  return error;
}

std::string lowered_spaces(std::string_view name) {
  std::string out = ascii_lower(trim(name));
  std::replace(out.begin(), out.end(), ' ', '-');
  return out;
}

}  // namespace

const Family* Catalogue::family(std::string_view id) const {
  for (auto& family : families)
    if (family.id == id) return &family;
  return nullptr;
}

Result<const Model*> Catalogue::find(std::string_view name) const {
  std::string wanted = lowered_spaces(name);
  std::vector<std::string_view> names;
  for (auto& model : models) {
    if (model.id == wanted || lowered_spaces(model.name) == wanted) return &model;
    for (auto& alias : model.aliases)
      if (alias == wanted) return &model;
    names.push_back(model.id);
  }
  std::string_view nearest = nearest_name(wanted, names);
  return not_found("no model '" + std::string(name.substr(0, 100)) + "' in the catalogue" +
                       (nearest.empty() ? ": see /strata/v1/landscape" : "; did you mean '" + std::string(nearest) + "'?"),
                   "model", "model_not_in_catalogue");
}

Result<Catalogue> parse(std::string_view text, const Catalogue& base, Origin origin) {
  if (text.size() > kBytesMax)
    return invalid_argument("line 1: the catalogue has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(kBytesMax) + " are read");
  auto json = Json::parse(text, Json::Limits{kBytesMax, 16});
  if (!json) return with_line(std::move(json.error()), text);
  return Reader(text, base, origin).read(*json);
}

const Catalogue& built_in() {
  static const Catalogue catalogue = [] {
    auto parsed = parse(built_in_text(), Catalogue{}, Origin::kBuiltIn);
    CHECK(parsed.has_value());   // a test reads it first
    return std::move(*parsed);
  }();
  return catalogue;
}

}  // namespace strata::landscape
