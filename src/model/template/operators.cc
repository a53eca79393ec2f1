// Python's operators, as far as templates use them.
#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "model/template/machine.h"

namespace strata::templates {
namespace {

Error wrong_types(std::string_view symbol, const Value& left, const Value& right) {
  auto name = [](const Value& value) {
    const auto* undefined = std::get_if<Undefined>(&value);
    return undefined ? "'" + undefined->name + "', which is undefined" : std::string(type_name(value));
  };
  return invalid_argument("cannot compute " + name(left) + " " + std::string(symbol) + " " + name(right));
}
Error too_large() { return invalid_argument("a number passes 64 bits"); }

int64_t integer_of(const Value& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? 1 : 0;
  return std::get<int64_t>(value);
}

int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

Result<Value> integer_operator(Op op, int64_t a, int64_t b) {
  int64_t out = 0;
  switch (op) {
    case Op::kAdd:
      if (__builtin_add_overflow(a, b, &out)) return too_large();
      return Value(out);
    case Op::kSubtract:
      if (__builtin_sub_overflow(a, b, &out)) return too_large();
      return Value(out);
    case Op::kMultiply:
      if (__builtin_mul_overflow(a, b, &out)) return too_large();
      return Value(out);
    case Op::kPower: {
      if (b < 0) return Value(std::pow(static_cast<double>(a), static_cast<double>(b)));
      out = 1;
      if (a == 0 || a == 1) return Value(b == 0 ? int64_t{1} : a);
      if (a == -1) return Value(b % 2 == 0 ? int64_t{1} : int64_t{-1});
      for (int64_t i = 0; i < b; ++i)
        if (__builtin_mul_overflow(out, a, &out)) return too_large();
      return Value(out);
    }
    default: break;
  }
  if (b == 0) return invalid_argument("division by zero");
  if (op == Op::kDivide) return Value(static_cast<double>(a) / static_cast<double>(b));
  if (a == INT64_MIN && b == -1) return op == Op::kModulo ? Result<Value>(Value(int64_t{0})) : too_large();
  return Value(op == Op::kFloorDivide ? floor_divide(a, b) : a - floor_divide(a, b) * b);
}

Result<Value> float_operator(Op op, double a, double b) {
  switch (op) {
    case Op::kAdd: return Value(a + b);
    case Op::kSubtract: return Value(a - b);
    case Op::kMultiply: return Value(a * b);
    case Op::kPower: return Value(std::pow(a, b));
    default: break;
  }
  if (b == 0) return invalid_argument("division by zero");
  if (op == Op::kDivide) return Value(a / b);
  if (op == Op::kFloorDivide) return Value(std::floor(a / b));
  double remainder = std::fmod(a, b);
  if (remainder != 0 && (remainder < 0) != (b < 0)) remainder += b;
  return Value(remainder);
}

// "ab" * 3, [1] * 3
Result<Value> repeat(const Value& value, int64_t times, Budget& budget) {
  const uint64_t count = times < 0 ? 0 : static_cast<uint64_t>(times);
  const Text* text = as_text(value);
  const size_t size = text ? text->size() : as_list(value)->items.size() * sizeof(Value);
  auto bytes = __uint128_t{size} * count;
  TRY(budget.allocate(bytes > SIZE_MAX ? SIZE_MAX : static_cast<size_t>(bytes)));
  if (size == 0) return value;
  if (text) {
    Text out;
    for (uint64_t i = 0; i < count; ++i) out.append(*text);
    return make_string(std::move(out));
  }
  std::vector<Value> items;
  for (uint64_t i = 0; i < count; ++i) items.insert(items.end(), as_list(value)->items.begin(), as_list(value)->items.end());
  return make_list(std::move(items), as_list(value)->tuple);
}

Result<Value> concatenated(const Text& left, const Text& right, Budget& budget) {
  TRY(budget.allocate(left.size() + right.size()));
  Text out = left;
  out.append(right);
  return make_string(std::move(out));
}

// Python's slice.indices(): where to begin, end and how to step over `size` items.
struct Indices {
  int64_t begin, end, step;
};
Result<Indices> slice_indices(const Value* begin, const Value* end, const Value* step, int64_t size) {
  auto read = [](const Value* part, int64_t otherwise) -> Result<int64_t> {
    if (part == nullptr || is_none(*part)) return otherwise;
    if (const auto* number = std::get_if<int64_t>(part)) return std::clamp<int64_t>(*number, -(int64_t{1} << 40), int64_t{1} << 40);
    return invalid_argument("a slice takes integers, got " + std::string(type_name(*part)));
  };
  Indices out{};
  TRY_ASSIGN(out.step, read(step, 1));
  if (out.step == 0) return invalid_argument("a slice with a step of 0");
  const int64_t low = out.step > 0 ? 0 : -1, high = out.step > 0 ? size : size - 1;
  TRY_ASSIGN(out.begin, read(begin, out.step > 0 ? low : high));
  TRY_ASSIGN(out.end, read(end, out.step > 0 ? high : -1 - size));
  auto place = [&](int64_t at) { return std::clamp(at < 0 ? at + size : at, low, high); };
  out.begin = place(out.begin);
  out.end = place(out.end);
  return out;
}

}  // namespace

std::vector<size_t> character_starts(const std::string& text) {
  std::vector<size_t> starts;
  for (size_t at = 0; at < text.size();) {
    starts.push_back(at);
    size_t size = 1;
    utf8_decode(std::string_view(text).substr(at), &size);
    at += size;
  }
  starts.push_back(text.size());
  return starts;
}

Result<Value> binary_operator(Op op, const Value& left, const Value& right, Budget& budget) {
  if (op == Op::kConcat) {
    TRY(budget.spend(cost_of(left) + cost_of(right)));
    return concatenated(text_of(left), text_of(right), budget);
  }
  if (is_number(left) && is_number(right)) {
    if (std::holds_alternative<double>(left) || std::holds_alternative<double>(right)) return float_operator(op, number_of(left), number_of(right));
    return integer_operator(op, integer_of(left), integer_of(right));
  }
  const Text *a = as_text(left), *b = as_text(right);
  const List *x = as_list(left), *y = as_list(right);
  if (op == Op::kAdd && a && b) return concatenated(*a, *b, budget);
  if (op == Op::kAdd && x && y && x->tuple == y->tuple) {
    TRY(budget.allocate((x->items.size() + y->items.size()) * sizeof(Value)));
    std::vector<Value> items = x->items;
    items.insert(items.end(), y->items.begin(), y->items.end());
    return make_list(std::move(items), x->tuple);
  }
  if (op == Op::kMultiply && (a || x) && std::holds_alternative<int64_t>(right)) return repeat(left, std::get<int64_t>(right), budget);
  if (op == Op::kMultiply && (b || y) && std::holds_alternative<int64_t>(left)) return repeat(right, std::get<int64_t>(left), budget);
  constexpr std::string_view symbols[] = {"+", "-", "*", "/", "//", "%", "**"};
  return wrong_types(symbols[static_cast<int>(op) - static_cast<int>(Op::kAdd)], left, right);
}

Result<bool> contains(const Value& container, const Value& item) {
  if (const Text* text = as_text(container)) {
    const Text* part = as_text(item);
    if (part == nullptr) return invalid_argument("'in' of a string takes a string, got " + std::string(type_name(item)));
    return text->str().find(part->str()) != std::string::npos;
  }
  if (const List* list = as_list(container)) return std::any_of(list->items.begin(), list->items.end(), [&](const Value& known) { return equal(known, item); });
  if (const Dict* dict = as_dict(container)) return dict_find(*dict, item) != nullptr;
  if (is_undefined(container)) return false;
  return invalid_argument("'in' needs a list, dict or string, got " + std::string(type_name(container)));
}

Value attribute_of(const Value& object, const std::string& name) {
  if (auto space = std::get_if<std::shared_ptr<Namespace>>(&object)) {
    for (const auto& [known, value] : (*space)->items)
      if (known == name) return value;
  }
  if (const Dict* dict = as_dict(object))
    if (const Value* found = dict_find(*dict, name)) return *found;
  return Undefined{name};
}

Result<Value> item_of(const Value& object, const Value& index) {
  if (const Dict* dict = as_dict(object)) {
    const Value* found = dict_find(*dict, index);
    return found ? *found : Value(Undefined{text_of(index).str()});
  }
  if (const Text* name = as_text(index)) return attribute_of(object, name->str());
  if (!std::holds_alternative<int64_t>(index) && !std::holds_alternative<bool>(index)) return Value(Undefined{text_of(index).str()});
  int64_t at = integer_of(index);
  if (const List* list = as_list(object)) {
    const auto size = static_cast<int64_t>(list->items.size());
    if (at < 0) at += size;
    if (at >= 0 && at < size) return list->items[static_cast<size_t>(at)];
  }
  if (const Text* text = as_text(object)) {
    std::vector<size_t> starts = character_starts(text->str());
    const auto size = static_cast<int64_t>(starts.size()) - 1;
    if (at < 0) at += size;
    if (at >= 0 && at < size) return make_string(text->substr(starts[static_cast<size_t>(at)], starts[static_cast<size_t>(at) + 1]));
  }
  return Value(Undefined{text_of(index).str()});
}

Result<Value> slice_of(const Value& object, const Value* begin, const Value* end, const Value* step, Budget& budget) {
  const Text* text = as_text(object);
  const List* list = as_list(object);
  if (text == nullptr && list == nullptr) return invalid_argument("cannot slice " + std::string(type_name(object)));
  TRY(budget.allocate(text ? text->size() : list->items.size() * sizeof(Value)));
  std::vector<size_t> starts;
  if (text) starts = character_starts(text->str());
  const auto size = static_cast<int64_t>(text ? starts.size() - 1 : list->items.size());
  TRY_ASSIGN(Indices at, slice_indices(begin, end, step, size));
  if (text && at.step == 1) {
    if (at.begin >= at.end) return make_string(Text());
    return make_string(text->substr(starts[static_cast<size_t>(at.begin)], starts[static_cast<size_t>(at.end)]));
  }
  Text out;
  std::vector<Value> items;
  for (int64_t i = at.begin; at.step > 0 ? i < at.end : i > at.end; i += at.step) {
    if (text) out.append(text->substr(starts[static_cast<size_t>(i)], starts[static_cast<size_t>(i) + 1]));
    else items.push_back(list->items[static_cast<size_t>(i)]);
  }
  return text ? Result<Value>(make_string(std::move(out))) : make_list(std::move(items), list->tuple);
}

Result<std::vector<Value>> items_of(const Value& value, Budget& budget) {
  std::vector<Value> items;
  if (const List* list = as_list(value)) {
    TRY(budget.allocate(list->items.size() * sizeof(Value)));
    return list->items;
  }
  if (const Dict* dict = as_dict(value)) {
    TRY(budget.allocate(dict->items.size() * sizeof(Value)));
    for (const auto& item : dict->items) items.push_back(item.first);
    return items;
  }
  if (const Text* text = as_text(value)) {
    TRY(budget.allocate(text->size() * 2 * sizeof(Value)));
    std::vector<size_t> starts = character_starts(text->str());
    for (size_t i = 0; i + 1 < starts.size(); ++i) items.push_back(make_string(text->substr(starts[i], starts[i + 1])));
    return items;
  }
  if (is_undefined(value)) return items;
  return invalid_argument(std::string(type_name(value)) + " is not iterable");
}

}  // namespace strata::templates
