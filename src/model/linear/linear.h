// model/linear: two small models that are no language models, and how good they are, honestly. Pure: no store, no clock.
//
//   Softmax      a class for a vector: multinomial logistic regression on centered vectors, L2-regularized
//                  P(c | x) = exp(w_c·(x - m) + b_c) / Σ_k exp(w_k·(x - m) + b_k);   minimizes mean cross entropy + l2/2 ‖W‖²
//                The weights at the minimum are unique. Found by accelerated gradient descent with the steps 1/L, where L = λ_max(XᵀX/n)/2 + l2 bounds the
//                curvature in W, and 1/2 that in b (Böhning 1992); λ_max by power iteration. SOURCE: Beck and Teboulle 2009 (FISTA), with restart (O'Donoghue and Candès 2015).
//   Neighbours   what goes with what somebody has: scores of items from interactions, in closed form
//                  P = (XᵀX + λI)⁻¹,  B_ij = -P_ij / P_jj, B_jj = 0,  score(u) = x_u B
//                where X is users × items, 1 where they met. SOURCE: Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data".
//                Popularity breaks ties, and stands in for who has nothing yet.
//
// The same input gives the same model, bit for bit. THREADS: all functions are pure.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/context.h"
#include "base/status.h"

namespace strata::linear {

using Vectors = std::vector<std::vector<float>>;  // SHAPE: [N][D]

struct Softmax {
  int classes = 0, dim = 0;
  std::vector<float> mean;  // SHAPE: [D]
  std::vector<float> weights;  // SHAPE: [D][C]
  std::vector<float> bias;  // SHAPE: [C]
  std::vector<double> probabilities(const std::vector<float>& x) const;  // SHAPE: [C], sums to 1. REQUIRES: x of D
};
struct SoftmaxOptions {
  double l2 = 1e-3;  // on vectors of unit length; more: smoother, less sure
  int iterations = 300;  // at most; ends where the gradient is small. COST: 4·N·D·C operations each
};
// REQUIRES: N > 0, all vectors of one length, labels in [0, classes). Errors: the context's.
Result<Softmax> fit_softmax(const Context& context, const Vectors& x, const std::vector<int>& labels, int classes, const SoftmaxOptions& options = {});

struct ClassQuality {
  int examples = 0;
  double precision = 0, recall = 0;
};
struct Quality {  // by cross-validation: each example is judged by a model that never saw it
  int folds = 0;
  double accuracy = 0, macro_f1 = 0;
  double majority = 0;  // accuracy of always saying the most frequent class: the trivial baseline
  double log_loss = 0;  // UNITS: nats
  std::vector<ClassQuality> classes;
};
// Folds are stratified: each has its part of every class. REQUIRES: folds ≥ 2, every class with at least 2 examples.
Result<Quality> cross_validate(const Context& context, const Vectors& x, const std::vector<int>& labels, int classes, int folds, uint64_t seed,
                               const SoftmaxOptions& options = {});

struct Interactions {
  int users = 0, items = 0;
  std::vector<std::pair<int, int>> pairs;  // (user, item), no pair twice
};
inline constexpr int kItemsMost = 1'200;  // COST: items³ operations: about 2 s
struct Neighbours {
  int items = 0;
  std::vector<float> b;  // SHAPE: [items][items], B above
  std::vector<float> popularity;  // SHAPE: [items], share of users that have it
  // Of everything, for who has these items. SHAPE: [items]
  std::vector<double> scores(const std::vector<int>& has) const;
  // The best `count` that are not in `has`, best first.
  std::vector<std::pair<int, double>> best(const std::vector<int>& has, int count) const;
};
// REQUIRES: indices in range, items ≤ kItemsMost. Errors: the context's.
Result<Neighbours> fit_neighbours(const Context& context, const Interactions& interactions, double lambda);

struct Recall {  // one item of each user with at least two is hidden; is it among the best ten for the rest?
  int users = 0, at = 10;
  double recall = 0, popularity = 0;  // of the model, and of always naming the most popular ones that the user lacks
};
Result<Recall> measure(const Context& context, const Interactions& interactions, double lambda, uint64_t seed, int at = 10);

}  // namespace strata::linear
