// Calls that programs made on behalf of a product: recorded many at a time, each with what follows from it.
#include <algorithm>
#include <map>

#include "base/random.h"
#include "product/outcome/outcome.h"
#include "product/outcome/rows.h"

namespace strata::outcome {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;

constexpr char kColumns[] =
    "id, product, route, developer, key_id, end_user, production, generates, answer_id, model, status, http_status, confidence, first_text_ms, total_ms, "
    "objective_ms, prompt_tokens, completion_tokens, at_ms, simulated";

Call call_from(const Row& row) {
  Call c;
  c.id = row.text(0);
  c.product = row.text(1);
  c.route = row.text(2);
  c.developer = row.text(3);
  c.key_id = row.text(4);
  c.end_user = row.text(5);
  c.production = row.integer(6) != 0;
  c.generates = row.integer(7) != 0;
  c.answer_id = row.text(8);
  c.model = row.text(9);
  c.status = row.text(10);
  c.http_status = static_cast<int>(row.integer(11));
  c.confidence = row.real(12);
  c.first_text_ms = row.real(13);
  c.total_ms = row.real(14);
  c.objective_ms = row.real(15);
  c.prompt_tokens = row.integer(16);
  c.completion_tokens = row.integer(17);
  c.at_ms = row.integer(18);
  c.simulated = row.integer(19) != 0;
  return c;
}

// Whoever the call was made for got the output; without a word about that, the developer.
Output output_of(const Call& c) {
  Output o;
  o.id = c.answer_id;
  o.product = c.product;
  o.user = c.end_user.empty() ? c.developer : c.end_user;
  o.model = c.model;
  o.status = c.status;
  o.confidence = c.confidence;
  o.first_text_ms = c.first_text_ms;
  o.total_ms = c.total_ms;
  o.prompt_tokens = c.prompt_tokens;
  o.completion_tokens = c.completion_tokens;
  o.simulated = c.simulated;
  return o;
}

Status check_call(const Call& call) {
  TRY(check_developer_event({"", call.product, call.developer, "first_call", "observed", call.at_ms, call.simulated}));
  TRY(check_name(call.route, "route"));
  TRY(check_name(call.key_id, "key_id"));
  TRY(check_name(call.end_user, "end_user"));
  if (!(call.objective_ms >= 0 && call.objective_ms <= 1e9)) return invalid_argument("objective_ms must be between 0 and 1e9", "objective_ms");
  return check_output(output_of(call));
}

Status insert_call(Transaction& transaction, const Call& c) {
  TRY(
      transaction.execute("INSERT INTO outcome_calls(id, product, route, developer, key_id, end_user, production, generates, answer_id, model, status, "
                          "http_status, confidence, first_text_ms, total_ms, objective_ms, prompt_tokens, completion_tokens, at_ms, simulated) "
                          "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          {c.id,
                           c.product,
                           c.route,
                           c.developer,
                           c.key_id,
                           c.end_user,
                           int64_t{c.production},
                           int64_t{c.generates},
                           c.answer_id,
                           c.model,
                           c.status,
                           int64_t{c.http_status},
                           c.confidence,
                           c.first_text_ms,
                           c.total_ms,
                           c.objective_ms,
                           c.prompt_tokens,
                           c.completion_tokens,
                           c.at_ms,
                           int64_t{c.simulated}}));
  if (c.generates) TRY(insert_output(transaction, output_of(c), c.at_ms));
  if (c.production) {
    DeveloperEvent step{"", c.product, c.developer, "production", "observed", c.at_ms, c.simulated};
    TRY(put_developer_event_in(transaction, step));
  }
  return count_calls_in(transaction, c.product, c.developer, 1, c.at_ms, c.simulated);
}

}  // namespace

Result<int> Outcomes::record_calls(const Context& context, std::vector<Call> calls) {
  for (Call& call : calls) {
    if (call.id.empty()) call.id = make_id("call");
    if (call.generates && call.answer_id.empty()) call.answer_id = make_id("out");
    // A real call is recorded a little after it began; that is no backdating by anybody.
    call.at_ms = std::min(call.at_ms, clock_.unix_ms());   // the clock was set back since
    TRY_ASSIGN(call.at_ms, stamp(clock_, call.at_ms, true));
    TRY(check_call(call));
  }
  int taken = 0;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    taken = 0;
    std::map<std::string, bool> there;
    for (const Call& call : calls) {
      auto known = there.find(call.product);
      if (known == there.end()) {
        Status found = need_product(transaction, call.product);
        if (!found && found.error().code != Code::kNotFound) return found;
        known = there.emplace(call.product, static_cast<bool>(found)).first;
      }
      if (!known->second) continue;
      TRY(insert_call(transaction, call));
      ++taken;
    }
    return {};
  }));
  return taken;
}

Result<std::vector<Call>> Outcomes::calls(const Context& context, const Filter& filter, int limit, std::string_view after) {
  Select select(kColumns, "outcome_calls", filter, "at_ms");
  if (filter.kind == "failed") select.where("status <> 'ok'");
  else if (filter.kind == "late") select.where("objective_ms > 0 AND total_ms > objective_ms");
  else if (is_status(filter.kind)) select.where("status = ?", {filter.kind});
  else if (!filter.kind.empty()) return not_one_of(filter.kind, {"ok", "client_error", "server_error", "timeout", "failed", "late"}, "kind");
  select.where_given("developer", filter.user);
  return select.list(context, store_, limit, after, call_from);
}

}  // namespace strata::outcome
