// The number formats of weights, as they lie in a model file, and their scalar reading. Inside infra/compute only.
// All numbers are little-endian; "f16" is IEEE 754 binary16. SOURCE: the GGUF specification and the block definitions of ggml.
//
//   F32    4 bytes a value     F16   2 bytes a value (binary16)     BF16  2 bytes a value (upper half of binary32)
//
//   Q8_0   34 bytes, 32 values       offset 0   d     f16
//                                           2   q[32] int8         value i = d * q[i]
//
//   Q4_0   18 bytes, 32 values       offset 0   d     f16
//                                           2   q[16] two values a byte: the low nibble is value i, the high one value i + 16
//                                                                  value = d * (nibble - 8)
//
//   Q4_1   20 bytes, 32 values       offset 0   d     f16
//                                           2   m     f16
//                                           4   q[16] as above     value = d * nibble + m
//
//   Q5_0   22 bytes, 32 values       offset 0   d     f16
//                                           2   h     u32          bit i: the fifth bit of value i
//                                           6   q[16] as above     value = d * ((nibble | bit << 4) - 16)
//
//   Q5_1   24 bytes, 32 values       offset 0   d     f16
//                                           2   m     f16
//                                           4   h     u32
//                                           8   q[16] as above     value = d * (nibble | bit << 4) + m
//
//   Q4_K  144 bytes, 256 values      offset 0   d     f16
//                                           2   e     f16
//                                           4   sm[12]    six-bit scales and minima of the eight sub-blocks of 32 values, see below
//                                          16   q[128]    sub-block b, value l: nibble b % 2 of q[32 (b / 2) + l]
//                                                                  value = d * scale[b] * nibble - e * minimum[b]
//          scale[b], minimum[b]:  b < 4   low six bits of sm[b], of sm[b + 4]
//                                 b ≥ 4   low nibble of sm[b + 4] | top two bits of sm[b - 4] << 4;
//                                         high nibble of sm[b + 4] | top two bits of sm[b] << 4
//
//   Q5_K  176 bytes, 256 values      offset 0   d, e, sm as above
//                                          16   h[32]     bit b of h[l]: the fifth bit of value l of sub-block b
//                                          48   q[128]    as above; value = d * scale[b] * (nibble | bit << 4) - e * minimum[b]
//
//   Q6_K  210 bytes, 256 values      offset 0   ql[128]   low four bits
//                                         128   qh[64]    high two bits
//                                         192   s[16]     int8, scale of 16 values each
//                                         208   d         f16
//          value i = d * s[i / 16] * (q - 32), q = low | high << 4. The bits lie by halves h = i / 128 and, inside, by quarters
//          k = (i % 128) / 32 and position l = i % 32:
//            low  = nibble (k / 2) of ql[64 h + 32 (k % 2) + l]          (nibble 0 is the low one)
//            high = bits 2 k, 2 k + 1 of qh[32 h + l]
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "infra/compute/matrix.h"

namespace strata::compute {

inline constexpr size_t kBlockValues = 32;  // of Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, of a sub-block of Q4_K and Q5_K, and of rounded activations
inline constexpr size_t kQ8Bytes = 34, kQ4Bytes = 18, kQ41Bytes = 20;
inline constexpr size_t kQ50Bytes = 22, kQ51Bytes = 24;
inline constexpr size_t kSuperValues = 256, kQ4KBytes = 144, kQ5KBytes = 176;
inline constexpr size_t kQ6Values = kSuperValues, kQ6Bytes = 210;
static_assert(kQ8Bytes == 2 + kBlockValues && kQ4Bytes == 2 + kBlockValues / 2 && kQ41Bytes == kQ4Bytes + 2);
static_assert(kQ50Bytes == kQ4Bytes + 4 && kQ51Bytes == kQ41Bytes + 4 && kQ4KBytes == 16 + kSuperValues / 2 && kQ5KBytes == kQ4KBytes + kSuperValues / 8);
static_assert(kQ6Bytes == kQ6Values / 2 + kQ6Values / 4 + kQ6Values / 16 + 2);

template <class T>
T load_as(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

bool format_is_quantized(Format format);  // its products go through int8 activations
float f16_to_f32(uint16_t half);          // exact, with subnormals, infinities and NaN
uint16_t f32_to_f16(float value);         // to nearest, ties to even; too great becomes infinity
uint16_t f32_to_f16_up(float value);      // the least that is not below `value`, 65504 at most. REQUIRES: value is not negative
float bf16_to_f32(uint16_t upper);

// Whole numbers of 32 values and what they are multiplied with, as any of the formats of four and five bits gives them:
//   value = (d * scale) * q + m, less (e * minimum) for Q4_K and Q5_K. What a format has not is 1 (scale) or 0.
struct SmallBlock {
  uint8_t q[kBlockValues];
  uint16_t d = 0, m = 0;       // f16 bits; m is e for Q4_K and Q5_K
  uint8_t scale = 1, minimum = 0;
};
// Block `index` of 32 values of a row. REQUIRES: the format is Q4_0, Q4_1, Q5_0, Q5_1, Q4_K or Q5_K; q of Q4_0 and Q5_0 is as stored
// (the value's number plus 8, plus 16).
SmallBlock unpack_small(Format format, const std::byte* row, size_t index);

// The 6-bit numbers of a Q6_K block less 32. SHAPE: out [256], values -32 … 31.
void unpack_q6(const std::byte* block, int8_t* out);

}  // namespace strata::compute
