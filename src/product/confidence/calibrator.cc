// The installation's own table: one row.
#include <cmath>

#include "base/json.h"
#include "base/log.h"
#include "product/confidence/confidence.h"

namespace strata::confidence {
namespace {

using store::Row;
using store::Transaction;

constexpr size_t kPointsMax = 4096;

std::string dump(const std::vector<Point>& points) {
  Json out = Json::array();
  for (const Point& point : points) out.push(Json::array({point.raw, point.calibrated}));
  return out.dump();
}

Error damaged() { return data_loss("calibration: the stored table is damaged; `strata answer calibrate --reset` removes it"); }

// Checked like any outside input: a table that falls would turn a better answer into a worse label.
Result<std::vector<Point>> parse(const std::string& text) {
  auto json = Json::parse(text);
  if (!json || json->as_array() == nullptr || json->size() < 1 || json->size() > kPointsMax) return damaged();
  std::vector<Point> points;
  for (const Json& item : *json->as_array()) {
    const Json::Array* pair = item.as_array();
    if (pair == nullptr || pair->size() != 2) return damaged();
    const auto raw = (*pair)[0].to_double("raw"), calibrated = (*pair)[1].to_double("calibrated");
    if (!raw || !calibrated || !(*calibrated >= 0 && *calibrated <= 1) || !std::isfinite(*raw)) return damaged();
    if (!points.empty() && (*raw <= points.back().raw || *calibrated < points.back().calibrated)) return damaged();
    points.push_back({*raw, *calibrated});
  }
  return points;
}

}  // namespace

std::vector<store::Migration> migrations() {
  return {{"confidence", 1, R"(
    CREATE TABLE calibration(
      id INTEGER PRIMARY KEY CHECK(id = 1),
      method TEXT NOT NULL,
      source TEXT NOT NULL,
      points TEXT NOT NULL,
      fitted_on INTEGER NOT NULL,
      tested_on INTEGER NOT NULL,
      error REAL NOT NULL,
      fitted_ms INTEGER NOT NULL);
  )"}};
}

Result<std::unique_ptr<Calibrator>> Calibrator::open(const Context& context, store::Store& store, const Clock& clock) {
  std::unique_ptr<Calibrator> calibrator(new Calibrator(store, clock));
  TRY(calibrator->load(context));
  return calibrator;
}

Status Calibrator::load(const Context& context) {
  Table table = built_in();
  Status broken;
  TRY(store_.read(context, [&](store::Reader& reader) {
    return reader.query("SELECT method, source, points, fitted_on, tested_on, error, fitted_ms FROM calibration WHERE id = 1", {}, [&](const Row& row) {
      auto points = parse(row.text(2));
      if (!points) return broken = points.error(), false;
      table = {.method = row.text(0),
               .source = row.text(1),
               .points = std::move(*points),
               .fitted_on = static_cast<int>(row.integer(3)),
               .tested_on = static_cast<int>(row.integer(4)),
               .error = row.real(5),
               .fitted_ms = row.integer(6)};
      return false;
    });
  }));
  if (!broken) log::warning("calibration.not_read", {{"message", broken.error().message}});  // the built-in one serves meanwhile
  use(std::move(table));
  return {};
}

void Calibrator::use(Table table) {
  auto next = std::make_shared<const Table>(std::move(table));
  std::lock_guard lock(mutex_);
  table_ = std::move(next);
}

std::shared_ptr<const Table> Calibrator::table() const {
  std::lock_guard lock(mutex_);
  return table_;
}

Result<Table> Calibrator::refit(const Context& context, const std::vector<Pair>& pairs) {
  TRY_ASSIGN(Table table, fit(pairs));
  table.fitted_ms = clock_.unix_ms();
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(transaction.execute(
        "INSERT INTO calibration(id, method, source, points, fitted_on, tested_on, error, fitted_ms) VALUES(1, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT(id) DO UPDATE SET method = excluded.method, source = excluded.source, points = excluded.points, "
        "fitted_on = excluded.fitted_on, tested_on = excluded.tested_on, error = excluded.error, fitted_ms = excluded.fitted_ms",
        {table.method, table.source, dump(table.points), int64_t{table.fitted_on}, int64_t{table.tested_on}, table.error, table.fitted_ms}));
    transaction.after_commit([this, &table] { use(table); });
    return {};
  }));
  return table;
}

Status Calibrator::reset(const Context& context) {
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(transaction.execute("DELETE FROM calibration"));
    transaction.after_commit([this] { use(built_in()); });
    return {};
  });
}

}  // namespace strata::confidence
