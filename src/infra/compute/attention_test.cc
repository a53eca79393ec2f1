#include "infra/compute/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "infra/compute/formats.h"
#include "infra/compute/kernels.h"
#include "infra/compute/test_weights.h"

namespace strata::compute {
namespace {

// A cache of one layer whose blocks lie scattered.
class Cache {
 public:
  Cache(const KvLayout& layout, size_t positions) : layout_(layout) {
    const size_t blocks = (positions + kKvBlockPositions - 1) / kKvBlockPositions;
    bytes_.reset(static_cast<std::byte*>(std::aligned_alloc(64, 2 * blocks * layout.block_bytes())));
    std::memset(bytes_.get(), 0, 2 * blocks * layout.block_bytes());
    for (size_t i = 0; i < blocks; ++i) table_.push_back(static_cast<uint32_t>(2 * blocks - 1 - 2 * i));
  }
  KvBlocks blocks() const { return {.base = bytes_.get(), .table = table_.data(), .stride = layout_.block_bytes()}; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };
  KvLayout layout_;
  std::unique_ptr<std::byte, Free> bytes_;
  std::vector<uint32_t> table_;
};

struct Problem {
  KvLayout layout;
  size_t heads, positions;
  float scale;
  std::vector<float> q, k, v;  // SHAPE: q [positions, heads, head_dim], k and v [positions, kv_heads, head_dim]
  size_t q_width() const { return heads * layout.head_dim; }
  size_t kv_width() const { return layout.kv_heads * layout.head_dim; }
};

Problem make_problem(Format format, size_t heads, size_t kv_heads, size_t head_dim, size_t positions, float spread = 1) {
  Problem p{.layout = {.format = format, .kv_heads = kv_heads, .head_dim = head_dim},
            .heads = heads,
            .positions = positions,
            .scale = 1 / std::sqrt(static_cast<float>(head_dim)),
            .q = {},
            .k = {},
            .v = {}};
  p.q = make_values(positions * p.q_width(), Fill::kRandom, 1);
  p.k = make_values(positions * p.kv_width(), Fill::kRandom, 2);
  p.v = make_values(positions * p.kv_width(), Fill::kRandom, 3);
  for (float& value : p.q) value *= spread;
  return p;
}

// K or V as the cache rounds them. SHAPE: [positions, kv_heads * head_dim]
std::vector<float> stored_values(const Problem& p, std::vector<float> x) {
  if (p.layout.format == Format::kF16) {
    for (float& value : x) value = f16_to_f32(f32_to_f16(value));
  }
  if (p.layout.format != Format::kQ8_0) return x;
  const size_t dim = p.layout.head_dim;
  std::vector<int8_t> numbers(dim);
  std::vector<uint16_t> scales(cache_groups(dim));
  for (size_t head = 0; head < x.size(); head += dim) {
    kKernelsScalar.store_q8(x.data() + head, numbers.data(), scales.data(), dim);
    for (size_t d = 0; d < dim; ++d) x[head + d] = f16_to_f32(scales[d / kCacheGroup]) * static_cast<float>(numbers[d]);
  }
  return x;
}

// The formula in double, k and v as stored. Position `t`, head `h`, seeing `limit` positions.
std::vector<double> formula(const Problem& p, const std::vector<float>& k, const std::vector<float>& v, size_t t, size_t h, size_t limit) {
  const size_t dim = p.layout.head_dim, g = h / (p.heads / p.layout.kv_heads);
  std::vector<double> weight(limit), out(dim, 0);
  double greatest = -INFINITY, sum = 0;
  for (size_t j = 0; j < limit; ++j) {
    double score = 0;
    for (size_t d = 0; d < dim; ++d) {
      score += static_cast<double>(p.q[t * p.q_width() + h * dim + d]) * static_cast<double>(k[j * p.kv_width() + g * dim + d]);
    }
    weight[j] = score * p.scale;
    greatest = std::max(greatest, weight[j]);
  }
  for (double& w : weight) sum += w = std::exp(w - greatest);
  for (size_t j = 0; j < limit; ++j) {
    for (size_t d = 0; d < dim; ++d) out[d] += weight[j] / sum * static_cast<double>(v[j * p.kv_width() + g * dim + d]);
  }
  return out;
}
std::vector<double> formula(const Problem& p, size_t t, size_t h, size_t limit) { return formula(p, p.k, p.v, t, h, limit); }

// Scores up to `spread` * sqrt(dim) in magnitude, each the sum of dim rounded terms, then e^score; weights sum to 1 and |v| <= 1.
double tolerance(const Problem& p, float spread) {
  const double score = spread * std::sqrt(static_cast<double>(p.layout.head_dim));
  return 0x1p-23 * (score * static_cast<double>(p.layout.head_dim) + static_cast<double>(p.positions) + 100);
}

std::vector<float> run_chunks(Threads& threads, const Problem& p, const std::vector<size_t>& chunks) {
  Cache cache(p.layout, p.positions);
  std::vector<float> out(p.positions * p.q_width());
  size_t position = 0;
  for (const size_t tokens : chunks) {
    kv_write(p.layout, cache.blocks(), position, tokens, p.k.data() + position * p.kv_width(), p.v.data() + position * p.kv_width());
    const AttentionChunk chunk{
        .q = p.q.data() + position * p.q_width(), .out = out.data() + position * p.q_width(), .tokens = tokens, .position = position, .kv = cache.blocks()};
    attention(threads, p.layout, p.heads, p.scale, {&chunk, 1});
    position += tokens;
  }
  return out;
}

TEST(Attention, MatchesTheFormulaForManyShapes) {
  Threads threads(2);
  struct Shape {
    size_t heads, kv_heads, head_dim, positions;
  };
  for (const Shape s : {Shape{9, 3, 64, 70}, {4, 4, 32, 33}, {16, 1, 16, 40}, {2, 1, 80, 300}, {3, 1, 100, 45}, {1, 1, 1, 5}, {2, 2, 256, 35}}) {
    for (const Format format : {Format::kF16, Format::kQ8_0, Format::kF32}) {
      for (const float spread : {1.0f, 30.0f}) {
        const Problem p = make_problem(format, s.heads, s.kv_heads, s.head_dim, s.positions, spread);
        const std::vector<float> out = run_chunks(threads, p, {p.positions});
        const std::vector<float> k = stored_values(p, p.k), v = stored_values(p, p.v);
        for (size_t t = 0; t < p.positions; ++t) {
          for (size_t h = 0; h < p.heads; ++h) {
            const std::vector<double> expected = formula(p, k, v, t, h, t + 1);
            for (size_t d = 0; d < s.head_dim; ++d) {
              ASSERT_NEAR(out[t * p.q_width() + h * s.head_dim + d], expected[d], tolerance(p, spread))
                  << s.heads << '/' << s.kv_heads << " x " << s.head_dim << " t " << t << " h " << h << " d " << d;
            }
          }
        }
      }
    }
  }
}

// The kernels of the other levels, on the same spans.
TEST(Attention, EveryLevelAgreesWithTheScalarKernel) {
  for (const Format format : {Format::kF16, Format::kQ8_0, Format::kF32}) {
    for (const size_t head_dim : {8, 32, 64, 72, 128}) {
      const KvLayout layout{.format = format, .kv_heads = 1, .head_dim = head_dim};
      const Problem p = make_problem(format, 1, 1, head_dim, 300, 3);
      Cache cache(layout, 300);
      kv_write(layout, cache.blocks(), 0, 300, p.k.data(), p.v.data());
      const size_t stride = (head_dim + 15) / 16 * 16, unit = format == Format::kQ8_0 ? 1 : format == Format::kF16 ? 2 : 4;
      for (size_t rows = 1; rows <= kTileRowsMax; ++rows) {
        for (const size_t begin : {size_t{0}, kSpanPositions}) {
          size_t limit[kTileRowsMax];
          for (size_t r = 0; r < rows; ++r) limit[r] = begin == 0 ? 20 + 3 * r : 250 + 5 * r;
          auto run = [&](const Kernels& k, float* m, float* l, std::vector<float>& o) {
            const KvBlocks kv = cache.blocks();
            k.attend_span({.q = p.q.data(),
                           .rows = rows,
                           .limit = limit,
                           .begin = begin,
                           .end = std::min<size_t>(limit[rows - 1], begin + 256),
                           .head_dim = head_dim,
                           .value_stride = stride,
                           .format = format,
                           .base = reinterpret_cast<const unsigned char*>(kv.base),
                           .table = kv.table,
                           .stride = kv.stride,
                           .value_offset = head_dim * kKvBlockPositions * unit + (format == Format::kQ8_0 ? cache_scale_bytes(head_dim) : 0),
                           .m = m,
                           .l = l,
                           .o = o.data()});
          };
          if (limit[rows - 1] <= begin) continue;
          float m0[kTileRowsMax], l0[kTileRowsMax], m[kTileRowsMax], l[kTileRowsMax];
          std::vector<float> o0(rows * stride), o(rows * stride);
          run(kKernelsScalar, m0, l0, o0);
          for (const Isa isa : available_isas()) {
            run(kernels(isa), m, l, o);
            for (size_t r = 0; r < rows; ++r) {
              if (l0[r] == 0) {
                EXPECT_EQ(l[r], 0);
                continue;
              }
              ASSERT_NEAR(m[r], m0[r], 1e-4);
              for (size_t d = 0; d < head_dim; ++d) ASSERT_NEAR(o[r * stride + d] / l[r], o0[r * stride + d] / l0[r], 1e-4);
            }
          }
        }
      }
    }
  }
}

TEST(Attention, APositionsResultIsTheSameBitsHoweverThePromptIsCutAndForEveryNumberOfThreads) {
  for (const Format format : {Format::kF16, Format::kQ8_0, Format::kF32}) {
    const Problem p = make_problem(format, 9, 3, 64, 600);
    Threads one(1), three(3);
    const std::vector<float> whole = run_chunks(one, p, {600});
    for (Threads* threads : {&one, &three}) {
      EXPECT_EQ(run_chunks(*threads, p, {600}), whole);
      EXPECT_EQ(run_chunks(*threads, p, std::vector<size_t>(600, 1)), whole);
      EXPECT_EQ(run_chunks(*threads, p, {1, 31, 7, 217, 5, 339}), whole);
    }
  }
}

TEST(Attention, SequencesInOneStepDoNotTouchEachOther) {
  Threads threads(2);
  const Problem a = make_problem(Format::kF16, 4, 2, 32, 90), b = make_problem(Format::kF16, 4, 2, 32, 40, 5);
  const std::vector<float> alone_a = run_chunks(threads, a, {90}), alone_b = run_chunks(threads, b, {40});
  Cache cache_a(a.layout, 90), cache_b(b.layout, 40);
  kv_write(a.layout, cache_a.blocks(), 0, 90, a.k.data(), a.v.data());
  kv_write(b.layout, cache_b.blocks(), 0, 40, b.k.data(), b.v.data());
  std::vector<float> out_a(a.q_width()), out_b(40 * b.q_width());
  const AttentionChunk chunks[] = {{.q = a.q.data() + 89 * a.q_width(), .out = out_a.data(), .tokens = 1, .position = 89, .kv = cache_a.blocks()},
                                   {.q = b.q.data(), .out = out_b.data(), .tokens = 40, .position = 0, .kv = cache_b.blocks()}};
  attention(threads, a.layout, 4, a.scale, chunks);
  EXPECT_EQ(out_a, std::vector<float>(alone_a.end() - static_cast<long>(a.q_width()), alone_a.end()));
  EXPECT_EQ(out_b, alone_b);
}

TEST(Attention, StaleKeysPastThePositionChangeNothing) {
  Threads threads(1);
  const Problem p = make_problem(Format::kF16, 2, 1, 16, 64);
  const std::vector<float> clean = run_chunks(threads, p, {40, 24});
  Cache cache(p.layout, 64);
  const std::vector<float> stale(64 * p.kv_width(), 1000);
  kv_write(p.layout, cache.blocks(), 0, 64, stale.data(), stale.data());
  kv_write(p.layout, cache.blocks(), 0, 40, p.k.data(), p.v.data());
  std::vector<float> out(40 * p.q_width());
  const AttentionChunk chunk{.q = p.q.data(), .out = out.data(), .tokens = 40, .position = 0, .kv = cache.blocks()};
  attention(threads, p.layout, 2, p.scale, {&chunk, 1});
  EXPECT_EQ(out, std::vector<float>(clean.begin(), clean.begin() + static_cast<long>(out.size())));
}

TEST(Attention, AnEightBitPositionIsRoundedByItselfTheSameAtEveryLevelAndNeverFartherThanHalfItsScale) {
  for (const size_t n : {1, 16, 31, 32, 33, 64, 80, 100, 256}) {
    for (const Fill fill : {Fill::kRandom, Fill::kExtremes, Fill::kZeros, Fill::kTiny}) {
      std::vector<float> x = make_values(n, fill, n);
      for (size_t i = 0; i < n; ++i) x[i] *= i / kCacheGroup % 2 ? 300.0f : 0.01f;  // groups do not share a scale
      std::vector<int8_t> expected(n), numbers(n);
      std::vector<uint16_t> expected_scales(cache_groups(n)), scales(cache_groups(n));
      kKernelsScalar.store_q8(x.data(), expected.data(), expected_scales.data(), n);
      for (const Isa isa : available_isas()) {
        kernels(isa).store_q8(x.data(), numbers.data(), scales.data(), n);
        ASSERT_EQ(numbers, expected) << n;
        ASSERT_EQ(scales, expected_scales) << n;
      }
      for (size_t begin = 0; begin < n; begin += kCacheGroup) {
        const double scale = f16_to_f32(scales[begin / kCacheGroup]);
        double magnitude = 0;
        for (size_t i = begin; i < std::min(n, begin + kCacheGroup); ++i) {
          magnitude = std::max(magnitude, std::fabs(static_cast<double>(x[i])));
          ASSERT_LE(std::fabs(x[i] - scale * numbers[i]), scale * (0.5 + 0x1p-15)) << "the quotient was rounded once to F32: 127 * 2^-23";
        }
        ASSERT_GE(scale * 127 * (1 + 0x1p-22), magnitude);
        ASSERT_LE(scale, magnitude / 127 * (1 + 0x1p-10) + 0x1p-24) << "rounded up to F16, whose least step is 2^-24";
      }
    }
  }
}

TEST(Attention, ValuesThatAreNoNumbersStayNoneInAnEightBitCache) {
  Threads threads(1);
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    Problem p = make_problem(Format::kQ8_0, 2, 1, 64, 40);
    p.v[35 * 64 + 40] = bad;   // position 35, second group
    const std::vector<float> out = run_chunks(threads, p, {20, 15, 5});
    const auto row = out.begin() + 39 * static_cast<long>(p.q_width());
    EXPECT_FALSE(std::isnan(row[0])) << "the first group";
    EXPECT_TRUE(std::isnan(row[40]));
    EXPECT_FALSE(std::isnan(out[34 * p.q_width() + 40])) << "earlier rows do not see it";
  }
}

TEST(AttentionTexts, MatchTheFormulaAndDoNotSeeEachOther) {
  Threads threads(2);
  const Problem p = make_problem(Format::kF32, 12, 12, 32, 300);
  const size_t lengths[] = {1, 31, 0, 32, 100, 136}, width = p.q_width();
  std::vector<float> out(p.q.size(), NAN);
  std::vector<AttentionText> texts;
  size_t first = 0;
  for (const size_t tokens : lengths) {
    const size_t at = first * width;
    texts.push_back({.q = p.q.data() + at, .k = p.k.data() + at, .v = p.v.data() + at, .out = out.data() + at, .tokens = tokens});
    first += tokens;
  }
  attention_texts(threads, 12, 32, p.scale, texts);
  first = 0;
  for (const size_t tokens : lengths) {
    Problem text = p;
    text.q.assign(p.q.begin() + static_cast<long>(first * width), p.q.begin() + static_cast<long>((first + tokens) * width));
    text.k.assign(p.k.begin() + static_cast<long>(first * width), p.k.begin() + static_cast<long>((first + tokens) * width));
    text.v.assign(p.v.begin() + static_cast<long>(first * width), p.v.begin() + static_cast<long>((first + tokens) * width));
    for (size_t t = 0; t < tokens; t += 7) {
      for (size_t h = 0; h < 12; ++h) {
        const auto expected = formula(text, t, h, tokens);
        for (size_t d = 0; d < 32; ++d) ASSERT_NEAR(out[(first + t) * width + h * 32 + d], expected[d], tolerance(p, 1));
      }
    }
    first += tokens;
  }
}

TEST(AttentionTexts, EveryLevelMatchesTheFormulaOnEveryLengthAndWidth) {
  for (const size_t dim : {1, 8, 20, 32, 64, 100, 256}) {
    for (const size_t tokens : {1, 2, 12, 15, 16, 17, 33, 61, 130}) {
      for (const float spread : {1.0f, 30.0f}) {
        const Problem p = make_problem(Format::kF32, 2, 2, dim, tokens, spread);
        std::vector<float> scores((tokens + 1) * kTextQueries);
        void* memory = scores.data();
        size_t space = scores.size() * sizeof(float);
        ASSERT_NE(std::align(64, tokens * kTextQueries * sizeof(float), memory, space), nullptr);
        for (const Isa isa : available_isas()) {
          std::vector<float> out(tokens * 2 * dim, NAN);
          for (size_t h = 0; h < 2; ++h) {
            kernels(isa).attend_text({.q = p.q.data() + h * dim,
                                      .k = p.k.data() + h * dim,
                                      .v = p.v.data() + h * dim,
                                      .out = out.data() + h * dim,
                                      .stride = 2 * dim,
                                      .tokens = tokens,
                                      .head_dim = dim,
                                      .scale = p.scale,
                                      .scores = static_cast<float*>(memory)});
            for (size_t t = 0; t < tokens; ++t) {
              const auto expected = formula(p, t, h, tokens);
              for (size_t d = 0; d < dim; ++d) {
                ASSERT_NEAR(out[(t * 2 + h) * dim + d], expected[d], tolerance(p, spread))
                    << isa_name(isa) << " dim " << dim << " tokens " << tokens << " token " << t << " head " << h << " value " << d;
              }
            }
          }
        }
      }
    }
  }
}

TEST(AttentionTexts, ATextsResultIsTheSameBitsAmongOthersAndForEveryNumberOfThreads) {
  const Problem p = make_problem(Format::kF32, 3, 3, 32, 120);
  const size_t width = p.q_width(), lengths[] = {33, 7, 64, 16};
  std::vector<float> alone(p.q.size()), together(p.q.size());
  for (const int count : {1, 3}) {
    Threads threads(count);
    std::vector<AttentionText> texts;
    size_t first = 0;
    for (const size_t tokens : lengths) {
      const size_t at = first * width;
      AttentionText text{.q = p.q.data() + at, .k = p.k.data() + at, .v = p.v.data() + at, .out = together.data() + at, .tokens = tokens};
      texts.push_back(text);
      text.out = alone.data() + at;
      if (count == 1) attention_texts(threads, 3, 32, p.scale, {&text, 1});
      first += tokens;
    }
    attention_texts(threads, 3, 32, p.scale, texts);
    ASSERT_EQ(std::memcmp(alone.data(), together.data(), alone.size() * sizeof(float)), 0) << count;
  }
}

TEST(KvLayout, AnEightBitCacheTakesLittleMoreThanHalf) {
  for (const size_t dim : {64, 128, 256}) {
    const size_t half = KvLayout{.format = Format::kF16, .kv_heads = 3, .head_dim = dim}.block_bytes();
    const size_t bytes = KvLayout{.format = Format::kQ8_0, .kv_heads = 3, .head_dim = dim}.block_bytes();
    EXPECT_EQ(bytes, half / 2 + half / 32) << "8 bits a number, 16 a scale of 32: 17/32 of F16";
  }
}

TEST(KvLayout, BlocksAreWholeLines) {
  const KvLayout layout{.format = Format::kF16, .kv_heads = 3, .head_dim = 64};
  EXPECT_EQ(layout.block_bytes(), 3u * 2 * 64 * kKvBlockPositions * 2);
  for (const size_t dim : {1, 7, 16, 80, 100}) {
    EXPECT_EQ((KvLayout{.format = Format::kF16, .kv_heads = 1, .head_dim = dim}.block_bytes()) % 64, 0u);
    EXPECT_EQ((KvLayout{.format = Format::kQ8_0, .kv_heads = 1, .head_dim = dim}.block_bytes()) % 64, 0u);
  }
}

}  // namespace
}  // namespace strata::compute
