#include "model/engine/embedding_runner.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>

namespace strata::engine {
namespace {

// Tokens of one batch. WHY: 1,024 rows are enough to run the matrix products at full speed, and take about as long as one prefill
// chunk of a small decoder: what a chat request may have to wait for. Queries are small; what is not finished goes with the next.
constexpr size_t kBatchTokens = 1024;
constexpr size_t kQueryBatchTokens = 256;

}  // namespace

EmbeddingRunner::EmbeddingRunner(network::Encoder encoder, int queue_max) : encoder_(std::move(encoder)), queue_max_(queue_max) {}

Status EmbeddingRunner::submit(Job job) {
  std::vector<uint32_t> order(job.texts.size());
  std::iota(order.begin(), order.end(), 0u);
  // Texts of like length run together; the stack is taken from its end, so the longest come first.
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return job.texts[a].ids.size() < job.texts[b].ids.size(); });
  const EmbeddingKind kind = job.kind();
  std::vector<model::Embedding> results(job.texts.size());
  auto pending = std::make_unique<Pending>(Pending{std::move(job), std::move(order), std::move(results)});
  const std::lock_guard lock(mutex_);
  int& jobs = jobs_[kind];
  if (jobs >= queue_max_) {
    return resource_exhausted("the embedding model's queue is full: " + std::to_string(jobs) + " requests are waiting; try again shortly", "queue_full");
  }
  ++jobs;
  counts_.waiting += static_cast<int>(pending->order.size());
  new_[kind].push_back(std::move(pending));
  return {};
}

EmbeddingRunner::Counts EmbeddingRunner::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

bool EmbeddingRunner::has_work(EmbeddingKind kind) const {
  const std::lock_guard lock(mutex_);
  return jobs_[kind] > 0;
}

bool EmbeddingRunner::step(compute::Threads& threads, EmbeddingKind kind) {
  Queue& queue = running_[kind];
  {
    const std::lock_guard lock(mutex_);
    Queue& fresh = new_[kind];
    for (auto& pending : fresh) queue.push_back(std::move(pending));
    fresh.clear();
  }
  if (queue.empty()) return false;
  drop_dead(queue);
  if (const std::vector<Item> batch = take_batch(queue); !batch.empty()) run(threads, batch);
  finish_complete(queue);
  return true;
}

void EmbeddingRunner::drop_dead(Queue& queue) {
  for (auto& pending : queue) {
    const Status status = pending->job.context.check();
    if (status) continue;
    {
      const std::lock_guard lock(mutex_);
      counts_.waiting -= static_cast<int>(pending->order.size());
      --jobs_[pending->job.kind()];
    }
    pending->job.done(status.error());
    pending.reset();
  }
  std::erase(queue, nullptr);
}

std::vector<EmbeddingRunner::Item> EmbeddingRunner::take_batch(Queue& queue) {
  std::vector<Item> batch;
  size_t tokens = 0;
  for (auto& pending : queue) {
    const size_t limit = pending->job.kind() == EmbeddingKind::kQueries ? kQueryBatchTokens : kBatchTokens;
    while (!pending->order.empty()) {
      const size_t length = pending->job.texts[pending->order.back()].ids.size();
      if (!batch.empty() && tokens + length > limit) return batch;
      batch.push_back({pending.get(), pending->order.back()});
      pending->order.pop_back();
      tokens += length;
    }
  }
  return batch;
}

void EmbeddingRunner::run(compute::Threads& threads, const std::vector<Item>& batch) {
  const auto C = static_cast<size_t>(encoder_.shape().C);
  std::vector<std::vector<int32_t>> texts;
  size_t tokens = 0;
  bool token_vectors = false;
  for (const Item& item : batch) {
    texts.push_back(item.pending->job.texts[item.text].ids);
    tokens += texts.back().size();
    token_vectors = token_vectors || item.pending->job.token_vectors;
  }
  std::vector<float> vectors(batch.size() * C), by_token(token_vectors ? tokens * C : 0);
  encoder_.encode(threads, texts, vectors.data(), token_vectors ? by_token.data() : nullptr);
  size_t first = 0;
  for (size_t i = 0; i < batch.size(); ++i) {
    const Item& item = batch[i];
    EmbeddingText& text = item.pending->job.texts[item.text];
    model::Embedding& out = item.pending->results[item.text];
    const size_t n = texts[i].size();
    out.vector.assign(vectors.begin() + static_cast<long>(i * C), vectors.begin() + static_cast<long>((i + 1) * C));
    out.tokens = static_cast<int>(n);
    out.truncated = text.truncated;
    if (item.pending->job.token_vectors) {
      out.token_vectors.assign(by_token.begin() + static_cast<long>(first * C), by_token.begin() + static_cast<long>((first + n) * C));
      out.token_spans = std::move(text.spans);
    }
    first += n;
  }
  const std::lock_guard lock(mutex_);
  counts_.waiting -= static_cast<int>(batch.size());
  counts_.embedded += batch.size();
}

void EmbeddingRunner::finish_complete(Queue& queue) {
  for (auto& pending : queue) {
    if (!pending->order.empty()) continue;
    {
      const std::lock_guard lock(mutex_);
      --jobs_[pending->job.kind()];
    }
    pending->job.done(std::move(pending->results));
    pending.reset();
  }
  std::erase(queue, nullptr);
}

void EmbeddingRunner::stop(const Error& error) {
  Queue all;
  {
    const std::lock_guard lock(mutex_);
    for (ByKind<Queue>* queues : {&new_, &running_}) {
      for (Queue& queue : *queues) {
        for (auto& pending : queue) all.push_back(std::move(pending));
        queue.clear();
      }
    }
    jobs_ = {};
    counts_.waiting = 0;
  }
  for (auto& pending : all) pending->job.done(error);
}

}  // namespace strata::engine
