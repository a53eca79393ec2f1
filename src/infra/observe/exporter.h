// Sends spans to an OpenTelemetry collector by OTLP/HTTP. Only this folder includes it.
//
// Bounded, in spans and in bytes: what comes while the queue is full is dropped and counted. Receipts stay here. A batch that the collector cannot take now (no connection, 429,
// 502, 503, 504) is tried again with growing pauses, then dropped; what it refuses (any other status) is dropped at once.
// SOURCE: opentelemetry.io/docs/specs/otlp, OTLP/HTTP.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "infra/observe/observe.h"

namespace strata::observe {

class Exporter {
 public:
  Exporter(egress::Client& client, const Clock& clock, Resource resource);
  ~Exporter();  // drops what is left
  void configure(const Settings& settings);
  bool wanted() const { return wanted_.load(std::memory_order_relaxed); }
  void put(std::vector<SpanData> spans);
  uint64_t exported() const { return exported_.load(); }
  uint64_t dropped() const { return dropped_.load(); }
  size_t bytes() const;  // held now, about: of the queue and of what is under way; kBytesMax at most
  static constexpr size_t kBytesMax = 64u << 20;

 private:
  void run();
  bool send(const Settings& settings, const std::vector<SpanData>& batch);
  bool pause(int64_t ms);  // false: stopping

  egress::Client& client_;
  const Resource resource_;
  const Context context_;
  std::atomic<bool> wanted_{false};
  std::atomic<uint64_t> exported_{0}, dropped_{0};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<SpanData> spans_;
  size_t bytes_ = 0;  // of spans_ and of the batch under way
  Settings settings_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace strata::observe
