#include "model/engine/pace.h"

#include <algorithm>
#include <cstddef>

namespace strata::engine {
namespace {

constexpr double kNew = 0.2;          // weight of the newest step in the running means
constexpr int kUnknownShare = 8;      // of the largest chunk, while nothing is known about costs

constexpr double kRowCost = 0.25;     // of a step, while nothing is known
constexpr int kLongStep = 128;        // rows; a row of a shorter one pays for the reading of the weights too

void blend(double& mean, double value) { mean = mean == 0 ? value : mean + kNew * (value - mean); }

}  // namespace

double Pace::decode_seconds(int rows) const {
  const auto wanted = static_cast<size_t>(rows);
  if (wanted < decode_.size() && decode_[wanted] > 0) return decode_[wanted];
  // The nearest count that was seen, a row more or less costing what a prompt row does.
  for (size_t distance = 1; distance <= std::max(wanted, decode_.size()); ++distance) {
    if (wanted >= distance && wanted - distance < decode_.size() && decode_[wanted - distance] > 0) {
      return decode_[wanted - distance] + static_cast<double>(distance) * per_row_;
    }
    if (wanted + distance < decode_.size() && decode_[wanted + distance] > 0) {
      return std::max(decode_[wanted + distance] / 2, decode_[wanted + distance] - static_cast<double>(distance) * per_row_);
    }
  }
  return 0;
}

int Pace::prefill_rows(int decode_rows, int max) const {
  if (decode_rows == 0) return max;
  const double decode = decode_seconds(decode_rows);
  const int least = std::min(kLeastRows, max);
  if (decode == 0 || per_row_ == 0) return std::max(least, max / kUnknownShare);
  return static_cast<int>(std::clamp((stretch() - 1) * decode / per_row_, static_cast<double>(least), static_cast<double>(max)));
}

double Pace::stretch() const {
  if (!beside_decode_ || alone_ == 0) return kStretchMost;
  return std::clamp(1 + per_row_ / alone_, kStretchLeast, kStretchMost);
}

double Pace::row_cost(int decode_rows) const {
  const double decode = decode_seconds(decode_rows);
  return decode == 0 || per_row_ == 0 ? kRowCost : std::clamp(per_row_ / decode, 0.02, 1.0);
}

void Pace::add(double seconds, int decode_rows, int prefill_rows) {
  if (prefill_rows == 0) {
    if (decode_rows == 0) return;
    decode_.resize(std::max(decode_.size(), static_cast<size_t>(decode_rows) + 1), 0);
    return blend(decode_[static_cast<size_t>(decode_rows)], seconds);
  }
  if (decode_rows == 0) {
    if (prefill_rows >= kLongStep) blend(alone_, seconds / prefill_rows);
    if (!beside_decode_) blend(per_row_, seconds / prefill_rows);
    return;
  }
  const double decode = decode_seconds(decode_rows);
  if (decode == 0) return;
  // Never below a tenth of what is thought: one lucky step must not let a whole prompt in.
  const double seen = std::max(seconds - decode, 0.0) / prefill_rows;
  blend(per_row_, std::max(seen, per_row_ / 10));
  beside_decode_ = true;
}

}  // namespace strata::engine
