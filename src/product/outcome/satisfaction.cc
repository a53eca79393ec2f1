// CSAT responses, and the facts that come from outside.
#include <charconv>
#include <cmath>
#include <map>

#include "base/random.h"
#include "product/outcome/outcome.h"
#include "product/outcome/rows.h"

namespace strata::outcome {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;
using store::Value;

constexpr char kColumns[] = "id, conversation_id, product, score, source, at_ms, simulated";
constexpr char kFactColumns[] = "id, product, week_ms, name, value, source, who, at_ms, simulated";

Satisfaction satisfaction_from(const Row& row) {
  return {row.text(0), row.is_null(1) ? "" : row.text(1), row.text(2), static_cast<int>(row.integer(3)), row.text(4), row.integer(5), row.integer(6) != 0};
}

Fact fact_from(const Row& row) {
  return {row.text(0), row.text(1), Week::of(row.integer(2)), row.text(3), row.real(4), row.text(5), row.text(6), row.integer(7), row.integer(8) != 0};
}

const FactKind* find_kind(std::string_view name) {
  for (auto& kind : fact_kinds())
    if (kind.name == name) return &kind;
  return nullptr;
}

std::vector<std::string_view> fact_names() {
  std::vector<std::string_view> names;
  for (auto& kind : fact_kinds()) names.push_back(kind.name);
  return names;
}

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", value);
  return text;
}

}  // namespace

const std::vector<FactKind>& fact_kinds() {
  constexpr double kMany = 1e12;
  static const std::vector<FactKind> kKinds = {
      {"eligible_users", "people", "who could use the product", 0, 1e9, true},
      {"csat", "1 to 5", "the week's average of a survey held elsewhere", 1, 5, false},
      {"human_cost", "USD", "what people's work on the product's cases cost in the week", 0, kMany, false},
      {"baseline_cost_per_resolution", "USD", "what one resolution cost before the product", 0, kMany, true},
      {"manual_minutes_per_reply", "minutes", "what one reply takes without the product", 0, 1e6, true},
      {"minutes_saved", "minutes", "working time saved in the week, measured elsewhere", 0, kMany, false},
      {"revenue_impact", "USD", "revenue won (or, below zero, lost) in the week through the product", -kMany, kMany, false},
      {"eval_accuracy", "0 to 1", "accuracy of the model on the evaluation suite", 0, 1, false},
      {"developer_nps", "-100 to 100", "net promoter score among developers", -100, 100, false},
      {"support_tickets", "tickets", "developers' support tickets in the week", 0, 1e9, false},
      {"api_spend", "USD", "what developers spent on the API in the week", 0, kMany, false},
  };
  return kKinds;
}

Status check_satisfaction(const Satisfaction& r) {
  TRY(check_name(r.conversation, "conversation"));
  if (r.score < 1 || r.score > 5) return invalid_argument("score: expected 1 to 5, got " + std::to_string(r.score), "score");
  if (r.source != "survey" && r.source != "api" && r.source != "csv" && r.source != "entered")
    return not_one_of(r.source, {"survey", "api", "csv", "entered"}, "source");
  if (r.conversation.empty() && r.source == "survey") return invalid_argument("conversation: a survey of ours is about one", "conversation");
  return {};
}

Status put_satisfaction_in(Transaction& transaction, Satisfaction& r, const Clock& clock) {
  Value conversation;
  if (r.conversation.empty()) {
    TRY(need_product(transaction, r.product));
  } else {
    TRY_ASSIGN(Conversation of, conversation_in(transaction, r.conversation));
    if (!r.product.empty() && r.product != of.product)
      return invalid_argument("product: conversation " + of.id + " belongs to '" + of.product + "', not to '" + r.product + "'", "product");
    r.product = of.product;
    r.simulated = of.simulated;
    conversation = of.id;
  }
  TRY_ASSIGN(r.at_ms, stamp(clock, r.at_ms, r.simulated || r.source != "survey"));
  r.id = make_id("csat");
  TRY(
      transaction.execute("INSERT INTO outcome_satisfaction(id, conversation_id, product, score, source, at_ms, simulated) VALUES(?, ?, ?, ?, ?, ?, ?) "
                          "ON CONFLICT(conversation_id) DO UPDATE SET score = excluded.score, source = excluded.source, at_ms = excluded.at_ms",
                          {r.id, conversation, r.product, int64_t{r.score}, r.source, r.at_ms, int64_t{r.simulated}}));
  if (r.conversation.empty()) return {};
  return transaction.query("SELECT id FROM outcome_satisfaction WHERE conversation_id = ?", {r.conversation},
                           [&](const Row& row) { return r.id = row.text(0), false; });
}

Result<Satisfaction> Outcomes::add_satisfaction(const Context& context, Satisfaction response) {
  TRY(check_satisfaction(response));
  TRY(store_.write(context, [&](Transaction& transaction) { return put_satisfaction_in(transaction, response, clock_); }));
  return response;
}

Result<std::vector<Satisfaction>> Outcomes::satisfaction(const Context& context, const Filter& filter, int limit, std::string_view after) {
  Select select(kColumns, "outcome_satisfaction", filter, "at_ms");
  if (!filter.kind.empty()) {
    if (filter.kind.size() != 1 || filter.kind[0] < '1' || filter.kind[0] > '5') return not_one_of(filter.kind, {"1", "2", "3", "4", "5"}, "kind");
    select.where("score = ?", {int64_t{filter.kind[0] - '0'}});
  }
  if (!filter.conversation.empty()) select.where("conversation_id = ?", {filter.conversation});
  std::vector<Satisfaction> found;
  TRY(select.page(context, store_, limit, after, [&](const Row& row) { found.push_back(satisfaction_from(row)); }));
  return found;
}

Status Outcomes::remove_satisfaction(const Context& context, const std::string& id) {
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(int64_t removed, transaction.execute("DELETE FROM outcome_satisfaction WHERE id = ?", {id}));
    if (removed == 0) return not_found("no satisfaction score has the id '" + id.substr(0, 100) + "'", "satisfaction_id");
    return {};
  });
}

Status check_fact(const Fact& fact, int64_t now_ms) {
  const FactKind* kind = find_kind(fact.name);
  if (!kind) return not_one_of(fact.name, fact_names(), "name");
  if (!(fact.value >= kind->least && fact.value <= kind->most))
    return invalid_argument(
        "value: " + fact.name + " is from " + shown(kind->least) + " to " + shown(kind->most) + " (" + std::string(kind->unit) + "), got " + shown(fact.value),
        "value");
  if (fact.source != "csv" && fact.source != "api" && fact.source != "entered") return not_one_of(fact.source, {"csv", "api", "entered"}, "source");
  TRY(check_name(fact.who, "who"));
  if (fact.week.begin_ms() > now_ms) return invalid_argument("week: " + fact.week.text() + " has not begun; this is " + Week::of(now_ms).text(), "week");
  return {};
}

Status put_fact_in(Transaction& transaction, Fact& fact, int64_t now_ms) {
  TRY(need_product(transaction, fact.product));
  fact.at_ms = now_ms;
  TRY(transaction.execute(
      "INSERT INTO outcome_facts(id, product, week_ms, name, value, source, who, at_ms, simulated) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT(product, week_ms, name, simulated) DO UPDATE SET value = excluded.value, source = excluded.source, "
      "who = excluded.who, at_ms = excluded.at_ms",
      {make_id("fact"), fact.product, fact.week.begin_ms(), fact.name, fact.value, fact.source, fact.who, fact.at_ms, int64_t{fact.simulated}}));
  return transaction.query("SELECT id FROM outcome_facts WHERE product = ? AND week_ms = ? AND name = ? AND simulated = ?",
                           {fact.product, fact.week.begin_ms(), fact.name, int64_t{fact.simulated}},
                           [&](const Row& row) { return fact.id = row.text(0), false; });
}

Result<Fact> Outcomes::put_fact(const Context& context, Fact fact) {
  int64_t now = clock_.unix_ms();
  if (fact.who.empty()) fact.who = context.principal().user;
  TRY(check_fact(fact, now));
  TRY(store_.write(context, [&](Transaction& transaction) { return put_fact_in(transaction, fact, now); }));
  return fact;
}

Status Outcomes::remove_fact(const Context& context, const std::string& id) {
  return store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(int64_t removed, transaction.execute("DELETE FROM outcome_facts WHERE id = ?", {id}));
    if (removed == 0) return not_found("no fact has the id '" + id.substr(0, 100) + "'", "fact_id");
    return {};
  });
}

Result<std::vector<Fact>> Outcomes::facts(const Context& context, const Filter& filter, int limit, std::string_view after) {
  Select select(kFactColumns, "outcome_facts", filter, "week_ms");
  if (!filter.kind.empty()) {
    if (!find_kind(filter.kind)) return not_one_of(filter.kind, fact_names(), "kind");
    select.where("name = ?", {filter.kind});
  }
  std::vector<Fact> found;
  TRY(select.page(context, store_, limit, after, [&](const Row& row) { found.push_back(fact_from(row)); }));
  return found;
}

Result<std::vector<Fact>> Outcomes::facts_of(const Context& context, const std::string& product, Week week) {
  std::map<std::string, Fact> latest;
  TRY(store_.read(context, [&](Reader& reader) {
    // The last one read wins: the later week, and within a week what is real.
    return reader.query(std::string("SELECT ") + kFactColumns + " FROM outcome_facts WHERE product = ? AND week_ms <= ? ORDER BY week_ms, simulated DESC",
                        {product, week.begin_ms()}, [&](const Row& row) {
                          Fact fact = fact_from(row);
                          const FactKind* kind = find_kind(fact.name);
                          if (kind && (kind->standing || fact.week == week)) latest[fact.name] = std::move(fact);
                          return true;
                        });
  }));
  std::vector<Fact> found;
  for (auto& [name, fact] : latest) found.push_back(std::move(fact));
  return found;
}

}  // namespace strata::outcome
