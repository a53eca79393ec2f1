// Spans: what happened under a request, as a tree. A layer that does something worth seeing opens a Span under its Context and passes
// the span's context on; what it calls becomes the span's children. Where nobody listens (tests, the command line) a Span does nothing.
//
//   Span span(context, "retrieval handbook");
//   span.set("gen_ai.operation.name", "retrieval");
//   auto found = search(span.in(context), …);
//   span.outcome(found);                          // a failure marks the span; it ends with its scope
//
// Where spans go is a SpanSink's matter (infra/observe). Names of attributes are OpenTelemetry's where it has them (GenAI semantic
// conventions, github.com/open-telemetry/semantic-conventions-genai), else begin with "strata.".
//
// Invariants: (1) a span is handed over once, when it ends; (2) times of one trace come from one pair of clock readings, taken at its
// beginning, so that children lie inside their parents; (3) nothing here blocks, allocates without bound, or fails.
// COST: about a microsecond a span, and as much again for each attribute with text; bench/trace has the figures.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/context.h"

namespace strata {

enum class SpanKind { kInternal, kServer, kClient };   // the work is ours; a request came in; one went out

using SpanValue = std::variant<bool, int64_t, double, std::string, std::vector<std::string>>;

struct TraceId {
  uint64_t high = 0, low = 0;   // not both 0
  bool operator==(const TraceId&) const = default;
};
std::string trace_hex(TraceId id);      // 32 lower-case hex digits
std::string span_hex(uint64_t id);      // 16

// What a W3C `traceparent` header says: "00-<trace id>-<parent id>-<flags>".
struct TraceParent {
  TraceId trace;
  uint64_t parent = 0;
  bool sampled = true;
};
// Nothing where the header is not exactly that: then a trace of one's own begins. Later versions' longer headers are read as far as
// version 00 goes. SOURCE: W3C Trace Context, 3.2.
std::optional<TraceParent> parse_traceparent(std::string_view header);
std::string traceparent(const TraceParent& parent);

// A finished span.
struct SpanData {
  TraceId trace;
  uint64_t id = 0, parent = 0;              // parent 0: none
  bool root = false;                        // the first of this process in its trace, whoever began the trace
  std::string name;
  SpanKind kind = SpanKind::kInternal;
  int64_t start_ns = 0, duration_ns = 0;    // UNITS: nanoseconds, since 1970 and long
  bool failed = false;
  std::string error_type, message;          // where failed: code_name, and the message
  // Keys are string literals: they outlive everything.
  std::vector<std::pair<std::string_view, SpanValue>> attributes;
  std::vector<std::pair<std::string_view, std::string>> content;   // prompts, answers: redacted before it is stored
  std::string receipt;                      // JSON; what a model call needs to be run again. Content, too
  size_t bytes() const;                     // about what it takes in memory
};

class SpanSink {
 public:
  virtual ~SpanSink() = default;
  // Takes a finished span. What there is no room for is dropped and counted. THREADS: safe; never blocks.
  virtual void take(SpanData span) = 0;
  // Whether prompts, answers and receipts are wanted; else nobody need collect them.
  virtual bool keeps_content() const = 0;
};

// What is known of a trace as a whole while it runs, and set from below: the product, the answer. THREADS: safe.
class TraceNotes {
 public:
  void set(std::string_view key, SpanValue value);
  std::string text(std::string_view key) const;   // empty where unset or no text
  std::vector<std::pair<std::string_view, SpanValue>> all() const;

 private:
  mutable std::atomic_flag lock_ = ATOMIC_FLAG_INIT;
  std::vector<std::pair<std::string_view, SpanValue>> notes_;
};

// What children need of their parent: carried by Context.
struct SpanScope {
  std::shared_ptr<SpanSink> sink;
  std::shared_ptr<TraceNotes> notes;
  TraceId trace;
  uint64_t span = 0;
  const Clock* clock = nullptr;
  int64_t unix_ns = 0, monotonic_ns = 0;    // the trace's pair of clock readings
  mutable std::atomic<int> children{0};
};

// THREADS: one at a time; it may be moved from the thread that began it to the one that ends it.
class Span {
 public:
  Span() = default;                         // records nothing
  Span(const Context& parent, std::string name, SpanKind kind = SpanKind::kInternal);
  // The first span of a trace, or of this process's part of one. Nothing where `sink` is null.
  static Span root(std::shared_ptr<SpanSink> sink, const Clock& clock, std::string name, SpanKind kind, const std::optional<TraceParent>& from = std::nullopt);
  ~Span() { end(); }
  Span(Span&& other) noexcept = default;
  Span& operator=(Span&& other) noexcept;

  bool recording() const { return data_ != nullptr; }
  bool keeps_content() const { return data_ && scope_->sink->keeps_content(); }
  // The context for what is done inside this span.
  Context in(const Context& context) const { return scope_ ? context.with_span(scope_) : context; }

  // `key` is a string literal.
  void set(std::string_view key, std::string value) { put(key, std::move(value)); }
  void set(std::string_view key, std::string_view value) { put(key, std::string(value)); }
  void set(std::string_view key, const char* value) { put(key, std::string(value)); }
  void set(std::string_view key, bool value) { put(key, value); }
  void set(std::string_view key, int value) { put(key, int64_t{value}); }
  void set(std::string_view key, int64_t value) { put(key, value); }
  void set(std::string_view key, double value) { put(key, value); }
  void set(std::string_view key, std::vector<std::string> value) { put(key, std::move(value)); }
  void content(std::string_view key, std::string text);   // dropped where content is not kept
  void receipt(std::string json);
  void rename(std::string name);
  void fail(const Error& error);
  template <class T>
  void outcome(const Result<T>& result) {
    if (!result) fail(result.error());
  }
  void end();
  void discard() { data_.reset(); }         // as if it had never been; its children stay
  int children() const { return scope_ ? scope_->children.load(std::memory_order_relaxed) : 0; }
  TraceId trace() const { return scope_ ? scope_->trace : TraceId{}; }
  uint64_t id() const { return scope_ ? scope_->span : 0; }

 private:
  void put(std::string_view key, SpanValue value);
  std::unique_ptr<SpanData> data_;
  std::shared_ptr<const SpanScope> scope_;
};

// A child that is over already, by its clock readings (Clock::monotonic_ns).
void record_span(const Context& context, std::string name, int64_t begin_ns, int64_t end_ns,
                 std::vector<std::pair<std::string_view, SpanValue>> attributes = {});

// Of the trace as a whole. Nothing where nobody listens.
void note_trace(const Context& context, std::string_view key, SpanValue value);
std::string trace_note(const Context& context, std::string_view key);

// "traceparent" for a request that goes out under this context; empty where nobody listens.
std::string outgoing_traceparent(const Context& context);

}  // namespace strata
