// model/engine: runs models on this CPU. One thread owns all sequence state: requests reach it by a bounded queue and leave it as a
// stream of tokens; up to `sequences_max` sequences are decoded together in one batched step; chat goes before embedding
// batches, which keep a tenth of the time however long chats go on; what nobody waits for (Priority::kBatch) runs when nothing
// else has work; a cancelled request is gone within one step.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/status.h"
#include "model/interface/interface.h"
#include "model/packed/packed.h"

namespace strata::engine {

// How keys and values are kept: binary16, or 8 bits with a scale for each 32 values of a head, in little more than half the memory.
enum class KvFormat { kF16, kQ8 };
std::string kv_format_name(KvFormat format);   // "f16", "q8"
Result<KvFormat> kv_format(const std::string& name);

// Of an embedder's linear layers. int8: weights and activations in 8 bits, about twice as fast, at a cosine above 0.999 to f32; its vectors
// are not to be compared with those of f32 (ModelInfo::format tells them apart).
enum class Precision { kF32, kInt8 };

struct Options {
  int threads = 0;              // 0: as many as cores
  int sequences_max = 8;        // decoded together
  int queue_max = 64;           // waiting requests; past it submit() is kResourceExhausted
  int context_tokens = 0;       // 0: the model's own, bounded by memory_bytes_max
  int prefill_chunk = 256;      // tokens of a prompt per step, so that running streams go on
  bool speculate = true;        // guess tokens from the text so far and check them together: the same text, sooner
  KvFormat kv_cache = KvFormat::kF16;
  int cache_tokens = 0;         // that all sequences together hold; 0: as many as sequences_max contexts, as far as memory goes
  double draft_row_cost = 0;    // UNITS: steps; what a guess is taken to cost. 0: as measured, so how much is guessed depends on the machine
  Precision embedder_precision = Precision::kF32;
  uint64_t memory_bytes_max = 0;  // KV cache and weights; 0: three quarters of what the machine has
  packed::Options packed;       // whether repacked weights are kept on disk, for the next start
};

struct Stats {
  int running = 0, waiting = 0, waiting_embeddings = 0;
  uint64_t prompt_tokens = 0, generated_tokens = 0, embedded_texts = 0;  // of prompts: those that were run
  uint64_t cached_tokens = 0;   // of prompts, found in the prefix cache
  uint64_t preemptions = 0;     // sequences that gave their KV blocks to older ones, to come back later
  uint64_t recomputed_tokens = 0;   // that those ran again; not among prompt_tokens
  uint64_t drafted_tokens = 0, accepted_tokens = 0;   // of speculative decoding
  double kv_cache_used = 0;     // fraction
  double decode_tokens_per_s = 0, prefill_tokens_per_s = 0;   // over the last 10 s of work
  uint64_t memory_bytes = 0;
  int adapters = 0;             // LoRA adapters loaded, or still in use
};

// A model on disk: opened, checked and described, not loaded. It stays open, so that it can be loaded, unloaded and loaded again, also
// by a process that may no longer open it.
class ModelFile {
 public:
  virtual ~ModelFile() = default;
  // As the loaded model says it, but that `context_tokens` may yet shrink where memory is short; memory_bytes are the weights'.
  virtual const model::ModelInfo& info() const = 0;
  virtual const std::string& version() const = 0;   // of the manifest beside it: "0.1.2"; empty where nobody says
};

// What a language model takes. UNITS: bytes; weights, and weights with the KV cache of …
struct MemoryNeed {
  uint64_t least = 0;           // … the shortest context that is served at all
  uint64_t one = 0;             // … one sequence of the whole context
  uint64_t all = 0;             // … as many such sequences as are decoded together
};

class Engine {
 public:
  static Result<std::unique_ptr<Engine>> make(const Options& options);
  virtual ~Engine() = default;   // ends every running request with kCancelled
  // GGUF, a Llama-family decoder. The returned model lives as long as the engine.
  virtual Result<model::LanguageModel*> load_language_model(const std::string& path, const std::string& id) = 0;
  // The same in two steps. `memory_bytes_max`: weights and KV cache of this model together; 0: what the engine has left.
  virtual Result<std::shared_ptr<ModelFile>> open_language_model(const std::string& path, const std::string& id) const = 0;
  virtual MemoryNeed memory_need(const ModelFile& file) const = 0;
  virtual Result<model::LanguageModel*> load(ModelFile& file, uint64_t memory_bytes_max = 0) = 0;
  // Takes the model away and frees its memory; what still runs on it ends with kCancelled. REQUIRES: nobody uses the model any more,
  // and the caller is not a sink. Blocks until the engine's thread is between two steps.
  virtual Status unload(const std::string& id) = 0;
  // A LoRA adapter called `id` for the loaded language model `base`: a PEFT folder or a GGUF file (network/adapter.h), to go with requests
  // (GenerateRequest::adapter, model::with_adapter). It may join while others run, and requests with different adapters and with none run
  // side by side. Letting go of it unloads it: requests that run keep it until they end. At most kAdaptersMax at once.
  static constexpr int kAdaptersMax = 64;   // WHY: each may take a twentieth of its model's memory
  virtual Result<std::shared_ptr<const model::Adapter>> load_adapter(const std::string& base, const std::string& path, const std::string& id) = 0;
  // A folder with model.safetensors, config.json and tokenizer.json (BERT, mean pooling).
  virtual Result<model::Embedder*> load_embedder(const std::string& folder, const std::string& id) = 0;
  // Of all models; what unloaded ones did stays counted. stats_by_model(): language models by id, unloaded ones too.
  virtual Stats stats() const = 0;
  virtual std::map<std::string, Stats> stats_by_model() const = 0;
  virtual uint64_t memory_max() const = 0;    // that all models together may take
  virtual uint64_t memory_left() const = 0;   // of it, that no loaded model has been promised
};

}  // namespace strata::engine
