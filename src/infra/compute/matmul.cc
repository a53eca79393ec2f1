// How a product is cut into tasks. Tokens are cut into tiles of near equal size, each prepared once (rounded to int8, or turned into
// columns); then tasks of a few panels times a few tiles run in any order, since each output element is computed by one kernel call.
//
// Low-rank additions y += s B (A x) join the same run: its first tasks compute A x, and each of the others adds its own rows of B (A x) once its
// product is done. Tasks are taken in order, so whoever needs A x finds it done or in the hands of a running thread.
#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "base/check.h"
#include "infra/compute/kernels.h"
#include "infra/compute/packed.h"

namespace strata::compute {
namespace {

// WHY: a task should be long beside the cost of taking one (about 0.2 us) and short beside the whole, so that threads end together.
constexpr size_t kTaskBytes = size_t{64} << 10;      // of weights, where they are read once
constexpr size_t kTaskTiles = 8;                     // of tokens
constexpr size_t kTasksPerThread = 6;

// Tokens [0, n) in tiles of at most `tile`, sizes differing by one at most.
struct Tiles {
  size_t count, n;
  Tiles(size_t tokens, size_t tile) : count((tokens + tile - 1) / tile), n(tokens) {}
  size_t begin(size_t i) const { return i * n / count; }
  size_t size(size_t i) const { return begin(i + 1) - begin(i); }
};

struct Product {
  const PackedView* w;
  float* y;
  const float* bias;
  bool gelu;
  size_t panels_per_task;
  size_t first_task;  // in the numbering over all products
  size_t panel_tasks, tile_tasks;
};

// Whether two matrices read the same prepared tiles.
bool same_preparation(const PackedView& a, const PackedView& b) {
  if (a.blocks == 0 || b.blocks == 0) return a.blocks == b.blocks;
  return a.format == b.format;
}

// The low-rank additions to one group of targets.
class LowRankRun {
 public:
  // `first_target`: where the group begins in the numbering of the parts.
  LowRankRun(int threads, std::span<const MatmulTarget> targets, std::span<const MatmulLowRank> parts, size_t first_target, const float* x)
      : targets_(targets), x_(x) {
    for (const MatmulLowRank& part : parts) {
      if (part.target < first_target || part.target >= first_target + targets.size() || part.rows.empty()) continue;
      const MatmulTarget& target = targets[part.target - first_target];
      CHECK(part.b->rows() == target.w->rows() && part.b->cols() == part.a->rows() && part.a->rows() <= kLowRankMax);
      CHECK(part.a->packed().view.blocks == 0 && part.b->packed().view.blocks == 0 && target.bias == nullptr && !target.gelu);
      const size_t tile = part.a->packed().kernels->tile_float, tiles = (part.rows.size() + tile - 1) / tile;
      parts_.push_back({&part, part.target - first_target, low_floats_, tasks_});
      tasks_ += tiles;
      low_floats_ += part.rows.size() * part.a->rows();
      tile_floats_ = std::max({tile_floats_, tile * part.a->cols(), tile * (part.b->cols() + part.b->rows())});
    }
    low_floats_ = (low_floats_ + 15) / 16 * 16;
    tile_floats_ = (tile_floats_ + 15) / 16 * 16;
    scratch_bytes_ = parts_.empty() ? 0 : (low_floats_ + static_cast<size_t>(threads) * tile_floats_) * sizeof(float);
  }

  size_t scratch_bytes() const { return scratch_bytes_; }
  void use_scratch(std::byte* bytes) {
    low_ = reinterpret_cast<float*>(bytes);
    tiles_ = low_ + low_floats_;
  }

  // A x of some rows of one part.
  size_t tasks() const { return tasks_; }
  void run_task(size_t task, int thread) {
    size_t index = 0;
    while (index + 1 < parts_.size() && parts_[index + 1].first_task <= task) ++index;
    const MatmulLowRank& part = *parts_[index].part;
    const Matrix::Packed& a = part.a->packed();
    const size_t first = (task - parts_[index].first_task) * a.kernels->tile_float, m = std::min(a.kernels->tile_float, part.rows.size() - first);
    fetch_bytes(a.view.data, std::min<size_t>(a.view.panel_bytes, 4096));  // the product asks for the rest
    float* tile = tile_of(thread);
    auto* prepared = reinterpret_cast<unsigned char*>(tile);
    if (part.rows[first + m - 1] - part.rows[first] + 1 == m) {
      a.kernels->columns(x_ + part.rows[first] * a.view.cols, a.view.cols, m, tile);
    } else {
      for (size_t t = 0; t < m; ++t) a.kernels->prepare(a.view, x_ + part.rows[first + t] * a.view.cols, t, m, prepared);
    }
    a.kernels->product(a.view, 0, a.view.panels, prepared, m, low_ + parts_[index].low + first * a.view.rows, a.view.rows);
    done_.fetch_add(1, std::memory_order_release);
  }

  // Asks for the panels of B that add() will read.
  void fetch(size_t target, size_t begin, size_t end) const {
    for (const Part& part : parts_) {
      if (part.target == target) fetch_panels(part.part->b->packed().view, begin, end);
    }
  }

  // y += scale B (A x): panels [begin, end) of the target, rows [row_begin, row_end) of x.
  void add(size_t target, size_t begin, size_t end, size_t row_begin, size_t row_end, int thread) {
    for (const Part& part : parts_) {
      if (part.target != target) continue;
      wait();
      const std::span<const size_t> rows = part.part->rows;
      auto at = static_cast<size_t>(std::lower_bound(rows.begin(), rows.end(), row_begin) - rows.begin());
      const auto last = static_cast<size_t>(std::lower_bound(rows.begin(), rows.end(), row_end) - rows.begin());
      const size_t tile = part.part->b->packed().kernels->tile_float;
      for (; at < last; at += tile) add_tile(part, begin, end, at, std::min(tile, last - at), thread);
    }
  }

 private:
  struct Part {
    const MatmulLowRank* part;
    size_t target;
    size_t low;                  // where its A x begins. SHAPE: [rows][rank]
    size_t first_task;
  };

  static void fetch_panels(const PackedView& w, size_t begin, size_t end) { fetch_bytes(w.data + begin * w.panel_bytes, (end - begin) * w.panel_bytes); }
  static void fetch_bytes(const unsigned char* from, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch(from + i, 0, 2);
  }

  // WHY a yield: the thread that computes A x may have lost its core to another program.
  void wait() const {
    for (int i = 0; done_.load(std::memory_order_acquire) < tasks_; ++i) {
      if (i > 1000) std::this_thread::yield();
    }
  }

  void add_tile(const Part& part, size_t begin, size_t end, size_t at, size_t m, int thread) const {
    const Matrix::Packed& b = part.part->b->packed();
    const size_t rank = b.view.cols, out = b.view.rows;
    float* tile = tile_of(thread);
    float* product = tile + m * rank;
    b.kernels->columns(low_ + part.low + at * rank, rank, m, tile);
    b.kernels->product(b.view, begin, end, reinterpret_cast<const unsigned char*>(tile), m, product, out);
    const size_t first = begin * kPanelRows, count = std::min(end * kPanelRows, out) - first;
    for (size_t t = 0; t < m; ++t) {
      b.kernels->scaled_add(product + t * out + first, part.part->scale, targets_[part.target].y + part.part->rows[at + t] * out + first, count);
    }
  }

  float* tile_of(int thread) const { return tiles_ + static_cast<size_t>(thread) * tile_floats_; }

  std::span<const MatmulTarget> targets_;
  const float* x_;
  std::vector<Part> parts_;
  size_t tasks_ = 0, low_floats_ = 0, tile_floats_ = 0, scratch_bytes_ = 0;
  float* low_ = nullptr;
  float* tiles_ = nullptr;
  std::atomic<size_t> done_{0};
};

// Matrices that multiply the same rows and are prepared for alike: its tiles and tasks, which the caller runs.
class GroupRun {
 public:
  GroupRun(int threads, std::span<const MatmulTarget> targets, const float* x, size_t n)
      : threads_(static_cast<size_t>(threads)),
        x_(x),
        view_(&targets[0].w->packed().view),
        kernels_(targets[0].w->packed().kernels),
        tiles_(n, view_->blocks != 0 ? kernels_->tile_quantized : kernels_->tile_float) {
    tile_bytes_ = (prepared_bytes(*view_, (n + tiles_.count - 1) / tiles_.count) + 63) / 64 * 64;
    for (const MatmulTarget& target : targets) add(target);
  }

  size_t scratch_bytes() const { return tile_bytes_ * tiles_.count; }
  void use_scratch(std::byte* bytes) { prepared_ = reinterpret_cast<unsigned char*>(bytes); }  // before what follows
  void use_low_rank(LowRankRun* low_rank) { low_rank_ = low_rank; }

  size_t tiles() const { return tiles_.count; }
  void prepare(size_t tile) const {
    const size_t m = tiles_.size(tile), first = tiles_.begin(tile);
    if (view_->blocks == 0) return kernels_->columns(x_ + first * view_->cols, view_->cols, m, reinterpret_cast<float*>(prepared_ + tile * tile_bytes_));
    for (size_t t = 0; t < m; ++t) kernels_->prepare(*view_, x_ + (first + t) * view_->cols, t, m, prepared_ + tile * tile_bytes_);
  }

  size_t tasks() const { return tasks_; }   // once all tiles are prepared
  void run_task(size_t task, int thread) const {
    size_t index = 0;
    while (index + 1 < count_ && products_[index + 1].first_task <= task) ++index;
    const Product& product = products_[index];
    task -= product.first_task;
    const size_t begin = task % product.panel_tasks * product.panels_per_task;
    const size_t end = std::min(begin + product.panels_per_task, product.w->panels);
    const size_t tile_begin = task / product.panel_tasks * kTaskTiles;
    const size_t tile_end = std::min(tile_begin + kTaskTiles, tiles_.count);
    if (low_rank_) low_rank_->fetch(index, begin, end);
    for (size_t tile = tile_begin; tile < tile_end; ++tile) {
      kernels_->product(*product.w, begin, end, prepared_ + tile * tile_bytes_, tiles_.size(tile), product.y + tiles_.begin(tile) * product.w->rows,
                        product.w->rows);
      finish(product, begin * kPanelRows, std::min(end * kPanelRows, product.w->rows), tile);
    }
    if (low_rank_) low_rank_->add(index, begin, end, tiles_.begin(tile_begin), tiles_.begin(tile_end), thread);
  }

 private:
  void finish(const Product& product, size_t row_begin, size_t row_end, size_t tile) const {
    if (product.bias == nullptr && !product.gelu) return;
    const size_t count = row_end - row_begin;
    for (size_t t = tiles_.begin(tile); t < tiles_.begin(tile + 1); ++t) {
      float* y = product.y + t * product.w->rows + row_begin;
      if (product.bias != nullptr) kernels_->add(y, product.bias + row_begin, y, count);
      if (product.gelu) kernels_->gelu_erf(y, y, count);
    }
  }

  void add(const MatmulTarget& target) {
    CHECK(count_ < kGroupMax);
    const PackedView& w = target.w->packed().view;
    const size_t wanted = threads_ * kTasksPerThread;
    const size_t by_bytes = std::max<size_t>(1, kTaskBytes / w.panel_bytes);
    const size_t by_share = std::max<size_t>(1, w.panels / wanted);
    const size_t least = tiles_.count == 1 ? by_share : w.blocks == 0 ? 2 : 1;  // F32 kernels take two panels side by side
    const size_t per_task = std::max(std::min(by_bytes, w.panels), least);
    Product& product = products_[count_++];
    product = {.w = &w,
               .y = target.y,
               .bias = target.bias,
               .gelu = target.gelu,
               .panels_per_task = per_task,
               .first_task = tasks_,
               .panel_tasks = (w.panels + per_task - 1) / per_task,
               .tile_tasks = (tiles_.count + kTaskTiles - 1) / kTaskTiles};
    tasks_ += product.panel_tasks * product.tile_tasks;
  }

  static constexpr size_t kGroupMax = 8;
  size_t threads_;
  const float* x_;
  const PackedView* view_;
  const Kernels* kernels_;
  LowRankRun* low_rank_ = nullptr;
  Tiles tiles_;
  size_t tile_bytes_ = 0;
  unsigned char* prepared_ = nullptr;
  Product products_[kGroupMax];
  size_t count_ = 0;
  size_t tasks_ = 0;
};

void run_group(Threads& threads, GroupRun& group, LowRankRun& low_rank) {
  const size_t bytes = (group.scratch_bytes() + 63) / 64 * 64;
  std::byte* scratch = threads.scratch(bytes + low_rank.scratch_bytes());
  group.use_scratch(scratch);
  const size_t first = low_rank.tasks();
  if (first != 0) {
    low_rank.use_scratch(scratch + bytes);
    group.use_low_rank(&low_rank);
  }
  if (group.tiles() == 1) group.prepare(0);  // takes less time than sharing it out
  else threads.run(group.tiles(), [&](size_t tile, int) { group.prepare(tile); });
  struct {
    GroupRun& group;
    LowRankRun& low_rank;
    size_t first;
  } all{group, low_rank, first};
  threads.run(first + group.tasks(), [&all](size_t task, int thread) {  // one pointer: a larger function would be allocated
    if (task < all.first) all.low_rank.run_task(task, thread);
    else all.group.run_task(task - all.first, thread);
  });
}

}  // namespace

void matmul(Threads& threads, const Matrix& w, const float* x, size_t n, float* y) {
  const MatmulTarget target{.w = &w, .y = y};
  matmul_group(threads, {&target, 1}, x, n);
}

void matmul_group(Threads& threads, std::span<const MatmulTarget> targets, const float* x, size_t n) { matmul_group(threads, targets, x, n, {}, nullptr); }

void matmul_group(Threads& threads, std::span<const MatmulTarget> targets, const float* x, size_t n, std::span<const MatmulLowRank> parts, const float* low_x) {
  if (n == 0) return;
  for (size_t done = 0; done < targets.size();) {
    const std::span<const MatmulTarget> rest = targets.subspan(done);
    size_t same = 1;  // the targets from here on that share a preparation
    const Matrix::Packed& first = rest[0].w->packed();
    while (same < rest.size() && same_preparation(first.view, rest[same].w->packed().view) && first.kernels == rest[same].w->packed().kernels) {
      CHECK(rest[same].w->cols() == rest[0].w->cols());
      ++same;
    }
    GroupRun group(threads.count(), rest.first(same), x, n);
    LowRankRun low_rank(threads.count(), rest.first(same), parts, done, low_x);
    run_group(threads, group, low_rank);
    done += same;
  }
}

}  // namespace strata::compute
