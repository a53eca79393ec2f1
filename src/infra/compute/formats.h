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

inline constexpr size_t kBlockValues = 32;  // of Q8_0, Q4_0, Q4_1, and of rounded activations
inline constexpr size_t kQ8Bytes = 34, kQ4Bytes = 18, kQ41Bytes = 20;
inline constexpr size_t kQ6Values = 256, kQ6Bytes = 210;
static_assert(kQ8Bytes == 2 + kBlockValues && kQ4Bytes == 2 + kBlockValues / 2 && kQ41Bytes == kQ4Bytes + 2);
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
float bf16_to_f32(uint16_t upper);

// The 6-bit numbers of a Q6_K block less 32. SHAPE: out [256], values -32 … 31.
void unpack_q6(const std::byte* block, int8_t* out);

}  // namespace strata::compute
