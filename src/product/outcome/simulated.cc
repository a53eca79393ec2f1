// Taking away what the simulator made.
#include "product/outcome/outcome.h"
#include "product/outcome/rows.h"

namespace strata::outcome {
namespace {

using store::Row;
using store::Transaction;
using store::Value;

constexpr const char* kTables[] = {"outcome_judgements", "outcome_satisfaction",     "outcome_handovers",      "outcome_drafts", "outcome_outputs",
                                   "outcome_facts",      "outcome_developer_events", "outcome_developer_days", "outcome_calls",  "outcome_conversations"};

Status collect(Transaction& transaction, const std::string& table, const std::string& where, const std::vector<Value>& values, std::vector<std::string>& ids) {
  return transaction.query("SELECT id FROM " + table + where, values, [&](const Row& row) { return ids.push_back(row.text(0)), true; });
}

}  // namespace

Result<Removed> Outcomes::remove_simulated(const Context& context, const std::string& product) {
  Removed removed;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    std::string where = " WHERE simulated = 1";
    std::vector<Value> values;
    if (!product.empty()) {
      TRY(need_product(transaction, product));
      where += " AND product = ?";
      values.push_back(product);
    }
    TRY(collect(transaction, "outcome_conversations", where, values, removed.conversations));
    TRY(collect(transaction, "outcome_outputs", where, values, removed.answers));
    for (const char* table : kTables) {
      TRY_ASSIGN(int64_t rows, transaction.execute("DELETE FROM " + std::string(table) + where, values));
      removed.rows += rows;
    }
    std::string empty = "DELETE FROM outcome_products WHERE simulated = 1";
    if (!product.empty()) empty += " AND id = ?";
    for (const char* table : kTables) empty += " AND NOT EXISTS (SELECT 1 FROM " + std::string(table) + " t WHERE t.product = outcome_products.id)";
    TRY_ASSIGN(int64_t products, transaction.execute(empty, values));
    removed.rows += products;
    return {};
  }));
  return removed;
}

}  // namespace strata::outcome
