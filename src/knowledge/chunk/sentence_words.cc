#include "knowledge/chunk/sentence_words.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"

namespace strata::chunk {
namespace {

// Each list is sorted; a static_assert holds it to that, because it is searched by halves.
constexpr std::array kOpen = std::to_array<std::string_view>(
    {"adm", "asst",   "attys", "ave", "capt", "cf", "cmdr", "col", "cpl", "dr",   "e.g",  "eg",  "fr",  "ft",  "gen",  "gov", "hon", "i.e",  "ie",  "lt",
     "maj", "messrs", "mme",   "mr",  "mrs",  "ms", "mt",   "mx",  "pfc", "pres", "prof", "rep", "rev", "sen", "sens", "sgt", "st",  "supt", "viz", "vs"});
constexpr std::array kBeforeDigit =
    std::to_array<std::string_view>({"app",  "approx", "apr",  "apt", "art", "aug",  "c",   "ca",   "ch",  "chap", "cl",  "dec", "eq",  "eqs", "ex",
                                     "feb",  "fig",    "figs", "jan", "jul", "jun",  "mar", "max",  "min", "no",   "nos", "nov", "nr",  "oct", "p",
                                     "para", "pg",     "pp",   "pt",  "ref", "refs", "sec", "sect", "sep", "sept", "tel", "ver", "vol", "vols"});
constexpr std::array kEither = std::to_array<std::string_view>({"a.d", "a.m", "al",  "assn", "b.c", "bros", "co", "corp", "dept", "dist", "est",   "etc",
                                                                "inc", "jr",  "llc", "ltd",  "p.m", "ph.d", "sr", "u.k",  "u.n",  "u.s",  "u.s.a", "univ"});
constexpr std::array kOpeners = std::to_array<std::string_view>(
    {"a",        "after",   "again",   "all",          "also",   "although", "an",          "and",       "another", "any",       "are",   "as",    "at",
     "because",  "before",  "both",    "but",          "by",     "can",      "despite",     "do",        "does",    "during",    "each",  "early", "even",
     "every",    "finally", "first",   "following",    "for",    "from",     "furthermore", "given",     "had",     "has",       "have",  "he",    "her",
     "here",     "his",     "how",     "however",      "i",      "if",       "in",          "instead",   "is",      "it",        "its",   "later", "many",
     "moreover", "most",    "my",      "nevertheless", "next",   "no",       "not",         "now",       "of",      "often",     "on",    "once",  "one",
     "only",     "or",      "other",   "our",          "please", "recently", "see",         "several",   "she",     "similarly", "since", "so",    "some",
     "still",    "such",    "that",    "the",          "their",  "then",     "there",       "therefore", "these",   "they",      "this",  "those", "through",
     "thus",     "to",      "today",   "together",     "two",    "under",    "unless",      "until",     "use",     "was",       "we",    "were",  "what",
     "when",     "where",   "whether", "which",        "while",  "who",      "why",         "with",      "without", "yes",       "you",   "your"});
static_assert(std::ranges::is_sorted(kOpen));
static_assert(std::ranges::is_sorted(kBeforeDigit));
static_assert(std::ranges::is_sorted(kEither));
static_assert(std::ranges::is_sorted(kOpeners));

}  // namespace

Abbreviation abbreviation(std::string_view word) {
  const std::string lower = ascii_lower(word);
  const std::string_view key = lower;
  if (std::ranges::binary_search(kOpen, key)) return Abbreviation::kOpen;
  if (std::ranges::binary_search(kBeforeDigit, key)) return Abbreviation::kBeforeDigit;
  if (std::ranges::binary_search(kEither, key)) return Abbreviation::kEither;
  return Abbreviation::kNone;
}

bool opens_sentence(std::string_view word) {
  const std::string lower = ascii_lower(word);
  return std::ranges::binary_search(kOpeners, std::string_view(lower));
}

}  // namespace strata::chunk
