// Sampler: chooses a sequence's next token from the model's logits. One per sequence; also the log-probabilities that are reported.
//
// Order of work, as in vLLM and Hugging Face: logit bias, penalties, temperature, top-k, top-p, min-p, draw. Temperature 0 takes the
// largest logit (ties: the smallest id) after bias and penalties. The n-th token drawn depends on (seed, n) and the logits alone,
// so a result does not depend on what else runs.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "model/interface/interface.h"

namespace strata::engine {

// Names the field at fault. `vocabulary` bounds the ids of logit_bias.
Status check_sampling(const model::Sampling& sampling, int vocabulary);

class Sampler {
 public:
  // REQUIRES: check_sampling() was ok. `prompt` feeds the repetition penalty.
  Sampler(const model::Sampling& sampling, std::span<const int32_t> prompt);
  // SHAPE: logits [V], overwritten; -infinity: never. -1 where no logit is a finite number (damaged weights).
  int32_t sample(std::span<float> logits);

 private:
  void apply_bias_and_penalties(std::span<float> logits) const;
  int32_t draw(std::span<float> logits, float max) const;
  int32_t draw_from_best(std::span<float> logits, float max) const;

  model::Sampling sampling_;
  std::unordered_map<int32_t, int> completion_counts_;
  std::vector<int32_t> seen_;   // distinct ids of prompt and completion; only kept where repetition_penalty is on
  uint64_t drawn_ = 0;
};

// Log-probabilities of the model's own distribution: log-softmax of the raw logits, before bias, penalties and temperature, as the
// OpenAI API reports them. COST: one pass over V exponentials.
class LogProbabilities {
 public:
  explicit LogProbabilities(std::span<const float> logits);  // SHAPE: logits [V]; must outlive this
  double of(int32_t id) const { return static_cast<double>(logits_[static_cast<size_t>(id)]) - log_sum_; }
  std::vector<int32_t> top(int count) const;  // ids, best first; ties by the smaller id

 private:
  std::span<const float> logits_;
  double log_sum_ = 0;
};

}  // namespace strata::engine
