#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/random.h"
#include "model/linear/linear.h"

namespace strata::linear {
namespace {

constexpr double kGradientSmall = 1e-4;   // UNITS: of the objective per unit of a weight
constexpr int kPowerSteps = 30;

size_t at(int i) { return static_cast<size_t>(i); }

void softmax(double* z, int classes) {
  const double most = *std::max_element(z, z + classes);
  double sum = 0;
  for (int c = 0; c < classes; ++c) sum += z[c] = std::exp(z[c] - most);
  for (int c = 0; c < classes; ++c) z[c] /= sum;
}

// Centered examples, as one block. SHAPE: [N][D]
struct Block {
  int n = 0, d = 0;
  std::vector<float> mean, x;
  const float* row(int i) const { return x.data() + at(i) * at(d); }
};
Block center(const Vectors& vectors) {
  Block out{static_cast<int>(vectors.size()), static_cast<int>(vectors.front().size()), {}, {}};
  std::vector<double> sum(at(out.d), 0);
  for (const auto& v : vectors) {
    CHECK(v.size() == at(out.d));
    for (int j = 0; j < out.d; ++j) sum[at(j)] += v[at(j)];
  }
  for (double s : sum) out.mean.push_back(static_cast<float>(s / out.n));
  out.x.reserve(at(out.n) * at(out.d));
  for (const auto& v : vectors) {
    for (int j = 0; j < out.d; ++j) out.x.push_back(v[at(j)] - out.mean[at(j)]);
  }
  return out;
}

// λ_max(XᵀX/n), from below; a tenth is added, since power iteration may not have arrived. The start is drawn: a plain one, such as all ones, may
// well be orthogonal to everything there is.
double largest_eigenvalue(const Block& block) {
  Random random(1);
  std::vector<double> v, next(at(block.d));
  for (int j = 0; j < block.d; ++j) v.push_back((random.uniform() - 0.5) / std::sqrt(block.d));
  double value = 0;
  for (int step = 0; step < kPowerSteps; ++step) {
    std::fill(next.begin(), next.end(), 0);
    for (int i = 0; i < block.n; ++i) {
      const float* x = block.row(i);
      double dot = 0;
      for (int j = 0; j < block.d; ++j) dot += x[j] * v[at(j)];
      for (int j = 0; j < block.d; ++j) next[at(j)] += dot * x[j];
    }
    const double length = std::sqrt(std::inner_product(next.begin(), next.end(), next.begin(), 0.0));
    value = length / block.n;
    if (length == 0) break;
    for (int j = 0; j < block.d; ++j) v[at(j)] = next[at(j)] / length;
  }
  return 1.1 * value;
}

// Parameters are one array: weights [D][C], then bias [C].
void gradient(const Block& block, const std::vector<int>& labels, int classes, double l2, const std::vector<double>& w, std::vector<double>& g) {
  const size_t c_count = at(classes), weights = at(block.d) * c_count;
  std::fill(g.begin(), g.end(), 0);
  std::vector<double> z(c_count);
  for (int i = 0; i < block.n; ++i) {
    const float* x = block.row(i);
    std::copy(w.begin() + static_cast<int64_t>(weights), w.end(), z.begin());
    for (int j = 0; j < block.d; ++j) {
      const double value = x[j];
      const double* row = w.data() + at(j) * c_count;
      for (size_t c = 0; c < c_count; ++c) z[c] += value * row[c];
    }
    softmax(z.data(), classes);
    z[at(labels[at(i)])] -= 1;
    for (int j = 0; j < block.d; ++j) {
      const double value = x[j];
      double* row = g.data() + at(j) * c_count;
      for (size_t c = 0; c < c_count; ++c) row[c] += value * z[c];
    }
    for (size_t c = 0; c < c_count; ++c) g[weights + c] += z[c];
  }
  for (size_t k = 0; k < g.size(); ++k) g[k] = g[k] / block.n + (k < weights ? l2 * w[k] : 0);
}

}  // namespace

std::vector<double> Softmax::probabilities(const std::vector<float>& x) const {
  CHECK(x.size() == at(dim));
  std::vector<double> z(bias.begin(), bias.end());
  for (int j = 0; j < dim; ++j) {
    for (int c = 0; c < classes; ++c) z[at(c)] += (x[at(j)] - mean[at(j)]) * weights[at(j) * at(classes) + at(c)];
  }
  softmax(z.data(), classes);
  return z;
}

Result<Softmax> fit_softmax(const Context& context, const Vectors& x, const std::vector<int>& labels, int classes, const SoftmaxOptions& options) {
  CHECK(!x.empty() && x.size() == labels.size() && classes > 0);
  const Block block = center(x);
  // The bias is a column of ones, orthogonal to the centered rest: so each of the two has a step of its own.
  const size_t weights = at(block.d) * at(classes), count = weights + at(classes);
  const double weight_step = 1 / (0.5 * largest_eigenvalue(block) + options.l2), bias_step = 2;
  std::vector<double> w(count, 0), before(count, 0), ahead(count, 0), g(count, 0);
  double momentum = 1;
  for (int i = 0; i < options.iterations; ++i) {
    TRY(context.check());
    gradient(block, labels, classes, options.l2, ahead, g);
    double uphill = 0, largest = 0;
    for (size_t k = 0; k < count; ++k) {
      before[k] = w[k];
      w[k] = ahead[k] - (k < weights ? weight_step : bias_step) * g[k];
      uphill += g[k] * (w[k] - before[k]);
      largest = std::max(largest, std::abs(g[k]));
    }
    if (largest < kGradientSmall) break;
    if (uphill > 0) momentum = 1;   // the momentum leads away: begin it anew
    const double next = (1 + std::sqrt(1 + 4 * momentum * momentum)) / 2, keep = (momentum - 1) / next;
    for (size_t k = 0; k < count; ++k) ahead[k] = w[k] + keep * (w[k] - before[k]);
    momentum = next;
  }
  Softmax out{classes, block.d, block.mean, {}, {}};
  out.weights.assign(w.begin(), w.end() - classes);
  out.bias.assign(w.end() - classes, w.end());
  return out;
}

namespace {

// The fold of each example: within each class dealt out in a drawn order.
std::vector<int> deal(const std::vector<int>& labels, int classes, int folds, uint64_t seed) {
  Random random(seed);
  std::vector<int> fold(labels.size());
  int next = 0;
  for (int c = 0; c < classes; ++c) {
    std::vector<size_t> mine;
    for (size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] == c) mine.push_back(i);
    }
    for (size_t i = mine.size(); i > 1; --i) std::swap(mine[i - 1], mine[random.below(i)]);
    for (size_t i : mine) fold[i] = next++ % folds;
  }
  return fold;
}

Quality quality_of(const std::vector<int>& labels, const std::vector<int>& said, int classes) {
  Quality out;
  std::vector<int> hit(at(classes), 0), named(at(classes), 0), there(at(classes), 0);
  for (size_t i = 0; i < labels.size(); ++i) {
    ++there[at(labels[i])];
    ++named[at(said[i])];
    if (labels[i] == said[i]) ++hit[at(labels[i])];
  }
  const double n = static_cast<double>(labels.size());
  out.accuracy = std::accumulate(hit.begin(), hit.end(), 0) / n;
  out.majority = *std::max_element(there.begin(), there.end()) / n;
  for (int c = 0; c < classes; ++c) {
    const double right = hit[at(c)];
    ClassQuality one{there[at(c)], named[at(c)] > 0 ? right / named[at(c)] : 0, there[at(c)] > 0 ? right / there[at(c)] : 0};
    if (right > 0) out.macro_f1 += 2 * one.precision * one.recall / (one.precision + one.recall) / classes;
    out.classes.push_back(one);
  }
  return out;
}

}  // namespace

Result<Quality> cross_validate(const Context& context, const Vectors& x, const std::vector<int>& labels, int classes, int folds, uint64_t seed,
                               const SoftmaxOptions& options) {
  CHECK(folds >= 2);
  const std::vector<int> fold = deal(labels, classes, folds, seed);
  std::vector<int> said(labels.size(), 0);
  double loss = 0;
  for (int f = 0; f < folds; ++f) {
    Vectors known;
    std::vector<int> known_labels;
    for (size_t i = 0; i < x.size(); ++i) {
      if (fold[i] == f) continue;
      known.push_back(x[i]);
      known_labels.push_back(labels[i]);
    }
    if (known.empty()) continue;
    TRY_ASSIGN(const Softmax model, fit_softmax(context, known, known_labels, classes, options));
    for (size_t i = 0; i < x.size(); ++i) {
      if (fold[i] != f) continue;
      const auto p = model.probabilities(x[i]);
      said[i] = static_cast<int>(std::max_element(p.begin(), p.end()) - p.begin());
      loss -= std::log(std::max(1e-12, p[at(labels[i])]));
    }
  }
  Quality out = quality_of(labels, said, classes);
  out.folds = folds;
  out.log_loss = loss / static_cast<double>(labels.size());
  return out;
}

}  // namespace strata::linear
