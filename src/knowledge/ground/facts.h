// What a sentence asserts that can be checked by form: values, names, negations, and words with opposites. Internal to knowledge/ground.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/ground/words.h"

namespace strata::ground {

struct Value {
  std::string canonical;   // "5", "1000", "0.5", "10:30", "1.2.3"; "five", "5th", "1,000" and "2 dozen" are resolved
  std::string unit;        // "%", "$", or the stem of the word behind it; may be empty
  std::string said;        // as it stands in the text
  bool vague = false;      // "one", "first", "second", "once": often no number at all
};

struct Facts {
  std::vector<Word> words;
  std::set<std::string> stems;
  std::map<std::string, int> names;       // stem → how often; capitalised inside the sentence, or rare at its start
  std::map<std::string, std::string> name_said;
  std::vector<Value> values;
  std::set<std::string> negated;          // stem of the first content word behind each negation
  int negations = 0;
};
Facts facts_of(std::string_view sentence);

// The first word of `claim` that `evidence` contradicts by an opposite ("increase" / "decrease", "must" / "may", "before" / "after",
// "possible" / "impossible"), or a limiting word ("only", "all", "always") that the evidence does not have. Empty where none.
std::string opposed_word(const Facts& claim, const Facts& evidence);

// Whether `stems` holds `stem` or a word that shares its beginning (5 letters and all but 3 of the shorter one).
bool holds_form(const std::set<std::string>& stems, const std::string& stem);

}  // namespace strata::ground
