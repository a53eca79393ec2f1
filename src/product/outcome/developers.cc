// Developers who build on a product's API: their steps, and their calls counted by day.
#include "base/random.h"
#include "product/outcome/outcome.h"
#include "product/outcome/rows.h"

namespace strata::outcome {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;
using store::Value;

constexpr char kColumns[] = "id, product, developer, kind, source, at_ms, simulated";
constexpr int64_t kDayMs = 24LL * 3600 * 1000;
constexpr int kDaysMax = 100'000;

const std::vector<std::string_view>& kinds() {
  static const std::vector<std::string_view> kKinds = {"signup", "first_call", "production", "paid"};
  return kKinds;
}

bool is_kind(std::string_view name) {
  for (auto kind : kinds())
    if (kind == name) return true;
  return false;
}

DeveloperEvent event_from(const Row& row) { return {row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.integer(5), row.integer(6) != 0}; }

}  // namespace

Status check_developer_event(const DeveloperEvent& event) {
  TRY(check_name(event.developer, "developer"));
  if (event.developer.empty()) return invalid_argument("developer must not be empty", "developer");
  if (!is_kind(event.kind)) return not_one_of(event.kind, kinds(), "kind");
  return {};
}

Status put_developer_event_in(Transaction& transaction, DeveloperEvent& event) {
  TRY(need_product(transaction, event.product));
  // The first of its kind stays: an earlier time replaces a later one, never the other way round.
  TRY(
      transaction.execute("INSERT INTO outcome_developer_events(id, product, developer, kind, source, at_ms, simulated) VALUES(?, ?, ?, ?, ?, ?, ?) "
                          "ON CONFLICT(product, developer, kind, simulated) DO UPDATE SET source = excluded.source, at_ms = excluded.at_ms "
                          "WHERE excluded.at_ms < outcome_developer_events.at_ms",
                          {make_id("dev"), event.product, event.developer, event.kind, event.source, event.at_ms, int64_t{event.simulated}}));
  return transaction.query(
      std::string("SELECT ") + kColumns + " FROM outcome_developer_events WHERE product = ? AND developer = ? AND kind = ? AND simulated = ?",
      {event.product, event.developer, event.kind, int64_t{event.simulated}}, [&](const Row& row) { return event = event_from(row), false; });
}

Status count_calls_in(Transaction& transaction, const std::string& product, const std::string& developer, int64_t calls, int64_t at_ms, bool simulated) {
  DeveloperEvent first{"", product, developer, "first_call", "observed", at_ms, simulated};
  TRY(put_developer_event_in(transaction, first));
  TRY(
      transaction.execute("INSERT INTO outcome_developer_days(product, developer, day_ms, calls, simulated) VALUES(?, ?, ?, ?, ?) "
                          "ON CONFLICT(product, day_ms, developer, simulated) DO UPDATE SET calls = outcome_developer_days.calls + excluded.calls",
                          {product, developer, at_ms / kDayMs * kDayMs, calls, int64_t{simulated}}));
  return {};
}

Result<DeveloperEvent> Outcomes::add_developer_event(const Context& context, DeveloperEvent event) {
  TRY(check_developer_event(event));
  if (event.source != "api" && event.source != "csv" && event.source != "entered") return not_one_of(event.source, {"api", "csv", "entered"}, "source");
  TRY_ASSIGN(event.at_ms, stamp(clock_, event.at_ms, true));
  TRY(store_.write(context, [&](Transaction& transaction) { return put_developer_event_in(transaction, event); }));
  return event;
}

Status Outcomes::remove_developer_event(const Context& context, const std::string& id) {
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(int64_t removed, transaction.execute("DELETE FROM outcome_developer_events WHERE id = ?", {id}));
    if (removed == 0) return not_found("no developer's step has the id '" + id.substr(0, 100) + "'", "event_id");
    return {};
  });
}

Result<std::vector<DeveloperEvent>> Outcomes::developer_events(const Context& context, const Filter& filter, int limit, std::string_view after) {
  Select select(kColumns, "outcome_developer_events", filter, "at_ms");
  if (!filter.kind.empty()) {
    if (!is_kind(filter.kind)) return not_one_of(filter.kind, kinds(), "kind");
    select.where("kind = ?", {filter.kind});
  }
  select.where_given("developer", filter.user);
  return select.list(context, store_, limit, after, event_from);
}

Status Outcomes::count_calls(const Context& context, const std::string& product, const std::string& developer, int64_t calls, int64_t at_ms, bool simulated) {
  if (calls < 1 || calls > 1'000'000'000) return invalid_argument("calls must be between 1 and 1e9, got " + std::to_string(calls), "calls");
  TRY_ASSIGN(int64_t at, stamp(clock_, at_ms, simulated));
  TRY(check_developer_event({"", product, developer, "first_call", "observed", at, simulated}));
  return store_.write(context, [&](Transaction& transaction) { return count_calls_in(transaction, product, developer, calls, at, simulated); });
}

Result<std::vector<DeveloperDay>> Outcomes::developer_days(const Context& context, const Filter& filter) {
  if (!filter.kind.empty()) return invalid_argument("kind: days of calls have no kinds", "kind");
  std::string sql = "SELECT product, developer, day_ms, calls, simulated FROM outcome_developer_days WHERE day_ms >= ? AND day_ms < ?";
  std::vector<Value> values = {filter.begin_ms, filter.end_ms};
  if (!filter.product.empty()) sql += " AND product = ?", values.push_back(filter.product);
  if (!filter.user.empty()) sql += " AND developer = ?", values.push_back(filter.user);
  if (filter.simulated) sql += " AND simulated = ?", values.push_back(int64_t{*filter.simulated});
  values.push_back(int64_t{kDaysMax});
  std::vector<DeveloperDay> found;
  TRY(store_.read(context, [&](Reader& reader) {
    return reader.query(sql + " ORDER BY day_ms, developer LIMIT ?", values, [&](const Row& row) {
      found.push_back({row.text(0), row.text(1), row.integer(2), row.integer(3), row.integer(4) != 0});
      return true;
    });
  }));
  return found;
}

}  // namespace strata::outcome
