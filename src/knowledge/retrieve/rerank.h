// Late interaction: how well each token of a query is met by some token of a chunk. Internal to knowledge/retrieve.
//
//   score(query, chunk) = mean over the query's tokens (without [CLS], [SEP]) of max over the chunk's tokens of their cosine
//
// SOURCE: Khattab, Zaharia, "ColBERT", SIGIR 2020 (MaxSim), here over the embedding model's own token vectors.
// A chunk's token vectors are made on demand and kept as int8 rows (dimensions + 4 bytes a token) in a cache bounded in bytes.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "model/interface/interface.h"

namespace strata::retrieve {

struct TokenRows {                 // unit vectors, rounded
  size_t dimensions = 0;
  std::vector<int8_t> values;      // SHAPE: [tokens, dimensions]
  std::vector<float> scales;       // SHAPE: [tokens]
  size_t tokens() const { return scales.size(); }
  uint64_t bytes() const { return values.size() + scales.size() * sizeof(float); }
};
// `words_only` leaves out tokens that come from no text ([CLS], [SEP]), where the embedder says so: in a query they are noise.
TokenRows round_tokens(const model::Embedding& embedding, bool words_only);
double max_sim(const TokenRows& query, const TokenRows& chunk);   // 0 where either has no tokens

// Least recently used goes first. THREADS: safe.
class TokenCache {
 public:
  explicit TokenCache(uint64_t bytes_max) : bytes_max_(bytes_max) {}
  std::shared_ptr<const TokenRows> find(int64_t chunk_id);   // nullptr where it is not kept
  void keep(int64_t chunk_id, std::shared_ptr<const TokenRows> rows);
  uint64_t bytes() const;

 private:
  struct Kept {
    int64_t id;
    std::shared_ptr<const TokenRows> rows;
  };
  void drop_last();
  mutable std::mutex mutex_;
  uint64_t bytes_max_, bytes_ = 0;
  std::list<Kept> order_;   // most recently used first
  std::unordered_map<int64_t, std::list<Kept>::iterator> places_;
};

}  // namespace strata::retrieve
