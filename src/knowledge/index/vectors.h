// Vectors, exact search. Internal to knowledge/index; the caller holds the lock.
//
// A row is kept as int8 (q = round(v / scale), scale = max|v| / 127) for the scan and as F32 for the final order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "knowledge/index/keyword.h"

namespace strata::index {

class Vectors {
 public:
  int dimensions() const { return static_cast<int>(dimensions_); }
  // REQUIRES: none set yet. The `slots` slots that exist have no vector.
  void set_dimensions(size_t dimensions, size_t slots);
  void add(std::span<const float> vector);   // the next slot's; empty: it has none
  void compact(std::span<const uint32_t> renumbered);
  void clear() { *this = Vectors(); }
  bool has(uint32_t slot) const { return scales_[slot] > 0; }
  double cosine(uint32_t slot, std::span<const float> query) const;
  // The k best allowed slots by exact dot product, best first; the `rescore` best by int8 are compared in F32.
  std::vector<Scored> search(std::span<const float> query, std::span<const uint8_t> mask, size_t k, size_t rescore, const std::vector<int64_t>& ids) const;
  uint64_t memory_bytes() const;

 private:
  size_t dimensions_ = 0;
  std::vector<int8_t> quantized_;   // SHAPE: [slots, dimensions]
  std::vector<float> exact_;        // SHAPE: [slots, dimensions]
  std::vector<float> scales_;       // SHAPE: [slots]; 0: no vector
};

}  // namespace strata::index
