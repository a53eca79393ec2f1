// Stored updates and their schedule.
#include "product/report/report.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "base/log.h"
#include "base/random.h"
#include "base/text.h"

namespace strata::report {
namespace {

using outcome::Week;
using store::Reader;
using store::Row;
using store::Transaction;

constexpr char kKind[] = "weekly_update";
constexpr char kSchedule[] = "schedule";
constexpr int64_t kHourMs = 3'600'000, kDayMs = 24 * kHourMs;
constexpr char kColumns[] = "SELECT id, product, week_ms, body, edited, state, made_by, created_ms, updated_ms, sent_ms FROM report_updates WHERE ";

Update update_from(const Row& row) {
  return {row.text(0), row.text(1), Week::of(row.integer(2)), row.text(3),    row.integer(4) != 0,
          row.text(5), row.text(6), row.integer(7),           row.integer(8), row.integer(9)};
}

Result<std::optional<Update>> find_update(Reader& reader, const std::string& where, const std::vector<store::Value>& values) {
  std::optional<Update> found;
  TRY(reader.query(kColumns + where, values, [&](const Row& row) { return found = update_from(row), false; }));
  return found;
}

Result<Update> update_in(Reader& reader, const std::string& id) {
  TRY_ASSIGN(auto found, find_update(reader, "id = ?", {id}));
  if (!found) return not_found("no update has the id '" + id.substr(0, 100) + "'", "update_id");
  return std::move(*found);
}

Status need_draft(const Update& update) {
  if (update.state == "draft") return {};
  return failed_precondition("update " + update.id + " was sent at " + iso8601(update.sent_ms) + " and cannot change any more");
}

// Makes the row of (product, week), or writes `body` over one that nobody has edited or sent.
Result<Update> put(Transaction& transaction, const std::string& product, Week week, const std::string& body, const std::string& made_by, int64_t now_ms) {
  TRY(
      transaction.execute("INSERT INTO report_updates(id, product, week_ms, body, edited, state, made_by, created_ms, updated_ms, sent_ms) "
                          "VALUES(?, ?, ?, ?, 0, 'draft', ?, ?, ?, 0) ON CONFLICT(product, week_ms) DO UPDATE SET body = excluded.body, "
                          "updated_ms = excluded.updated_ms WHERE report_updates.edited = 0 AND report_updates.state = 'draft'",
                          {make_id("update"), product, week.begin_ms(), body, made_by, now_ms, now_ms}));
  TRY_ASSIGN(auto stands, find_update(transaction, "product = ? AND week_ms = ?", {product, week.begin_ms()}));
  return std::move(*stands);
}

}  // namespace

std::vector<store::Migration> migrations() {
  return {{"report", 1, R"(
    CREATE TABLE report_updates(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      product TEXT NOT NULL,
      week_ms INTEGER NOT NULL,
      body TEXT NOT NULL,
      edited INTEGER NOT NULL,
      state TEXT NOT NULL,
      made_by TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      updated_ms INTEGER NOT NULL,
      sent_ms INTEGER NOT NULL,
      UNIQUE(product, week_ms));
    CREATE TABLE report_schedules(
      product TEXT NOT NULL PRIMARY KEY,
      enabled INTEGER NOT NULL,
      weekday INTEGER NOT NULL,
      hour INTEGER NOT NULL);
  )"}};
}

Status Reports::forget(const Context& context, const std::string& product) {
  if (outcomes_.product(context, product)) return failed_precondition("the product '" + product + "' exists: its updates stay");
  return store_.write(context, [&](store::Transaction& transaction) -> Status {
    TRY(transaction.execute("DELETE FROM report_updates WHERE product = ?", {product}));
    TRY(transaction.execute("DELETE FROM report_schedules WHERE product = ?", {product}));
    return {};
  });
}

struct Reports::Timer {
  std::mutex mutex;
  std::condition_variable wake;
  bool stop = false;
  std::thread thread;
  ~Timer() {
    {
      std::lock_guard lock(mutex);
      stop = true;
    }
    wake.notify_all();
    if (thread.joinable()) thread.join();
  }
};

Reports::Reports(store::Store& store, durable::Journal& journal, outcome::Outcomes& outcomes, product_metrics::Metrics& metrics, const Clock& clock)
    : store_(store), journal_(journal), outcomes_(outcomes), metrics_(metrics), clock_(clock) {}
Reports::~Reports() = default;

Result<std::string> Reports::written(const Context& context, const std::string& product, Week week) {
  TRY_ASSIGN(auto row, outcomes_.product(context, product));
  TRY_ASSIGN(auto settings, metrics_.settings(context, product));
  TRY_ASSIGN(auto weeks, metrics_.weeks(context, product, week, kTrendWeeks));
  return write_update(weeks, row.name, settings);
}

Result<Update> Reports::make(const Context& context, const std::string& product, Week week, std::string made_by) {
  if (week.begin_ms() > clock_.unix_ms()) return invalid_argument("week: " + week.text() + " has not begun", "week");
  TRY_ASSIGN(std::string body, written(context, product, week));
  Update result;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(result, put(transaction, product, week, body, made_by, clock_.unix_ms()));
    return {};
  }));
  return result;
}

Result<Update> Reports::update(const Context& context, const std::string& id) {
  Update result;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY_ASSIGN(result, update_in(reader, id));
    return {};
  }));
  return result;
}

Result<std::vector<Update>> Reports::updates(const Context& context, const std::string& product, int limit, std::string_view after) {
  if (limit < 1 || limit > 10'001) return invalid_argument("limit must be between 1 and 10000, got " + std::to_string(limit), "limit");
  std::vector<Update> found;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    std::string sql = std::string(kColumns) + "product = ?";
    std::vector<store::Value> values = {product};
    if (!after.empty()) {
      TRY_ASSIGN(auto last, update_in(reader, std::string(after)));
      sql += " AND week_ms < ?";
      values.push_back(last.week.begin_ms());
    }
    values.push_back(int64_t{limit});
    return reader.query(sql + " ORDER BY week_ms DESC LIMIT ?", values, [&](const Row& row) { return found.push_back(update_from(row)), true; });
  }));
  return found;
}

Result<Update> Reports::edit(const Context& context, const std::string& id, std::string body, int64_t updated_ms) {
  if (body.size() > kBodyBytesMax) return invalid_argument("body may have at most " + human_bytes(kBodyBytesMax), "body");
  if (!utf8_valid(body) || body.find('\0') != body.npos) return invalid_argument("body must be valid UTF-8 without NUL", "body");
  Update result;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(Update stands, update_in(transaction, id));
    TRY(need_draft(stands));
    if (updated_ms != 0 && updated_ms != stands.updated_ms)
      return Error{Code::kAborted, "somebody saved this update at " + iso8601(stands.updated_ms) + ": read it again and put your changes into it", "updated_at",
                   ""};
    int64_t now = std::max(clock_.unix_ms(), stands.updated_ms + 1);   // each save can be told from the one before
    TRY(transaction.execute("UPDATE report_updates SET body = ?, edited = 1, updated_ms = ? WHERE id = ?", {body, now, id}));
    TRY_ASSIGN(result, update_in(transaction, id));
    return {};
  }));
  return result;
}

Result<Update> Reports::reset(const Context& context, const std::string& id) {
  TRY_ASSIGN(Update stands, update(context, id));
  TRY_ASSIGN(std::string body, written(context, stands.product, stands.week));
  Update result;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(result, update_in(transaction, id));
    TRY(need_draft(result));
    TRY(transaction.execute("UPDATE report_updates SET body = ?, edited = 0, updated_ms = ? WHERE id = ?", {body, clock_.unix_ms(), id}));
    TRY_ASSIGN(result, update_in(transaction, id));
    return {};
  }));
  return result;
}

Result<Update> Reports::mark_sent(const Context& context, const std::string& id) {
  Update result;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(transaction.execute("UPDATE report_updates SET state = 'sent', sent_ms = ? WHERE id = ? AND state = 'draft'", {clock_.unix_ms(), id}));
    TRY_ASSIGN(result, update_in(transaction, id));
    return {};
  }));
  return result;
}

Result<Schedule> Reports::schedule(const Context& context, const std::string& product) {
  TRY(outcomes_.product(context, product));
  Schedule schedule;
  TRY(store_.read(context, [&](Reader& reader) {
    return reader.query("SELECT enabled, weekday, hour FROM report_schedules WHERE product = ?", {product}, [&](const Row& row) {
      schedule = {row.integer(0) != 0, static_cast<int>(row.integer(1)), static_cast<int>(row.integer(2))};
      return false;
    });
  }));
  return schedule;
}

Status Reports::set_schedule(const Context& context, const std::string& product, Schedule schedule) {
  TRY(outcomes_.product(context, product));
  if (schedule.weekday < 1 || schedule.weekday > 7)
    return invalid_argument("weekday: expected 1 (Monday) to 7, got " + std::to_string(schedule.weekday), "weekday");
  if (schedule.hour < 0 || schedule.hour > 23) return invalid_argument("hour: expected 0 to 23 (UTC), got " + std::to_string(schedule.hour), "hour");
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(
        transaction.execute("INSERT INTO report_schedules(product, enabled, weekday, hour) VALUES(?, ?, ?, ?) ON CONFLICT(product) DO UPDATE SET "
                            "enabled = excluded.enabled, weekday = excluded.weekday, hour = excluded.hour",
                            {product, int64_t{schedule.enabled}, int64_t{schedule.weekday}, int64_t{schedule.hour}}));
    return {};
  });
}

void Reports::register_jobs() {
  journal_.register_kind(kKind, [this](durable::Run& run) -> Result<Json> {
    TRY_ASSIGN(std::string product, run.job().input["product"].to_string("product"));
    TRY_ASSIGN(std::string text, run.job().input["week"].to_string("week"));
    TRY_ASSIGN(Week week, Week::parse(text));
    TRY_ASSIGN(std::string body, written(run.context(), product, week));
    return run.transact("store", [&](Transaction& transaction) -> Result<Json> {
      TRY_ASSIGN(Update made, put(transaction, product, week, body, kSchedule, clock_.unix_ms()));
      return Json::object({{"update_id", made.id}});
    });
  });
}

Result<durable::Job> Reports::submit(const Context& context, const std::string& product, Week week) {
  return journal_.submit(context, kKind, Json::object({{"product", product}, {"week", week.text()}}), product + "/" + week.text());
}

Result<int> Reports::tick(const Context& context) {
  int submitted = 0;
  Week week = Week::of(clock_.unix_ms()).plus(-1);
  TRY_ASSIGN(auto products, outcomes_.products(context, 10'000, ""));
  for (auto& product : products) {
    TRY_ASSIGN(Schedule when, schedule(context, product.id));
    int64_t due = week.end_ms() + (when.weekday - 1) * kDayMs + when.hour * kHourMs;
    if (!when.enabled || clock_.unix_ms() < due) continue;
    bool made = false;
    TRY(store_.read(context, [&](Reader& reader) {
      return reader.query("SELECT 1 FROM report_updates WHERE product = ? AND week_ms = ?", {product.id, week.begin_ms()},
                          [&](const Row&) { return made = true, false; });
    }));
    if (made) continue;
    auto filter = outcome::Filter::of(product.id, week);
    TRY_ASSIGN(auto outputs, outcomes_.outputs(context, filter, 1, ""));
    TRY_ASSIGN(auto conversations, outcomes_.conversations(context, filter, 1, ""));
    if (outputs.empty() && conversations.empty()) continue;
    TRY(submit(context, product.id, week));
    ++submitted;
  }
  return submitted;
}

void Reports::start() {
  timer_ = std::make_unique<Timer>();
  timer_->thread = std::thread([this, timer = timer_.get()] {
    constexpr auto kPause = std::chrono::seconds(60);
    std::unique_lock lock(timer->mutex);
    while (!timer->stop) {
      lock.unlock();
      if (auto done = tick(Context::background(clock_)); !done) log::warning("report.schedule_failed", {{"message", done.error().message}});
      lock.lock();
      timer->wake.wait_for(lock, kPause, [&] { return timer->stop; });
    }
  });
}

}  // namespace strata::report
