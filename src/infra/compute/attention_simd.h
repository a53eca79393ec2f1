// Attention of a tile of query rows over one span of the cache, for the registers of the including file (Simd; exp_of of vector_simd.h).
//
// Per block of 32 positions: scores[row][32] = q . K (K is transposed, so a register holds consecutive positions), then each row's running
// maximum and sum, then o[row] = o[row] * shrink + scores . V. Each row keeps to its own operations in its own order: which rows
// share the tile changes nothing.
#pragma once

#include <math.h>

#include "infra/compute/kernels.h"
#include "infra/compute/matmul_simd.h"
#include "infra/compute/vector_simd.h"

#if defined(STRATA_SIMD)
namespace strata::compute {
namespace {

template <bool kHalf>
inline F load_cached(const unsigned char* values, size_t index) {
  if constexpr (kHalf) return Simd::load_half(values + index * 2);
  else return Simd::load(reinterpret_cast<const float*>(values) + index);
}

// SHAPE: q [head_dim][rows] from the group's first row; score [R][32].
template <bool kHalf, size_t R>
inline void score_rows(const SpanTask& task, const unsigned char* keys, const float* q, float* score) {
  constexpr size_t kParts = kKvBlockPositions / Simd::kLanes;
  F sum[R][kParts];
  STRATA_UNROLL for (size_t r = 0; r < R; ++r) { STRATA_UNROLL for (size_t i = 0; i < kParts; ++i) sum[r][i] = Simd::zero(); }
  for (size_t d = 0; d < task.head_dim; ++d) {
    F k[kParts];
    STRATA_UNROLL for (size_t i = 0; i < kParts; ++i) k[i] = load_cached<kHalf>(keys, d * kKvBlockPositions + i * Simd::kLanes);
    STRATA_UNROLL for (size_t r = 0; r < R; ++r) {
      const F value = Simd::set1(q[d * task.rows + r]);
      STRATA_UNROLL for (size_t i = 0; i < kParts; ++i) sum[r][i] = Simd::fma(value, k[i], sum[r][i]);
    }
  }
  STRATA_UNROLL for (size_t r = 0; r < R; ++r) {
    STRATA_UNROLL for (size_t i = 0; i < kParts; ++i) Simd::store(score + r * kKvBlockPositions + i * Simd::kLanes, sum[r][i]);
  }
}

template <bool kHalf, size_t R>
inline void score_up_to(const SpanTask& task, const unsigned char* keys, const float* q, size_t rows, float* score) {
  if (rows == R) score_rows<kHalf, R>(task, keys, q, score);
  else if constexpr (R > 1) score_up_to<kHalf, R - 1>(task, keys, q, rows, score);
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
template <bool kHalf, size_t R, size_t kRegisters>
inline void output_rows(const SpanTask& task, const unsigned char* values, size_t column, size_t positions, const float* score, const float* shrink, float* o) {
  F sum[R][kRegisters];
  STRATA_UNROLL for (size_t r = 0; r < R; ++r) {
    const F factor = Simd::set1(shrink[r]);
    STRATA_UNROLL for (size_t i = 0; i < kRegisters; ++i) { sum[r][i] = Simd::mul(Simd::load(o + r * task.value_stride + column + i * Simd::kLanes), factor); }
  }
  for (size_t j = 0; j < positions; ++j) {
    F v[kRegisters];
    STRATA_UNROLL for (size_t i = 0; i < kRegisters; ++i) { v[i] = load_cached<kHalf>(values, j * task.value_stride + column + i * Simd::kLanes); }
    STRATA_UNROLL for (size_t r = 0; r < R; ++r) {
      const F p = Simd::set1(score[r * kKvBlockPositions + j]);
      STRATA_UNROLL for (size_t i = 0; i < kRegisters; ++i) sum[r][i] = Simd::fma(p, v[i], sum[r][i]);
    }
  }
  STRATA_UNROLL for (size_t r = 0; r < R; ++r) {
    STRATA_UNROLL for (size_t i = 0; i < kRegisters; ++i) { Simd::store(o + r * task.value_stride + column + i * Simd::kLanes, sum[r][i]); }
  }
}

template <bool kHalf, size_t R>
inline void output_up_to(const SpanTask& task, const unsigned char* values, size_t rows, size_t positions, const float* score, const float* shrink, float* o) {
  if (rows == R) {
    constexpr size_t kWide = Simd::kOutputRegisters * Simd::kLanes;
    size_t column = 0;
    for (; column + kWide <= task.value_stride; column += kWide) {
      output_rows<kHalf, R, Simd::kOutputRegisters>(task, values, column, positions, score, shrink, o);
    }
    for (; column < task.value_stride; column += Simd::kLanes) {
      output_rows<kHalf, R, 1>(task, values, column, positions, score, shrink, o);
    }
  } else if constexpr (R > 1) {
    output_up_to<kHalf, R - 1>(task, values, rows, positions, score, shrink, o);
  }
}

template <bool kHalf>
void attend_block(const SpanTask& task, size_t begin, size_t end) {
  const size_t block = begin / kKvBlockPositions;
  const unsigned char* keys = task.base + (task.table != nullptr ? task.table[block] : block) * task.stride;
  alignas(64) float score[kTileRowsMax * kKvBlockPositions];
  float shrink[kTileRowsMax];
  for (size_t r = 0; r < task.rows; r += Simd::kScoreRows) {
    const size_t rows = task.rows - r < Simd::kScoreRows ? task.rows - r : Simd::kScoreRows;
    score_up_to<kHalf, Simd::kScoreRows>(task, keys, task.q + r, rows, score + r * kKvBlockPositions);
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
    output_up_to<kHalf, Simd::kOutputRows>(task, keys + task.value_offset, rows, end - begin, score + r * kKvBlockPositions, shrink + r,
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
    if (task.half) attend_block<true>(task, begin, end);
    else attend_block<false>(task, begin, end);
  }
}

}  // namespace
}  // namespace strata::compute
#endif
