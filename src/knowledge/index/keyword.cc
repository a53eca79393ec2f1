#include "knowledge/index/keyword.h"

#include <algorithm>
#include <cmath>

namespace strata::index {

void TopK::push(Scored scored) {
  auto worse_on_top = [this](const Scored& a, const Scored& b) { return better(a, b); };
  if (heap_.size() < k_) {
    heap_.push_back(scored);
    std::push_heap(heap_.begin(), heap_.end(), worse_on_top);
    return;
  }
  if (k_ == 0 || !better(scored, heap_.front())) return;
  std::pop_heap(heap_.begin(), heap_.end(), worse_on_top);
  heap_.back() = scored;
  std::push_heap(heap_.begin(), heap_.end(), worse_on_top);
}

std::vector<Scored> TopK::sorted() {
  std::sort(heap_.begin(), heap_.end(), [this](const Scored& a, const Scored& b) { return better(a, b); });
  return std::move(heap_);
}

void Postings::add(uint32_t slot, const Analyzed& analyzed) {
  for (const TermCount& term : analyzed.terms) {
    auto found = vocabulary_.find(std::string_view(term.term));
    if (found == vocabulary_.end()) {
      found = vocabulary_.emplace(term.term, static_cast<uint32_t>(lists_.size())).first;
      lists_.emplace_back();
      term_bytes_ += term.term.size();
    }
    lists_[found->second].slots.push_back(slot);
    lists_[found->second].counts.push_back(term.count);
    ++count_;
  }
}

void Postings::compact(std::span<const uint32_t> renumbered) {
  std::vector<List> kept;
  count_ = 0;
  term_bytes_ = 0;
  for (auto at = vocabulary_.begin(); at != vocabulary_.end();) {
    List& old = lists_[at->second];
    List list;
    for (size_t i = 0; i < old.slots.size(); ++i) {
      uint32_t slot = renumbered[old.slots[i]];
      if (slot == UINT32_MAX) continue;
      list.slots.push_back(slot);
      list.counts.push_back(old.counts[i]);
    }
    old = List{};
    if (list.slots.empty()) {
      at = vocabulary_.erase(at);
      continue;
    }
    count_ += list.slots.size();
    term_bytes_ += at->first.size();
    at->second = static_cast<uint32_t>(kept.size());
    kept.push_back(std::move(list));
    ++at;
  }
  lists_ = std::move(kept);
}

void Postings::clear() { *this = Postings(); }

uint64_t Postings::memory_bytes() const {
  uint64_t bytes = term_bytes_ + vocabulary_.size() * (sizeof(std::string) + 32) + lists_.capacity() * sizeof(List);
  for (const List& list : lists_) bytes += list.slots.capacity() * sizeof(uint32_t) + list.counts.capacity() * sizeof(uint16_t);
  return bytes;
}

void Postings::score(const std::vector<QueryTerm>& terms, const Corpus& corpus, std::vector<float>* scores) const {
  const size_t slots = corpus.mask.size();
  scores->assign(slots, 0.0f);
  uint64_t counted = 0, length = 0;
  for (size_t slot = 0; slot < slots; ++slot) {
    bool in = (corpus.mask[slot] & kCounted) != 0;
    counted += in;
    length += in ? corpus.lengths[slot] : 0;
  }
  if (counted == 0) return;

  struct Weighted {
    const List* list;
    double weight;   // query weight × idf
  };
  std::vector<Weighted> found;
  for (const QueryTerm& term : terms) {
    auto at = vocabulary_.find(std::string_view(term.term));
    if (at == vocabulary_.end()) continue;
    const List& list = lists_[at->second];
    uint64_t documents = list.slots.size();
    if (!corpus.all_counted) {
      documents = 0;
      for (uint32_t slot : list.slots) documents += corpus.mask[slot] & kCounted;
    }
    if (documents == 0) continue;
    double idf = std::log(1.0 + (static_cast<double>(counted - documents) + 0.5) / (static_cast<double>(documents) + 0.5));
    found.push_back({&list, term.weight * idf});
  }
  if (found.size() > corpus.terms_max) {
    std::stable_sort(found.begin(), found.end(), [](const Weighted& a, const Weighted& b) { return a.weight > b.weight; });
    found.resize(corpus.terms_max);
  }
  if (found.empty()) return;

  const double mean = std::max(1.0, static_cast<double>(length) / static_cast<double>(counted));
  const float base = static_cast<float>(corpus.k1 * (1.0 - corpus.b));
  const float slope = static_cast<float>(corpus.k1 * corpus.b / mean);
  for (const Weighted& term : found) {
    const float weight = static_cast<float>(term.weight * (corpus.k1 + 1.0));
    for (size_t i = 0; i < term.list->slots.size(); ++i) {
      const uint32_t slot = term.list->slots[i];
      if ((corpus.mask[slot] & kAllowed) == 0) continue;
      const float count = term.list->counts[i];
      (*scores)[slot] += weight * count / (count + base + slope * static_cast<float>(corpus.lengths[slot]));
    }
  }
}

}  // namespace strata::index
