// Loading a week's rows, and the settings of a product.
#include "product/metrics/metrics.h"

namespace strata::product_metrics {
namespace {

using outcome::Filter;
using outcome::Week;
using store::Reader;
using store::Row;
using store::Transaction;

constexpr int kPage = 10'000;

// Every page of a list.
template <class T, class Next>
Result<std::vector<T>> all(const Context& context, const Next& next) {
  std::vector<T> rows;
  for (std::string after;;) {
    TRY(context.check());
    TRY_ASSIGN(auto page, next(kPage, after));
    bool last = page.size() < static_cast<size_t>(kPage);
    for (auto& row : page) rows.push_back(std::move(row));
    if (last) return rows;
    after = rows.back().id;
  }
}

Status load_use(const Context& context, outcome::Outcomes& from, const std::string& product, Week week, Events& events) {
  auto list = [&](auto method, std::string kind) {
    return [&from, &context, method, filter = Filter::of(product, week, std::move(kind))](int limit, const std::string& after) {
      return (from.*method)(context, filter, limit, after);
    };
  };
  TRY_ASSIGN(events.opened, all<outcome::Conversation>(context, list(&outcome::Outcomes::conversations, "")));
  TRY_ASSIGN(events.outputs, all<outcome::Output>(context, list(&outcome::Outcomes::outputs, "")));
  TRY_ASSIGN(events.decided, all<outcome::Draft>(context, list(&outcome::Outcomes::drafts, "decided")));
  return {};
}

}  // namespace

std::vector<store::Migration> migrations() {
  return {{"product_metrics", 1, R"(
    CREATE TABLE product_metrics_settings(
      product TEXT NOT NULL PRIMARY KEY,
      json TEXT NOT NULL);
  )"}};
}

Status Metrics::forget(const Context& context, const std::string& product) {
  if (outcomes_.product(context, product)) return failed_precondition("the product '" + product + "' exists: its settings stay");
  return store_.write(context, [&](store::Transaction& transaction) -> Status {
    TRY(transaction.execute("DELETE FROM product_metrics_settings WHERE product = ?", {product}));
    return {};
  });
}

Result<Settings> Metrics::settings(const Context& context, const std::string& product) {
  TRY(outcomes_.product(context, product));
  std::string text = "{}";
  TRY(store_.read(context, [&](Reader& reader) {
    return reader.query("SELECT json FROM product_metrics_settings WHERE product = ?", {product}, [&](const Row& row) { return text = row.text(0), false; });
  }));
  TRY_ASSIGN(Json json, Json::parse(text));
  return settings_from(json);
}

Status Metrics::set_settings(const Context& context, const std::string& product, const Settings& settings) {
  TRY(outcomes_.product(context, product));
  Json json = settings_json(settings);
  TRY(settings_from(json));
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(transaction.execute("INSERT INTO product_metrics_settings(product, json) VALUES(?, ?) ON CONFLICT(product) DO UPDATE SET json = excluded.json",
                            {product, json.dump()}));
    return {};
  });
}

Result<Events> Metrics::load(const Context& context, const std::string& product, Week week) {
  Events events, before;
  events.week = week;
  auto list = [&](auto method, Filter filter) {
    return [this, &context, method, filter = std::move(filter)](int limit, const std::string& after) {
      return (outcomes_.*method)(context, filter, limit, after);
    };
  };
  TRY(load_use(context, outcomes_, product, week, events));
  TRY(load_use(context, outcomes_, product, week.plus(-1), before));
  events.active_before = active_users(before);
  TRY_ASSIGN(events.ended, all<outcome::Conversation>(context, list(&outcome::Outcomes::conversations, Filter::of(product, week, "ended"))));
  TRY_ASSIGN(events.judgements, all<outcome::Judgement>(context, list(&outcome::Outcomes::judgements, Filter::of(product, week))));
  TRY_ASSIGN(events.satisfaction, all<outcome::Satisfaction>(context, list(&outcome::Outcomes::satisfaction, Filter::of(product, week))));
  TRY_ASSIGN(events.facts, outcomes_.facts_of(context, product, week));
  Filter until = Filter::of(product, week);
  until.begin_ms = 0;
  TRY_ASSIGN(events.developer_events, all<outcome::DeveloperEvent>(context, list(&outcome::Outcomes::developer_events, until)));
  Filter month = Filter::of(product, week);
  month.begin_ms = week.end_ms() - 4 * Week::kMs;
  TRY_ASSIGN(events.developer_days, outcomes_.developer_days(context, month));
  TRY_ASSIGN(events.calls, all<outcome::Call>(context, list(&outcome::Outcomes::calls, Filter::of(product, week))));
  return events;
}

Result<Report> Metrics::week(const Context& context, const std::string& product, Week week) {
  TRY_ASSIGN(auto reports, weeks(context, product, week, 3));   // the edit-rate rule looks two weeks back
  return std::move(reports.back());
}

Result<std::vector<Report>> Metrics::weeks(const Context& context, const std::string& product, Week last, int count) {
  if (count < 1 || count > kWeeksMax)
    return invalid_argument("count must be between 1 and " + std::to_string(kWeeksMax) + ", got " + std::to_string(count), "count");
  TRY_ASSIGN(Settings chosen, settings(context, product));
  std::vector<Report> reports;
  std::vector<std::optional<double>> edit_rates;
  for (int i = count - 1; i >= 0; --i) {
    TRY_ASSIGN(Events events, load(context, product, last.plus(-i)));
    reports.push_back(measure(events, chosen));
    edit_rates.push_back(reports.back().nine[5].value);
    reports.back().alerts = edit_alerts(edit_rates, chosen);
  }
  return reports;
}

}  // namespace strata::product_metrics
