// Draft: guesses a sequence's next tokens, for speculative decoding.
//
// What a grammar leaves no choice about is proposed first; else, where the last three tokens stood before, what followed them then. The
// model checks all guesses in one step and keeps those that it would have chosen itself, so the text is exactly what it is without
// guessing. A guess costs a share of a step and may save a whole one. The length is the longest whose last guess is still worth its cost at
// the rate at which guesses of its kind came true lately; where no guess is worth it, that kind pauses, longer each time.
// SOURCE: Leviathan et al., "Fast Inference from Transformers via Speculative Decoding", 2023; Saxena, "Prompt Lookup Decoding", 2023.
// THREADS: one at a time.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace strata::engine {

// How often guesses of one kind come true, and whether they are worth their cost.
class Gauge {
 public:
  explicit Gauge(double rate) : rate_(rate), rate_at_first_(rate) {}
  int worth(int most, double row_cost) const;      // guesses
  bool pausing();                                  // asked once a step
  void learn(int proposed, int accepted, double row_cost);

 private:
  static constexpr int kPauseAtFirst = 16, kPauseLongest = 256;
  double rate_;                                    // of guesses that come true
  const double rate_at_first_;
  int pause_ = 0, next_pause_ = kPauseAtFirst;     // steps
};

class Draft {
 public:
  static constexpr int kLongest = 12;

  // What may follow `tokens` (the whole sequence so far; it only grows between calls). `forced`: what a grammar demands next, often nothing.
  // `row_cost`: of one more row, in steps. SHAPE: at most min(most, kLongest) tokens, often none.
  std::vector<int32_t> propose(std::span<const int32_t> tokens, std::span<const int32_t> forced, int most, double row_cost);
  // Of those proposed last, the first `accepted` were right.
  void learn(int proposed, int accepted, double row_cost) { asked_->learn(proposed, accepted, row_cost); }

 private:
  static constexpr size_t kMatch = 3;
  void index(std::span<const int32_t> tokens);
  static uint64_t key(std::span<const int32_t> last);
  std::span<const int32_t> followed(std::span<const int32_t> tokens);

  std::unordered_map<uint64_t, uint32_t> follows_;  // three tokens → where they were followed last
  size_t indexed_ = kMatch;                         // places before this one are in follows_
  // Low at first: on text that repeats nothing the first guesses are short and few; on text that does, the rate climbs in three steps.
  // What a grammar demands is mostly spelled in the longest tokens.
  Gauge repeats_{0.35}, demands_{0.8};
  Gauge* asked_ = &repeats_;                        // for what was proposed last
};

}  // namespace strata::engine
