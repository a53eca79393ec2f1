#include "base/config.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/json.h"
#include "base/text.h"
#include "base/toml.h"

namespace strata::config {
namespace {

std::string_view kind_of(const Value& value) {
  static constexpr std::string_view kKinds[] = {"true or false", "a whole number", "a number", "a text", "a list of texts"};
  return kKinds[value.index()];
}

std::string shown(double number) {
  std::string text = Json(number).dump();
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

Error wrong(const Field& field, std::string_view origin, const std::string& got) {
  return invalid_argument(std::string(origin) + ": " + field.key + ": expected " + std::string(kind_of(field.fallback)) + ", got " + got, field.key);
}

Status check_range(const Field& field, const Value& value, std::string_view origin) {
  double number = 0;
  if (auto* integer = std::get_if<int64_t>(&value)) number = static_cast<double>(*integer);
  else if (auto* real = std::get_if<double>(&value)) number = *real;
  else if (auto* text = std::get_if<std::string>(&value)) {
    if (field.choices.empty()) return {};
    std::string all;
    for (auto& choice : field.choices) {
      if (*text == choice) return {};
      all += (all.empty() ? "" : ", ") + choice;
    }
    return invalid_argument(std::string(origin) + ": " + field.key + ": expected one of " + all + ", got '" + *text + "'", field.key);
  } else {
    return {};
  }
  if (number >= field.least && number <= field.most) return {};
  return invalid_argument(std::string(origin) + ": " + field.key + ": expected " + shown(field.least) + " to " + shown(field.most) + ", got " + shown(number),
                          field.key);
}

Result<Value> from_text(const Field& field, const std::string& text, std::string_view origin) {
  Error error = wrong(field, origin, "'" + text + "'");
  auto parsed = [&](auto number) -> Result<Value> {
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc() || end != text.data() + text.size()) return error;
    return Value(number);
  };
  switch (field.fallback.index()) {
    case 0:
      if (text == "true" || text == "1") return Value(true);
      if (text == "false" || text == "0") return Value(false);
      return error;
    case 1: return parsed(int64_t{0});
    case 2: return parsed(0.0);
    case 3: return Value(text);
    default: {
      std::vector<std::string> items;
      for (auto item : split(text, ','))
        if (!trim(item).empty()) items.emplace_back(trim(item));
      return Value(std::move(items));
    }
  }
}

Result<Value> from_toml(const Field& field, const toml::Value& given, std::string_view origin) {
  const Error error = wrong(field, origin, "another type");
  auto exactly = [&](auto kind) -> Result<Value> {
    if (auto* value = std::get_if<decltype(kind)>(&given)) return Value(*value);
    return error;
  };
  switch (field.fallback.index()) {
    case 0: return exactly(false);
    case 1: return exactly(int64_t{0});
    case 2:
      if (auto* whole = std::get_if<int64_t>(&given)) return Value(static_cast<double>(*whole));
      return exactly(0.0);
    case 3: return exactly(std::string());
    default: break;
  }
  auto* list = std::get_if<std::vector<toml::Scalar>>(&given);
  if (!list) return error;
  std::vector<std::string> items;
  for (auto& item : *list) {
    auto* text = std::get_if<std::string>(&item);
    if (!text) return error;
    items.push_back(*text);
  }
  return Value(std::move(items));
}

const Field* find(const std::vector<Field>& fields, std::string_view key) {
  for (auto& field : fields)
    if (field.key == key) return &field;
  return nullptr;
}

Error unknown(const std::vector<Field>& fields, const std::string& key, std::string_view origin) {
  std::vector<std::string_view> names;
  for (auto& field : fields) names.push_back(field.key);
  std::string_view nearest = nearest_name(key, names);
  return invalid_argument(std::string(origin) + ": unknown key '" + key + "'" +
                              (nearest.empty() ? "; `strata config` lists all keys" : "; did you mean '" + std::string(nearest) + "'?"),
                          key);
}

std::string variable_of(const Field& field) {
  std::string name = "STRATA_" + field.key;
  for (char& c : name) c = c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return name;
}

struct Given {
  Value value;
  std::string origin;
};

Status read_file(const std::vector<Field>& fields, std::string_view text, std::string_view name, std::map<std::string, Given>& out) {
  TRY_ASSIGN(auto entries, toml::parse(text, name));
  for (auto& entry : entries) {
    const std::string key = toml::joined(entry.path), origin = std::string(name) + ":" + std::to_string(entry.line);
    const Field* field = find(fields, key);
    if (!field) return unknown(fields, key, origin);
    TRY_ASSIGN(Value value, from_toml(*field, entry.value, origin));
    out[key] = {std::move(value), origin};
  }
  return {};
}

}  // namespace

const Config::Entry& Config::entry(std::string_view key) const {
  auto at = entries_.find(key);
  CHECK(at != entries_.end());
  return at->second;
}
bool Config::flag(std::string_view key) const { return std::get<bool>(entry(key).value); }
int64_t Config::integer(std::string_view key) const { return std::get<int64_t>(entry(key).value); }
double Config::number(std::string_view key) const { return std::get<double>(entry(key).value); }
const std::string& Config::text(std::string_view key) const { return std::get<std::string>(entry(key).value); }
const std::vector<std::string>& Config::list(std::string_view key) const { return std::get<std::vector<std::string>>(entry(key).value); }
const std::string& Config::origin(std::string_view key) const { return entry(key).origin; }

Result<Config> load(const std::vector<Field>& fields, std::string_view file_text, std::string_view file_name,
                    const std::map<std::string, std::string>& environment, const std::map<std::string, std::string>& command_line) {
  std::map<std::string, Given> given;
  TRY(read_file(fields, file_text, file_name, given));
  for (auto& field : fields) {
    auto variable = environment.find(variable_of(field));
    if (variable == environment.end()) continue;
    TRY_ASSIGN(Value value, from_text(field, variable->second, "environment variable " + variable->first));
    given[field.key] = {std::move(value), "environment"};
  }
  for (auto& [key, text] : command_line) {
    const Field* field = find(fields, key);
    if (!field) return unknown(fields, key, "command line");
    TRY_ASSIGN(Value value, from_text(*field, text, "command line"));
    given[key] = {std::move(value), "command line"};
  }
  Config config;
  for (auto& field : fields) {
    auto at = given.find(field.key);
    if (at != given.end()) TRY(check_range(field, at->second.value, at->second.origin));
    config.entries_[field.key] = at == given.end() ? Config::Entry{field.fallback, "default"} : Config::Entry{at->second.value, at->second.origin};
  }
  return config;
}

namespace {
std::string as_toml(const Value& value) {
  if (auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (auto* number = std::get_if<double>(&value)) return Json(*number).dump();
  if (auto* text = std::get_if<std::string>(&value)) return json_quote(*text);
  Json list = Json::array();
  for (auto& item : std::get<std::vector<std::string>>(value)) list.push(item);
  return list.dump();
}
}  // namespace

std::string describe(const std::vector<Field>& fields, const Config& config) {
  std::string out, section;
  for (auto& field : fields) {
    size_t dot = field.key.rfind('.');
    std::string head = dot == std::string::npos ? "" : field.key.substr(0, dot);
    if (head != section) out += "\n[" + (section = head) + "]\n";
    out += "# " + field.meaning;
    bool numeric = field.fallback.index() == 1 || field.fallback.index() == 2;
    if (numeric && field.least > -1e18) out += " From " + shown(field.least) + " to " + shown(field.most) + ".";
    for (size_t i = 0; i < field.choices.size(); ++i) out += (i ? ", " : " One of ") + field.choices[i] + (i + 1 == field.choices.size() ? "." : "");
    out += " Default " + as_toml(field.fallback) + ". " + variable_of(field) + ".\n";
    Value value = field.fallback;
    if (field.fallback.index() == 0) value = config.flag(field.key);
    else if (field.fallback.index() == 1) value = config.integer(field.key);
    else if (field.fallback.index() == 2) value = config.number(field.key);
    else if (field.fallback.index() == 3) value = config.text(field.key);
    else value = config.list(field.key);
    out += (dot == std::string::npos ? field.key : field.key.substr(dot + 1)) + " = " + as_toml(value);
    if (config.origin(field.key) != "default") out += "  # from " + config.origin(field.key);
    out += "\n";
  }
  return out;
}

}  // namespace strata::config
