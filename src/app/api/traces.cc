// /strata/v1/traces: what requests and jobs did, as trees of spans; their replay and comparison; what is kept and sent on.
#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "app/api/api.h"
#include "app/api/params.h"
#include "app/api/reply.h"
#include "app/api/traces.h"
#include "app/receipt.h"
#include "base/text.h"
#include "infra/observe/observe.h"
#include "infra/secret/secret.h"

namespace strata::api {

std::vector<Field> trace_settings_fields() {
  return {{"content", Kind::kBoolean, "Keep prompts, answers and receipts with spans, personal data masked."},
          {"keep_days", Kind::kInteger, "Days that traces are kept.", false, 1, 3650},
          {"keep_mb", Kind::kInteger, "MiB that traces may take; past it the oldest go.", false, 1, 1'000'000},
          {"export_url", Kind::kString, "OTLP/HTTP endpoint of a collector, without /v1/traces; empty: none.", false, 0, 500},
          {"export_format", Kind::kString, "", false, -1e300, 1e300, {"protobuf", "json"}},
          {"export_header", Kind::kString, "'Name: value', sent with each export; kept as a secret; empty: none.", false, 0, 4096}};
}

std::vector<Field> replay_fields() { return {{"span_id", Kind::kString, "One model call; none: all of the trace.", false, 16, 16}}; }

namespace {

constexpr char kHeaderSecret[] = "traces_export_header";

Json maybe(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json summary_json(const observe::Summary& s) {
  Json models = Json::array();
  for (auto& model : s.models) models.push(model);
  return Json::object({{"id", s.id},
                       {"object", "trace"},
                       {"name", s.name.empty() ? Json("(running)") : Json(s.name)},
                       {"route", maybe(s.route)},
                       {"started_at", static_cast<double>(s.started_ms) / 1e3},
                       {"duration_ms", s.duration_ms},
                       {"status", s.failed ? "error" : "ok"},
                       {"http_status", s.http_status ? Json(s.http_status) : Json()},
                       {"models", std::move(models)},
                       {"product", maybe(s.product)},
                       {"answer_id", maybe(s.answer_id)},
                       {"request_id", maybe(s.request_id)},
                       {"job_id", maybe(s.job_id)},
                       {"spans", s.spans},
                       {"model_calls", s.model_calls},
                       {"input_tokens", s.input_tokens},
                       {"cached_tokens", s.cached_tokens},
                       {"output_tokens", s.output_tokens},
                       {"cost", s.cost ? Json(*s.cost) : Json()}});
}

// A number of the query string, or nothing where it is absent.
Result<std::optional<double>> number_of(const http::Request& request, const char* name) {
  const std::string_view text = request.parameter(name);
  if (text.empty()) return std::optional<double>();
  double value = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || !(value >= 0 && value < 1e15))
    return invalid_argument(std::string(name) + ": expected a number from 0, got '" + std::string(text) + "'", name, "invalid_value");
  return std::optional<double>(value);
}

Status check_names(const http::Request& request, const std::vector<std::string_view>& known) {
  for (auto& [name, value] : request.query) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string_view nearest = nearest_name(name, known);
    return invalid_argument(name + ": unknown parameter" + (nearest.empty() ? "" : "; did you mean '" + std::string(nearest) + "'?"), name,
                            "unknown_parameter");
  }
  return {};
}

Result<observe::Query> parse_query(const http::Request& request, const Page& page) {
  TRY(check_names(request, {"from", "to", "route", "model", "product", "status", "min_ms", "text", "job_kind", "limit", "after"}));
  observe::Query query;
  TRY_ASSIGN(auto from, number_of(request, "from"));
  TRY_ASSIGN(auto to, number_of(request, "to"));
  TRY_ASSIGN(auto least, number_of(request, "min_ms"));
  if (from) query.from_ms = static_cast<int64_t>(*from * 1e3);
  if (to) query.to_ms = static_cast<int64_t>(*to * 1e3);
  query.min_ms = least.value_or(0);
  query.route = request.parameter("route");
  query.model = request.parameter("model");
  query.product = request.parameter("product");
  query.status = request.parameter("status");
  query.text = request.parameter("text");
  query.job_kind = request.parameter("job_kind");
  if (!query.status.empty() && query.status != "ok" && query.status != "error")
    return invalid_argument("status: expected 'ok' or 'error', got '" + query.status + "'", "status", "invalid_value");
  query.limit = page.limit + 1;
  query.after = page.after;
  return query;
}

Result<Json> list_traces(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Page page, parse_page(request, 50, 500));
  TRY_ASSIGN(observe::Query query, parse_query(request, page));
  services.observer->flush();
  TRY_ASSIGN(auto rows, services.observer->list(context, query));
  Json::Array items;
  for (auto& row : rows) items.push_back(summary_json(row));
  Json out = list_json(std::move(items), page.limit);
  out.set("currency", services.observer->prices().currency);
  return out;
}

// JSON that was stored as text, as what it is.
Json opened(const Json& value) {
  const std::string* text = value.as_string();
  if (text == nullptr || text->empty() || (text->front() != '[' && text->front() != '{')) return value;
  auto json = Json::parse(*text);
  return json ? std::move(*json) : value;
}

Json span_json(const observe::StoredSpan& span, int64_t begin_ns) {
  Json content = Json::object();
  if (auto* members = span.content.as_object())
    for (auto& [key, value] : *members) content.set(key, opened(value));
  Json error = span.failed ? Json::object({{"type", span.error_type}, {"message", span.message}}) : Json();
  return Json::object({{"id", span.id},
                       {"parent_id", maybe(span.parent_id)},
                       {"name", span.name},
                       {"kind", span.kind},
                       {"start_ms", static_cast<double>(span.start_ns - begin_ns) / 1e6},
                       {"duration_ms", static_cast<double>(span.duration_ns) / 1e6},
                       {"status", span.failed ? "error" : "ok"},
                       {"error", std::move(error)},
                       {"cost", span.attributes["strata.cost"]},
                       {"attributes", span.attributes},
                       {"content", std::move(content)},
                       {"replayable", !span.receipt.is_null()}});
}

using Children = std::map<std::string, std::vector<const observe::StoredSpan*>>;

// Deeper than any of ours nests: a tree that pretends to is cut, so that it cannot exhaust the stack.
constexpr int kDepthMax = 50;

Json branch(const observe::StoredSpan& span, const Children& children, int64_t begin_ns, int depth) {
  Json out = span_json(span, begin_ns), below = Json::array();
  if (auto found = children.find(span.id); found != children.end() && depth < kDepthMax)
    for (auto* child : found->second)
      if (child != &span) below.push(branch(*child, children, begin_ns, depth + 1));
  out.set("children", std::move(below));
  return out;
}

// Spans whose parent is not ours (another service's, or not ended yet) stand at the top.
Json tree_json(const std::vector<observe::StoredSpan>& spans) {
  std::set<std::string> ids;
  for (auto& span : spans) ids.insert(span.id);
  Children children;
  Json out = Json::array();
  int64_t begin_ns = spans.empty() ? 0 : spans.front().start_ns;
  for (auto& span : spans)
    if (ids.count(span.parent_id)) children[span.parent_id].push_back(&span);
  for (auto& span : spans)
    if (!ids.count(span.parent_id)) out.push(branch(span, children, begin_ns, 0));
  return out;
}

struct Whole {
  observe::Summary summary;
  std::vector<observe::StoredSpan> spans;
};

Result<Whole> load(const Services& services, const Context& context, const std::string& id) {
  Whole out;
  services.observer->flush();
  TRY_ASSIGN(out.summary, services.observer->summary(context, id));
  TRY_ASSIGN(out.spans, services.observer->spans(context, id));
  return out;
}

Result<Json> one_trace(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Whole trace, load(services, context, request.captures[0]));
  Json out = summary_json(trace.summary);
  out.set("currency", services.observer->prices().currency);
  out.set("tree", tree_json(trace.spans));
  return out;
}

// One model call again, from its receipt.
Json replay_span(const Services& services, const Context& context, const observe::StoredSpan& span) {
  Json out = Json::object({{"span_id", span.id}, {"name", span.name}});
  const auto failed = [&](const Error& error) {
    out.set("same", nullptr);
    out.set("difference", error.message);
    return out;
  };
  auto receipt = app::receipt_from(span.receipt);
  if (!receipt) return failed(receipt.error());
  auto model = services.models->find(receipt->adapter.empty() ? receipt->model : receipt->adapter);
  if (!model) return failed(model.error());
  auto replay = app::replay(context, **model, *receipt);
  if (!replay) return failed(replay.error());
  out.set("same", replay->same);
  out.set("tokens", receipt->output.size());
  out.set("first_difference", replay->same ? Json() : Json(replay->first_difference));
  out.set("difference", replay->same ? Json() : Json(replay->difference));
  return out;
}

Result<Json> replay_trace(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body.empty() ? "{}" : request.body));
  TRY_ASSIGN(Body body, Body::parse(replay_fields(), json));
  TRY_ASSIGN(Whole trace, load(services, context, request.captures[0]));
  const std::string wanted = body.text("span_id");
  Json calls = Json::array();
  bool same = true, known = wanted.empty();
  for (auto& span : trace.spans) {
    if (!wanted.empty() && span.id != wanted) continue;
    known = true;
    if (span.receipt.is_null()) continue;
    TRY(context.check());
    Json call = replay_span(services, context, span);
    same = same && call["same"] == Json(true);
    calls.push(std::move(call));
  }
  if (!known) return not_found("span_id: the trace has no span " + wanted, "span_id");
  if (calls.size() == 0)
    return failed_precondition(
        "nothing here can be run again: receipts are kept of local models' calls without an output format, while traces keep content (PATCH "
        "/strata/v1/traces/settings {\"content\": true}), and not beside personal data");
  return Json::object({{"trace_id", trace.summary.id}, {"same", same}, {"calls", std::move(calls)}});
}

// Spans by their place in the tree: the names from the top, numbered among siblings of one name.
std::vector<std::pair<std::string, const observe::StoredSpan*>> by_place(const std::vector<observe::StoredSpan>& spans) {
  std::map<std::string, std::string> place;   // of a span id
  std::map<std::string, int> seen;
  std::vector<std::pair<std::string, const observe::StoredSpan*>> out;
  for (auto& span : spans) {   // by start: parents first
    auto above = place.find(span.parent_id);
    std::string at = (above == place.end() ? "" : above->second + " › ") + span.name;
    if (int number = ++seen[at]; number > 1) at += " (" + std::to_string(number) + ")";
    place[span.id] = at;
    out.emplace_back(at, &span);
  }
  return out;
}

Json changes_json(const observe::StoredSpan& a, const observe::StoredSpan& b) {
  Json out = Json::array();
  const auto compare = [&](const Json& left, const Json& right) {
    std::set<std::string> keys;
    for (auto* side : {&left, &right})
      if (auto* members = side->as_object())
        for (auto& [key, value] : *members) keys.insert(key);
    for (auto& key : keys)
      if (!(left[key] == right[key])) out.push(Json::object({{"key", key}, {"a", opened(left[key])}, {"b", opened(right[key])}}));
  };
  compare(a.attributes, b.attributes);
  compare(a.content, b.content);
  return out;
}

Result<Json> diff_traces(const Services& services, const Context& context, const http::Request& request) {
  TRY(check_names(request, {"a", "b"}));
  for (const char* name : {"a", "b"})
    if (request.parameter(name).empty()) return invalid_argument("expected two traces, ?a=ID&b=ID", name, "missing_required_parameter");
  TRY_ASSIGN(Whole a, load(services, context, std::string(request.parameter("a"))));
  TRY_ASSIGN(Whole b, load(services, context, std::string(request.parameter("b"))));
  auto left = by_place(a.spans), right = by_place(b.spans);
  std::map<std::string, const observe::StoredSpan*> others(right.begin(), right.end());
  Json rows = Json::array();
  const auto row = [&](const std::string& place, const observe::StoredSpan* one, const observe::StoredSpan* other) {
    const auto ms = [](const observe::StoredSpan* span) { return span ? Json(static_cast<double>(span->duration_ns) / 1e6) : Json(); };
    rows.push(Json::object({{"place", place},
                            {"in", one && other ? "both"
                                   : one        ? "a"
                                                : "b"},
                            {"a", one ? Json(one->id) : Json()},
                            {"b", other ? Json(other->id) : Json()},
                            {"a_ms", ms(one)},
                            {"b_ms", ms(other)},
                            {"changes", one && other ? changes_json(*one, *other) : Json::array()}}));
  };
  for (auto& [place, span] : left) {
    auto other = others.find(place);
    row(place, span, other == others.end() ? nullptr : other->second);
    if (other != others.end()) others.erase(other);
  }
  for (auto& [place, span] : right)
    if (others.count(place)) row(place, nullptr, span);
  return Json::object({{"a", summary_json(a.summary)}, {"b", summary_json(b.summary)}, {"spans", std::move(rows)}});
}

Json settings_json(const Services& services) {
  const auto s = services.observer->settings();
  const auto stats = services.observer->stats();
  return Json::object({{"content", s.content},
                       {"keep_days", s.keep_days},
                       {"keep_mb", s.keep_mb},
                       {"export_url", s.export_url},
                       {"export_format", s.export_json ? "json" : "protobuf"},
                       {"has_export_header", !s.export_header.empty()},
                       {"spans", Json::object({{"taken", stats.taken},
                                               {"stored", stats.stored},
                                               {"dropped", stats.dropped},
                                               {"exported", stats.exported},
                                               {"export_dropped", stats.export_dropped}})}});
}

Result<Json> get_settings(const Services& services, const Context&, const http::Request&) { return settings_json(services); }

Result<Json> change_settings(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(trace_settings_fields(), json));
  observe::Settings s = services.observer->settings();
  s.content = body.flag("content", s.content);
  s.keep_days = static_cast<int>(body.integer("keep_days", s.keep_days));
  s.keep_mb = body.integer("keep_mb", s.keep_mb);
  s.export_url = body.text("export_url", s.export_url);
  if (!s.export_url.empty() && !s.export_url.starts_with("http://") && !s.export_url.starts_with("https://"))
    return invalid_argument("export_url: expected http:// or https://, got '" + s.export_url.substr(0, 80) + "'", "export_url", "invalid_value");
  s.export_json = body.text("export_format", s.export_json ? "json" : "protobuf") == "json";
  if (body.has("export_header")) {
    s.export_header = body.text("export_header");
    if (!s.export_header.empty() && s.export_header.find(": ") == std::string::npos)
      return invalid_argument("export_header: expected 'Name: value'", "export_header", "invalid_value");
    if (!s.export_header.empty()) TRY(services.secrets->set(context, kHeaderSecret, s.export_header));
    else if (auto gone = services.secrets->remove(context, kHeaderSecret); !gone && gone.error().code != Code::kNotFound) return gone.error();
  }
  TRY(services.observer->save(context, s));
  TRY(services.observer->prune(context));
  return settings_json(services);
}

Result<Json> remove_traces(const Services& services, const Context& context, const http::Request& request) {
  TRY(check_names(request, {"before"}));
  TRY_ASSIGN(auto before, number_of(request, "before"));
  TRY(services.observer->remove(context, before ? static_cast<int64_t>(*before * 1e3) : INT64_MAX));
  return Json::object({{"deleted", true}});
}

}  // namespace

std::string trace_header_secret() { return kHeaderSecret; }

void add_trace_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const http::Request&);
  auto add = [&](const char* method, const char* pattern, Function function, bool traced) {
    http::RouteOptions options;
    options.traced = traced;   // who looks at traces makes none
    server.route(
        method, pattern,
        [&services, function](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
          send(*responder, function(services, context, request));
        },
        options);
  };
  add("GET", "/strata/v1/traces", list_traces, false);
  add("DELETE", "/strata/v1/traces", remove_traces, false);
  add("GET", "/strata/v1/traces/settings", get_settings, false);
  add("PATCH", "/strata/v1/traces/settings", change_settings, false);
  add("GET", "/strata/v1/traces/diff", diff_traces, false);
  add("GET", "/strata/v1/traces/{}", one_trace, false);
  add("POST", "/strata/v1/traces/{}/replay", replay_trace, true);
}

}  // namespace strata::api
