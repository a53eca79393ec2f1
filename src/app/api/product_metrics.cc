// /strata/v1/products/{id}: metrics of a week, trends, health, settings, and the rows behind every number.
#include "product/metrics/metrics.h"

#include "app/api/openapi.h"
#include "app/api/outcomes.h"
#include "app/api/reply.h"

namespace strata::api {

// Read and checked by product/metrics; here they are only listed.
std::vector<Field> metric_settings_fields() {
  std::vector<Field> fields;
  const Json defaults = product_metrics::settings_json({});
  for (auto& [name, value] : *defaults.as_object()) {
    Field field{name, Kind::kNumber, value.is_null() ? "USD per million tokens." : "A target, as a metric's comparison says."};
    field.fallback = value;
    fields.push_back(std::move(field));
  }
  return fields;
}

namespace {

using http::Request;
using outcome::Filter;
using outcome::Week;
using product_metrics::Number;
using product_metrics::Report;
using product_metrics::Source;

Result<Week> week_of(const Services& services, const Request& request, const char* name = "week") {
  auto text = request.parameter(name);
  if (text.empty()) return Week::of(services.clock->unix_ms());
  return Week::parse(text);
}

Json value_json(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

// Where the rows are; a range that is no whole week is given in unix seconds.
std::string rows_href(const std::string& product, const Source& source) {
  std::string href = "/strata/v1/products/" + product + "/rows?list=" + source.list;
  if (!source.kind.empty()) href += "&kind=" + source.kind;
  Week week = Week::of(source.begin_ms);
  if (week.begin_ms() == source.begin_ms && week.end_ms() == source.end_ms) return href + "&week=" + week.text();
  return href + "&begin=" + std::to_string(source.begin_ms / 1000) + "&end=" + std::to_string(source.end_ms / 1000);
}

Json number_json(const std::string& product, const Number& number) {
  Json rows = Json::array();
  for (auto& source : number.sources)
    rows.push(Json::object(
        {{"list", source.list}, {"kind", source.kind.empty() ? Json() : Json(source.kind)}, {"count", source.rows}, {"href", rows_href(product, source)}}));
  return Json::object({{"key", number.key},
                       {"label", number.label},
                       {"unit", number.unit},
                       {"value", value_json(number.value)},
                       {"note", number.note.empty() ? Json() : Json(number.note)},
                       {"rows", std::move(rows)}});
}

Json numbers_json(const std::string& product, const std::vector<Number>& numbers) {
  Json out = Json::array();
  for (auto& number : numbers) out.push(number_json(product, number));
  return out;
}

// The nine, each with its target.
Json nine_json(const std::string& product, const Report& report) {
  Json out = Json::array();
  for (size_t i = 0; i < report.nine.size(); ++i) {
    const auto& target = report.targets[i];
    Json row = number_json(product, report.nine[i]);
    row.set("layer", target.layer);
    row.set("definition", target.definition);
    row.set("comparison", target.comparison);
    row.set("target", value_json(target.target));
    row.set("status", health_name(target.health));
    out.push(std::move(row));
  }
  return out;
}

Json health_json(const Report& report) {
  Json checks = Json::object();
  int passing = 0;
  for (auto& check : report.health) {
    checks.set(std::string(check.metric), health_name(check.health));
    passing += check.health == product_metrics::Health::kPass;
  }
  return Json::object({{"checks", std::move(checks)}, {"passing", passing}, {"total", report.health.size()}});
}

Json report_json(const std::string& product, const Report& report) {
  Json alerts = Json::array();
  for (auto& alert : report.alerts) alerts.push(alert);
  return Json::object({{"product", product},
                       {"week", report.week.text()},
                       {"begin_at", seconds_of(report.week.begin_ms())},
                       {"end_at", seconds_of(report.week.end_ms())},
                       {"simulated", report.simulated},
                       {"metrics", nine_json(product, report)},
                       {"edit_distance", number_json(product, report.edit_distance)},
                       {"health", health_json(report)},
                       {"alerts", std::move(alerts)},
                       {"layer_warning", product_metrics::kLayerWarning},
                       {"impact", numbers_json(product, report.impact)},
                       {"technical", numbers_json(product, report.technical)},
                       {"developer", numbers_json(product, report.developer)}});
}

Result<Json> one_week(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Week week, week_of(services, request));
  TRY_ASSIGN(auto report, services.product_metrics->week(context, request.captures[0], week));
  return report_json(request.captures[0], report);
}

Result<Json> weeks(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Week last, week_of(services, request, "last"));
  TRY_ASSIGN(Page page, parse_page(request, 8, product_metrics::kWeeksMax));
  TRY_ASSIGN(auto reports, services.product_metrics->weeks(context, request.captures[0], last, page.limit));
  Json data = Json::array();
  for (auto& report : reports) data.push(report_json(request.captures[0], report));
  return Json::object({{"object", "list"}, {"data", std::move(data)}, {"has_more", false}});
}

Result<Json> health(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Week week, week_of(services, request));
  TRY_ASSIGN(auto report, services.product_metrics->week(context, request.captures[0], week));
  Json out = health_json(report);
  out.set("week", week.text());
  return out;
}

// What stands, and what it would be if nothing were set.
Json settings_body(const product_metrics::Settings& settings) {
  Json out = product_metrics::settings_json(settings);
  out.set("defaults", product_metrics::settings_json({}));
  return out;
}

Result<Json> get_settings(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto settings, services.product_metrics->settings(context, request.captures[0]));
  return settings_body(settings);
}

Result<Json> change_settings(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Json changes, parse_object(request.body));
  TRY_ASSIGN(auto stands, services.product_metrics->settings(context, request.captures[0]));
  Json merged = settings_json(stands);
  for (auto& [name, value] : *changes.as_object()) merged.set(name, value);
  TRY_ASSIGN(auto settings, product_metrics::settings_from(merged));
  TRY(services.product_metrics->set_settings(context, request.captures[0], settings));
  return settings_body(settings);
}

template <class Row>
using Maker = Json (*)(const Row&);

template <class Row>
Json page_json(const std::vector<Row>& rows, Maker<Row> make, int limit) {
  Json::Array items;
  for (auto& row : rows) items.push_back(make(row));
  return list_json(std::move(items), limit);
}

Json draft_row(const outcome::Draft& row) { return draft_json(row, true); }

Result<Json> days_json(outcome::Outcomes& from, const Context& context, const Filter& filter) {
  TRY_ASSIGN(auto days, from.developer_days(context, filter));
  Json data = Json::array();
  for (auto& day : days)
    data.push(Json::object(
        {{"product", day.product}, {"developer", day.developer}, {"day_at", seconds_of(day.day_ms)}, {"calls", day.calls}, {"simulated", day.simulated}}));
  return Json::object({{"object", "list"}, {"data", std::move(data)}, {"has_more", false}});
}

Result<Json> list_rows(outcome::Outcomes& from, const Context& context, const std::string& list, const Filter& filter, const Page& page) {
  auto paged = [&](auto method, auto make) -> Result<Json> {
    TRY_ASSIGN(auto rows, (from.*method)(context, filter, page.limit + 1, page.after));
    return page_json<typename decltype(rows)::value_type>(rows, make, page.limit);
  };
  if (list == "conversations") return paged(&outcome::Outcomes::conversations, outcome_json);
  if (list == "outputs") return paged(&outcome::Outcomes::outputs, output_json);
  if (list == "drafts") return paged(&outcome::Outcomes::drafts, draft_row);
  if (list == "handovers") return paged(&outcome::Outcomes::handovers, handover_json);
  if (list == "judgements") return paged(&outcome::Outcomes::judgements, judgement_json);
  if (list == "satisfaction") return paged(&outcome::Outcomes::satisfaction, satisfaction_json);
  if (list == "facts") return paged(&outcome::Outcomes::facts, fact_json);
  if (list == "developer_events") return paged(&outcome::Outcomes::developer_events, developer_event_json);
  if (list == "calls") return paged(&outcome::Outcomes::calls, call_json);
  if (list == "developer_days") return days_json(from, context, filter);
  return invalid_argument(
      "list: expected one of conversations, outputs, drafts, handovers, judgements, satisfaction, facts, developer_events, developer_days, calls; got '" +
          list + "'",
      "list");
}

Result<int64_t> seconds_parameter(const Request& request, const char* name, int64_t absent_ms) {
  auto text = request.parameter(name);
  if (text.empty()) return absent_ms;
  auto json = Json::parse(text);
  auto seconds = json ? json->to_int(name) : Result<int64_t>(json.error());
  if (!seconds || *seconds < 0 || *seconds > 4'000'000'000'000) return invalid_argument(std::string(name) + ": expected unix seconds", name);
  return *seconds * 1000;
}

// What is behind a metric: its sources, and the rows of the first.
Result<Json> rows_of_metric(const Services& services, const Context& context, const Request& request, const std::string& metric, Page page) {
  const std::string& product = request.captures[0];
  TRY_ASSIGN(Week week, week_of(services, request));
  TRY_ASSIGN(auto report, services.product_metrics->week(context, product, week));
  std::vector<Number> all = report.nine;
  for (auto* more : {&report.impact, &report.technical, &report.developer}) all.insert(all.end(), more->begin(), more->end());
  all.push_back(report.edit_distance);
  std::string names;
  for (auto& number : all) {
    if (number.key == metric) {
      Json out = Json::object({{"object", "list"}, {"data", Json::array()}, {"has_more", false}});
      if (!number.sources.empty()) {
        const Source& source = number.sources[0];
        Filter filter{.product = product, .begin_ms = source.begin_ms, .end_ms = source.end_ms, .kind = source.kind, .texts = true};
        TRY_ASSIGN(out, list_rows(*services.outcomes, context, source.list, filter, page));
      }
      out.set("metric", number_json(product, number));
      return out;
    }
    names += (names.empty() ? "" : ", ") + number.key;
  }
  return invalid_argument("metric: expected one of " + names + "; got '" + metric.substr(0, 100) + "'", "metric");
}

Result<Json> rows(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Page page, parse_page(request, 50, 1000));
  TRY(services.outcomes->product(context, request.captures[0]));
  if (std::string metric(request.parameter("metric")); !metric.empty()) return rows_of_metric(services, context, request, metric, page);
  Filter filter{.product = request.captures[0], .kind = std::string(request.parameter("kind")), .user = std::string(request.parameter("user")), .texts = true};
  if (!request.parameter("week").empty()) {
    TRY_ASSIGN(Week week, week_of(services, request));
    filter.begin_ms = week.begin_ms(), filter.end_ms = week.end_ms();
  }
  TRY_ASSIGN(filter.begin_ms, seconds_parameter(request, "begin", filter.begin_ms));
  TRY_ASSIGN(filter.end_ms, seconds_parameter(request, "end", filter.end_ms));
  return list_rows(*services.outcomes, context, std::string(request.parameter("list")), filter, page);
}

Result<Json> facts(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Week week, week_of(services, request));
  TRY(services.outcomes->product(context, request.captures[0]));
  TRY_ASSIGN(auto held, services.outcomes->facts_of(context, request.captures[0], week));
  Json data = Json::array();
  for (auto& fact : held) data.push(fact_json(fact));
  return Json::object({{"object", "list"}, {"week", week.text()}, {"data", std::move(data)}, {"has_more", false}});
}

}  // namespace

void add_product_metric_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const Request&);
  auto add = [&](const char* method, const char* pattern, Function function) {
    server.route(method, pattern, [&services, function](const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, function(services, context, request));
    });
  };
  add("GET", "/strata/v1/products/{}/metrics", one_week);
  add("GET", "/strata/v1/products/{}/weeks", weeks);
  add("GET", "/strata/v1/products/{}/health", health);
  add("GET", "/strata/v1/products/{}/rows", rows);
  add("GET", "/strata/v1/products/{}/facts", facts);
  add("GET", "/strata/v1/products/{}/metrics/settings", get_settings);
  add("PATCH", "/strata/v1/products/{}/metrics/settings", change_settings);
}

}  // namespace strata::api
