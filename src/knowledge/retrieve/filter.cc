#include <algorithm>

#include "base/text.h"
#include "knowledge/retrieve/retrieve.h"

namespace strata::retrieve {
namespace {

using catalog::Attribute;
using Op = Filter::Op;

constexpr size_t kValuesMax = 100, kFiltersMax = 100, kKeyBytesMax = 256;   // 64 characters of at most 4 bytes

struct Named {
  std::string_view name;
  Op op;
};
constexpr Named kOps[] = {{"eq", Op::kEq},   {"ne", Op::kNe}, {"gt", Op::kGt},   {"gte", Op::kGte}, {"lt", Op::kLt},
                          {"lte", Op::kLte}, {"in", Op::kIn}, {"nin", Op::kNin}, {"and", Op::kAnd}, {"or", Op::kOr}};

std::string_view op_name(Op op) {
  for (const Named& named : kOps) {
    if (named.op == op) return named.name;
  }
  return "?";
}

bool is_combination(Op op) { return op == Op::kAnd || op == Op::kOr; }
bool takes_many(Op op) { return op == Op::kIn || op == Op::kNin; }
bool is_ordering(Op op) { return op == Op::kGt || op == Op::kGte || op == Op::kLt || op == Op::kLte; }

template <class T>
bool ordered(Op op, const T& left, const T& right) {
  switch (op) {
    case Op::kGt: return left > right;
    case Op::kGte: return left >= right;
    case Op::kLt: return left < right;
    default: return left <= right;
  }
}

bool compare(Op op, const Attribute& left, const Attribute& right) {
  if (const auto* a = std::get_if<double>(&left)) {
    const auto* b = std::get_if<double>(&right);
    return b != nullptr && ordered(op, *a, *b);
  }
  const auto* a = std::get_if<std::string>(&left);
  const auto* b = std::get_if<std::string>(&right);
  return a != nullptr && b != nullptr && ordered(op, *a, *b);
}

}  // namespace

bool Filter::matches(const catalog::Attributes& attributes) const {
  auto holds = [&](const Filter& filter) { return filter.matches(attributes); };
  if (op == Op::kAnd) return std::all_of(filters.begin(), filters.end(), holds);
  if (op == Op::kOr) return std::any_of(filters.begin(), filters.end(), holds);
  const bool negative = op == Op::kNe || op == Op::kNin;
  auto found = attributes.find(key);
  if (found == attributes.end()) return negative;
  if (is_ordering(op)) return !values.empty() && compare(op, found->second, values.front());
  return (std::find(values.begin(), values.end(), found->second) != values.end()) != negative;
}

Result<Op> Filter::parse_op(std::string_view name) {
  for (const Named& named : kOps) {
    if (named.name == name) return named.op;
  }
  return invalid_argument("expected one of eq, ne, gt, gte, lt, lte, in, nin, and, or; got \"" + utf8_repaired(name.substr(0, 64)) + "\"", "type");
}

Result<Filter> Filter::comparison(Op op, std::string key, std::vector<Attribute> values) {
  const std::string name(op_name(op));
  if (is_combination(op)) return invalid_argument("expected a comparison, got \"" + name + "\", which combines filters", "type");
  if (key.empty() || key.size() > kKeyBytesMax) return invalid_argument("expected a key of 1 to 64 characters for \"" + name + "\"", "key");
  if (!takes_many(op) && values.size() != 1) return invalid_argument("expected one value for \"" + name + "\", got " + std::to_string(values.size()), "value");
  if (values.empty() || values.size() > kValuesMax) {
    return invalid_argument("expected 1 to 100 values for \"" + name + "\", got " + std::to_string(values.size()), "value");
  }
  if (is_ordering(op) && std::holds_alternative<bool>(values.front())) {
    return invalid_argument("expected a number or a text for \"" + name + "\", got true or false, which have no order", "value");
  }
  return Filter{.op = op, .key = std::move(key), .values = std::move(values), .filters = {}};
}

Result<Filter> Filter::combination(Op op, std::vector<Filter> filters) {
  if (!is_combination(op)) return invalid_argument("expected \"and\" or \"or\", got \"" + std::string(op_name(op)) + "\", which compares", "type");
  if (filters.empty() || filters.size() > kFiltersMax) {
    return invalid_argument("expected 1 to 100 filters, got " + std::to_string(filters.size()), "filters");
  }
  Filter made{.op = op, .key = {}, .values = {}, .filters = std::move(filters)};
  if (made.depth() > kDepthMax) return invalid_argument("filters are nested more than " + std::to_string(kDepthMax) + " deep", "filters");
  return made;
}

int Filter::depth() const {
  int deepest = 0;
  for (const Filter& filter : filters) deepest = std::max(deepest, filter.depth());
  return deepest + 1;
}

}  // namespace strata::retrieve
