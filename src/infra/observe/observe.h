// infra/observe: keeps what requests did. Spans (base/span.h) come in by a bounded queue, are redacted, and are stored in batches in
// telemetry.db, where they can be searched; they may be sent on to an OpenTelemetry collector. What was spent is kept apart from them, in
// the authoritative database.
//
// Promises: (1) no request waits for this room: take() appends under a short lock and what there is no room for is dropped and
// counted; (2) no fsync on anyone's path, ours included (infra/store: SideDatabase); (3) whatever state telemetry.db is in, the program
// starts; (4) prompts, answers and receipts are stored only where `content` says so, and after redaction; a receipt beside which
// personal data was found is not stored at all, as token ids cannot be masked; (5) spend is counted for every call, also where its span
// was dropped.
//
//   layers ──take()──▶ queue ──▶ writer thread: redact ──▶ telemetry.db (batches; pruned by age and size)
//                                                  └──▶ exporter thread ──OTLP/HTTP──▶ collector
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/span.h"
#include "infra/store/store.h"

namespace strata::egress { class Client; }

namespace strata::observe {

struct Settings {
  bool content = false;                 // store prompts, answers, queries and receipts, redacted
  int keep_days = 30;                   // of traces
  int64_t keep_mb = 512;                // UNITS: MiB of telemetry.db in use; past it the oldest traces go
  std::string export_url;               // OTLP/HTTP endpoint without /v1/traces; empty: none
  std::string export_header;            // "Authorization: Bearer …", sent with each export; empty: none
  bool export_json = false;             // else protobuf
  bool operator==(const Settings&) const = default;
};

struct Stats {
  uint64_t taken = 0, dropped = 0, stored = 0;          // spans; dropped: the queue was full, or the database would not take them
  uint64_t exported = 0, export_dropped = 0;
  uint64_t queued = 0;
};

// What to look for; what is left empty holds for all.
struct Query {
  int64_t from_ms = 0, to_ms = INT64_MAX;
  std::string route, model, product, status, text;      // status: "ok" or "error"; text: in names, attributes and content
  std::string job_kind;
  double min_ms = 0;
  int limit = 50;                                       // newest first
  std::string after;                                    // id of the last trace of the page before
};

struct Summary {
  std::string id, name, route, product, answer_id, request_id, job_id;
  std::vector<std::string> models;
  int http_status = 0;
  bool failed = false;                                  // any of its spans
  int64_t started_ms = 0;
  double duration_ms = 0;
  int spans = 0, model_calls = 0;
  int64_t input_tokens = 0, cached_tokens = 0, output_tokens = 0;
  std::optional<double> cost;                           // of the calls that have a price
};

struct StoredSpan {
  std::string id, parent_id, name, kind, error_type, message;
  bool failed = false;
  int64_t start_ns = 0, duration_ns = 0;
  Json attributes, content, receipt;                    // objects; null where there is none
};

// Prices per million tokens, and of this machine's time. From TOML:
//
//   currency = "USD"
//   [models."gpt-5-mini"]
//   input = 0.25
//   cached = 0.025        # of the input, what the provider had cached; default: as input
//   output = 2.0
//   [local]
//   cpu_hour = 0.04       # of one core: what local models without an entry of their own cost
struct Price {
  double input = 0, cached = 0, output = 0;             // per 1,000,000 tokens
};
struct Prices {
  std::string currency = "USD";
  std::map<std::string, Price> models;
  std::optional<double> cpu_hour;
};
// Errors name line, key and the nearest known name.
Result<Prices> parse_prices(std::string_view toml, std::string_view name);

struct Call {                                           // of a model
  std::string model, product, operation;                // "chat", "embeddings"
  std::string tenant = "local";                         // who pays
  bool remote = false, failed = false;
  int64_t input_tokens = 0, cached_tokens = 0, output_tokens = 0;   // input: with the cached ones
  double cpu_s = 0;                                     // cores times seconds, of a local model
};
// Nothing where no price was entered for it.
std::optional<double> cost_of(const Prices& prices, const Call& call);

struct UsageRow {
  std::string key;                                      // a day ("2026-11-22", UTC), a model or a product
  int64_t calls = 0, failed = 0, unpriced = 0;
  int64_t input_tokens = 0, cached_tokens = 0, output_tokens = 0;
  double cpu_s = 0, cost = 0;
};
enum class By { kDay, kModel, kProduct };

class Observer {
 public:
  struct Parts {
    store::Store* store = nullptr;                      // for spend and settings
    egress::Client* egress = nullptr;                   // null: nothing is exported
    const Clock* clock = nullptr;
    std::string path;                                   // of telemetry.db
    std::function<std::string(std::string_view)> redact;
    Settings settings;                                  // where none were saved
    std::string service_version;
    size_t queue_spans = 20'000, queue_bytes = 64u << 20;
  };
  static std::vector<store::Migration> migrations();    // of the authoritative database
  static Result<std::unique_ptr<Observer>> open(Parts parts);
  virtual ~Observer() = default;                        // stores what is queued, then stops

  virtual std::shared_ptr<SpanSink> sink() = 0;         // may outlive the observer: then it drops
  // Counts the call's spend; returns its cost. Never blocks on the disk: written down within seconds.
  virtual std::optional<double> charge(const Call& call) = 0;

  virtual Settings settings() const = 0;
  virtual Status save(const Context& context, const Settings& settings) = 0;
  virtual Prices prices() const = 0;
  virtual void set_prices(Prices prices) = 0;

  // Stores what has come in so far, for at most two seconds: so that who asks right after sees it.
  virtual void flush() = 0;
  virtual Result<std::vector<Summary>> list(const Context& context, const Query& query) = 0;
  virtual Result<Summary> summary(const Context& context, const std::string& trace_id) = 0;                  // kNotFound
  virtual Result<std::vector<StoredSpan>> spans(const Context& context, const std::string& trace_id) = 0;    // by start
  virtual Result<std::string> trace_of_answer(const Context& context, const std::string& answer_id) = 0;     // empty: none
  virtual Status remove(const Context& context, int64_t before_ms) = 0;
  virtual Status prune(const Context& context) = 0;     // by the settings; also done once a minute
  virtual Result<std::vector<UsageRow>> usage(const Context& context, By by, const std::string& from_day, const std::string& to_day) = 0;
  // Writes what the context's tenant spent and asked into a database of its own at `path` (replaced whole), for questions that must see nothing else.
  // Tables: spend (day, model, product, calls, failed_calls, unpriced_calls, input_tokens, cached_tokens, output_tokens, cpu_seconds, cost) and
  // requests (id, day, started_at, name, route, product, models, http_status, failed, duration_ms, model_calls, input_tokens, output_tokens, cost):
  // the newest kCopiedMost rows of each; no text that anyone wrote or was answered.
  virtual Status copy_for_tenant(const Context& context, const std::string& path) = 0;
  virtual Stats stats() const = 0;
};
inline constexpr int64_t kCopiedMost = 20'000;

// One export request's body for these spans: ExportTraceServiceRequest as protobuf or as OTLP's JSON.
// SOURCE: opentelemetry-proto 1.x, collector/trace/v1 and trace/v1.
struct Resource {
  std::string service_version, instance;
};
std::string otlp_protobuf(const Resource& resource, const std::vector<SpanData>& spans);
std::string otlp_json(const Resource& resource, const std::vector<SpanData>& spans);

}  // namespace strata::observe
