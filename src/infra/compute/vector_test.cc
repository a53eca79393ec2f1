#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "infra/compute/compute.h"
#include "infra/compute/kernels.h"
#include "infra/compute/test_weights.h"

namespace strata::compute {
namespace {

const size_t kSizes[] = {1, 2, 7, 8, 15, 16, 17, 31, 33, 64, 100, 384, 577};

std::vector<float> values(size_t n, uint64_t seed, float scale) {
  std::vector<float> out = make_values(n, Fill::kRandom, seed);
  for (float& v : out) v *= scale;
  return out;
}

// Runs check(kernels, name) for every level of this machine.
template <class Check>
void for_each_level(Check check) {
  for (const Isa isa : available_isas()) {
    SCOPED_TRACE(std::string(isa_name(isa)));
    check(kernels(isa));
  }
}

// A few roundings of F32, relative to the value and to what went into it.
void expect_close(float got, double expected, double magnitude, double ulps) {
  EXPECT_NEAR(got, expected, ulps * 0x1p-23 * (std::fabs(expected) + magnitude) + 1e-37);
}

TEST(Vector, RmsNormMatchesItsFormula) {
  for_each_level([](const Kernels& k) {
    for (const size_t n : kSizes) {
      const auto x = values(n, 1, 3), w = values(n, 2, 2);
      std::vector<float> y(n);
      k.rms_norm(x.data(), w.data(), y.data(), n, 1e-5f);
      double sum = 0;
      for (const float v : x) sum += static_cast<double>(v) * v;
      const double factor = 1 / std::sqrt(sum / static_cast<double>(n) + 1e-5);
      // The sum of n squares has at most n roundings, halved by the root.
      for (size_t i = 0; i < n; ++i) expect_close(y[i], x[i] * factor * w[i], 0, 4 + static_cast<double>(n) / 2);
    }
  });
}

TEST(Vector, LayerNormMatchesItsFormula) {
  for_each_level([](const Kernels& k) {
    for (const size_t n : kSizes) {
      const auto x = values(n, 1, 3), w = values(n, 2, 2), b = values(n, 3, 1);
      std::vector<float> y(n);
      k.layer_norm(x.data(), w.data(), b.data(), y.data(), n, 1e-5f);
      double mean = 0, squares = 0;
      for (const float v : x) mean += v;
      mean /= static_cast<double>(n);
      for (const float v : x) squares += (v - mean) * (v - mean);
      const double factor = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-5);
      // The mean's rounding (n of them, of values up to 3) is scaled by the factor.
      for (size_t i = 0; i < n; ++i) {
        expect_close(y[i], (x[i] - mean) * factor * w[i] + b[i], 3 * factor * std::fabs(w[i]) + 1, 4 + static_cast<double>(n) / 2);
      }
    }
  });
}

TEST(Vector, RopeTurnsPairsOfBothStylesAndKeepsTheRest) {
  for_each_level([](const Kernels& k) {
    for (const size_t dims : {2, 6, 16, 20, 64, 96}) {
      const size_t head_dim = dims + 5, heads = 3;
      std::vector<float> angles(dims);
      rope_angles(77, dims, 10000, 0.5f, angles.data());
      const auto x = values(heads * head_dim, 4, 2);
      std::vector<float> pairs = x, halves = x;
      k.rope_interleaved(pairs.data(), heads, head_dim, dims, angles.data());
      k.rope_halves(halves.data(), heads, head_dim, dims, angles.data());
      for (size_t h = 0; h < heads; ++h) {
        const float* from = x.data() + h * head_dim;
        for (size_t i = 0; i < dims / 2; ++i) {
          const double angle = 77 * 0.5 * std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(dims));
          const double c = std::cos(angle), s = std::sin(angle);
          const float *p = pairs.data() + h * head_dim, *q = halves.data() + h * head_dim;
          expect_close(p[2 * i], from[2 * i] * c - from[2 * i + 1] * s, 4, 4);
          expect_close(p[2 * i + 1], from[2 * i] * s + from[2 * i + 1] * c, 4, 4);
          expect_close(q[i], from[i] * c - from[i + dims / 2] * s, 4, 4);
          expect_close(q[i + dims / 2], from[i] * s + from[i + dims / 2] * c, 4, 4);
        }
        EXPECT_EQ(std::memcmp(pairs.data() + h * head_dim + dims, from + dims, 5 * sizeof(float)), 0);
        EXPECT_EQ(std::memcmp(halves.data() + h * head_dim + dims, from + dims, 5 * sizeof(float)), 0);
      }
    }
  });
}

TEST(Vector, RopeAnglesStayExactAtGreatPositions) {
  std::vector<float> angles(64);
  rope_angles(131071, 64, 500000, 1, angles.data());
  for (size_t i = 0; i < 32; ++i) {
    const double angle = 131071 * std::pow(500000.0, -static_cast<double>(i) / 32);
    EXPECT_NEAR(angles[2 * i], std::cos(angle), 1e-7);
    EXPECT_NEAR(angles[2 * i + 1], std::sin(angle), 1e-7);
  }
}

TEST(Vector, SoftmaxSumsToOneAndBearsExtremes) {
  for_each_level([](const Kernels& k) {
    for (const size_t n : kSizes) {
      for (const float spread : {0.0f, 1.0f, 50.0f, 1e30f}) {
        std::vector<float> x = values(n, 5, spread);
        if (n > 3) x[n / 2] = -INFINITY;
        const float greatest = *std::max_element(x.begin(), x.end());
        std::vector<double> expected(n);
        double sum = 0;
        for (size_t i = 0; i < n; ++i) sum += expected[i] = std::exp(static_cast<double>(x[i] - greatest));
        k.softmax(x.data(), n);
        // exp takes an argument rounded to 2^-24 of at most 100 in magnitude where the result is not 0.
        for (size_t i = 0; i < n; ++i) EXPECT_NEAR(x[i], expected[i] / sum, 100 * 0x1p-23 * (expected[i] / sum) + 1e-30);
        EXPECT_TRUE(n <= 3 || x[n / 2] == 0);
      }
    }
  });
}

TEST(Vector, ActivationsMatchTheirFormulas) {
  std::vector<float> x = values(577, 6, 6);
  for (const float edge : {0.0f, -0.0f, 100.0f, -100.0f, 1e-30f, -1e-30f, 88.0f, -88.0f, 1e30f, -1e30f}) x.push_back(edge);
  const auto up = values(x.size(), 7, 2);
  for_each_level([&](const Kernels& k) {
    std::vector<float> silu(x.size()), erf(x.size()), tanh(x.size());
    k.swiglu(x.data(), up.data(), silu.data(), x.size());
    k.gelu_erf(x.data(), erf.data(), x.size());
    k.gelu_tanh(x.data(), tanh.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      const double v = x[i];
      // The exponential's relative error grows with its argument's rounding: up to 88 * 2^-24 here.
      EXPECT_NEAR(silu[i], v / (1 + std::exp(-v)) * up[i], 100 * 0x1p-23 * std::fabs(v / (1 + std::exp(-v)) * up[i]) + 1e-30) << v;
      EXPECT_NEAR(erf[i], 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))), 3e-7 * std::fabs(v) + 1e-30) << v;
      const double u = std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v);
      EXPECT_NEAR(tanh[i], 0.5 * v * (1 + std::tanh(u)), 3e-7 * std::fabs(v) + 1e-30) << v;
    }
  });
}

TEST(Vector, ElementwiseKernelsTouchExactlyTheirRow) {
  for_each_level([](const Kernels& k) {
    for (const size_t n : kSizes) {
      const auto a = values(n, 8, 1), b = values(n, 9, 1);
      auto run = [&](auto call) {
        std::vector<float> y(n + 2, 42);
        call(y.data() + 1);
        EXPECT_EQ(y.front(), 42);
        EXPECT_EQ(y.back(), 42);
        return y;
      };
      const auto sum = run([&](float* y) { k.add(a.data(), b.data(), y, n); });
      const auto product = run([&](float* y) { k.multiply(a.data(), b.data(), y, n); });
      const auto scaled = run([&](float* y) { k.scale(a.data(), 0.3f, y, n); });
      const auto more = run([&](float* y) { k.scaled_add(a.data(), 0.3f, y, n); });
      for (size_t i = 0; i < n; ++i) {
        EXPECT_EQ(sum[i + 1], a[i] + b[i]);
        EXPECT_EQ(product[i + 1], a[i] * b[i]);
        EXPECT_EQ(scaled[i + 1], a[i] * 0.3f);
        expect_close(more[i + 1], 42 + static_cast<double>(a[i]) * 0.3f, 0, 1);
      }
    }
  });
}

TEST(Vector, DotMatchesDoubleArithmetic) {
  for_each_level([](const Kernels& k) {
    for (const size_t n : kSizes) {
      const auto a = values(n, 10, 1), b = values(n, 11, 1);
      double sum = 0, magnitude = 0;
      for (size_t i = 0; i < n; ++i) {
        sum += static_cast<double>(a[i]) * b[i];
        magnitude += std::fabs(static_cast<double>(a[i]) * b[i]);
      }
      EXPECT_NEAR(k.dot(a.data(), b.data(), n), sum, static_cast<double>(n + 1) * 0x1p-24 * magnitude);
    }
  });
}

TEST(Vector, ByteDotsAndScansAreExactAtTheExtremes) {
  TestRandom random(12);
  for_each_level([&](const Kernels& k) {
    for (const size_t n : {1, 15, 16, 31, 32, 63, 64, 65, 129, 384, 65536}) {
      for (const int mode : {0, 1, 2}) {
        const size_t rows = n > 1000 ? 1 : 9, stride = n + 3;
        std::vector<int8_t> query(n), matrix(rows * stride);
        auto value = [&] { return static_cast<int8_t>(mode == 0 ? -128 : mode == 1 ? (random.next() % 2 != 0 ? 127 : -128) : random.next()); };
        for (int8_t& v : query) v = value();
        for (int8_t& v : matrix) v = value();
        std::vector<float> scales(rows, 0.5f), out(rows);
        k.scan_i8(query.data(), 0.25f, matrix.data(), stride, rows, n, scales.data(), out.data());
        for (size_t r = 0; r < rows; ++r) {
          int64_t expected = 0;
          for (size_t i = 0; i < n; ++i) expected += query[i] * matrix[r * stride + i];
          ASSERT_EQ(k.dot_i8(query.data(), matrix.data() + r * stride, n), expected) << n;
          ASSERT_EQ(out[r], 0.5f * 0.25f * static_cast<float>(expected));
        }
      }
    }
  });
}

TEST(Vector, QuantizedRowsAreAsInTheScalarVersion) {
  for_each_level([](const Kernels& k) {
    for (const size_t n : kSizes) {
      for (const Fill fill : {Fill::kRandom, Fill::kExtremes, Fill::kZeros, Fill::kTiny}) {
        const auto x = make_values(n, fill, 13);
        std::vector<int8_t> q(n), expected(n);
        const float scale = k.quantize_i8(x.data(), q.data(), n);
        EXPECT_EQ(scale, kKernelsScalar.quantize_i8(x.data(), expected.data(), n));
        EXPECT_EQ(q, expected);
      }
    }
  });
}

TEST(Vector, HalfPrecisionRoundsTheSameEverywhere) {
  std::vector<float> x = values(1000, 14, 70000);
  for (uint32_t h = 0; h < 0x7c00; h += 3) x.push_back(f16_to_f32(static_cast<uint16_t>(h)) * 1.0003f);
  for (const float edge : {65504.0f, 65519.0f, 65520.0f, 1e30f, 5.9e-8f, 2.9e-8f, 3.0e-8f, 1e-20f, -0.0f, 6.1e-5f}) x.push_back(edge);
  std::vector<uint16_t> expected(x.size());
  kKernelsScalar.store_half(x.data(), expected.data(), x.size());
  for_each_level([&](const Kernels& k) {
    std::vector<uint16_t> out(x.size());
    k.store_half(x.data(), out.data(), x.size());
    EXPECT_EQ(out, expected);
  });
  for (uint32_t h = 0; h <= 0x7c00; ++h) ASSERT_EQ(f32_to_f16(f16_to_f32(static_cast<uint16_t>(h))), h);
}

}  // namespace
}  // namespace strata::compute
