// BM25 postings. Internal to knowledge/index; the caller holds the lock.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace strata::index {

// What a slot is to one search.
constexpr uint8_t kCounted = 1;   // alive and in the bases searched: part of the statistics
constexpr uint8_t kAllowed = 2;   // counted, and the filter accepts it: may be returned

struct TermCount {
  std::string term;
  uint16_t count = 0;     // weighted by field
};
struct Analyzed {
  std::vector<TermCount> terms;
  uint32_t length = 0;    // weighted words, extras not counted
};
struct QueryTerm {
  std::string term;
  double weight = 0;
};

struct Scored {
  uint32_t slot = 0;
  float score = 0;
};

// Keeps the k best (score, then lower tie key) of what is offered. COST: O(log k) for what gets in, O(1) for the rest.
class TopK {
 public:
  TopK(size_t k, const std::vector<int64_t>& ids) : k_(k), ids_(ids) {}
  void offer(uint32_t slot, float score) {
    if (heap_.size() == k_ && score < heap_.front().score) return;
    push({slot, score});
  }
  std::vector<Scored> sorted();   // best first; empties this

 private:
  void push(Scored scored);
  bool better(const Scored& a, const Scored& b) const { return a.score != b.score ? a.score > b.score : ids_[a.slot] < ids_[b.slot]; }
  size_t k_;
  const std::vector<int64_t>& ids_;
  std::vector<Scored> heap_;   // worst on top
};

class Postings {
 public:
  void add(uint32_t slot, const Analyzed& analyzed);   // slots in rising order
  // Keeps what `renumbered` maps to a slot (UINT32_MAX: dropped); order must be kept.
  void compact(std::span<const uint32_t> renumbered);
  void clear();

  struct Corpus {
    std::span<const uint8_t> mask;      // SHAPE: [slots], kCounted | kAllowed
    std::span<const uint32_t> lengths;  // SHAPE: [slots]
    bool all_counted = false;           // every slot is: lists need not be counted
    double k1 = 1.2, b = 0.75;
    size_t terms_max = 128;
  };
  // BM25 of every allowed slot. ENSURES: scores has one value per slot, 0 where nothing matches.
  void score(const std::vector<QueryTerm>& terms, const Corpus& corpus, std::vector<float>* scores) const;

  uint64_t terms() const { return vocabulary_.size(); }
  uint64_t postings() const { return count_; }
  uint64_t memory_bytes() const;

 private:
  struct List {
    std::vector<uint32_t> slots;
    std::vector<uint16_t> counts;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> vocabulary_;
  std::vector<List> lists_;
  uint64_t count_ = 0;
  uint64_t term_bytes_ = 0;
};

}  // namespace strata::index
