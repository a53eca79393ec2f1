// Statements: what stands between the marks of a template, and its blocks.
#include <algorithm>

#include "model/template/expressions.h"

namespace strata::templates {
namespace {

constexpr int kBodyDepthMax = 60;

class Parser : private ExpressionParser {
 public:
  explicit Parser(std::vector<Token> tokens) : ExpressionParser(std::move(tokens)) {}

  Result<Body> run() {
    TRY_ASSIGN(Body body, parse_body({}));
    if (peek().kind != TokenKind::kEnd) return error("unexpected tag " + peek(1).text);
    return body;
  }

 private:
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

  int body_depth_ = 0, loops_ = 0;
};

}  // namespace

Result<Body> parse_template(std::string_view source) {
  TRY_ASSIGN(std::vector<Token> tokens, lex_template(source));
  return Parser(std::move(tokens)).run();
}

}  // namespace strata::templates
