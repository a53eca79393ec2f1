#include "int8_peak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace strata {
namespace {

constexpr int64_t kSteps = 4'000'000;
volatile int64_t sink;

#if defined(__x86_64__)
// Ten sums in registers hide the instruction's latency; the empty assembly keeps each step from being folded away.
__attribute__((target("avx512f,avx512vnni"))) double multiply_vnni() {
  __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(-2);
  __m512i sum[10];
#pragma GCC unroll 10
  for (auto& s : sum) s = _mm512_setzero_si512();
  for (int64_t i = 0; i < kSteps; ++i) {
#pragma GCC unroll 10
    for (auto& s : sum) {
      s = _mm512_dpbusd_epi32(s, a, b);
      asm volatile("" : "+v"(s));
    }
  }
#pragma GCC unroll 10
  for (auto& s : sum) sink = sink + _mm512_cvtsi512_si32(s);
  return static_cast<double>(kSteps) * 10 * 128;
}

__attribute__((target("avx2"))) double multiply_avx2() {
  __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(-2), ones = _mm256_set1_epi16(1);
  __m256i sum[8];
#pragma GCC unroll 8
  for (auto& s : sum) s = _mm256_setzero_si256();
  for (int64_t i = 0; i < kSteps; ++i) {
#pragma GCC unroll 8
    for (auto& s : sum) {
      __m256i pairs = _mm256_maddubs_epi16(a, b);
      asm volatile("" : "+x"(pairs));
      s = _mm256_add_epi32(s, _mm256_madd_epi16(pairs, ones));
      asm volatile("" : "+x"(s));
    }
  }
#pragma GCC unroll 8
  for (auto& s : sum) sink = sink + _mm256_extract_epi32(s, 0);
  return static_cast<double>(kSteps) * 8 * 64;
}
#endif

double multiply() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vnni")) return multiply_vnni();
  if (__builtin_cpu_supports("avx2")) return multiply_avx2();
#endif
  return 0;
}

}  // namespace

double measure_int8_gop_per_s(int threads) {
  double best = 0;
  for (int round = 0; round < 3; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<double> done(static_cast<size_t>(threads));
    std::vector<std::thread> workers;
    for (double& d : done) workers.emplace_back([&d] { d = multiply(); });
    for (std::thread& worker : workers) worker.join();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    double total = 0;
    for (const double d : done) total += d;
    best = std::max(best, total / seconds / 1e9);
  }
  return best;
}

}  // namespace strata
