// verify: a sentence is held to the evidence sentence (or two neighbours) that says most of it, then every value, name, negation
// and opposite in it is checked there.
#include <algorithm>
#include <map>

#include "knowledge/ground/facts.h"
#include "knowledge/ground/ground.h"
#include "knowledge/ground/words.h"

namespace strata::ground {
namespace {

constexpr double kCoverageLeast = 0.7;   // share of the sentence's content that the evidence has to hold; see bench/grounding
constexpr double kOneIsEnough = 0.85;    // below, the neighbouring sentence is taken in too
constexpr double kNeighbourGain = 0.1;   // … where it adds so much
constexpr size_t kSentenceBytesMax = 2000;

// "… [1]." → without the citation marks, whose numbers are no claims.
std::string without_marks(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    size_t end = i + 1;
    while (text[i] == '[' && end < text.size() && end - i < 5 && (std::isdigit(static_cast<unsigned char>(text[end])) || text[end] == ',' || text[end] == ' '))
      ++end;
    if (text[i] == '[' && end < text.size() && text[end] == ']' && end > i + 1) i = end;
    else out += text[i];
  }
  return out;
}

double coverage(const Facts& claim, const std::set<std::string>& stems) {
  double sum = 0, all = 0;
  std::set<std::string> seen;
  for (const Word& word : claim.words) {
    if (is_stop_word(word.lower) || number_word(word.lower) >= 0 || word.number || !seen.insert(word.stem).second) continue;
    all += weight(word.lower);
    if (holds_form(stems, word.stem)) sum += weight(word.lower);
  }
  return all == 0 ? 0 : sum / all;
}

struct Nearest {
  int evidence = -1;
  double coverage = -1;
  document::Range at;
};

// The sentence of all evidence that covers most of the claim; with its neighbour where one alone covers too little.
Nearest nearest(const Facts& claim, const std::vector<std::string_view>& evidence) {
  Nearest best;
  for (size_t e = 0; e < evidence.size(); ++e) {
    const std::vector<document::Range> ranges = chunk::sentences(evidence[e]);
    const auto text = [&](const document::Range& at) { return evidence[e].substr(at.begin, at.end - at.begin); };
    for (size_t i = 0; i < ranges.size(); ++i) {
      const double one = coverage(claim, stems(text(ranges[i])));
      if (one > best.coverage) best = {static_cast<int>(e), one, ranges[i]};
    }
    for (size_t i = 0; i + 1 < ranges.size() && best.coverage < kOneIsEnough; ++i) {
      const document::Range both{ranges[i].begin, ranges[i + 1].end};
      const double two = coverage(claim, stems(text(both)));
      if (two > best.coverage + kNeighbourGain) best = {static_cast<int>(e), two, both};
    }
  }
  return best;
}

bool same_unit(const Value& a, const Value& b) {
  const bool money_or_share = a.unit == "%" || b.unit == "%" || a.unit == "$" || b.unit == "$";
  return !money_or_share || a.unit == b.unit;
}

std::string wrong_value(const Facts& claim, const Facts& evidence) {
  std::map<std::string, int> left;
  for (const Value& value : evidence.values) ++left[value.canonical];
  for (const Value& value : claim.values) {
    const bool there = std::any_of(evidence.values.begin(), evidence.values.end(),
                                   [&](const Value& other) { return other.canonical == value.canonical && same_unit(value, other); });
    // "one", "first": only where the evidence counts the same thing otherwise.
    const bool counted_otherwise = std::any_of(evidence.values.begin(), evidence.values.end(), [&](const Value& other) {
      return !value.unit.empty() && other.unit == value.unit && other.canonical != value.canonical;
    });
    if (!there && (!value.vague || counted_otherwise)) return value.said;
    if (there && --left[value.canonical] < 0 && !value.vague) return value.said;
    const bool unit_with_value = std::any_of(evidence.values.begin(), evidence.values.end(),
                                             [&](const Value& other) { return other.unit == value.unit && other.canonical == value.canonical; });
    if (there && counted_otherwise && !unit_with_value) return value.said;
  }
  return "";
}

std::string wrong_name(const Facts& claim, const Facts& evidence) {
  std::map<std::string, int> counts;
  for (const Word& word : evidence.words) ++counts[word.stem];
  for (const auto& [stem, count] : claim.names) {
    const auto found = counts.find(stem);
    const std::string& said = claim.name_said.at(stem);
    if (found == counts.end()) return said;
    if (count > found->second) return said;  // a name put in the place of another one that the sentence also has
  }
  return "";
}

bool negation_differs(const Facts& claim, const Facts& evidence) {
  for (const std::string& stem : claim.negated) {
    if (evidence.negated.count(stem) == 0) return true;
  }
  for (const std::string& stem : evidence.negated) {
    if (claim.stems.count(stem) != 0 && claim.negated.count(stem) == 0) return true;
  }
  return claim.negations > evidence.negations;
}

std::string reason_against(const Facts& claim, const Facts& evidence, double covered) {
  if (const std::string value = wrong_value(claim, evidence); !value.empty()) return "number " + value + " is not in the cited text";
  if (const std::string name = wrong_name(claim, evidence); !name.empty()) return "name " + name + " is not in the cited text";
  if (negation_differs(claim, evidence)) return "negation differs from the cited text";
  if (const std::string word = opposed_word(claim, evidence); !word.empty()) return "\"" + word + "\" contradicts or exceeds the cited text";
  if (covered < kCoverageLeast) return "the cited text does not say most of it";
  return "";
}

}  // namespace

Claim verify(std::string_view sentence, const std::vector<std::string_view>& evidence) {
  Claim out;
  if (sentence.size() > kSentenceBytesMax) {
    out.reason = "too long to check";
    return out;
  }
  const Facts claim = facts_of(without_marks(sentence));
  const Nearest found = nearest(claim, evidence);
  if (found.evidence < 0 || found.coverage <= 0) {
    out.reason = "the cited text does not say it";
    return out;
  }
  out.evidence = found.evidence;
  out.score = found.coverage;
  out.at = found.at;
  const std::string_view cited = evidence[static_cast<size_t>(found.evidence)].substr(found.at.begin, found.at.end - found.at.begin);
  out.reason = reason_against(claim, facts_of(without_marks(cited)), found.coverage);
  out.supported = out.reason.empty();
  return out;
}

}  // namespace strata::ground
