#include "base/yaml.h"

#include <yaml.h>

#include <charconv>
#include <cmath>
#include <unordered_set>

#include "base/text.h"

namespace strata::yaml {
namespace {

std::string where(int line, int column) { return "line " + std::to_string(line) + ", column " + std::to_string(column) + ": "; }

Error at_mark(const yaml_mark_t& mark, const std::string& message) {
  return invalid_argument(where(static_cast<int>(mark.line) + 1, static_cast<int>(mark.column) + 1) + message);
}

bool all_of(std::string_view text, std::string_view allowed) { return !text.empty() && text.find_first_not_of(allowed) == text.npos; }

// [-+]? (\. [0-9]+ | [0-9]+ (\. [0-9]*)?) ([eE] [-+]? [0-9]+)?   SOURCE: YAML 1.2.2, section 10.3.2
bool looks_like_float(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  size_t exponent = text.find_first_of("eE");
  if (exponent != text.npos) {
    std::string_view power = text.substr(exponent + 1);
    if (!power.empty() && (power[0] == '-' || power[0] == '+')) power.remove_prefix(1);
    if (!all_of(power, kDigits)) return false;
    text = text.substr(0, exponent);
  }
  size_t point = text.find('.');
  if (point == text.npos) return all_of(text, kDigits);
  std::string_view whole = text.substr(0, point), part = text.substr(point + 1);
  if (whole.empty()) return all_of(part, kDigits);
  return all_of(whole, kDigits) && (part.empty() || all_of(part, kDigits));
}

bool any_of(std::string_view text, std::initializer_list<std::string_view> words) {
  for (std::string_view word : words)
    if (text == word) return true;
  return false;
}

template <class T, class... Form>
bool read_number(std::string_view text, T* value, Form... form) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value, form...);
  return error == std::errc() && end == text.data() + text.size();
}

Result<Json> read_integer(std::string_view text) {
  int base = 10;
  std::string_view digits = text;
  bool negative = digits[0] == '-';
  if (negative || digits[0] == '+') digits.remove_prefix(1);
  if (digits.starts_with("0o")) base = 8, digits.remove_prefix(2);
  else if (digits.starts_with("0x")) base = 16, digits.remove_prefix(2);
  uint64_t value = 0;
  if (!read_number(digits, &value, base) || (negative && value > uint64_t{1} << 63))
    return invalid_argument("expected an integer of at most 64 bits, got " + std::string(text.substr(0, 60)) + ": put it in quotes if it is an identifier");
  if (negative) return Json(static_cast<int64_t>(0 - value));
  return Json(value);
}

bool is_integer(std::string_view text) {
  if (text.starts_with("0o")) return all_of(text.substr(2), "01234567");
  if (text.starts_with("0x")) return all_of(text.substr(2), "0123456789abcdefABCDEF");
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return all_of(text, "0123456789");
}

// What a scalar without quotes means.
Result<Json> resolve(std::string_view text) {
  if (any_of(text, {"", "~", "null", "Null", "NULL"})) return Json();
  if (any_of(text, {"true", "True", "TRUE"})) return Json(true);
  if (any_of(text, {"false", "False", "FALSE"})) return Json(false);
  if (is_integer(text)) return read_integer(text);
  std::string_view unsigned_text = text[0] == '-' || text[0] == '+' ? text.substr(1) : text;
  if (any_of(unsigned_text, {".inf", ".Inf", ".INF"}) || any_of(text, {".nan", ".NaN", ".NAN"}))
    return invalid_argument("expected a finite number, got " + std::string(text));
  if (looks_like_float(text)) {
    double value = 0;
    std::string_view digits = text[0] == '+' ? text.substr(1) : text;
    if (!read_number(digits, &value) || !std::isfinite(value))
      return invalid_argument("expected a number that a double can hold, got " + std::string(text.substr(0, 60)));
    return Json(value);
  }
  return Json(text);
}

class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { clear(); }
  Status next(yaml_parser_t& parser) {
    clear();
    if (yaml_parser_parse(&parser, &event_)) return held_ = true, Status();
    std::string problem = parser.problem ? parser.problem : "this is not YAML";
    if (parser.context) problem += std::string(" (") + parser.context + ")";
    return at_mark(parser.problem_mark, problem);
  }
  yaml_event_t* operator->() { return &event_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(event_.data.scalar.value), event_.data.scalar.length}; }
  bool plain() const { return event_.data.scalar.style == YAML_PLAIN_SCALAR_STYLE; }

 private:
  void clear() {
    if (held_) yaml_event_delete(&event_);
    held_ = false;
  }
  yaml_event_t event_{};
  bool held_ = false;
};

// Events → Json and places. Recursion is bounded by Limits::depth.
class Builder {
 public:
  Builder(std::string_view text, const Limits& limits) : limits_(limits) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  ~Builder() { yaml_parser_delete(&parser_); }
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  Status build(Document& document) {
    TRY(event_.next(parser_));  // the stream begins
    TRY(event_.next(parser_));
    if (event_->type == YAML_STREAM_END_EVENT) return document.place = {1, 1}, Status();
    TRY(event_.next(parser_));
    TRY(node(document.value, document.place, 0));
    TRY(event_.next(parser_));  // the document ends
    TRY(event_.next(parser_));
    if (event_->type != YAML_STREAM_END_EVENT) return at_mark(event_->start_mark, "expected one document, got a second one");
    return {};
  }

 private:
  // The node that the current event begins; leaves its last event current.
  Status node(Json& value, Place& place, int depth) {
    place.line = static_cast<int>(event_->start_mark.line) + 1;
    place.column = static_cast<int>(event_->start_mark.column) + 1;
    if (++nodes_ > limits_.nodes) return at_mark(event_->start_mark, "expected at most " + std::to_string(limits_.nodes) + " values");
    if (depth > limits_.depth) return at_mark(event_->start_mark, "expected at most " + std::to_string(limits_.depth) + " levels");
    switch (event_->type) {
      case YAML_SCALAR_EVENT: return scalar(value);
      case YAML_SEQUENCE_START_EVENT: return sequence(value, place, depth);
      case YAML_MAPPING_START_EVENT: return mapping(value, place, depth);
      case YAML_ALIAS_EVENT: return at_mark(event_->start_mark, "aliases (*name) are not allowed: write the value out");
      default: return at_mark(event_->start_mark, "expected a value");
    }
  }

  Status refuse(const yaml_char_t* anchor, const yaml_char_t* tag) {
    if (anchor) return at_mark(event_->start_mark, "anchors (&name) are not allowed: write the value out where it is needed");
    if (tag) return at_mark(event_->start_mark, "tags (!type) are not allowed: quotes make a string, plain words do the rest");
    return {};
  }

  Status scalar(Json& value) {
    TRY(refuse(event_->data.scalar.anchor, event_->data.scalar.tag));
    if (!event_.plain()) return value = Json(event_.text()), Status();
    auto resolved = resolve(event_.text());
    if (!resolved) return at_mark(event_->start_mark, resolved.error().message);
    value = std::move(*resolved);
    return {};
  }

  Status sequence(Json& value, Place& place, int depth) {
    TRY(refuse(event_->data.sequence_start.anchor, event_->data.sequence_start.tag));
    Json::Array items;
    for (;;) {
      TRY(event_.next(parser_));
      if (event_->type == YAML_SEQUENCE_END_EVENT) break;
      TRY(node(items.emplace_back(), place.items.emplace_back(), depth + 1));
    }
    value = Json(std::move(items));
    return {};
  }

  Status mapping(Json& value, Place& place, int depth) {
    TRY(refuse(event_->data.mapping_start.anchor, event_->data.mapping_start.tag));
    Json::Object members;
    std::unordered_set<std::string> seen;
    for (;;) {
      TRY(event_.next(parser_));
      if (event_->type == YAML_MAPPING_END_EVENT) break;
      if (event_->type != YAML_SCALAR_EVENT) return at_mark(event_->start_mark, "expected a key (a word or a quoted text) before ':'");
      TRY(refuse(event_->data.scalar.anchor, event_->data.scalar.tag));
      std::string key(event_.text());
      if (!seen.insert(key).second) return at_mark(event_->start_mark, "the key '" + key.substr(0, 100) + "' stands twice in this mapping: keep one");
      Place item;
      item.key_line = static_cast<int>(event_->start_mark.line) + 1;
      item.key_column = static_cast<int>(event_->start_mark.column) + 1;
      TRY(event_.next(parser_));
      bool empty = event_->type == YAML_SCALAR_EVENT && event_.plain() && event_.text().empty();
      TRY(node(members.emplace_back(std::move(key), Json()).second, item, depth + 1));
      if (empty) item.line = item.key_line, item.column = item.key_column;
      place.items.push_back(std::move(item));
    }
    value = Json(std::move(members));
    return {};
  }

  const Limits& limits_;
  yaml_parser_t parser_;
  Event event_;
  size_t nodes_ = 0;
};

// One step of a path: "name" or "[3]". Takes it off `path`.
std::string_view take_step(std::string_view& path) {
  if (!path.empty() && path[0] == '.') path.remove_prefix(1);
  size_t end = path.find_first_of(".[", 1);
  std::string_view step = path.substr(0, end);
  path.remove_prefix(step.size());
  return step;
}

// SIZE_MAX where there is no such member or item.
size_t find_step(const Json& value, std::string_view step) {
  if (step.starts_with('[') && step.ends_with(']')) {
    size_t index = 0;
    return value.is_array() && read_number(step.substr(1, step.size() - 2), &index) && index < value.size() ? index : SIZE_MAX;
  }
  if (auto* members = value.as_object())
    for (size_t i = 0; i < members->size(); ++i)
      if ((*members)[i].first == step) return i;
  return SIZE_MAX;
}

}  // namespace

const Place& Document::at(std::string_view path) const {
  const Json* node = &value;
  const Place* found = &place;
  while (!path.empty()) {
    size_t index = find_step(*node, take_step(path));
    if (index == SIZE_MAX || index >= found->items.size()) break;
    node = node->is_array() ? &(*node->as_array())[index] : &(*node->as_object())[index].second;
    found = &found->items[index];
  }
  return *found;
}

Result<Document> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes) return invalid_argument("expected at most " + human_bytes(limits.bytes) + ", got " + human_bytes(text.size()));
  if (!utf8_valid(text)) {
    int line = 1;
    for (std::string_view rest = text; size_t length = utf8_sequence_length(rest); rest.remove_prefix(length)) line += rest[0] == '\n';
    return invalid_argument(where(line, 1) + "expected UTF-8 text, got a byte that is not");
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  Document document;
  Builder builder(text, limits);
  TRY(builder.build(document));
  return document;
}

}  // namespace strata::yaml
