// The cache's layout, and how attention is cut into tasks: one K/V head times a tile of query rows (a row is one token of one of the
// query heads that share the K/V head). A tile attends span after span and merges each into its running state, in ascending order.
// Where there are fewer tiles than threads could use (decode at depth), each span is a task of its own, and the merges follow: the same
// operations in the same order.
#include "infra/compute/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "infra/compute/formats.h"
#include "infra/compute/kernels.h"

namespace strata::compute {
namespace {

constexpr size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }
constexpr size_t kValueUnit = 16;  // V rows are filled up to whole 512-bit registers of F32

size_t value_stride(size_t head_dim) { return round_up(head_dim, kValueUnit); }
size_t value_bytes(Format format) { return format == Format::kQ8_0 ? 1 : format == Format::kF16 ? 2 : 4; }
size_t scale_bytes(const KvLayout& layout) { return layout.format == Format::kQ8_0 ? cache_scale_bytes(layout.head_dim) : 0; }
size_t key_part_bytes(const KvLayout& layout) { return scale_bytes(layout) + layout.head_dim * kKvBlockPositions * value_bytes(layout.format); }
size_t head_bytes(const KvLayout& layout) {
  return key_part_bytes(layout) + scale_bytes(layout) + value_stride(layout.head_dim) * kKvBlockPositions * value_bytes(layout.format);
}

// The running state of a tile. SHAPE: m, l [rows], o [rows][value_stride]
struct State {
  float* m;
  float* l;
  float* o;
};
constexpr size_t state_floats(size_t stride) { return round_up(kTileRowsMax * (2 + stride), 16); }
State state_at(float* memory, size_t stride) {
  (void)stride;
  return {memory, memory + kTileRowsMax, memory + round_up(2 * kTileRowsMax, 16)};
}

// into <- into + from, both with their own greatest score. `into` holds earlier positions.
void merge(const State& into, const State& from, size_t rows, size_t stride) {
  for (size_t r = 0; r < rows; ++r) {
    if (from.l[r] == 0) continue;
    const float m = std::max(into.m[r], from.m[r]);
    const float keep = std::exp(into.m[r] - m), add = std::exp(from.m[r] - m);
    into.l[r] = into.l[r] * keep + from.l[r] * add;
    float* o = into.o + r * stride;
    const float* p = from.o + r * stride;
    for (size_t d = 0; d < stride; ++d) o[d] = o[d] * keep + p[d] * add;
    into.m[r] = m;
  }
}

// One sequence: rows of queries over positions.
struct Work {
  const float* q;
  float* out;
  size_t tokens;
  size_t position;
  const unsigned char* base;
  const uint32_t* table;
  size_t stride;
};

struct Plan {
  KvLayout layout;
  size_t heads = 0, group = 0;
  float scale = 1;
  const Kernels* kernels = nullptr;
};

class TileRun {
 public:
  TileRun(const Plan& plan, const Work& work, size_t kv_head, size_t tile)
      : plan_(plan),
        work_(work),
        kv_head_(kv_head),
        first_(tile * kTileRowsMax),
        rows_(std::min(kTileRowsMax, work.tokens * plan.group - first_)),
        stride_(value_stride(plan.layout.head_dim)) {
    for (size_t r = 0; r < rows_; ++r) limit_[r] = work.position + token(r) + 1;
  }

  size_t spans() const { return (limit_[rows_ - 1] + kSpanPositions - 1) / kSpanPositions; }
  size_t rows() const { return rows_; }

  void gather_queries(float* q) const {
    const size_t dim = plan_.layout.head_dim;
    for (size_t r = 0; r < rows_; ++r) {
      const float* from = work_.q + row_offset(r);
      for (size_t d = 0; d < dim; ++d) q[d * rows_ + r] = from[d] * plan_.scale;
    }
  }

  void attend(size_t span, const float* q, const State& state) const {
    const KvLayout& layout = plan_.layout;
    const size_t begin = span * kSpanPositions;
    plan_.kernels->attend_span({.q = q,
                                .rows = rows_,
                                .limit = limit_,
                                .begin = begin,
                                .end = std::min(begin + kSpanPositions, limit_[rows_ - 1]),
                                .head_dim = layout.head_dim,
                                .value_stride = stride_,
                                .format = layout.format,
                                .base = work_.base + kv_head_ * head_bytes(layout),
                                .table = work_.table,
                                .stride = work_.stride,
                                .value_offset = key_part_bytes(layout),
                                .m = state.m,
                                .l = state.l,
                                .o = state.o});
  }

  void finish(const State& state) const {
    for (size_t r = 0; r < rows_; ++r) {
      float* to = work_.out + row_offset(r);
      const float* o = state.o + r * stride_;
      const float inverse = 1.0f / state.l[r];
      for (size_t d = 0; d < plan_.layout.head_dim; ++d) to[d] = o[d] * inverse;
    }
  }

  void run_all() const {
    alignas(64) float q[kTileRowsMax * kHeadDimMax];
    alignas(64) float memory[2][state_floats(kHeadDimMax)];
    gather_queries(q);
    const State total = state_at(memory[0], stride_), part = state_at(memory[1], stride_);
    attend(0, q, total);
    for (size_t span = 1; span < spans(); ++span) {
      attend(span, q, part);
      merge(total, part, rows_, stride_);
    }
    finish(total);
  }

 private:
  size_t token(size_t r) const { return (first_ + r) / plan_.group; }
  size_t row_offset(size_t r) const {
    const size_t head = kv_head_ * plan_.group + (first_ + r) % plan_.group;
    return (token(r) * plan_.heads + head) * plan_.layout.head_dim;
  }

  const Plan& plan_;
  const Work& work_;
  size_t kv_head_, first_, rows_, stride_;
  size_t limit_[kTileRowsMax];
};

// One task of a step.
struct Unit {
  uint32_t work, kv_head, tile;
  uint32_t spans;        // 0: the task does the whole tile
  uint32_t first_part;   // of its partial states, where spans > 0
};

class StepRun {
 public:
  StepRun(Threads& threads, const Plan& plan, std::span<const Work> works) : threads_(threads), plan_(plan), works_(works) {
    cut();
    split();
  }

  void run() {
    if (parts_.empty()) {
      threads_.run(units_.size(), [this](size_t i, int) { tile(units_[i]).run_all(); });
      return;
    }
    const size_t state_size = state_floats(value_stride(plan_.layout.head_dim));
    states_ = reinterpret_cast<float*>(threads_.scratch(parts_.size() * state_size * sizeof(float)));
    threads_.run(parts_.size(), [&](size_t i, int) { attend_part(i, state_size); });
    for (const Unit& unit : units_) merge_parts(unit, state_size);
  }

 private:
  TileRun tile(const Unit& unit) const { return {plan_, works_[unit.work], unit.kv_head, unit.tile}; }

  void cut() {
    for (uint32_t w = 0; w < works_.size(); ++w) {
      const size_t tiles = (works_[w].tokens * plan_.group + kTileRowsMax - 1) / kTileRowsMax;
      // The last tiles see most positions: they go first, so that the threads end together.
      for (size_t t = tiles; t-- > 0;) {
        for (uint32_t g = 0; g < plan_.layout.kv_heads; ++g) units_.push_back({w, g, static_cast<uint32_t>(t), 0, 0});
      }
    }
  }

  // One task per span, where whole tiles would be too few to keep the threads busy to the end.
  void split() {
    constexpr size_t kUnitsPerThread = 4;
    const auto threads = static_cast<size_t>(threads_.count());
    if (threads == 1 || units_.size() >= threads * kUnitsPerThread) return;
    for (uint32_t u = 0; u < units_.size(); ++u) {
      Unit& unit = units_[u];
      unit.spans = static_cast<uint32_t>(tile(unit).spans());
      unit.first_part = static_cast<uint32_t>(parts_.size());
      for (uint32_t s = 0; s < unit.spans; ++s) parts_.push_back({u, s});
    }
  }

  State part_state(size_t part, size_t state_size) const { return state_at(states_ + part * state_size, value_stride(plan_.layout.head_dim)); }

  void attend_part(size_t i, size_t state_size) const {
    alignas(64) float q[kTileRowsMax * kHeadDimMax];
    const Part& part = parts_[i];
    const TileRun run = tile(units_[part.unit]);
    run.gather_queries(q);
    run.attend(part.span, q, part_state(i, state_size));
  }

  void merge_parts(const Unit& unit, size_t state_size) const {
    const TileRun run = tile(unit);
    const State total = part_state(unit.first_part, state_size);
    for (size_t s = 1; s < unit.spans; ++s) {
      merge(total, part_state(unit.first_part + s, state_size), run.rows(), value_stride(plan_.layout.head_dim));
    }
    run.finish(total);
  }

  struct Part {
    uint32_t unit, span;
  };
  Threads& threads_;
  const Plan& plan_;
  std::span<const Work> works_;
  std::vector<Unit> units_;
  std::vector<Part> parts_;
  float* states_ = nullptr;
};

unsigned char* block_at(const KvBlocks& blocks, size_t block) {
  return reinterpret_cast<unsigned char*>(blocks.base) + (blocks.table != nullptr ? blocks.table[block] : block) * blocks.stride;
}

// Positions [slot, slot + count) of one head of one block. k and v are of the first position; rows are `width` values apart.
// WHY dimension by dimension: K is transposed, so this order writes forward.
void write_half(const Kernels& kernels, const KvLayout& layout, unsigned char* head, size_t slot, size_t count, const float* k, const float* v, size_t width) {
  auto* keys = reinterpret_cast<uint16_t*>(head);
  auto* values = reinterpret_cast<uint16_t*>(head + key_part_bytes(layout)) + slot * value_stride(layout.head_dim);
  uint16_t key[kKvBlockPositions * kHeadDimMax];
  for (size_t i = 0; i < count; ++i) {
    kernels.store_half(k + i * width, key + i * layout.head_dim, layout.head_dim);
    kernels.store_half(v + i * width, values + i * value_stride(layout.head_dim), layout.head_dim);
  }
  for (size_t d = 0; d < layout.head_dim; ++d) {
    for (size_t i = 0; i < count; ++i) keys[d * kKvBlockPositions + slot + i] = key[i * layout.head_dim + d];
  }
}

void write_q8(const Kernels& kernels, const KvLayout& layout, unsigned char* head, size_t slot, size_t count, const float* k, const float* v, size_t width) {
  const size_t stride = value_stride(layout.head_dim), groups = cache_groups(layout.head_dim);
  auto* key_scales = reinterpret_cast<uint16_t*>(head);
  auto* keys = reinterpret_cast<int8_t*>(head + scale_bytes(layout));
  auto* value_scales = reinterpret_cast<uint16_t*>(head + key_part_bytes(layout));
  auto* values = reinterpret_cast<int8_t*>(head + key_part_bytes(layout) + scale_bytes(layout));
  int8_t key[kKvBlockPositions * kHeadDimMax];
  uint16_t scales[2][kHeadDimMax / kCacheGroup];
  for (size_t i = 0; i < count; ++i) {
    kernels.store_q8(k + i * width, key + i * layout.head_dim, scales[0], layout.head_dim);
    kernels.store_q8(v + i * width, values + (slot + i) * stride, scales[1], layout.head_dim);
    for (size_t g = 0; g < groups; ++g) {
      key_scales[g * kKvBlockPositions + slot + i] = scales[0][g];
      value_scales[g * kKvBlockPositions + slot + i] = scales[1][g];
    }
  }
  for (size_t d = 0; d < layout.head_dim; ++d) {
    for (size_t i = 0; i < count; ++i) keys[d * kKvBlockPositions + slot + i] = key[i * layout.head_dim + d];
  }
}

void write_full(const KvLayout& layout, unsigned char* head, size_t slot, size_t count, const float* k, const float* v, size_t width) {
  auto* keys = reinterpret_cast<float*>(head);
  auto* values = reinterpret_cast<float*>(head + key_part_bytes(layout)) + slot * value_stride(layout.head_dim);
  for (size_t i = 0; i < count; ++i) std::memcpy(values + i * value_stride(layout.head_dim), v + i * width, layout.head_dim * sizeof(float));
  for (size_t d = 0; d < layout.head_dim; ++d) {
    for (size_t i = 0; i < count; ++i) keys[d * kKvBlockPositions + slot + i] = k[i * width + d];
  }
}

void check_layout(const KvLayout& layout) {
  CHECK(layout.format == Format::kF16 || layout.format == Format::kQ8_0 || layout.format == Format::kF32);
  CHECK(layout.kv_heads >= 1 && layout.head_dim >= 1 && layout.head_dim <= kHeadDimMax);
}

}  // namespace

size_t KvLayout::block_bytes() const { return round_up(kv_heads * head_bytes(*this), 64); }

void kv_write(const KvLayout& layout, const KvBlocks& blocks, size_t position, size_t tokens, const float* k, const float* v) {
  check_layout(layout);
  const Kernels& best = kernels(best_isa());
  const size_t width = layout.kv_heads * layout.head_dim;
  for (size_t t = 0; t < tokens;) {
    unsigned char* block = block_at(blocks, (position + t) / kKvBlockPositions);
    const size_t slot = (position + t) % kKvBlockPositions;
    const size_t count = std::min(tokens - t, kKvBlockPositions - slot);
    for (size_t g = 0; g < layout.kv_heads; ++g) {
      const size_t from = t * width + g * layout.head_dim;
      unsigned char* head = block + g * head_bytes(layout);
      if (layout.format == Format::kF16) write_half(best, layout, head, slot, count, k + from, v + from, width);
      else if (layout.format == Format::kQ8_0) write_q8(best, layout, head, slot, count, k + from, v + from, width);
      else write_full(layout, head, slot, count, k + from, v + from, width);
    }
    t += count;
  }
}

void attention(Threads& threads, const KvLayout& layout, size_t heads, float scale, std::span<const AttentionChunk> chunks) {
  check_layout(layout);
  CHECK(heads % layout.kv_heads == 0);
  const Plan plan{.layout = layout, .heads = heads, .group = heads / layout.kv_heads, .scale = scale, .kernels = &kernels(best_isa())};
  std::vector<Work> works;
  for (const AttentionChunk& chunk : chunks) {
    if (chunk.tokens == 0) continue;
    works.push_back({.q = chunk.q,
                     .out = chunk.out,
                     .tokens = chunk.tokens,
                     .position = chunk.position,
                     .base = reinterpret_cast<const unsigned char*>(chunk.kv.base),
                     .table = chunk.kv.table,
                     .stride = chunk.kv.stride});
  }
  StepRun(threads, plan, works).run();
}

void attention_texts(Threads& threads, size_t heads, size_t head_dim, float scale, std::span<const AttentionText> texts) {
  CHECK(heads >= 1 && head_dim >= 1 && head_dim <= kHeadDimMax);
  size_t longest = 0;
  for (const AttentionText& text : texts) longest = std::max(longest, text.tokens);
  const size_t scores = longest * kTextQueries;  // UNITS: values, of each thread
  auto* memory = reinterpret_cast<float*>(threads.scratch(static_cast<size_t>(threads.count()) * scores * sizeof(float)));
  const Kernels& best = kernels(best_isa());
  threads.run(texts.size() * heads, [&](size_t i, int thread) {
    const AttentionText& text = texts[i / heads];
    const size_t from = i % heads * head_dim;
    best.attend_text({.q = text.q + from,
                      .k = text.k + from,
                      .v = text.v + from,
                      .out = text.out + from,
                      .stride = heads * head_dim,
                      .tokens = text.tokens,
                      .head_dim = head_dim,
                      .scale = scale,
                      .scores = memory + static_cast<size_t>(thread) * scores});
  });
}

}  // namespace strata::compute
