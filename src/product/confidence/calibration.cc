// The arithmetic of calibration: reliability, isotonic regression, Platt's curve.
#include <algorithm>
#include <array>
#include <cmath>

#include "product/confidence/confidence.h"

namespace strata::confidence {
namespace {

#include "product/confidence/fitted.inc"

constexpr int kFolds = 5;
constexpr int kPlattPoints = 65;      // of the curve's table: the chord is off by under 0.001 between two
constexpr double kEdge = 1e-4;        // raw confidences are held this far from 0 and 1, where the logit has no end
constexpr int kGroup = 20;            // neighbours that count as one for a refit: fewer follow the noise

double logit(double p) {
  const double held = std::clamp(p, kEdge, 1 - kEdge);
  return std::log(held / (1 - held));
}
double logistic(double z) { return 1 / (1 + std::exp(-z)); }

int count_right(const std::vector<Pair>& pairs) {
  return static_cast<int>(std::count_if(pairs.begin(), pairs.end(), [](const Pair& pair) { return pair.right; }));
}

struct Pool {
  double raw = 0, right = 0, count = 0;  // sums
  double mean() const { return right / count; }
};

// The left-out pairs of each fold, mapped by what the others give.
template <class Fit>
std::vector<Pair> left_out(const std::vector<Pair>& pairs, const Fit& fit) {
  std::vector<Pair> out;
  for (int fold = 0; fold < kFolds; ++fold) {
    std::vector<Pair> rest;
    for (size_t i = 0; i < pairs.size(); ++i)
      if (static_cast<int>(i % kFolds) != fold) rest.push_back(pairs[i]);
    const Table table{.points = fit(rest)};
    for (size_t i = static_cast<size_t>(fold); i < pairs.size(); i += kFolds) out.push_back({table(pairs[i].raw), pairs[i].right});
  }
  return out;
}

double brier(const std::vector<Pair>& calibrated) {
  double sum = 0;
  for (const Pair& pair : calibrated) sum += (pair.raw - pair.right) * (pair.raw - pair.right);
  return sum / static_cast<double>(calibrated.size());
}

}  // namespace

const int kBuiltInGroup = kFittedGroup;

double Table::operator()(double raw) const {
  if (points.empty()) return std::clamp(raw, 0.0, 1.0);
  if (!(raw > points.front().raw)) return points.front().calibrated;  // NaN too
  if (raw >= points.back().raw) return points.back().calibrated;
  const auto right = std::upper_bound(points.begin(), points.end(), raw, [](double value, const Point& point) { return value < point.raw; });
  const Point &a = *(right - 1), &b = *right;
  return std::clamp(a.calibrated + (b.calibrated - a.calibrated) * ((raw - a.raw) / (b.raw - a.raw)), a.calibrated, b.calibrated);
}

Reliability reliability_of(const std::vector<Pair>& calibrated, int bins) {
  Reliability out;
  out.bins.resize(static_cast<size_t>(std::max(1, bins)));
  const double width = 1.0 / static_cast<double>(out.bins.size());
  for (size_t i = 0; i < out.bins.size(); ++i) out.bins[i].from = static_cast<double>(i) * width, out.bins[i].to = static_cast<double>(i + 1) * width;
  for (const Pair& pair : calibrated) {
    const double held = std::clamp(pair.raw, 0.0, 1.0);
    Bin& bin = out.bins[std::min(out.bins.size() - 1, static_cast<size_t>(held * static_cast<double>(out.bins.size())))];
    ++bin.count;
    bin.mean_confidence += held;
    bin.accuracy += pair.right ? 1 : 0;
  }
  out.count = static_cast<int>(calibrated.size());
  for (Bin& bin : out.bins) {
    if (bin.count == 0) continue;
    bin.mean_confidence /= bin.count;
    bin.accuracy /= bin.count;
    out.error += std::abs(bin.accuracy - bin.mean_confidence) * bin.count / out.count;
  }
  return out;
}

std::vector<Point> fit_isotonic(std::vector<Pair> pairs, int group) {
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.raw < b.raw; });
  std::vector<Pool> pools;
  Pool next;
  for (size_t i = 0; i < pairs.size(); ++i) {
    next.raw += pairs[i].raw;
    next.right += pairs[i].right ? 1 : 0;
    next.count += 1;
    const bool tie = i + 1 < pairs.size() && pairs[i + 1].raw == pairs[i].raw;  // equals stay together
    const bool too_few_after = pairs.size() - i - 1 < static_cast<size_t>(group) && i + 1 < pairs.size();
    if (next.count < group || tie || too_few_after) {
      if (i + 1 < pairs.size()) continue;
    }
    pools.push_back(next);
    next = {};
    while (pools.size() > 1 && pools[pools.size() - 2].mean() >= pools.back().mean()) {
      const Pool last = pools.back();
      pools.pop_back();
      pools.back().raw += last.raw;
      pools.back().right += last.right;
      pools.back().count += last.count;
    }
  }
  std::vector<Point> points;
  for (const Pool& pool : pools) points.push_back({pool.raw / pool.count, pool.mean()});
  return points;
}

std::vector<Point> fit_platt(const std::vector<Pair>& pairs) {
  const double right = count_right(pairs), wrong = static_cast<double>(pairs.size()) - right;
  const double target_right = (right + 1) / (right + 2), target_wrong = 1 / (wrong + 2);
  double a = 1, b = 0;
  for (int step = 0; step < 100; ++step) {  // Newton on two parameters; a hair of ridge keeps separable data finite
    double ga = 1e-6 * a, gb = 0, haa = 1e-6, hab = 0, hbb = 1e-9;
    for (const Pair& pair : pairs) {
      const double x = logit(pair.raw), p = logistic(a * x + b), e = p - (pair.right ? target_right : target_wrong), w = p * (1 - p);
      ga += e * x, gb += e, haa += w * x * x, hab += w * x, hbb += w;
    }
    const double det = haa * hbb - hab * hab;
    if (!(det > 0)) break;
    const double da = (hbb * ga - hab * gb) / det, db = (haa * gb - hab * ga) / det;
    a -= da, b -= db;
    if (std::abs(da) + std::abs(db) < 1e-10) break;
  }
  a = std::max(a, 0.0);  // a higher raw confidence never means less
  std::vector<Point> points;
  const double from = logit(0), to = logit(1);
  for (int i = 0; i < kPlattPoints; ++i) {
    const double z = from + (to - from) * i / (kPlattPoints - 1);
    points.push_back({logistic(z), logistic(a * z + b)});
  }
  return points;
}

Result<Table> fit(const std::vector<Pair>& pairs) {
  const int right = count_right(pairs), wrong = static_cast<int>(pairs.size()) - right;
  if (static_cast<int>(pairs.size()) < kPairsLeast || right < kEachLeast || wrong < kEachLeast) {
    return failed_precondition("there are " + std::to_string(pairs.size()) + " rated answers (" + std::to_string(right) + " right, " + std::to_string(wrong) +
                               " wrong); calibration needs at least " + std::to_string(kPairsLeast) + ", " + std::to_string(kEachLeast) +
                               " of them right and " + std::to_string(kEachLeast) + " wrong: rate more answers");
  }
  const auto isotonic = [](const std::vector<Pair>& some) { return fit_isotonic(some, kGroup); };
  const std::vector<Pair> by_isotonic = left_out(pairs, isotonic), by_platt = left_out(pairs, fit_platt);
  const bool better = brier(by_isotonic) < brier(by_platt);
  return Table{.method = better ? "isotonic" : "platt",
               .source = "rated answers of this installation, tested on those left out in turn",
               .points = better ? isotonic(pairs) : fit_platt(pairs),
               .fitted_on = static_cast<int>(pairs.size()),
               .tested_on = static_cast<int>(pairs.size()),
               .error = reliability_of(better ? by_isotonic : by_platt).error};
}

const Table& built_in() {
  static const Table table{.method = kMethod,
                           .source = kSource,
                           .points = {std::begin(kPoints), std::end(kPoints)},
                           .fitted_on = kFittedOn,
                           .tested_on = kTestedOn,
                           .error = kError};
  return table;
}

const Reliability& built_in_reliability() {
  static const Reliability diagram{.bins = {std::begin(kBins), std::end(kBins)}, .count = kTestedOn, .error = kError};
  return diagram;
}

}  // namespace strata::confidence
