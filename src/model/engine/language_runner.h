// LanguageRunner: the scheduler of one language model. Requests wait in a bounded queue, in order; as many run together as there are
// places, and KV blocks for their texts so far. Each step takes one row of every sequence that is decoding, and prompt rows of those that
// are not, oldest first, as many as Pace allows and at most prefill_chunk: so running streams go on while a long prompt is read.
//
// Where few sequences decode, each may carry guesses of its next tokens (Draft) in rows of their own; those that the model would have
// chosen are kept, the others' keys and values are overwritten by the next step.
//
// Nobody knows how long an answer becomes, so no blocks are set aside for it: a sequence takes them as it grows. Where none is left, not
// even one that is kept for the prefix cache, the youngest running sequence is preempted: it gives its blocks back, waits at the head of
// the queue, and later runs prompt and answer so far again (what the prefix cache still has of them is not run), to go on where it was.
// A sequence only ever gives way to older ones, and the oldest alone fits: it moves on in every step, so all come to their end.
// Requests that nobody waits for (Priority::kBatch) stand behind all others, among the waiting and among the running. They are admitted,
// and take part in a step, only where no other request runs; they keep their KV blocks and their places until another wants them.
// Cancelled and late requests, waiting or running, leave before each step.
// SOURCE: preemption by recomputation: Kwon et al., "Efficient Memory Management for LLM Serving with PagedAttention", 2023, section 4.5.
// THREADS: submit() and the counts are safe; step() and stop() belong to the engine's thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "infra/compute/compute.h"
#include "model/engine/generation.h"
#include "model/engine/meter.h"
#include "model/engine/pace.h"
#include "model/network/network.h"

namespace strata::engine {

struct LanguageLimits {
  int sequences_max = 8;
  int queue_max = 64;
  int prefill_chunk = 256;
  bool speculate = true;
  double draft_row_cost = 0;   // 0: as measured
};

class LanguageRunner {
 public:
  LanguageRunner(network::Decoder decoder, network::KvCache cache, const LanguageLimits& limits);

  struct Counts {
    int running = 0, waiting = 0;
    uint64_t prompt_tokens = 0, generated_tokens = 0, drafted_tokens = 0, accepted_tokens = 0;
    uint64_t cached_tokens = 0;                       // of prompts, that were not run
    uint64_t preemptions = 0, recomputed_tokens = 0;  // rows that preempted sequences ran again
    uint64_t kv_blocks = 0, kv_blocks_used = 0;
    double decode_per_s = 0, prefill_per_s = 0;
    uint64_t memory_bytes = 0;                        // weights and the KV blocks in use
  };
  Status submit(std::unique_ptr<Generation> generation);  // kResourceExhausted (queue_full): of requests of its priority queue_max wait
  Counts counts() const;
  bool has_work(model::Priority priority) const;
  const network::DecoderShape& shape() const { return decoder_.shape(); }
  // An adapter for this model's weights, to go with a Generation.
  Result<network::Adapter> load_adapter(const std::string& path, uint64_t bytes_max) const { return decoder_.load_adapter(path, bytes_max); }

  // One step of everything that runs; false where there was nothing to do.
  bool step(compute::Threads& threads);
  // Ends every request with `error`.
  void stop(const Error& error);

 private:
  struct Plan {
    std::vector<network::Row> rows;
    struct Slice {
      Generation* generation;
      int rows, begin;       // positions [begin, begin + rows)
      bool prompt;
      size_t first_hidden;   // index of its first wanted row among all wanted rows
      std::vector<int32_t> draft;  // guesses in the rows behind the first; of a sequence that decodes
    };
    std::vector<Slice> slices;
    size_t wanted = 0;
    int decoding = 0;        // sequences that decode; decode_rows has their guesses too
    int decode_rows = 0, prefill_rows = 0, cached = 0;
    int again = 0;           // of the prefill rows: run before, then lost
  };
  void drop_dead();
  void admit();
  bool fits(Generation& next);                        // beside those that run
  bool make_room(Generation& generation, int tokens); // false: it was itself the youngest, and had to give way
  void preempt_youngest();
  std::unique_ptr<Generation> take_youngest();        // of running_, its blocks given back
  void requeue(std::unique_ptr<Generation> generation);   // before the others of its priority. REQUIRES: mutex_ held
  bool place_for(Generation& next);                   // makes room of those in batches where `next` is none. REQUIRES: mutex_ held
  Plan plan();
  void adopt(Plan& plan, Generation& generation);
  int add_prompt(Plan& plan, Generation& generation, int rows_max);   // rows added
  void add_decode(Plan& plan, Generation& generation, std::vector<int32_t> draft);
  std::vector<int32_t> draft_for(Generation& generation, int decoding) const;
  double row_cost(int decoding) const { return limits_.draft_row_cost > 0 ? limits_.draft_row_cost : pace_.row_cost(decoding); }
  void score_prompts(compute::Threads& threads, const Plan& plan);
  void choose_tokens(compute::Threads& threads, const Plan& plan);
  void deliver(const Plan& plan);
  void leave(Generation& generation);
  void publish(const Plan& plan, double seconds);
  void count_memory();                                // REQUIRES: mutex_ held

  network::Decoder decoder_;
  network::KvCache cache_;
  const LanguageLimits limits_;
  Pace pace_;
  std::vector<std::unique_ptr<Generation>> running_;  // oldest first, those in batches behind the others
  std::vector<float> hidden_;                         // SHAPE: [wanted rows, C]
  std::vector<float> last_hidden_;                    // SHAPE: [rows to choose from, C]
  std::vector<float> logits_;                         // SHAPE: [rows, V]

  mutable std::mutex mutex_;                          // guards what follows
  std::deque<std::unique_ptr<Generation>> waiting_;   // in order, those in batches behind the others
  int running_in_batch_ = 0;
  Counts counts_;
  Meter meter_;
};

}  // namespace strata::engine
