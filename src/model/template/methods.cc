// Methods of Python's strings and dicts, and of the variable `loop`.
#include <algorithm>

#include "base/text.h"
#include "model/template/machine.h"

namespace strata::templates {
namespace {

// Whether the code point may be stripped: white space, or one of `characters`.
bool strips(uint32_t code, std::string_view bytes, const Text* characters) {
  return characters == nullptr ? is_space(code) : characters->str().find(bytes) != std::string::npos;
}

Result<Value> list_of(std::vector<Text> parts, Budget& budget) {
  TRY(budget.allocate(parts.size() * (sizeof(Value) + sizeof(Text))));
  std::vector<Value> items;
  for (Text& part : parts) items.push_back(make_string(std::move(part)));
  return make_list(std::move(items));
}

// split(): at runs of white space, none at the ends.
std::vector<Text> split_at_space(const Text& text, int64_t most) {
  std::vector<Text> parts;
  const std::string& s = text.str();
  auto skip = [&](size_t at, bool spaces) {
    while (at < s.size()) {
      size_t size = 1;
      if (is_space(utf8_decode(std::string_view(s).substr(at), &size)) != spaces) break;
      at += size;
    }
    return at;
  };
  for (size_t at = skip(0, true); at < s.size();) {
    if (most >= 0 && static_cast<int64_t>(parts.size()) == most) {
      parts.push_back(stripped(text.substr(at, s.size()), nullptr, false, true));
      break;
    }
    size_t end = skip(at, false);
    parts.push_back(text.substr(at, end));
    at = skip(end, true);
  }
  return parts;
}

std::vector<Text> split_at(const Text& text, const std::string& separator, int64_t most) {
  std::vector<Text> parts;
  size_t at = 0;
  for (size_t found; (most < 0 || static_cast<int64_t>(parts.size()) < most) && (found = text.str().find(separator, at)) != std::string::npos;) {
    parts.push_back(text.substr(at, found));
    at = found + separator.size();
  }
  parts.push_back(text.substr(at, text.size()));
  return parts;
}
std::vector<Text> split_from_right(const Text& text, const std::string& separator, int64_t most) {
  std::vector<Text> parts;
  size_t end = text.size();
  while ((most < 0 || static_cast<int64_t>(parts.size()) < most) && end >= separator.size()) {
    size_t found = text.str().rfind(separator, end - separator.size());
    if (found == std::string::npos) break;
    parts.push_back(text.substr(found + separator.size(), end));
    end = found;
  }
  parts.push_back(text.substr(0, end));
  std::reverse(parts.begin(), parts.end());
  return parts;
}

Result<Value> split_method(const Text& text, const Arguments& arguments, bool from_right, Budget& budget) {
  const Value *separator = arguments.find(0, "sep"), *most = arguments.find(1, "maxsplit");
  const int64_t times = most && std::holds_alternative<int64_t>(*most) ? std::get<int64_t>(*most) : -1;
  TRY(budget.allocate(text.size() * 2));
  if (separator == nullptr || is_none(*separator)) {
    if (from_right && times >= 0) return unimplemented("rsplit with maxsplit and no separator is not supported");
    return list_of(split_at_space(text, times), budget);
  }
  if (as_text(*separator) == nullptr || as_text(*separator)->size() == 0) return invalid_argument("split takes a separator that is not empty");
  const std::string& between = as_text(*separator)->str();
  return list_of(from_right ? split_from_right(text, between, times) : split_at(text, between, times), budget);
}

// startswith and endswith: a string, or a tuple of them.
Result<Value> edge_method(const Text& text, const Arguments& arguments, bool start) {
  const Value* edge = arguments.find(0, "");
  if (edge == nullptr) return invalid_argument("startswith and endswith take a string");
  auto matches = [&](const Value& value) {
    const Text* part = as_text(value);
    return part && part->size() <= text.size() && text.str().compare(start ? 0 : text.size() - part->size(), part->size(), part->str()) == 0;
  };
  if (const List* several = as_list(*edge)) return Value(std::any_of(several->items.begin(), several->items.end(), matches));
  if (as_text(*edge) == nullptr) return invalid_argument("startswith and endswith take a string, got " + std::string(type_name(*edge)));
  return Value(matches(*edge));
}

Text title_cased(const Text& text) {
  std::string bytes = ascii_lower(text.str());
  bool letter_before = false;
  for (char& c : bytes) {
    const bool letter = c >= 'a' && c <= 'z';
    if (letter && !letter_before) c = static_cast<char>(c - 32);
    letter_before = letter || static_cast<unsigned char>(c) >= 0x80;
  }
  return text.with_bytes(std::move(bytes));
}

std::vector<Text> lines_of(const Text& text) {
  std::vector<Text> lines;
  const std::string& s = text.str();
  for (size_t at = 0; at < s.size();) {
    size_t end = std::min(s.find_first_of("\n\r\v\f", at), s.size());
    lines.push_back(text.substr(at, end));
    at = end + (s.compare(end, 2, "\r\n") == 0 ? 2 : 1);
  }
  return lines;
}

bool all_digits(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Result<Value> string_method(const Text& text, const std::string& name, const Arguments& arguments, Budget& budget) {
  const Value* first = arguments.find(0, "");
  const Text* part = first ? as_text(*first) : nullptr;
  TRY(budget.allocate(text.size()));
  if (name == "strip") return make_string(stripped(text, part, true, true));
  if (name == "lstrip") return make_string(stripped(text, part, true, false));
  if (name == "rstrip") return make_string(stripped(text, part, false, true));
  if (name == "split") return split_method(text, arguments, false, budget);
  if (name == "rsplit") return split_method(text, arguments, true, budget);
  if (name == "splitlines") return list_of(lines_of(text), budget);
  if (name == "startswith") return edge_method(text, arguments, true);
  if (name == "endswith") return edge_method(text, arguments, false);
  if (name == "upper") return make_string(text.with_bytes(ascii_upper(text.str())));
  if (name == "lower") return make_string(text.with_bytes(ascii_lower(text.str())));
  if (name == "title") return make_string(title_cased(text));
  if (name == "isdigit") return Value(all_digits(text.str()));
  if (name == "capitalize") return apply_filter("capitalize", make_string(text), arguments, budget);
  if (name == "replace") return apply_filter("replace", make_string(text), arguments, budget);
  if (name == "join") return first ? apply_filter("join", *first, {{make_string(text)}, {}}, budget) : Result<Value>(invalid_argument("join takes a list"));
  if (name == "find" || name == "count" || name == "removeprefix" || name == "removesuffix") {
    if (part == nullptr) return invalid_argument(name + " takes a string");
    if (name == "find") {
      size_t found = text.str().find(part->str());
      return Value(found == std::string::npos ? int64_t{-1} : static_cast<int64_t>(character_starts(text.str().substr(0, found)).size()) - 1);
    }
    if (name == "count")
      return Value(static_cast<int64_t>(part->size() == 0 ? character_starts(text.str()).size() : split_at(text, part->str(), -1).size() - 1));
    const bool prefix = name == "removeprefix";
    TRY_ASSIGN(Value matches, edge_method(text, arguments, prefix));
    if (!std::get<bool>(matches)) return make_string(text);
    return make_string(prefix ? text.substr(part->size(), text.size()) : text.substr(0, text.size() - part->size()));
  }
  return unimplemented("the string method " + name + " is not supported");
}

Result<Value> dict_method(const Value& object, const std::string& name, const Arguments& arguments, Budget& budget) {
  const Dict& dict = *as_dict(object);
  if (name == "items") return apply_filter("items", object, {}, budget);
  if (name == "get") {
    const Value *key = arguments.find(0, ""), *otherwise = arguments.find(1, "default");
    if (key == nullptr) return invalid_argument("get takes a key");
    const Value* found = dict_find(dict, *key);
    return found ? *found : otherwise ? *otherwise : Value(None{});
  }
  if (name == "keys" || name == "values") {
    TRY(budget.allocate(dict.items.size() * sizeof(Value)));
    std::vector<Value> out;
    for (const auto& item : dict.items) out.push_back(name == "keys" ? item.first : item.second);
    return make_list(std::move(out));
  }
  if (name == "cycle" && dict_find(dict, std::string_view("revindex0")) && !arguments.positional.empty())  // loop.cycle(…)
    return arguments.positional[static_cast<size_t>(std::get<int64_t>(*dict_find(dict, std::string_view("index0")))) % arguments.positional.size()];
  return invalid_argument("a dict has no method " + name);
}

}  // namespace

Text stripped(const Text& text, const Text* characters, bool left, bool right) {
  const std::vector<size_t> starts = character_starts(text.str());
  size_t begin = 0, end = starts.size() - 1;
  auto gone = [&](size_t i) {
    std::string_view bytes = std::string_view(text.str()).substr(starts[i], starts[i + 1] - starts[i]);
    size_t size = 1;
    return strips(utf8_decode(bytes, &size), bytes, characters);
  };
  while (left && begin < end && gone(begin)) ++begin;
  while (right && end > begin && gone(end - 1)) --end;
  return text.substr(starts[begin], starts[end]);
}

Result<Text> replaced(const Text& text, const Text& from, const Text& to, int64_t count, Budget& budget) {
  Text out;
  size_t at = 0;
  if (from.size() == 0) {  // between all characters
    const std::vector<size_t> starts = character_starts(text.str());
    for (size_t i = 0; i < starts.size() && (count < 0 || static_cast<int64_t>(i) < count); ++i) {
      TRY(budget.allocate(to.size() + 8));
      out.append(to);
      at = i + 1 < starts.size() ? starts[i + 1] : starts[i];
      out.append(text.substr(starts[i], at));
    }
  } else {
    for (int64_t done = 0; count < 0 || done < count; ++done) {
      size_t found = text.str().find(from.str(), at);
      if (found == std::string::npos) break;
      TRY(budget.allocate(found - at + to.size() + 8));
      out.append(text.substr(at, found));
      out.append(to);
      at = found + from.size();
    }
  }
  TRY(budget.allocate(text.size() - at));
  out.append(text.substr(at, text.size()));
  return out;
}

Result<Value> call_method(const Value& object, const std::string& name, const Arguments& arguments, Budget& budget) {
  if (const Text* text = as_text(object)) return string_method(*text, name, arguments, budget);
  if (as_dict(object)) return dict_method(object, name, arguments, budget);
  if (const List* list = as_list(object); list && (name == "count" || name == "index")) {
    const Value* item = arguments.find(0, "");
    if (item == nullptr) return invalid_argument(name + " takes a value");
    if (name == "count")
      return Value(static_cast<int64_t>(std::count_if(list->items.begin(), list->items.end(), [&](const Value& v) { return equal(v, *item); })));
    auto found = std::find_if(list->items.begin(), list->items.end(), [&](const Value& v) { return equal(v, *item); });
    if (found == list->items.end()) return invalid_argument("index: the value is not in the list");
    return Value(static_cast<int64_t>(found - list->items.begin()));
  }
  return invalid_argument(std::string(type_name(object)) + " has no method " + name);
}

}  // namespace strata::templates
