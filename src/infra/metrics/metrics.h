// infra/metrics: counters, gauges and histograms, written in Prometheus' text format. Names follow vLLM's where they fit.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace strata::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  virtual ~Counter() = default;
  virtual void add(double amount = 1) = 0;
  virtual double value() const = 0;
};
class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void set(double value) = 0;
  virtual double value() const = 0;
};
class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void observe(double value) = 0;
};

// Owns all series. The same (name, labels) gives the same series. THREADS: safe; updating a series takes no lock that blocks.
class Registry {
 public:
  static std::unique_ptr<Registry> make();
  virtual ~Registry() = default;
  virtual Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {}) = 0;
  virtual Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {}) = 0;
  virtual Histogram& histogram(std::string_view name, std::string_view help, const std::vector<double>& bounds,
                               const Labels& labels = {}) = 0;
  virtual std::string text() const = 0;   // content type: text/plain; version=0.0.4
};

}  // namespace strata::metrics
