// Two lists of candidates → one. Internal to knowledge/retrieve; pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "knowledge/index/index.h"
#include "knowledge/retrieve/retrieve.h"

namespace strata::retrieve {

struct Fused {
  int64_t id = 0;
  double score = 0;       // [0, 1]
  index::Candidate from;
};

// The candidates of one query, best first, ties by id.
//   min-max: (1 - w) × (keyword - min) / (max - min) + w × (vector - min) / (max - min), both exact for every candidate of either
//     list (a chunk that only one list holds is not punished for the other's cut). Where a stage has nothing to say (no word of the
//     query is known, no vectors), the other has all the weight. SciFact: 0.745 nDCG@10; with 0 for what a list lacks 0.737.
//   RRF: sum of 1 / (60 + rank), divided by its maximum 2 / 61. SOURCE: Cormack, Clarke, Büttcher, SIGIR 2009.
std::vector<Fused> fuse(const std::vector<index::Candidate>& candidates, Mode mode, Fusion fusion, double vector_weight);

// (value - min) / (max - min) in place; all 1 where all are equal.
void scale_min_max(std::vector<double>* values);

}  // namespace strata::retrieve
