#include "model/template/expressions.h"

#include <charconv>

namespace strata::templates {

Result<NodePtr> ExpressionParser::parse_expression() {
  Depth depth(depth_);
  TRY(check_depth(depth_));
  TRY_ASSIGN(NodePtr left, parse_or());
  while (skip_name("if")) {
    NodePtr node = make(Op::kCondition);
    TRY_ASSIGN(NodePtr condition, parse_or());
    TRY(add(*node, std::move(condition)));
    TRY(add(*node, std::move(left)));
    NodePtr otherwise;
    if (skip_name("else")) {
      TRY_ASSIGN(otherwise, parse_expression());
    }
    TRY(add(*node, std::move(otherwise)));
    left = std::move(node);
  }
  return left;
}

Result<NodePtr> ExpressionParser::parse_or() {
  TRY_ASSIGN(NodePtr left, parse_and());
  while (skip_name("or")) {
    TRY_ASSIGN(left, binary(Op::kOr, std::move(left), &ExpressionParser::parse_and));
  }
  return left;
}

Result<NodePtr> ExpressionParser::parse_and() {
  TRY_ASSIGN(NodePtr left, parse_not());
  while (skip_name("and")) {
    TRY_ASSIGN(left, binary(Op::kAnd, std::move(left), &ExpressionParser::parse_not));
  }
  return left;
}

Result<NodePtr> ExpressionParser::parse_not() {
  if (!at_name("not")) return parse_compare();
  Depth depth(depth_);
  TRY(check_depth(depth_));
  take();
  NodePtr node = make(Op::kNot);
  TRY_ASSIGN(NodePtr operand, parse_not());
  TRY(add(*node, std::move(operand)));
  return node;
}

std::string ExpressionParser::compare_operator() {
  for (std::string_view op : {"==", "!=", "<=", ">=", "<", ">"})
    if (skip_operator(op)) return std::string(op);
  if (skip_name("in")) return "in";
  if (at_name("not") && peek(1).kind == TokenKind::kName && peek(1).text == "in") {
    take();
    take();
    return "not in";
  }
  return "";
}

Result<NodePtr> ExpressionParser::parse_compare() {
  TRY_ASSIGN(NodePtr left, parse_sum());
  std::string op = compare_operator();
  if (op.empty()) return left;
  NodePtr node = make(Op::kCompare);
  TRY(add(*node, std::move(left)));
  for (; !op.empty(); op = compare_operator()) {
    node->names.push_back(op);
    TRY_ASSIGN(NodePtr right, parse_sum());
    TRY(add(*node, std::move(right)));
  }
  return node;
}

Result<NodePtr> ExpressionParser::parse_sum() {
  TRY_ASSIGN(NodePtr left, parse_concat());
  while (at_operator("+") || at_operator("-")) {
    Op op = take().text == "+" ? Op::kAdd : Op::kSubtract;
    TRY_ASSIGN(left, binary(op, std::move(left), &ExpressionParser::parse_concat));
  }
  return left;
}

Result<NodePtr> ExpressionParser::parse_concat() {
  TRY_ASSIGN(NodePtr left, parse_product());
  while (skip_operator("~")) {
    TRY_ASSIGN(left, binary(Op::kConcat, std::move(left), &ExpressionParser::parse_product));
  }
  return left;
}

Result<NodePtr> ExpressionParser::parse_product() {
  TRY_ASSIGN(NodePtr left, parse_power());
  while (at_operator("*") || at_operator("/") || at_operator("//") || at_operator("%")) {
    const std::string symbol = take().text;
    Op op = symbol == "*" ? Op::kMultiply : symbol == "/" ? Op::kDivide : symbol == "//" ? Op::kFloorDivide : Op::kModulo;
    TRY_ASSIGN(left, binary(op, std::move(left), &ExpressionParser::parse_power));
  }
  return left;
}

Result<NodePtr> ExpressionParser::parse_power() {
  TRY_ASSIGN(NodePtr left, parse_unary());
  while (skip_operator("**")) {
    TRY_ASSIGN(left, binary(Op::kPower, std::move(left), &ExpressionParser::parse_unary));
  }
  return left;
}

Result<NodePtr> ExpressionParser::parse_unary() { return parse_signed(true); }

Result<NodePtr> ExpressionParser::parse_signed(bool with_filters) {
  Depth depth(depth_);
  TRY(check_depth(depth_));
  NodePtr node;
  if (at_operator("-") || at_operator("+")) {
    node = make(take().text == "-" ? Op::kNegate : Op::kPlus);
    TRY_ASSIGN(NodePtr operand, parse_signed(false));
    TRY(add(*node, std::move(operand)));
  } else {
    TRY_ASSIGN(node, parse_primary());
  }
  TRY_ASSIGN(node, parse_postfix(std::move(node)));
  if (with_filters) return parse_filters(std::move(node));
  return node;
}

Result<NodePtr> ExpressionParser::parse_primary() {
  const Token token = peek();
  switch (token.kind) {
    case TokenKind::kName: return parse_name();
    case TokenKind::kString: {
      std::string text;
      while (peek().kind == TokenKind::kString) text += take().text;
      return literal(make_string(std::move(text)));
    }
    case TokenKind::kInteger: {
      int64_t number = 0;
      auto end = token.text.data() + token.text.size();
      if (std::from_chars(token.text.data(), end, number).ec != std::errc()) return error("the number " + token.text + " is too large");
      take();
      return literal(number);
    }
    case TokenKind::kFloat: {
      double number = 0;
      std::from_chars(token.text.data(), token.text.data() + token.text.size(), number);
      take();
      return literal(number);
    }
    case TokenKind::kOperator:
      if (token.text == "(") return parse_parenthesis();
      if (token.text == "[") return parse_list();
      if (token.text == "{") return parse_dict();
      break;
    default: break;
  }
  return error("expected an expression, got '" + token.text + "'");
}

Result<NodePtr> ExpressionParser::parse_name() {
  NodePtr node = make(Op::kName);
  const std::string& name = take().text;
  if (name == "true" || name == "True") return literal(true);
  if (name == "false" || name == "False") return literal(false);
  if (name == "none" || name == "None") return literal(None{});
  node->name = name;
  return node;
}

Result<NodePtr> ExpressionParser::parse_parenthesis() {
  take();
  if (skip_operator(")")) return make(Op::kTuple);
  TRY_ASSIGN(NodePtr node, parse_tuple(true));
  TRY(expect_operator(")"));
  return node;
}

Result<NodePtr> ExpressionParser::parse_tuple(bool with_condition) {
  Parse item = with_condition ? &ExpressionParser::parse_expression : &ExpressionParser::parse_or;
  TRY_ASSIGN(NodePtr first, (this->*item)());
  if (!at_operator(",")) return first;
  NodePtr node = make(Op::kTuple);
  TRY(add(*node, std::move(first)));
  while (skip_operator(",")) {
    TokenKind kind = peek().kind;
    if (at_operator(")") || at_operator("]") || kind == TokenKind::kBlockEnd || kind == TokenKind::kOutputEnd) break;
    TRY_ASSIGN(NodePtr next, (this->*item)());
    TRY(add(*node, std::move(next)));
  }
  return node;
}

Result<NodePtr> ExpressionParser::parse_list() {
  NodePtr node = make(Op::kList);
  take();
  while (!at_operator("]")) {
    if (!node->operands.empty()) TRY(expect_operator(","));
    if (at_operator("]")) break;
    TRY_ASSIGN(NodePtr item, parse_expression());
    TRY(add(*node, std::move(item)));
  }
  take();
  return node;
}

Result<NodePtr> ExpressionParser::parse_dict() {
  NodePtr node = make(Op::kDict);
  take();
  while (!at_operator("}")) {
    if (!node->operands.empty()) TRY(expect_operator(","));
    if (at_operator("}")) break;
    TRY_ASSIGN(NodePtr key, parse_expression());
    TRY(add(*node, std::move(key)));
    TRY(expect_operator(":"));
    TRY_ASSIGN(NodePtr value, parse_expression());
    TRY(add(*node, std::move(value)));
  }
  take();
  return node;
}

Result<NodePtr> ExpressionParser::parse_postfix(NodePtr node) {
  while (true) {
    if (skip_operator(".")) {
      NodePtr next = make(peek().kind == TokenKind::kInteger ? Op::kItem : Op::kAttribute);
      TRY(add(*next, std::move(node)));
      if (next->op == Op::kItem) {
        TRY_ASSIGN(NodePtr index, parse_primary());
        TRY(add(*next, std::move(index)));
      } else {
        TRY_ASSIGN(next->name, expect_name("a name after '.'"));
      }
      node = std::move(next);
    } else if (at_operator("[")) {
      TRY_ASSIGN(node, parse_subscript(std::move(node)));
    } else if (at_operator("(")) {
      TRY_ASSIGN(node, parse_call(std::move(node)));
    } else {
      return node;
    }
  }
}

Result<NodePtr> ExpressionParser::parse_subscript(NodePtr object) {
  NodePtr node = make(Op::kItem);
  TRY(add(*node, std::move(object)));
  take();
  NodePtr part;
  if (!at_operator(":")) {
    TRY_ASSIGN(part, parse_tuple(true));
  }
  TRY(add(*node, std::move(part)));
  while (skip_operator(":")) {
    node->op = Op::kSlice;
    NodePtr next;
    if (!at_operator(":") && !at_operator("]")) {
      TRY_ASSIGN(next, parse_expression());
    }
    TRY(add(*node, std::move(next)));
  }
  if (node->operands.size() > 4) return error("a slice has at most three parts");
  TRY(expect_operator("]"));
  return node;
}

Result<NodePtr> ExpressionParser::parse_call(NodePtr callee) {
  NodePtr call = make(Op::kCall);
  TRY(add(*call, std::move(callee)));
  TRY(parse_arguments(*call));
  return call;
}

Status ExpressionParser::parse_arguments(Node& call) {
  TRY(expect_operator("("));
  for (bool first = true; !at_operator(")"); first = false) {
    if (!first) TRY(expect_operator(","));
    if (at_operator(")")) break;
    if (at_operator("*") || at_operator("**")) return error("* and ** arguments are not supported");
    if (peek().kind == TokenKind::kName && peek(1).kind == TokenKind::kOperator && peek(1).text == "=") {
      std::string name = take().text;
      take();
      TRY_ASSIGN(NodePtr value, parse_expression());
      TRY(add_keyword(call, std::move(name), std::move(value)));
    } else {
      if (!call.keywords.empty()) return error("a positional argument after a named one");
      TRY_ASSIGN(NodePtr value, parse_expression());
      TRY(add(call, std::move(value)));
    }
  }
  take();
  return {};
}

Result<NodePtr> ExpressionParser::parse_filters(NodePtr node) {
  while (true) {
    if (skip_operator("|")) {
      TRY_ASSIGN(node, parse_filter(std::move(node)));
    } else if (skip_name("is")) {
      TRY_ASSIGN(node, parse_test(std::move(node)));
    } else if (at_operator("(")) {
      TRY_ASSIGN(node, parse_call(std::move(node)));
    } else {
      return node;
    }
  }
}

Result<NodePtr> ExpressionParser::parse_filter(NodePtr input) {
  NodePtr filter = make(Op::kFilter);
  TRY(add(*filter, std::move(input)));
  TRY_ASSIGN(filter->name, expect_name("the name of a filter"));
  if (at_operator("(")) TRY(parse_arguments(*filter));
  return filter;
}

Result<NodePtr> ExpressionParser::parse_test(NodePtr input) {
  const bool negated = skip_name("not");
  NodePtr test = make(Op::kTest);
  TRY(add(*test, std::move(input)));
  TRY_ASSIGN(test->name, expect_name("the name of a test"));
  const TokenKind kind = peek().kind;
  const bool value = kind == TokenKind::kString || kind == TokenKind::kInteger || kind == TokenKind::kFloat || at_operator("[") || at_operator("{");
  const bool name = kind == TokenKind::kName && !at_name("else") && !at_name("or") && !at_name("and") && !at_name("is") && !at_name("if") && !at_name("in") &&
                    !at_name("not");
  if (at_operator("(")) {
    TRY(parse_arguments(*test));
  } else if (value || name) {
    TRY_ASSIGN(NodePtr argument, parse_primary());
    TRY_ASSIGN(argument, parse_postfix(std::move(argument)));
    TRY(add(*test, std::move(argument)));
  }
  if (!negated) return test;
  NodePtr node = make(Op::kNot);
  TRY(add(*node, std::move(test)));
  return node;
}

}  // namespace strata::templates
