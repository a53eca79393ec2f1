// Questions with known SQL, found by likeness, their values changed for those of the question that is asked.
#include <algorithm>
#include <cmath>
#include <set>

#include "knowledge/sql/parts.h"
#include "knowledge/sql/sql.h"

namespace strata::sql {
namespace {

constexpr size_t kQuotedMost = 64;   // literals of one statement that are looked at

std::string folded(std::string_view text) {
  const auto words = words_of(text);
  return joined(words, 0, words.size());
}

std::string kind_of(const Match& match) { return ascii_lower(match.value.column); }

// The column that a literal is compared with: the name before the operator, without its table's.
std::string column_before(std::string_view sql, size_t at) {
  const auto is_name = [](char c) { return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  while (at > 0 && std::string_view(" =<>!(").find(sql[at - 1]) != std::string_view::npos) --at;
  size_t begin = at;
  while (begin > 0 && is_name(sql[begin - 1])) --begin;
  const std::string word = ascii_lower(sql.substr(begin, at - begin));
  if (begin > 0 && (word == "in" || word == "like" || word == "not")) return column_before(sql, begin);
  return word;
}

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) out += c == quote ? std::string(2, quote) : std::string(1, c);
  return out + quote;
}

// Words that change what is computed, by what they ask for: a question with another set of them has another answer, however alike the rest is.
constexpr std::pair<std::string_view, std::string_view> kTurns[] = {
    {"not", "!"},      {"no", "!"},      {"without", "!"},  {"never", "!"},   {"except", "!"},   {"excluding", "!"}, {"many", "#"},
    {"number", "#"},   {"count", "#"},   {"smallest", "-"}, {"least", "-"},   {"lowest", "-"},   {"shortest", "-"},  {"fewest", "-"},
    {"cheapest", "-"}, {"worst", "-"},   {"minimum", "-"},  {"slowest", "+"}, {"largest", "+"},  {"biggest", "+"},   {"most", "+"},
    {"highest", "+"},  {"longest", "+"}, {"best", "+"},     {"maximum", "+"}, {"greatest", "+"}, {"average", "~"},   {"mean", "~"},
    {"total", "s"},    {"sum", "s"},     {"combined", "s"}, {"than", ">"},    {"each", "e"},     {"per", "e"},       {"by", "e"}};
constexpr double kOtherTurns = 0.6;

bool is_number(const std::string& word) {
  constexpr std::string_view kNumbers[] = {"two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twenty", "hundred"};
  return std::find(std::begin(kNumbers), std::end(kNumbers), word) != std::end(kNumbers) || (word[0] >= '0' && word[0] <= '9');
}

}  // namespace

std::vector<Literal> literals_of(std::string_view sql) {
  std::vector<Literal> out;
  for (size_t i = 0; i < sql.size() && out.size() < kQuotedMost; ++i) {
    if (sql[i] != '\'' && sql[i] != '"') continue;
    Literal one{"", i, 0, sql[i]};
    for (++i; i < sql.size(); ++i) {
      if (sql[i] != one.quote) one.text += sql[i];
      else if (i + 1 < sql.size() && sql[i + 1] == one.quote) one.text += sql[i++];
      else break;
    }
    if (i >= sql.size()) break;   // not closed
    one.end = i + 1;
    out.push_back(std::move(one));
  }
  return out;
}

// Stems and pairs of neighbours, each value's words as the one term of its column.
std::vector<std::string> Examples::terms_of(const std::vector<std::string>& words, const std::vector<Match>& matches) {
  std::vector<std::string> masked;
  size_t next = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    while (next < matches.size() && matches[next].end <= i) ++next;
    if (next < matches.size() && matches[next].begin <= i) {
      if (matches[next].begin == i) masked.push_back("<" + kind_of(matches[next]) + ">");
      continue;
    }
    masked.push_back(stem_of(words[i]));
  }
  std::vector<std::string> out = masked;
  for (size_t i = 0; i + 1 < masked.size(); ++i) out.push_back(masked[i] + " " + masked[i + 1]);
  std::map<std::string, int> times;   // "states that border states" says more than "states that border"
  for (std::string& term : out)
    if (const int time = ++times[term]; time > 1) term += " #" + std::to_string(time);
  return out;
}

std::set<std::string> Examples::turns_of(const std::vector<std::string>& terms) const {
  std::set<std::string> out;
  for (const std::string& term : terms) {
    const std::string word = term.substr(0, term.find(" #"));   // the second time that it comes
    if (word.empty() || word.find(' ') != word.npos) continue;
    for (const auto& [turn, what] : kTurns)
      if (word == turn) out.insert(std::string(what) + term.substr(word.size()));
    if (is_number(word) || names_.contains(word)) out.insert(term);
  }
  return out;
}

Examples::Examples(std::vector<Example> examples, const Schema& schema, const ValueIndex& values) {
  for (const Table& table : schema) {
    for (const std::string& word : words_of(table.name)) names_.insert(stem_of(word));
    for (const Column& column : table.columns)
      for (const std::string& word : words_of(column.name)) names_.insert(stem_of(word));
  }
  if (examples.size() > kExamplesMost) examples.resize(kExamplesMost);
  for (Example& example : examples) {
    auto matches = values.find(example.question);
    const auto literals = literals_of(example.sql);
    Known known;
    for (Match& match : matches) {
      const auto same = [&](const Literal& literal) { return folded(literal.text) == folded(match.value.text) || folded(literal.text) == match.words; };
      const auto found = std::find_if(literals.begin(), literals.end(), same);
      if (found == literals.end()) continue;
      // Its SQL says what the words were meant as.
      if (const Value* meant = match.in_column(column_before(example.sql, found->begin)); meant && meant->own) match.value = *meant;
      known.slots.push_back({kind_of(match), folded(found->text)});
    }
    known.terms = terms_of(words_of(std::string_view(example.question).substr(0, kQuestionBytesMost)), matches);
    known.turns = turns_of(known.terms);
    known.example = std::move(example);
    for (const std::string& term : std::set<std::string>(known.terms.begin(), known.terms.end())) ++frequency_[term];
    known_.push_back(std::move(known));
  }
}

double Examples::weight(const std::string& term) const {
  const auto found = frequency_.find(term);
  return std::log(1 + static_cast<double>(known_.size()) / (1 + (found == frequency_.end() ? 0 : found->second)));
}

// The known question's SQL with this question's values: the first of a kind for the first, the second for the second.
void Examples::adapt(Near& near, const std::vector<Match>& matches) const {
  const Known& known = *std::find_if(known_.begin(), known_.end(), [&](const Known& one) { return &one.example == near.example; });
  std::map<std::string, size_t> used;
  std::vector<std::pair<std::string, std::string>> swaps;   // the value as its SQL has it, folded; ours
  near.complete = true;
  for (const Slot& slot : known.slots) {
    size_t skip = used[slot.kind]++;
    const auto found = std::find_if(matches.begin(), matches.end(), [&](const Match& match) { return match.in_column(slot.kind) && skip-- == 0; });
    if (found == matches.end()) near.complete = false;
    else swaps.emplace_back(slot.value, found->in_column(slot.kind)->text);
  }
  const std::string& sql = known.example.sql;
  size_t from = 0;
  for (const Literal& literal : literals_of(sql)) {
    near.sql += sql.substr(from, literal.begin - from);
    const auto swap = std::find_if(swaps.begin(), swaps.end(), [&](const auto& one) { return one.first == folded(literal.text); });
    near.sql += swap == swaps.end() ? sql.substr(literal.begin, literal.end - literal.begin) : quoted(swap->second, literal.quote);
    from = literal.end;
  }
  near.sql += sql.substr(from);
}

std::vector<Near> Examples::nearest(std::string_view question, const std::vector<Match>& matches, size_t most) const {
  const auto asked = terms_of(words_of(question.substr(0, kQuestionBytesMost)), matches);
  const std::set<std::string> mine(asked.begin(), asked.end());
  double my_size = 0;
  for (const std::string& term : mine) my_size += weight(term) * weight(term);
  std::vector<Near> out;
  const auto turns = turns_of(asked);
  for (const Known& known : known_) {
    double common = 0, size = 0;
    for (const std::string& term : std::set<std::string>(known.terms.begin(), known.terms.end())) {
      const double w = weight(term);
      size += w * w;
      if (mine.contains(term)) common += w * w;
    }
    if (common <= 0) continue;
    // A value of the question that its SQL has no place for, or the other way round, is a turn as well.
    const bool turned = turns != known.turns || known.slots.size() != matches.size();
    out.push_back({&known.example, (turned ? kOtherTurns : 1) * common / std::sqrt(size * my_size), "", false});
  }
  std::stable_sort(out.begin(), out.end(), [](const Near& a, const Near& b) { return a.score > b.score; });
  if (out.size() > most) out.resize(most);
  for (Near& near : out) adapt(near, matches);
  return out;
}

}  // namespace strata::sql
