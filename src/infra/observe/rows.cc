#include "infra/observe/rows.h"

#include <set>

namespace strata::observe {
namespace {

// More spans of one trace are not read: a page cannot show them, and a job over thousands of documents makes them.
constexpr int64_t kSpansReadMax = 5'000;

constexpr char kTraceColumns[] =
    "SELECT t.trace_id, t.name, t.route, t.product, t.answer_id, t.request_id, t.job_id, t.models, t.http_status, t.failed, t.started_ms, t.duration_ms, "
    "t.spans, t.model_calls, t.input_tokens, t.cached_tokens, t.output_tokens, t.cost FROM traces t WHERE ";

const SpanValue* find(const SpanData& span, std::string_view key) {
  for (auto& [name, value] : span.attributes)
    if (name == key) return &value;
  return nullptr;
}

store::Value text_of(const SpanData& span, std::string_view key) {
  const SpanValue* value = find(span, key);
  if (auto* text = value ? std::get_if<std::string>(value) : nullptr) return *text;
  return std::string();
}

store::Value integer_of(const SpanData& span, std::string_view key) {
  const SpanValue* value = find(span, key);
  if (auto* number = value ? std::get_if<int64_t>(value) : nullptr) return *number;
  return int64_t{0};
}

store::Value cost_of_span(const SpanData& span) {
  const SpanValue* value = find(span, "strata.cost");
  if (auto* number = value ? std::get_if<double>(value) : nullptr) return *number;
  return std::monostate();
}

Json value_json(const SpanValue& value) {
  if (auto* flag = std::get_if<bool>(&value)) return *flag;
  if (auto* whole = std::get_if<int64_t>(&value)) return *whole;
  if (auto* real = std::get_if<double>(&value)) return *real;
  if (auto* text = std::get_if<std::string>(&value)) return *text;
  Json list = Json::array();
  for (auto& text : *std::get_if<std::vector<std::string>>(&value)) list.push(text);
  return list;
}

store::Value content_value(const SpanData& span) {
  if (span.content.empty()) return std::monostate();
  Json out = Json::object();
  for (auto& [key, text] : span.content) out.set(std::string(key), text);
  return out.dump();
}

Status put_span(store::Transaction& transaction, const std::string& trace, const SpanData& span) {
  TRY(transaction.execute(
      "INSERT OR REPLACE INTO spans(trace_id, span_id, parent_id, root, name, kind, start_ns, duration_ns, failed, error_type, message, attributes, "
      "content, receipt, operation, model, input_tokens, cached_tokens, output_tokens, cost) "
      "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {trace,
       span_hex(span.id),
       span.parent ? span_hex(span.parent) : std::string(),
       int64_t{span.root},
       span.name,
       std::string(kind_name(span.kind)),
       span.start_ns,
       span.duration_ns,
       int64_t{span.failed},
       span.error_type,
       span.message,
       attributes_json(span).dump(),
       content_value(span),
       span.receipt.empty() ? store::Value() : store::Value(span.receipt),
       text_of(span, "gen_ai.operation.name"),
       text_of(span, "gen_ai.request.model"),
       integer_of(span, "gen_ai.usage.input_tokens"),
       integer_of(span, "gen_ai.usage.cache_read.input_tokens"),
       integer_of(span, "gen_ai.usage.output_tokens"),
       cost_of_span(span)}));
  return {};
}

// What the root span says of the whole. (Several, where a client sends its own trace id with several requests: the last wins, but for the tenant:
// a trace that several tenants sent is none's.)
Status put_root(store::Transaction& transaction, const std::string& trace, const SpanData& span) {
  TRY(transaction.execute(
      "UPDATE traces SET name = ?, route = ?, http_status = ?, product = ?, answer_id = ?, request_id = ?, job_id = ?, job_kind = ?, "
      "tenant = CASE tenant WHEN '' THEN ? WHEN ? THEN tenant ELSE '(several)' END, duration_ms = ? WHERE trace_id = ?",
      {span.name, text_of(span, "http.route"), integer_of(span, "http.response.status_code"), text_of(span, "strata.product"),
       text_of(span, "strata.answer_id"), text_of(span, "strata.request_id"), text_of(span, "strata.job_id"), text_of(span, "strata.job_kind"),
       text_of(span, "strata.tenant"), text_of(span, "strata.tenant"), static_cast<double>(span.duration_ns) / 1e6, trace}));
  return {};
}

// One span's share of its trace's sums. (Embeddings count as calls of a model, too, but their tokens are not a conversation's.)
Status add_to_trace(store::Transaction& transaction, const std::string& trace, const SpanData& span) {
  TRY(transaction.execute("INSERT OR IGNORE INTO traces(trace_id, started_ms) VALUES(?, ?)", {trace, span.start_ns / 1'000'000}));
  const store::Value cost = cost_of_span(span);
  const std::string operation = std::get<std::string>(text_of(span, "gen_ai.operation.name"));
  const bool chat = operation == "chat" || operation == "text_completion";
  TRY(
      transaction.execute("UPDATE traces SET started_ms = min(started_ms, ?), spans = spans + 1, failed = max(failed, ?), model_calls = model_calls + ?, "
                          "input_tokens = input_tokens + ?, cached_tokens = cached_tokens + ?, output_tokens = output_tokens + ?, "
                          "cost = CASE WHEN ? IS NULL THEN cost ELSE coalesce(cost, 0) + ? END WHERE trace_id = ?",
                          {span.start_ns / 1'000'000, int64_t{span.failed}, int64_t{chat}, chat ? integer_of(span, "gen_ai.usage.input_tokens") : int64_t{0},
                           chat ? integer_of(span, "gen_ai.usage.cache_read.input_tokens") : int64_t{0},
                           chat ? integer_of(span, "gen_ai.usage.output_tokens") : int64_t{0}, cost, cost, trace}));
  const std::string model = std::get<std::string>(text_of(span, "gen_ai.request.model"));
  if (!model.empty()) {
    TRY(transaction.execute("UPDATE traces SET models = models || ? || ' ' WHERE trace_id = ? AND instr(models, ' ' || ? || ' ') = 0", {model, trace, model}));
  }
  return span.root ? put_root(transaction, trace, span) : Status();
}

Summary summary_of(const store::Row& row) {
  Summary s;
  s.id = row.text(0), s.name = row.text(1), s.route = row.text(2), s.product = row.text(3), s.answer_id = row.text(4), s.request_id = row.text(5);
  s.job_id = row.text(6);
  const std::string models = row.text(7);
  for (size_t at = models.find_first_not_of(' '); at != std::string::npos; at = models.find_first_not_of(' ', at)) {
    const size_t end = std::min(models.find(' ', at), models.size());
    s.models.push_back(models.substr(at, end - at));
    at = end;
  }
  s.http_status = static_cast<int>(row.integer(8));
  s.failed = row.integer(9) != 0;
  s.started_ms = row.integer(10);
  s.duration_ms = row.real(11);
  s.spans = static_cast<int>(row.integer(12)), s.model_calls = static_cast<int>(row.integer(13));
  s.input_tokens = row.integer(14), s.cached_tokens = row.integer(15), s.output_tokens = row.integer(16);
  if (!row.is_null(17)) s.cost = row.real(17);
  return s;
}

Json object_at(const store::Row& row, int column) {
  if (row.is_null(column)) return nullptr;
  auto json = Json::parse(row.text(column));
  return json ? std::move(*json) : Json();
}

// Everything but letters that mean something to LIKE.
std::string like(const std::string& text) {
  std::string out = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out + "%";
}

}  // namespace

std::vector<store::Migration> telemetry_migrations() {
  return {{"telemetry", 1, R"(
    CREATE TABLE spans(
      trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT NOT NULL, root INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
      start_ns INTEGER NOT NULL, duration_ns INTEGER NOT NULL, failed INTEGER NOT NULL, error_type TEXT NOT NULL, message TEXT NOT NULL,
      attributes TEXT NOT NULL, content TEXT, receipt TEXT, operation TEXT NOT NULL, model TEXT NOT NULL,
      input_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost REAL,
      PRIMARY KEY(trace_id, span_id)) WITHOUT ROWID;
    CREATE TABLE traces(
      trace_id TEXT PRIMARY KEY, started_ms INTEGER NOT NULL, duration_ms REAL NOT NULL DEFAULT 0, name TEXT NOT NULL DEFAULT '',
      route TEXT NOT NULL DEFAULT '', http_status INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, models TEXT NOT NULL DEFAULT ' ',
      product TEXT NOT NULL DEFAULT '', answer_id TEXT NOT NULL DEFAULT '', request_id TEXT NOT NULL DEFAULT '', job_id TEXT NOT NULL DEFAULT '',
      job_kind TEXT NOT NULL DEFAULT '', spans INTEGER NOT NULL DEFAULT 0, model_calls INTEGER NOT NULL DEFAULT 0,
      input_tokens INTEGER NOT NULL DEFAULT 0, cached_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0, cost REAL);
    CREATE INDEX traces_by_time ON traces(started_ms, trace_id);
    CREATE INDEX traces_by_answer ON traces(answer_id) WHERE answer_id <> '';
  )"},
          // Until now there was one tenant; what names none from here on is nobody's.
          {"telemetry", 2, "ALTER TABLE traces ADD COLUMN tenant TEXT NOT NULL DEFAULT ''; UPDATE traces SET tenant = 'local';"}};
}

std::string_view kind_name(SpanKind kind) {
  switch (kind) {
    case SpanKind::kInternal: return "internal";
    case SpanKind::kServer: return "server";
    case SpanKind::kClient: return "client";
  }
  return "internal";
}

Json attributes_json(const SpanData& span) {
  Json out = Json::object();
  for (auto& [key, value] : span.attributes) out.set(std::string(key), value_json(value));
  return out;
}

Status put_spans(store::Transaction& transaction, const std::vector<SpanData>& spans) {
  for (const SpanData& span : spans) {
    const std::string trace = trace_hex(span.trace);
    TRY(put_span(transaction, trace, span));
    TRY(add_to_trace(transaction, trace, span));
  }
  return {};
}

Result<std::vector<Summary>> find_traces(store::Reader& reader, const Query& q) {
  const std::string status = q.status.empty() ? "" : q.status == "error" ? "1" : "0";
  const std::string text = q.text.empty() ? "" : like(q.text);
  int64_t after_ms = INT64_MAX;
  if (!q.after.empty()) {
    bool known = false;
    TRY(reader.query("SELECT started_ms FROM traces WHERE trace_id = ?", {q.after},
                     [&](const store::Row& row) { return after_ms = row.integer(0), known = true; }));
    if (!known) return not_found("after: there is no trace " + q.after.substr(0, 80) + " (any more): begin again without it", "after");
  }
  std::vector<Summary> out;
  static const std::string kSql =
      std::string(kTraceColumns) +
      "t.name <> '' AND t.started_ms BETWEEN ? AND ? AND (t.started_ms, t.trace_id) < (?, ?) AND (? = '' OR t.route = ?) "
      "AND (? = '' OR instr(t.models, ' ' || ? || ' ') > 0) AND (? = '' OR t.product = ?) AND (? = '' OR t.failed = ?) "
      "AND (? = '' OR t.job_kind = ?) AND t.duration_ms >= ? "
      "AND (? = '' OR t.name LIKE ? ESCAPE '\\' OR EXISTS(SELECT 1 FROM spans s WHERE s.trace_id = t.trace_id AND "
      "(s.name LIKE ? ESCAPE '\\' OR s.message LIKE ? ESCAPE '\\' OR s.attributes LIKE ? ESCAPE '\\' OR s.content LIKE ? ESCAPE '\\'))) "
      "ORDER BY t.started_ms DESC, t.trace_id DESC LIMIT ?";
  TRY(reader.query(kSql, {q.from_ms,  q.to_ms,
                          after_ms,   q.after.empty() ? std::string("~") : q.after,
                          q.route,    q.route,
                          q.model,    q.model,
                          q.product,  q.product,
                          status,     int64_t{status == "1"},
                          q.job_kind, q.job_kind,
                          q.min_ms,   text,
                          text,       text,
                          text,       text,
                          text,       int64_t{q.limit}},
                   [&](const store::Row& row) { return out.push_back(summary_of(row)), true; }));
  return out;
}

Result<std::optional<Summary>> find_trace(store::Reader& reader, const std::string& trace_id) {
  std::optional<Summary> out;
  static const std::string kSql = std::string(kTraceColumns) + "t.trace_id = ?";
  TRY(reader.query(kSql, {trace_id}, [&](const store::Row& row) { return out = summary_of(row), false; }));
  return out;
}

Result<std::vector<StoredSpan>> spans_of(store::Reader& reader, const std::string& trace_id) {
  std::vector<StoredSpan> out;
  TRY(
      reader.query("SELECT span_id, parent_id, name, kind, failed, error_type, message, start_ns, duration_ns, attributes, content, receipt FROM spans "
                   "WHERE trace_id = ? ORDER BY start_ns, root DESC, duration_ns DESC, span_id LIMIT ?",
                   {trace_id, kSpansReadMax}, [&](const store::Row& row) {
                     StoredSpan s;
                     s.id = row.text(0), s.parent_id = row.text(1), s.name = row.text(2), s.kind = row.text(3);
                     s.failed = row.integer(4) != 0, s.error_type = row.text(5), s.message = row.text(6);
                     s.start_ns = row.integer(7), s.duration_ns = row.integer(8);
                     s.attributes = object_at(row, 9), s.content = object_at(row, 10), s.receipt = object_at(row, 11);
                     out.push_back(std::move(s));
                     return true;
                   }));
  return out;
}

Status remove_before(store::Transaction& transaction, int64_t before_ms) {
  TRY(transaction.execute("DELETE FROM spans WHERE trace_id IN (SELECT trace_id FROM traces WHERE started_ms < ?)", {before_ms}));
  TRY(transaction.execute("DELETE FROM traces WHERE started_ms < ?", {before_ms}));
  return {};
}

Result<int64_t> bytes_used(store::Reader& reader) {
  int64_t pages = 0, free = 0, size = 0;
  const auto pragma = [&](const char* sql, int64_t* out) { return reader.query(sql, {}, [&](const store::Row& row) { return *out = row.integer(0), false; }); };
  TRY(pragma("PRAGMA page_count", &pages));
  TRY(pragma("PRAGMA freelist_count", &free));
  TRY(pragma("PRAGMA page_size", &size));
  return (pages - free) * size;
}

Result<int64_t> oldest_share(store::Reader& reader, double share) {
  int64_t count = 0, before = 0;
  TRY(reader.query("SELECT count(*) FROM traces", {}, [&](const store::Row& row) { return count = row.integer(0), false; }));
  const auto skip = static_cast<int64_t>(static_cast<double>(count) * share) + 1;
  TRY(reader.query("SELECT started_ms FROM traces ORDER BY started_ms LIMIT 1 OFFSET ?", {skip},
                   [&](const store::Row& row) { return before = row.integer(0), false; }));
  return before == 0 ? INT64_MAX : before;   // fewer than that: all of them
}

}  // namespace strata::observe
