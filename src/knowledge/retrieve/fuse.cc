#include "knowledge/retrieve/fuse.h"

#include <algorithm>

namespace strata::retrieve {
namespace {

constexpr double kRrfOffset = 60;   // the paper's; results change little between 10 and 100

double reciprocal_rank(int rank) { return rank > 0 ? 1.0 / (kRrfOffset + rank) : 0.0; }

std::vector<double> min_max_scores(const std::vector<index::Candidate>& candidates, double vector_weight) {
  std::vector<double> keyword, vector;
  bool any_keyword = false, any_vector = false;
  for (const index::Candidate& candidate : candidates) {
    keyword.push_back(candidate.keyword);
    vector.push_back(candidate.vector);
    any_keyword = any_keyword || candidate.keyword > 0;
    any_vector = any_vector || candidate.vector_rank > 0;
  }
  if (!any_vector) vector_weight = 0;
  else if (!any_keyword) vector_weight = 1;
  scale_min_max(&keyword);
  scale_min_max(&vector);
  for (size_t i = 0; i < keyword.size(); ++i) keyword[i] = (1 - vector_weight) * keyword[i] + vector_weight * vector[i];
  return keyword;
}

}  // namespace

void scale_min_max(std::vector<double>* values) {
  if (values->empty()) return;
  const auto [low, high] = std::minmax_element(values->begin(), values->end());
  const double least = *low, width = *high - *low;
  for (double& value : *values) value = width > 0 ? (value - least) / width : 1.0;
}

std::vector<Fused> fuse(const std::vector<index::Candidate>& candidates, Mode mode, Fusion fusion, double vector_weight) {
  std::vector<double> scores;
  if (mode != Mode::kHybrid || fusion == Fusion::kMinMax) {
    scores = min_max_scores(candidates, mode == Mode::kHybrid ? vector_weight : mode == Mode::kVector ? 1 : 0);
  } else {
    for (const index::Candidate& candidate : candidates) {
      scores.push_back((reciprocal_rank(candidate.keyword_rank) + reciprocal_rank(candidate.vector_rank)) / (2 * reciprocal_rank(1)));
    }
  }
  std::vector<Fused> fused;
  for (size_t i = 0; i < candidates.size(); ++i) fused.push_back({candidates[i].id, scores[i], candidates[i]});
  std::sort(fused.begin(), fused.end(), [](const Fused& a, const Fused& b) { return a.score != b.score ? a.score > b.score : a.id < b.id; });
  return fused;
}

}  // namespace strata::retrieve
