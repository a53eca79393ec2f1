// Pace: how many prompt rows a step may carry beside the sequences that are decoding, so that neither side starves.
//
// A step with p prompt rows beside d decoding ones takes longer than one without. With s = stretch(), p is chosen so that the step takes s
// times the decode-only step: running streams slow down s-fold while a prompt is read, and the prompt gets the share (s - 1) / s of the time.
// A row costs c beside decoding ones and a alone, so the prompt takes s / (s - 1) * c / a times as long as alone.
// s = 1 + c / a makes the two equal, and under 2 where c < a (a decode step waits for memory anyway): both sides keep a margin. Where nothing is
// saved, 2 balances them. The costs are what past steps took.
// Results do not depend on it: a row's value does not depend on what shares its step.
#pragma once

#include <vector>

namespace strata::engine {

class Pace {
 public:
  static constexpr double kStretchLeast = 1.5, kStretchMost = 2;
  static constexpr int kLeastRows = 8;  // WHY: a prompt always moves on

  // UNITS: rows, in [min(kLeastRows, max), max]; `max` where nobody decodes.
  int prefill_rows(int decode_rows, int max) const;
  // One more row beside `decode_rows` that decode, in steps of those alone. UNITS: steps, in [0.02, 1]
  double row_cost(int decode_rows) const;
  double stretch() const;  // in [kStretchLeast, kStretchMost]
  void add(double seconds, int decode_rows, int prefill_rows);

 private:
  double decode_seconds(int rows) const;  // of a step that only decodes; 0 where nothing is known yet
  std::vector<double> decode_;  // by decoding rows: seconds of a decode-only step, 0: not seen
  double per_row_ = 0;  // seconds a prompt row adds to a step that decodes, or to one that does not where that is all we saw
  bool beside_decode_ = false;  // per_row_ was seen beside decoding rows
  double alone_ = 0;  // seconds of a prompt row in long steps of prompts alone
};

}  // namespace strata::engine
