// Recursive descent over a template's tokens, the part that statements build on: tokens, nodes and expressions. Internal to
// model/template. The order of precedence is Jinja's: if-else, or, and, not, comparisons, + -, ~, * / // %, **, sign, then calls,
// attributes, filters and tests. Depth is bounded: kSyntaxDepthMax nested expressions.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/template/lexer.h"
#include "model/template/syntax.h"

namespace strata::templates {

class ExpressionParser {
 protected:
  explicit ExpressionParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  // ---- Tokens ----
  const Token& peek(size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  const Token& take() {
    const Token& token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool at_operator(std::string_view text) const { return peek().kind == TokenKind::kOperator && peek().text == text; }
  bool at_name(std::string_view text) const { return peek().kind == TokenKind::kName && peek().text == text; }
  bool skip_operator(std::string_view text) { return at_operator(text) && (take(), true); }
  bool skip_name(std::string_view text) { return at_name(text) && (take(), true); }
  Error error(const std::string& message) const { return invalid_argument("template, line " + std::to_string(peek().line) + ": " + message); }
  Status expect_operator(std::string_view text) {
    if (skip_operator(text)) return {};
    return error("expected '" + std::string(text) + "', got '" + peek().text + "'");
  }
  Status expect(TokenKind kind, std::string_view what) {
    if (peek().kind != kind) return error("expected " + std::string(what) + ", got '" + peek().text + "'");
    take();
    return {};
  }
  Status end_block() { return expect(TokenKind::kBlockEnd, "%}"); }
  Result<std::string> expect_name(std::string_view what) {
    if (peek().kind != TokenKind::kName) return error("expected " + std::string(what) + ", got '" + peek().text + "'");
    return take().text;
  }

  // ---- Nodes ----
  NodePtr make(Op op) const {
    auto node = std::make_unique<Node>();
    node->op = op;
    node->line = peek().line;
    return node;
  }
  Status check_depth(int depth) const {
    if (depth <= kSyntaxDepthMax) return {};
    return error("an expression nests deeper than " + std::to_string(kSyntaxDepthMax));
  }
  // Adds an operand (which may be null) and keeps the depth.
  Status add(Node& node, NodePtr operand) {
    if (operand) node.depth = std::max(node.depth, operand->depth + 1);
    node.operands.push_back(std::move(operand));
    return check_depth(node.depth);
  }
  Status add_keyword(Node& node, std::string name, NodePtr operand) {
    node.depth = std::max(node.depth, operand->depth + 1);
    node.keywords.emplace_back(std::move(name), std::move(operand));
    return check_depth(node.depth);
  }
  NodePtr literal(Value value) const {
    NodePtr node = make(Op::kLiteral);
    node->value = std::move(value);
    return node;
  }
  using Parse = Result<NodePtr> (ExpressionParser::*)();

  Result<NodePtr> binary(Op op, NodePtr left, Parse right) {
    NodePtr node = make(op);
    TRY(add(*node, std::move(left)));
    TRY_ASSIGN(NodePtr second, (this->*right)());
    TRY(add(*node, std::move(second)));
    return node;
  }

  // Counts nested calls of the parser itself: "((((…".
  struct Depth {
    int& depth;
    explicit Depth(int& d) : depth(++d) {}
    ~Depth() { --depth; }
  };

  // ---- Expressions ----
  Result<NodePtr> parse_expression();
  Result<NodePtr> parse_or();
  Result<NodePtr> parse_and();
  Result<NodePtr> parse_not();
  std::string compare_operator();
  Result<NodePtr> parse_compare();
  Result<NodePtr> parse_sum();
  Result<NodePtr> parse_concat();
  Result<NodePtr> parse_product();
  Result<NodePtr> parse_power();
  Result<NodePtr> parse_unary();
  Result<NodePtr> parse_signed(bool with_filters);
  Result<NodePtr> parse_primary();
  Result<NodePtr> parse_name();
  Result<NodePtr> parse_parenthesis();
  // An expression, or a tuple where commas follow.
  Result<NodePtr> parse_tuple(bool with_condition);
  Result<NodePtr> parse_list();
  Result<NodePtr> parse_dict();
  Result<NodePtr> parse_postfix(NodePtr node);
  Result<NodePtr> parse_subscript(NodePtr object);
  Result<NodePtr> parse_call(NodePtr callee);
  Status parse_arguments(Node& call);
  Result<NodePtr> parse_filters(NodePtr node);
  Result<NodePtr> parse_filter(NodePtr input);
  Result<NodePtr> parse_test(NodePtr input);

 private:
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace strata::templates
