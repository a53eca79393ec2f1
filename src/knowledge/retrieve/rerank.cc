#include "knowledge/retrieve/rerank.h"

#include <algorithm>
#include <cmath>

namespace strata::retrieve {
namespace {

int32_t dot_int8(const int8_t* a, const int8_t* b, size_t count) {
  int32_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += static_cast<int32_t>(a[i]) * static_cast<int32_t>(b[i]);
  return sum;
}

}  // namespace

TokenRows round_tokens(const model::Embedding& embedding, bool words_only) {
  TokenRows rows;
  rows.dimensions = embedding.vector.size();
  if (rows.dimensions == 0) return rows;
  const size_t tokens = embedding.token_vectors.size() / rows.dimensions;
  auto is_word = [&](size_t token) {
    return token >= embedding.token_spans.size() || embedding.token_spans[token].first < embedding.token_spans[token].second;
  };
  for (size_t token = 0; token < tokens; ++token) {
    if (words_only && !is_word(token)) continue;
    const float* from = embedding.token_vectors.data() + token * rows.dimensions;
    float largest = 1e-12f;
    for (size_t i = 0; i < rows.dimensions; ++i) largest = std::max(largest, std::fabs(from[i]));
    for (size_t i = 0; i < rows.dimensions; ++i) rows.values.push_back(static_cast<int8_t>(std::lrintf(from[i] * 127.0f / largest)));
    rows.scales.push_back(largest / 127.0f);
  }
  return rows;
}

double max_sim(const TokenRows& query, const TokenRows& chunk) {
  if (query.tokens() == 0 || chunk.tokens() == 0 || query.dimensions != chunk.dimensions) return 0;
  double sum = 0;
  for (size_t q = 0; q < query.tokens(); ++q) {
    float best = -1e9f;
    for (size_t c = 0; c < chunk.tokens(); ++c) {
      const int32_t dot = dot_int8(query.values.data() + q * query.dimensions, chunk.values.data() + c * chunk.dimensions, query.dimensions);
      best = std::max(best, static_cast<float>(dot) * chunk.scales[c]);
    }
    sum += static_cast<double>(best) * static_cast<double>(query.scales[q]);
  }
  return sum / static_cast<double>(query.tokens());
}

std::shared_ptr<const TokenRows> TokenCache::find(int64_t chunk_id) {
  std::lock_guard lock(mutex_);
  auto found = places_.find(chunk_id);
  if (found == places_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  return found->second->rows;
}

void TokenCache::keep(int64_t chunk_id, std::shared_ptr<const TokenRows> rows) {
  std::lock_guard lock(mutex_);
  auto found = places_.find(chunk_id);
  if (found != places_.end()) {
    bytes_ -= found->second->rows->bytes();
    order_.erase(found->second);
    places_.erase(found);
  }
  bytes_ += rows->bytes();
  order_.push_front({chunk_id, std::move(rows)});
  places_[chunk_id] = order_.begin();
  while (bytes_ > bytes_max_ && !order_.empty()) drop_last();
}

void TokenCache::drop_last() {
  bytes_ -= order_.back().rows->bytes();
  places_.erase(order_.back().id);
  order_.pop_back();
}

uint64_t TokenCache::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace strata::retrieve
