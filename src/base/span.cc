#include "base/span.h"

#include <algorithm>

#include "base/random.h"
#include "base/text.h"

namespace strata {
namespace {

// Ids need to be unique, not secret: one draw from the kernel per thread, then a counter-based generator.
uint64_t next_id() {
  thread_local Random random(random_seed());
  for (;;)
    if (const uint64_t id = random.next(); id != 0) return id;
}

std::string hex64(uint64_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out(16, '0');
  for (int i = 15; i >= 0; --i, value >>= 4) out[static_cast<size_t>(i)] = kDigits[value & 15];
  return out;
}

// Lower-case hex digits only, as the specification demands.
std::optional<uint64_t> read_hex(std::string_view text) {
  uint64_t value = 0;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return std::nullopt;
    value = value << 4 | static_cast<uint64_t>(digit);
  }
  return value;
}

size_t bytes_of(const SpanValue& value) {
  if (auto* text = std::get_if<std::string>(&value)) return sizeof value + text->size();
  size_t bytes = sizeof value;
  if (auto* texts = std::get_if<std::vector<std::string>>(&value))
    for (auto& text : *texts) bytes += sizeof text + text.size();
  return bytes;
}

class SpinLock {
 public:
  explicit SpinLock(std::atomic_flag& flag) : flag_(flag) {
    while (flag_.test_and_set(std::memory_order_acquire)) flag_.wait(true);
  }
  ~SpinLock() {
    flag_.clear(std::memory_order_release);
    flag_.notify_one();
  }

 private:
  std::atomic_flag& flag_;
};

int64_t now_ns(const SpanScope& scope) { return scope.unix_ns + (scope.clock->monotonic_ns() - scope.monotonic_ns); }

}  // namespace

std::string trace_hex(TraceId id) { return hex64(id.high) + hex64(id.low); }
std::string span_hex(uint64_t id) { return hex64(id); }

std::optional<TraceParent> parse_traceparent(std::string_view header) {
  // version 2, trace 32, parent 16, flags 2, with dashes between.
  constexpr size_t kBytes = 55;
  if (header.size() < kBytes || header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  const auto version = read_hex(header.substr(0, 2));
  if (!version || *version == 0xff) return std::nullopt;
  if (*version == 0 ? header.size() != kBytes : header.size() > kBytes && header[kBytes] != '-') return std::nullopt;
  const auto high = read_hex(header.substr(3, 16)), low = read_hex(header.substr(19, 16));
  const auto parent = read_hex(header.substr(36, 16)), flags = read_hex(header.substr(53, 2));
  if (!high || !low || !parent || !flags || (*high == 0 && *low == 0) || *parent == 0) return std::nullopt;
  return TraceParent{{*high, *low}, *parent, (*flags & 1) != 0};
}

std::string traceparent(const TraceParent& parent) {
  return "00-" + trace_hex(parent.trace) + "-" + span_hex(parent.parent) + (parent.sampled ? "-01" : "-00");
}

size_t SpanData::bytes() const {
  size_t total = sizeof *this + name.size() + message.size() + receipt.size();
  for (auto& [key, value] : attributes) total += sizeof key + bytes_of(value);
  for (auto& [key, text] : content) total += sizeof key + sizeof text + text.size();
  return total;
}

void TraceNotes::set(std::string_view key, SpanValue value) {
  SpinLock lock(lock_);
  auto at = std::find_if(notes_.begin(), notes_.end(), [&](auto& note) { return note.first == key; });
  if (at == notes_.end()) notes_.emplace_back(key, std::move(value));
  else at->second = std::move(value);
}

std::string TraceNotes::text(std::string_view key) const {
  SpinLock lock(lock_);
  for (auto& [name, value] : notes_)
    if (auto* text = std::get_if<std::string>(&value); text && name == key) return *text;
  return "";
}

std::vector<std::pair<std::string_view, SpanValue>> TraceNotes::all() const {
  SpinLock lock(lock_);
  return notes_;
}

Span::Span(const Context& parent, std::string name, SpanKind kind) {
  const auto& above = parent.span();
  if (!above) return;
  above->children.fetch_add(1, std::memory_order_relaxed);
  auto scope = std::make_shared<SpanScope>();
  scope->sink = above->sink;
  scope->notes = above->notes;
  scope->trace = above->trace;
  scope->span = next_id();
  scope->clock = above->clock;
  scope->unix_ns = above->unix_ns;
  scope->monotonic_ns = above->monotonic_ns;
  data_ = std::make_unique<SpanData>();
  data_->trace = above->trace;
  data_->id = scope->span;
  data_->parent = above->span;
  data_->name = std::move(name);
  data_->kind = kind;
  data_->start_ns = now_ns(*scope);
  scope_ = std::move(scope);
}

Span Span::root(std::shared_ptr<SpanSink> sink, const Clock& clock, std::string name, SpanKind kind, const std::optional<TraceParent>& from) {
  Span span;
  if (!sink) return span;
  auto scope = std::make_shared<SpanScope>();
  scope->sink = std::move(sink);
  scope->notes = std::make_shared<TraceNotes>();
  scope->trace = from ? from->trace : TraceId{next_id(), next_id()};
  scope->span = next_id();
  scope->clock = &clock;
  scope->unix_ns = clock.unix_ms() * 1'000'000;
  scope->monotonic_ns = clock.monotonic_ns();
  span.data_ = std::make_unique<SpanData>();
  span.data_->trace = scope->trace;
  span.data_->id = scope->span;
  span.data_->parent = from ? from->parent : 0;
  span.data_->root = true;
  span.data_->name = std::move(name);
  span.data_->kind = kind;
  span.data_->start_ns = scope->unix_ns;
  span.scope_ = std::move(scope);
  return span;
}

Span& Span::operator=(Span&& other) noexcept {
  if (this == &other) return *this;
  end();
  data_ = std::move(other.data_);
  scope_ = std::move(other.scope_);
  return *this;
}

void Span::put(std::string_view key, SpanValue value) {
  if (!data_) return;
  for (auto& [name, old] : data_->attributes)
    if (name == key) return void(old = std::move(value));
  data_->attributes.emplace_back(key, std::move(value));
}

void Span::content(std::string_view key, std::string text) {
  if (keeps_content()) data_->content.emplace_back(key, std::move(text));
}

void Span::receipt(std::string json) {
  if (keeps_content()) data_->receipt = std::move(json);
}

void Span::rename(std::string name) {
  if (data_) data_->name = std::move(name);
}

void Span::fail(const Error& error) {
  if (!data_) return;
  data_->failed = true;
  data_->error_type = error.reason.empty() ? std::string(code_name(error.code)) : error.reason;
  data_->message = error.message;
}

void Span::end() {
  if (!data_) return;
  data_->duration_ns = std::max<int64_t>(0, now_ns(*scope_) - data_->start_ns);
  if (data_->root)
    for (auto& [key, value] : scope_->notes->all()) put(key, std::move(value));
  scope_->sink->take(std::move(*data_));
  data_.reset();
}

void record_span(const Context& context, std::string name, int64_t begin_ns, int64_t end_ns, std::vector<std::pair<std::string_view, SpanValue>> attributes) {
  const auto& above = context.span();
  if (!above) return;
  above->children.fetch_add(1, std::memory_order_relaxed);
  SpanData data;
  data.trace = above->trace;
  data.id = next_id();
  data.parent = above->span;
  data.name = std::move(name);
  data.start_ns = above->unix_ns + (begin_ns - above->monotonic_ns);
  data.duration_ns = std::max<int64_t>(0, end_ns - begin_ns);
  data.attributes = std::move(attributes);
  above->sink->take(std::move(data));
}

void note_trace(const Context& context, std::string_view key, SpanValue value) {
  if (context.span()) context.span()->notes->set(key, std::move(value));
}

std::string trace_note(const Context& context, std::string_view key) { return context.span() ? context.span()->notes->text(key) : ""; }

std::string outgoing_traceparent(const Context& context) { return context.span() ? traceparent({context.span()->trace, context.span()->span, true}) : ""; }

}  // namespace strata
