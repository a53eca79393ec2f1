#include "knowledge/retrieve/rerank.h"

#include <algorithm>

#include "infra/compute/compute.h"

namespace strata::retrieve {
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
    rows.values.resize(rows.values.size() + rows.dimensions);
    rows.scales.push_back(compute::quantize_i8(from, rows.values.data() + rows.values.size() - rows.dimensions, rows.dimensions));
  }
  return rows;
}

double max_sim(const TokenRows& query, const TokenRows& chunk) {
  if (query.tokens() == 0 || chunk.tokens() == 0 || query.dimensions != chunk.dimensions) return 0;
  const size_t dimensions = query.dimensions;
  std::vector<float> cosines(chunk.tokens());
  double sum = 0;
  for (size_t q = 0; q < query.tokens(); ++q) {
    compute::scan_i8(query.values.data() + q * dimensions, query.scales[q], chunk.values.data(), dimensions, chunk.tokens(), dimensions, chunk.scales.data(),
                     cosines.data());
    sum += static_cast<double>(*std::max_element(cosines.begin(), cosines.end()));
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
