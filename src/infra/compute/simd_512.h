// 16 lanes of AVX-512 (F, BW, DQ, VL): the register operations that the kernel templates are written in. Only for files compiled with
// those flags; inside infra/compute only.
#pragma once

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define STRATA_SIMD 512  // the kernel templates are nothing without it
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace strata::compute {
namespace {

struct Simd {
  using F = __m512;
  using I = __m512i;
  static constexpr size_t kLanes = 16;
  static constexpr size_t kTileTokens = 12;   // of a product: sums for 12 tokens twice over leave 8 of 32 registers
  static constexpr size_t kFloatPanels = 2;   // panels side by side in an F32 product
  static constexpr size_t kScoreRows = 12;    // query rows side by side, scores: 12 x 2 registers
  static constexpr size_t kOutputRows = 6;    // query rows side by side, outputs: 6 x 4 registers
  static constexpr size_t kOutputRegisters = 4;
  static constexpr size_t kTextPositions = 12;  // positions side by side against two registers of queries
  static constexpr size_t kTextDims = 8;        // dimensions side by side, likewise

  static void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1); }
  static F zero() { return _mm512_setzero_ps(); }
  static F set1(float x) { return _mm512_set1_ps(x); }
  static F load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, F x) { _mm512_storeu_ps(p, x); }
  static __mmask16 first(size_t n) { return static_cast<__mmask16>((1u << n) - 1); }
  static F load_n(const float* p, size_t n) { return _mm512_maskz_loadu_ps(first(n), p); }  // n < 16; the rest are zero
  static void store_n(float* p, F x, size_t n) { _mm512_mask_storeu_ps(p, first(n), x); }
  static F load_half(const void* p) { return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p))); }
  static F load_bf16(const void* p) {
    const I wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
  }
  static void store_half(uint16_t* p, F x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  static F load_i8(const void* p) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)))); }

  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F div(F a, F b) { return _mm512_div_ps(a, b); }
  static F max(F a, F b) { return _mm512_max_ps(a, b); }
  static F min(F a, F b) { return _mm512_min_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }      // a b + c
  static F fnma(F a, F b, F c) { return _mm512_fnmadd_ps(a, b, c); }    // c - a b
  static F abs(F a) { return _mm512_abs_ps(a); }
  static F copy_sign(F to, F from) {
    const I mask = _mm512_set1_epi32(INT32_MIN);
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(mask, _mm512_castps_si512(from), _mm512_castps_si512(to), 0xca));
  }
  static F round(F a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static F times_pow2(F a, F n) { return _mm512_scalef_ps(a, n); }      // n whole
  // a where test < limit, else b.
  static F select_less(F test, F limit, F a, F b) { return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(test, limit, _CMP_LT_OQ), b, a); }
  // Lanes at n and above become `fill`.
  static F keep_first(F a, size_t n, F fill) { return n >= kLanes ? a : _mm512_mask_blend_ps(first(n), fill, a); }

  // Halves are folded on each other, so the order is fixed.
  static float reduce_add(F a) {
    const __m256 b = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 c = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    c = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
  }
  static float reduce_max(F a) {
    const __m256 b = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 c = _mm_max_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    c = _mm_max_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
  }

  static I int_zero() { return _mm512_setzero_si512(); }
  static I int_load(const void* p) { return _mm512_loadu_si512(p); }
  static I int_set1(int32_t x) { return _mm512_set1_epi32(x); }
  static I int_add(I a, I b) { return _mm512_add_epi32(a, b); }
  static int32_t int_reduce_add(I a) { return _mm512_reduce_add_epi32(a); }
  static F to_float(I a) { return _mm512_cvtepi32_ps(a); }
  static I to_int(F a) { return _mm512_cvtps_epi32(a); }               // to nearest, ties to even
  static void store_i8(int8_t* p, I a) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a)); }
  // Adds 16 to the bytes whose bit is set in the 64 bits at `bits`.
  static I add_fifths(I a, const unsigned char* bits) {
    uint64_t all;
    memcpy(&all, bits, 8);
    return _mm512_mask_add_epi8(a, _cvtu64_mask64(all), a, _mm512_set1_epi8(16));
  }
  static I low_nibbles(I a) { return _mm512_and_si512(a, _mm512_set1_epi8(15)); }
  static I high_nibbles(I a) { return _mm512_and_si512(_mm512_srli_epi16(a, 4), _mm512_set1_epi8(15)); }

  // Pairs (x, y) turned by pairs (cos, sin): (x c - y s, y c + x s).
  static F turn_pairs(F xy, F cs) {
    const F swapped = _mm512_permute_ps(xy, 0xb1);
    return _mm512_fmaddsub_ps(xy, _mm512_moveldup_ps(cs), _mm512_mul_ps(swapped, _mm512_movehdup_ps(cs)));
  }
  // 16 (cos, sin) pairs -> 16 cos and 16 sin.
  static void split_pairs(const float* p, F* cos, F* sin) {
    const I even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const F a = load(p), b = load(p + 16);
    *cos = _mm512_permutex2var_ps(a, even, b);
    *sin = _mm512_permutex2var_ps(a, _mm512_add_epi32(even, _mm512_set1_epi32(1)), b);
  }
  // Lane i of row j becomes lane j of row i: pairs, fours, then quarters of the registers change places.
  static void transpose(F row[16]) {
    F two[16], four[16];
    for (int i = 0; i < 16; i += 2) {
      two[i] = _mm512_unpacklo_ps(row[i], row[i + 1]);
      two[i + 1] = _mm512_unpackhi_ps(row[i], row[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {  // four[i + c]: column c of each quarter, of rows i to i + 3
      four[i] = _mm512_shuffle_ps(two[i], two[i + 2], 0x44);
      four[i + 1] = _mm512_shuffle_ps(two[i], two[i + 2], 0xee);
      four[i + 2] = _mm512_shuffle_ps(two[i + 1], two[i + 3], 0x44);
      four[i + 3] = _mm512_shuffle_ps(two[i + 1], two[i + 3], 0xee);
    }
    for (int c = 0; c < 4; ++c) {
      const F even_low = _mm512_shuffle_f32x4(four[c], four[c + 4], 0x88), odd_low = _mm512_shuffle_f32x4(four[c], four[c + 4], 0xdd);
      const F even_high = _mm512_shuffle_f32x4(four[c + 8], four[c + 12], 0x88), odd_high = _mm512_shuffle_f32x4(four[c + 8], four[c + 12], 0xdd);
      row[c] = _mm512_shuffle_f32x4(even_low, even_high, 0x88);
      row[c + 4] = _mm512_shuffle_f32x4(odd_low, odd_high, 0x88);
      row[c + 8] = _mm512_shuffle_f32x4(even_low, even_high, 0xdd);
      row[c + 12] = _mm512_shuffle_f32x4(odd_low, odd_high, 0xdd);
    }
  }
};

// ---- Products of bytes -------------------------------------------------------------------------------------------------------

#if defined(__AVX512VNNI__)
// vpdpbusd: four unsigned times signed byte products added to each int32, without saturation.
struct Dot {
  static constexpr bool kShifted = true;  // signed weights are made unsigned by adding 128; the bias takes it away again
  struct Signed {
    __m512i w;
  };
  static Signed signed_weights(__m512i w) { return {_mm512_xor_si512(w, _mm512_set1_epi8(-128))}; }
  static __m512i add_signed(__m512i sum, Signed w, __m512i x) { return _mm512_dpbusd_epi32(sum, w.w, x); }
  static __m512i add_nibbles(__m512i sum, __m512i w, __m512i x) { return _mm512_dpbusd_epi32(sum, w, x); }
  static __m512i finish_nibbles(__m512i sum) { return sum; }
};
#else
// vpmaddubsw adds pairs of products into int16 and saturates. Nibbles: a pair is at most 2 * 15 * 127 = 3,810, and the 8 pairs of a block
// that meet in one lane 30,480, under 32,767: exact. Numbers of five bits: 2 * 31 * 127 = 7,874 a pair, so four pairs meet. Signed weights: |w| times x with w's sign is at most 2 * 128 * 127 = 32,512:
// exact for one pair, so each goes on to int32. x is never -128 (activations are rounded to -127 … 127).
struct Dot {
  static constexpr bool kShifted = false;
  struct Signed {
    __m512i magnitude;
    __mmask64 negative;
  };
  static Signed signed_weights(__m512i w) { return {_mm512_abs_epi8(w), _mm512_movepi8_mask(w)}; }
  static __m512i add_signed(__m512i sum, Signed w, __m512i x) {
    const __m512i turned = _mm512_mask_sub_epi8(x, w.negative, _mm512_setzero_si512(), x);
    return _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(w.magnitude, turned), _mm512_set1_epi16(1)));
  }
  static __m512i add_nibbles(__m512i sum, __m512i w, __m512i x) { return _mm512_add_epi16(sum, _mm512_maddubs_epi16(w, x)); }
  static __m512i finish_nibbles(__m512i sum) { return _mm512_madd_epi16(sum, _mm512_set1_epi16(1)); }
};
#endif

// sum a[i] b[i] of 32 int8 added to 16 lanes; any values, exact.
inline __m512i add_products_i8(__m512i sum, const int8_t* a, const int8_t* b) {
  const __m512i wide_a = _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a)));
  const __m512i wide_b = _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(b)));
  return _mm512_add_epi32(sum, _mm512_madd_epi16(wide_a, wide_b));
}

}  // namespace
}  // namespace strata::compute
#endif
