// The engine: one thread that drives every model's runner, and the loading of models.
//
// The loop, once round:
//   1. one batch of query embeddings of each embedder (a person waits; a few milliseconds)
//   2. one step of one language model: of those that have work, the one whose turn it is (turns.h)
//   3. where no language model had anything to do, or documents are owed their share: one batch of document embeddings
//   4. where nothing of all this was to do: one step, or one batch of embeddings, of what nobody waits for (Priority::kBatch)
// When nobody has work the thread sleeps until submit() wakes it.
#include "model/engine/engine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/text.h"
#include "infra/compute/compute.h"
#include "model/engine/document_share.h"
#include "model/engine/loader.h"
#include "model/engine/local_models.h"
#include "model/engine/turns.h"

namespace strata::engine {
namespace {

// A context below this cannot hold a question and an answer: better refused than served.
constexpr int kContextLeast = 64;

// Runs `work` and returns how long it took.
template <class Work>
int64_t timed_ns(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin).count();
}

Status check_option(const char* name, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return {};
  return invalid_argument(
      std::string("engine option ") + name + ": expected " + std::to_string(low) + " to " + std::to_string(high) + ", got " + std::to_string(value), name);
}

struct KvBlocks {
  uint64_t all = 0, used = 0;
  KvBlocks& operator+=(const KvBlocks& other) {
    all += other.all;
    used += other.used;
    return *this;
  }
  double fraction() const { return all > 0 ? static_cast<double>(used) / static_cast<double>(all) : 0; }
};

KvBlocks add_counts(Stats& out, const LanguageRunner::Counts& counts) {
  out.running += counts.running;
  out.waiting += counts.waiting;
  out.prompt_tokens += counts.prompt_tokens;
  out.generated_tokens += counts.generated_tokens;
  out.cached_tokens += counts.cached_tokens;
  out.preemptions += counts.preemptions;
  out.recomputed_tokens += counts.recomputed_tokens;
  out.drafted_tokens += counts.drafted_tokens;
  out.accepted_tokens += counts.accepted_tokens;
  out.decode_tokens_per_s += counts.decode_per_s;
  out.prefill_tokens_per_s += counts.prefill_per_s;
  out.memory_bytes += counts.memory_bytes;
  return {counts.kv_blocks, counts.kv_blocks_used};
}

// Of a model that is gone: what it did, not what it held.
void add_done(Stats& out, const Stats& done) {
  out.prompt_tokens += done.prompt_tokens;
  out.generated_tokens += done.generated_tokens;
  out.cached_tokens += done.cached_tokens;
  out.preemptions += done.preemptions;
  out.recomputed_tokens += done.recomputed_tokens;
  out.drafted_tokens += done.drafted_tokens;
  out.accepted_tokens += done.accepted_tokens;
}

class LocalEngine : public Engine {
 public:
  LocalEngine(const Options& options, uint64_t memory_max) : options_(options), memory_max_(memory_max), threads_(options.threads), memory_left_(memory_max) {
    thread_ = std::thread([this] { loop(); });
  }

  ~LocalEngine() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  Result<model::LanguageModel*> load_language_model(const std::string& path, const std::string& id) override;
  Result<std::shared_ptr<const model::Adapter>> load_adapter(const std::string& base, const std::string& path, const std::string& id) override;
  Result<model::Embedder*> load_embedder(const std::string& folder, const std::string& id) override;
  Result<std::shared_ptr<ModelFile>> open_language_model(const std::string& path, const std::string& id) const override;
  MemoryNeed memory_need(const ModelFile& file) const override;
  Result<model::LanguageModel*> load(ModelFile& file, uint64_t memory_bytes_max) override;
  Status unload(const std::string& id) override;
  Stats stats() const override;
  std::map<std::string, Stats> stats_by_model() const override;
  uint64_t memory_max() const override { return memory_max_; }
  uint64_t memory_left() const override {
    const uint64_t left = memory_left_.load(), adapters = adapter_counts_->bytes.load();
    return left > adapters ? left - adapters : 0;
  }

 private:
  void loop();
  bool has_work() const;   // REQUIRES: mutex_ held
  bool turn();
  bool chat(model::Priority priority);
  void let_go();
  void wake() {
    // Taking the lock orders the work that was just queued before the sleeper's look.
    { const std::lock_guard lock(mutex_); }
    wake_.notify_one();
  }
  Status check_id(const std::string& id) const;
  struct CachePlan {
    int context = 0;           // that the model is served with, where memory allows
    uint64_t block_bytes = 0;
    uint64_t least = 0, one = 0, all = 0;   // UNITS: blocks; see MemoryNeed
  };
  CachePlan plan_cache(const network::DecoderShape& shape) const;
  compute::Format cache_format() const { return options_.kv_cache == KvFormat::kQ8 ? compute::Format::kQ8_0 : compute::Format::kF16; }
  Result<network::KvCache> make_cache(const network::DecoderShape& shape, uint64_t memory, int* context) const;

  const Options options_;
  const uint64_t memory_max_;
  compute::Threads threads_;                 // the engine's thread alone, once it runs
  DocumentShare share_;                      // … and so are these
  Turns turns_;

  std::mutex loading_;                       // one load or unload at a time; guards taken_
  std::map<std::string, uint64_t> taken_;    // bytes by language model
  std::atomic<uint64_t> memory_left_;        // of memory_max_: weights take theirs, KV caches what they can grow to; adapters are counted apart
  // What adapters hold; shared with them, so that the last request that lets go of one gives its memory back, on whatever thread.
  struct AdapterCounts {
    std::atomic<uint64_t> bytes{0};
    std::atomic<int> count{0};
  };
  const std::shared_ptr<AdapterCounts> adapter_counts_ = std::make_shared<AdapterCounts>();
  mutable std::mutex mutex_;                 // guards what follows
  std::condition_variable wake_;
  bool stopping_ = false;
  std::vector<std::unique_ptr<LocalLanguageModel>> language_models_;
  std::vector<std::unique_ptr<LocalEmbedder>> embedders_;
  struct Leaving {
    std::string id;
    std::promise<std::unique_ptr<LocalLanguageModel>> left;   // by the engine's thread
  };
  std::vector<Leaving> leaving_;
  std::map<std::string, Stats> unloaded_;    // what models did that are gone
  std::thread thread_;
};

bool LocalEngine::has_work() const {
  for (const auto& model : language_models_) {
    if (model->runner().has_work(model::Priority::kInteractive) || model->runner().has_work(model::Priority::kBatch)) return true;
  }
  for (const auto& embedder : embedders_) {
    for (const EmbeddingKind kind : {EmbeddingKind::kQueries, EmbeddingKind::kDocuments, EmbeddingKind::kBatch})
      if (embedder->runner().has_work(kind)) return true;
  }
  return false;
}

void LocalEngine::loop() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !leaving_.empty() || has_work(); });
      if (stopping_) break;
    }
    let_go();
    turn();
  }
  const Error error = cancelled("the engine is shutting down");
  for (auto& model : language_models_) model->runner().stop(error);
  for (auto& embedder : embedders_) embedder->runner().stop(error);
}

// Between two turns nobody but this thread touches a runner.
void LocalEngine::let_go() {
  for (;;) {
    Leaving leaving;
    std::unique_ptr<LocalLanguageModel> model;
    {
      const std::lock_guard lock(mutex_);
      if (leaving_.empty()) return;
      leaving = std::move(leaving_.back());
      leaving_.pop_back();
      const auto found = std::find_if(language_models_.begin(), language_models_.end(), [&](const auto& m) { return m->info().id == leaving.id; });
      if (found != language_models_.end()) {
        model = std::move(*found);
        language_models_.erase(found);
        add_counts(unloaded_[leaving.id], model->runner().counts());
      }
    }
    if (model) model->runner().stop(cancelled("the model " + leaving.id + " was unloaded"));
    leaving.left.set_value(std::move(model));
  }
}

// One step of the language model whose turn it is; false where none has work of that priority.
bool LocalEngine::chat(model::Priority priority) {
  std::vector<const void*> ready;
  {
    const std::lock_guard lock(mutex_);
    for (auto& model : language_models_)
      if (model->runner().has_work(priority)) ready.push_back(model.get());
  }
  if (ready.empty()) return false;
  const void* chosen = turns_.next(ready);
  LanguageRunner& runner = static_cast<LocalLanguageModel*>(const_cast<void*>(chosen))->runner();
  bool worked = false;
  turns_.took(chosen, timed_ns([&] { worked = runner.step(threads_); }));
  return worked;
}

bool LocalEngine::turn() {
  std::vector<EmbeddingRunner*> embedding;
  {
    const std::lock_guard lock(mutex_);
    for (auto& embedder : embedders_) embedding.push_back(&embedder->runner());
  }
  bool worked = false;
  for (EmbeddingRunner* runner : embedding) worked = runner->step(threads_, EmbeddingKind::kQueries) || worked;
  const bool documents =
      std::any_of(embedding.begin(), embedding.end(), [](const EmbeddingRunner* runner) { return runner->has_work(EmbeddingKind::kDocuments); });
  bool chatted = false;
  const int64_t chat_ns = timed_ns([&] { chatted = chat(model::Priority::kInteractive); });
  if (!documents) share_.nothing_waits();
  else if (chatted) share_.chatted(chat_ns);
  if (chatted && !(documents && share_.due())) return true;
  bool embedded = false;
  const int64_t batch_ns = timed_ns([&] {
    for (EmbeddingRunner* runner : embedding) embedded = runner->step(threads_, EmbeddingKind::kDocuments) || embedded;
  });
  if (embedded) share_.embedded(batch_ns);
  if (worked || chatted || embedded) return true;
  for (EmbeddingRunner* runner : embedding) worked = runner->step(threads_, EmbeddingKind::kBatch) || worked;
  return chat(model::Priority::kBatch) || worked;
}

Status LocalEngine::check_id(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  auto taken = [&](const auto& models) { return std::any_of(models.begin(), models.end(), [&](const auto& m) { return m->info().id == id; }); };
  if (!taken(language_models_) && !taken(embedders_)) return {};
  Error error = invalid_argument("a model named " + id + " is loaded already", "id");
  error.code = Code::kAlreadyExists;
  return error;
}

LocalEngine::CachePlan LocalEngine::plan_cache(const network::DecoderShape& shape) const {
  CachePlan plan;
  plan.context = options_.context_tokens > 0 ? std::min(options_.context_tokens, shape.T) : shape.T;
  plan.block_bytes = network::KvCache::block_bytes(shape, cache_format());
  auto blocks_for = [](int tokens) { return (static_cast<uint64_t>(tokens) + network::KvCache::kBlockTokens - 1) / network::KvCache::kBlockTokens; };
  plan.least = blocks_for(std::min(kContextLeast, plan.context));
  plan.one = blocks_for(plan.context);
  const uint64_t useful = options_.cache_tokens > 0 ? blocks_for(options_.cache_tokens) : plan.one * static_cast<uint64_t>(options_.sequences_max);
  plan.all = std::min(useful, uint64_t{UINT32_MAX});
  plan.one = std::min(plan.one, plan.all);
  return plan;
}

// As many blocks as all sequences could fill, as far as memory goes; `context` shrinks where not even one sequence would fit.
Result<network::KvCache> LocalEngine::make_cache(const network::DecoderShape& shape, uint64_t memory, int* context) const {
  const CachePlan plan = plan_cache(shape);
  *context = plan.context;
  const auto per_block = static_cast<uint64_t>(network::KvCache::kBlockTokens);
  const uint64_t blocks = std::min(memory / plan.block_bytes, plan.all);
  if (blocks < plan.least) {
    return resource_exhausted("the KV cache needs " + human_bytes(plan.block_bytes) + " for each " + std::to_string(per_block) + " tokens, but of the " +
                              human_bytes(memory_max_) + " that the engine may take only " + human_bytes(memory) +
                              " are left beside the weights; raise the memory limit or use a smaller model");
  }
  if (const uint64_t holds = blocks * per_block; holds < static_cast<uint64_t>(*context)) {
    log::warning("engine.context_reduced",
                 {{"wanted_tokens", *context}, {"tokens", holds}, {"reason", options_.cache_tokens > 0 ? "engine.cache_tokens" : "memory"}});
    *context = static_cast<int>(holds);
  }
  return network::KvCache::make(shape, static_cast<uint32_t>(blocks), cache_format());
}

Result<std::shared_ptr<ModelFile>> LocalEngine::open_language_model(const std::string& path, const std::string& id) const {
  TRY_ASSIGN(auto file, open_language_file(path, id, options_.packed));
  file->described.context_tokens = plan_cache(file->shape).context;
  return std::shared_ptr<ModelFile>(std::move(file));
}

MemoryNeed LocalEngine::memory_need(const ModelFile& given) const {
  const auto& file = static_cast<const LanguageFile&>(given);   // there is no other
  const CachePlan plan = plan_cache(file.shape);
  const uint64_t weights = file.described.memory_bytes;
  return {weights + plan.least * plan.block_bytes, weights + plan.one * plan.block_bytes, weights + plan.all * plan.block_bytes};
}

Result<model::LanguageModel*> LocalEngine::load_language_model(const std::string& path, const std::string& id) {
  TRY_ASSIGN(auto file, open_language_model(path, id));
  return load(*file, 0);
}

Result<model::LanguageModel*> LocalEngine::load(ModelFile& given, uint64_t memory_bytes_max) {
  auto& file = static_cast<LanguageFile&>(given);   // there is no other
  const std::string& id = file.described.id;
  const std::lock_guard loading(loading_);
  TRY(check_id(id));
  const uint64_t memory = memory_bytes_max > 0 ? std::min(memory_bytes_max, memory_left()) : memory_left();
  TRY_ASSIGN(LanguageParts loaded, read_language_model(file, memory));
  int context = 0;
  const uint64_t weights = loaded.decoder.bytes();
  TRY_ASSIGN(network::KvCache cache, make_cache(loaded.decoder.shape(), memory - weights, &context));
  const uint64_t taken = weights + cache.bytes_max();
  loaded.parts.info.context_tokens = context;
  loaded.parts.info.memory_bytes = weights;
  loaded.parts.kv_cache = kv_format_name(options_.kv_cache);
  loaded.parts.runner = std::make_unique<LanguageRunner>(
      std::move(loaded.decoder), std::move(cache),
      LanguageLimits{options_.sequences_max, options_.queue_max, options_.prefill_chunk, options_.speculate, options_.draft_row_cost});
  loaded.parts.wake = [this] { wake(); };
  auto model = std::make_unique<LocalLanguageModel>(std::move(loaded.parts));
  model::LanguageModel* out = model.get();
  memory_left_ -= taken;
  taken_[id] = taken;
  const std::lock_guard lock(mutex_);
  language_models_.push_back(std::move(model));
  return out;
}

Status LocalEngine::unload(const std::string& id) {
  const std::lock_guard loading(loading_);
  std::future<std::unique_ptr<LocalLanguageModel>> left;
  {
    const std::lock_guard lock(mutex_);
    leaving_.push_back({id, {}});
    left = leaving_.back().left.get_future();
  }
  wake_.notify_one();
  std::unique_ptr<LocalLanguageModel> model = left.get();
  if (!model) return not_found("no language model " + id + " is loaded");
  model.reset();   // on the caller's thread; then its memory is there for another
  memory_left_ += taken_[id];
  taken_.erase(id);
  return {};
}

Result<std::shared_ptr<const model::Adapter>> LocalEngine::load_adapter(const std::string& base, const std::string& path, const std::string& id) {
  const std::lock_guard loading(loading_);
  TRY(check_id(id));
  LocalLanguageModel* model = nullptr;
  {
    const std::lock_guard lock(mutex_);
    for (auto& one : language_models_) {
      if (one->info().id == base) model = one.get();
    }
  }
  if (!model) return not_found("no language model called " + base + " runs here for an adapter to go on", "model");
  if (adapter_counts_->count.load() >= kAdaptersMax) {
    return resource_exhausted("all " + std::to_string(kAdaptersMax) + " places for adapters are taken; unload one first, or wait for its requests to end");
  }
  TRY_ASSIGN(network::Adapter weights, model->runner().load_adapter(path, memory_left()));
  model::ModelInfo info = model->info();
  info.id = id;
  info.parent = base;
  info.source = path;
  info.memory_bytes = weights.bytes();
  info.adapter_sha256 = weights.sha256();
  info.adapter_rank = weights.rank();
  info.demo = false;
  adapter_counts_->bytes += weights.bytes();
  adapter_counts_->count += 1;
  const auto counted = [counts = adapter_counts_](const ServedAdapter* adapter) {
    counts->bytes -= adapter->weights.bytes();
    counts->count -= 1;
    delete adapter;
  };
  return std::shared_ptr<const model::Adapter>(new ServedAdapter(std::move(info), model->runner().shape(), std::move(weights)), counted);
}

Result<model::Embedder*> LocalEngine::load_embedder(const std::string& folder, const std::string& id) {
  const std::lock_guard loading(loading_);
  TRY(check_id(id));
  TRY_ASSIGN(EmbedderParts loaded, read_embedder(folder, id, options_.embedder_precision, memory_left(), options_.packed));
  memory_left_ -= loaded.encoder.bytes();
  loaded.parts.runner = std::make_unique<EmbeddingRunner>(std::move(loaded.encoder), options_.queue_max);
  loaded.parts.wake = [this] { wake(); };
  auto embedder = std::make_unique<LocalEmbedder>(std::move(loaded.parts));
  model::Embedder* out = embedder.get();
  const std::lock_guard lock(mutex_);
  embedders_.push_back(std::move(embedder));
  return out;
}

Stats LocalEngine::stats() const {
  const std::lock_guard lock(mutex_);
  Stats out;
  for (const auto& [id, done] : unloaded_) add_done(out, done);
  KvBlocks blocks;
  for (const auto& model : language_models_) blocks += add_counts(out, model->runner().counts());
  out.kv_cache_used = blocks.fraction();
  for (const auto& embedder : embedders_) {
    const EmbeddingRunner::Counts counts = embedder->runner().counts();
    out.waiting_embeddings += counts.waiting;
    out.embedded_texts += counts.embedded;
    out.memory_bytes += embedder->info().memory_bytes;
  }
  out.memory_bytes += adapter_counts_->bytes.load();
  out.adapters = adapter_counts_->count.load();
  return out;
}

std::map<std::string, Stats> LocalEngine::stats_by_model() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, Stats> out;
  for (const auto& [id, done] : unloaded_) add_done(out[id], done);
  for (const auto& model : language_models_) {
    Stats& stats = out[model->info().id];
    stats.kv_cache_used = add_counts(stats, model->runner().counts()).fraction();
  }
  return out;
}

}  // namespace

std::string kv_format_name(KvFormat format) { return format == KvFormat::kQ8 ? "q8" : "f16"; }

Result<KvFormat> kv_format(const std::string& name) {
  for (const KvFormat format : {KvFormat::kF16, KvFormat::kQ8}) {
    if (name == kv_format_name(format)) return format;
  }
  return invalid_argument("kv_cache: expected f16 or q8, got '" + name + "'", "kv_cache");
}

Result<std::unique_ptr<Engine>> Engine::make(const Options& given) {
  Options options = given;
  const compute::Machine machine = compute::inspect_machine();
  if (options.threads == 0) options.threads = std::max(1, machine.cores);
  TRY(check_option("threads", options.threads, 1, 1024));
  TRY(check_option("sequences_max", options.sequences_max, 1, 256));
  TRY(check_option("queue_max", options.queue_max, 1, 1 << 20));
  TRY(check_option("context_tokens", options.context_tokens, 0, network::kContextMax));
  TRY(check_option("cache_tokens", options.cache_tokens, 0, int64_t{INT32_MAX}));
  TRY(check_option("prefill_chunk", options.prefill_chunk, 1, 8192));
  const uint64_t memory_max = options.memory_bytes_max > 0 ? options.memory_bytes_max : machine.memory_bytes / 4 * 3;
  return std::unique_ptr<Engine>(std::make_unique<LocalEngine>(options, memory_max));
}

}  // namespace strata::engine
