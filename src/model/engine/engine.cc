// The engine: one thread that drives every model's runner, and the loading of models.
//
// The loop, once round:
//   1. one batch of query embeddings of each embedder (a person waits; a few milliseconds)
//   2. one step of each language model
//   3. where no language model had anything to do, or documents are owed their share: one batch of document embeddings
// When nobody has work the thread sleeps until submit() wakes it.
#include "model/engine/engine.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
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
  Result<model::Embedder*> load_embedder(const std::string& folder, const std::string& id) override;
  Stats stats() const override;

 private:
  void loop();
  bool has_work() const;   // REQUIRES: mutex_ held
  bool turn();
  void wake() {
    // Taking the lock orders the work that was just queued before the sleeper's look.
    { const std::lock_guard lock(mutex_); }
    wake_.notify_one();
  }
  Status check_id(const std::string& id) const;
  Result<network::KvCache> make_cache(const network::Decoder& decoder, uint64_t memory, int* context) const;

  const Options options_;
  const uint64_t memory_max_;
  compute::Threads threads_;                 // the engine's thread alone, once it runs
  DocumentShare share_;                      // … and so is this

  std::mutex loading_;                       // one load at a time; guards memory_left_
  uint64_t memory_left_;                     // of memory_max_: weights take theirs, KV caches what they can grow to
  mutable std::mutex mutex_;                 // guards what follows
  std::condition_variable wake_;
  bool stopping_ = false;
  std::vector<std::unique_ptr<LocalLanguageModel>> language_models_;
  std::vector<std::unique_ptr<LocalEmbedder>> embedders_;
  std::thread thread_;
};

bool LocalEngine::has_work() const {
  for (const auto& model : language_models_) {
    if (model->runner().has_work()) return true;
  }
  for (const auto& embedder : embedders_) {
    if (embedder->runner().has_work(true) || embedder->runner().has_work(false)) return true;
  }
  return false;
}

void LocalEngine::loop() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || has_work(); });
      if (stopping_) break;
    }
    turn();
  }
  const Error error = cancelled("the engine is shutting down");
  for (auto& model : language_models_) model->runner().stop(error);
  for (auto& embedder : embedders_) embedder->runner().stop(error);
}

bool LocalEngine::turn() {
  std::vector<LanguageRunner*> language;
  std::vector<EmbeddingRunner*> embedding;
  {
    const std::lock_guard lock(mutex_);
    for (auto& model : language_models_) language.push_back(&model->runner());
    for (auto& embedder : embedders_) embedding.push_back(&embedder->runner());
  }
  bool worked = false;
  for (EmbeddingRunner* runner : embedding) worked = runner->step(threads_, true) || worked;
  const bool documents = std::any_of(embedding.begin(), embedding.end(), [](const EmbeddingRunner* runner) { return runner->has_work(false); });
  bool chatted = false;
  const int64_t chat_ns = timed_ns([&] {
    for (LanguageRunner* runner : language) chatted = runner->step(threads_) || chatted;
  });
  if (!documents) share_.nothing_waits();
  else if (chatted) share_.chatted(chat_ns);
  if (chatted && !(documents && share_.due())) return true;
  bool embedded = false;
  const int64_t batch_ns = timed_ns([&] {
    for (EmbeddingRunner* runner : embedding) embedded = runner->step(threads_, false) || embedded;
  });
  if (embedded) share_.embedded(batch_ns);
  return worked || chatted || embedded;
}

Status LocalEngine::check_id(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  auto taken = [&](const auto& models) { return std::any_of(models.begin(), models.end(), [&](const auto& m) { return m->info().id == id; }); };
  if (!taken(language_models_) && !taken(embedders_)) return {};
  Error error = invalid_argument("a model named " + id + " is loaded already", "id");
  error.code = Code::kAlreadyExists;
  return error;
}

// As many blocks as all sequences could fill, as far as memory goes; `context` shrinks where not even one sequence would fit.
Result<network::KvCache> LocalEngine::make_cache(const network::Decoder& decoder, uint64_t memory, int* context) const {
  const network::DecoderShape& shape = decoder.shape();
  *context = options_.context_tokens > 0 ? std::min(options_.context_tokens, shape.T) : shape.T;
  const uint64_t block_bytes = network::KvCache::block_bytes(shape);
  const auto per_block = static_cast<uint64_t>(network::KvCache::kBlockTokens);
  const uint64_t blocks_per_sequence = (static_cast<uint64_t>(*context) + per_block - 1) / per_block;
  const uint64_t affordable = memory / block_bytes;
  const uint64_t blocks = std::min({affordable, blocks_per_sequence * static_cast<uint64_t>(options_.sequences_max), uint64_t{UINT32_MAX}});
  const int least = std::min(kContextLeast, *context);
  if (blocks * per_block < static_cast<uint64_t>(least)) {
    return resource_exhausted("the KV cache needs " + human_bytes(block_bytes) + " for each " + std::to_string(per_block) + " tokens, but of the " +
                              human_bytes(memory_max_) + " that the engine may take only " + human_bytes(memory) +
                              " are left beside the weights; raise the memory limit or use a smaller model");
  }
  if (const uint64_t holds = blocks * per_block; holds < static_cast<uint64_t>(*context)) {
    log::warning("engine.context_reduced", {{"wanted_tokens", *context}, {"tokens", holds}, {"reason", "memory"}});
    *context = static_cast<int>(holds);
  }
  return network::KvCache::make(shape, static_cast<uint32_t>(blocks));
}

Result<model::LanguageModel*> LocalEngine::load_language_model(const std::string& path, const std::string& id) {
  const std::lock_guard loading(loading_);
  TRY(check_id(id));
  TRY_ASSIGN(LanguageParts loaded, read_language_model(path, id, memory_left_));
  int context = 0;
  const uint64_t weights = loaded.decoder.bytes();
  TRY_ASSIGN(network::KvCache cache, make_cache(loaded.decoder, memory_left_ - weights, &context));
  const uint64_t taken = weights + cache.bytes_max();
  loaded.parts.info.context_tokens = context;
  loaded.parts.info.memory_bytes = weights;
  loaded.parts.runner = std::make_unique<LanguageRunner>(
      std::move(loaded.decoder), std::move(cache),
      LanguageLimits{options_.sequences_max, options_.queue_max, options_.prefill_chunk, options_.speculate, options_.draft_row_cost});
  loaded.parts.wake = [this] { wake(); };
  auto model = std::make_unique<LocalLanguageModel>(std::move(loaded.parts));
  model::LanguageModel* out = model.get();
  memory_left_ -= taken;
  const std::lock_guard lock(mutex_);
  language_models_.push_back(std::move(model));
  return out;
}

Result<model::Embedder*> LocalEngine::load_embedder(const std::string& folder, const std::string& id) {
  const std::lock_guard loading(loading_);
  TRY(check_id(id));
  TRY_ASSIGN(EmbedderParts loaded, read_embedder(folder, id, memory_left_));
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
  uint64_t blocks = 0, blocks_used = 0;
  for (const auto& model : language_models_) {
    const LanguageRunner::Counts counts = model->runner().counts();
    out.running += counts.running;
    out.waiting += counts.waiting;
    out.prompt_tokens += counts.prompt_tokens;
    out.generated_tokens += counts.generated_tokens;
    out.cached_tokens += counts.cached_tokens;
    out.drafted_tokens += counts.drafted_tokens;
    out.accepted_tokens += counts.accepted_tokens;
    out.decode_tokens_per_s += counts.decode_per_s;
    out.prefill_tokens_per_s += counts.prefill_per_s;
    blocks += counts.kv_blocks;
    blocks_used += counts.kv_blocks_used;
    out.memory_bytes += counts.memory_bytes;
  }
  for (const auto& embedder : embedders_) {
    const EmbeddingRunner::Counts counts = embedder->runner().counts();
    out.waiting_embeddings += counts.waiting;
    out.embedded_texts += counts.embedded;
    out.memory_bytes += embedder->info().memory_bytes;
  }
  out.kv_cache_used = blocks > 0 ? static_cast<double>(blocks_used) / static_cast<double>(blocks) : 0;
  return out;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::make(const Options& given) {
  Options options = given;
  const compute::Machine machine = compute::inspect_machine();
  if (options.threads == 0) options.threads = std::max(1, machine.cores);
  TRY(check_option("threads", options.threads, 1, 1024));
  TRY(check_option("sequences_max", options.sequences_max, 1, 256));
  TRY(check_option("queue_max", options.queue_max, 1, 1 << 20));
  TRY(check_option("context_tokens", options.context_tokens, 0, network::kContextMax));
  TRY(check_option("prefill_chunk", options.prefill_chunk, 1, 8192));
  const uint64_t memory_max = options.memory_bytes_max > 0 ? options.memory_bytes_max : machine.memory_bytes / 4 * 3;
  return std::unique_ptr<Engine>(std::make_unique<LocalEngine>(options, memory_max));
}

}  // namespace strata::engine
