// Products and conversations.
#include "product/outcome/outcome.h"

#include "product/outcome/rows.h"

namespace strata::outcome {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;
using store::Value;

constexpr char kProductColumns[] = "id, name, created_ms, simulated";
constexpr char kColumns[] = "id, product, channel, user_name, end_user, opened_ms, ended_ms, ending, handed_over, simulated";

Product product_from(const Row& row) { return {row.text(0), row.text(1), row.integer(2), row.integer(3) != 0}; }

Conversation conversation_from(const Row& row) {
  Conversation c;
  c.id = row.text(0);
  c.product = row.text(1);
  c.channel = row.text(2);
  c.user = row.text(3);
  c.end_user = row.text(4);
  c.opened_ms = row.integer(5);
  c.ended_ms = row.integer(6);
  c.end = end_from(row.text(7)).value_or(End::kOpen);
  c.handed_over = row.integer(8) != 0;
  c.simulated = row.integer(9) != 0;
  return c;
}

Status check_slug(const std::string& id) {
  bool good = !id.empty() && id.size() <= 64 && id[0] >= 'a' && id[0] <= 'z';
  for (char c : id) good = good && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
  if (!good)
    return invalid_argument("product: an id has 1 to 64 of a-z, 0-9 and '-', and begins with a letter (support-copilot); got '" + id.substr(0, 100) + "'",
                            "product");
  return {};
}

Result<std::optional<Conversation>> find_conversation(Reader& reader, const std::string& id) {
  std::optional<Conversation> found;
  TRY(reader.query(std::string("SELECT ") + kColumns + " FROM outcome_conversations WHERE id = ?", {id},
                   [&](const Row& row) { return found = conversation_from(row), false; }));
  return found;
}

// Opening again: nothing but empty names is filled in.
Status open_again(Transaction& transaction, Conversation& stands, const Conversation& wanted) {
  if (stands.product != wanted.product)
    return failed_precondition("conversation " + stands.id + " belongs to the product '" + stands.product + "' already, not to '" + wanted.product + "'");
  if (stands.user.empty()) stands.user = wanted.user;
  if (stands.end_user.empty()) stands.end_user = wanted.end_user;
  TRY(transaction.execute("UPDATE outcome_conversations SET user_name = ?, end_user = ? WHERE id = ?", {stands.user, stands.end_user, stands.id}));
  return {};
}

}  // namespace

std::string_view end_name(End end) {
  switch (end) {
    case End::kOpen: return "open";
    case End::kResolved: return "resolved";
    case End::kEscalated: return "escalated";
    case End::kAbandoned: return "abandoned";
    case End::kDeflected: return "deflected";
  }
  return "open";
}

Result<End> end_from(std::string_view name) {
  std::vector<std::string_view> names;
  for (End end : {End::kOpen, End::kResolved, End::kEscalated, End::kAbandoned, End::kDeflected}) {
    if (end_name(end) == name) return end;
    names.push_back(end_name(end));
  }
  return not_one_of(name, names, "outcome");
}

Result<Conversation> conversation_in(Reader& reader, const std::string& id) {
  TRY_ASSIGN(auto found, find_conversation(reader, id));
  if (!found) return not_found("no conversation of a product has the id '" + id.substr(0, 100) + "'", "conversation_id");
  return std::move(*found);
}

Status end_in(Transaction& transaction, const Conversation& conversation, End end, int64_t at_ms) {
  if (at_ms < conversation.opened_ms)
    return invalid_argument("at: conversation " + conversation.id + " was opened at " + iso8601(conversation.opened_ms) + " and cannot end before", "at");
  int64_t ended = end == End::kOpen ? 0 : conversation.ended_ms ? conversation.ended_ms : at_ms;
  TRY(transaction.execute("UPDATE outcome_conversations SET ending = ?, ended_ms = ? WHERE id = ?", {std::string(end_name(end)), ended, conversation.id}));
  return {};
}

Outcomes::Outcomes(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

Result<Product> Outcomes::put_product(const Context& context, std::string id, std::string name, bool simulated) {
  TRY(check_slug(id));
  TRY(check_name(name, "name"));
  if (name.empty()) return invalid_argument("name must not be empty", "name");
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(
        transaction.execute("INSERT INTO outcome_products(id, name, created_ms, simulated) VALUES(?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET "
                            "name = excluded.name, simulated = CASE WHEN excluded.simulated = 0 THEN 0 ELSE outcome_products.simulated END",
                            {id, name, clock_.unix_ms(), int64_t{simulated}}));
    return {};
  }));
  return product(context, id);
}

Result<Product> Outcomes::product(const Context& context, const std::string& id) {
  Product product;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY(need_product(reader, id));
    return reader.query(std::string("SELECT ") + kProductColumns + " FROM outcome_products WHERE id = ?", {id},
                        [&](const Row& row) { return product = product_from(row), false; });
  }));
  return product;
}

Result<std::vector<Product>> Outcomes::products(const Context& context, int limit, std::string_view after) {
  std::vector<Product> found;
  Select select(kProductColumns, "outcome_products", {}, "created_ms");
  TRY(select.page(context, store_, limit, after, [&](const Row& row) { found.push_back(product_from(row)); }));
  return found;
}

Result<Conversation> Outcomes::open(const Context& context, Conversation wanted, int64_t at_ms) {
  if (wanted.id.empty()) return invalid_argument("a conversation must have an id", "conversation_id");
  TRY(check_name(wanted.id, "conversation_id"));
  TRY(check_name(wanted.user, "user"));
  TRY(check_name(wanted.end_user, "end_user"));
  if (wanted.channel != "agent" && wanted.channel != "customer") return not_one_of(wanted.channel, {"agent", "customer"}, "channel");
  TRY_ASSIGN(int64_t opened, stamp(clock_, at_ms, wanted.simulated));
  Conversation result;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY(need_product(transaction, wanted.product));
    TRY_ASSIGN(auto stands, find_conversation(transaction, wanted.id));
    if (stands) {
      TRY(open_again(transaction, *stands, wanted));
    } else {
      TRY(
          transaction.execute("INSERT INTO outcome_conversations(id, product, channel, user_name, end_user, opened_ms, ended_ms, ending, handed_over, "
                              "simulated) VALUES(?, ?, ?, ?, ?, ?, 0, 'open', 0, ?)",
                              {wanted.id, wanted.product, wanted.channel, wanted.user, wanted.end_user, opened, int64_t{wanted.simulated}}));
    }
    TRY_ASSIGN(result, conversation_in(transaction, wanted.id));
    return {};
  }));
  return result;
}

Result<Conversation> Outcomes::end(const Context& context, const std::string& id, End end, int64_t at_ms) {
  Conversation result;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(Conversation stands, conversation_in(transaction, id));
    TRY_ASSIGN(int64_t at, stamp(clock_, at_ms, stands.simulated));
    if (stands.handed_over && (end == End::kResolved || end == End::kDeflected))
      return failed_precondition("conversation " + id + " was handed over to a person: it ends escalated or abandoned, not " + std::string(end_name(end)));
    TRY(end_in(transaction, stands, end, at));
    TRY_ASSIGN(result, conversation_in(transaction, id));
    return {};
  }));
  return result;
}

Result<Conversation> Outcomes::conversation(const Context& context, const std::string& id) {
  Conversation result;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY_ASSIGN(result, conversation_in(reader, id));
    return {};
  }));
  return result;
}

Result<std::vector<Conversation>> Outcomes::conversations(const Context& context, const Filter& filter, int limit, std::string_view after) {
  bool by_end = !filter.kind.empty() && filter.kind != "open";
  Select select(kColumns, "outcome_conversations", filter, by_end ? "ended_ms" : "opened_ms");
  if (filter.kind == "ended") {
    select.where("ending <> 'open'");
  } else if (!filter.kind.empty()) {
    if (!end_from(filter.kind)) return not_one_of(filter.kind, {"ended", "open", "resolved", "escalated", "abandoned", "deflected"}, "kind");
    select.where("ending = ?", {filter.kind});
  }
  select.where_given("id", filter.conversation);
  select.where_given("user_name", filter.user);
  return select.list(context, store_, limit, after, conversation_from);
}

Result<std::optional<std::string>> Outcomes::product_of(const Context& context, const std::string& conversation_id) {
  std::optional<std::string> product;
  TRY(store_.read(context, [&](Reader& reader) {
    return reader.query("SELECT product FROM outcome_conversations WHERE id = ?", {conversation_id},
                        [&](const Row& row) { return product = row.text(0), false; });
  }));
  return product;
}

}  // namespace strata::outcome
