// Recursive descent over the tokens. The order of precedence is Jinja's: if-else, or, and, not, comparisons, + -, ~, * / // %, **,
// sign, then calls, attributes, filters and tests.
#include <algorithm>
#include <charconv>

#include "model/template/lexer.h"
#include "model/template/syntax.h"

namespace strata::templates {
namespace {

constexpr int kBodyDepthMax = 60;

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<Body> run() {
    TRY_ASSIGN(Body body, parse_body({}));
    if (peek().kind != TokenKind::kEnd) return error("unexpected tag " + peek(1).text);
    return body;
  }

 private:
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
  // Adds an operand (which may be null) and keeps the depth.
  Status add(Node& node, NodePtr operand) {
    if (operand) node.depth = std::max(node.depth, operand->depth + 1);
    node.operands.push_back(std::move(operand));
    if (node.depth > kSyntaxDepthMax) return error("an expression nests deeper than " + std::to_string(kSyntaxDepthMax));
    return {};
  }
  Status add_keyword(Node& node, std::string name, NodePtr operand) {
    node.depth = std::max(node.depth, operand->depth + 1);
    node.keywords.emplace_back(std::move(name), std::move(operand));
    if (node.depth > kSyntaxDepthMax) return error("an expression nests deeper than " + std::to_string(kSyntaxDepthMax));
    return {};
  }
  NodePtr literal(Value value) const {
    NodePtr node = make(Op::kLiteral);
    node->value = std::move(value);
    return node;
  }
  using Parse = Result<NodePtr> (Parser::*)();

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
  Result<NodePtr> parse_expression() {
    Depth depth(depth_);
    if (depth_ > kSyntaxDepthMax) return error("an expression nests deeper than " + std::to_string(kSyntaxDepthMax));
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

  Result<NodePtr> parse_or() {
    TRY_ASSIGN(NodePtr left, parse_and());
    while (skip_name("or")) {
      TRY_ASSIGN(left, binary(Op::kOr, std::move(left), &Parser::parse_and));
    }
    return left;
  }
  Result<NodePtr> parse_and() {
    TRY_ASSIGN(NodePtr left, parse_not());
    while (skip_name("and")) {
      TRY_ASSIGN(left, binary(Op::kAnd, std::move(left), &Parser::parse_not));
    }
    return left;
  }
  Result<NodePtr> parse_not() {
    if (!at_name("not")) return parse_compare();
    Depth depth(depth_);
    if (depth_ > kSyntaxDepthMax) return error("an expression nests deeper than " + std::to_string(kSyntaxDepthMax));
    take();
    NodePtr node = make(Op::kNot);
    TRY_ASSIGN(NodePtr operand, parse_not());
    TRY(add(*node, std::move(operand)));
    return node;
  }

  std::string compare_operator() {
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
  Result<NodePtr> parse_compare() {
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
  Result<NodePtr> parse_sum() {
    TRY_ASSIGN(NodePtr left, parse_concat());
    while (at_operator("+") || at_operator("-")) {
      Op op = take().text == "+" ? Op::kAdd : Op::kSubtract;
      TRY_ASSIGN(left, binary(op, std::move(left), &Parser::parse_concat));
    }
    return left;
  }
  Result<NodePtr> parse_concat() {
    TRY_ASSIGN(NodePtr left, parse_product());
    while (skip_operator("~")) {
      TRY_ASSIGN(left, binary(Op::kConcat, std::move(left), &Parser::parse_product));
    }
    return left;
  }
  Result<NodePtr> parse_product() {
    TRY_ASSIGN(NodePtr left, parse_power());
    while (at_operator("*") || at_operator("/") || at_operator("//") || at_operator("%")) {
      const std::string symbol = take().text;
      Op op = symbol == "*" ? Op::kMultiply : symbol == "/" ? Op::kDivide : symbol == "//" ? Op::kFloorDivide : Op::kModulo;
      TRY_ASSIGN(left, binary(op, std::move(left), &Parser::parse_power));
    }
    return left;
  }
  Result<NodePtr> parse_power() {
    TRY_ASSIGN(NodePtr left, parse_unary());
    while (skip_operator("**")) {
      TRY_ASSIGN(left, binary(Op::kPower, std::move(left), &Parser::parse_unary));
    }
    return left;
  }
  Result<NodePtr> parse_unary() { return parse_signed(true); }
  Result<NodePtr> parse_signed(bool with_filters) {
    Depth depth(depth_);
    if (depth_ > kSyntaxDepthMax) return error("an expression nests deeper than " + std::to_string(kSyntaxDepthMax));
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

  Result<NodePtr> parse_primary() {
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

  Result<NodePtr> parse_name() {
    NodePtr node = make(Op::kName);
    const std::string& name = take().text;
    if (name == "true" || name == "True") return literal(true);
    if (name == "false" || name == "False") return literal(false);
    if (name == "none" || name == "None") return literal(None{});
    node->name = name;
    return node;
  }
  Result<NodePtr> parse_parenthesis() {
    take();
    if (skip_operator(")")) return make(Op::kTuple);
    TRY_ASSIGN(NodePtr node, parse_tuple(true));
    TRY(expect_operator(")"));
    return node;
  }
  // An expression, or a tuple where commas follow.
  Result<NodePtr> parse_tuple(bool with_condition) {
    Parse item = with_condition ? &Parser::parse_expression : &Parser::parse_or;
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
  Result<NodePtr> parse_list() {
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
  Result<NodePtr> parse_dict() {
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

  Result<NodePtr> parse_postfix(NodePtr node) {
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
        NodePtr call = make(Op::kCall);
        TRY(add(*call, std::move(node)));
        TRY(parse_arguments(*call));
        node = std::move(call);
      } else {
        return node;
      }
    }
  }
  Result<NodePtr> parse_subscript(NodePtr object) {
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
  Status parse_arguments(Node& call) {
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

  Result<NodePtr> parse_filters(NodePtr node) {
    while (true) {
      if (skip_operator("|")) {
        TRY_ASSIGN(node, parse_filter(std::move(node)));
      } else if (skip_name("is")) {
        TRY_ASSIGN(node, parse_test(std::move(node)));
      } else if (at_operator("(")) {
        NodePtr call = make(Op::kCall);
        TRY(add(*call, std::move(node)));
        TRY(parse_arguments(*call));
        node = std::move(call);
      } else {
        return node;
      }
    }
  }
  Result<NodePtr> parse_filter(NodePtr input) {
    NodePtr filter = make(Op::kFilter);
    TRY(add(*filter, std::move(input)));
    TRY_ASSIGN(filter->name, expect_name("the name of a filter"));
    if (at_operator("(")) TRY(parse_arguments(*filter));
    return filter;
  }
  Result<NodePtr> parse_test(NodePtr input) {
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

  // ---- Statements ----
  // Up to a block whose name is in `ends` (left unread), or the end.
  Result<Body> parse_body(const std::vector<std::string_view>& ends) {
    Depth depth(body_depth_);
    if (body_depth_ > kBodyDepthMax) return error("blocks nest deeper than " + std::to_string(kBodyDepthMax));
    Body body;
    while (peek().kind != TokenKind::kEnd) {
      if (peek().kind == TokenKind::kBlockBegin && std::find(ends.begin(), ends.end(), peek(1).text) != ends.end()) return body;
      if (peek().kind == TokenKind::kBlockBegin && peek(1).text.rfind("end", 0) == 0 && ends.empty()) return body;
      auto statement = std::make_unique<Statement>();
      statement->line = peek().line;
      const Token& token = take();
      if (token.kind == TokenKind::kText) {
        statement->kind = StatementKind::kText;
        statement->text = token.text;
      } else if (token.kind == TokenKind::kOutputBegin) {
        statement->kind = StatementKind::kOutput;
        TRY_ASSIGN(statement->expression, parse_tuple(true));
        TRY(expect(TokenKind::kOutputEnd, "}}"));
      } else {
        TRY(parse_block(*statement));
      }
      body.push_back(std::move(statement));
    }
    if (!ends.empty()) return error("expected {% " + std::string(ends.back()) + " %}, got the end of the template");
    return body;
  }
  // {% name %}, which parse_body() stopped at.
  Result<std::string> take_end() {
    take();
    std::string name = take().text;
    if (name == "elif") return name;
    TRY(end_block());
    return name;
  }

  Status parse_block(Statement& statement) {
    TRY_ASSIGN(std::string name, expect_name("the name of a tag"));
    if (name == "if") return parse_if(statement);
    if (name == "for") return parse_for(statement);
    if (name == "set") return parse_set(statement);
    if (name == "macro") return parse_macro(statement);
    if (name == "filter") return parse_filter_block(statement);
    if (name == "generation") {  // marks what the assistant wrote, for training
      statement.kind = StatementKind::kBody;
      TRY(end_block());
      return parse_until(statement.body, "endgeneration");
    }
    if (name == "break" || name == "continue") {
      if (loops_ == 0) return error(name + " outside of a loop");
      statement.kind = name == "break" ? StatementKind::kBreak : StatementKind::kContinue;
      return end_block();
    }
    return error("the tag " + name + " is not supported (if, for, set, macro, filter, raw, break, continue and generation are)");
  }
  Status parse_until(Body& body, std::string_view end) {
    TRY_ASSIGN(body, parse_body({end}));
    TRY(take_end());
    return {};
  }

  Status parse_if(Statement& statement) {
    statement.kind = StatementKind::kIf;
    std::string name = "if";
    while (name != "endif") {
      NodePtr condition;
      if (name != "else") {
        TRY_ASSIGN(condition, parse_tuple(true));
        TRY(end_block());
      }
      const bool last = name == "else";
      TRY_ASSIGN(Body body, last ? parse_body({"endif"}) : parse_body({"elif", "else", "endif"}));
      statement.branches.emplace_back(std::move(condition), std::move(body));
      TRY_ASSIGN(name, take_end());
    }
    return {};
  }

  Status parse_targets(Statement& statement, bool members) {
    const bool parenthesis = skip_operator("(");
    do {
      TRY_ASSIGN(std::string name, expect_name("a variable's name"));
      if (members && skip_operator(".")) {
        TRY_ASSIGN(std::string member, expect_name("a name after '.'"));
        (name += '.') += member;
      }
      statement.targets.push_back(std::move(name));
    } while (skip_operator(",") && !at_operator(")"));
    if (parenthesis) TRY(expect_operator(")"));
    return {};
  }

  Status parse_for(Statement& statement) {
    statement.kind = StatementKind::kFor;
    TRY(parse_targets(statement, false));
    if (!skip_name("in")) return error("expected 'in', got '" + peek().text + "'");
    TRY_ASSIGN(statement.expression, parse_tuple(false));
    if (skip_name("if")) {
      TRY_ASSIGN(statement.condition, parse_expression());
    }
    skip_name("recursive");  // without the call of loop() that it allows, which is refused when it comes
    TRY(end_block());
    ++loops_;
    TRY_ASSIGN(statement.body, parse_body({"else", "endfor"}));
    --loops_;
    TRY_ASSIGN(std::string end, take_end());
    if (end == "else") return parse_until(statement.otherwise, "endfor");
    return {};
  }

  Status parse_set(Statement& statement) {
    TRY(parse_targets(statement, true));
    if (skip_operator("=")) {
      statement.kind = StatementKind::kSet;
      TRY_ASSIGN(statement.expression, parse_tuple(true));
      return end_block();
    }
    statement.kind = StatementKind::kSetBlock;
    if (statement.targets.size() != 1) return error("expected '=', got '" + peek().text + "'");
    TRY(parse_block_filters(statement));
    return parse_until(statement.body, "endset");
  }

  // | trim | upper %}: an expression over the block's text, which stands under the name "".
  Status parse_block_filters(Statement& statement) {
    statement.expression = make(Op::kName);
    while (skip_operator("|")) {
      TRY_ASSIGN(statement.expression, parse_filter(std::move(statement.expression)));
    }
    return end_block();
  }
  Status parse_filter_block(Statement& statement) {
    statement.kind = StatementKind::kFilterBlock;
    TRY_ASSIGN(statement.expression, parse_filter(make(Op::kName)));
    while (skip_operator("|")) {
      TRY_ASSIGN(statement.expression, parse_filter(std::move(statement.expression)));
    }
    TRY(end_block());
    return parse_until(statement.body, "endfilter");
  }

  Status parse_macro(Statement& statement) {
    statement.kind = StatementKind::kMacro;
    TRY_ASSIGN(statement.macro.name, expect_name("the macro's name"));
    TRY(expect_operator("("));
    while (!at_operator(")")) {
      if (!statement.macro.parameters.empty()) TRY(expect_operator(","));
      TRY_ASSIGN(std::string name, expect_name("a parameter's name"));
      NodePtr otherwise;
      if (skip_operator("=")) {
        TRY_ASSIGN(otherwise, parse_expression());
      }
      statement.macro.parameters.emplace_back(std::move(name), std::move(otherwise));
    }
    take();
    TRY(end_block());
    const int loops = std::exchange(loops_, 0);
    TRY_ASSIGN(statement.macro.body, parse_body({"endmacro"}));
    loops_ = loops;
    TRY(take_end());
    return {};
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0, body_depth_ = 0, loops_ = 0;
};

}  // namespace

Result<Body> parse_template(std::string_view source) {
  TRY_ASSIGN(std::vector<Token> tokens, lex_template(source));
  return Parser(std::move(tokens)).run();
}

}  // namespace strata::templates
