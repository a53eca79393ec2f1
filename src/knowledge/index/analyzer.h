// Text → index terms. Internal to knowledge/index.
//
// A word is a run of letters, digits and marks (Unicode); it is folded (lower case, no accents, compatibility forms resolved), a
// possessive "'s" is dropped, and words of ASCII letters alone are stemmed (Snowball english). Beside its words, a text has extras:
//   "kn-serving" → kn, serv + knserv: words joined by one of - _ . / : ' are also found as one ("v1.2" → v1, 2 + v12)
//   "PodAutoscaler", "il6" → the whole + pod, autoscal, il, 6: a change of case or between letters and digits
//   scripts without spaces (Han, kana, Thai, Lao, Khmer, Myanmar): each character is a word, each pair of neighbours an extra
// SOURCE: chosen on SciFact: Snowball english 0.696 nDCG@10, a plural stemmer 0.685, none 0.668; the extras add 0.008.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

struct sb_stemmer;

namespace strata::index {

class Analyzer {
 public:
  Analyzer();
  ~Analyzer();
  Analyzer(const Analyzer&) = delete;
  Analyzer& operator=(const Analyzer&) = delete;

  // Calls `each` per term in order. The term is valid during the call. Invalid UTF-8 separates words. Words longer than
  // kWordBytesMax are cut off there: no person searches for them, and base64 would fill the vocabulary.
  using Each = std::function<void(std::string_view term, bool extra)>;
  void analyze(std::string_view text, const Each& each);

  static constexpr size_t kWordBytesMax = 64;

 private:
  struct Part {              // one folded word and where it came from
    std::string folded;
    std::string_view raw;
    bool single = false;     // a character of a script without spaces
  };
  std::string_view stem(const std::string& word);
  void emit_inner(const Part& part, const Each& each);
  void emit_compound(const Each& each);
  bool next_part(std::string_view text, size_t* at, Part* part);

  std::unique_ptr<sb_stemmer, void (*)(sb_stemmer*)> stemmer_;
  std::unordered_map<std::string, std::string> stems_;  // bounded: see analyzer.cc
  std::string scratch_;
  std::string compound_;     // folded words of the running compound, joined
  int compound_parts_ = 0;
};

}  // namespace strata::index
