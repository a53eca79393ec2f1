// Weights and activations for the tests of infra/compute: random, and at the edges of their formats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "infra/compute/formats.h"

namespace strata::compute {

enum class Fill {
  kRandom,
  kExtremes,  // least and greatest numbers of each format (-128, 15, 63, …), values ±8
  kZeros,
  kTiny,      // subnormal scales and values
};

inline double weight_bound(Fill fill) { return fill == Fill::kTiny ? 1e-3 : 256; }

// SOURCE: splitmix64 (Steele, Lea and Flood 2014).
class TestRandom {
 public:
  explicit TestRandom(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  float unit() { return static_cast<float>(next() >> 40) * 0x1p-23f - 1; }  // [-1, 1)

 private:
  uint64_t state_;
};

inline float make_value(TestRandom& random, Fill fill) {
  switch (fill) {
    case Fill::kRandom: return random.unit();
    case Fill::kExtremes: return random.next() % 2 == 0 ? 8.0f : -8.0f;
    case Fill::kZeros: return 0;
    case Fill::kTiny: return random.unit() * 1e-39f;
  }
  return 0;
}

inline std::vector<float> make_values(size_t count, Fill fill, uint64_t seed) {
  TestRandom random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = make_value(random, fill);
  return values;
}

inline uint8_t make_byte(TestRandom& random, Fill fill) {
  const uint64_t bits = random.next();
  switch (fill) {
    case Fill::kExtremes: return bits % 4 == 0 ? 0x00 : bits % 4 == 1 ? 0xff : bits % 4 == 2 ? 0x80 : 0x7f;
    case Fill::kZeros: return 0;
    default: return static_cast<uint8_t>(bits);
  }
}

// One block in the file's layout: the numbers at random, the scales set to something sane.
inline void make_block(Format format, TestRandom& random, Fill fill, std::byte* block) {
  const size_t bytes = format_block_bytes(format);
  if (format_block_values(format) == 1) {
    const float value = make_value(random, fill);
    const uint16_t half = f32_to_f16(value);
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    const auto upper = static_cast<uint16_t>(bits >> 16);
    if (format == Format::kF32) std::memcpy(block, &value, 4);
    else std::memcpy(block, format == Format::kF16 ? &half : &upper, 2);
    return;
  }
  for (size_t i = 0; i < bytes; ++i) block[i] = static_cast<std::byte>(make_byte(random, fill));
  const float d = fill == Fill::kTiny ? 1e-7f : fill == Fill::kExtremes ? 1.0f : 0.01f + 0.01f * random.unit();
  const uint16_t scale = f32_to_f16(d), least = f32_to_f16(fill == Fill::kExtremes ? -16.0f : -8 * d);
  std::memcpy(block + (format == Format::kQ6_K ? 208 : 0), &scale, 2);
  if (format == Format::kQ4_1 || format == Format::kQ5_1) std::memcpy(block + 2, &least, 2);
  if (format == Format::kQ4_K || format == Format::kQ5_K) std::memcpy(block + 2, &scale, 2);
}

inline std::vector<std::byte> make_weights(Format format, size_t rows, size_t cols, Fill fill, uint64_t seed) {
  TestRandom random(seed);
  std::vector<std::byte> raw(rows * cols / format_block_values(format) * format_block_bytes(format));
  for (size_t i = 0; i < raw.size(); i += format_block_bytes(format)) make_block(format, random, fill, raw.data() + i);
  return raw;
}

}  // namespace strata::compute
