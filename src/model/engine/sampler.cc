#include "model/engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/random.h"

namespace strata::engine {
namespace {

// Largest finite logit (ties: smallest id); -1 where there is none.
int32_t best_of(std::span<const float> logits) {
  int32_t best = -1;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (!std::isfinite(logits[i])) continue;
    if (best < 0 || logits[i] > logits[static_cast<size_t>(best)]) best = static_cast<int32_t>(i);
  }
  return best;
}

Status check_range(double value, double low, double high, const char* name) {
  if (value >= low && value <= high) return {};  // false for NaN too
  return invalid_argument(
      std::string(name) + ": expected a number from " + std::to_string(low) + " to " + std::to_string(high) + ", got " + std::to_string(value), name);
}

struct ByLogit {
  std::span<const float> logits;
  bool operator()(int32_t a, int32_t b) const {
    const float x = logits[static_cast<size_t>(a)], y = logits[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  }
};

}  // namespace

Status check_sampling(const model::Sampling& sampling, int vocabulary) {
  TRY(check_range(sampling.temperature, 0, 2, "temperature"));
  TRY(check_range(sampling.top_p, 0, 1, "top_p"));
  TRY(check_range(sampling.min_p, 0, 1, "min_p"));
  TRY(check_range(sampling.frequency_penalty, -2, 2, "frequency_penalty"));
  TRY(check_range(sampling.presence_penalty, -2, 2, "presence_penalty"));
  TRY(check_range(sampling.repetition_penalty, 0.01, 100, "repetition_penalty"));
  if (sampling.top_k < 0) return invalid_argument("top_k: expected 0 (off) or more, got " + std::to_string(sampling.top_k), "top_k");
  for (const auto& [id, bias] : sampling.logit_bias) {
    if (id < 0 || id >= vocabulary) {
      return invalid_argument("logit_bias: token id " + std::to_string(id) + " is not in this model's vocabulary of " + std::to_string(vocabulary),
                              "logit_bias");
    }
    TRY(check_range(bias, -100, 100, "logit_bias"));
  }
  return {};
}

Sampler::Sampler(const model::Sampling& sampling, std::span<const int32_t> prompt) : sampling_(sampling) {
  if (sampling_.repetition_penalty == 1.0) return;
  seen_.assign(prompt.begin(), prompt.end());
  std::sort(seen_.begin(), seen_.end());
  seen_.erase(std::unique(seen_.begin(), seen_.end()), seen_.end());
}

void Sampler::apply_bias_and_penalties(std::span<float> logits) const {
  // SOURCE: Keskar et al., "CTRL", 2019, section 4.1: the score of what was seen is divided where positive, multiplied where negative.
  const auto penalty = static_cast<float>(sampling_.repetition_penalty);
  for (const int32_t id : seen_) {
    float& logit = logits[static_cast<size_t>(id)];
    logit = logit > 0 ? logit / penalty : logit * penalty;
  }
  // SOURCE: the OpenAI API reference: logit -= count * frequency_penalty + (count > 0) * presence_penalty.
  if (sampling_.frequency_penalty != 0 || sampling_.presence_penalty != 0) {
    for (const auto& [id, count] : completion_counts_) {
      logits[static_cast<size_t>(id)] -= static_cast<float>(count * sampling_.frequency_penalty + sampling_.presence_penalty);
    }
  }
  for (const auto& [id, bias] : sampling_.logit_bias) logits[static_cast<size_t>(id)] += static_cast<float>(bias);
}

int32_t Sampler::sample(std::span<float> logits) {
  apply_bias_and_penalties(logits);
  const int32_t best = best_of(logits);
  if (best < 0) return -1;
  const int32_t token = sampling_.temperature == 0 || sampling_.top_k == 1 ? best : draw(logits, logits[static_cast<size_t>(best)]);
  ++drawn_;
  ++completion_counts_[token];
  if (sampling_.repetition_penalty != 1.0) {
    const auto at = std::lower_bound(seen_.begin(), seen_.end(), token);
    if (at == seen_.end() || *at != token) seen_.insert(at, token);
  }
  return token;
}

int32_t Sampler::draw(std::span<float> logits, float max) const {
  // Below this the weight is not representable beside 1: such tokens, and NaN, get the weight 0.
  constexpr float kNegligible = -80.0f;
  const auto scale = static_cast<float>(1.0 / std::max(sampling_.temperature, 1e-4));
  const float least = sampling_.min_p > 0 ? static_cast<float>(std::log(sampling_.min_p)) : kNegligible;
  const bool restricted = sampling_.top_k > 0 || sampling_.top_p < 1.0;
  if (restricted) {
    for (float& logit : logits) logit = std::isfinite(logit) ? (logit - max) * scale : -INFINITY;
    return draw_from_best(logits, least);
  }
  double total = 0;
  for (float& logit : logits) {
    const float scaled = std::isfinite(logit) ? (logit - max) * scale : -INFINITY;
    logit = scaled >= std::max(least, kNegligible) ? std::exp(scaled) : 0.0f;
    total += logit;
  }
  double left = Random(sampling_.seed, drawn_).uniform() * total;
  int32_t last = -1;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] <= 0) continue;
    last = static_cast<int32_t>(i);
    left -= logits[i];
    if (left < 0) break;
  }
  return last;
}

// `logits` are scaled so that the best is 0; `least` is min-p's bound on that scale.
int32_t Sampler::draw_from_best(std::span<float> logits, float least) const {
  const size_t vocabulary = logits.size();
  const size_t limit = sampling_.top_k > 0 ? std::min<size_t>(static_cast<size_t>(sampling_.top_k), vocabulary) : vocabulary;
  std::vector<int32_t> ids(vocabulary);
  for (size_t i = 0; i < vocabulary; ++i) ids[i] = static_cast<int32_t>(i);
  const ByLogit better{logits};
  auto weight = [&](int32_t id) { return std::exp(static_cast<double>(logits[static_cast<size_t>(id)])); };
  // Sorted piecewise: nearly always the first few hundred hold top_p of the mass.
  size_t sorted = 0;
  auto sort_more = [&] {
    const size_t target = std::min(vocabulary, std::max<size_t>(256, sorted * 8));
    if (target < vocabulary) std::nth_element(ids.begin() + static_cast<long>(sorted), ids.begin() + static_cast<long>(target), ids.end(), better);
    std::sort(ids.begin() + static_cast<long>(sorted), ids.begin() + static_cast<long>(target), better);
    sorted = target;
  };
  double mass = 0;
  if (limit == vocabulary) {
    for (int32_t id = 0; id < static_cast<int32_t>(vocabulary); ++id) mass += weight(id);
  } else {
    while (sorted < limit) sort_more();
    for (size_t i = 0; i < limit; ++i) mass += weight(ids[i]);
  }
  std::vector<double> weights;
  double kept = 0;
  for (size_t i = 0; i < limit; ++i) {
    if (i == sorted) sort_more();
    if (i > 0 && (kept >= sampling_.top_p * mass || logits[static_cast<size_t>(ids[i])] < least)) break;
    weights.push_back(weight(ids[i]));
    kept += weights.back();
  }
  double left = Random(sampling_.seed, drawn_).uniform() * kept;
  for (size_t i = 0; i < weights.size(); ++i) {
    left -= weights[i];
    if (left < 0) return ids[i];
  }
  return ids[weights.size() - 1];
}

LogProbabilities::LogProbabilities(std::span<const float> logits) : logits_(logits) {
  float max = -INFINITY;
  for (const float logit : logits) max = logit > max ? logit : max;
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - max);
  log_sum_ = static_cast<double>(max) + std::log(sum);
}

std::vector<int32_t> LogProbabilities::top(int count) const {
  std::vector<int32_t> ids(logits_.size());
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i);
  const size_t n = std::min(ids.size(), static_cast<size_t>(std::max(count, 0)));
  // NaN compares as the smallest, so that the order stays strict whatever the weights hold.
  auto value = [this](int32_t id) {
    const float x = logits_[static_cast<size_t>(id)];
    return std::isnan(x) ? -INFINITY : x;
  };
  std::partial_sort(ids.begin(), ids.begin() + static_cast<long>(n), ids.end(),
                    [&](int32_t a, int32_t b) { return value(a) != value(b) ? value(a) > value(b) : a < b; });
  ids.resize(n);
  return ids;
}

}  // namespace strata::engine
