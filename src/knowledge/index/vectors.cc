#include "knowledge/index/vectors.h"

#include <algorithm>
#include <cmath>

namespace strata::index {
namespace {

float quantize(std::span<const float> vector, int8_t* out) {
  float largest = 0;
  for (float value : vector) largest = std::max(largest, std::fabs(value));
  if (largest == 0) {
    std::fill(out, out + vector.size(), int8_t{0});
    return 1.0f;
  }
  const float inverse = 127.0f / largest;
  for (size_t i = 0; i < vector.size(); ++i) out[i] = static_cast<int8_t>(std::lrintf(vector[i] * inverse));
  return largest / 127.0f;
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define STRATA_CLONES __attribute__((target_clones("arch=skylake-avx512", "avx2", "default")))
#else
#define STRATA_CLONES
#endif

// The products fit: 127 × 127 × dimensions < 2^31 up to 133,000 dimensions.
STRATA_CLONES int32_t dot_int8(const int8_t* a, const int8_t* b, size_t count) {
  int32_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += static_cast<int32_t>(a[i]) * static_cast<int32_t>(b[i]);
  return sum;
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
  for (size_t slot = 0; slot < scales_.size(); ++slot) {
    if ((mask[slot] & kAllowed) == 0 || scales_[slot] == 0) continue;
    const int32_t dot = dot_int8(quantized.data(), quantized_.data() + slot * dimensions_, dimensions_);
    rough.offer(static_cast<uint32_t>(slot), static_cast<float>(dot) * scales_[slot]);
  }
  TopK best(k, ids);
  for (const Scored& scored : rough.sorted()) best.offer(scored.slot, static_cast<float>(cosine(scored.slot, query)));
  return best.sorted();
}

uint64_t Vectors::memory_bytes() const { return quantized_.capacity() + exact_.capacity() * sizeof(float) + scales_.capacity() * sizeof(float); }

}  // namespace strata::index
