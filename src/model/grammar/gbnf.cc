// Context-free grammars in GBNF, the notation that llama.cpp, vLLM and XGrammar read:
//
//   root  ::= expr ("," ws expr)*        # the whole output is a root
//   expr  ::= expr "+" term | term       # a rule may begin with itself
//   term  ::= [0-9]{1,9} | "(" expr ")"
//   ws    ::= " "?
//
// Literals and sets know \n \r \t \\ \" \[ \] \- \^ \xNN \uNNNN \UNNNNNNNN; `.` is any character; * + ? {n} {n,} {,n} {n,m} repeat.
// A rule ends where the next `name ::=` begins, so lines may break anywhere.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "model/grammar/builder.h"

namespace strata::grammar {
namespace {

constexpr int kDepthMost = 64;
constexpr size_t kRulesMost = 1024;

struct Item;
using Alternative = std::vector<Item>;
struct Item {
  enum class Kind { kText, kSet, kRule, kGroup } kind;
  std::string text;
  CodePoints set;
  size_t rule = 0;
  std::vector<Alternative> group;
  int least = 1, most = 1;               // most -1: any number
};
struct Rule {
  std::string name;
  bool defined = false;
  size_t used_at = 0;                    // for the error where it is not
  std::vector<Alternative> ways;
};

bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }
int hex_value(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

class Parser {
 public:
  Parser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  Result<std::vector<Rule>> rules() {
    skip_blank();
    while (at_ < text_.size()) {
      const size_t begin = at_;
      const std::string_view name = take_name();
      skip_blank();
      if (name.empty() || !take("::=")) return error("expected a rule, as in 'root ::= \"yes\" | \"no\"'", begin);
      TRY_ASSIGN(const size_t rule, rule_of(name, begin));
      if (rules_[rule].defined) return error("rule '" + std::string(name) + "' is defined twice", begin);
      skip_blank();
      TRY_ASSIGN(std::vector<Alternative> ways, alternatives(0));
      rules_[rule].ways = std::move(ways);
      rules_[rule].defined = true;
      if (at_ < text_.size() && text_[at_] == ')') return error("a ')' without its '('");
    }
    if (!ids_.contains("root") || !rules_[ids_.find("root")->second].defined) return error("a grammar needs a rule 'root'", 0);
    for (const Rule& rule : rules_) {
      if (!rule.defined) return undefined(rule);
    }
    return std::move(rules_);
  }

 private:
  Error error(const std::string& what, std::optional<size_t> at = {}) const {
    const std::string_view before = text_.substr(0, at.value_or(at_));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const size_t column = before.size() - (before.rfind('\n') + 1) + 1;    // npos + 1 is 0
    return invalid_argument(where_ + ": line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + what, where_);
  }
  Error undefined(const Rule& rule) const {
    std::vector<std::string_view> names;
    for (const Rule& other : rules_) {
      if (other.defined) names.push_back(other.name);
    }
    const std::string_view near = nearest_name(rule.name, names);
    return error("no rule is named '" + rule.name + "'" + (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"), rule.used_at);
  }

  bool take(std::string_view s) {
    if (text_.substr(at_, s.size()) != s) return false;
    at_ += s.size();
    return true;
  }
  void skip_blank() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') at_ = std::min(text_.find('\n', at_), text_.size());
      else if (std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
      else return;
    }
  }
  std::string_view take_name() {
    const size_t begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  Result<size_t> rule_of(std::string_view name, size_t used_at) {
    const auto [it, fresh] = ids_.try_emplace(std::string(name), rules_.size());
    if (fresh) rules_.push_back({.name = std::string(name), .used_at = used_at});
    if (rules_.size() > kRulesMost) return error("more than " + std::to_string(kRulesMost) + " rules");
    return it->second;
  }
  bool rule_begins() {
    const size_t here = at_;
    const bool named = !take_name().empty();
    skip_blank();
    const bool out = named && take("::=");
    at_ = here;
    return out;
  }

  Result<std::vector<Alternative>> alternatives(int depth) {
    if (depth > kDepthMost) return error("groups nested deeper than " + std::to_string(kDepthMost));
    std::vector<Alternative> out;
    do {
      skip_blank();
      Alternative one;
      while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')' && !(depth == 0 && rule_begins())) {
        TRY_ASSIGN(Item item, atom(depth));
        TRY(repetition(item));
        one.push_back(std::move(item));
        skip_blank();
      }
      out.push_back(std::move(one));
    } while (take("|"));
    return out;
  }

  Result<Item> atom(int depth) {
    const size_t begin = at_;
    if (take("(")) {
      TRY_ASSIGN(std::vector<Alternative> inside, alternatives(depth + 1));
      if (!take(")")) return error("a '(' that is not closed", begin);
      return Item{.kind = Item::Kind::kGroup, .group = std::move(inside)};
    }
    if (take(".")) return Item{.kind = Item::Kind::kSet, .set = complement({})};
    if (take("[")) return set(begin);
    if (take("\"")) return literal(begin);
    const std::string_view name = take_name();
    if (name.empty()) return error("expected a literal, a set, a group or a rule's name, not '" + std::string(text_.substr(at_, 1)) + "'");
    TRY_ASSIGN(const size_t rule, rule_of(name, begin));
    return Item{.kind = Item::Kind::kRule, .rule = rule};
  }

  Result<Item> literal(size_t begin) {
    Item out{.kind = Item::Kind::kText};
    while (!take("\"")) {
      if (at_ == text_.size()) return error("a literal that is not closed", begin);
      TRY_ASSIGN(const uint32_t c, character());
      utf8_append(out.text, c);
    }
    return out;
  }
  Result<Item> set(size_t begin) {
    const bool inverted = take("^");
    CodePoints members;
    while (!take("]")) {
      if (at_ == text_.size()) return error("a '[' that is not closed", begin);
      TRY_ASSIGN(const uint32_t low, character());
      uint32_t high = low;
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        ++at_;
        TRY_ASSIGN(high, character());
        if (high < low) return error("a range that falls");
      }
      members.emplace_back(low, high);
    }
    return Item{.kind = Item::Kind::kSet, .set = inverted ? complement(std::move(members)) : std::move(members)};
  }
  Result<uint32_t> character() {
    if (take("\\")) return escape();
    size_t length = 1;
    const uint32_t c = utf8_decode(text_.substr(at_), &length);
    at_ += std::max<size_t>(length, 1);
    return c;
  }
  Result<uint32_t> escape() {
    static const std::map<char, uint32_t> kPlain = {{'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'\\', '\\'}, {'"', '"'},
                                                    {'[', '['},  {']', ']'},  {'-', '-'},  {'^', '^'}};
    static const std::map<char, int> kDigits = {{'x', 2}, {'u', 4}, {'U', 8}};
    const char kind = at_ < text_.size() ? text_[at_] : ' ';
    if (const auto it = kPlain.find(kind); it != kPlain.end()) return ++at_, it->second;
    const auto it = kDigits.find(kind);
    if (it == kDigits.end()) return error("an escape that is not known: \\" + std::string(1, kind));
    ++at_;
    uint32_t code = 0;
    for (int i = 0; i < it->second; ++i, ++at_) {
      const int value = at_ < text_.size() ? hex_value(text_[at_]) : -1;
      if (value < 0) return error("a wrong hexadecimal number");
      code = code << 4 | static_cast<uint32_t>(value);
    }
    if (code > kLastCodePoint || (code >= 0xd800 && code <= 0xdfff)) return error("an escape that is no character");
    return code;
  }

  Status repetition(Item& item) {
    for (bool first = true;; first = false) {
      const char c = at_ < text_.size() ? text_[at_] : ' ';
      if (c != '*' && c != '+' && c != '?' && c != '{') return {};
      if (!first) {                      // a repetition of a repetition
        Item inner = std::move(item);
        item = Item{.kind = Item::Kind::kGroup};
        item.group.push_back({});
        item.group.back().push_back(std::move(inner));
      }
      ++at_;
      if (c == '*') item.least = 0, item.most = -1;
      else if (c == '+') item.most = -1;
      else if (c == '?') item.least = 0;
      else TRY(counts(item));
    }
  }
  std::optional<int> number() {
    skip_blank();
    const size_t begin = at_;
    int out = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) out = std::min(out * 10 + (text_[at_] - '0'), kRepeatMost + 1);
    const bool any = at_ > begin;
    skip_blank();
    return any ? std::optional(out) : std::nullopt;
  }
  Status counts(Item& item) {
    const std::optional<int> least = number();
    const bool range = take(",");
    const std::optional<int> most = range ? number() : least;
    if (!take("}")) return error("expected {n}, {n,}, {,n} or {n,m}");
    if (!least && !most) return error("a '{' without numbers");
    item.least = least.value_or(0);
    item.most = most.value_or(-1);
    if (item.most >= 0 && item.most < item.least) return error("a count that falls");
    if (item.least > kRepeatMost) return error("a count over " + std::to_string(kRepeatMost));
    return {};
  }

  std::string_view text_;
  const std::string& where_;
  size_t at_ = 0;
  std::vector<Rule> rules_;
  std::map<std::string, size_t, std::less<>> ids_;
};

// Rules as pieces. A rule that begins with itself, `a ::= a x | y`, is the same language as y x*; one that does so by way of others is refused.
class Compiler {
 public:
  Compiler(std::vector<Rule> rules, const std::string& where) : rules_(std::move(rules)), where_(where), blank_(rules_.size(), 0) {}

  Result<std::shared_ptr<const Grammar>> compile() {
    for (Rule& rule : rules_) split_left(rule);
    find_blank();
    TRY(refuse_left_cycles());
    for (size_t i = 0; i < rules_.size(); ++i) ids_.push_back(b_.declare());
    for (size_t i = 0; i < rules_.size(); ++i) {
      b_.define(ids_[i], ways(rules_[i].ways));
      if (b_.full()) break;
    }
    const auto root = std::find_if(rules_.begin(), rules_.end(), [](const Rule& rule) { return rule.name == "root"; });
    return b_.finish(b_.call(ids_[static_cast<size_t>(root - rules_.begin())]), where_);
  }

 private:
  bool is_itself(const Item& item, const Rule& rule) const {
    return item.kind == Item::Kind::kRule && &rules_[item.rule] == &rule && item.least == 1 && item.most == 1;
  }
  void split_left(Rule& rule) const {
    std::vector<Alternative> first, more;
    for (Alternative& way : rule.ways) {
      if (way.empty() || !is_itself(way.front(), rule)) first.push_back(std::move(way));
      else way.erase(way.begin()), more.push_back(std::move(way));
    }
    rule.ways = std::move(first);
    if (more.empty()) return;
    Item begin{.kind = Item::Kind::kGroup, .group = std::move(rule.ways)};
    Item rest{.kind = Item::Kind::kGroup, .group = std::move(more), .least = 0, .most = -1};
    rule.ways.assign(1, {});
    rule.ways.front().push_back(std::move(begin));
    rule.ways.front().push_back(std::move(rest));
  }

  // Whether something may match no text at all, as far as is known of its rules.
  bool blank(const Item& item) const {
    if (item.least == 0) return true;
    switch (item.kind) {
      case Item::Kind::kText: return item.text.empty();
      case Item::Kind::kSet: return false;
      case Item::Kind::kRule: return blank_[item.rule];
      case Item::Kind::kGroup: return blank(item.group);
    }
    return false;
  }
  bool blank(const std::vector<Alternative>& ways) const {
    return std::any_of(ways.begin(), ways.end(),
                       [&](const Alternative& way) { return std::all_of(way.begin(), way.end(), [&](const Item& item) { return blank(item); }); });
  }
  void find_blank() {
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t i = 0; i < rules_.size(); ++i) {
        if (!blank_[i] && blank(rules_[i].ways)) blank_[i] = changed = true;
      }
    }
  }

  // Rules that may be the first thing of `ways`.
  void left(const std::vector<Alternative>& ways, std::set<size_t>& out) const {
    for (const Alternative& way : ways) {
      for (const Item& item : way) {
        if (item.kind == Item::Kind::kRule) out.insert(item.rule);
        if (item.kind == Item::Kind::kGroup) left(item.group, out);
        if (!blank(item)) break;
      }
    }
  }
  Status refuse_left_cycles() const {
    std::vector<std::set<size_t>> next(rules_.size());
    for (size_t i = 0; i < rules_.size(); ++i) left(rules_[i].ways, next[i]);
    for (size_t i = 0; i < rules_.size(); ++i) {
      std::vector<size_t> work(next[i].begin(), next[i].end());
      std::set<size_t> seen;
      while (!work.empty()) {
        const size_t at = work.back();
        work.pop_back();
        if (at == i) {
          return invalid_argument(where_ + ": rule '" + rules_[i].name +
                                      "' can begin with itself by way of other rules or of parts that may be empty; "
                                      "begin it with something else, or write 'a ::= a x | y' in one rule",
                                  where_);
        }
        if (seen.insert(at).second) work.insert(work.end(), next[at].begin(), next[at].end());
      }
    }
    return {};
  }

  Piece ways(const std::vector<Alternative>& all) {
    std::vector<Piece> pieces;
    for (const Alternative& way : all) {
      if (b_.full()) break;
      std::vector<Piece> parts;
      for (const Item& item : way) parts.push_back(piece(item));
      pieces.push_back(b_.sequence(parts));
    }
    return b_.any_of(pieces);
  }
  Piece once(const Item& item) {
    switch (item.kind) {
      case Item::Kind::kText: return b_.text(item.text);
      case Item::Kind::kSet: return b_.code_points(item.set);
      case Item::Kind::kRule: return b_.call(ids_[item.rule]);
      case Item::Kind::kGroup: return ways(item.group);
    }
    return b_.nothing();
  }
  Piece piece(const Item& item) {
    if (item.least == 1 && item.most == 1) return once(item);
    return b_.repeat(item.kind == Item::Kind::kRule ? ids_[item.rule] : b_.rule(once(item)), item.least, item.most);
  }

  std::vector<Rule> rules_;
  const std::string& where_;
  std::vector<char> blank_;
  std::vector<uint32_t> ids_;
  Builder b_;
};

}  // namespace

Result<std::shared_ptr<const Grammar>> compile_gbnf(std::string_view text, const std::string& where) {
  if (!utf8_valid(text)) return invalid_argument(where + ": the grammar is not valid UTF-8", where);
  TRY_ASSIGN(std::vector<Rule> rules, Parser(text, where).rules());
  return Compiler(std::move(rules), where).compile();
}

}  // namespace strata::grammar
