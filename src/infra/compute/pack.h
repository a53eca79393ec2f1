// The packed layout of weights: what Matrix::pack writes and every kernel streams, the same for all instruction sets.
// Inside infra/compute only. Kernel files compiled for one instruction set include this: no code here that they could emit twice.
//
// A panel is 16 rows (the last one filled up with zero weights), panels follow each other, each a multiple of 64 bytes.
// Row r of a panel is lane r of a 512-bit register of 16 lanes (or of two 256-bit registers of 8).
//
//   F32, F16, BF16   [cols][16 rows] values
//   quantized        an info section, filled up to 64 bytes, then a value section; each has one entry per block of 32 columns
//     info  Q8_0, Q4_0   d[16] f16                                  32 bytes
//           Q5_0         d[16] f16                                  32 bytes
//           Q4_1, Q5_1   d[16] f16, m[16] f16                       64 bytes
//           Q4_K, Q5_K   d[16] f16, e[16] f16, scale[16] int8, minimum[16] int8 (both 0 … 63)   96 bytes
//           Q6_K         d[16] f16, s[2][16] int8 (columns 0–15, 16–31)   64 bytes
//     value Q4_*         4 registers; register j, lane r, byte i: low nibble = column 4 j + i, high = column 16 + 4 j + i; 256 bytes
//           Q5_*         the same 256 bytes, then for each register j the fifth bits of its low and of its high columns: bit 4 r + i of a
//                        little-endian u64 each; 320 bytes
//           Q8_0, Q6_K   8 registers; register j, lane r, byte i: column 4 j + i, int8 (Q6_K: -32 … 31);                   512 bytes
//
// The x of a product is prepared in tiles of a few tokens (PreparedTile below), so that kernels walk both sides forward.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "infra/compute/matrix.h"

namespace strata::compute {

inline constexpr size_t kPanelRows = 16;

enum class Values { kNibbles, kFives, kBytes };
constexpr Values values_of(Format format) {
  switch (format) {
    case Format::kQ4_0:
    case Format::kQ4_1:
    case Format::kQ4_K: return Values::kNibbles;
    case Format::kQ5_0:
    case Format::kQ5_1:
    case Format::kQ5_K: return Values::kFives;
    default: return Values::kBytes;
  }
}
constexpr size_t value_bytes_of(Format format) { return values_of(format) == Values::kNibbles ? 256 : values_of(format) == Values::kFives ? 320 : 512; }

enum class Scales { kPlain, kMinimum, kSuper, kHalves };  // d; d and m; d, e, scale, minimum; d and a scale of each half
constexpr Scales scales_of(Format format) {
  switch (format) {
    case Format::kQ4_1:
    case Format::kQ5_1: return Scales::kMinimum;
    case Format::kQ4_K:
    case Format::kQ5_K: return Scales::kSuper;
    case Format::kQ6_K: return Scales::kHalves;
    default: return Scales::kPlain;
  }
}
constexpr size_t info_bytes_of(Format format) { return scales_of(format) == Scales::kPlain ? 32 : scales_of(format) == Scales::kSuper ? 96 : 64; }

// What was added to a weight's number to make it unsigned in the packed values.
constexpr int shift_of(Format format) { return format == Format::kQ4_0 ? 8 : format == Format::kQ5_0 ? 16 : 0; }

struct PackedView {
  Format format = Format::kF32;
  size_t rows = 0, cols = 0;
  size_t panels = 0;
  size_t blocks = 0;        // of 32 columns; 0 for F32, F16, BF16
  size_t info_bytes = 0;    // of the info section of a panel, filled up
  size_t panel_bytes = 0;
  const unsigned char* data = nullptr;
};

// One block of 32 rounded activations of one token: x ~ d * q.
// `bias` is what a kernel adds to the integer sum because its weights are shifted to be unsigned:
//   Q4_0, Q5_0  bias[0] = -8 sum(q), -16 sum(q)   (the packed numbers are weight + 8, + 16)
//   Q4_1, Q5_1, Q4_K, Q5_K  unused; the minimum enters through s = d * sum(q)
//   Q8_0  bias[0] = -128 sum(q)          (used with VNNI only, whose left factor is unsigned)
//   Q6_K  bias[0], bias[1] = -128 sum(q) of columns 0–15 and 16–31, as above
struct BlockInfo {
  float d;
  float s;
  int32_t bias[2];
};

// A prepared tile of m tokens: quantized W: BlockInfo [blocks][m], then int8 [blocks][m][32]; else F32 [cols][m].
inline size_t prepared_bytes(const PackedView& w, size_t m) { return w.blocks != 0 ? w.blocks * m * (sizeof(BlockInfo) + 32) : w.cols * m * sizeof(float); }

}  // namespace strata::compute
