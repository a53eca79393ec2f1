// CSV from outside (RFC 4180): parsed whole, checked whole, then written in one transaction.
#include <charconv>

#include "product/outcome/csv.h"
#include "product/outcome/outcome.h"
#include "product/outcome/rows.h"

namespace strata::outcome {
namespace {

using store::Transaction;

Result<double> number_from(const std::string& text, const std::string& param) {
  double value = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failure != std::errc() || end != text.data() + text.size() || value != value)
    return invalid_argument(param + ": expected a number such as 4200 or 0.5, got '" + text.substr(0, 40) + "'", param);
  return value;
}

Error on_line(Error error, int line) {
  error.message = "line " + std::to_string(line) + ", " + error.message;
  return error;
}

// Runs `make` per row, then `put` per row inside one transaction; an error carries its line.
template <class T, class Make, class Put>
Result<int> import_rows(const Context& context, store::Store& store, const Table& table, const Make& make, const Put& put) {
  std::vector<T> rows;
  for (size_t i = 0; i < table.rows(); ++i) {
    auto row = make(i);
    if (!row) return on_line(std::move(row.error()), table.line(i));
    rows.push_back(std::move(*row));
  }
  TRY(store.write(context, [&](Transaction& transaction) -> Status {
    for (size_t i = 0; i < rows.size(); ++i)
      if (Status done = put(transaction, rows[i]); !done) return on_line(std::move(done.error()), table.line(i));
    return {};
  }));
  return static_cast<int>(rows.size());
}

}  // namespace

Result<int> Outcomes::import_facts(const Context& context, const std::string& product, std::string_view csv, bool simulated) {
  TRY_ASSIGN(Table table, Table::parse(csv, {{"week"}, {"name"}, {"value"}, {"product", false}}));
  int64_t now = clock_.unix_ms();
  auto make = [&](size_t i) -> Result<Fact> {
    Fact fact;
    fact.product = table.text(i, "product", product);
    TRY_ASSIGN(fact.week, Week::parse(table.text(i, "week")));
    fact.name = table.text(i, "name");
    TRY_ASSIGN(fact.value, number_from(table.text(i, "value"), "value"));
    fact.source = "csv";
    fact.who = context.principal().user;
    fact.simulated = simulated;
    TRY(check_fact(fact, now));
    return fact;
  };
  return import_rows<Fact>(context, store_, table, make, [&](Transaction& transaction, Fact& fact) { return put_fact_in(transaction, fact, now); });
}

Result<int> Outcomes::import_satisfaction(const Context& context, const std::string& product, std::string_view csv, bool simulated) {
  TRY_ASSIGN(Table table, Table::parse(csv, {{"date"}, {"score"}, {"conversation", false}, {"product", false}}));
  auto make = [&](size_t i) -> Result<Satisfaction> {
    Satisfaction response;
    response.conversation = table.text(i, "conversation");
    response.product = table.text(i, "product", product);
    std::string score = table.text(i, "score");
    if (score.size() != 1 || score[0] < '1' || score[0] > '5')
      return invalid_argument("score: expected a whole number from 1 to 5, got '" + score.substr(0, 40) + "'", "score");
    response.score = score[0] - '0';
    response.source = "csv";
    TRY_ASSIGN(response.at_ms, time_from(table.text(i, "date"), "date"));
    response.simulated = simulated;
    TRY(check_satisfaction(response));
    return response;
  };
  return import_rows<Satisfaction>(context, store_, table, make,
                                   [&](Transaction& transaction, Satisfaction& response) { return put_satisfaction_in(transaction, response, clock_); });
}

Result<int> Outcomes::import_developer_events(const Context& context, const std::string& product, std::string_view csv, bool simulated) {
  TRY_ASSIGN(Table table, Table::parse(csv, {{"date"}, {"developer"}, {"kind"}, {"product", false}}));
  auto make = [&](size_t i) -> Result<DeveloperEvent> {
    DeveloperEvent event;
    event.product = table.text(i, "product", product);
    event.developer = table.text(i, "developer");
    event.kind = table.text(i, "kind");
    event.source = "csv";
    TRY_ASSIGN(int64_t at, time_from(table.text(i, "date"), "date"));
    TRY_ASSIGN(event.at_ms, stamp(clock_, at, true));
    event.simulated = simulated;
    TRY(check_developer_event(event));
    return event;
  };
  return import_rows<DeveloperEvent>(context, store_, table, make,
                                     [&](Transaction& transaction, DeveloperEvent& event) { return put_developer_event_in(transaction, event); });
}

}  // namespace strata::outcome
