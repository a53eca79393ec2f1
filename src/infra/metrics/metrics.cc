#include "infra/metrics/metrics.h"

#include <atomic>
#include <charconv>
#include <cmath>
#include <map>
#include <mutex>

#include "base/check.h"

namespace strata::metrics {
namespace {

// A double that many threads add to. C++20's atomic<double>::fetch_add is a compare-exchange loop on every machine that we run on.
class AtomicDouble {
 public:
  void add(double amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  double get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class AtomicCounter : public Counter {
 public:
  void add(double amount) override {
    if (amount > 0) value_.add(amount);   // a counter never falls; NaN is no amount
  }
  double value() const override { return value_.get(); }

 private:
  AtomicDouble value_;
};

class AtomicGauge : public Gauge {
 public:
  void set(double value) override { value_.set(value); }
  void add(double amount) override { value_.add(amount); }
  double value() const override { return value_.get(); }

 private:
  AtomicDouble value_;
};

// One count per bucket (not cumulative: one addition per observation); the text adds them up.
class AtomicHistogram : public Histogram {
 public:
  explicit AtomicHistogram(const std::vector<double>& bounds) : bounds_(bounds), counts_(bounds.size() + 1) {}
  void observe(double value) override {
    if (std::isnan(value)) return;
    size_t i = 0;
    while (i < bounds_.size() && value > bounds_[i]) ++i;
    counts_[i].fetch_add(1, std::memory_order_relaxed);
    sum_.add(value);
  }
  const std::vector<double>& bounds() const { return bounds_; }
  std::vector<uint64_t> cumulative() const {
    std::vector<uint64_t> out;
    uint64_t total = 0;
    for (auto& count : counts_) out.push_back(total += count.load(std::memory_order_relaxed));
    return out;
  }
  double sum() const { return sum_.get(); }

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;
  AtomicDouble sum_;
};

// SOURCE: Prometheus exposition format 0.0.4: in label values \, " and line feed are escaped; in help \ and line feed.
std::string escaped(std::string_view text, bool label) {
  std::string out;
  for (char c : text) {
    if (c == '\\') out += "\\\\";
    else if (c == '\n') out += "\\n";
    else if (c == '"' && label) out += "\\\"";
    else out += c;
  }
  return out;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
}

std::string label_text(const Labels& labels) {
  std::string out;
  for (auto& [name, value] : labels) out += (out.empty() ? "" : ",") + name + "=\"" + escaped(value, true) + "\"";
  return out;
}

std::string braced(const std::string& labels, const std::string& more = "") {
  std::string inside = labels + (labels.empty() || more.empty() ? "" : ",") + more;
  return inside.empty() ? "" : "{" + inside + "}";
}

bool valid_name(std::string_view name, bool colon) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (unsigned char c : name)
    if (!(std::isalnum(c) || c == '_' || (colon && c == ':'))) return false;
  return true;
}

struct Family {
  std::string help;
  const char* type = "";
  std::map<std::string, std::unique_ptr<AtomicCounter>> counters;       // by label text
  std::map<std::string, std::unique_ptr<AtomicGauge>> gauges;
  std::map<std::string, std::unique_ptr<AtomicHistogram>> histograms;
};

class Table : public Registry {
 public:
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels) override {
    std::lock_guard lock(mutex_);
    auto& series = family(name, help, "counter", labels).counters[label_text(labels)];
    if (!series) series = std::make_unique<AtomicCounter>();
    return *series;
  }
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels) override {
    std::lock_guard lock(mutex_);
    auto& series = family(name, help, "gauge", labels).gauges[label_text(labels)];
    if (!series) series = std::make_unique<AtomicGauge>();
    return *series;
  }
  Histogram& histogram(std::string_view name, std::string_view help, const std::vector<double>& bounds, const Labels& labels) override {
    for (size_t i = 0; i < bounds.size(); ++i) CHECK(std::isfinite(bounds[i]) && (i == 0 || bounds[i - 1] < bounds[i]));
    std::lock_guard lock(mutex_);
    auto& series = family(name, help, "histogram", labels).histograms[label_text(labels)];
    if (!series) series = std::make_unique<AtomicHistogram>(bounds);
    return *series;
  }
  std::string text() const override;

 private:
  // REQUIRES: lock held. Names and kinds are chosen by our own code, so a wrong one is a defect.
  Family& family(std::string_view name, std::string_view help, const char* type, const Labels& labels) {
    CHECK(valid_name(name, true));
    for (auto& [label, value] : labels) CHECK(valid_name(label, false));
    Family& family = families_[std::string(name)];
    if (!*family.type) family.type = type, family.help = help;
    CHECK(std::string_view(family.type) == type);
    return family;
  }
  mutable std::mutex mutex_;   // of the table; series are updated without it
  std::map<std::string, Family> families_;
};

void write_histogram(std::string& out, const std::string& name, const std::string& labels, const AtomicHistogram& series) {
  auto counts = series.cumulative();
  for (size_t i = 0; i < counts.size(); ++i) {
    std::string bound = i < series.bounds().size() ? number(series.bounds()[i]) : "+Inf";
    out += name + "_bucket" + braced(labels, "le=\"" + bound + "\"") + " " + std::to_string(counts[i]) + "\n";
  }
  out += name + "_sum" + braced(labels) + " " + number(series.sum()) + "\n";
  out += name + "_count" + braced(labels) + " " + std::to_string(counts.back()) + "\n";
}

std::string Table::text() const {
  std::lock_guard lock(mutex_);
  std::string out;
  for (auto& [name, family] : families_) {
    if (!family.help.empty()) out += "# HELP " + name + " " + escaped(family.help, false) + "\n";
    out += "# TYPE " + name + " " + family.type + "\n";
    for (auto& [labels, series] : family.counters) out += name + braced(labels) + " " + number(series->value()) + "\n";
    for (auto& [labels, series] : family.gauges) out += name + braced(labels) + " " + number(series->value()) + "\n";
    for (auto& [labels, series] : family.histograms) write_histogram(out, name, labels, *series);
  }
  return out;
}

}  // namespace

std::unique_ptr<Registry> Registry::make() { return std::make_unique<Table>(); }

}  // namespace strata::metrics
