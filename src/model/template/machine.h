// Runs a syntax tree. One machine renders once.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/template/syntax.h"
#include "model/template/template.h"
#include "model/template/value.h"

namespace strata::templates {

// What a template has left to spend.
class Budget {
 public:
  explicit Budget(const Limits& limits) : steps_(limits.steps), bytes_(limits.work_bytes) {}
  Status spend(size_t steps) {
    if (steps > steps_) return resource_exhausted("the template takes too many steps; it may loop without end", "template_limit");
    steps_ -= steps;
    return {};
  }
  // Before making something of this size.
  Status allocate(size_t bytes) {
    if (bytes > bytes_) return resource_exhausted("the template makes too much text", "template_limit");
    bytes_ -= bytes;
    return spend(bytes / 64);
  }

 private:
  size_t steps_, bytes_;
};

// Evaluated arguments of a call, filter or test.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
  // By place or name; nullptr where absent.
  const Value* find(size_t place, std::string_view name) const;
};

// Rough steps to walk over a value once.
size_t cost_of(const Value& value);

// ---- Operators (operators.cc) ----
Result<Value> binary_operator(Op op, const Value& left, const Value& right, Budget& budget);
Result<bool> contains(const Value& container, const Value& item);
Result<Value> item_of(const Value& object, const Value& index);
Value attribute_of(const Value& object, const std::string& name);
Result<Value> slice_of(const Value& object, const Value* begin, const Value* end, const Value* step, Budget& budget);
// What a loop goes over: list items, dict keys, characters.
Result<std::vector<Value>> items_of(const Value& value, Budget& budget);
std::vector<size_t> character_starts(const std::string& text);  // and the size at the end

// ---- Filters, tests and methods (filters.cc, tests.cc, methods.cc) ----
Result<Value> apply_filter(const std::string& name, const Value& input, const Arguments& arguments, Budget& budget);
Result<bool> apply_test(const std::string& name, const Value& input, const Arguments& arguments);
Result<Value> call_method(const Value& object, const std::string& name, const Arguments& arguments, Budget& budget);
Text stripped(const Text& text, const Text* characters, bool left, bool right);
Result<Text> replaced(const Text& text, const Text& from, const Text& to, int64_t count, Budget& budget);
std::string ascii_upper(std::string text);

class Machine {
 public:
  Machine(const Limits& limits, int64_t now_unix_ms) : budget_(limits), now_unix_ms_(now_unix_ms) { frames_.emplace_back(); }
  ~Machine();
  void define(std::string name, Value value) { frames_.front()[std::move(name)] = std::move(value); }
  Result<Text> run(const Body& body);

 private:
  enum class Flow { kOn, kBreak, kContinue };
  using Frame = std::unordered_map<std::string, Value>;

  Result<Flow> run_body(const Body& body, Text& out);
  Result<Flow> run_statement(const Statement& statement, Text& out);
  Result<Flow> run_if(const Statement& statement, Text& out);
  Result<Flow> run_for(const Statement& statement, Text& out);
  Status run_set(const Statement& statement);
  Status run_block(const Statement& statement, Text& out);
  Status assign(const std::vector<std::string>& targets, Value value, bool members);
  Status emit(const Text& text, Text& out);

  Result<Value> evaluate(const Node& node);
  Result<Value> evaluate_unspent(const Node& node);
  Result<Value> name_value(const Node& node) const;
  Result<Value> collection(const Node& node);
  Result<Value> compare_chain(const Node& node);
  Result<Value> call(const Node& node);
  Result<Value> call_macro(const MacroNode& macro, const Arguments& arguments);
  Result<Value> call_builtin(Builtin builtin, const Arguments& arguments);
  Result<Value> make_range(const Arguments& arguments);
  Result<Value> strftime_now(const Arguments& arguments) const;
  Result<Arguments> arguments_of(const Node& node);
  Status require_defined(const Value& value) const;

  Budget budget_;
  int64_t now_unix_ms_;
  std::vector<Frame> frames_;
  std::vector<std::shared_ptr<Namespace>> namespaces_;  // emptied at the end: one may hold itself
  int macro_depth_ = 0;
};

}  // namespace strata::templates
