// 8 lanes of AVX2 with FMA and F16C: the register operations that the kernel templates are written in. Only for files compiled with
// those flags; inside infra/compute only.
#pragma once

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#define STRATA_SIMD 256  // the kernel templates are nothing without it
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace strata::compute {
namespace {

struct Simd {
  using F = __m256;
  using I = __m256i;
  static constexpr size_t kLanes = 8;
  static constexpr size_t kTileTokens = 4;    // of a product: sums for 4 tokens twice over leave 8 of 16 registers
  static constexpr size_t kFloatPanels = 1;   // panels (2 registers) side by side in an F32 product
  static constexpr size_t kScoreRows = 3;     // query rows side by side, scores: 3 x 4 registers
  static constexpr size_t kOutputRows = 3;    // query rows side by side, outputs: 3 x 4 registers
  static constexpr size_t kOutputRegisters = 4;
  static constexpr size_t kTextPositions = 6;  // positions side by side against two registers of queries
  static constexpr size_t kTextDims = 4;       // dimensions side by side, likewise

  static void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1); }
  static F zero() { return _mm256_setzero_ps(); }
  static F set1(float x) { return _mm256_set1_ps(x); }
  static F load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, F x) { _mm256_storeu_ps(p, x); }
  static I first(size_t n) { return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)); }
  static F load_n(const float* p, size_t n) { return _mm256_maskload_ps(p, first(n)); }  // n < 8; the rest are zero
  static void store_n(float* p, F x, size_t n) { _mm256_maskstore_ps(p, first(n), x); }
  static F load_half(const void* p) { return _mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i*>(p))); }
  static F load_bf16(const void* p) {
    const I wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
  }
  static void store_half(uint16_t* p, F x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  static F load_i8(const void* p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p)))); }

  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F div(F a, F b) { return _mm256_div_ps(a, b); }
  static F max(F a, F b) { return _mm256_max_ps(a, b); }
  static F min(F a, F b) { return _mm256_min_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }      // a b + c
  static F fnma(F a, F b, F c) { return _mm256_fnmadd_ps(a, b, c); }    // c - a b
  static F abs(F a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
  static F copy_sign(F to, F from) {
    const F mask = _mm256_set1_ps(-0.0f);
    return _mm256_or_ps(_mm256_and_ps(mask, from), _mm256_andnot_ps(mask, to));
  }
  static F round(F a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static F times_pow2(F a, F n) {  // n whole, -126 … 127: written into the exponent
    const I power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(a, _mm256_castsi256_ps(power));
  }
  // a where test < limit, else b.
  static F select_less(F test, F limit, F a, F b) { return _mm256_blendv_ps(b, a, _mm256_cmp_ps(test, limit, _CMP_LT_OQ)); }
  // Lanes at n and above become `fill`.
  static F keep_first(F a, size_t n, F fill) { return n >= kLanes ? a : _mm256_blendv_ps(fill, a, _mm256_castsi256_ps(first(n))); }

  // Halves are folded on each other, so the order is fixed.
  static float reduce_add(F a) {
    __m128 c = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    c = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
  }
  static float reduce_max(F a) {
    __m128 c = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    c = _mm_max_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
  }

  static I int_zero() { return _mm256_setzero_si256(); }
  static I int_load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static I int_set1(int32_t x) { return _mm256_set1_epi32(x); }
  static I int_add(I a, I b) { return _mm256_add_epi32(a, b); }
  static int32_t int_reduce_add(I a) {
    __m128i c = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    c = _mm_add_epi32(c, _mm_shuffle_epi32(c, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(c, _mm_shuffle_epi32(c, 0xb1)));
  }
  static F to_float(I a) { return _mm256_cvtepi32_ps(a); }
  static I to_int(F a) { return _mm256_cvtps_epi32(a); }               // to nearest, ties to even
  static void store_i8(int8_t* p, I a) {
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(words, words));
  }
  // Adds 16 to the bytes whose bit is set in the 32 bits at `bits`.
  static I add_fifths(I a, const unsigned char* bits) {
    int32_t all;
    memcpy(&all, bits, 4);
    const I spread = _mm256_shuffle_epi8(_mm256_set1_epi32(all),
                                         _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3));
    const I one = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201ull));
    return _mm256_or_si256(a, _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(spread, one), one), _mm256_set1_epi8(16)));
  }
  static I low_nibbles(I a) { return _mm256_and_si256(a, _mm256_set1_epi8(15)); }
  static I high_nibbles(I a) { return _mm256_and_si256(_mm256_srli_epi16(a, 4), _mm256_set1_epi8(15)); }

  // Pairs (x, y) turned by pairs (cos, sin): (x c - y s, y c + x s).
  static F turn_pairs(F xy, F cs) {
    const F swapped = _mm256_permute_ps(xy, 0xb1);
    return _mm256_fmaddsub_ps(xy, _mm256_moveldup_ps(cs), _mm256_mul_ps(swapped, _mm256_movehdup_ps(cs)));
  }
  // 8 (cos, sin) pairs -> 8 cos and 8 sin.
  static void split_pairs(const float* p, F* cos, F* sin) {
    const F a = load(p), b = load(p + 8);
    const F low = _mm256_permute2f128_ps(a, b, 0x20), high = _mm256_permute2f128_ps(a, b, 0x31);
    *cos = _mm256_shuffle_ps(low, high, 0x88);
    *sin = _mm256_shuffle_ps(low, high, 0xdd);
  }
  // Lane i of row j becomes lane j of row i: pairs, fours, then halves of the registers change places.
  static void transpose(F row[8]) {
    F two[8], four[8];
    for (int i = 0; i < 8; i += 2) {
      two[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
      two[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {  // four[i + c]: column c of each half, of rows i to i + 3
      four[i] = _mm256_shuffle_ps(two[i], two[i + 2], 0x44);
      four[i + 1] = _mm256_shuffle_ps(two[i], two[i + 2], 0xee);
      four[i + 2] = _mm256_shuffle_ps(two[i + 1], two[i + 3], 0x44);
      four[i + 3] = _mm256_shuffle_ps(two[i + 1], two[i + 3], 0xee);
    }
    for (int c = 0; c < 4; ++c) {
      row[c] = _mm256_permute2f128_ps(four[c], four[c + 4], 0x20);
      row[c + 4] = _mm256_permute2f128_ps(four[c], four[c + 4], 0x31);
    }
  }
};

// vpmaddubsw adds pairs of products into int16 and saturates. Nibbles: a pair is at most 2 * 15 * 127 = 3,810, and the 8 pairs of a block
// that meet in one lane 30,480, under 32,767: exact. Numbers of five bits: 2 * 31 * 127 = 7,874 a pair, so four pairs meet. Signed weights: |w| times x with w's sign is at most 2 * 128 * 127 = 32,512:
// exact for one pair, so each goes on to int32. x is never -128 (activations are rounded to -127 … 127).
struct Dot {
  static constexpr bool kShifted = false;
  struct Signed {
    __m256i w, magnitude;
  };
  static Signed signed_weights(__m256i w) { return {w, _mm256_abs_epi8(w)}; }
  static __m256i add_signed(__m256i sum, Signed w, __m256i x) {
    const __m256i pairs = _mm256_maddubs_epi16(w.magnitude, _mm256_sign_epi8(x, w.w));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  static __m256i add_nibbles(__m256i sum, __m256i w, __m256i x) { return _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, x)); }
  static __m256i finish_nibbles(__m256i sum) { return _mm256_madd_epi16(sum, _mm256_set1_epi16(1)); }
};

// sum a[i] b[i] of 16 int8 added to 8 lanes; any values, exact.
inline __m256i add_products_i8(__m256i sum, const int8_t* a, const int8_t* b) {
  const __m256i wide_a = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a)));
  const __m256i wide_b = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(wide_a, wide_b));
}

}  // namespace
}  // namespace strata::compute
#endif
