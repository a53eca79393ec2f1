// Products over packed panels, as templates on the tokens of a tile (M), for the registers of the including file (Simd, Dot).
// Every element y[t][r] goes through the same operations in the same order for each M, so a row's result does not depend on its batch.
#pragma once

#include "infra/compute/pack.h"

#if defined(STRATA_SIMD)
namespace strata::compute {
namespace {

#define STRATA_UNROLL _Pragma("GCC unroll 32")

inline typename Simd::I broadcast4(const int8_t* p) {
  int32_t four;
  memcpy(&four, p, 4);
  return Simd::int_set1(four);
}

// One 32-column block of one panel part (kLanes rows from `lane`) against M tokens: integer sums.
template <size_t M, bool kBias>
inline void nibble_sums(const unsigned char* values, const BlockInfo* info, const int8_t* x, typename Simd::I* sum) {
  STRATA_UNROLL for (size_t t = 0; t < M; ++t) { sum[t] = kBias && Dot::kShifted ? Simd::int_set1(info[t].bias[0]) : Simd::int_zero(); }
  STRATA_UNROLL for (size_t j = 0; j < 4; ++j) {
    const auto both = Simd::int_load(values + j * 64);
    const auto low = Simd::low_nibbles(both), high = Simd::high_nibbles(both);
    STRATA_UNROLL for (size_t t = 0; t < M; ++t) sum[t] = Dot::add_nibbles(sum[t], low, broadcast4(x + t * 32 + 4 * j));
    STRATA_UNROLL for (size_t t = 0; t < M; ++t) sum[t] = Dot::add_nibbles(sum[t], high, broadcast4(x + t * 32 + 16 + 4 * j));
  }
  STRATA_UNROLL for (size_t t = 0; t < M; ++t) {
    sum[t] = Dot::finish_nibbles(sum[t]);
    if (kBias && !Dot::kShifted) sum[t] = Simd::int_add(sum[t], Simd::int_set1(info[t].bias[0]));
  }
}

// The same with a fifth bit. `fifths` is where the bits of this panel part begin.
template <size_t M, bool kBias>
inline void five_sums(const unsigned char* values, const unsigned char* fifths, const BlockInfo* info, const int8_t* x, typename Simd::I* sum) {
  STRATA_UNROLL for (size_t t = 0; t < M; ++t) sum[t] = kBias ? Simd::int_set1(info[t].bias[0]) : Simd::int_zero();
  STRATA_UNROLL for (size_t pair = 0; pair < 4; pair += 2) {
    typename Simd::I part[M];
    STRATA_UNROLL for (size_t t = 0; t < M; ++t) part[t] = Simd::int_zero();
    STRATA_UNROLL for (size_t j = pair; j < pair + 2; ++j) {
      const auto both = Simd::int_load(values + j * 64);
      const auto low = Simd::add_fifths(Simd::low_nibbles(both), fifths + j * 16), high = Simd::add_fifths(Simd::high_nibbles(both), fifths + j * 16 + 8);
      STRATA_UNROLL for (size_t t = 0; t < M; ++t) part[t] = Dot::add_nibbles(part[t], low, broadcast4(x + t * 32 + 4 * j));
      STRATA_UNROLL for (size_t t = 0; t < M; ++t) part[t] = Dot::add_nibbles(part[t], high, broadcast4(x + t * 32 + 16 + 4 * j));
    }
    STRATA_UNROLL for (size_t t = 0; t < M; ++t) sum[t] = Simd::int_add(sum[t], Dot::finish_nibbles(part[t]));
  }
}

// Registers [from, to) of a block of signed bytes.
template <size_t M>
inline void byte_sums(const unsigned char* values, size_t from, size_t to, const BlockInfo* info, size_t bias, const int8_t* x, typename Simd::I* sum) {
  STRATA_UNROLL for (size_t t = 0; t < M; ++t) { sum[t] = Dot::kShifted ? Simd::int_set1(info[t].bias[bias]) : Simd::int_zero(); }
  STRATA_UNROLL for (size_t j = from; j < to; ++j) {
    const auto w = Dot::signed_weights(Simd::int_load(values + j * 64));
    STRATA_UNROLL for (size_t t = 0; t < M; ++t) sum[t] = Dot::add_signed(sum[t], w, broadcast4(x + t * 32 + 4 * j));
  }
}

// y = y + (d_w d_x) sum.
template <size_t M>
inline void add_scaled(typename Simd::F d, const BlockInfo* info, const typename Simd::I* sum, typename Simd::F* y) {
  STRATA_UNROLL for (size_t t = 0; t < M; ++t) { y[t] = Simd::fma(Simd::mul(d, Simd::set1(info[t].d)), Simd::to_float(sum[t]), y[t]); }
}

template <Format kFormat, size_t M>
inline void add_block(const unsigned char* w_info, const unsigned char* values, size_t lane, const BlockInfo* info, const int8_t* x, typename Simd::F* y) {
  auto d = Simd::load_half(w_info + lane * 2);
  typename Simd::I sum[M];
  if constexpr (kFormat == Format::kQ8_0) {
    byte_sums<M>(values + lane * 4, 0, 8, info, 0, x, sum);
    add_scaled<M>(d, info, sum, y);
  } else if constexpr (kFormat == Format::kQ6_K) {
    // s0 sum0 + s1 sum1 stays under 2 * 16 * 32 * 127 * 128 < 2^24: whole numbers that F32 holds exactly.
    typename Simd::I sum1[M];
    byte_sums<M>(values + lane * 4, 0, 4, info, 0, x, sum);
    byte_sums<M>(values + lane * 4, 4, 8, info, 1, x, sum1);
    const auto s0 = Simd::load_i8(w_info + 32 + lane), s1 = Simd::load_i8(w_info + 48 + lane);
    STRATA_UNROLL for (size_t t = 0; t < M; ++t) {
      const auto both = Simd::fma(s1, Simd::to_float(sum1[t]), Simd::mul(s0, Simd::to_float(sum[t])));
      y[t] = Simd::fma(Simd::mul(d, Simd::set1(info[t].d)), both, y[t]);
    }
  } else {
    constexpr bool kShift = shift_of(kFormat) != 0;
    if constexpr (values_of(kFormat) == Values::kFives) five_sums<M, kShift>(values + lane * 4, values + 256 + lane / 2, info, x, sum);
    else nibble_sums<M, kShift>(values + lane * 4, info, x, sum);
    if constexpr (scales_of(kFormat) == Scales::kSuper) d = Simd::mul(d, Simd::load_i8(w_info + 64 + lane));
    add_scaled<M>(d, info, sum, y);
    if constexpr (scales_of(kFormat) == Scales::kMinimum) {  // + m_w s_x
      const auto least = Simd::load_half(w_info + 32 + lane * 2);
      STRATA_UNROLL for (size_t t = 0; t < M; ++t) y[t] = Simd::fma(least, Simd::set1(info[t].s), y[t]);
    } else if constexpr (scales_of(kFormat) == Scales::kSuper) {  // - (e_w minimum_w) s_x
      const auto least = Simd::mul(Simd::load_half(w_info + 32 + lane * 2), Simd::load_i8(w_info + 80 + lane));
      STRATA_UNROLL for (size_t t = 0; t < M; ++t) y[t] = Simd::fnma(least, Simd::set1(info[t].s), y[t]);
    }
  }
}

// Asks for the lines at a fixed distance ahead of where the kernel reads. WHY: the processor's own prefetchers follow the two streams of a
// panel only to the end of each 4 KiB page; this doubles the speed of one row (measured on Zen 4: 11 -> 24 GB/s on one core, memory
// reading 25 to 30). Into L2, since a distance that covers memory's latency is too much for L1.
inline void fetch_ahead(const unsigned char* at, size_t bytes) {
  constexpr size_t kDistance = 6144;
  for (size_t i = 0; i < bytes; i += 64) Simd::prefetch(at + kDistance + i);
}

inline void store_rows(float* y, typename Simd::F value, size_t row, size_t rows) {
  if (row + Simd::kLanes <= rows) Simd::store(y + row, value);
  else if (row < rows) Simd::store_n(y + row, value, rows - row);
}

// A block that is zero in all tokens of a tile adds nothing to any sum: leaving it out gives the same bits.
template <size_t M>
inline bool all_zero(const BlockInfo* info) {
  for (size_t t = 0; t < M; ++t) {
    if (info[t].d != 0) return false;
  }
  return true;
}

template <Format kFormat, size_t M>
void product_quantized(const PackedView& w, size_t begin, size_t end, const unsigned char* tile, float* y, size_t y_stride) {
  constexpr size_t kInfo = info_bytes_of(kFormat), kValues = value_bytes_of(kFormat);
  const auto* x_info = reinterpret_cast<const BlockInfo*>(tile);
  const auto* x_values = reinterpret_cast<const int8_t*>(tile + w.blocks * M * sizeof(BlockInfo));
  for (size_t p = begin; p < end; ++p) {
    const unsigned char* panel = w.data + p * w.panel_bytes;
    for (size_t lane = 0; lane < kPanelRows; lane += Simd::kLanes) {
      typename Simd::F sum[M];
      STRATA_UNROLL for (size_t t = 0; t < M; ++t) sum[t] = Simd::zero();
      for (size_t b = 0; b < w.blocks; ++b) {
        if (all_zero<M>(x_info + b * M)) continue;
        fetch_ahead(panel + b * (kInfo + kValues), kInfo + kValues);
        add_block<kFormat, M>(panel + b * kInfo, panel + w.info_bytes + b * kValues, lane, x_info + b * M, x_values + b * M * 32, sum);
      }
      STRATA_UNROLL for (size_t t = 0; t < M; ++t) store_rows(y + t * y_stride, sum[t], p * kPanelRows + lane, w.rows);
    }
  }
}

template <Format kFormat>
inline typename Simd::F load_weights(const unsigned char* panel, size_t index) {
  if constexpr (kFormat == Format::kF16) return Simd::load_half(panel + index * 2);
  else if constexpr (kFormat == Format::kBF16) return Simd::load_bf16(panel + index * 2);
  else return Simd::load(reinterpret_cast<const float*>(panel) + index);
}

// P panels side by side: y[t][r] = ((0 + x0 w0) + x1 w1) + …, each step one fused multiply-add.
template <Format kFormat, size_t M, size_t P>
inline void product_panels(const PackedView& w, size_t p, const float* x, float* y, size_t y_stride) {
  constexpr size_t kParts = kPanelRows / Simd::kLanes * P;
  const unsigned char* panel[P];
  STRATA_UNROLL for (size_t i = 0; i < P; ++i) panel[i] = w.data + (p + i) * w.panel_bytes;
  typename Simd::F sum[M][kParts];
  STRATA_UNROLL for (size_t t = 0; t < M; ++t) { STRATA_UNROLL for (size_t i = 0; i < kParts; ++i) sum[t][i] = Simd::zero(); }
  constexpr size_t kBytes = kPanelRows * (kFormat == Format::kF32 ? sizeof(float) : sizeof(uint16_t)), kAhead = 4096;
  for (size_t c = 0; c < w.cols; ++c) {
    STRATA_UNROLL for (size_t i = 0; i < P; ++i) Simd::prefetch(panel[i] + c * kBytes + kAhead);  // as fetch_ahead
    typename Simd::F weights[kParts];
    STRATA_UNROLL for (size_t i = 0; i < kParts; ++i) {
      constexpr size_t kPerPanel = kPanelRows / Simd::kLanes;
      weights[i] = load_weights<kFormat>(panel[i / kPerPanel], c * kPanelRows + i % kPerPanel * Simd::kLanes);
    }
    STRATA_UNROLL for (size_t t = 0; t < M; ++t) {
      const auto value = Simd::set1(x[c * M + t]);
      STRATA_UNROLL for (size_t i = 0; i < kParts; ++i) sum[t][i] = Simd::fma(value, weights[i], sum[t][i]);
    }
  }
  STRATA_UNROLL for (size_t t = 0; t < M; ++t) {
    STRATA_UNROLL for (size_t i = 0; i < kParts; ++i) store_rows(y + t * y_stride, sum[t][i], p * kPanelRows + i * Simd::kLanes, w.rows);
  }
}

template <Format kFormat, size_t M>
void product_float(const PackedView& w, size_t begin, size_t end, const unsigned char* tile, float* y, size_t y_stride) {
  const auto* x = reinterpret_cast<const float*>(tile);
  constexpr size_t P = M == 1 ? 2 * Simd::kFloatPanels : Simd::kFloatPanels;  // one token alone has too few sums to keep the adders busy
  size_t p = begin;
  for (; p + P <= end; p += P) product_panels<kFormat, M, P>(w, p, x, y, y_stride);
  for (; p < end; ++p) product_panels<kFormat, M, 1>(w, p, x, y, y_stride);
}

using ProductOfTile = void (*)(const PackedView& w, size_t begin, size_t end, const unsigned char* tile, float* y, size_t y_stride);

// Calls the instance for m tokens, m in [1, M].
template <Format kFormat, size_t M>
void product_of(const PackedView& w, size_t begin, size_t end, const unsigned char* tile, size_t m, float* y, size_t y_stride) {
  if (m == M) {
    if constexpr (kFormat == Format::kF32 || kFormat == Format::kF16 || kFormat == Format::kBF16) {
      product_float<kFormat, M>(w, begin, end, tile, y, y_stride);
    } else {
      product_quantized<kFormat, M>(w, begin, end, tile, y, y_stride);
    }
  } else if constexpr (M > 1) {
    product_of<kFormat, M - 1>(w, begin, end, tile, m, y, y_stride);
  }
}

void product(const PackedView& w, size_t begin, size_t end, const unsigned char* tile, size_t m, float* y, size_t y_stride) {
  constexpr size_t M = Simd::kTileTokens;
  switch (w.format) {
    case Format::kF32: return product_of<Format::kF32, M>(w, begin, end, tile, m, y, y_stride);
    case Format::kF16: return product_of<Format::kF16, M>(w, begin, end, tile, m, y, y_stride);
    case Format::kBF16: return product_of<Format::kBF16, M>(w, begin, end, tile, m, y, y_stride);
    case Format::kQ8_0: return product_of<Format::kQ8_0, M>(w, begin, end, tile, m, y, y_stride);
    case Format::kQ4_0: return product_of<Format::kQ4_0, M>(w, begin, end, tile, m, y, y_stride);
    case Format::kQ4_1: return product_of<Format::kQ4_1, M>(w, begin, end, tile, m, y, y_stride);
    case Format::kQ5_0: return product_of<Format::kQ5_0, M>(w, begin, end, tile, m, y, y_stride);
    case Format::kQ5_1: return product_of<Format::kQ5_1, M>(w, begin, end, tile, m, y, y_stride);
    case Format::kQ4_K: return product_of<Format::kQ4_K, M>(w, begin, end, tile, m, y, y_stride);
    case Format::kQ5_K: return product_of<Format::kQ5_K, M>(w, begin, end, tile, m, y, y_stride);
    case Format::kQ6_K: return product_of<Format::kQ6_K, M>(w, begin, end, tile, m, y, y_stride);
  }
}

// ---- Preparing x -------------------------------------------------------------------------------------------------------------

// Rounds a block with one factor; returns the sums of the first and the second half, or where `split` is false of all and 0.
inline void round_block(const float* x, typename Simd::F inverse, bool split, int8_t* q, int32_t sum[2]) {
  typename Simd::I total[2] = {Simd::int_zero(), Simd::int_zero()};
  STRATA_UNROLL for (size_t i = 0; i < 32; i += Simd::kLanes) {
    const auto rounded = Simd::to_int(Simd::mul(Simd::load(x + i), inverse));
    Simd::store_i8(q + i, rounded);
    total[i / 16] = Simd::int_add(total[i / 16], rounded);
  }
  sum[0] = Simd::int_reduce_add(split ? total[0] : Simd::int_add(total[0], total[1]));
  sum[1] = split ? Simd::int_reduce_add(total[1]) : 0;
}

inline void prepare_block(Format format, const float* x, BlockInfo* info, int8_t* q) {
  constexpr float kLeastMagnitude = 1e-35f;  // below it 127 / magnitude would leave F32: taken as zero
  auto greatest = Simd::zero();
  STRATA_UNROLL for (size_t i = 0; i < 32; i += Simd::kLanes) greatest = Simd::max(greatest, Simd::abs(Simd::load(x + i)));
  const float magnitude = Simd::reduce_max(greatest);
  const bool zero = magnitude < kLeastMagnitude;
  const bool split = format == Format::kQ6_K;
  int32_t sum[2];
  round_block(x, Simd::set1(zero ? 0 : 127.0f / magnitude), split, q, sum);
  info->d = zero ? 0 : magnitude / 127.0f;
  info->s = info->d * static_cast<float>(sum[0] + sum[1]);
  const int32_t shift = shift_of(format) != 0 ? -shift_of(format) : -128;
  info->bias[0] = shift * sum[0];
  info->bias[1] = shift * sum[1];
}

void prepare(const PackedView& w, const float* x, size_t token, size_t m, unsigned char* tile) {
  if (w.blocks == 0) {
    auto* out = reinterpret_cast<float*>(tile);
    for (size_t c = 0; c < w.cols; ++c) out[c * m + token] = x[c];
    return;
  }
  auto* info = reinterpret_cast<BlockInfo*>(tile);
  auto* values = reinterpret_cast<int8_t*>(tile + w.blocks * m * sizeof(BlockInfo));
  for (size_t b = 0; b < w.blocks; ++b) prepare_block(w.format, x + b * 32, info + b * m + token, values + (b * m + token) * 32);
}

// Squares of kLanes columns of up to so many rows are turned in registers. A row of the tile is stored as a whole register where the tile has
// room for it: what runs over its end is overwritten by the next.
void columns(const float* x, size_t cols, size_t m, float* tile) {
  if (m == 1) {
    memcpy(tile, x, cols * sizeof(float));
    return;
  }
  for (size_t c = 0; c < cols; c += Simd::kLanes) {
    const size_t count = cols - c < Simd::kLanes ? cols - c : Simd::kLanes;
    typename Simd::F row[Simd::kLanes];
    STRATA_UNROLL for (size_t t = 0; t < Simd::kLanes; ++t) {
      row[t] = Simd::zero();
      if (t < m) row[t] = count == Simd::kLanes ? Simd::load(x + t * cols + c) : Simd::load_n(x + t * cols + c, count);
    }
    Simd::transpose(row);
    STRATA_UNROLL for (size_t i = 0; i < Simd::kLanes; ++i) {
      const size_t at = (c + i) * m;
      if (i >= count) break;
      if (at + Simd::kLanes <= cols * m) Simd::store(tile + at, row[i]);
      else Simd::store_n(tile + at, row[i], m);
    }
  }
}

}  // namespace
}  // namespace strata::compute
#endif
