// Whose turn it is where several language models have work: each gets the same time, in steps. A step is never interrupted; the model
// that has had the least time takes the next one, so a large model's long steps are paid back with many of a small one's. A model that
// had nothing to do gains nothing by it.
// WHY one thread and one team of compute threads for all models, not one each: two teams on the same cores take them from each other in
// the middle of a product, whose other threads then wait; in turns every step runs on the whole machine.
// THREADS: the engine's thread alone. SOURCE: Goyal, Vin, Cheng, "Start-time fair queueing", 1996.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>

namespace strata::engine {

class Turns {
 public:
  // One of those that have work, by its key. REQUIRES: not empty.
  const void* next(std::span<const void* const> ready) {
    std::map<const void*, int64_t> spent;
    for (const void* key : ready) {
      const auto before = spent_ns_.find(key);
      spent[key] = before == spent_ns_.end() ? now_ns_ : before->second;   // who had no work begins at the others' time
    }
    spent_ns_ = std::move(spent);
    const auto least = std::min_element(spent_ns_.begin(), spent_ns_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    now_ns_ = least->second;
    return least->first;
  }
  void took(const void* key, int64_t ns) {
    if (const auto found = spent_ns_.find(key); found != spent_ns_.end()) found->second += ns;
  }

 private:
  std::map<const void*, int64_t> spent_ns_;   // of those that had work at the last turn
  int64_t now_ns_ = 0;                        // what the last one to be chosen had had
};

}  // namespace strata::engine
