#include "infra/compute/formats.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "base/check.h"

namespace strata::compute {
namespace {

struct Shape {
  std::string_view name;
  size_t values, bytes;
};

Shape shape_of(Format format) {
  switch (format) {
    case Format::kF32: return {"F32", 1, 4};
    case Format::kF16: return {"F16", 1, 2};
    case Format::kBF16: return {"BF16", 1, 2};
    case Format::kQ8_0: return {"Q8_0", kBlockValues, kQ8Bytes};
    case Format::kQ4_0: return {"Q4_0", kBlockValues, kQ4Bytes};
    case Format::kQ4_1: return {"Q4_1", kBlockValues, kQ41Bytes};
    case Format::kQ5_0: return {"Q5_0", kBlockValues, kQ50Bytes};
    case Format::kQ5_1: return {"Q5_1", kBlockValues, kQ51Bytes};
    case Format::kQ4_K: return {"Q4_K", kSuperValues, kQ4KBytes};
    case Format::kQ5_K: return {"Q5_K", kSuperValues, kQ5KBytes};
    case Format::kQ6_K: return {"Q6_K", kQ6Values, kQ6Bytes};
  }
  CHECK(false);
}

void dequantize_q8(const std::byte* block, float* out) {
  const float d = f16_to_f32(load_as<uint16_t>(block));
  for (size_t i = 0; i < kBlockValues; ++i) out[i] = d * static_cast<float>(load_as<int8_t>(block + 2 + i));
}

// The values of a block of four or five bits. `shift` is what was added to make them unsigned.
void dequantize_small(Format format, const std::byte* block, float* out) {
  const int shift = format == Format::kQ4_0 ? 8 : format == Format::kQ5_0 ? 16 : 0;
  const bool super = format == Format::kQ4_K || format == Format::kQ5_K;
  for (size_t index = 0; index < shape_of(format).values / kBlockValues; ++index, out += kBlockValues) {
    const SmallBlock small = unpack_small(format, block, index);
    const float d = super ? f16_to_f32(small.d) * static_cast<float>(small.scale) : f16_to_f32(small.d);
    const float m = super ? -(f16_to_f32(small.m) * static_cast<float>(small.minimum)) : f16_to_f32(small.m);
    for (size_t i = 0; i < kBlockValues; ++i) {
      const float scaled = d * static_cast<float>(small.q[i] - shift);
      out[i] = shift == 0 ? scaled + m : scaled;
    }
  }
}

void dequantize_q6(const std::byte* block, float* out) {
  int8_t q[kQ6Values];
  unpack_q6(block, q);
  const float d = f16_to_f32(load_as<uint16_t>(block + 208));
  for (size_t i = 0; i < kQ6Values; ++i) {
    out[i] = d * static_cast<float>(load_as<int8_t>(block + 192 + i / 16)) * static_cast<float>(q[i]);
  }
}

}  // namespace

std::string_view format_name(Format format) { return shape_of(format).name; }
size_t format_block_values(Format format) { return shape_of(format).values; }
size_t format_block_bytes(Format format) { return shape_of(format).bytes; }
bool format_is_quantized(Format format) { return shape_of(format).values > 1; }

Result<uint64_t> format_row_bytes(Format format, uint64_t cols) {
  const Shape shape = shape_of(format);
  if (cols == 0 || cols % shape.values != 0) {
    return invalid_argument("a row of " + std::string(shape.name) + " needs a positive multiple of " + std::to_string(shape.values) + " columns, got " +
                            std::to_string(cols));
  }
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(cols / shape.values, static_cast<uint64_t>(shape.bytes), &bytes)) {
    return invalid_argument("a row of " + std::to_string(cols) + " columns is larger than memory can be");
  }
  return bytes;
}

float f16_to_f32(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = (half >> 10) & 31;
  const uint32_t fraction = half & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000 | (fraction << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));  // 112 = 127 - 15, the biases
  const float magnitude = static_cast<float>(fraction) * 0x1p-24f;  // subnormal: exact in F32
  return sign != 0 ? -magnitude : magnitude;
}

uint16_t f32_to_f16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00 | ((magnitude >> 13) & 1023));  // NaN stays NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00;  // 65520 and up round to infinity
  if (magnitude < 0x38800000) {  // below 2^-14: adding 0.5 leaves units of 2^-24 in the low bits, rounded by the adder
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000));
  }
  const uint32_t odd = (magnitude >> 13) & 1;
  return static_cast<uint16_t>(sign | ((magnitude - 0x38000000 + 0xfff + odd) >> 13));
}

uint16_t f32_to_f16_up(float value) {
  constexpr uint16_t kGreatest = 0x7bff;  // 65504
  const uint16_t nearest = f32_to_f16(value);
  if (value != value) return nearest;
  return std::min<uint16_t>(kGreatest, f16_to_f32(nearest) < value ? nearest + 1 : nearest);
}

float bf16_to_f32(uint16_t upper) { return std::bit_cast<float>(static_cast<uint32_t>(upper) << 16); }

namespace {

void unpack_nibbles(const std::byte* nibbles, uint8_t* q) {
  for (size_t i = 0; i < kBlockValues / 2; ++i) {
    const auto both = load_as<uint8_t>(nibbles + i);
    q[i] = both & 15;
    q[i + 16] = both >> 4;
  }
}

SmallBlock unpack_super(Format format, const std::byte* block, size_t b) {
  SmallBlock out;
  out.d = load_as<uint16_t>(block);
  out.m = load_as<uint16_t>(block + 2);
  auto sm = [&](size_t i) { return load_as<uint8_t>(block + 4 + i); };
  out.scale = static_cast<uint8_t>(b < 4 ? sm(b) & 63 : (sm(b + 4) & 15) | (sm(b - 4) >> 6) << 4);
  out.minimum = static_cast<uint8_t>(b < 4 ? sm(b + 4) & 63 : sm(b + 4) >> 4 | (sm(b) >> 6) << 4);
  const bool five = format == Format::kQ5_K;
  const std::byte* nibbles = block + (five ? 48 : 16) + 32 * (b / 2);
  for (size_t l = 0; l < kBlockValues; ++l) {
    const int nibble = load_as<uint8_t>(nibbles + l) >> (b % 2 * 4) & 15;
    const int fifth = five ? load_as<uint8_t>(block + 16 + l) >> b & 1 : 0;
    out.q[l] = static_cast<uint8_t>(nibble | fifth << 4);
  }
  return out;
}

}  // namespace

SmallBlock unpack_small(Format format, const std::byte* row, size_t index) {
  constexpr size_t kParts = kSuperValues / kBlockValues;
  if (format == Format::kQ4_K || format == Format::kQ5_K) return unpack_super(format, row + index / kParts * shape_of(format).bytes, index % kParts);
  const std::byte* at = row + index * shape_of(format).bytes;
  SmallBlock out;
  out.d = load_as<uint16_t>(at);
  at += 2;
  if (format == Format::kQ4_1 || format == Format::kQ5_1) {
    out.m = load_as<uint16_t>(at);
    at += 2;
  }
  const bool five = format == Format::kQ5_0 || format == Format::kQ5_1;
  const uint32_t fifths = five ? load_as<uint32_t>(at) : 0;
  unpack_nibbles(at + (five ? 4 : 0), out.q);
  for (size_t i = 0; i < kBlockValues; ++i) out.q[i] = static_cast<uint8_t>(out.q[i] | (fifths >> i & 1) << 4);
  return out;
}

void unpack_q6(const std::byte* block, int8_t* out) {
  for (size_t i = 0; i < kQ6Values; ++i) {
    const size_t half = i / 128, quarter = i % 128 / 32, l = i % 32;
    const auto low_byte = load_as<uint8_t>(block + 64 * half + 32 * (quarter % 2) + l);
    const auto high_byte = load_as<uint8_t>(block + 128 + 32 * half + l);
    const int low = (low_byte >> (4 * (quarter / 2))) & 15;
    const int high = (high_byte >> (2 * quarter)) & 3;
    out[i] = static_cast<int8_t>((low | (high << 4)) - 32);
  }
}

void dequantize(Format format, const std::byte* raw, size_t values, float* out) {
  const Shape shape = shape_of(format);
  CHECK(values % shape.values == 0);
  for (size_t i = 0; i < values; i += shape.values, raw += shape.bytes) {
    switch (format) {
      case Format::kF32: out[i] = load_as<float>(raw); break;
      case Format::kF16: out[i] = f16_to_f32(load_as<uint16_t>(raw)); break;
      case Format::kBF16: out[i] = bf16_to_f32(load_as<uint16_t>(raw)); break;
      case Format::kQ8_0: dequantize_q8(raw, out + i); break;
      case Format::kQ4_0:
      case Format::kQ4_1:
      case Format::kQ5_0:
      case Format::kQ5_1:
      case Format::kQ4_K:
      case Format::kQ5_K: dequantize_small(format, raw, out + i); break;
      case Format::kQ6_K: dequantize_q6(raw, out + i); break;
    }
  }
}

namespace {

void quantize_q8(const float* x, std::byte* block) {
  float greatest = 0;
  for (size_t i = 0; i < kBlockValues; ++i) greatest = std::max(greatest, std::fabs(x[i]));
  const uint16_t scale = f32_to_f16(greatest / 127);
  // The scale that is kept may be a little smaller than asked for, hence the bounds.
  const float d = f16_to_f32(scale), inverse = d > 0 ? 1 / d : 0;
  std::memcpy(block, &scale, sizeof scale);
  for (size_t i = 0; i < kBlockValues; ++i)
    block[2 + i] = static_cast<std::byte>(static_cast<int8_t>(std::clamp(std::nearbyint(x[i] * inverse), -127.0f, 127.0f)));
}

}  // namespace

void quantize(Format format, const float* x, size_t values, std::byte* raw) {
  switch (format) {
    case Format::kF32: std::memcpy(raw, x, values * sizeof(float)); return;
    case Format::kF16:
      for (size_t i = 0; i < values; ++i) {
        const uint16_t half = f32_to_f16(x[i]);
        std::memcpy(raw + 2 * i, &half, sizeof half);
      }
      return;
    case Format::kQ8_0:
      CHECK(values % kBlockValues == 0);
      for (size_t i = 0; i < values / kBlockValues; ++i) quantize_q8(x + i * kBlockValues, raw + i * kQ8Bytes);
      return;
    default: CHECK(false);
  }
}

}  // namespace strata::compute
