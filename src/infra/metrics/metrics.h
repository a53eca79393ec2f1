// infra/metrics: counters, gauges and histograms, written in Prometheus' text format. Names follow vLLM's where they fit.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  virtual ~Counter() = default;
  virtual void add(double amount = 1) = 0;   // amounts that are not above 0 are ignored
  virtual double value() const = 0;
};
class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void set(double value) = 0;
  virtual void add(double amount) = 0;   // of what begins and ends, with -1 at the end
  virtual double value() const = 0;
};
class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void observe(double value) = 0;
};

// Owns all series. The same (name, labels) gives the same series. THREADS: safe; updating a series takes no lock. Finding one does:
// keep the reference, which lives as long as the registry. Names, label names, kinds and bounds are our own code's (CHECKed); label
// values may be anything, but every new one is a new series for good: no paths, users or ids.
class Registry {
 public:
  static std::unique_ptr<Registry> make();
  virtual ~Registry() = default;
  virtual Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {}) = 0;
  virtual Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {}) = 0;
  // `bounds`: upper limits of the buckets, rising, without +Inf.
  virtual Histogram& histogram(std::string_view name, std::string_view help, const std::vector<double>& bounds, const Labels& labels = {}) = 0;
  virtual std::string text() const = 0;   // content type: text/plain; version=0.0.4
};

}  // namespace strata::metrics
