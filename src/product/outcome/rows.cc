#include "product/outcome/rows.h"

#include "base/text.h"

namespace strata::outcome {

using store::Reader;
using store::Row;
using store::Value;

Status check_text(std::string_view text, size_t bytes_max, const std::string& param) {
  if (!utf8_valid(text) || text.find('\0') != text.npos) return invalid_argument(param + " must be valid UTF-8 without NUL", param);
  if (text.size() > bytes_max)
    return invalid_argument(param + " may have at most " + std::to_string(bytes_max) + " bytes, got " + std::to_string(text.size()), param);
  return {};
}

Status check_name(std::string_view text, const std::string& param) {
  TRY(check_text(text, kNameBytesMax, param));
  for (unsigned char c : text)
    if (c < 0x20 || c == 0x7F) return invalid_argument(param + " must be one line without control characters", param);
  return {};
}

Error not_one_of(std::string_view got, const std::vector<std::string_view>& choices, const std::string& param) {
  std::string all;
  for (auto choice : choices) all += (all.empty() ? "" : ", ") + std::string(choice);
  std::string_view nearest = nearest_name(got, choices);
  return invalid_argument(param + ": expected one of " + all + "; got '" + std::string(got.substr(0, 100)) + "'" +
                              (nearest.empty() ? "" : "; did you mean '" + std::string(nearest) + "'?"),
                          param, "invalid_value");
}

Result<int64_t> stamp(const Clock& clock, int64_t at_ms, bool free) {
  int64_t now = clock.unix_ms();
  if (at_ms == 0) return now;
  if (!free) return invalid_argument("at: only what is simulated or imported carries a time of its own; leave it out", "at");
  if (at_ms < 0 || at_ms > now)
    return invalid_argument("at: expected a time from 1970 until now (" + iso8601(now) + "), got " + std::to_string(at_ms) + " ms", "at");
  return at_ms;
}

Status need_product(Reader& reader, const std::string& id) {
  std::vector<std::string> known;
  bool found = false;
  TRY(reader.query("SELECT 1 FROM outcome_products WHERE id = ?", {id}, [&](const Row&) { return found = true, false; }));
  if (found) return {};
  TRY(reader.query("SELECT id FROM outcome_products ORDER BY sequence LIMIT 1000", {}, [&](const Row& row) { return known.push_back(row.text(0)), true; }));
  std::vector<std::string_view> names(known.begin(), known.end());
  std::string_view nearest = nearest_name(id, names);
  return not_found("no product has the id '" + id.substr(0, 100) + "'" + (nearest.empty() ? "" : "; did you mean '" + std::string(nearest) + "'?"), "product");
}

Select::Select(const std::string& columns, std::string table, const Filter& filter, const std::string& time) : table_(std::move(table)) {
  sql_ = "SELECT " + columns + " FROM " + table_ + " WHERE true";
  if (!filter.product.empty()) where("product = ?", {filter.product});
  if (filter.begin_ms > 0) where(time + " >= ?", {filter.begin_ms});
  if (filter.end_ms < INT64_MAX) where(time + " < ?", {filter.end_ms});
  if (filter.simulated) where("simulated = ?", {int64_t{*filter.simulated}});
}

void Select::where(const std::string& condition, std::vector<Value> values) {
  sql_ += " AND " + condition;
  values_.insert(values_.end(), values.begin(), values.end());
}

Status Select::page(const Context& context, store::Store& store, int limit, std::string_view after, const std::function<void(const Row&)>& each) {
  if (limit < 1 || limit > 10'001) return invalid_argument("limit must be between 1 and 10000, got " + std::to_string(limit), "limit");
  return store.read(context, [&](Reader& reader) -> Status {
    if (!after.empty()) {
      std::optional<int64_t> position;
      TRY(reader.query("SELECT sequence FROM " + table_ + " WHERE id = ?", {std::string(after)},
                       [&](const Row& row) { return position = row.integer(0), false; }));
      if (!position) return invalid_argument("after: no '" + std::string(after.substr(0, 100)) + "' is in this list", "after");
      where("sequence < ?", {*position});
    }
    std::vector<Value> values = values_;
    values.push_back(int64_t{limit});
    return reader.query(sql_ + " ORDER BY sequence DESC LIMIT ?", values, [&](const Row& row) { return each(row), true; });
  });
}

}  // namespace strata::outcome
