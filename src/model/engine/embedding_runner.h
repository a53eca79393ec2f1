// EmbeddingRunner: the scheduler of one embedding model. Three queues: queries, for which a person waits, documents, and what is in batches
// (Priority::kBatch). The engine gives queries their turn before every chat step (they take milliseconds), documents when no chat has work
// or their share is due (document_share.h), batches when nothing else has work; always one small batch of texts at a time, so that chat
// never waits longer than that.
// THREADS: submit() and the counts are safe; the rest belongs to the engine's thread. Done callbacks run on the engine's thread.
#pragma once

#include <array>
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

enum class EmbeddingKind { kQueries, kDocuments, kBatch };

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
    model::Priority priority = model::Priority::kInteractive;
    model::Embedder::Done done;
    EmbeddingKind kind() const {
      if (priority == model::Priority::kBatch) return EmbeddingKind::kBatch;
      return query ? EmbeddingKind::kQueries : EmbeddingKind::kDocuments;
    }
  };

  EmbeddingRunner(network::Encoder encoder, int queue_max);

  struct Counts {
    int waiting = 0;            // texts
    uint64_t embedded = 0;      // texts, since start
  };
  Status submit(Job job);       // kResourceExhausted (queue_full): of its kind queue_max jobs wait
  Counts counts() const;
  bool has_work(EmbeddingKind kind) const;
  // One batch of texts from that queue; false where there was nothing to do.
  bool step(compute::Threads& threads, EmbeddingKind kind);
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
  template <class T>
  class ByKind {
   public:
    T& operator[](EmbeddingKind kind) { return of_[static_cast<size_t>(kind)]; }
    const T& operator[](EmbeddingKind kind) const { return of_[static_cast<size_t>(kind)]; }
    auto begin() { return of_.begin(); }
    auto end() { return of_.end(); }

   private:
    std::array<T, 3> of_{};
  };
  ByKind<Queue> running_;                       // the engine's thread alone

  mutable std::mutex mutex_;                    // guards what follows
  ByKind<Queue> new_;
  ByKind<int> jobs_;
  Counts counts_;
};

}  // namespace strata::engine
