// How a product is cut into tasks. Tokens are cut into tiles of near equal size, each prepared once (rounded to int8, or turned into
// columns); then tasks of a few panels times a few tiles run in any order, since each output element is computed by one kernel call.
#include <algorithm>
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
  size_t panels_per_task;
  size_t first_task;  // in the numbering over all products
  size_t panel_tasks, tile_tasks;
};

// Whether two matrices read the same prepared tiles.
bool same_preparation(const PackedView& a, const PackedView& b) {
  if (a.blocks == 0 || b.blocks == 0) return a.blocks == b.blocks;
  return a.format == b.format;
}

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

  size_t tiles() const { return tiles_.count; }
  void prepare(size_t tile) const {
    const size_t m = tiles_.size(tile), first = tiles_.begin(tile);
    for (size_t t = 0; t < m; ++t) kernels_->prepare(*view_, x_ + (first + t) * view_->cols, t, m, prepared_ + tile * tile_bytes_);
  }

  size_t tasks() const { return tasks_; }   // once all tiles are prepared
  void run_task(size_t task) const {
    size_t index = 0;
    while (index + 1 < count_ && products_[index + 1].first_task <= task) ++index;
    const Product& product = products_[index];
    task -= product.first_task;
    const size_t begin = task % product.panel_tasks * product.panels_per_task;
    const size_t end = std::min(begin + product.panels_per_task, product.w->panels);
    const size_t tile_begin = task / product.panel_tasks * kTaskTiles;
    const size_t tile_end = std::min(tile_begin + kTaskTiles, tiles_.count);
    for (size_t tile = tile_begin; tile < tile_end; ++tile) {
      kernels_->product(*product.w, begin, end, prepared_ + tile * tile_bytes_, tiles_.size(tile), product.y + tiles_.begin(tile) * product.w->rows,
                        product.w->rows);
    }
  }

 private:
  void add(const MatmulTarget& target) {
    CHECK(count_ < kGroupMax);
    const PackedView& w = target.w->packed().view;
    const size_t wanted = threads_ * kTasksPerThread;
    const size_t by_bytes = std::max<size_t>(1, kTaskBytes / w.panel_bytes);
    const size_t by_share = std::max<size_t>(1, w.panels / wanted);
    const size_t per_task = std::max(std::min(by_bytes, w.panels), tiles_.count == 1 ? by_share : size_t{1});
    Product& product = products_[count_++];
    product = {.w = &w,
               .y = target.y,
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
  Tiles tiles_;
  size_t tile_bytes_ = 0;
  unsigned char* prepared_ = nullptr;
  Product products_[kGroupMax];
  size_t count_ = 0;
  size_t tasks_ = 0;
};

// Runs something of every group: `count(group)` tasks each, in one go.
template <class Count, class Task>
void run_all(Threads& threads, std::span<const GroupRun> groups, Count count, Task task) {
  size_t all = 0;
  for (const GroupRun& group : groups) all += count(group);
  threads.run(all, [&](size_t index, int) {
    const GroupRun* group = groups.data();
    while (index >= count(*group)) index -= count(*group++);
    task(*group, index);
  });
}

// WHY: below it, preparing takes less time than sharing it out.
constexpr size_t kPrepareAloneBytes = size_t{32} << 10;

void run_groups(Threads& threads, std::span<GroupRun> groups) {
  size_t bytes = 0, tiles = 0;
  for (const GroupRun& group : groups) bytes += group.scratch_bytes(), tiles += group.tiles();
  std::byte* scratch = threads.scratch(bytes);
  for (GroupRun& group : groups) {
    group.use_scratch(scratch);
    scratch += group.scratch_bytes();
  }
  if (tiles == 1 || (groups.size() > 1 && bytes <= kPrepareAloneBytes)) {
    for (const GroupRun& group : groups) {
      for (size_t tile = 0; tile < group.tiles(); ++tile) group.prepare(tile);
    }
  } else {
    run_all(threads, groups, [](const GroupRun& g) { return g.tiles(); }, [](const GroupRun& g, size_t tile) { g.prepare(tile); });
  }
  run_all(threads, groups, [](const GroupRun& g) { return g.tasks(); }, [](const GroupRun& g, size_t task) { g.run_task(task); });
}

}  // namespace

void matmul(Threads& threads, const Matrix& w, const float* x, size_t n, float* y) {
  const MatmulTarget target{.w = &w, .y = y};
  matmul_group(threads, {&target, 1}, x, n);
}

void matmul_group(Threads& threads, std::span<const MatmulTarget> targets, const float* x, size_t n) {
  if (n == 0) return;
  while (!targets.empty()) {
    size_t same = 1;  // the targets from here on that share a preparation
    const Matrix::Packed& first = targets[0].w->packed();
    while (same < targets.size() && same_preparation(first.view, targets[same].w->packed().view) && first.kernels == targets[same].w->packed().kernels) {
      CHECK(targets[same].w->cols() == targets[0].w->cols());
      ++same;
    }
    GroupRun run(threads.count(), targets.first(same), x, n);
    run_groups(threads, {&run, 1});
    targets = targets.subspan(same);
  }
}

void matmul_batch(Threads& threads, std::span<const MatmulJob> jobs) {
  std::vector<GroupRun> runs;
  runs.reserve(jobs.size());
  for (const MatmulJob& job : jobs) {
    if (job.n == 0) continue;
    const MatmulTarget target{.w = job.w, .y = job.y};
    runs.emplace_back(threads.count(), std::span(&target, 1), job.x, job.n);
  }
  if (!runs.empty()) run_groups(threads, runs);
}

}  // namespace strata::compute
