#include "model/template/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/text.h"

namespace strata::templates {

// ---- Text --------------------------------------------------------------------------------------------------------------------

void Text::spread() {
  if (mask_.empty()) mask_.assign(text_.size(), marked_ ? '\1' : '\0');
}

Text Text::substr(size_t begin, size_t end) const {
  Text out(text_.substr(begin, end - begin), marked_);
  if (!mask_.empty() && !out.text_.empty()) out.mask_ = mask_.substr(begin, end - begin);
  if (out.text_.empty()) out.marked_ = false;
  return out;
}

void Text::append(std::string_view text, bool marked) {
  if (text.empty()) return;
  if (text_.empty()) marked_ = marked;
  if (!mask_.empty() || marked != marked_) {
    spread();
    mask_.append(text.size(), marked ? '\1' : '\0');
  }
  text_ += text;
}

void Text::append(const Text& other) {
  if (other.mask_.empty()) return append(other.text_, other.marked_);
  if (other.text_.empty()) return;
  if (!text_.empty()) spread();
  mask_ += other.mask_;
  text_ += other.text_;
}

Text Text::with_bytes(std::string text) const {
  CHECK(text.size() == text_.size());
  Text out = *this;
  out.text_ = std::move(text);
  return out;
}

// ---- Makers ------------------------------------------------------------------------------------------------------------------

namespace {

int depth_of(const Value& value) {
  if (const List* list = as_list(value)) return list->depth;
  if (const Dict* dict = as_dict(value)) return dict->depth;
  return 0;
}

Error too_deep() { return resource_exhausted("values nest deeper than " + std::to_string(kValueDepthMax)); }

}  // namespace

Value make_string(Text text) { return std::make_shared<const Text>(std::move(text)); }
Value make_string(std::string text) { return std::make_shared<const Text>(std::move(text)); }

Result<Value> make_list(std::vector<Value> items, bool tuple) {
  auto list = std::make_shared<List>();
  for (const Value& item : items) list->depth = std::max(list->depth, depth_of(item) + 1);
  if (list->depth > kValueDepthMax) return too_deep();
  list->items = std::move(items);
  list->tuple = tuple;
  return Value(std::shared_ptr<const List>(std::move(list)));
}

Result<Value> make_dict(std::vector<std::pair<Value, Value>> items) {
  auto dict = std::make_shared<Dict>();
  for (auto& item : items) {
    dict->depth = std::max(dict->depth, depth_of(item.second) + 1);
    auto same = std::find_if(dict->items.begin(), dict->items.end(), [&](const auto& known) { return equal(known.first, item.first); });
    if (same != dict->items.end()) same->second = std::move(item.second);
    else dict->items.push_back(std::move(item));
  }
  if (dict->depth > kValueDepthMax) return too_deep();
  return Value(std::shared_ptr<const Dict>(std::move(dict)));
}

Result<Value> value_of(const Json& json, bool marked) {
  if (json.is_null()) return Value(None{});
  if (const bool* flag = json.as_bool()) return Value(*flag);
  if (const std::string* text = json.as_string()) return make_string(Text(*text, marked));
  if (json.is_int()) return Value(json.to_int("value").value());
  if (json.is_number()) return Value(json.to_double("value").value());
  if (const Json::Array* array = json.as_array()) {
    std::vector<Value> items;
    for (const Json& item : *array) {
      TRY_ASSIGN(Value value, value_of(item, marked));
      items.push_back(std::move(value));
    }
    return make_list(std::move(items));
  }
  // Built directly: members are distinct, and a search for each would be quadratic.
  auto dict = std::make_shared<Dict>();
  for (const auto& [key, item] : *json.as_object()) {
    TRY_ASSIGN(Value value, value_of(item, marked));
    dict->depth = std::max(dict->depth, depth_of(value) + 1);
    dict->items.emplace_back(make_string(Text(key, marked)), std::move(value));
  }
  if (dict->depth > kValueDepthMax) return too_deep();
  return Value(std::shared_ptr<const Dict>(std::move(dict)));
}

// ---- Questions ---------------------------------------------------------------------------------------------------------------

const Text* as_text(const Value& value) {
  auto held = std::get_if<std::shared_ptr<const Text>>(&value);
  return held ? held->get() : nullptr;
}
const List* as_list(const Value& value) {
  auto held = std::get_if<std::shared_ptr<const List>>(&value);
  return held ? held->get() : nullptr;
}
const Dict* as_dict(const Value& value) {
  auto held = std::get_if<std::shared_ptr<const Dict>>(&value);
  return held ? held->get() : nullptr;
}
bool is_undefined(const Value& value) { return std::holds_alternative<Undefined>(value); }
bool is_none(const Value& value) { return std::holds_alternative<None>(value); }
bool is_number(const Value& value) {
  return std::holds_alternative<bool>(value) || std::holds_alternative<int64_t>(value) || std::holds_alternative<double>(value);
}
double number_of(const Value& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? 1 : 0;
  if (const int64_t* number = std::get_if<int64_t>(&value)) return static_cast<double>(*number);
  return std::get<double>(value);
}

std::string_view type_name(const Value& value) {
  constexpr std::string_view names[] = {"undefined", "none", "bool", "integer", "float", "string", "list", "dict", "namespace", "macro", "function"};
  return names[value.index()];
}

bool truthy(const Value& value) {
  if (is_undefined(value) || is_none(value)) return false;
  if (is_number(value)) return number_of(value) != 0;
  if (const Text* text = as_text(value)) return text->size() > 0;
  if (const List* list = as_list(value)) return !list->items.empty();
  if (const Dict* dict = as_dict(value)) return !dict->items.empty();
  return true;
}

bool equal(const Value& a, const Value& b) {
  if (is_number(a) && is_number(b)) {
    const int64_t *x = std::get_if<int64_t>(&a), *y = std::get_if<int64_t>(&b);
    return x && y ? *x == *y : number_of(a) == number_of(b);
  }
  if (a.index() != b.index()) return false;
  if (const Text* text = as_text(a)) return text->str() == as_text(b)->str();
  if (const List* list = as_list(a))
    return list->tuple == as_list(b)->tuple && std::equal(list->items.begin(), list->items.end(), as_list(b)->items.begin(), as_list(b)->items.end(), equal);
  if (const Dict* dict = as_dict(a)) {
    const Dict& other = *as_dict(b);
    return dict->items.size() == other.items.size() && std::all_of(dict->items.begin(), dict->items.end(), [&](const auto& item) {
             const Value* found = dict_find(other, item.first);
             return found != nullptr && equal(item.second, *found);
           });
  }
  if (auto space = std::get_if<std::shared_ptr<Namespace>>(&a)) return *space == std::get<std::shared_ptr<Namespace>>(b);
  if (auto macro = std::get_if<const MacroNode*>(&a)) return *macro == std::get<const MacroNode*>(b);
  if (auto builtin = std::get_if<Builtin>(&a)) return *builtin == std::get<Builtin>(b);
  return true;  // none, undefined
}

Result<int> compare(const Value& a, const Value& b) {
  if (is_number(a) && is_number(b)) {
    const int64_t *x = std::get_if<int64_t>(&a), *y = std::get_if<int64_t>(&b);
    if (x && y) return *x < *y ? -1 : *x > *y;
    return number_of(a) < number_of(b) ? -1 : number_of(a) > number_of(b);
  }
  const Text *s = as_text(a), *t = as_text(b);
  if (s && t) {  // UTF-8 order is code point order
    int order = s->str().compare(t->str());
    return order < 0 ? -1 : order > 0;
  }
  const List *l = as_list(a), *m = as_list(b);
  if (l && m && l->tuple == m->tuple) {
    for (size_t i = 0; i < std::min(l->items.size(), m->items.size()); ++i)
      if (!equal(l->items[i], m->items[i])) return compare(l->items[i], m->items[i]);
    return l->items.size() < m->items.size() ? -1 : l->items.size() > m->items.size();
  }
  return invalid_argument("cannot order " + std::string(type_name(a)) + " and " + std::string(type_name(b)));
}

const Value* dict_find(const Dict& dict, const Value& key) {
  for (const auto& item : dict.items)
    if (equal(item.first, key)) return &item.second;
  return nullptr;
}
const Value* dict_find(const Dict& dict, std::string_view key) {
  for (const auto& item : dict.items)
    if (const Text* text = as_text(item.first); text && text->str() == key) return &item.second;
  return nullptr;
}

bool is_space(uint32_t c) {
  return (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// ---- As text -----------------------------------------------------------------------------------------------------------------

// The shortest digits that read back as the same number, laid out as Python does.
std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  std::string_view shortest(buffer, static_cast<size_t>(end - buffer));
  size_t e = shortest.find('e');
  int exponent = std::atoi(std::string(shortest.substr(e + 1)).c_str());
  if (exponent < -4 || exponent >= 16) {
    std::string out(shortest.substr(0, e));
    char tail[16];
    std::snprintf(tail, sizeof tail, "e%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent));
    return out.append(tail);
  }
  end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr;
  std::string out(buffer, static_cast<size_t>(end - buffer));
  if (out.find('.') == std::string::npos) out += ".0";
  return out;
}

namespace {

Text quoted(const Text& text) {
  const std::string& s = text.str();
  const char quote = s.find('\'') != std::string::npos && s.find('"') == std::string::npos ? '"' : '\'';
  std::string out(1, quote);
  for (char c : s) {
    char hex[8];
    if (c == '\\' || c == quote) (out += '\\') += c;
    else if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (c == '\t') out += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += hex;
    } else out += c;
  }
  out += quote;
  return Text(std::move(out), text.any_marked());
}

Text items_text(const std::vector<Value>& items, const char* open, const char* close, bool tuple) {
  Text out{std::string(open)};
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.append(", ", false);
    out.append(repr_of(items[i]));
  }
  if (tuple && items.size() == 1) out.append(",", false);
  out.append(close, false);
  return out;
}

}  // namespace

Text text_of(const Value& value) {
  if (const Text* text = as_text(value)) return *text;
  if (is_undefined(value)) return {};
  return repr_of(value);
}

Text repr_of(const Value& value) {
  if (const Text* text = as_text(value)) return quoted(*text);
  if (is_undefined(value)) return Text("Undefined");
  if (is_none(value)) return Text("None");
  if (const bool* flag = std::get_if<bool>(&value)) return Text(*flag ? "True" : "False");
  if (const int64_t* number = std::get_if<int64_t>(&value)) return Text(std::to_string(*number));
  if (const double* number = std::get_if<double>(&value)) return Text(float_repr(*number));
  if (const List* list = as_list(value)) return items_text(list->items, list->tuple ? "(" : "[", list->tuple ? ")" : "]", list->tuple);
  if (const Dict* dict = as_dict(value)) {
    Text out("{");
    for (size_t i = 0; i < dict->items.size(); ++i) {
      if (i > 0) out.append(", ", false);
      out.append(repr_of(dict->items[i].first));
      out.append(": ", false);
      out.append(repr_of(dict->items[i].second));
    }
    out.append("}", false);
    return out;
  }
  return Text("<" + std::string(type_name(value)) + ">");
}

// ---- As JSON -----------------------------------------------------------------------------------------------------------------

namespace {

class JsonWriter {
 public:
  explicit JsonWriter(const JsonStyle& style) : style_(style) {
    item_ = !style.item_separator.empty() ? style.item_separator : style.indent >= 0 ? "," : ", ";
    key_ = !style.key_separator.empty() ? style.key_separator : ": ";
  }

  Status write(const Value& value, int level) {
    if (const Text* text = as_text(value)) {
      out_.append(string(text->str()), text->any_marked());
    } else if (is_none(value)) {
      out_.append("null", false);
    } else if (const bool* flag = std::get_if<bool>(&value)) {
      out_.append(*flag ? "true" : "false", false);
    } else if (const double* number = std::get_if<double>(&value)) {
      out_.append(std::isfinite(*number) ? float_repr(*number) : std::isnan(*number) ? "NaN" : *number < 0 ? "-Infinity" : "Infinity", false);
    } else if (is_number(value)) {
      out_.append(text_of(value));
    } else if (const List* list = as_list(value)) {
      return sequence(list->items.size(), '[', ']', level, [&](size_t i) { return write(list->items[i], level + 1); });
    } else if (const Dict* dict = as_dict(value)) {
      return members(*dict, level);
    } else {
      return invalid_argument("tojson: " + std::string(type_name(value)) + " is not JSON serializable");
    }
    return {};
  }
  Text take() { return std::move(out_); }

 private:
  template <class Item>
  Status sequence(size_t count, char open, char close, int level, const Item& item) {
    out_.append(std::string_view(&open, 1), false);
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) out_.append(item_, false);
      newline(level + 1);
      TRY(item(i));
    }
    if (count > 0) newline(level);
    out_.append(std::string_view(&close, 1), false);
    return {};
  }

  Status members(const Dict& dict, int level) {
    std::vector<const std::pair<Value, Value>*> order;
    for (const auto& item : dict.items) {
      if (as_text(item.first) == nullptr && !is_number(item.first) && !is_none(item.first)) return invalid_argument("tojson: a key is no string");
      order.push_back(&item);
    }
    auto key_text = [](const Value& key) { return as_text(key) ? *as_text(key) : key_as_json(key); };
    if (style_.sort_keys) std::stable_sort(order.begin(), order.end(), [&](auto* a, auto* b) { return key_text(a->first).str() < key_text(b->first).str(); });
    return sequence(order.size(), '{', '}', level, [&](size_t i) -> Status {
      Text key = key_text(order[i]->first);
      out_.append(string(key.str()), key.any_marked());
      out_.append(key_, false);
      return write(order[i]->second, level + 1);
    });
  }

  static Text key_as_json(const Value& key) {
    if (is_none(key)) return Text("null");
    if (const bool* flag = std::get_if<bool>(&key)) return Text(*flag ? "true" : "false");
    return text_of(key);
  }

  void newline(int level) {
    if (style_.indent < 0) return;
    out_.append("\n", false);
    out_.append(std::string(static_cast<size_t>(style_.indent) * static_cast<size_t>(level), ' '), false);
  }

  std::string string(const std::string& text) const {
    std::string out = "\"";
    char buffer[16];
    for (size_t at = 0; at < text.size();) {
      size_t size = 1;
      uint32_t c = utf8_decode(std::string_view(text).substr(at), &size);
      if (c == '"' || c == '\\') (out += '\\') += static_cast<char>(c);
      else if (c == '\n') out += "\\n";
      else if (c == '\r') out += "\\r";
      else if (c == '\t') out += "\\t";
      else if (c == '\b') out += "\\b";
      else if (c == '\f') out += "\\f";
      else if (c < 0x20 || (style_.ensure_ascii && c >= 0x7F && c < 0x10000)) {
        std::snprintf(buffer, sizeof buffer, c == 0x7F ? "\x7F" : "\\u%04x", c);
        out += buffer;
      } else if (style_.ensure_ascii && c >= 0x10000) {
        std::snprintf(buffer, sizeof buffer, "\\u%04x\\u%04x", 0xD7C0 + (c >> 10), 0xDC00 + (c & 0x3FF));
        out += buffer;
      } else out.append(text, at, size);
      at += size;
    }
    return out += '"';
  }

  const JsonStyle& style_;
  std::string item_, key_;
  Text out_;
};

}  // namespace

Result<Text> json_of(const Value& value, const JsonStyle& style) {
  JsonWriter writer(style);
  TRY(writer.write(value, 0));
  return writer.take();
}

}  // namespace strata::templates
