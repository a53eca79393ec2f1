// The small kernels for the registers of the including file (Simd). Tails are done with the same operations on partly filled registers, so
// a value's result does not depend on where it lies.
#pragma once

#include <math.h>

#include "infra/compute/formats.h"
#include "infra/compute/kernels.h"

#if defined(STRATA_SIMD)
namespace strata::compute {
namespace {

using F = typename Simd::F;

// out(i, n): n = kLanes for whole registers; for the rest n < kLanes.
template <class Whole, class Rest>
inline void for_registers(size_t count, Whole whole, Rest rest) {
  size_t i = 0;
  for (; i + Simd::kLanes <= count; i += Simd::kLanes) whole(i);
  if (i < count) rest(i, count - i);
}

// e^x to about 1 ulp. x = n ln 2 + r, |r| <= ln 2 / 2; e^r by its Taylor series to r^7 (the next term is under 2^-27 of the sum);
// ln 2 in two parts (Cody and Waite 1980), the first with nine zero bits at its end, so that n times it is exact.
inline F exp_of(F x) {
  const F least = Simd::set1(-87.0f);  // e^-87 is just above the smallest normal number: below, 0
  const F most = Simd::set1(88.3f);    // e^88.3 is near the greatest number: from there on, infinity (NaN too)
  const F clamped = Simd::min(Simd::max(x, least), most);
  const F n = Simd::round(Simd::mul(clamped, Simd::set1(1.44269504f)));  // log2 e
  F r = Simd::fnma(n, Simd::set1(0.693359375f), clamped);
  r = Simd::fnma(n, Simd::set1(-2.12194440e-4f), r);
  F e = Simd::set1(1.0f / 5040);
  e = Simd::fma(e, r, Simd::set1(1.0f / 720));
  e = Simd::fma(e, r, Simd::set1(1.0f / 120));
  e = Simd::fma(e, r, Simd::set1(1.0f / 24));
  e = Simd::fma(e, r, Simd::set1(1.0f / 6));
  e = Simd::fma(e, r, Simd::set1(0.5f));
  e = Simd::fma(e, r, Simd::set1(1.0f));
  e = Simd::fma(e, r, Simd::set1(1.0f));
  const F bounded = Simd::select_less(x, most, Simd::times_pow2(e, n), Simd::set1(INFINITY));
  return Simd::select_less(x, least, Simd::zero(), bounded);
}

// 2^x for x <= 0, to about 1 ulp; below -126 the least normal number, which no sum of weights sees (the greatest is 1). x = n + r, |r| <= 1/2;
// 2^r = e^(r ln 2) by its Taylor series to r^6 (the next term is under 2^-22.9).
inline F exp2_down(F x) {
  const F bounded = Simd::max(x, Simd::set1(-126.0f));
  const F n = Simd::round(bounded);
  const F r = Simd::sub(bounded, n);
  F e = Simd::set1(1.54035304e-4f);  // (ln 2)^6 / 6!, and so on
  e = Simd::fma(e, r, Simd::set1(1.33335581e-3f));
  e = Simd::fma(e, r, Simd::set1(9.61812911e-3f));
  e = Simd::fma(e, r, Simd::set1(5.55041087e-2f));
  e = Simd::fma(e, r, Simd::set1(2.40226507e-1f));
  e = Simd::fma(e, r, Simd::set1(6.93147181e-1f));
  e = Simd::fma(e, r, Simd::set1(1.0f));
  return Simd::times_pow2(e, n);
}

// Sum of f(i, register) over a row in four interleaved sums. value(i, n): the register at i with n values (the rest zero).
template <class Value>
inline float sum_of(size_t count, Value value) {
  F sum[4] = {Simd::zero(), Simd::zero(), Simd::zero(), Simd::zero()};
  size_t i = 0;
  for (; i + 4 * Simd::kLanes <= count; i += 4 * Simd::kLanes) {
    for (size_t k = 0; k < 4; ++k) sum[k] = value(i + k * Simd::kLanes, Simd::kLanes, sum[k]);
  }
  for (; i + Simd::kLanes <= count; i += Simd::kLanes) sum[0] = value(i, Simd::kLanes, sum[0]);
  if (i < count) sum[1] = value(i, count - i, sum[1]);
  return Simd::reduce_add(Simd::add(Simd::add(sum[0], sum[1]), Simd::add(sum[2], sum[3])));
}

inline F load_up_to(const float* p, size_t n) { return n == Simd::kLanes ? Simd::load(p) : Simd::load_n(p, n); }

// y[i] = f(registers at i), with whole and partial registers alike.
template <class Function>
inline void map(float* y, size_t count, Function function) {
  for_registers(count, [&](size_t i) { Simd::store(y + i, function(i, Simd::kLanes)); }, [&](size_t i, size_t n) { Simd::store_n(y + i, function(i, n), n); });
}

float dot(const float* a, const float* b, size_t n) {
  return sum_of(n, [&](size_t i, size_t k, F sum) { return Simd::fma(load_up_to(a + i, k), load_up_to(b + i, k), sum); });
}

void rms_norm(const float* x, const float* weight, float* y, size_t cols, float eps) {
  const F factor = Simd::set1(1.0f / sqrtf(dot(x, x, cols) / static_cast<float>(cols) + eps));
  map(y, cols, [&](size_t i, size_t n) { return Simd::mul(Simd::mul(load_up_to(x + i, n), factor), load_up_to(weight + i, n)); });
}

void layer_norm(const float* x, const float* weight, const float* bias, float* y, size_t cols, float eps) {
  const float sum = sum_of(cols, [&](size_t i, size_t n, F s) { return Simd::add(s, load_up_to(x + i, n)); });
  const F mean = Simd::set1(sum / static_cast<float>(cols));
  const float squares = sum_of(cols, [&](size_t i, size_t n, F s) {
    const F off = Simd::keep_first(Simd::sub(load_up_to(x + i, n), mean), n, Simd::zero());
    return Simd::fma(off, off, s);
  });
  const F factor = Simd::set1(1.0f / sqrtf(squares / static_cast<float>(cols) + eps));
  map(y, cols, [&](size_t i, size_t n) {
    const F unit = Simd::mul(Simd::sub(load_up_to(x + i, n), mean), factor);
    return Simd::fma(unit, load_up_to(weight + i, n), load_up_to(bias + i, n));
  });
}

void rope_interleaved(float* x, size_t heads, size_t head_dim, size_t dims, const float* cos_sin) {
  for (size_t h = 0; h < heads; ++h, x += head_dim) {
    map(x, dims, [&](size_t i, size_t n) { return Simd::turn_pairs(load_up_to(x + i, n), load_up_to(cos_sin + i, n)); });
  }
}

// (a c - b s, b c + a s) with the operations of turn_pairs.
inline void turn(F a, F b, F c, F s, F* first, F* second) {
  *first = Simd::fma(a, c, Simd::sub(Simd::zero(), Simd::mul(b, s)));
  *second = Simd::fma(b, c, Simd::mul(a, s));
}

void rope_halves(float* x, size_t heads, size_t head_dim, size_t dims, const float* cos_sin) {
  const size_t half = dims / 2;
  for (size_t h = 0; h < heads; ++h, x += head_dim) {
    for_registers(
        half,
        [&](size_t i) {
          F c, s, first, second;
          Simd::split_pairs(cos_sin + 2 * i, &c, &s);
          turn(Simd::load(x + i), Simd::load(x + half + i), c, s, &first, &second);
          Simd::store(x + i, first);
          Simd::store(x + half + i, second);
        },
        [&](size_t i, size_t n) {
          float pairs[2 * Simd::kLanes] = {};
          memcpy(pairs, cos_sin + 2 * i, 2 * n * sizeof(float));
          F c, s, first, second;
          Simd::split_pairs(pairs, &c, &s);
          turn(Simd::load_n(x + i, n), Simd::load_n(x + half + i, n), c, s, &first, &second);
          Simd::store_n(x + i, first, n);
          Simd::store_n(x + half + i, second, n);
        });
  }
}

inline float greatest_of(const float* x, size_t count) {
  F greatest = Simd::set1(-INFINITY);
  for_registers(
      count, [&](size_t i) { greatest = Simd::max(greatest, Simd::load(x + i)); },
      [&](size_t i, size_t n) { greatest = Simd::max(greatest, Simd::keep_first(Simd::load_n(x + i, n), n, greatest)); });
  return Simd::reduce_max(greatest);
}

void softmax(float* x, size_t n) {
  const F greatest = Simd::set1(greatest_of(x, n));
  map(x, n, [&](size_t i, size_t k) { return exp_of(Simd::sub(load_up_to(x + i, k), greatest)); });
  const float sum = sum_of(n, [&](size_t i, size_t k, F s) { return Simd::add(s, load_up_to(x + i, k)); });
  const F inverse = Simd::set1(1.0f / sum);
  map(x, n, [&](size_t i, size_t k) { return Simd::mul(load_up_to(x + i, k), inverse); });
}

void swiglu(const float* gate, const float* up, float* y, size_t n) {
  const F one = Simd::set1(1.0f);
  map(y, n, [&](size_t i, size_t k) {
    const F g = load_up_to(gate + i, k);
    return Simd::mul(Simd::div(g, Simd::add(one, exp_of(Simd::sub(Simd::zero(), g)))), load_up_to(up + i, k));
  });
}

// erf by Abramowitz and Stegun 7.1.26, error under 1.5e-7 (and 3e-8 of e^(-x^2)): 1 - (a1 t + … + a5 t^5) e^(-x^2), t = 1 / (1 + p |x|), odd in x.
inline F erf_of(F x) {
  const F one = Simd::set1(1.0f), magnitude = Simd::abs(x);
  const F t = Simd::div(one, Simd::fma(Simd::set1(0.3275911f), magnitude, one));
  F sum = Simd::set1(1.061405429f);
  sum = Simd::fma(sum, t, Simd::set1(-1.453152027f));
  sum = Simd::fma(sum, t, Simd::set1(1.421413741f));
  sum = Simd::fma(sum, t, Simd::set1(-0.284496736f));
  sum = Simd::fma(sum, t, Simd::set1(0.254829592f));
  const F tail = Simd::mul(Simd::mul(sum, t), exp2_down(Simd::mul(Simd::mul(x, x), Simd::set1(-1.44269504f))));
  return Simd::copy_sign(Simd::sub(one, tail), x);
}

void gelu_erf(const float* x, float* y, size_t n) {
  const F half = Simd::set1(0.5f), root = Simd::set1(0.70710678f), one = Simd::set1(1.0f);  // 1 / sqrt 2
  map(y, n, [&](size_t i, size_t k) {
    const F v = load_up_to(x + i, k);
    return Simd::mul(Simd::mul(half, v), Simd::add(one, erf_of(Simd::mul(v, root))));
  });
}

// x/2 (1 + tanh u) = x / (1 + e^(-2u)), u = sqrt(2 / pi) (x + 0.044715 x^3).
void gelu_tanh(const float* x, float* y, size_t n) {
  const F one = Simd::set1(1.0f), cubic = Simd::set1(0.044715f), factor = Simd::set1(-2 * 0.79788456f);
  map(y, n, [&](size_t i, size_t k) {
    const F v = load_up_to(x + i, k);
    const F inner = Simd::fma(Simd::mul(cubic, Simd::mul(v, v)), v, v);
    return Simd::div(v, Simd::add(one, exp_of(Simd::mul(factor, inner))));
  });
}

void add(const float* a, const float* b, float* y, size_t n) {
  map(y, n, [&](size_t i, size_t k) { return Simd::add(load_up_to(a + i, k), load_up_to(b + i, k)); });
}

void multiply(const float* a, const float* b, float* y, size_t n) {
  map(y, n, [&](size_t i, size_t k) { return Simd::mul(load_up_to(a + i, k), load_up_to(b + i, k)); });
}

void scale(const float* x, float factor, float* y, size_t n) {
  const F f = Simd::set1(factor);
  map(y, n, [&](size_t i, size_t k) { return Simd::mul(load_up_to(x + i, k), f); });
}

void scaled_add(const float* x, float factor, float* y, size_t n) {
  const F f = Simd::set1(factor);
  map(y, n, [&](size_t i, size_t k) { return Simd::fma(load_up_to(x + i, k), f, load_up_to(y + i, k)); });
}

void store_half(const float* x, uint16_t* out, size_t n) {
  for_registers(
      n, [&](size_t i) { Simd::store_half(out + i, Simd::load(x + i)); },
      [&](size_t i, size_t k) {
        uint16_t all[Simd::kLanes];
        Simd::store_half(all, Simd::load_n(x + i, k));
        memcpy(out + i, all, k * sizeof(uint16_t));
      });
}

// As the scalar version, value by value: the same bits.
void store_q8(const float* x, int8_t* out, uint16_t* scales, size_t n) {
  for (size_t begin = 0; begin < n; begin += kCacheGroup) {
    const size_t count = n - begin < kCacheGroup ? n - begin : kCacheGroup;
    const float* from = x + begin;
    F greatest = Simd::zero(), poison = Simd::zero();
    auto load = [&](size_t i) { return load_up_to(from + i, count - i < Simd::kLanes ? count - i : Simd::kLanes); };
    for (size_t i = 0; i < count; i += Simd::kLanes) {
      const F value = load(i);
      greatest = Simd::max(greatest, Simd::abs(value));
      poison = Simd::fma(value, Simd::zero(), poison);
    }
    const float bad = Simd::reduce_add(poison);
    const uint16_t scale = f32_to_f16_up(Simd::reduce_max(greatest) / 127.0f + bad);
    scales[begin / kCacheGroup] = scale;
    if (scale == 0 || bad != 0) {
      memset(out + begin, 0, count);
      continue;
    }
    const F inverse = Simd::set1(1.0f / f16_to_f32(scale)), most = Simd::set1(127.0f);
    int8_t numbers[kCacheGroup];
    for (size_t i = 0; i < count; i += Simd::kLanes) {
      const F scaled = Simd::mul(load(i), inverse);
      Simd::store_i8(numbers + i, Simd::to_int(Simd::max(Simd::min(scaled, most), Simd::sub(Simd::zero(), most))));
    }
    memcpy(out + begin, numbers, count);
  }
}

// ---- Bytes -------------------------------------------------------------------------------------------------------------------

int32_t dot_i8(const int8_t* a, const int8_t* b, size_t n) {
  constexpr size_t kStep = 2 * Simd::kLanes;
  auto sum0 = Simd::int_zero(), sum1 = Simd::int_zero();
  size_t i = 0;
  for (; i + 2 * kStep <= n; i += 2 * kStep) {
    sum0 = add_products_i8(sum0, a + i, b + i);
    sum1 = add_products_i8(sum1, a + i + kStep, b + i + kStep);
  }
  for (; i + kStep <= n; i += kStep) sum0 = add_products_i8(sum0, a + i, b + i);
  int32_t rest = 0;
  for (; i < n; ++i) rest += a[i] * b[i];
  return Simd::int_reduce_add(Simd::int_add(sum0, sum1)) + rest;
}

void scan_i8(const int8_t* query, float query_scale, const int8_t* matrix, size_t stride, size_t rows, size_t dims, const float* scales, float* out) {
  for (size_t r = 0; r < rows; ++r) out[r] = scales[r] * query_scale * static_cast<float>(dot_i8(query, matrix + r * stride, dims));
}

float quantize_i8(const float* x, int8_t* out, size_t n) {
  constexpr float kLeastMagnitude = 1e-35f;  // as in prepare_block
  F greatest = Simd::zero();
  for_registers(
      n, [&](size_t i) { greatest = Simd::max(greatest, Simd::abs(Simd::load(x + i))); },
      [&](size_t i, size_t k) { greatest = Simd::max(greatest, Simd::abs(Simd::load_n(x + i, k))); });
  const float magnitude = Simd::reduce_max(greatest);
  const bool zero = magnitude < kLeastMagnitude;
  const F inverse = Simd::set1(zero ? 0 : 127.0f / magnitude);
  for_registers(
      n, [&](size_t i) { Simd::store_i8(out + i, Simd::to_int(Simd::mul(Simd::load(x + i), inverse))); },
      [&](size_t i, size_t k) {
        int8_t all[Simd::kLanes];
        Simd::store_i8(all, Simd::to_int(Simd::mul(Simd::load_n(x + i, k), inverse)));
        memcpy(out + i, all, k);
      });
  return zero ? 0 : magnitude / 127.0f;
}

}  // namespace
}  // namespace strata::compute
#endif
