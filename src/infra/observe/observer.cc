// The writer's thread, and what is asked of the stored traces.
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "infra/observe/exporter.h"
#include "infra/observe/queue.h"
#include "infra/observe/rows.h"

namespace strata::observe {
namespace {

constexpr int64_t kIdleMs = 1'000;          // between two looks at what else is due, where no span comes
constexpr int64_t kLedgerMs = 3'000;        // how long spend may be unwritten
constexpr int64_t kPruneMs = 60'000;
constexpr int64_t kFlushMs = 2'000;
constexpr size_t kContentBytesMax = 64u << 10;   // of one prompt or answer; the rest is cut off
constexpr double kPruneShare = 0.1;         // of the traces, oldest first, while the database is over its size
constexpr char kSettingsName[] = "traces";

std::string day_of(int64_t unix_ms) { return iso8601(unix_ms).substr(0, 10); }

class SqlObserver : public Observer {
 public:
  SqlObserver(Parts parts, std::unique_ptr<store::SideDatabase> database)
      : parts_(std::move(parts)),
        context_(Context::background(*parts_.clock)),
        queue_(std::make_shared<Queue>(parts_.queue_spans, parts_.queue_bytes)),
        database_(std::move(database)) {
    if (parts_.egress) exporter_ = std::make_unique<Exporter>(*parts_.egress, *parts_.clock, Resource{parts_.service_version, make_id("instance")});
  }
  ~SqlObserver() override {
    queue_->stop();
    if (thread_.joinable()) thread_.join();
    write_ledger();
  }

  Status start() {
    TRY_ASSIGN(Settings settings, saved_settings());
    apply(settings);
    thread_ = std::thread([this] { run(); });
    return {};
  }

  std::shared_ptr<SpanSink> sink() override { return queue_; }
  std::optional<double> charge(const Call& call) override;
  Settings settings() const override {
    std::lock_guard lock(mutex_);
    return settings_;
  }
  Status save(const Context& context, const Settings& settings) override;
  Prices prices() const override {
    std::lock_guard lock(mutex_);
    return prices_;
  }
  void set_prices(Prices prices) override {
    std::lock_guard lock(mutex_);
    prices_ = std::move(prices);
  }
  void flush() override { queue_->wait_until_done(kFlushMs); }
  Result<std::vector<Summary>> list(const Context& context, const Query& query) override {
    return read<std::vector<Summary>>(context, [&](store::Reader& reader) { return find_traces(reader, query); });
  }
  Result<Summary> summary(const Context& context, const std::string& trace_id) override;
  Result<std::vector<StoredSpan>> spans(const Context& context, const std::string& trace_id) override {
    return read<std::vector<StoredSpan>>(context, [&](store::Reader& reader) { return spans_of(reader, trace_id); });
  }
  Result<std::string> trace_of_answer(const Context& context, const std::string& answer_id) override;
  Status remove(const Context& context, int64_t before_ms) override {
    TRY_ASSIGN(Shared database, there());
    flush();
    return database->write(context, [&](store::Transaction& transaction) { return remove_before(transaction, before_ms); });
  }
  Status prune(const Context& context) override;
  Result<std::vector<UsageRow>> usage(const Context& context, By by, const std::string& from_day, const std::string& to_day) override;
  Status copy_for_tenant(const Context& context, const std::string& path) override;
  Stats stats() const override;

 private:
  using Shared = std::shared_ptr<store::SideDatabase>;
  Shared database() const {
    std::lock_guard lock(mutex_);
    return database_;
  }
  Result<Shared> there() const {
    if (auto now = database()) return now;
    return unavailable("traces are not kept: telemetry.db could not be opened (see the log)");
  }
  void begin_anew();
  template <class T, class F>
  Result<T> read(const Context& context, F&& work) {
    TRY_ASSIGN(Shared database, there());
    T out{};
    TRY(database->read(context, [&](store::Reader& reader) -> Status {
      TRY_ASSIGN(out, work(reader));
      return {};
    }));
    return out;
  }
  Result<Settings> saved_settings();
  void apply(const Settings& settings);
  void run();
  void store(std::vector<SpanData> spans);
  void redact(SpanData& span) const;
  bool mask(std::string& text) const;
  void write_ledger();

  const Parts parts_;
  const Context context_;
  const std::shared_ptr<Queue> queue_;
  std::unique_ptr<Exporter> exporter_;
  std::atomic<uint64_t> stored_{0};
  mutable std::mutex mutex_;                        // guards what follows
  Shared database_;                                 // null: it could not be opened
  Settings settings_;
  Prices prices_;
  std::map<LedgerKey, UsageRow> ledger_;            // not written yet
  std::mutex ledger_writing_, copying_;
  std::thread thread_;
};

Result<Settings> SqlObserver::saved_settings() {
  std::optional<std::string> text;
  TRY(parts_.store->read(context_, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(text, read_setting(reader, kSettingsName));
    return {};
  }));
  Settings out = parts_.settings;
  if (!text) return out;
  TRY_ASSIGN(Json json, Json::parse(*text));
  TRY_ASSIGN(out.content, json["content"].to_bool("content"));
  TRY_ASSIGN(int64_t days, json["keep_days"].to_int("keep_days"));
  out.keep_days = static_cast<int>(days);
  TRY_ASSIGN(out.keep_mb, json["keep_mb"].to_int("keep_mb"));
  TRY_ASSIGN(out.export_url, json["export_url"].to_string("export_url"));
  TRY_ASSIGN(out.export_json, json["export_json"].to_bool("export_json"));
  return out;
}

void SqlObserver::apply(const Settings& settings) {
  queue_->set_content(settings.content);
  if (exporter_) exporter_->configure(settings);
  std::lock_guard lock(mutex_);
  settings_ = settings;
}

Status SqlObserver::save(const Context& context, const Settings& settings) {
  // Without the header, which is a secret.
  const Json json = Json::object({{"content", settings.content},
                                  {"keep_days", settings.keep_days},
                                  {"keep_mb", settings.keep_mb},
                                  {"export_url", settings.export_url},
                                  {"export_json", settings.export_json}});
  TRY(parts_.store->write(context, [&](store::Transaction& transaction) { return write_setting(transaction, kSettingsName, json.dump()); }));
  apply(settings);
  return {};
}

void SqlObserver::run() {
  int64_t ledger_due = 0, prune_due = 0;
  for (;;) {
    std::vector<SpanData> batch = queue_->gather(kIdleMs);
    const bool last = queue_->stopped();
    const size_t count = batch.size();
    if (count > 0) store(std::move(batch));
    queue_->done(count);
    const int64_t now = parts_.clock->monotonic_ns() / 1'000'000;
    if (now >= ledger_due) write_ledger(), ledger_due = now + kLedgerMs;
    if (now >= prune_due && !last) {
      if (auto pruned = prune(context_); !pruned && database()) log::warning("traces.not_pruned", {{"message", pruned.error().message}});
      prune_due = now + kPruneMs;
    }
    if (last && count == 0) return;
  }
}

void SqlObserver::store(std::vector<SpanData> spans) {
  for (SpanData& span : spans) redact(span);
  const Shared database = this->database();
  const Status stored =
      !database ? Status(unavailable("not open")) : database->write(context_, [&](store::Transaction& transaction) { return put_spans(transaction, spans); });
  if (stored) stored_ += spans.size();
  else queue_->count_dropped(spans.size());
  if (database && !stored) log::warning("traces.not_stored", {{"spans", spans.size()}, {"message", stored.error().message}});
  if (!stored && stored.error().code == Code::kDataLoss) begin_anew();
  if (exporter_ && exporter_->wanted()) exporter_->put(std::move(spans));
}

// Found damaged while in use: set aside as at a start. Who reads the old one still ends in peace.
void SqlObserver::begin_anew() {
  {
    std::lock_guard lock(mutex_);
    database_.reset();
  }
  auto fresh = store::SideDatabase::open(parts_.path, telemetry_migrations());
  if (!fresh) return log::error("traces.off", {{"file", parts_.path}, {"message", fresh.error().message}});
  std::lock_guard lock(mutex_);
  database_ = std::move(*fresh);
}

// Texts inside JSON are redacted one by one: a mask must not cut an escape sequence in two.
bool redact_json(Json& json, const std::function<std::string(std::string_view)>& redact) {
  bool changed = false;
  if (auto* text = json.as_string()) {
    std::string masked = redact(*text);
    changed = masked != *text;
    if (changed) json = Json(std::move(masked));
  } else if (auto* items = json.as_array()) {
    for (Json& item : *items) changed |= redact_json(item, redact);
  } else if (auto* members = json.as_object()) {
    for (auto& [key, value] : *members) changed |= redact_json(value, redact);
  }
  return changed;
}

// True where something was found.
bool SqlObserver::mask(std::string& text) const {
  std::string masked = parts_.redact(text);
  const bool found = masked != text;
  text = std::move(masked);
  return found;
}

void SqlObserver::redact(SpanData& span) const {
  if (!parts_.redact) return;
  bool found = false;
  for (auto& [key, text] : span.content) {
    auto json = Json::parse(text);
    if (json && redact_json(*json, parts_.redact)) text = json->dump(), found = true;
    if (!json) found |= mask(text);
    if (text.size() > kContentBytesMax) text = text.substr(0, utf8_complete_prefix(std::string_view(text).substr(0, kContentBytesMax))) + "…";
  }
  found |= mask(span.message);
  for (auto& [key, value] : span.attributes) {
    if (auto* text = std::get_if<std::string>(&value)) found |= mask(*text);
    if (auto* texts = std::get_if<std::vector<std::string>>(&value))
      for (std::string& text : *texts) found |= mask(text);
  }
  if (span.receipt.empty()) return;
  // Its stop sequences are text, too.
  auto receipt = found ? Result<Json>(Json()) : Json::parse(span.receipt);
  if (!found && receipt && !redact_json(*receipt, parts_.redact)) return;
  span.receipt.clear();
  span.attributes.emplace_back("strata.receipt", std::string("withheld: personal data was found beside it"));
}

std::optional<double> SqlObserver::charge(const Call& call) {
  std::lock_guard lock(mutex_);
  const auto cost = cost_of(prices_, call);
  UsageRow& row = ledger_[{call.tenant, day_of(parts_.clock->unix_ms()), call.model, call.product}];
  row.calls += 1;
  row.failed += call.failed;
  row.unpriced += !cost;
  row.input_tokens += call.input_tokens;
  row.cached_tokens += call.cached_tokens;
  row.output_tokens += call.output_tokens;
  row.cpu_s += call.cpu_s;
  row.cost += cost.value_or(0);
  return cost;
}

void SqlObserver::write_ledger() {
  std::lock_guard one_at_a_time(ledger_writing_);
  std::map<LedgerKey, UsageRow> rows;
  {
    std::lock_guard lock(mutex_);
    rows.swap(ledger_);
  }
  if (rows.empty()) return;
  const Status written = parts_.store->write(context_, [&](store::Transaction& transaction) { return add_usage(transaction, rows); });
  if (written) return;
  log::error("usage.not_written", {{"message", written.error().message}});
  std::lock_guard lock(mutex_);   // kept for the next time
  for (auto& [key, row] : rows) {
    UsageRow& now = ledger_[key];
    now.calls += row.calls, now.failed += row.failed, now.unpriced += row.unpriced;
    now.input_tokens += row.input_tokens, now.cached_tokens += row.cached_tokens, now.output_tokens += row.output_tokens;
    now.cpu_s += row.cpu_s, now.cost += row.cost;
  }
}

Result<Summary> SqlObserver::summary(const Context& context, const std::string& trace_id) {
  TRY_ASSIGN(auto found, read<std::optional<Summary>>(context, [&](store::Reader& reader) { return find_trace(reader, trace_id); }));
  if (!found) return not_found("there is no trace " + trace_id.substr(0, 80) + ": it was never kept, or is older than traces are kept", "trace_id");
  return std::move(*found);
}

Result<std::string> SqlObserver::trace_of_answer(const Context& context, const std::string& answer_id) {
  return read<std::string>(context, [&](store::Reader& reader) -> Result<std::string> {
    std::string id;
    TRY(reader.query("SELECT trace_id FROM traces WHERE answer_id = ?", {answer_id}, [&](const store::Row& row) { return id = row.text(0), false; }));
    return id;
  });
}

Status SqlObserver::prune(const Context& context) {
  TRY_ASSIGN(Shared database, there());
  const Settings limits = settings();
  constexpr int64_t kDayMs = 24LL * 3600 * 1000;
  TRY(database->write(context,
                      [&](store::Transaction& transaction) { return remove_before(transaction, parts_.clock->unix_ms() - limits.keep_days * kDayMs); }));
  const int64_t most = limits.keep_mb << 20;
  for (int i = 0; i < static_cast<int>(1 / kPruneShare); ++i) {
    TRY_ASSIGN(const int64_t used, read<int64_t>(context, [](store::Reader& reader) { return bytes_used(reader); }));
    if (used <= most) return {};
    TRY_ASSIGN(const int64_t before, read<int64_t>(context, [](store::Reader& reader) { return oldest_share(reader, kPruneShare); }));
    TRY(database->write(context, [&](store::Transaction& transaction) { return remove_before(transaction, before); }));
  }
  return {};
}

Result<std::vector<UsageRow>> SqlObserver::usage(const Context& context, By by, const std::string& from_day, const std::string& to_day) {
  write_ledger();
  std::vector<UsageRow> out;
  TRY(parts_.store->read(context, [&](store::Reader& reader) -> Status {
    TRY_ASSIGN(out, read_usage(reader, by, from_day, to_day));
    return {};
  }));
  return out;
}

// Built beside, then moved over what was there: who has the old one open goes on reading it.
Status SqlObserver::copy_for_tenant(const Context& context, const std::string& path) {
  std::lock_guard one_at_a_time(copying_);
  flush();
  write_ledger();
  const std::string& tenant = context.principal().tenant;
  const std::string built = path + ".building", whole = path + ".new";
  const auto clear = [&] {
    std::error_code ignored;
    for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(built + ending, ignored);
    std::filesystem::remove(whole, ignored);
  };
  clear();
  {
    TRY_ASSIGN(auto copy, store::SideDatabase::open(built, copy_migrations()));
    TRY(copy->write(context, [&](store::Transaction& to) -> Status {
      TRY(parts_.store->read(context, [&](store::Reader& from) { return copy_usage(from, to, tenant); }));
      TRY_ASSIGN(Shared telemetry, there());
      return telemetry->read(context, [&](store::Reader& from) { return copy_traces(from, to, tenant); });
    }));
  }
  TRY(store::copy_database(context, built, whole));
  std::error_code error;
  std::filesystem::rename(whole, path, error);
  clear();
  if (error) return failed_precondition("cannot write " + path + ": " + error.message());
  return {};
}

Stats SqlObserver::stats() const {
  return {.taken = queue_->taken(),
          .dropped = queue_->dropped(),
          .stored = stored_.load(),
          .exported = exporter_ ? exporter_->exported() : 0,
          .export_dropped = exporter_ ? exporter_->dropped() : 0,
          .queued = queue_->queued()};
}

}  // namespace

std::vector<store::Migration> Observer::migrations() { return ledger_migrations(); }

Result<std::unique_ptr<Observer>> Observer::open(Parts parts) {
  auto database = store::SideDatabase::open(parts.path, telemetry_migrations());
  if (!database) log::error("traces.off", {{"file", parts.path}, {"message", database.error().message}});
  auto observer = std::make_unique<SqlObserver>(std::move(parts), database ? std::move(*database) : nullptr);
  TRY(observer->start());
  return std::unique_ptr<Observer>(std::move(observer));
}

}  // namespace strata::observe
