#include "knowledge/index/vectors.h"

#include <algorithm>

#include "infra/compute/compute.h"

namespace strata::index {
namespace {

constexpr size_t kRunMax = 256;  // slots scored at a time

// A row of zeros is a vector too: its scale says so.
float quantize(std::span<const float> vector, int8_t* out) {
  const float scale = compute::quantize_i8(vector.data(), out, vector.size());
  return scale > 0 ? scale : 1.0f;
}

}  // namespace

void Vectors::set_dimensions(size_t dimensions, size_t slots) {
  dimensions_ = dimensions;
  quantized_.resize(slots * dimensions);
  exact_.resize(slots * dimensions);
}

void Vectors::add(std::span<const float> vector) {
  const size_t begin = quantized_.size();
  quantized_.resize(begin + dimensions_);
  if (vector.empty()) {
    exact_.resize(exact_.size() + dimensions_);
    scales_.push_back(0);
    return;
  }
  scales_.push_back(quantize(vector, quantized_.data() + begin));
  exact_.insert(exact_.end(), vector.begin(), vector.end());
}

void Vectors::compact(std::span<const uint32_t> renumbered) {
  size_t kept = 0;
  for (size_t slot = 0; slot < renumbered.size(); ++slot) {
    if (renumbered[slot] == UINT32_MAX) continue;
    const size_t from = slot * dimensions_, to = kept * dimensions_;
    if (kept != slot) {
      std::copy_n(quantized_.begin() + static_cast<ptrdiff_t>(from), dimensions_, quantized_.begin() + static_cast<ptrdiff_t>(to));
      std::copy_n(exact_.begin() + static_cast<ptrdiff_t>(from), dimensions_, exact_.begin() + static_cast<ptrdiff_t>(to));
      scales_[kept] = scales_[slot];
    }
    ++kept;
  }
  quantized_.resize(kept * dimensions_);
  exact_.resize(kept * dimensions_);
  scales_.resize(kept);
}

double Vectors::cosine(uint32_t slot, std::span<const float> query) const {
  const float* row = exact_.data() + slot * dimensions_;
  double sum = 0;
  for (size_t i = 0; i < dimensions_; ++i) sum += static_cast<double>(row[i]) * static_cast<double>(query[i]);
  return sum;
}

std::vector<Scored> Vectors::search(std::span<const float> query, std::span<const uint8_t> mask, size_t k, size_t rescore,
                                    const std::vector<int64_t>& ids) const {
  std::vector<int8_t> quantized(dimensions_);
  quantize(query, quantized.data());
  TopK rough(std::max(k, rescore), ids);
  const auto wanted = [&](size_t slot) { return (mask[slot] & kAllowed) != 0 && scales_[slot] > 0; };
  float scores[kRunMax];
  for (size_t begin = 0; begin < scales_.size();) {
    size_t end = begin;
    while (end < scales_.size() && end - begin < kRunMax && wanted(end)) ++end;
    compute::scan_i8(quantized.data(), 1.0f, quantized_.data() + begin * dimensions_, dimensions_, end - begin, dimensions_, scales_.data() + begin, scores);
    for (size_t slot = begin; slot < end; ++slot) rough.offer(static_cast<uint32_t>(slot), scores[slot - begin]);
    begin = std::max(end, begin + 1);
  }
  TopK best(k, ids);
  for (const Scored& scored : rough.sorted()) best.offer(scored.slot, static_cast<float>(cosine(scored.slot, query)));
  return best.sorted();
}

uint64_t Vectors::memory_bytes() const { return quantized_.capacity() + exact_.capacity() * sizeof(float) + scales_.capacity() * sizeof(float); }

}  // namespace strata::index
