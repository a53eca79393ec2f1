#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/random.h"
#include "model/linear/linear.h"

namespace strata::linear {
namespace {

constexpr double kTieBreak = 1e-6;   // of popularity: it decides only where the model says the same

using Matrix = std::vector<double>;  // SHAPE: [n][n]

// XᵀX + λI.
Matrix gram(const Interactions& all, double lambda) {
  const size_t n = static_cast<size_t>(all.items);
  std::vector<std::vector<int>> of_user(static_cast<size_t>(all.users));
  for (const auto& [user, item] : all.pairs) {
    CHECK(user >= 0 && user < all.users && item >= 0 && item < all.items);
    of_user[static_cast<size_t>(user)].push_back(item);
  }
  Matrix g(n * n, 0);
  for (const auto& items : of_user) {
    for (int i : items) {
      for (int j : items) g[static_cast<size_t>(i) * n + static_cast<size_t>(j)] += 1;
    }
  }
  for (size_t i = 0; i < n; ++i) g[i * n + i] += lambda;
  return g;
}

// The inverse of a symmetric positive definite matrix, by Gauss-Jordan elimination in place; no pivoting is needed for such.
Status invert(const Context& context, Matrix& a, size_t n) {
  for (size_t k = 0; k < n; ++k) {
    if (k % 64 == 0) TRY(context.check());
    const double pivot = a[k * n + k];
    CHECK(pivot > 0);
    a[k * n + k] = 1;
    for (size_t j = 0; j < n; ++j) a[k * n + j] /= pivot;
    for (size_t i = 0; i < n; ++i) {
      const double factor = a[i * n + k];
      if (i == k || factor == 0) continue;
      a[i * n + k] = 0;
      for (size_t j = 0; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return {};
}

std::vector<std::pair<int, double>> top(const std::vector<double>& scores, const std::vector<int>& has, int count) {
  std::vector<char> hidden(scores.size(), 0);
  for (int item : has) hidden[static_cast<size_t>(item)] = 1;
  std::vector<std::pair<int, double>> all;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!hidden[i]) all.emplace_back(static_cast<int>(i), scores[i]);
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  if (all.size() > static_cast<size_t>(count)) all.resize(static_cast<size_t>(count));
  return all;
}

}  // namespace

std::vector<double> Neighbours::scores(const std::vector<int>& has) const {
  const size_t n = static_cast<size_t>(items);
  std::vector<double> out(n, 0);
  for (int item : has) {
    CHECK(item >= 0 && item < items);
    for (size_t j = 0; j < n; ++j) out[j] += b[static_cast<size_t>(item) * n + j];
  }
  for (size_t j = 0; j < n; ++j) out[j] += kTieBreak * popularity[j];
  return out;
}

std::vector<std::pair<int, double>> Neighbours::best(const std::vector<int>& has, int count) const { return top(scores(has), has, count); }

Result<Neighbours> fit_neighbours(const Context& context, const Interactions& interactions, double lambda) {
  CHECK(interactions.items > 0 && interactions.items <= kItemsMost && lambda > 0);
  const size_t n = static_cast<size_t>(interactions.items);
  Matrix p = gram(interactions, lambda);
  Neighbours out{interactions.items, std::vector<float>(n * n, 0), std::vector<float>(n, 0)};
  for (size_t i = 0; i < n; ++i) out.popularity[i] = static_cast<float>((p[i * n + i] - lambda) / std::max(1, interactions.users));
  TRY(invert(context, p, n));
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) out.b[i * n + j] = i == j ? 0 : static_cast<float>(-p[i * n + j] / p[j * n + j]);
  }
  return out;
}

Result<Recall> measure(const Context& context, const Interactions& interactions, double lambda, uint64_t seed, int at) {
  std::vector<std::vector<int>> of_user(static_cast<size_t>(interactions.users));
  for (const auto& [user, item] : interactions.pairs) of_user[static_cast<size_t>(user)].push_back(item);
  Random random(seed);
  std::vector<int> hidden(of_user.size(), -1);
  Interactions rest{interactions.users, interactions.items, {}};
  for (size_t u = 0; u < of_user.size(); ++u) {
    auto& items = of_user[u];
    if (items.size() >= 2) {
      const size_t one = random.below(items.size());
      hidden[u] = items[one];
      items.erase(items.begin() + static_cast<int64_t>(one));
    }
    for (int item : items) rest.pairs.emplace_back(static_cast<int>(u), item);
  }
  TRY_ASSIGN(const Neighbours model, fit_neighbours(context, rest, lambda));
  const std::vector<double> popular(model.popularity.begin(), model.popularity.end());
  Recall out;
  out.at = at;
  for (size_t u = 0; u < of_user.size(); ++u) {
    if (hidden[u] < 0) continue;
    ++out.users;
    const auto holds = [&](const auto& list) { return std::any_of(list.begin(), list.end(), [&](const auto& one) { return one.first == hidden[u]; }); };
    out.recall += holds(model.best(of_user[u], at)) ? 1 : 0;
    out.popularity += holds(top(popular, of_user[u], at)) ? 1 : 0;
  }
  if (out.users > 0) {
    out.recall /= out.users;
    out.popularity /= out.users;
  }
  return out;
}

}  // namespace strata::linear
