// The filters of Jinja that chat templates use, and `tojson` as the reference library replaces it. SOURCE: Jinja 3.1, filters.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/text.h"
#include "model/template/machine.h"

namespace strata::templates {
namespace {

struct Call {
  const Value& input;
  const Arguments& arguments;
  Budget& budget;
  const Value* argument(size_t place, std::string_view name) const { return arguments.find(place, name); }
  bool flag(size_t place, std::string_view name, bool otherwise) const {
    const Value* value = argument(place, name);
    return value ? truthy(*value) : otherwise;
  }
  Result<std::vector<Value>> items() const { return items_of(input, budget); }
};
using Filter = Result<Value> (*)(const Call&);

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_word(char c) { return is_upper(c) || is_lower(c) || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80; }

// "a.b.0" of a value: what map(attribute=…) and its kin look up.
Result<Value> deep_attribute(Value value, const Value& path, const Value* otherwise = nullptr) {
  const std::string text = text_of(path).str();
  for (std::string_view part : split(text, '.')) {
    if (is_undefined(value)) return invalid_argument("'" + std::get<Undefined>(value).name + "' is undefined");
    const bool number = !part.empty() && std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; }) && part.size() < 10;
    TRY_ASSIGN(value, item_of(value, number ? Value(int64_t{std::atoll(std::string(part).c_str())}) : make_string(std::string(part))));
  }
  return is_undefined(value) && otherwise ? *otherwise : value;
}

Arguments rest(const Arguments& arguments, size_t from) {
  Arguments out;
  for (size_t i = from; i < arguments.positional.size(); ++i) out.positional.push_back(arguments.positional[i]);
  out.named = arguments.named;
  return out;
}

// ---- Text ----

Result<Value> trim_filter(const Call& call) {
  const Value* characters = call.argument(0, "chars");
  return make_string(stripped(text_of(call.input), characters ? as_text(*characters) : nullptr, true, true));
}
Result<Value> upper_filter(const Call& call) {
  Text text = text_of(call.input);
  return make_string(text.with_bytes(ascii_upper(text.str())));
}
Result<Value> lower_filter(const Call& call) {
  Text text = text_of(call.input);
  return make_string(text.with_bytes(ascii_lower(text.str())));
}
Result<Value> capitalize_filter(const Call& call) {
  Text text = text_of(call.input);
  std::string bytes = ascii_lower(text.str());
  if (!bytes.empty() && is_lower(bytes[0])) bytes[0] = static_cast<char>(bytes[0] - 32);
  return make_string(text.with_bytes(std::move(bytes)));
}
// A capital after a space, hyphen or opening bracket.
Result<Value> title_filter(const Call& call) {
  Text text = text_of(call.input);
  std::string bytes = ascii_lower(text.str());
  bool starts = true;
  for (char& c : bytes) {
    if (starts && is_lower(c)) c = static_cast<char>(c - 32);
    starts = c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || is_space(static_cast<unsigned char>(c));
  }
  return make_string(text.with_bytes(std::move(bytes)));
}
Result<Value> replace_filter(const Call& call) {
  const Value *from = call.argument(0, "old"), *to = call.argument(1, "new"), *count = call.argument(2, "count");
  if (!from || !to) return invalid_argument("replace takes the old and the new text");
  const int64_t* times = count ? std::get_if<int64_t>(count) : nullptr;
  TRY_ASSIGN(Text out, replaced(text_of(call.input), text_of(*from), text_of(*to), times ? *times : -1, call.budget));
  return make_string(std::move(out));
}
Result<Value> indent_filter(const Call& call) {
  const Value* width = call.argument(0, "width");
  int64_t spaces = 4;
  if (width && std::holds_alternative<int64_t>(*width)) spaces = std::clamp<int64_t>(std::get<int64_t>(*width), 0, 1000);
  const std::string indent = width && as_text(*width) ? as_text(*width)->str() : std::string(static_cast<size_t>(spaces), ' ');
  const bool first = call.flag(1, "first", false), blank = call.flag(2, "blank", false);
  const Text text = text_of(call.input);
  Text out;
  size_t at = 0;
  for (size_t line = 0; at <= text.size(); ++line) {
    size_t end = std::min(text.str().find('\n', at), text.size());
    if (line > 0) out.append("\n", false);
    TRY(call.budget.allocate(indent.size() + end - at + 1));
    if (line == 0 ? first : blank || end > at) out.append(indent, false);
    out.append(text.substr(at, end));
    at = end + 1;
  }
  return make_string(std::move(out));
}
Result<Value> escape_filter(const Call& call) {
  const Text text = text_of(call.input);
  TRY(call.budget.allocate(text.size() * 5));
  Text out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text.str()[i];
    const std::string_view as = c == '&'    ? "&amp;"
                                : c == '<'  ? "&lt;"
                                : c == '>'  ? "&gt;"
                                : c == '"'  ? "&#34;"
                                : c == '\'' ? "&#39;"
                                            : std::string_view(&text.str()[i], 1);
    out.append(as, text.marked_at(i));
  }
  return make_string(std::move(out));
}
Result<Value> string_filter(const Call& call) { return make_string(text_of(call.input)); }
Result<Value> wordcount_filter(const Call& call) {
  const Text text = text_of(call.input);
  int64_t count = 0;
  bool inside = false;
  for (char c : text.str()) {
    if (is_word(c) && !inside) ++count;
    inside = is_word(c);
  }
  return Value(count);
}
Result<Value> tojson_filter(const Call& call) {
  JsonStyle style;
  style.ensure_ascii = call.flag(0, "ensure_ascii", false);
  if (const Value* indent = call.argument(1, "indent"); indent && std::holds_alternative<int64_t>(*indent))
    style.indent = static_cast<int>(std::clamp<int64_t>(std::get<int64_t>(*indent), 0, 32));
  if (const Value* separators = call.argument(2, "separators"); separators && as_list(*separators) && as_list(*separators)->items.size() == 2) {
    style.item_separator = text_of(as_list(*separators)->items[0]).str();
    style.key_separator = text_of(as_list(*separators)->items[1]).str();
  }
  style.sort_keys = call.flag(3, "sort_keys", false);
  if (is_undefined(call.input)) return invalid_argument("tojson: '" + std::get<Undefined>(call.input).name + "' is undefined");
  TRY_ASSIGN(Text out, json_of(call.input, style));
  TRY(call.budget.allocate(out.size()));
  return make_string(std::move(out));
}

// ---- Numbers ----

Result<Value> int_filter(const Call& call) {
  const Value* otherwise = call.argument(0, "default");
  const Value fallback = otherwise ? *otherwise : Value(int64_t{0});
  if (const double* number = std::get_if<double>(&call.input)) return std::abs(*number) < 9e18 ? Value(static_cast<int64_t>(*number)) : fallback;
  if (is_number(call.input))
    return Value(static_cast<int64_t>(std::holds_alternative<bool>(call.input) ? std::get<bool>(call.input) : std::get<int64_t>(call.input)));
  const Text* text = as_text(call.input);
  if (text == nullptr) return fallback;
  const std::string digits(trim(text->str()));
  char* end = nullptr;
  errno = 0;
  long long whole = std::strtoll(digits.c_str(), &end, 10);
  if (!digits.empty() && *end == '\0' && errno == 0) return Value(int64_t{whole});
  double number = std::strtod(digits.c_str(), &end);
  if (!digits.empty() && *end == '\0' && std::abs(number) < 9e18) return Value(static_cast<int64_t>(number));
  return fallback;
}
Result<Value> float_filter(const Call& call) {
  const Value* otherwise = call.argument(0, "default");
  if (is_number(call.input)) return Value(number_of(call.input));
  if (const Text* text = as_text(call.input)) {
    const std::string digits(trim(text->str()));
    char* end = nullptr;
    double number = std::strtod(digits.c_str(), &end);
    if (!digits.empty() && *end == '\0') return Value(number);
  }
  return otherwise ? *otherwise : Value(0.0);
}
Result<Value> abs_filter(const Call& call) {
  if (const int64_t* number = std::get_if<int64_t>(&call.input); number && *number != INT64_MIN) return Value(*number < 0 ? -*number : *number);
  if (const double* number = std::get_if<double>(&call.input)) return Value(std::abs(*number));
  return invalid_argument("abs of " + std::string(type_name(call.input)));
}
Result<Value> round_filter(const Call& call) {
  if (!is_number(call.input)) return invalid_argument("round of " + std::string(type_name(call.input)));
  const Value *precision = call.argument(0, "precision"), *method = call.argument(1, "method");
  const int64_t* places = precision ? std::get_if<int64_t>(precision) : nullptr;
  const double scale = std::pow(10.0, static_cast<double>(places ? std::clamp<int64_t>(*places, -15, 15) : 0));
  const std::string how = method ? text_of(*method).str() : "common";
  const double scaled = number_of(call.input) * scale;
  return Value((how == "ceil" ? std::ceil(scaled) : how == "floor" ? std::floor(scaled) : std::nearbyint(scaled)) / scale);
}

// ---- Lists ----

Result<Value> length_filter(const Call& call) {
  if (const Text* text = as_text(call.input)) return Value(static_cast<int64_t>(character_starts(text->str()).size()) - 1);
  if (const List* list = as_list(call.input)) return Value(static_cast<int64_t>(list->items.size()));
  if (const Dict* dict = as_dict(call.input)) return Value(static_cast<int64_t>(dict->items.size()));
  if (is_undefined(call.input)) return Value(int64_t{0});
  return invalid_argument(std::string(type_name(call.input)) + " has no length");
}
Result<Value> default_filter(const Call& call) {
  const Value* otherwise = call.argument(0, "default_value");
  if (is_undefined(call.input) || (call.flag(1, "boolean", false) && !truthy(call.input))) return otherwise ? *otherwise : make_string(Text());
  return call.input;
}
Result<Value> first_filter(const Call& call) {
  TRY_ASSIGN(std::vector<Value> items, call.items());
  return items.empty() ? Value(Undefined{"the first item of an empty sequence"}) : items.front();
}
Result<Value> last_filter(const Call& call) {
  TRY_ASSIGN(std::vector<Value> items, call.items());
  return items.empty() ? Value(Undefined{"the last item of an empty sequence"}) : items.back();
}
Result<Value> list_filter(const Call& call) {
  TRY_ASSIGN(std::vector<Value> items, call.items());
  return make_list(std::move(items));
}
Result<Value> items_filter(const Call& call) {
  if (is_undefined(call.input)) return make_list({});
  const Dict* dict = as_dict(call.input);
  if (dict == nullptr) return invalid_argument("items needs a dict, got " + std::string(type_name(call.input)));
  std::vector<Value> out;
  TRY(call.budget.allocate(dict->items.size() * 4 * sizeof(Value)));
  for (const auto& [key, value] : dict->items) {
    TRY_ASSIGN(Value pair, make_list({key, value}, true));
    out.push_back(std::move(pair));
  }
  return make_list(std::move(out));
}
Result<Value> join_filter(const Call& call) {
  const Value *between = call.argument(0, "d"), *attribute = call.argument(1, "attribute");
  const Text separator = between ? text_of(*between) : Text();
  TRY_ASSIGN(std::vector<Value> items, call.items());
  Text out;
  for (size_t i = 0; i < items.size(); ++i) {
    if (attribute) {
      TRY_ASSIGN(items[i], deep_attribute(items[i], *attribute));
    }
    const Text text = text_of(items[i]);
    TRY(call.budget.allocate(text.size() + separator.size()));
    if (i > 0) out.append(separator);
    out.append(text);
  }
  return make_string(std::move(out));
}
Result<Value> reverse_filter(const Call& call) {
  TRY_ASSIGN(std::vector<Value> items, call.items());
  std::reverse(items.begin(), items.end());
  if (as_text(call.input) == nullptr) return make_list(std::move(items));
  Text out;
  for (const Value& item : items) out.append(*as_text(item));
  return make_string(std::move(out));
}

// What sort, unique, min and max compare: the value or its attribute, lower-cased unless case matters.
Result<Value> sort_key(const Value& item, const Value* attribute, bool case_sensitive) {
  Value key = item;
  if (attribute && !is_none(*attribute)) {
    TRY_ASSIGN(key, deep_attribute(item, *attribute));
  }
  if (const Text* text = as_text(key); text && !case_sensitive) return make_string(ascii_lower(text->str()));
  return key;
}
Result<Value> sorted(std::vector<Value> items, std::vector<Value> keys, bool reverse, Budget& budget) {
  std::vector<size_t> order(items.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  TRY(budget.spend(items.size() * 16));
  for (size_t i = 1; i < keys.size(); ++i) TRY(compare(keys[0], keys[i]));  // one type, so that the order below is one
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    auto smaller = compare(keys[reverse ? b : a], keys[reverse ? a : b]);
    return smaller && *smaller < 0;
  });
  std::vector<Value> out;
  for (size_t i : order) out.push_back(std::move(items[i]));
  return make_list(std::move(out));
}
Result<Value> sort_filter(const Call& call) {
  TRY_ASSIGN(std::vector<Value> items, call.items());
  std::vector<Value> keys;
  for (const Value& item : items) {
    TRY_ASSIGN(Value key, sort_key(item, call.argument(2, "attribute"), call.flag(1, "case_sensitive", false)));
    keys.push_back(std::move(key));
  }
  return sorted(std::move(items), std::move(keys), call.flag(0, "reverse", false), call.budget);
}
Result<Value> dictsort_filter(const Call& call) {
  TRY_ASSIGN(Value pairs, items_filter(call));
  const Value* by = call.argument(1, "by");
  const Value place = int64_t{by && text_of(*by).str() == "value" ? 1 : 0};
  std::vector<Value> keys;
  for (const Value& pair : as_list(pairs)->items) {
    TRY_ASSIGN(Value key, sort_key(pair, &place, call.flag(0, "case_sensitive", false)));
    keys.push_back(std::move(key));
  }
  return sorted(as_list(pairs)->items, std::move(keys), call.flag(2, "reverse", false), call.budget);
}
Result<Value> unique_filter(const Call& call) {
  TRY_ASSIGN(std::vector<Value> items, call.items());
  std::vector<Value> keys, out;
  for (const Value& item : items) {
    TRY_ASSIGN(Value key, sort_key(item, call.argument(1, "attribute"), call.flag(0, "case_sensitive", false)));
    TRY(call.budget.spend(keys.size()));
    if (std::any_of(keys.begin(), keys.end(), [&](const Value& known) { return equal(known, key); })) continue;
    keys.push_back(std::move(key));
    out.push_back(item);
  }
  return make_list(std::move(out));
}
Result<Value> extreme(const Call& call, bool largest) {
  TRY_ASSIGN(std::vector<Value> items, call.items());
  if (items.empty()) return Value(Undefined{"the extreme of an empty sequence"});
  size_t best = 0;
  for (size_t i = 1; i < items.size(); ++i) {
    TRY_ASSIGN(Value a, sort_key(items[i], call.argument(1, "attribute"), call.flag(0, "case_sensitive", false)));
    TRY_ASSIGN(Value b, sort_key(items[best], call.argument(1, "attribute"), call.flag(0, "case_sensitive", false)));
    TRY_ASSIGN(int order, compare(a, b));
    if (largest ? order > 0 : order < 0) best = i;
  }
  return items[best];
}
Result<Value> min_filter(const Call& call) { return extreme(call, false); }
Result<Value> max_filter(const Call& call) { return extreme(call, true); }
Result<Value> sum_filter(const Call& call) {
  const Value *attribute = call.argument(0, "attribute"), *start = call.argument(1, "start");
  TRY_ASSIGN(std::vector<Value> items, call.items());
  Value total = start ? *start : Value(int64_t{0});
  for (const Value& item : items) {
    Value value = item;
    if (attribute && !is_none(*attribute)) {
      TRY_ASSIGN(value, deep_attribute(item, *attribute));
    }
    TRY_ASSIGN(total, binary_operator(Op::kAdd, total, value, call.budget));
  }
  return total;
}

Result<Value> map_filter(const Call& call) {
  if (!truthy(call.input)) return make_list({});  // none too, as in Jinja
  TRY_ASSIGN(std::vector<Value> items, call.items());
  const Value* attribute = call.arguments.positional.empty() ? call.arguments.find(0, "attribute") : nullptr;
  if (!attribute && call.arguments.positional.empty()) return invalid_argument("map takes a filter's name or attribute=");
  for (Value& item : items) {
    TRY(call.budget.spend(1 + cost_of(item)));
    if (attribute) {
      TRY_ASSIGN(item, deep_attribute(item, *attribute, call.arguments.find(9, "default")));
    } else {
      TRY_ASSIGN(item, apply_filter(text_of(call.arguments.positional[0]).str(), item, rest(call.arguments, 1), call.budget));
    }
  }
  return make_list(std::move(items));
}

// select, reject (of the items themselves) and selectattr, rejectattr.
Result<Value> selected(const Call& call, bool by_attribute, bool wanted) {
  if (!truthy(call.input)) return make_list({});
  TRY_ASSIGN(std::vector<Value> items, call.items());
  const auto& positional = call.arguments.positional;
  if (by_attribute && positional.empty()) return invalid_argument("selectattr and rejectattr take an attribute's name");
  const size_t test = by_attribute ? 1 : 0;
  const Arguments arguments = rest(call.arguments, test + 1);
  std::vector<Value> out;
  for (const Value& item : items) {
    Value value = item;
    if (by_attribute) {
      TRY_ASSIGN(value, deep_attribute(item, positional[0]));
    }
    TRY(call.budget.spend(1 + cost_of(value)));
    bool holds = truthy(value);
    if (positional.size() > test) {
      TRY_ASSIGN(holds, apply_test(text_of(positional[test]).str(), value, arguments));
    }
    if (holds == wanted) out.push_back(item);
  }
  return make_list(std::move(out));
}
Result<Value> select_filter(const Call& call) { return selected(call, false, true); }
Result<Value> reject_filter(const Call& call) { return selected(call, false, false); }
Result<Value> selectattr_filter(const Call& call) { return selected(call, true, true); }
Result<Value> rejectattr_filter(const Call& call) { return selected(call, true, false); }
Result<Value> attr_filter(const Call& call) {
  const Value* name = call.argument(0, "name");
  if (name == nullptr) return invalid_argument("attr takes a name");
  if (as_dict(call.input)) return Value(Undefined{text_of(*name).str()});  // attributes only, no items
  return attribute_of(call.input, text_of(*name).str());
}

constexpr std::pair<std::string_view, Filter> kFilters[] = {
    {"trim", trim_filter},
    {"tojson", tojson_filter},
    {"length", length_filter},
    {"count", length_filter},
    {"join", join_filter},
    {"upper", upper_filter},
    {"lower", lower_filter},
    {"default", default_filter},
    {"d", default_filter},
    {"first", first_filter},
    {"last", last_filter},
    {"list", list_filter},
    {"string", string_filter},
    {"safe", string_filter},
    {"int", int_filter},
    {"float", float_filter},
    {"items", items_filter},
    {"map", map_filter},
    {"select", select_filter},
    {"reject", reject_filter},
    {"selectattr", selectattr_filter},
    {"rejectattr", rejectattr_filter},
    {"dictsort", dictsort_filter},
    {"sort", sort_filter},
    {"unique", unique_filter},
    {"reverse", reverse_filter},
    {"replace", replace_filter},
    {"title", title_filter},
    {"capitalize", capitalize_filter},
    {"indent", indent_filter},
    {"escape", escape_filter},
    {"e", escape_filter},
    {"abs", abs_filter},
    {"round", round_filter},
    {"min", min_filter},
    {"max", max_filter},
    {"sum", sum_filter},
    {"wordcount", wordcount_filter},
    {"attr", attr_filter},
};

}  // namespace

std::string ascii_upper(std::string text) {
  for (char& c : text)
    if (is_lower(c)) c = static_cast<char>(c - 32);
  return text;
}

Result<Value> apply_filter(const std::string& name, const Value& input, const Arguments& arguments, Budget& budget) {
  for (const auto& [known, filter] : kFilters) {
    if (known != name) continue;
    if (const Text* text = as_text(input)) TRY(budget.allocate(text->size()));
    return filter({input, arguments, budget});
  }
  return unimplemented("the filter " + name + " is not supported");
}

}  // namespace strata::templates
