#include "knowledge/ground/facts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace strata::ground {
namespace {

bool is_negation(const std::string& lower) {
  static const std::set<std::string> kWords = {"not", "never", "no", "none", "nor", "neither", "nobody", "nothing", "nowhere", "without", "cannot", "hardly"};
  return kWords.count(lower) != 0 || (lower.size() > 3 && lower.ends_with("n't"));
}

std::string canonical(double value) {
  std::array<char, 40> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.12g", value);
  return buffer.data();
}

// "1990s" → 1990, "5th" → 5, "3.50" → 3.5; what is no plain number ("10:30", "1.2.3", "4x4") stays as it is.
bool read_digits(const Word& word, double* value) {
  char* end = nullptr;
  *value = std::strtod(word.lower.c_str(), &end);
  const std::string_view rest(end);
  static const std::set<std::string_view> kSuffixes = {"", "s", "st", "nd", "rd", "th", "'s"};
  return kSuffixes.count(rest) != 0 && std::isfinite(*value);
}

bool is_magnitude(int64_t value) { return value >= 100 && value != 0; }

// One value from words[at] on, moving `at` behind it. "two hundred and five" is one value; so is "1.5 million".
bool read_value(const std::vector<Word>& words, size_t* at, std::string_view text, Value* out) {
  const Word& first = words[*at];
  double total = 0, part = 0;
  size_t i = *at;
  if (first.number) {
    if (!read_digits(first, &part)) {
      *out = {.canonical = first.lower, .said = std::string(text.substr(first.begin, first.end - first.begin))};
      ++*at;
      return true;
    }
    ++i;
  } else {
    const int64_t value = number_word(first.lower);
    if (value < 0) return false;
    part = static_cast<double>(value);
    ++i;
  }
  while (i < words.size() && words[i].begin - words[i - 1].end <= 1) {
    const int64_t value = number_word(words[i].lower);
    if (value < 0 || words[i].lower == "second") break;
    if (is_magnitude(value)) part *= static_cast<double>(value);
    else if (words[i].lower == "dozen") part *= 12;
    else if (part >= 20 && static_cast<double>(value) < 10 && std::fmod(part, 10) == 0 && !first.number) part += static_cast<double>(value);
    else break;
    if (value >= 1000) {
      total += part;
      part = 0;
    }
    ++i;
  }
  out->canonical = canonical(total + part);
  out->said = std::string(text.substr(first.begin, words[i - 1].end - first.begin));
  static const std::set<std::string_view> kVague = {"one", "first", "second", "once", "third"};
  out->vague = i == *at + 1 && kVague.count(first.lower) != 0;
  *at = i;
  return true;
}

std::string unit_of(const std::vector<Word>& words, size_t first, size_t next, std::string_view text) {
  const uint32_t begin = words[first].begin, end = words[next - 1].end;
  if (end < text.size() && text[end] == '%') return "%";
  if (begin > 0 && text[begin - 1] == '$') return "$";
  if (next >= words.size() || words[next].begin - end > 1) return "";
  const std::string& lower = words[next].lower;
  if (lower == "percent" || lower == "percentage") return "%";
  if (lower == "per" && next + 1 < words.size() && words[next + 1].lower == "cent") return "%";
  if (lower == "dollars" || lower == "dollar") return "$";
  return is_stop_word(lower) || words[next].number ? "" : words[next].stem;
}

// Words that open a sentence with a capital and name nothing, beside the stop words.
bool opens_plainly(const Word& word) {
  static const std::set<std::string_view> kWords = {"according", "based",   "today",     "although", "though", "because",  "since",       "while",
                                                    "despite",   "however", "therefore", "thus",     "hence",  "moreover", "furthermore", "additionally",
                                                    "instead",   "unlike",  "like",      "along",    "among",  "within",   "through",     "until",
                                                    "upon",      "yes",     "each",      "every",    "both",   "many",     "several"};
  return kWords.count(word.lower) != 0 || word.lower.ends_with("ly") || word.lower.ends_with("ing");
}

void read_negations(Facts* facts) {
  const std::vector<Word>& words = facts->words;
  for (size_t i = 0; i < words.size(); ++i) {
    if (!is_negation(words[i].lower)) continue;
    if (i + 1 < words.size() && (words[i + 1].lower == "only" || words[i].lower == "nor")) continue;
    ++facts->negations;
    for (size_t k = i + 1; k < std::min(words.size(), i + 5); ++k) {
      if (is_stop_word(words[k].lower)) continue;
      facts->negated.insert(words[k].stem);
      break;
    }
  }
}

// Families of words of which one replaces another with a change of meaning. A row's groups exclude each other.
using Family = std::vector<std::vector<std::string_view>>;
const std::vector<Family>& families() {
  static const auto* const all = new std::vector<Family>{
      {{"increase", "increases", "increased", "increasing", "rise", "rises", "rose", "grow", "grew", "raise", "raised", "gain", "gained"},
       {"decrease", "decreases", "decreased", "decreasing", "fall", "falls", "fell", "shrink", "shrank", "reduce", "reduced", "reduces", "lower", "lowered",
        "decline", "declined", "lost"}},
      {{"before", "prior"}, {"after", "following"}},
      {{"more", "greater", "larger", "higher"}, {"less", "fewer", "smaller", "lower"}},
      {{"most", "largest", "highest", "biggest", "maximum", "greatest"}, {"least", "smallest", "lowest", "minimum"}},
      {{"must", "shall", "required", "mandatory"}, {"may", "can", "might", "could", "optional"}, {"should", "recommended"}},
      {{"all", "every", "always", "entirely"}, {"some", "several", "sometimes", "often", "usually", "few", "partly", "most"}, {"never", "none"}},
      {{"allow", "allows", "allowed", "permit", "permits", "permitted"},
       {"prohibit", "prohibits", "prohibited", "forbid", "forbids", "forbidden", "deny", "denied", "banned"}},
      {{"accept", "accepts", "accepted"}, {"reject", "rejects", "rejected", "refuse", "refused"}},
      {{"include", "includes", "included", "including"}, {"exclude", "excludes", "excluded", "excluding"}},
      {{"north", "northern"}, {"south", "southern"}, {"east", "eastern"}, {"west", "western"}},
      {{"first", "earliest"}, {"last", "latest"}},
      {{"early", "earlier"}, {"late", "later"}},
      {{"begin", "begins", "began", "start", "starts", "started", "open", "opens", "opened"},
       {"end", "ends", "ended", "finish", "finished", "stop", "stopped", "close", "closes", "closed"}},
      {{"won", "win", "wins", "victory"}, {"lose", "loses", "lost", "defeat"}},
      {{"public"}, {"private"}},
      {{"internal"}, {"external"}},
      {{"positive"}, {"negative"}},
      {{"same"}, {"different"}},
      {{"high"}, {"low"}},
      {{"large", "big"}, {"small"}},
      {{"long"}, {"short"}},
      {{"old"}, {"new"}},
      {{"easy", "simple"}, {"hard", "difficult", "complex"}},
      {{"best"}, {"worst"}},
      {{"better"}, {"worse"}},
      {{"above", "over"}, {"below", "under"}},
      {{"male", "men"}, {"female", "women"}},
      {{"major"}, {"minor"}},
      {{"with"}, {"without"}},
      {{"inside"}, {"outside"}},
      {{"strong"}, {"weak"}},
      {{"fast", "quick"}, {"slow"}},
      {{"true"}, {"false"}},
      {{"success"}, {"failure"}},
      {{"enable", "enables", "enabled"}, {"disable", "disables", "disabled"}},
      {{"add", "adds", "added"}, {"remove", "removes", "removed"}},
      {{"before"}, {"during"}, {"after"}},
      {{"support", "supported", "supports"}, {"oppose", "opposed", "opposes"}},
      {{"birth", "born"}, {"death", "died"}}};
  return *all;
}

// Words that narrow or widen a claim so much that the evidence has to say them too.
bool is_limiting(const std::string& lower) {
  static const std::set<std::string_view> kWords = {"only", "solely", "exclusively", "always", "every", "must", "never", "none"};
  return kWords.count(lower) != 0;
}

bool negated_form(const std::set<std::string>& stems, const std::string& stem) {
  static constexpr std::array<std::string_view, 6> kPrefixes = {"un", "in", "im", "dis", "non", "ir"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](std::string_view prefix) { return stems.count(std::string(prefix) + stem) != 0; });
}

}  // namespace

bool holds_form(const std::set<std::string>& stems, const std::string& stem) {
  if (stems.count(stem) != 0) return true;
  if (stem.size() < 5 || (stem[0] >= '0' && stem[0] <= '9')) return false;
  return std::any_of(stems.begin(), stems.end(), [&](const std::string& other) {
    const size_t shorter = std::min(stem.size(), other.size());
    const size_t common =
        static_cast<size_t>(std::mismatch(stem.begin(), stem.begin() + static_cast<std::ptrdiff_t>(shorter), other.begin()).first - stem.begin());
    return common >= 5 && common + 3 >= std::max(stem.size(), other.size());
  });
}

Facts facts_of(std::string_view sentence) {
  Facts out{.words = words(sentence)};
  if (!out.words.empty()) out.words.front().opens = true;
  for (const Word& word : out.words) out.stems.insert(word.stem);
  for (size_t i = 0; i < out.words.size();) {
    const size_t first = i;
    Value value;
    if (read_value(out.words, &i, sentence, &value)) {
      value.unit = unit_of(out.words, first, i, sentence);
      out.values.push_back(std::move(value));
    } else {
      ++i;
    }
  }
  for (const Word& word : out.words) {
    if (!word.capital || is_stop_word(word.lower) || (number_word(word.lower) >= 0)) continue;
    if (word.opens && opens_plainly(word)) continue;
    ++out.names[word.stem];
    out.name_said[word.stem] = std::string(sentence.substr(word.begin, word.end - word.begin));
  }
  read_negations(&out);
  return out;
}

std::string opposed_word(const Facts& claim, const Facts& evidence) {
  std::set<std::string_view> said, cited;
  for (const Word& word : claim.words) said.insert(word.lower);
  for (const Word& word : evidence.words) cited.insert(word.lower);
  for (const Family& family : families()) {
    for (size_t g = 0; g < family.size(); ++g) {
      std::string_view mine;
      for (std::string_view word : family[g]) {
        if (said.count(word) != 0) mine = word;
      }
      const bool also_cited = std::any_of(family[g].begin(), family[g].end(), [&](std::string_view word) { return cited.count(word) != 0; });
      if (mine.empty() || also_cited) continue;
      for (size_t other = 0; other < family.size(); ++other) {
        if (other == g) continue;
        for (std::string_view word : family[other]) {
          if (cited.count(word) != 0 && said.count(word) == 0) return std::string(mine);
        }
      }
    }
  }
  for (const Word& word : claim.words) {
    if (is_limiting(word.lower) && cited.count(word.lower) == 0) return word.lower;
    if (is_stop_word(word.lower) || evidence.stems.count(word.stem) != 0) continue;
    if (negated_form(evidence.stems, word.stem)) return word.lower;
  }
  for (const Word& word : evidence.words) {
    if (!is_stop_word(word.lower) && claim.stems.count(word.stem) == 0 && negated_form(claim.stems, word.stem)) return word.lower;
  }
  return "";
}

}  // namespace strata::ground
