// compute_bench: how fast the kernels are on this machine, against its own limits. Built by hand:
//   g++ -std=c++20 -O2 -Isrc src/infra/compute/compute_bench.cc BUILD/src/libstrata_infra_compute.a BUILD/src/libstrata_base.a … -o compute_bench
// Arguments: threads (default 2), then any of: memory gemv gemm attention scan (default all). Each figure is the best of a few short runs.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "infra/compute/compute.h"
#include "infra/compute/test_weights.h"

namespace strata::compute {
namespace {

const Format kFormats[] = {Format::kQ4_1, Format::kQ4_0, Format::kQ8_0, Format::kQ5_0, Format::kQ5_1, Format::kQ4_K,
                           Format::kQ5_K, Format::kQ6_K, Format::kF16,  Format::kBF16, Format::kF32};

// Seconds of the fastest call in about `budget` seconds, at least three calls.
template <class Call>
double best_seconds(Call call, double budget = 0.25) {
  using Seconds = std::chrono::duration<double>;
  double best = 1e9, total = 0;
  for (int i = 0; i < 3 || total < budget; ++i) {
    const auto start = std::chrono::steady_clock::now();
    call();
    const double seconds = Seconds(std::chrono::steady_clock::now() - start).count();
    best = std::min(best, seconds);
    total += seconds;
  }
  return best;
}

Matrix matrix_of(Format format, size_t rows, size_t cols, Isa isa) {
  return Matrix::pack(format, rows, cols, make_weights(format, rows, cols, Fill::kRandom, 1), isa).value();
}

// One token through weights that no cache holds: the shapes of a layer of the default model, over and over.
void bench_gemv(Threads& threads, double memory_gb_per_s) {
  for (const Format format : kFormats) {
    const size_t cols = format_block_values(format) == 256 ? 512 : 576;
    std::vector<Matrix> layers;
    size_t bytes = 0;
    while (bytes < (size_t{96} << 20)) {
      for (const size_t rows : {960, 576, 3072}) {
        layers.push_back(matrix_of(format, rows, cols, best_isa()));
        bytes += layers.back().bytes();
      }
    }
    for (const size_t n : {1, 2, 4, 8, 16}) {
      const std::vector<float> x = make_values(n * cols, Fill::kRandom, 2);
      std::vector<float> y(n * 3072);
      const double seconds = best_seconds([&] {
        for (const Matrix& w : layers) matmul(threads, w, x.data(), n, y.data());
      });
      const double speed = static_cast<double>(bytes) / seconds / 1e9;
      std::printf("gemv %-5s n %2zu  %7.2f GB/s  %3.0f %% of memory  %6.2f ms\n", std::string(format_name(format)).c_str(), n, speed,
                  100 * speed / memory_gb_per_s, 1e3 * seconds);
    }
  }
}

void bench_gemm(Threads& threads) {
  for (const Isa isa : available_isas()) {
    if (isa == Isa::kScalar) continue;
    for (const Format format : kFormats) {
      for (const auto& [rows, cols] : {std::pair<size_t, size_t>{1536, 576}, {576, 1536}, {1536, 384}}) {
        if (cols % format_block_values(format) != 0) continue;
        constexpr size_t kTokens = 512;
        const Matrix w = matrix_of(format, rows, cols, isa);
        const std::vector<float> x = make_values(kTokens * cols, Fill::kRandom, 2);
        std::vector<float> y(kTokens * rows);
        const double seconds = best_seconds([&] { matmul(threads, w, x.data(), kTokens, y.data()); }, 0.1);
        std::printf("gemm %-10s %-5s %4zu x %4zu x 512  %7.1f Gop/s\n", std::string(isa_name(isa)).c_str(), std::string(format_name(format)).c_str(), rows,
                    cols, 2.0 * rows * cols * kTokens / seconds / 1e9);
      }
    }
  }
}

void bench_attention(Threads& threads) {
  constexpr size_t kHeads = 9, kPositions = 2048;
  for (const Format format : {Format::kF16, Format::kQ8_0, Format::kF32}) {
    const KvLayout layout{.format = format, .kv_heads = 3, .head_dim = 64};
    const size_t blocks = kPositions / kKvBlockPositions, width = kHeads * 64;
    std::vector<std::byte> memory(blocks * layout.block_bytes() + 64);
    void* base = memory.data();
    size_t space = memory.size();
    std::align(64, blocks * layout.block_bytes(), base, space);
    const KvBlocks kv{.base = static_cast<std::byte*>(base), .table = nullptr, .stride = layout.block_bytes()};
    const std::vector<float> k = make_values(kPositions * 192, Fill::kRandom, 1), q = make_values(512 * width, Fill::kRandom, 2);
    kv_write(layout, kv, 0, kPositions, k.data(), k.data());
    std::vector<float> out(512 * width);
    for (const auto& [tokens, position] : {std::pair<size_t, size_t>{1, 127}, {1, 1023}, {1, 2047}, {512, 0}, {256, 1024}}) {
      const AttentionChunk chunk{.q = q.data(), .out = out.data(), .tokens = tokens, .position = position, .kv = kv};
      const double seconds = best_seconds([&] { attention(threads, layout, kHeads, 0.125f, {&chunk, 1}); }, 0.1);
      const double pairs = static_cast<double>(tokens) * (static_cast<double>(position) + 0.5 * static_cast<double>(tokens + 1));
      std::printf("attention %-4s %3zu tokens at %4zu  %8.1f us  %6.1f GFLOP/s\n", std::string(format_name(format)).c_str(), tokens, position, 1e6 * seconds,
                  4 * pairs * width / seconds / 1e9);
    }
  }
  constexpr size_t kTexts = 32, kTokens = 88;
  const std::vector<float> q = make_values(kTexts * kTokens * 384, Fill::kRandom, 3);
  std::vector<float> out(q.size());
  std::vector<AttentionText> texts;
  for (size_t i = 0; i < kTexts; ++i) {
    const float* at = q.data() + i * kTokens * 384;
    texts.push_back({.q = at, .k = at, .v = at, .out = out.data() + i * kTokens * 384, .tokens = kTokens});
  }
  const double seconds = best_seconds([&] { attention_texts(threads, 12, 32, 0.177f, texts); }, 0.1);
  std::printf("attention texts 32 x 88  %8.1f us  %6.1f GFLOP/s\n", 1e6 * seconds, 4.0 * kTexts * kTokens * kTokens * 384 / seconds / 1e9);
}

void bench_scan() {
  constexpr size_t kRows = 200000, kDims = 384;
  TestRandom random(1);
  std::vector<int8_t> matrix(kRows * kDims);
  for (int8_t& value : matrix) value = static_cast<int8_t>(random.next());
  const std::vector<float> scales(kRows, 0.01f);
  std::vector<float> out(kRows);
  const double seconds = best_seconds([&] { scan_i8(matrix.data(), 0.01f, matrix.data(), kDims, kRows, kDims, scales.data(), out.data()); });
  std::printf("scan_i8 200000 x 384, one thread  %6.2f ms  %6.2f GB/s\n", 1e3 * seconds, static_cast<double>(matrix.size()) / seconds / 1e9);
}

}  // namespace
}  // namespace strata::compute

int main(int argc, char** argv) {
  using namespace strata::compute;
  const int count = argc > 1 ? std::max(1, std::atoi(argv[1])) : 2;
  auto wanted = [&](const char* name) {
    bool found = argc <= 2;
    for (int i = 2; i < argc; ++i) found |= std::strcmp(argv[i], name) == 0;
    return found;
  };
  Threads threads(count);
  std::printf("%s, %s, %d threads\n", inspect_machine().cpu_name.c_str(), std::string(isa_name(best_isa())).c_str(), count);
  const double memory = measure_memory_gb_per_s(count);
  std::printf("memory read %.1f GB/s\n", memory);
  if (wanted("gemv")) bench_gemv(threads, memory);
  if (wanted("gemm")) bench_gemm(threads);
  if (wanted("attention")) bench_attention(threads);
  if (wanted("scan")) bench_scan();
  return 0;
}
