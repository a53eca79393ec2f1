#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "infra/compute/compute.h"
#include "infra/compute/kernels.h"
#include "infra/compute/test_weights.h"

namespace strata::compute {
namespace {

const Format kFormats[] = {Format::kF32,  Format::kF16,  Format::kBF16, Format::kQ8_0, Format::kQ4_0, Format::kQ4_1,
                           Format::kQ5_0, Format::kQ5_1, Format::kQ4_K, Format::kQ5_K, Format::kQ6_K};

bool rounds_x(Format format) { return format_block_values(format) > 1; }

// x as the product sees it: rounded to 127ths of the greatest magnitude in each block of 32.
std::vector<double> seen(Format format, const float* x, size_t cols) {
  std::vector<double> out(x, x + cols);
  if (!rounds_x(format)) return out;
  for (size_t b = 0; b < cols; b += 32) {
    float magnitude = 0;
    for (size_t i = b; i < b + 32; ++i) magnitude = std::max(magnitude, std::fabs(x[i]));
    const float inverse = magnitude < 1e-35f ? 0 : 127.0f / magnitude;
    for (size_t i = b; i < b + 32; ++i) out[i] = static_cast<double>(std::nearbyint(x[i] * inverse)) * (static_cast<double>(magnitude) / 127);
  }
  return out;
}

bool has_minimum(Format format) { return format == Format::kQ4_1 || format == Format::kQ5_1 || format == Format::kQ4_K || format == Format::kQ5_K; }

struct Case {
  Format format;
  size_t rows, cols;
  Fill fill;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Format format : kFormats) {
    const size_t unit = format_block_values(format);
    for (const Fill fill : {Fill::kRandom, Fill::kExtremes, Fill::kZeros, Fill::kTiny}) {
      for (const size_t rows : {1, 15, 16, 17, 40, 67}) {
        for (const size_t blocks : {1, 3, 7}) all.push_back({format, rows, blocks * unit, fill});
      }
    }
  }
  return all;
}

// One term is x w in double; F32 rounds each product and each addition once: at most 2 (terms + 2) roundings of the sum of magnitudes.
double tolerance(double magnitude, size_t terms) { return 2 * static_cast<double>(terms + 2) * 0x1p-24 * magnitude + 1e-37; }

TEST(Matmul, EveryLevelMatchesDoubleArithmeticOnAwkwardSizesAndExtremes) {
  Threads threads(2);
  for (const Case& c : cases()) {
    const auto raw = make_weights(c.format, c.rows, c.cols, c.fill, 1);
    std::vector<float> w(c.rows * c.cols);
    dequantize(c.format, raw.data(), w.size(), w.data());
    for (const size_t n : {size_t{1}, size_t{5}, size_t{13}}) {
      const std::vector<float> x = make_values(n * c.cols, c.fill, 2);
      for (const Isa isa : available_isas()) {
        const Matrix matrix = Matrix::pack(c.format, c.rows, c.cols, raw, isa).value();
        std::vector<float> y(n * c.rows, NAN);
        matmul(threads, matrix, x.data(), n, y.data());
        for (size_t t = 0; t < n; ++t) {
          const std::vector<double> row = seen(c.format, x.data() + t * c.cols, c.cols);
          for (size_t r = 0; r < c.rows; ++r) {
            double sum = 0, magnitude = 0;
            for (size_t i = 0; i < c.cols; ++i) {
              sum += row[i] * w[r * c.cols + i];
              // A format with a minimum adds d q and m apart, so their magnitudes count apart: |w| + 2 |m| with |m| <= the greatest |w| seen here.
              magnitude += std::fabs(row[i]) * (std::fabs(w[r * c.cols + i]) + (has_minimum(c.format) ? 4 * weight_bound(c.fill) : 0));
            }
            ASSERT_NEAR(y[t * c.rows + r], sum, tolerance(magnitude, c.cols))
                << format_name(c.format) << ' ' << isa_name(isa) << " rows " << c.rows << " cols " << c.cols << " n " << n << " t " << t << " r " << r
                << " fill " << static_cast<int>(c.fill);
          }
        }
      }
    }
  }
}

TEST(Matmul, ARowsResultIsTheSameBitsInEveryBatchAndForEveryNumberOfThreads) {
  constexpr size_t kRows = 67, kBatch = 61;
  const size_t batches[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 25, 37, 61};  // every size of a tile, and several tiles
  Threads one(1), three(3);
  for (const Format format : kFormats) {
    const size_t cols = format_block_values(format) == 256 ? 512 : 160;
    const auto raw = make_weights(format, kRows, cols, Fill::kRandom, 3);
    const std::vector<float> x = make_values(kBatch * cols, Fill::kRandom, 4);
    for (const Isa isa : available_isas()) {
      const Matrix matrix = Matrix::pack(format, kRows, cols, raw, isa).value();
      std::vector<float> alone(kBatch * kRows);
      for (size_t t = 0; t < kBatch; ++t) matmul(one, matrix, x.data() + t * cols, 1, alone.data() + t * kRows);
      for (const size_t n : batches) {
        for (Threads* threads : {&one, &three}) {
          std::vector<float> together(n * kRows);
          matmul(*threads, matrix, x.data(), n, together.data());
          ASSERT_EQ(std::memcmp(together.data(), alone.data(), together.size() * sizeof(float)), 0)
              << format_name(format) << ' ' << isa_name(isa) << " n " << n;
        }
      }
    }
  }
}

TEST(Matmul, BlocksThatAreZeroInSomeOrAllTokensChangeNothing) {
  Threads threads(2);
  for (const Format format : kFormats) {
    const size_t cols = format_block_values(format) == 256 ? 512 : 160;
    constexpr size_t kRows = 40, kBatch = 29;
    const auto raw = make_weights(format, kRows, cols, Fill::kRandom, 3);
    std::vector<float> x = make_values(kBatch * cols, Fill::kRandom, 4);
    for (size_t t = 0; t < kBatch; ++t) {
      for (size_t b = 0; b < cols / 32; ++b) {
        if (b == 2 || (t + b) % 3 == 0 || t == 7) std::fill_n(x.begin() + static_cast<ptrdiff_t>(t * cols + b * 32), 32, 0.0f);
      }
    }
    for (const Isa isa : available_isas()) {
      const Matrix matrix = Matrix::pack(format, kRows, cols, raw, isa).value();
      std::vector<float> alone(kBatch * kRows), together(kBatch * kRows);
      for (size_t t = 0; t < kBatch; ++t) matmul(threads, matrix, x.data() + t * cols, 1, alone.data() + t * kRows);
      matmul(threads, matrix, x.data(), kBatch, together.data());
      EXPECT_EQ(std::memcmp(together.data(), alone.data(), together.size() * sizeof(float)), 0) << format_name(format) << ' ' << isa_name(isa);
      for (size_t r = 0; r < kRows; ++r) EXPECT_EQ(together[7 * kRows + r], 0.0f);
    }
  }
}

TEST(Matmul, AGroupGivesTheSameBitsAsItsMembers) {
  constexpr size_t kCols = 96, kBatch = 17;
  Threads threads(2);
  const Format formats[] = {Format::kQ4_1, Format::kQ4_1, Format::kQ8_0, Format::kF32, Format::kF16};
  std::vector<Matrix> matrices;
  for (size_t i = 0; i < 5; ++i) {
    const size_t rows = 20 + 30 * i;
    matrices.push_back(Matrix::pack(formats[i], rows, kCols, make_weights(formats[i], rows, kCols, Fill::kRandom, i)).value());
  }
  const std::vector<float> x = make_values(kBatch * kCols, Fill::kRandom, 9);
  std::vector<std::vector<float>> together, apart;
  std::vector<MatmulTarget> targets;
  for (const Matrix& matrix : matrices) {
    apart.emplace_back(kBatch * matrix.rows());
    together.emplace_back(kBatch * matrix.rows());
    matmul(threads, matrix, x.data(), kBatch, apart.back().data());
  }
  for (size_t i = 0; i < matrices.size(); ++i) targets.push_back({&matrices[i], together[i].data()});
  matmul_group(threads, targets, x.data(), kBatch);
  EXPECT_EQ(together, apart);
}

TEST(Matmul, DifferentMatricesOfTheGroupsFormatKeepTheirOwnRoundingTerms) {
  // Q4_0 and Q8_0 both round x, but take different corrections from the prepared tile.
  Threads threads(1);
  const auto x = make_values(64, Fill::kRandom, 5);
  const Matrix a = Matrix::pack(Format::kQ4_0, 3, 64, make_weights(Format::kQ4_0, 3, 64, Fill::kRandom, 6)).value();
  const Matrix b = Matrix::pack(Format::kQ8_0, 3, 64, make_weights(Format::kQ8_0, 3, 64, Fill::kRandom, 7)).value();
  std::vector<float> ya(3), yb(3), ga(3), gb(3);
  matmul(threads, a, x.data(), 1, ya.data());
  matmul(threads, b, x.data(), 1, yb.data());
  const MatmulTarget targets[] = {{&a, ga.data()}, {&b, gb.data()}};
  matmul_group(threads, targets, x.data(), 1);
  EXPECT_EQ(ya, ga);
  EXPECT_EQ(yb, gb);
}

TEST(Matmul, BiasAndGeluOfAProductGiveTheBitsOfTheirOwnPasses) {
  for (const int count : {1, 3}) {
    Threads threads(count);
    for (const Format format : {Format::kF32, Format::kQ8_0}) {
      for (const size_t n : {1, 29, 130}) {
        constexpr size_t kRows = 403, kCols = 96;
        const Matrix w = Matrix::pack(format, kRows, kCols, make_weights(format, kRows, kCols, Fill::kRandom, 1)).value();
        const std::vector<float> x = make_values(n * kCols, Fill::kRandom, 2), bias = make_values(kRows, Fill::kRandom, 3);
        std::vector<float> expected(n * kRows), fused(n * kRows);
        matmul(threads, w, x.data(), n, expected.data());
        for (const bool gelu : {false, true}) {
          const MatmulTarget target{.w = &w, .y = fused.data(), .bias = bias.data(), .gelu = gelu};
          matmul_group(threads, {&target, 1}, x.data(), n);
          std::vector<float> passes = expected;
          for (size_t t = 0; t < n; ++t) {
            float* y = passes.data() + t * kRows;
            add(y, bias.data(), y, kRows);
            if (gelu) gelu_erf(y, y, kRows);
          }
          ASSERT_EQ(fused, passes) << format_name(format) << " n " << n << " gelu " << gelu;
        }
      }
    }
  }
}

// Three matrices that read the same x, and two adapters that change the first and the last for some rows each.
TEST(Matmul, LowRankAdditionsGiveTheBitsOfTheProductsOneByOne) {
  constexpr size_t kCols = 96, kOut[] = {67, 48, 403};
  const std::vector<size_t> rows_of[] = {{0, 2, 3, 4, 7, 12, 13, 25}, {1, 5, 6, 8, 9, 10, 11, 24, 26}};
  for (const Isa isa : available_isas()) {
    for (const Format format : {Format::kF32, Format::kQ4_1, Format::kQ8_0}) {
      for (const size_t rank : {4, 16, 40}) {
        std::vector<Matrix> w, a, b;
        uint64_t seed = 0;
        for (const size_t out : kOut) {
          w.push_back(Matrix::pack(format, out, kCols, make_weights(format, out, kCols, Fill::kRandom, ++seed), isa).value());
          for (int adapter = 0; adapter < 2; ++adapter) {
            a.push_back(Matrix::pack(Format::kF16, rank, kCols, make_weights(Format::kF16, rank, kCols, Fill::kRandom, ++seed), isa).value());
            b.push_back(Matrix::pack(Format::kF16, out, rank, make_weights(Format::kF16, out, rank, Fill::kRandom, ++seed), isa).value());
          }
        }
        for (const size_t n : {size_t{1}, size_t{8}, size_t{27}}) {
          const std::vector<float> x = make_values(n * kCols, Fill::kRandom, 90), low_x = make_values(n * kCols, Fill::kRandom, 91);
          std::vector<size_t> rows[2];
          for (int adapter = 0; adapter < 2; ++adapter) {
            for (const size_t row : rows_of[adapter]) {
              if (row < n) rows[adapter].push_back(row);
            }
          }
          std::vector<float> expected[3], together[3];
          std::vector<MatmulTarget> targets;
          std::vector<MatmulLowRank> parts;
          Threads one(1);
          for (size_t i = 0; i < 3; ++i) {
            expected[i].resize(n * kOut[i]);
            together[i].resize(n * kOut[i]);
            targets.push_back({.w = &w[i], .y = together[i].data()});
            matmul(one, w[i], x.data(), n, expected[i].data());
            for (size_t adapter = 0; i != 1 && adapter < 2; ++adapter) {
              const float scale = adapter == 0 ? 0.5f : 2.0f;
              parts.push_back({.target = i, .a = &a[2 * i + adapter], .b = &b[2 * i + adapter], .scale = scale, .rows = rows[adapter]});
              for (const size_t row : rows[adapter]) {
                std::vector<float> low(rank), high(kOut[i]);
                matmul(one, a[2 * i + adapter], low_x.data() + row * kCols, 1, low.data());
                matmul(one, b[2 * i + adapter], low.data(), 1, high.data());
                kernels(isa).scaled_add(high.data(), scale, expected[i].data() + row * kOut[i], kOut[i]);
              }
            }
          }
          for (const int count : {1, 3}) {
            Threads threads(count);
            matmul_group(threads, targets, x.data(), n, parts, low_x.data());
            for (size_t i = 0; i < 3; ++i) {
              ASSERT_EQ(std::memcmp(together[i].data(), expected[i].data(), expected[i].size() * sizeof(float)), 0)
                  << isa_name(isa) << ' ' << format_name(format) << " rank " << rank << " n " << n << " target " << i << " threads " << count;
            }
          }
        }
      }
    }
  }
}

TEST(Matrix, ReadRowGivesWhatTheFileHolds) {
  for (const Format format : kFormats) {
    const size_t rows = 35, cols = 2 * std::max<size_t>(format_block_values(format), 32);
    for (const Fill fill : {Fill::kRandom, Fill::kExtremes}) {
      const auto raw = make_weights(format, rows, cols, fill, 11);
      std::vector<float> expected(rows * cols), row(cols);
      dequantize(format, raw.data(), expected.size(), expected.data());
      const Matrix matrix = Matrix::pack(format, rows, cols, raw).value();
      EXPECT_EQ(matrix.rows(), rows);
      EXPECT_EQ(matrix.cols(), cols);
      EXPECT_EQ(matrix.format(), format);
      for (size_t r = 0; r < rows; ++r) {
        matrix.read_row(r, row.data());
        ASSERT_EQ(std::memcmp(row.data(), expected.data() + r * cols, cols * sizeof(float)), 0) << format_name(format) << " row " << r;
      }
    }
  }
}

TEST(Matrix, PackRefusesWrongSizes) {
  const std::vector<std::byte> raw(1000);
  auto refused = [&](Format format, size_t rows, size_t cols, size_t bytes) {
    const auto result = Matrix::pack(format, rows, cols, std::span(raw).first(bytes));
    return !result && result.error().code == Code::kInvalidArgument;
  };
  EXPECT_TRUE(refused(Format::kF32, 2, 3, 23));
  EXPECT_TRUE(refused(Format::kF32, 0, 3, 0));
  EXPECT_TRUE(refused(Format::kF32, 3, 0, 0));
  EXPECT_TRUE(refused(Format::kQ4_1, 1, 33, 20));
  EXPECT_TRUE(refused(Format::kQ4_1, 1, 32, 19));
  EXPECT_TRUE(refused(Format::kQ6_K, 1, 32, 210));
  EXPECT_TRUE(refused(Format::kF32, SIZE_MAX / 2, 8, 1000));
  EXPECT_TRUE(refused(Format::kF32, 1, SIZE_MAX / 2, 1000));
  EXPECT_TRUE(Matrix::pack(Format::kQ4_1, 1, 32, std::span(raw).first(20)).has_value());
}

}  // namespace
}  // namespace strata::compute
