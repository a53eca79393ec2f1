// The word lists behind sentences(): which English abbreviations keep a sentence open, and which words open a new one.
#pragma once

#include <string_view>

namespace strata::chunk {

enum class Abbreviation {
  kNone,
  kOpen,         // never ends a sentence: a name or an explanation follows ("Dr. Smith", "e.g. this")
  kBeforeDigit,  // keeps it open only before a number ("No. 5", "Fig. 3", "Jan. 12")
  kEither,       // may also be the last word: the next word decides ("Acme Inc. The …", "5 p.m. The …")
};

// `word` as it stands before the full stop, without that stop ("e.g", "Dr", "U.S"); case is ignored.
Abbreviation abbreviation(std::string_view word);

// "The", "It", "However", …: words that seldom follow an abbreviation inside a sentence.
bool opens_sentence(std::string_view word);

}  // namespace strata::chunk
