// EmbeddingRunner: the scheduler of one embedding model. Two queues: queries, for which a person waits, and documents. The engine
// gives queries their turn before every chat step (they take milliseconds) and documents when no chat has work or their share is due
// (document_share.h); either way one small batch at a time, so that chat never waits longer than a batch.
// THREADS: submit() and the counts are safe; the rest belongs to the engine's thread. Done callbacks run on the engine's thread.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/context.h"
#include "infra/compute/compute.h"
#include "model/interface/interface.h"
#include "model/network/network.h"

namespace strata::engine {

struct EmbeddingText {
  std::vector<int32_t> ids;
  std::vector<std::pair<uint32_t, uint32_t>> spans;  // only where token vectors are asked for
  bool truncated = false;
};

class EmbeddingRunner {
 public:
  struct Job {
    Context context;
    std::vector<EmbeddingText> texts;
    bool token_vectors = false;
    bool query = false;
    model::Embedder::Done done;
  };

  EmbeddingRunner(network::Encoder encoder, int queue_max);

  struct Counts {
    int waiting = 0;            // texts
    uint64_t embedded = 0;      // texts, since start
  };
  Status submit(Job job);       // kResourceExhausted (queue_full)
  Counts counts() const;
  bool has_work(bool queries) const;
  // One batch from the queue of queries, or of documents; false where there was nothing to do.
  bool step(compute::Threads& threads, bool queries);
  void stop(const Error& error);

 private:
  struct Pending {
    Job job;
    std::vector<uint32_t> order;    // texts still to run, longest last
    std::vector<model::Embedding> results;
  };
  using Queue = std::deque<std::unique_ptr<Pending>>;
  struct Item {
    Pending* pending;
    uint32_t text;
  };
  void drop_dead(Queue& queue);
  std::vector<Item> take_batch(Queue& queue);
  void run(compute::Threads& threads, const std::vector<Item>& batch);
  void finish_complete(Queue& queue);

  network::Encoder encoder_;
  const int queue_max_;
  Queue running_queries_, running_documents_;   // the engine's thread alone

  mutable std::mutex mutex_;                    // guards what follows
  Queue new_queries_, new_documents_;
  int jobs_queries_ = 0, jobs_documents_ = 0;
  Counts counts_;
};

}  // namespace strata::engine
