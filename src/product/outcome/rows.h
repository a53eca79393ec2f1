// What this room's files share. Only this folder includes it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "product/outcome/outcome.h"

namespace strata::outcome {

inline constexpr size_t kNameBytesMax = 200;                // users, models, sources, ids from outside

Status check_text(std::string_view text, size_t bytes_max, const std::string& param);  // valid UTF-8 without NUL
Status check_name(std::string_view text, const std::string& param);                    // the same, one line, at most kNameBytesMax
// kInvalidArgument that names all choices and, where one is near, which was meant.
Error not_one_of(std::string_view got, const std::vector<std::string_view>& choices, const std::string& param);

// The time to record: now for 0; another time only where `free`, and none in the future.
Result<int64_t> stamp(const Clock& clock, int64_t at_ms, bool free);
Result<int64_t> time_from(std::string_view text, const std::string& param);  // "2026-11-22", "2026-11-22T09:30[:00[.000]]Z" → unix ms

Status need_product(store::Reader& reader, const std::string& id);           // kNotFound with the nearest id
Result<Conversation> conversation_in(store::Reader& reader, const std::string& id);
Status end_in(store::Transaction& transaction, const Conversation& conversation, End end, int64_t at_ms);

// What an import and a single call do alike: check everything that needs no table, then write inside a transaction.
Status check_fact(const Fact& fact, int64_t now_ms);
Status put_fact_in(store::Transaction& transaction, Fact& fact, int64_t now_ms);
Status check_satisfaction(const Satisfaction& response);
Status put_satisfaction_in(store::Transaction& transaction, Satisfaction& response, const Clock& clock);
Status check_developer_event(const DeveloperEvent& event);
Status put_developer_event_in(store::Transaction& transaction, DeveloperEvent& event);
// Adds `calls` to the developer's day, and its first call where it is that. REQUIRES: checked as a developer's event is.
Status count_calls_in(store::Transaction& transaction, const std::string& product, const std::string& developer, int64_t calls, int64_t at_ms, bool simulated);
Status check_output(const Output& output);
// One that has the id already stands.
Status insert_output(store::Transaction& transaction, const Output& output, int64_t at_ms);
const std::vector<std::string_view>& output_statuses();
bool is_status(std::string_view status);

// A SELECT over one table that grows by conditions and ends as a page. REQUIRES: the table has id, sequence, product and simulated.
class Select {
 public:
  // `columns` and `table` are constants of this room; `filter` gives product, simulated, and the range of `time`.
  Select(const std::string& columns, std::string table, const Filter& filter, const std::string& time);
  void where(const std::string& condition, std::vector<store::Value> values = {});
  // `column` is this text, unless it is empty.
  void where_given(const std::string& column, const std::string& text) {
    if (!text.empty()) where(column + " = ?", {text});
  }
  // The page's rows, each made by `from`.
  template <class From>
  auto list(const Context& context, store::Store& store, int limit, std::string_view after, const From& from)
      -> Result<std::vector<decltype(from(std::declval<const store::Row&>()))>> {
    std::vector<decltype(from(std::declval<const store::Row&>()))> found;
    TRY(page(context, store, limit, after, [&](const store::Row& row) { found.push_back(from(row)); }));
    return found;
  }
  Status page(const Context& context, store::Store& store, int limit, std::string_view after, const std::function<void(const store::Row&)>& each);

 private:
  std::string table_, sql_;
  std::vector<store::Value> values_;
};

}  // namespace strata::outcome
