// The table of kernels of one instruction-set level. Inside infra/compute only.
//
// kernels_scalar.cc holds the formulas (the oracle); kernels_avx2.cc, kernels_avx512.cc and kernels_avx512vnni.cc are the templates
// of matmul_simd.h, vector_simd.h and attention_simd.h, compiled for that level over the register types of simd_256.h or simd_512.h.
// WHY anonymous namespaces: an inline function compiled for AVX-512 must never be the copy that the linker keeps for all. So those files
// call nothing from the standard library but C functions; `nm` shows no weak symbol in their objects.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "infra/compute/attention.h"
#include "infra/compute/pack.h"

namespace strata::compute {

inline constexpr size_t kSpanPositions = 256;   // of the cache, attended in one go and then merged in ascending order
inline constexpr size_t kTileRowsMax = 12;      // query rows of one attention tile
inline constexpr size_t kHeadDimMax = 256;
inline constexpr size_t kCacheGroup = 32;       // values of an 8-bit cache that share a scale
static constexpr size_t cache_groups(size_t head_dim) { return (head_dim + kCacheGroup - 1) / kCacheGroup; }
static constexpr size_t cache_scale_bytes(size_t head_dim) { return cache_groups(head_dim) * kKvBlockPositions * sizeof(uint16_t); }  // of K or V in a block

// Query rows of one K/V head against the positions [begin, end) of its cache, end - begin <= kSpanPositions, begin a multiple of it.
// Row r sees positions below limit[r]; limit[r] <= begin gives m = -infinity, l = 0, o = 0.
struct SpanTask {
  const float* q = nullptr;  // SHAPE: [head_dim][rows], times scale
  size_t rows = 0;  // 1 … kTileRowsMax
  const size_t* limit = nullptr;  // SHAPE: [rows]
  size_t begin = 0, end = 0;
  size_t head_dim = 0;
  size_t value_stride = 0;  // head_dim rounded up to 16
  Format format = Format::kF32;  // of the cache: kF32, kF16 or kQ8_0
  const unsigned char* base = nullptr;  // block i: K of this head at base + table[i] * stride
  const uint32_t* table = nullptr;
  size_t stride = 0;
  size_t value_offset = 0;  // from K to V, bytes
  // Results: m = greatest score, l = sum exp(score - m), o = sum exp(score - m) v. SHAPE: m, l [rows], o [rows][value_stride]
  float* m = nullptr;
  float* l = nullptr;
  float* o = nullptr;
};

// One head of a whole text, in both directions: out = softmax(scale q . k) v over all tokens.
inline constexpr size_t kTextQueries = 32;  // of a tile, at most
struct TextTask {
  const float* q = nullptr;  // of this head: token t at q + t * stride; k, v and out alike
  const float* k = nullptr;
  const float* v = nullptr;
  float* out = nullptr;
  size_t stride = 0, tokens = 0, head_dim = 0;
  float scale = 1;
  float* scores = nullptr;  // working memory, aligned to 64. SHAPE: [tokens][kTextQueries]
};

struct Kernels {
  size_t tile_quantized = 1;  // tokens of a full tile
  size_t tile_float = 1;
  // One token's x into column `token` of a prepared tile of m tokens.
  void (*prepare)(const PackedView& w, const float* x, size_t token, size_t m, unsigned char* tile);
  // The whole tile for W in F32, F16 or BF16: tile[c][t] = x[t][c]. SHAPE: x [m, cols], m <= tile_float
  void (*columns)(const float* x, size_t cols, size_t m, float* tile);
  // y[t][r] for the m tokens of the tile and the rows of panels [begin, end). y is of the tile's first token, y_stride in floats.
  void (*product)(const PackedView& w, size_t begin, size_t end, const unsigned char* tile, size_t m, float* y, size_t y_stride);

  void (*attend_span)(const SpanTask& task);
  void (*attend_text)(const TextTask& task);
  void (*store_half)(const float* x, uint16_t* out, size_t n);
  // One head's K or V of one position for an 8-bit cache: scale = greatest magnitude of each 32 values / 127, rounded up to F16, numbers to
  // nearest, ties to even. Values that are not finite make the scale NaN. The same bits at every level. SHAPE: scales [(n + 31) / 32]
  void (*store_q8)(const float* x, int8_t* out, uint16_t* scales, size_t n);

  void (*rms_norm)(const float* x, const float* weight, float* y, size_t cols, float eps);
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float* y, size_t cols, float eps);
  void (*rope_interleaved)(float* x, size_t heads, size_t head_dim, size_t dims, const float* cos_sin);
  void (*rope_halves)(float* x, size_t heads, size_t head_dim, size_t dims, const float* cos_sin);
  void (*softmax)(float* x, size_t n);
  void (*swiglu)(const float* gate, const float* up, float* y, size_t n);
  void (*gelu_erf)(const float* x, float* y, size_t n);
  void (*gelu_tanh)(const float* x, float* y, size_t n);
  void (*add)(const float* a, const float* b, float* y, size_t n);
  void (*multiply)(const float* a, const float* b, float* y, size_t n);
  void (*scale)(const float* x, float factor, float* y, size_t n);
  void (*scaled_add)(const float* x, float factor, float* y, size_t n);
  float (*dot)(const float* a, const float* b, size_t n);
  int32_t (*dot_i8)(const int8_t* a, const int8_t* b, size_t n);
  void (*scan_i8)(const int8_t* query, float query_scale, const int8_t* matrix, size_t stride, size_t rows, size_t dims, const float* scales, float* out);
  float (*quantize_i8)(const float* x, int8_t* out, size_t n);
};

const Kernels& kernels(Isa isa);  // a level above best_isa() is taken as best_isa()
extern const Kernels kKernelsScalar;
#if defined(__x86_64__)
extern const Kernels kKernelsAvx2;
extern const Kernels kKernelsAvx512;
extern const Kernels kKernelsAvx512Vnni;
#endif

}  // namespace strata::compute
