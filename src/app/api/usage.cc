// /strata/v1/usage and /strata/v1/prices: what models' calls cost, by day, model or product, and the table of prices behind it.
#include <fstream>

#include "app/api/api.h"
#include "app/api/params.h"
#include "app/api/reply.h"
#include "app/api/traces.h"
#include "base/file.h"
#include "infra/observe/observe.h"

namespace strata::api {

std::vector<Field> price_fields() { return {{"text", Kind::kString, "The table as TOML.", true, 0, 1'000'000}}; }

namespace {

constexpr int64_t kDayMs = 24LL * 3600 * 1000;

std::string path_of(const Services& services) { return services.data_folder + "/prices.toml"; }

// A day as "2026-11-22"; the parameter's, or the fallback.
Result<std::string> day_of(const http::Request& request, const char* name, std::string fallback) {
  const std::string_view text = request.parameter(name);
  if (text.empty()) return fallback;
  bool right = text.size() == 10 && text[4] == '-' && text[7] == '-';
  for (size_t i = 0; right && i < text.size(); ++i) right = i == 4 || i == 7 || (text[i] >= '0' && text[i] <= '9');
  if (!right) return invalid_argument(std::string(name) + ": expected a day such as 2026-11-22, got '" + std::string(text) + "'", name, "invalid_value");
  return std::string(text);
}

Json row_json(const observe::UsageRow& row) {
  return Json::object({{"key", row.key},
                       {"calls", row.calls},
                       {"failed", row.failed},
                       {"unpriced_calls", row.unpriced},
                       {"input_tokens", row.input_tokens},
                       {"cached_tokens", row.cached_tokens},
                       {"output_tokens", row.output_tokens},
                       {"cpu_seconds", row.cpu_s},
                       {"cost", row.cost}});
}

Result<Json> usage(const Services& services, const Context& context, const http::Request& request) {
  const std::string by = request.parameter("by").empty() ? "day" : std::string(request.parameter("by"));
  if (by != "day" && by != "model" && by != "product")
    return invalid_argument("by: expected 'day', 'model' or 'product', got '" + by + "'", "by", "invalid_value");
  const int64_t now = services.clock->unix_ms();
  TRY_ASSIGN(std::string from, day_of(request, "from", iso8601(now - 29 * kDayMs).substr(0, 10)));
  TRY_ASSIGN(std::string to, day_of(request, "to", iso8601(now).substr(0, 10)));
  TRY_ASSIGN(auto rows, services.observer->usage(context,
                                                 by == "day"     ? observe::By::kDay
                                                 : by == "model" ? observe::By::kModel
                                                                 : observe::By::kProduct,
                                                 from, to));
  Json data = Json::array();
  observe::UsageRow total;
  for (auto& row : rows) {
    data.push(row_json(row));
    total.calls += row.calls, total.failed += row.failed, total.unpriced += row.unpriced;
    total.input_tokens += row.input_tokens, total.cached_tokens += row.cached_tokens, total.output_tokens += row.output_tokens;
    total.cpu_s += row.cpu_s, total.cost += row.cost;
  }
  total.key = "total";
  return Json::object({{"object", "list"},
                       {"by", by},
                       {"from", from},
                       {"to", to},
                       {"currency", services.observer->prices().currency},
                       {"data", std::move(data)},
                       {"total", row_json(total)}});
}

Result<Json> get_prices(const Services& services, const Context&, const http::Request&) {
  const observe::Prices prices = services.observer->prices();
  Json models = Json::object();
  for (auto& [id, price] : prices.models) models.set(id, Json::object({{"input", price.input}, {"cached", price.cached}, {"output", price.output}}));
  std::ifstream file(path_of(services), std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  return Json::object({{"currency", prices.currency},
                       {"per_tokens", 1'000'000},
                       {"models", std::move(models)},
                       {"local", Json::object({{"cpu_hour", prices.cpu_hour ? Json(*prices.cpu_hour) : Json()}})},
                       {"text", text}});
}

Result<Json> put_prices(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(price_fields(), json));
  TRY_ASSIGN(observe::Prices prices, observe::parse_prices(body.text("text"), "prices.toml"));
  TRY(replace_file(path_of(services), body.text("text")));
  services.observer->set_prices(std::move(prices));
  return get_prices(services, context, request);
}

}  // namespace

void add_usage_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const http::Request&);
  auto add = [&](const char* method, const char* pattern, Function function) {
    server.route(method, pattern, [&services, function](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, function(services, context, request));
    });
  };
  add("GET", "/strata/v1/usage", usage);
  add("GET", "/strata/v1/prices", get_prices);
  add("PUT", "/strata/v1/prices", put_prices);
}

}  // namespace strata::api
