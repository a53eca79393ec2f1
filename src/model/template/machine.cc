#include "model/template/machine.h"

#include <ctime>

namespace strata::templates {
namespace {

// WHY: each level of macro call stacks up to kSyntaxDepthMax evaluations.
constexpr int kMacroDepthMax = 12;

const Value& key_value(const char* name) {
  static thread_local std::unordered_map<std::string_view, Value> keys;
  auto found = keys.find(name);
  if (found == keys.end()) found = keys.emplace(name, make_string(std::string(name))).first;
  return found->second;
}

// The variable `loop` of one turn.
Result<Value> loop_value(const std::vector<Value>& items, size_t i) {
  auto dict = std::make_shared<Dict>();
  auto add = [&](const char* name, Value value) { dict->items.emplace_back(key_value(name), std::move(value)); };
  const auto count = static_cast<int64_t>(items.size()), index = static_cast<int64_t>(i);
  add("index0", index);
  add("index", index + 1);
  add("first", i == 0);
  add("last", i + 1 == items.size());
  add("length", count);
  add("revindex", count - index);
  add("revindex0", count - index - 1);
  if (i > 0) add("previtem", items[i - 1]);
  if (i + 1 < items.size()) add("nextitem", items[i + 1]);
  dict->depth = kValueDepthMax;  // not to be kept in a list
  return Value(std::shared_ptr<const Dict>(std::move(dict)));
}

}  // namespace

const Value* Arguments::find(size_t place, std::string_view name) const {
  if (place < positional.size()) return &positional[place];
  for (const auto& [known, value] : named)
    if (known == name) return &value;
  return nullptr;
}

size_t cost_of(const Value& value) {
  if (const Text* text = as_text(value)) return 1 + text->size() / 32;
  if (const List* list = as_list(value)) return 1 + list->items.size();
  if (const Dict* dict = as_dict(value)) return 1 + dict->items.size() + dict->items.size() * dict->items.size() / 64;
  return 1;
}

Machine::~Machine() {
  for (auto& space : namespaces_) space->items.clear();
}

Result<Text> Machine::run(const Body& body) {
  Text out;
  TRY(run_body(body, out));
  return out;
}

// ---- Statements --------------------------------------------------------------------------------------------------------------

Status Machine::emit(const Text& text, Text& out) {
  TRY(budget_.allocate(text.size()));
  out.append(text);
  return {};
}

Result<Machine::Flow> Machine::run_body(const Body& body, Text& out) {
  for (const auto& statement : body) {
    TRY_ASSIGN(Flow flow, run_statement(*statement, out));
    if (flow != Flow::kOn) return flow;
  }
  return Flow::kOn;
}

Result<Machine::Flow> Machine::run_statement(const Statement& statement, Text& out) {
  TRY(budget_.spend(1));
  switch (statement.kind) {
    case StatementKind::kText: TRY(emit(Text(statement.text), out)); return Flow::kOn;
    case StatementKind::kOutput: {
      TRY_ASSIGN(Value value, evaluate(*statement.expression));
      TRY(budget_.spend(cost_of(value)));
      TRY(emit(text_of(value), out));
      return Flow::kOn;
    }
    case StatementKind::kIf: return run_if(statement, out);
    case StatementKind::kFor: return run_for(statement, out);
    case StatementKind::kSet: TRY(run_set(statement)); return Flow::kOn;
    case StatementKind::kMacro: frames_.back()[statement.macro.name] = &statement.macro; return Flow::kOn;
    case StatementKind::kSetBlock:
    case StatementKind::kFilterBlock: TRY(run_block(statement, out)); return Flow::kOn;
    case StatementKind::kBody: {
      frames_.emplace_back();
      auto flow = run_body(statement.body, out);
      frames_.pop_back();
      return flow;
    }
    case StatementKind::kBreak: return Flow::kBreak;
    case StatementKind::kContinue: return Flow::kContinue;
  }
  return internal_error("unreachable statement");
}

Result<Machine::Flow> Machine::run_if(const Statement& statement, Text& out) {
  for (const auto& [condition, body] : statement.branches) {
    if (condition) {
      TRY_ASSIGN(Value value, evaluate(*condition));
      if (!truthy(value)) continue;
    }
    return run_body(body, out);
  }
  return Flow::kOn;
}

Result<Machine::Flow> Machine::run_for(const Statement& statement, Text& out) {
  TRY_ASSIGN(Value iterable, evaluate(*statement.expression));
  auto items = items_of(iterable, budget_);
  if (!items) return annotate(items.error(), "template, line " + std::to_string(statement.line));
  if (statement.condition) {
    std::vector<Value> kept;
    for (Value& item : *items) {
      frames_.emplace_back();
      TRY(assign(statement.targets, item, false));
      TRY_ASSIGN(Value keep, evaluate(*statement.condition));
      frames_.pop_back();
      if (truthy(keep)) kept.push_back(std::move(item));
    }
    *items = std::move(kept);
  }
  if (items->empty()) {
    frames_.emplace_back();
    auto flow = run_body(statement.otherwise, out);
    frames_.pop_back();
    return flow;
  }
  for (size_t i = 0; i < items->size(); ++i) {
    TRY(budget_.spend(4));
    frames_.emplace_back();
    TRY_ASSIGN(frames_.back()["loop"], loop_value(*items, i));
    TRY(assign(statement.targets, (*items)[i], false));
    TRY_ASSIGN(Flow flow, run_body(statement.body, out));
    frames_.pop_back();
    if (flow == Flow::kBreak) break;
  }
  return Flow::kOn;
}

Status Machine::run_set(const Statement& statement) {
  TRY_ASSIGN(Value value, evaluate(*statement.expression));
  auto done = assign(statement.targets, std::move(value), true);
  if (!done) return annotate(done.error(), "template, line " + std::to_string(statement.line));
  return {};
}

Status Machine::assign(const std::vector<std::string>& targets, Value value, bool members) {
  if (targets.size() > 1) {
    TRY_ASSIGN(std::vector<Value> parts, items_of(value, budget_));
    if (parts.size() != targets.size())
      return invalid_argument("cannot unpack " + std::to_string(parts.size()) + " values into " + std::to_string(targets.size()) + " variables");
    for (size_t i = 0; i < parts.size(); ++i) TRY(assign({targets[i]}, std::move(parts[i]), members));
    return {};
  }
  const size_t dot = targets[0].find('.');
  if (dot == std::string::npos) {
    frames_.back()[targets[0]] = std::move(value);
    return {};
  }
  Node node;
  node.op = Op::kName;
  node.name = targets[0].substr(0, dot);
  TRY_ASSIGN(Value object, name_value(node));
  auto space = std::get_if<std::shared_ptr<Namespace>>(&object);
  if (space == nullptr) return invalid_argument("cannot set " + targets[0] + ": " + node.name + " is no namespace");
  const std::string member = targets[0].substr(dot + 1);
  for (auto& [name, known] : (*space)->items) {
    if (name != member) continue;
    known = std::move(value);
    return {};
  }
  (*space)->items.emplace_back(member, std::move(value));
  return {};
}

// {% set x %}…{% endset %} and {% filter f %}…{% endfilter %}.
Status Machine::run_block(const Statement& statement, Text& out) {
  Text text;
  frames_.emplace_back();
  TRY(run_body(statement.body, text));
  frames_.pop_back();
  frames_.emplace_back();
  frames_.back()[""] = make_string(std::move(text));
  TRY_ASSIGN(Value value, evaluate(*statement.expression));
  frames_.pop_back();
  if (statement.kind == StatementKind::kSetBlock) return assign(statement.targets, std::move(value), true);
  return emit(text_of(value), out);
}

// ---- Expressions -------------------------------------------------------------------------------------------------------------

Result<Value> Machine::evaluate(const Node& node) {
  TRY(budget_.spend(1));
  auto value = evaluate_unspent(node);
  // The innermost place is the one to name.
  if (!value && value.error().message.rfind("template, line", 0) != 0) return annotate(value.error(), "template, line " + std::to_string(node.line));
  return value;
}

Status Machine::require_defined(const Value& value) const {
  if (const auto* undefined = std::get_if<Undefined>(&value)) return invalid_argument("'" + undefined->name + "' is undefined");
  return {};
}

Result<Value> Machine::evaluate_unspent(const Node& node) {
  const auto& operands = node.operands;
  switch (node.op) {
    case Op::kLiteral: return node.value;
    case Op::kName: return name_value(node);
    case Op::kList:
    case Op::kTuple:
    case Op::kDict: return collection(node);
    case Op::kAttribute: {
      TRY_ASSIGN(Value object, evaluate(*operands[0]));
      TRY(require_defined(object));
      return attribute_of(object, node.name);
    }
    case Op::kItem: {
      TRY_ASSIGN(Value object, evaluate(*operands[0]));
      TRY_ASSIGN(Value index, evaluate(*operands[1]));
      TRY(require_defined(object));
      TRY(budget_.spend(cost_of(object) / 16));
      return item_of(object, index);
    }
    case Op::kSlice: {
      TRY_ASSIGN(Value object, evaluate(*operands[0]));
      Value parts[3];
      for (size_t i = 1; i < operands.size(); ++i) {
        if (!operands[i]) continue;
        TRY_ASSIGN(parts[i - 1], evaluate(*operands[i]));
      }
      auto part = [&](size_t i) { return i < operands.size() && operands[i] ? &parts[i - 1] : nullptr; };
      TRY(require_defined(object));
      return slice_of(object, part(1), part(2), part(3), budget_);
    }
    case Op::kCall: return call(node);
    case Op::kFilter:
    case Op::kTest: {
      TRY_ASSIGN(Value input, evaluate(*operands[0]));
      TRY_ASSIGN(Arguments arguments, arguments_of(node));
      TRY(budget_.spend(cost_of(input)));
      if (node.op == Op::kFilter) return apply_filter(node.name, input, arguments, budget_);
      TRY_ASSIGN(bool holds, apply_test(node.name, input, arguments));
      return Value(holds);
    }
    case Op::kNot: {
      TRY_ASSIGN(Value value, evaluate(*operands[0]));
      return Value(!truthy(value));
    }
    case Op::kNegate:
    case Op::kPlus: {
      TRY_ASSIGN(Value value, evaluate(*operands[0]));
      return binary_operator(node.op == Op::kNegate ? Op::kSubtract : Op::kAdd, Value(int64_t{0}), value, budget_);
    }
    case Op::kAnd:
    case Op::kOr: {
      TRY_ASSIGN(Value left, evaluate(*operands[0]));
      if (truthy(left) == (node.op == Op::kOr)) return left;
      return evaluate(*operands[1]);
    }
    case Op::kCondition: {
      TRY_ASSIGN(Value condition, evaluate(*operands[0]));
      if (truthy(condition)) return evaluate(*operands[1]);
      return operands[2] ? evaluate(*operands[2]) : Value(Undefined{"the value of an if without else"});
    }
    case Op::kCompare: return compare_chain(node);
    default: {
      TRY_ASSIGN(Value left, evaluate(*operands[0]));
      TRY_ASSIGN(Value right, evaluate(*operands[1]));
      return binary_operator(node.op, left, right, budget_);
    }
  }
}

Result<Value> Machine::name_value(const Node& node) const {
  for (size_t i = frames_.size(); i-- > 0;) {
    auto found = frames_[i].find(node.name);
    if (found != frames_[i].end()) return found->second;
  }
  static const std::unordered_map<std::string_view, Builtin> builtins = {{"range", Builtin::kRange},
                                                                         {"namespace", Builtin::kNamespace},
                                                                         {"dict", Builtin::kDict},
                                                                         {"raise_exception", Builtin::kRaiseException},
                                                                         {"strftime_now", Builtin::kStrftimeNow}};
  if (auto found = builtins.find(node.name); found != builtins.end()) return Value(found->second);
  return Value(Undefined{node.name});
}

Result<Value> Machine::collection(const Node& node) {
  TRY(budget_.allocate(node.operands.size() * sizeof(Value)));
  std::vector<Value> items;
  for (const NodePtr& operand : node.operands) {
    TRY_ASSIGN(Value item, evaluate(*operand));
    items.push_back(std::move(item));
  }
  if (node.op != Op::kDict) return make_list(std::move(items), node.op == Op::kTuple);
  std::vector<std::pair<Value, Value>> pairs;
  for (size_t i = 0; i + 1 < items.size(); i += 2) pairs.emplace_back(std::move(items[i]), std::move(items[i + 1]));
  return make_dict(std::move(pairs));
}

Result<Value> Machine::compare_chain(const Node& node) {
  TRY_ASSIGN(Value left, evaluate(*node.operands[0]));
  for (size_t i = 0; i < node.names.size(); ++i) {
    TRY_ASSIGN(Value right, evaluate(*node.operands[i + 1]));
    TRY(budget_.spend(cost_of(left) + cost_of(right)));
    const std::string& op = node.names[i];
    bool holds = false;
    if (op == "==" || op == "!=") {
      holds = equal(left, right) == (op == "==");
    } else if (op == "in" || op == "not in") {
      TRY_ASSIGN(bool within, contains(right, left));
      holds = within == (op == "in");
    } else {
      TRY(require_defined(left));
      TRY(require_defined(right));
      TRY_ASSIGN(int order, compare(left, right));
      holds = op == "<" ? order < 0 : op == "<=" ? order <= 0 : op == ">" ? order > 0 : order >= 0;
    }
    if (!holds) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

// ---- Calls -------------------------------------------------------------------------------------------------------------------

Result<Arguments> Machine::arguments_of(const Node& node) {
  Arguments arguments;
  for (size_t i = 1; i < node.operands.size(); ++i) {
    TRY_ASSIGN(Value value, evaluate(*node.operands[i]));
    arguments.positional.push_back(std::move(value));
  }
  for (const auto& [name, operand] : node.keywords) {
    TRY_ASSIGN(Value value, evaluate(*operand));
    arguments.named.emplace_back(name, std::move(value));
  }
  return arguments;
}

Result<Value> Machine::call(const Node& node) {
  const Node& callee = *node.operands[0];
  Value function;
  if (callee.op == Op::kAttribute) {
    TRY_ASSIGN(Value object, evaluate(*callee.operands[0]));
    TRY(require_defined(object));
    Value member = attribute_of(object, callee.name);
    const bool callable = std::holds_alternative<const MacroNode*>(member) || std::holds_alternative<Builtin>(member);
    if (!callable) {
      TRY_ASSIGN(Arguments arguments, arguments_of(node));
      TRY(budget_.spend(cost_of(object)));
      return call_method(object, callee.name, arguments, budget_);
    }
    function = std::move(member);
  } else {
    TRY_ASSIGN(function, evaluate(callee));
  }
  TRY(require_defined(function));
  TRY_ASSIGN(Arguments arguments, arguments_of(node));
  if (auto macro = std::get_if<const MacroNode*>(&function)) return call_macro(**macro, arguments);
  if (auto builtin = std::get_if<Builtin>(&function)) return call_builtin(*builtin, arguments);
  return invalid_argument(std::string(type_name(function)) + " is not callable");
}

// A macro sees its parameters and the template's top level, not the place that calls it.
Result<Value> Machine::call_macro(const MacroNode& macro, const Arguments& arguments) {
  if (macro_depth_ >= kMacroDepthMax) return resource_exhausted("macros call each other deeper than " + std::to_string(kMacroDepthMax), "template_limit");
  if (arguments.positional.size() > macro.parameters.size())
    return invalid_argument("macro " + macro.name + " takes " + std::to_string(macro.parameters.size()) + " arguments, got " +
                            std::to_string(arguments.positional.size()));
  std::vector<Frame> outer = std::move(frames_);
  frames_.clear();
  frames_.push_back(std::move(outer[0]));
  frames_.emplace_back();
  ++macro_depth_;
  Text out;
  Status done;
  for (size_t i = 0; i < macro.parameters.size() && done; ++i) {
    const auto& [name, otherwise] = macro.parameters[i];
    Value value = Undefined{name};
    if (const Value* given = arguments.find(i, name)) value = *given;
    else if (otherwise) {
      auto evaluated = evaluate(*otherwise);
      if (evaluated) value = std::move(*evaluated);
      else done = evaluated.error();
    }
    frames_.back()[name] = std::move(value);
  }
  if (done) {
    auto flow = run_body(macro.body, out);
    if (!flow) done = flow.error();
  }
  --macro_depth_;
  outer[0] = std::move(frames_[0]);
  frames_ = std::move(outer);
  TRY(std::move(done));
  return make_string(std::move(out));
}

Result<Value> Machine::call_builtin(Builtin builtin, const Arguments& arguments) {
  switch (builtin) {
    case Builtin::kRange: return make_range(arguments);
    case Builtin::kStrftimeNow: return strftime_now(arguments);
    case Builtin::kRaiseException: {
      const Value* message = arguments.find(0, "message");
      return invalid_argument(message ? text_of(*message).str() : "the template refused these messages", "messages", "template_refused");
    }
    case Builtin::kNamespace:
    case Builtin::kDict: break;
  }
  TRY(budget_.allocate(64 + arguments.named.size() * 2 * sizeof(Value)));
  std::vector<std::pair<Value, Value>> items;
  if (const Value* base = arguments.find(0, "")) {
    if (as_dict(*base) == nullptr) return invalid_argument("expected a dict");
    items = as_dict(*base)->items;
  }
  for (const auto& [name, value] : arguments.named) items.emplace_back(make_string(name), value);
  if (builtin == Builtin::kDict) return make_dict(std::move(items));
  auto space = std::make_shared<Namespace>();
  for (auto& [key, value] : items) space->items.emplace_back(text_of(key).str(), std::move(value));
  namespaces_.push_back(space);
  return Value(space);
}

Result<Value> Machine::make_range(const Arguments& arguments) {
  int64_t parts[3] = {0, 0, 1};
  const size_t count = arguments.positional.size();
  if (count < 1 || count > 3) return invalid_argument("range() takes one to three numbers");
  for (size_t i = 0; i < count; ++i) {
    const auto* number = std::get_if<int64_t>(&arguments.positional[i]);
    if (number == nullptr) return invalid_argument("range() takes integers, got " + std::string(type_name(arguments.positional[i])));
    parts[count == 1 ? 1 : i] = *number;
  }
  const auto [begin, end, step] = parts;
  if (step == 0) return invalid_argument("range() with a step of 0");
  std::vector<Value> items;
  for (__int128 at = begin; step > 0 ? at < end : at > end; at += step) {
    TRY(budget_.allocate(sizeof(Value)));
    items.emplace_back(static_cast<int64_t>(at));
  }
  return make_list(std::move(items));
}

Result<Value> Machine::strftime_now(const Arguments& arguments) const {
  const Value* format = arguments.find(0, "format");
  const Text* text = format ? as_text(*format) : nullptr;
  if (text == nullptr || text->size() > 200) return invalid_argument("strftime_now() takes a short format string");
  time_t seconds = static_cast<time_t>(now_unix_ms_ / 1000);
  struct tm parts{};
  gmtime_r(&seconds, &parts);
  char buffer[1024];
  size_t size = text->size() == 0 ? 0 : std::strftime(buffer, sizeof buffer, text->str().c_str(), &parts);
  return make_string(Text(std::string(buffer, size), text->any_marked()));
}

}  // namespace strata::templates
