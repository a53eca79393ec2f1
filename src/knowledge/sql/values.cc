// The index of values: which words of a question stand in the database.
#include <algorithm>

#include "knowledge/sql/parts.h"
#include "knowledge/sql/sql.h"

namespace strata::sql {
namespace {

constexpr size_t kWordsOfValueMost = 6;
constexpr size_t kMisspeltLettersLeast = 5;   // of shorter words every other one is a fifth away

std::string folded(std::string_view text) {
  const auto words = words_of(text);
  return joined(words, 0, words.size());
}

std::string stemmed(const std::vector<std::string>& words, size_t begin, size_t end) {
  std::string out = joined(words, begin, end - 1);
  return out + (out.empty() ? "" : " ") + stem_of(words[end - 1]);
}

// How well a column fits where its value stands: "the mississippi river" is a river, "the state of mississippi" a state.
double fit(const Value& value, const std::vector<std::string>& words, size_t begin, size_t end) {
  double out = value.own ? 0.5 : 0;
  const auto named = words_of(value.table + " " + value.column);
  for (size_t i = begin > 3 ? begin - 3 : 0; i < std::min(words.size(), end + 2); ++i) {
    if (i >= begin && i < end) continue;
    const bool next = i + 1 == begin || i == end;
    for (const std::string& name : named)
      if (stem_of(name) == stem_of(words[i])) out += next ? 2 : 0.4;
  }
  return out;
}

}  // namespace

void ValueIndex::add(Value value) {
  if (value.text.empty() || value.text.size() > kValueBytesMost) return;
  const std::string words = folded(value.text);
  if (words.empty()) return;
  by_words_[words].push_back(values_.size());
  values_.push_back(std::move(value));
}

const Value* Match::in_column(std::string_view column) const {
  const auto found = std::find_if(also.begin(), also.end(), [&](const Value& one) { return ascii_lower(one.column) == ascii_lower(column); });
  return found == also.end() ? nullptr : &*found;
}

std::vector<const Value*> ValueIndex::named(const std::string& words) const {
  std::vector<const Value*> out;
  if (const auto found = by_words_.find(words); found != by_words_.end())
    for (const size_t at : found->second) out.push_back(&values_[at]);
  return out;
}

std::vector<Match> ValueIndex::find(std::string_view question) const {
  const auto words = words_of(question.substr(0, kQuestionBytesMost));
  std::vector<Match> out;
  std::vector<bool> taken(words.size());
  const auto free = [&](size_t begin, size_t end) {
    return std::none_of(taken.begin() + static_cast<long>(begin), taken.begin() + static_cast<long>(end), [](bool b) { return b; });
  };
  const auto take = [&](size_t begin, size_t end, std::vector<const Value*> values, double score) {
    // Where some column is called by these texts, a column that only refers to it is not meant: "texas" is a state before it is a border of one.
    const bool owned = std::any_of(values.begin(), values.end(), [](const Value* value) { return value->own; });
    Match match{{}, joined(words, begin, end), begin, end, score};
    for (const Value* value : values) match.also.push_back(*value);
    if (owned) std::erase_if(values, [](const Value* value) { return !value->own; });
    match.value = **std::max_element(values.begin(), values.end(), [&](auto* a, auto* b) { return fit(*a, words, begin, end) < fit(*b, words, begin, end); });
    out.push_back(std::move(match));
    std::fill(taken.begin() + static_cast<long>(begin), taken.begin() + static_cast<long>(end), true);
  };
  // "the colorado river": the river that is called colorado, though a place is called "colorado river".
  const auto is_kind_after = [&](size_t begin, size_t end) {
    if (end - begin < 2) return false;
    const auto shorter = named(joined(words, begin, end - 1));
    return std::any_of(shorter.begin(), shorter.end(),
                       [&](const Value* value) { return value->own && stem_of(ascii_lower(value->table)) == stem_of(words[end - 1]); });
  };
  const auto each = [&](const auto& look) {
    for (size_t length = std::min(kWordsOfValueMost, words.size()); length > 0; --length)
      for (size_t begin = 0; begin + length <= words.size(); ++begin)
        if (free(begin, begin + length) && !(length == 1 && is_plain(words[begin]))) look(begin, begin + length);
  };
  each([&](size_t begin, size_t end) {
    if (const auto values = named(joined(words, begin, end)); !values.empty() && !is_kind_after(begin, end)) take(begin, end, values, 1);
  });
  each([&](size_t begin, size_t end) {
    if (const auto values = named(stemmed(words, begin, end)); !values.empty()) take(begin, end, values, 0.95);
  });
  each([&](size_t begin, size_t end) {
    const std::string asked = joined(words, begin, end);
    if (asked.size() < kMisspeltLettersLeast) return;
    double best = 0;
    const std::string* which = nullptr;
    for (const auto& [value, at] : by_words_) {
      if (value.front() != asked.front()) continue;   // people seldom miss the first letter, and this keeps it quick
      if (const double score = likeness(asked, value); score > best) best = score, which = &value;
    }
    // A common word of the language that is a fifth away from a name is worse than none: only where nothing is nearer than the name.
    if (which) take(begin, end, named(*which), 0.9 * best);
  });
  std::sort(out.begin(), out.end(), [](const Match& a, const Match& b) { return a.begin < b.begin; });
  return out;
}

bool ValueIndex::has(std::string_view text) const {
  const auto values = named(folded(text));
  return std::any_of(values.begin(), values.end(), [&](const Value* value) { return value->text == text; });
}

std::optional<Value> ValueIndex::nearest(std::string_view text) const {
  const std::string asked = folded(text);
  if (asked.empty()) return std::nullopt;
  if (const auto same = named(asked); !same.empty()) return *same.front();
  if (asked.size() < kMisspeltLettersLeast) return std::nullopt;
  double best = 0;
  std::optional<Value> out;
  for (const auto& [value, at] : by_words_)
    if (const double score = likeness(asked, value); score > best) best = score, out = values_[at.front()];
  return out;
}

}  // namespace strata::sql
