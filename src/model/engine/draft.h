// Draft: guesses a sequence's next tokens from its own text, for speculative decoding.
//
// Where the last three tokens stood before, what followed them then is proposed; the model checks all guesses in one step and keeps those
// that it would have chosen itself, so the text is exactly what it is without guessing. A guess costs a share of a step and may save a
// whole one. The length is the longest whose last guess is still worth its cost at the rate at which guesses came true lately; where no
// guess is worth it, drafting pauses, longer each time.
// SOURCE: Leviathan et al., "Fast Inference from Transformers via Speculative Decoding", 2023; Saxena, "Prompt Lookup Decoding", 2023.
// THREADS: one at a time.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace strata::engine {

class Draft {
 public:
  static constexpr int kLongest = 12;
  Draft();

  // What may follow `tokens` (the whole sequence so far; it only grows between calls). `row_cost`: of one more row, in steps.
  // SHAPE: at most min(most, kLongest) tokens, often none.
  std::vector<int32_t> propose(std::span<const int32_t> tokens, int most, double row_cost);
  // Of the proposed, the first `accepted` were right.
  void learn(int proposed, int accepted, double row_cost);

 private:
  static constexpr size_t kMatch = 3;
  void index(std::span<const int32_t> tokens);
  static uint64_t key(std::span<const int32_t> last);

  std::unordered_map<uint64_t, uint32_t> follows_;  // three tokens → where they were followed last
  size_t indexed_ = kMatch;                         // places before this one are in follows_
  double rate_;                                     // of guesses that come true
  int pause_ = 0, next_pause_;                      // tokens
};

}  // namespace strata::engine
