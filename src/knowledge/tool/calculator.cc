// "calculator": + - * / % ^, brackets, functions and constants, on doubles.
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>

#include "base/text.h"
#include "knowledge/tool/tool.h"

namespace strata::tool {
namespace {

constexpr int kDepthMost = 100;

struct Function {
  std::string_view name;
  int arguments;                       // 1 or 2; 0: one or more
  double (*of)(double, double);        // of more than two: folded from the left
};
constexpr std::array<Function, 18> kFunctions = {{
    {"sqrt", 1, [](double a, double) { return std::sqrt(a); }},
    {"cbrt", 1, [](double a, double) { return std::cbrt(a); }},
    {"abs", 1, [](double a, double) { return std::abs(a); }},
    {"floor", 1, [](double a, double) { return std::floor(a); }},
    {"ceil", 1, [](double a, double) { return std::ceil(a); }},
    {"round", 1, [](double a, double) { return std::round(a); }},
    {"exp", 1, [](double a, double) { return std::exp(a); }},
    {"ln", 1, [](double a, double) { return std::log(a); }},
    {"log10", 1, [](double a, double) { return std::log10(a); }},
    {"log2", 1, [](double a, double) { return std::log2(a); }},
    {"sin", 1, [](double a, double) { return std::sin(a); }},
    {"cos", 1, [](double a, double) { return std::cos(a); }},
    {"tan", 1, [](double a, double) { return std::tan(a); }},
    {"atan2", 2, [](double a, double b) { return std::atan2(a, b); }},
    {"pow", 2, [](double a, double b) { return std::pow(a, b); }},
    {"hypot", 2, [](double a, double b) { return std::hypot(a, b); }},
    {"min", 0, [](double a, double b) { return std::fmin(a, b); }},
    {"max", 0, [](double a, double b) { return std::fmax(a, b); }},
}};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Expression {
 public:
  explicit Expression(std::string_view text) : text_(text) {}

  // nullopt: problem() says what is wrong.
  std::optional<double> value() {
    const double out = sum();
    if (!problem_ && !at_end()) fail("an operator or the end");
    if (problem_) return std::nullopt;
    return out;
  }
  const std::optional<schema::Problem>& problem() const { return problem_; }

 private:
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }
  bool at_end() {
    skip();
    return at_ >= text_.size();
  }
  bool take(char c) {
    skip();
    if (problem_ || at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  double fail(const std::string& expected, std::string_view nearest = "") {
    if (problem_) return 0;
    skip();
    const std::string got = at_ >= text_.size() ? "the end" : "'" + std::string(text_.substr(at_, utf8_complete_prefix(text_.substr(at_, 20)))) + "'";
    problem_ = schema::Problem{"/expression", "syntax", expected, got + " at byte " + std::to_string(at_), std::string(nearest)};
    return 0;
  }

  double sum() {
    if (++depth_ > kDepthMost) return fail("at most 100 levels of brackets");
    double out = product();
    while (!problem_) {
      if (take('+')) out += product();
      else if (take('-')) out -= product();
      else break;
    }
    --depth_;
    return out;
  }
  double product() {
    double out = signed_power();
    while (!problem_) {
      if (take('*')) out *= signed_power();
      else if (take('/')) out /= signed_power();
      else if (take('%')) out = std::fmod(out, signed_power());
      else break;
    }
    return out;
  }
  double signed_power() {
    if (++depth_ > kDepthMost) return fail("at most 100 signs in a row");
    const double out = take('-') ? -signed_power() : take('+') ? signed_power() : power();
    --depth_;
    return out;
  }
  double power() {
    const double base = atom();
    const bool raised = take('^') || (at_ + 1 < text_.size() && text_[at_] == '*' && text_[at_ + 1] == '*' && take('*') && take('*'));
    return raised ? std::pow(base, signed_power()) : base;
  }
  double atom() {
    if (take('(')) {
      const double out = sum();
      return take(')') ? out : fail("')'");
    }
    skip();
    if (at_ < text_.size() && is_letter(text_[at_])) return name();
    double out = 0;
    const char* begin = text_.data() + at_;
    if (at_ >= text_.size() || (!is_digit(*begin) && *begin != '.')) return fail("a number, a bracket or a function");
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), out);
    if (error != std::errc()) return fail("a number");
    at_ += static_cast<size_t>(end - begin);
    return out;
  }
  double name() {
    const size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
    const std::string word = ascii_lower(text_.substr(begin, at_ - begin));
    if (word == "pi") return std::numbers::pi;
    if (word == "e") return std::numbers::e;
    for (const Function& function : kFunctions) {
      if (function.name == word) return call(function);
    }
    std::vector<std::string_view> names = {"pi", "e"};
    std::string all = "pi, e";
    for (const Function& function : kFunctions) names.push_back(function.name), all += ", " + std::string(function.name);
    at_ = begin;
    return fail("one of " + all, nearest_name(word, names));
  }
  double call(const Function& function) {
    if (!take('(')) return fail("'(' after " + std::string(function.name));
    double out = sum();
    int count = 1;
    while (take(',')) {
      const double next = sum();
      ++count;
      out = function.of(out, next);
    }
    if (function.arguments == 1) out = function.of(out, 0);
    if (!take(')')) return fail("')'");
    if (function.arguments > 0 && count != function.arguments) return fail(std::to_string(function.arguments) + " arguments of " + std::string(function.name));
    return out;
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  std::optional<schema::Problem> problem_;
};

}  // namespace

std::unique_ptr<Tool> make_calculator() {
  Description about;
  about.name = "calculator";
  about.description = "Computes an arithmetic expression, such as (3 + 4) * sqrt(2) ^ 2. Angles are in radians.";
  about.parameters = *Json::parse(R"({"type":"object","properties":{"expression":{"type":"string","minLength":1,"maxLength":4000}},
    "required":["expression"],"additionalProperties":false})");
  about.result = *Json::parse(R"({"type":"object","properties":{"value":{"type":"number"}},"required":["value"],"additionalProperties":false})");
  about.limits.calls_per_minute = 6'000;
  return make_tool(std::move(about), [](const Context&, const Invocation& call) -> Result<Answer> {
    Expression expression(*call.arguments["expression"].as_string());
    const auto value = expression.value();
    if (!value) return Answer::failed("syntax", expression.problem()->text(), {*expression.problem()});
    if (!std::isfinite(*value)) return Answer::failed("not_a_number", "the expression has no finite value (a division by zero, or out of range)");
    return Answer::of(Json::object({{"value", *value}}));
  });
}

}  // namespace strata::tool
