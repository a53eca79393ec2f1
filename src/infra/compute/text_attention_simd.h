// Attention of a whole text's queries of one head, for the registers of the including file (Simd). A register holds as many queries; keys and
// values are read where they lie, one number for all lanes. So the maximum and the sum over positions need nothing across lanes, positions are
// never filled up, and a query's result depends on its own numbers and the text alone.
//
// Per tile of one or two registers of queries: scores [position][query], in base 2; weights 2^(score - greatest) and their sum; then
// out[dim][query] = sum of weight * value over the positions in ascending order, divided by the sum.
#pragma once

#include "infra/compute/kernels.h"
#include "infra/compute/matmul_simd.h"
#include "infra/compute/vector_simd.h"

#if defined(STRATA_SIMD)
namespace strata::compute {
namespace {

// G registers of queries from `first` on, scaled, dimension by dimension; those past the text are zero. SHAPE: q [head_dim][G lanes]
template <size_t G>
inline void turn_queries(const TextTask& task, size_t first, float* q) {
  constexpr size_t kWide = G * Simd::kLanes;
  const auto factor = Simd::set1(task.scale * 1.44269504f);  // log2 e
  for (size_t g = 0; g < G; ++g) {
    for (size_t d = 0; d < task.head_dim; d += Simd::kLanes) {
      const size_t dims = task.head_dim - d < Simd::kLanes ? task.head_dim - d : Simd::kLanes;
      typename Simd::F row[Simd::kLanes];
      for (size_t i = 0; i < Simd::kLanes; ++i) {
        const size_t t = first + g * Simd::kLanes + i;
        row[i] = Simd::zero();
        if (t < task.tokens) row[i] = Simd::mul(load_up_to(task.q + t * task.stride + d, dims), factor);
      }
      Simd::transpose(row);
      for (size_t i = 0; i < dims; ++i) Simd::store(q + (d + i) * kWide + g * Simd::kLanes, row[i]);
    }
  }
}

// Scores of R positions from `j` on; `greatest` takes them in.
template <size_t G, size_t R>
inline void score_positions(const TextTask& task, const float* q, size_t j, float* scores, typename Simd::F* greatest) {
  constexpr size_t kWide = G * Simd::kLanes;
  const float* k = task.k + j * task.stride;
  typename Simd::F sum[R][G];
  STRATA_UNROLL for (size_t r = 0; r < R; ++r) { STRATA_UNROLL for (size_t g = 0; g < G; ++g) sum[r][g] = Simd::zero(); }
  for (size_t d = 0; d < task.head_dim; ++d) {
    typename Simd::F query[G];
    STRATA_UNROLL for (size_t g = 0; g < G; ++g) query[g] = Simd::load(q + d * kWide + g * Simd::kLanes);
    STRATA_UNROLL for (size_t r = 0; r < R; ++r) {
      const auto key = Simd::set1(k[r * task.stride + d]);
      STRATA_UNROLL for (size_t g = 0; g < G; ++g) sum[r][g] = Simd::fma(key, query[g], sum[r][g]);
    }
  }
  STRATA_UNROLL for (size_t r = 0; r < R; ++r) {
    STRATA_UNROLL for (size_t g = 0; g < G; ++g) {
      Simd::store(scores + (j + r) * kWide + g * Simd::kLanes, sum[r][g]);
      greatest[g] = Simd::max(greatest[g], sum[r][g]);
    }
  }
}

template <size_t G, size_t R>
inline void score_rest(const TextTask& task, const float* q, size_t j, size_t rest, float* scores, typename Simd::F* greatest) {
  if (rest == R) score_positions<G, R>(task, q, j, scores, greatest);
  else if constexpr (R > 1) score_rest<G, R - 1>(task, q, j, rest, scores, greatest);
}

// R dimensions from `d` on. SHAPE: out [head_dim][G lanes]
template <size_t G, size_t R>
inline void weigh_values(const TextTask& task, const float* weights, size_t d, const typename Simd::F* inverse, float* out) {
  constexpr size_t kWide = G * Simd::kLanes;
  typename Simd::F sum[R][G];
  STRATA_UNROLL for (size_t r = 0; r < R; ++r) { STRATA_UNROLL for (size_t g = 0; g < G; ++g) sum[r][g] = Simd::zero(); }
  for (size_t j = 0; j < task.tokens; ++j) {
    const float* v = task.v + j * task.stride + d;
    typename Simd::F weight[G];
    STRATA_UNROLL for (size_t g = 0; g < G; ++g) weight[g] = Simd::load(weights + j * kWide + g * Simd::kLanes);
    STRATA_UNROLL for (size_t r = 0; r < R; ++r) {
      const auto value = Simd::set1(v[r]);
      STRATA_UNROLL for (size_t g = 0; g < G; ++g) sum[r][g] = Simd::fma(value, weight[g], sum[r][g]);
    }
  }
  STRATA_UNROLL for (size_t r = 0; r < R; ++r) {
    STRATA_UNROLL for (size_t g = 0; g < G; ++g) Simd::store(out + (d + r) * kWide + g * Simd::kLanes, Simd::mul(sum[r][g], inverse[g]));
  }
}

template <size_t G, size_t R>
inline void weigh_rest(const TextTask& task, const float* weights, size_t d, size_t rest, const typename Simd::F* inverse, float* out) {
  if (rest == R) weigh_values<G, R>(task, weights, d, inverse, out);
  else if constexpr (R > 1) weigh_rest<G, R - 1>(task, weights, d, rest, inverse, out);
}

template <size_t G>
inline void store_queries(const TextTask& task, size_t first, const float* out) {
  constexpr size_t kWide = G * Simd::kLanes;
  for (size_t g = 0; g < G; ++g) {
    for (size_t d = 0; d < task.head_dim; d += Simd::kLanes) {
      const size_t dims = task.head_dim - d < Simd::kLanes ? task.head_dim - d : Simd::kLanes;
      typename Simd::F row[Simd::kLanes];
      for (size_t i = 0; i < Simd::kLanes; ++i) row[i] = i < dims ? Simd::load(out + (d + i) * kWide + g * Simd::kLanes) : Simd::zero();
      Simd::transpose(row);
      for (size_t i = 0; i < Simd::kLanes && first + g * Simd::kLanes + i < task.tokens; ++i) {
        float* to = task.out + (first + g * Simd::kLanes + i) * task.stride + d;
        if (dims == Simd::kLanes) Simd::store(to, row[i]);
        else Simd::store_n(to, row[i], dims);
      }
    }
  }
}

template <size_t G>
void attend_queries(const TextTask& task, size_t first, float* scores) {
  constexpr size_t kWide = G * Simd::kLanes;
  alignas(64) float q[kHeadDimMax * kWide];  // then the result
  turn_queries<G>(task, first, q);
  typename Simd::F greatest[G], sum[G], inverse[G];
  STRATA_UNROLL for (size_t g = 0; g < G; ++g) {
    greatest[g] = Simd::set1(-INFINITY);
    sum[g] = Simd::zero();
  }
  size_t j = 0;
  for (; j + Simd::kTextPositions <= task.tokens; j += Simd::kTextPositions) score_positions<G, Simd::kTextPositions>(task, q, j, scores, greatest);
  if (j < task.tokens) score_rest<G, Simd::kTextPositions - 1>(task, q, j, task.tokens - j, scores, greatest);
  for (j = 0; j < task.tokens; ++j) {
    STRATA_UNROLL for (size_t g = 0; g < G; ++g) {
      float* at = scores + j * kWide + g * Simd::kLanes;
      const auto weight = exp2_down(Simd::sub(Simd::load(at), greatest[g]));
      Simd::store(at, weight);
      sum[g] = Simd::add(sum[g], weight);
    }
  }
  STRATA_UNROLL for (size_t g = 0; g < G; ++g) inverse[g] = Simd::div(Simd::set1(1.0f), sum[g]);
  size_t d = 0;
  for (; d + Simd::kTextDims <= task.head_dim; d += Simd::kTextDims) weigh_values<G, Simd::kTextDims>(task, scores, d, inverse, q);
  if (d < task.head_dim) weigh_rest<G, Simd::kTextDims - 1>(task, scores, d, task.head_dim - d, inverse, q);
  store_queries<G>(task, first, q);
}

void attend_text(const TextTask& task) {
  size_t first = 0;
  for (; first + Simd::kLanes < task.tokens; first += 2 * Simd::kLanes) attend_queries<2>(task, first, task.scores);
  if (first < task.tokens) attend_queries<1>(task, first, task.scores);
}

}  // namespace
}  // namespace strata::compute
#endif
