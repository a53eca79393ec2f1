// Attention of a tile of query rows over one span of the cache, for the registers of the including file (Simd; exp_of of vector_simd.h).
//
// Per block of 32 positions: scores[row][32] = q . K (K is transposed, so a register holds consecutive positions), then each row's running
// maximum and sum, then o[row] = o[row] * shrink + scores . V. Each row keeps to its own operations in its own order: which rows
// share the tile changes nothing.
//
// An 8-bit cache is widened to F32 as it is read. Its scales stay out of the inner loops: a score is the sum over groups of 32 dimensions
// of (q . numbers) * scale, and a group of columns of V is weighed by score * scale.
#pragma once

#include <math.h>

#include "infra/compute/kernels.h"
#include "infra/compute/matmul_simd.h"
#include "infra/compute/vector_simd.h"

#if defined(STRATA_SIMD)
namespace strata::compute {
namespace {

template <Format kFormat>
inline F load_cached(const unsigned char* values, size_t index) {
  if constexpr (kFormat == Format::kQ8_0) return Simd::load_i8(values + index);
  else if constexpr (kFormat == Format::kF16) return Simd::load_half(values + index * 2);
  else return Simd::load(reinterpret_cast<const float*>(values) + index);
}

// Of dimensions [begin, end); `scales` of an 8-bit group, then added to the score unless it is the first. SHAPE: q [head_dim][rows] from the
// tile's first row; scales [32]; score [R][32].
template <Format kFormat, size_t R>
inline void score_dims(const SpanTask& task, const unsigned char* keys, const unsigned char* scales, const float* q, size_t begin, size_t end, float* score) {
  constexpr size_t kParts = kKvBlockPositions / Simd::kLanes;
  F sum[R][kParts];
  STRATA_UNROLL for (size_t r = 0; r < R; ++r) { STRATA_UNROLL for (size_t i = 0; i < kParts; ++i) sum[r][i] = Simd::zero(); }
  for (size_t d = begin; d < end; ++d) {
    F k[kParts];
    STRATA_UNROLL for (size_t i = 0; i < kParts; ++i) k[i] = load_cached<kFormat>(keys, d * kKvBlockPositions + i * Simd::kLanes);
    STRATA_UNROLL for (size_t r = 0; r < R; ++r) {
      const F value = Simd::set1(q[d * task.rows + r]);
      STRATA_UNROLL for (size_t i = 0; i < kParts; ++i) sum[r][i] = Simd::fma(value, k[i], sum[r][i]);
    }
  }
  STRATA_UNROLL for (size_t i = 0; i < kParts; ++i) {
    F scale = Simd::zero();
    if constexpr (kFormat == Format::kQ8_0) scale = Simd::load_half(scales + i * Simd::kLanes * sizeof(uint16_t));
    STRATA_UNROLL for (size_t r = 0; r < R; ++r) {
      float* to = score + r * kKvBlockPositions + i * Simd::kLanes;
      if constexpr (kFormat == Format::kQ8_0) sum[r][i] = Simd::fma(sum[r][i], scale, begin == 0 ? Simd::zero() : Simd::load(to));
      Simd::store(to, sum[r][i]);
    }
  }
}

template <Format kFormat, size_t R>
inline void score_rows(const SpanTask& task, const unsigned char* keys, const float* q, float* score) {
  if constexpr (kFormat == Format::kQ8_0) {
    const unsigned char* numbers = keys + cache_scale_bytes(task.head_dim);
    for (size_t begin = 0; begin < task.head_dim; begin += kCacheGroup) {
      const size_t end = begin + kCacheGroup < task.head_dim ? begin + kCacheGroup : task.head_dim;
      score_dims<kFormat, R>(task, numbers, keys + begin / kCacheGroup * kKvBlockPositions * sizeof(uint16_t), q, begin, end, score);
    }
  } else {
    score_dims<kFormat, R>(task, keys, nullptr, q, 0, task.head_dim, score);
  }
}

template <Format kFormat, size_t R>
inline void score_up_to(const SpanTask& task, const unsigned char* keys, const float* q, size_t rows, float* score) {
  if (rows == R) score_rows<kFormat, R>(task, keys, q, score);
  else if constexpr (R > 1) score_up_to<kFormat, R - 1>(task, keys, q, rows, score);
}

// Turns a row's scores of `valid` positions into weights, updates m and l, returns the factor by which o shrinks.
inline float weigh_row(float* score, size_t valid, float* m, float* l) {
  constexpr size_t kParts = kKvBlockPositions / Simd::kLanes;
  const F none = Simd::set1(-INFINITY);
  F s[kParts], greatest = none;
  STRATA_UNROLL for (size_t i = 0; i < kParts; ++i) {
    const size_t from = i * Simd::kLanes;
    s[i] = Simd::keep_first(Simd::load(score + from), valid > from ? valid - from : 0, none);
    greatest = Simd::max(greatest, s[i]);
  }
  const float m_block = Simd::reduce_max(greatest);
  const float m_new = m_block > *m ? m_block : *m;
  F sum = Simd::zero();
  const F shift = Simd::set1(m_new);
  STRATA_UNROLL for (size_t i = 0; i < kParts; ++i) {
    const F p = exp_of(Simd::sub(s[i], shift));
    Simd::store(score + i * Simd::kLanes, p);
    sum = Simd::add(sum, p);
  }
  float shrink = 1;
  if (m_new != *m) {  // the first block too: e^-infinity = 0
    float all[Simd::kLanes];
    Simd::store(all, exp_of(Simd::set1(*m - m_new)));
    shrink = all[0];
  }
  *l = *l * shrink + Simd::reduce_add(sum);
  *m = m_new;
  return shrink;
}

// R rows, kRegisters registers of columns from `column`. SHAPE: score [R][32], o [R][stride]
template <Format kFormat, size_t R, size_t kRegisters>
inline void output_rows(const SpanTask& task, const unsigned char* values, size_t column, size_t positions, const float* score, const float* shrink, float* o) {
  F sum[R][kRegisters];
  STRATA_UNROLL for (size_t r = 0; r < R; ++r) {
    const F factor = Simd::set1(shrink[r]);
    STRATA_UNROLL for (size_t i = 0; i < kRegisters; ++i) { sum[r][i] = Simd::mul(Simd::load(o + r * task.value_stride + column + i * Simd::kLanes), factor); }
  }
  for (size_t j = 0; j < positions; ++j) {
    F v[kRegisters];
    STRATA_UNROLL for (size_t i = 0; i < kRegisters; ++i) { v[i] = load_cached<kFormat>(values, j * task.value_stride + column + i * Simd::kLanes); }
    STRATA_UNROLL for (size_t r = 0; r < R; ++r) {
      const F p = Simd::set1(score[r * kKvBlockPositions + j]);
      STRATA_UNROLL for (size_t i = 0; i < kRegisters; ++i) sum[r][i] = Simd::fma(p, v[i], sum[r][i]);
    }
  }
  STRATA_UNROLL for (size_t r = 0; r < R; ++r) {
    STRATA_UNROLL for (size_t i = 0; i < kRegisters; ++i) { Simd::store(o + r * task.value_stride + column + i * Simd::kLanes, sum[r][i]); }
  }
}

// All columns with the same scores, kRegisters registers at a time.
template <Format kFormat, size_t R, size_t kRegisters>
inline void output_columns(const SpanTask& task, const unsigned char* values, size_t begin, size_t end, size_t positions, const float* score,
                           const float* shrink, float* o) {
  constexpr size_t kWide = kRegisters * Simd::kLanes;
  size_t column = begin;
  for (; column + kWide <= end; column += kWide) output_rows<kFormat, R, kRegisters>(task, values, column, positions, score, shrink, o);
  for (; column < end; column += Simd::kLanes) output_rows<kFormat, R, 1>(task, values, column, positions, score, shrink, o);
}

// Each group of columns of an 8-bit cache has scales of its own, so that the scores are multiplied by them first.
template <size_t R>
inline void output_groups(const SpanTask& task, const unsigned char* part, size_t positions, const float* score, const float* shrink, float* o) {
  constexpr size_t kRegisters = kCacheGroup / Simd::kLanes;
  const unsigned char* numbers = part + cache_scale_bytes(task.head_dim);
  alignas(64) float weighed[R * kKvBlockPositions];
  for (size_t begin = 0; begin < task.value_stride; begin += kCacheGroup) {
    const unsigned char* scales = part + begin / kCacheGroup * kKvBlockPositions * sizeof(uint16_t);
    for (size_t i = 0; i < kKvBlockPositions; i += Simd::kLanes) {
      const F scale = Simd::load_half(scales + i * sizeof(uint16_t));
      STRATA_UNROLL for (size_t r = 0; r < R; ++r) {
        const size_t at = r * kKvBlockPositions + i;
        Simd::store(weighed + at, Simd::mul(Simd::load(score + at), scale));
      }
    }
    const size_t end = begin + kCacheGroup < task.value_stride ? begin + kCacheGroup : task.value_stride;
    output_columns<Format::kQ8_0, R, kRegisters>(task, numbers, begin, end, positions, weighed, shrink, o);
  }
}

template <Format kFormat, size_t R>
inline void output_up_to(const SpanTask& task, const unsigned char* values, size_t rows, size_t positions, const float* score, const float* shrink, float* o) {
  if (rows == R) {
    if constexpr (kFormat == Format::kQ8_0) output_groups<R>(task, values, positions, score, shrink, o);
    else output_columns<kFormat, R, Simd::kOutputRegisters>(task, values, 0, task.value_stride, positions, score, shrink, o);
  } else if constexpr (R > 1) {
    output_up_to<kFormat, R - 1>(task, values, rows, positions, score, shrink, o);
  }
}

template <Format kFormat>
void attend_block(const SpanTask& task, size_t begin, size_t end) {
  const size_t block = begin / kKvBlockPositions;
  const unsigned char* keys = task.base + (task.table != nullptr ? task.table[block] : block) * task.stride;
  alignas(64) float score[kTileRowsMax * kKvBlockPositions];
  float shrink[kTileRowsMax];
  for (size_t r = 0; r < task.rows; r += Simd::kScoreRows) {
    const size_t rows = task.rows - r < Simd::kScoreRows ? task.rows - r : Simd::kScoreRows;
    score_up_to<kFormat, Simd::kScoreRows>(task, keys, task.q + r, rows, score + r * kKvBlockPositions);
  }
  for (size_t r = 0; r < task.rows; ++r) {
    if (task.limit[r] > begin) {
      const size_t valid = task.limit[r] - begin;
      shrink[r] = weigh_row(score + r * kKvBlockPositions, valid < kKvBlockPositions ? valid : kKvBlockPositions, task.m + r, task.l + r);
    } else {
      memset(score + r * kKvBlockPositions, 0, kKvBlockPositions * sizeof(float));
      shrink[r] = 1;
    }
  }
  for (size_t r = 0; r < task.rows; r += Simd::kOutputRows) {
    const size_t rows = task.rows - r < Simd::kOutputRows ? task.rows - r : Simd::kOutputRows;
    output_up_to<kFormat, Simd::kOutputRows>(task, keys + task.value_offset, rows, end - begin, score + r * kKvBlockPositions, shrink + r,
                                             task.o + r * task.value_stride);
  }
}

void attend_span(const SpanTask& task) {
  for (size_t r = 0; r < task.rows; ++r) {
    task.m[r] = -INFINITY;
    task.l[r] = 0;
  }
  memset(task.o, 0, task.rows * task.value_stride * sizeof(float));
  for (size_t begin = task.begin; begin < task.end; begin += kKvBlockPositions) {
    const size_t end = begin + kKvBlockPositions < task.end ? begin + kKvBlockPositions : task.end;
    if (task.format == Format::kF16) attend_block<Format::kF16>(task, begin, end);
    else if (task.format == Format::kQ8_0) attend_block<Format::kQ8_0>(task, begin, end);
    else attend_block<Format::kF32>(task, begin, end);
  }
}

}  // namespace
}  // namespace strata::compute
#endif
