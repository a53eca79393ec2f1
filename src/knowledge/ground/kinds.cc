// What a question asks for, and whether a sentence holds such a thing: by its words alone.
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "knowledge/ground/words.h"

namespace strata::ground {
namespace {

using Set = std::unordered_set<std::string_view>;

bool one_of(std::string_view word, const Set& set) { return set.count(word) != 0; }

const Set& quantities() {
  static const Set* const set = new Set{"many", "much", "old", "long", "far", "large", "big", "tall", "high", "often", "fast", "wide", "deep", "heavy"};
  return *set;
}
const Set& number_nouns() {
  static const Set* const set =
      new Set{"percent", "percentage", "number", "amount", "fraction", "size", "population", "cost", "price", "limit", "minimum", "maximum"};
  return *set;
}
const Set& time_nouns() {
  static const Set* const set = new Set{"year", "date", "day", "month", "century", "decade", "time", "deadline"};
  return *set;
}
const Set& person_nouns() {
  static const Set* const set = new Set{"person", "people", "man", "woman", "king", "president", "author", "scientist", "mathematician", "contact"};
  return *set;
}
const Set& place_nouns() {
  static const Set* const set = new Set{"country", "countries", "city", "cities", "place", "river", "region", "state", "continent"};
  return *set;
}
const Set& time_words() {
  static const Set* const set = new Set{"century", "centuries", "today", "spring", "summer", "autumn",  "winter",   "day",       "days",     "year",
                                        "years",   "during",    "after", "before", "until",  "since",   "hour",     "hours",     "minutes",  "week",
                                        "weeks",   "months",    "time",  "daily",  "weekly", "monthly", "annually", "quarterly", "whenever", "immediately"};
  return *set;
}

}  // namespace

bool is_month(std::string_view lower) {
  static const Set* const set =
      new Set{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"};
  return one_of(lower, *set);
}

bool is_weekday(std::string_view lower) {
  static const Set* const set = new Set{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
  return one_of(lower, *set);
}

int64_t number_word(std::string_view lower) {
  static const auto* const map = new std::unordered_map<std::string_view, int64_t>{{"zero", 0},
                                                                                   {"one", 1},
                                                                                   {"two", 2},
                                                                                   {"three", 3},
                                                                                   {"four", 4},
                                                                                   {"five", 5},
                                                                                   {"six", 6},
                                                                                   {"seven", 7},
                                                                                   {"eight", 8},
                                                                                   {"nine", 9},
                                                                                   {"ten", 10},
                                                                                   {"eleven", 11},
                                                                                   {"twelve", 12},
                                                                                   {"thirteen", 13},
                                                                                   {"fourteen", 14},
                                                                                   {"fifteen", 15},
                                                                                   {"sixteen", 16},
                                                                                   {"seventeen", 17},
                                                                                   {"eighteen", 18},
                                                                                   {"nineteen", 19},
                                                                                   {"twenty", 20},
                                                                                   {"thirty", 30},
                                                                                   {"forty", 40},
                                                                                   {"fifty", 50},
                                                                                   {"sixty", 60},
                                                                                   {"seventy", 70},
                                                                                   {"eighty", 80},
                                                                                   {"ninety", 90},
                                                                                   {"hundred", 100},
                                                                                   {"thousand", 1'000},
                                                                                   {"million", 1'000'000},
                                                                                   {"billion", 1'000'000'000},
                                                                                   {"trillion", 1'000'000'000'000},
                                                                                   {"dozen", 12},
                                                                                   {"first", 1},
                                                                                   {"second", 2},
                                                                                   {"third", 3},
                                                                                   {"fourth", 4},
                                                                                   {"fifth", 5},
                                                                                   {"sixth", 6},
                                                                                   {"seventh", 7},
                                                                                   {"eighth", 8},
                                                                                   {"ninth", 9},
                                                                                   {"tenth", 10},
                                                                                   {"eleventh", 11},
                                                                                   {"twelfth", 12},
                                                                                   {"once", 1},
                                                                                   {"twice", 2}};
  const auto found = map->find(lower);
  return found == map->end() ? -1 : found->second;
}

Asks asks(std::string_view question) {
  const std::vector<Word> all = words(question);
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string& word = all[i].lower;
    const std::string_view next = i + 1 < all.size() ? std::string_view(all[i + 1].lower) : std::string_view();
    if (word == "how" && one_of(next, quantities())) return Asks::kNumber;
    if (word == "percentage") return Asks::kNumber;
    if (word == "what" || word == "which") {
      if (one_of(next, number_nouns())) return Asks::kNumber;
      if (one_of(next, time_nouns())) return Asks::kTime;
      if (one_of(next, person_nouns())) return Asks::kPerson;
      if (one_of(next, place_nouns())) return Asks::kPlace;
    }
    if (word == "when") return Asks::kTime;
    if (word == "who" || word == "whom" || word == "whose") return Asks::kPerson;
    if (word == "where") return Asks::kPlace;
    if (word == "why") return Asks::kReason;
  }
  for (const Word& word : all) {
    if (word.lower == "how") return Asks::kManner;
  }
  return Asks::kThing;
}

bool holds_kind(Asks kind, const std::vector<Word>& sentence, const std::set<std::string>& question_stems) {
  if (kind != Asks::kNumber && kind != Asks::kTime && kind != Asks::kPerson && kind != Asks::kPlace) return true;
  for (const Word& word : sentence) {
    if (question_stems.count(word.stem) != 0) continue;
    switch (kind) {
      case Asks::kNumber:
        if (word.number || number_word(word.lower) >= 0 || word.lower == "half" || word.lower == "quarter") return true;
        break;
      case Asks::kTime:
        if (word.number || is_month(word.lower) || is_weekday(word.lower) || one_of(word.lower, time_words())) return true;
        break;
      default:
        // A name: a capital inside the sentence, or at its start where the word is rare.
        if (word.capital && !is_stop_word(word.lower) && (!word.opens || weight(word.lower) > 8)) return true;
    }
  }
  return false;
}

}  // namespace strata::ground
