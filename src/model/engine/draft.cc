#include "model/engine/draft.h"

#include <algorithm>
#include <cmath>

namespace strata::engine {
namespace {

// Low at first: on text that repeats nothing the first guesses are short and few; on text that does, the rate climbs in three steps.
constexpr double kRateAtFirst = 0.35;
constexpr double kNew = 0.3;          // weight of the newest guess
constexpr int kPauseAtFirst = 16, kPauseLongest = 256;

}  // namespace

Draft::Draft() : rate_(kRateAtFirst), next_pause_(kPauseAtFirst) {}

uint64_t Draft::key(std::span<const int32_t> last) {
  uint64_t out = 0;
  for (const int32_t token : last) out = (out ^ static_cast<uint32_t>(token)) * 0x9e3779b97f4a7c15ull;
  return out;
}

void Draft::index(std::span<const int32_t> tokens) {
  for (; indexed_ < tokens.size(); ++indexed_) follows_[key(tokens.subspan(indexed_ - kMatch, kMatch))] = static_cast<uint32_t>(indexed_);
}

std::vector<int32_t> Draft::propose(std::span<const int32_t> tokens, int most, double row_cost) {
  if (pause_ > 0) {
    --pause_;
    return {};
  }
  if (tokens.size() < kMatch || rate_ <= row_cost) return {};
  index(tokens);
  const auto last = tokens.last(kMatch);
  const auto it = follows_.find(key(last));
  if (it == follows_.end()) return {};
  const auto from = static_cast<size_t>(it->second);
  if (!std::equal(last.begin(), last.end(), tokens.begin() + static_cast<ptrdiff_t>(from - kMatch))) return {};
  // rate^n is the chance that the n-th guess is used: guesses are worth it as long as that is above their cost.
  const int worth = rate_ > 0.99 ? kLongest : static_cast<int>(std::log(row_cost) / std::log(rate_));
  const int count = std::min({std::clamp(worth, 1, kLongest), most, static_cast<int>(tokens.size() - from)});
  if (count <= 0) return {};
  const auto guessed = tokens.subspan(from, static_cast<size_t>(count));
  return {guessed.begin(), guessed.end()};
}

void Draft::learn(int proposed, int accepted, double row_cost) {
  for (int i = 0; i < accepted; ++i) rate_ += kNew * (1 - rate_);
  if (accepted < proposed) rate_ -= kNew * rate_;
  if (accepted == proposed) next_pause_ = kPauseAtFirst;
  if (rate_ > row_cost) return;
  pause_ = next_pause_;
  next_pause_ = std::min(2 * next_pause_, kPauseLongest);
  rate_ = std::max(kRateAtFirst, row_cost * 1.05);  // to try once more, and to stop after a failure or two
}

}  // namespace strata::engine
