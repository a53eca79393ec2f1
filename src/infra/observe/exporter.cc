#include "infra/observe/exporter.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "infra/egress/egress.h"

namespace strata::observe {
namespace {

using std::chrono::milliseconds;

constexpr size_t kQueueMax = 8'192;        // spans
constexpr size_t kBatchMax = 512;          // as OpenTelemetry's batch processors send by default
constexpr size_t kBatchBytesMax = 4u << 20; // what collectors take in one request, and more than one span has
constexpr int kTries = 6;
constexpr int64_t kFirstPauseMs = 500, kPauseMsMax = 30'000;   // doubling
constexpr int64_t kTimeoutMs = 10'000;     // of one request

bool try_again(int status) { return status == 429 || status == 502 || status == 503 || status == 504; }

}  // namespace

Exporter::Exporter(egress::Client& client, const Clock& clock, Resource resource)
    : client_(client), resource_(std::move(resource)), context_(Context::background(clock)), thread_([this] { run(); }) {}

Exporter::~Exporter() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  context_.cancel();
  wake_.notify_all();
  thread_.join();
}

void Exporter::configure(const Settings& settings) {
  std::lock_guard lock(mutex_);
  settings_ = settings;
  wanted_ = !settings.export_url.empty();
}

void Exporter::put(std::vector<SpanData> spans) {
  {
    std::lock_guard lock(mutex_);
    for (SpanData& span : spans) {
      span.receipt = std::string();
      const size_t size = span.bytes();
      if (spans_.size() >= kQueueMax || bytes_ + size > kBytesMax) {
        ++dropped_;
        continue;
      }
      bytes_ += size;
      spans_.push_back(std::move(span));
    }
  }
  wake_.notify_one();
}

size_t Exporter::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

bool Exporter::pause(int64_t ms) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, milliseconds(ms), [&] { return stopping_; });
}

void Exporter::run() {
  for (;;) {
    std::vector<SpanData> batch;
    size_t bytes = 0;
    Settings settings;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !spans_.empty(); });
      if (stopping_) return;
      while (!spans_.empty() && batch.size() < kBatchMax && (batch.empty() || bytes + spans_.front().bytes() <= kBatchBytesMax)) {
        bytes += spans_.front().bytes();
        batch.push_back(std::move(spans_.front()));
        spans_.pop_front();
      }
      settings = settings_;
    }
    if (!settings.export_url.empty() && send(settings, batch)) exported_ += batch.size();
    else dropped_ += batch.size();
    std::lock_guard lock(mutex_);
    bytes_ -= bytes;
  }
}

bool Exporter::send(const Settings& settings, const std::vector<SpanData>& batch) {
  egress::Request request;
  request.method = "POST";
  request.url = settings.export_url + (settings.export_url.ends_with('/') ? "v1/traces" : "/v1/traces");
  request.headers = {{"content-type", settings.export_json ? "application/json" : "application/x-protobuf"}};
  request.secret_header = settings.export_header;
  request.body = settings.export_json ? otlp_json(resource_, batch) : otlp_protobuf(resource_, batch);
  request.trust = egress::Trust::kOperator;
  request.bytes_max = 1u << 20;
  std::string why;
  int64_t pause_ms = kFirstPauseMs;
  for (int tries = 0; tries < kTries; ++tries) {
    auto response = client_.fetch(context_.with_timeout_ms(kTimeoutMs), request);
    if (response && response->status / 100 == 2) return true;
    if (context_.cancelled()) return false;
    why = response ? "status " + std::to_string(response->status) : response.error().message;
    if (response && !try_again(response->status)) break;
    if (!pause(pause_ms)) return false;
    pause_ms = std::min(2 * pause_ms, kPauseMsMax);
  }
  log::warning("traces.export_failed", {{"spans", batch.size()}, {"message", why}});
  return false;
}

}  // namespace strata::observe
