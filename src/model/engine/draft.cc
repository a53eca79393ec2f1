#include "model/engine/draft.h"

#include <algorithm>
#include <cmath>

namespace strata::engine {
namespace {

constexpr double kNew = 0.3;          // weight of the newest guess

}  // namespace

uint64_t Draft::key(std::span<const int32_t> last) {
  uint64_t out = 0;
  for (const int32_t token : last) out = (out ^ static_cast<uint32_t>(token)) * 0x9e3779b97f4a7c15ull;
  return out;
}

void Draft::index(std::span<const int32_t> tokens) {
  for (; indexed_ < tokens.size(); ++indexed_) follows_[key(tokens.subspan(indexed_ - kMatch, kMatch))] = static_cast<uint32_t>(indexed_);
}

// What followed the last tokens when they stood before.
std::span<const int32_t> Draft::followed(std::span<const int32_t> tokens) {
  if (tokens.size() < kMatch) return {};
  index(tokens);
  const auto last = tokens.last(kMatch);
  const auto it = follows_.find(key(last));
  if (it == follows_.end()) return {};
  const auto from = static_cast<size_t>(it->second);
  if (!std::equal(last.begin(), last.end(), tokens.begin() + static_cast<ptrdiff_t>(from - kMatch))) return {};
  return tokens.subspan(from);
}

std::vector<int32_t> Draft::propose(std::span<const int32_t> tokens, std::span<const int32_t> forced, int most, double row_cost) {
  asked_ = forced.empty() ? &repeats_ : &demands_;
  if (asked_->pausing()) return {};
  const int worth = asked_->worth(std::min(most, kLongest), row_cost);
  if (worth <= 0) return {};
  const auto guessed = forced.empty() ? followed(tokens) : forced;
  const auto count = std::min(guessed.size(), static_cast<size_t>(worth));
  return {guessed.begin(), guessed.begin() + static_cast<ptrdiff_t>(count)};
}

bool Gauge::pausing() {
  if (pause_ == 0) return false;
  --pause_;
  return true;
}

// rate^n is the chance that the n-th guess is used: guesses are worth it as long as that is above their cost.
int Gauge::worth(int most, double row_cost) const {
  if (rate_ <= row_cost || most <= 0) return 0;
  if (rate_ > 0.99) return most;
  return std::clamp(static_cast<int>(std::log(row_cost) / std::log(rate_)), 1, most);
}

void Gauge::learn(int proposed, int accepted, double row_cost) {
  for (int i = 0; i < accepted; ++i) rate_ += kNew * (1 - rate_);
  if (accepted < proposed) rate_ -= kNew * rate_;
  if (accepted == proposed) next_pause_ = kPauseAtFirst;
  if (rate_ > row_cost) return;
  pause_ = next_pause_;
  next_pause_ = std::min(2 * next_pause_, kPauseLongest);
  rate_ = std::max(rate_at_first_, row_cost * 1.05);  // to try once more, and to stop after a failure or two
}

}  // namespace strata::engine
