// Jinja's tests: what may follow `is`.
#include <algorithm>

#include "model/template/machine.h"

namespace strata::templates {
namespace {

Result<bool> ordered(const Value& a, const Value* b, int (*accept)(int)) {
  if (b == nullptr) return invalid_argument("a comparing test takes a value");
  TRY_ASSIGN(int order, compare(a, *b));
  return accept(order) != 0;
}

Result<bool> parity(const Value& value, int64_t divisor, int64_t remainder) {
  const int64_t* number = std::get_if<int64_t>(&value);
  if (number == nullptr || divisor == 0) return invalid_argument("expected an integer, got " + std::string(type_name(value)));
  return divisor == -1 ? remainder == 0 : ((*number % divisor) + divisor) % divisor == remainder;
}

bool cased(const Text& text, char first, char last) {  // letters there are, and none between first and last
  bool letters = false;
  for (char c : text.str()) {
    if (c >= first && c <= last) return false;
    letters |= (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }
  return letters;
}

bool same(const Value& a, const Value& b) {
  if (a.index() != b.index()) return false;
  if (as_list(a)) return as_list(a) == as_list(b);
  if (as_dict(a)) return as_dict(a) == as_dict(b);
  return equal(a, b);
}

}  // namespace

Result<bool> apply_test(const std::string& name, const Value& input, const Arguments& arguments) {
  const Value* other = arguments.find(0, "other");
  if (name == "defined") return !is_undefined(input);
  if (name == "undefined") return is_undefined(input);
  if (name == "none") return is_none(input);
  if (name == "string") return as_text(input) != nullptr;
  if (name == "mapping") return as_dict(input) != nullptr;
  if (name == "sequence" || name == "iterable") {
    return as_text(input) || as_list(input) || as_dict(input) || is_undefined(input);
  }
  if (name == "number") return is_number(input);
  if (name == "integer") return std::holds_alternative<int64_t>(input);
  if (name == "float") return std::holds_alternative<double>(input);
  if (name == "boolean") return std::holds_alternative<bool>(input);
  if (name == "true") return std::holds_alternative<bool>(input) && std::get<bool>(input);
  if (name == "false") return std::holds_alternative<bool>(input) && !std::get<bool>(input);
  if (name == "callable") return std::holds_alternative<const MacroNode*>(input) || std::holds_alternative<Builtin>(input);
  if (name == "odd") return parity(input, 2, 1);
  if (name == "even") return parity(input, 2, 0);
  if (name == "divisibleby") {
    const int64_t* divisor = other ? std::get_if<int64_t>(other) : nullptr;
    return divisor ? parity(input, *divisor, 0) : Result<bool>(invalid_argument("divisibleby takes an integer"));
  }
  if (name == "upper") return cased(text_of(input), 'a', 'z');
  if (name == "lower") return cased(text_of(input), 'A', 'Z');
  if (name == "in") return other ? contains(*other, input) : Result<bool>(invalid_argument("'is in' takes a value"));
  if (name == "sameas") return other != nullptr && same(input, *other);
  if (name == "eq" || name == "equalto" || name == "==") return other != nullptr && equal(input, *other);
  if (name == "ne" || name == "!=") return other != nullptr && !equal(input, *other);
  if (name == "lt" || name == "lessthan" || name == "<") return ordered(input, other, [](int o) { return int{o < 0}; });
  if (name == "le" || name == "<=") return ordered(input, other, [](int o) { return int{o <= 0}; });
  if (name == "gt" || name == "greaterthan" || name == ">") return ordered(input, other, [](int o) { return int{o > 0}; });
  if (name == "ge" || name == ">=") return ordered(input, other, [](int o) { return int{o >= 0}; });
  return unimplemented("the test " + name + " is not supported");
}

}  // namespace strata::templates
