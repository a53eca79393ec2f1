// Words as grounding sees them: with their place, a light stem, and how much each one tells. Internal to knowledge/ground.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace strata::ground {

struct Word {
  uint32_t begin = 0, end = 0;   // bytes in the text
  std::string lower;             // ASCII lower case, typographic apostrophes made plain
  std::string stem;              // numbers: digits without thousands separators
  bool capital = false;          // begins with an ASCII capital or a letter beyond ASCII that has a lower-case form
  bool number = false;           // begins with a digit
  bool opens = false;            // first of its sentence: its capital says nothing
};

// Letters, digits, apostrophes inside a word ("don't"), and separators inside a number ("1,000", "3.5", "10:30").
std::vector<Word> words(std::string_view text);

// The stem under which forms of one word meet: "policies" and "policy", "stopped" and "stop". Light: it never changes a word's root.
std::string stem(std::string_view lower);

// Words that carry no topic: articles, pronouns, auxiliaries, question words.
bool is_stop_word(std::string_view lower);
// Told by how rare the word is in English: about 1.7 ("the") to 9.8 (not among the 4,000 commonest). UNITS: nats, roughly.
double weight(std::string_view lower);

// The words that carry the topic, in order, once per stem.
std::vector<Word> content_words(std::string_view text);
std::set<std::string> stems(std::string_view text);

// What kind of thing a question asks for.
enum class Asks { kNumber, kTime, kPerson, kPlace, kReason, kManner, kThing };
Asks asks(std::string_view question);
// Whether `sentence` holds something of that kind which the question does not itself say. True for kinds without an outward form.
bool holds_kind(Asks kind, const std::vector<Word>& sentence, const std::set<std::string>& question_stems);

bool is_month(std::string_view lower);
bool is_weekday(std::string_view lower);
// The value of a number word ("seven", "third", "dozen"), or -1.
int64_t number_word(std::string_view lower);

}  // namespace strata::ground
