// Drafts: made from an answer, saved while a person types, then sent (as they are or edited) or discarded, once.
#include "base/random.h"
#include "product/outcome/outcome.h"
#include "product/outcome/rows.h"

namespace strata::outcome {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;

constexpr char kColumns[] =
    "id, conversation_id, answer_id, product, user_name, state, edited, edit_distance, reason, created_ms, saved_ms, decided_ms, simulated";
constexpr char kWithTexts[] =
    "id, conversation_id, answer_id, product, user_name, state, edited, edit_distance, reason, created_ms, saved_ms, decided_ms, simulated, original, body";

Draft draft_from(const Row& row, bool texts) {
  Draft d;
  d.id = row.text(0);
  d.conversation = row.text(1);
  d.answer_id = row.text(2);
  d.product = row.text(3);
  d.user = row.text(4);
  d.state = row.text(5);
  d.edited = row.integer(6) != 0;
  d.edit_distance = row.integer(7);
  d.reason = row.text(8);
  d.created_ms = row.integer(9);
  d.saved_ms = row.integer(10);
  d.decided_ms = row.integer(11);
  d.simulated = row.integer(12) != 0;
  if (texts) d.original = row.text(13), d.text = row.text(14);
  return d;
}

Result<Draft> draft_in(Reader& reader, const std::string& id) {
  std::optional<Draft> found;
  TRY(reader.query(std::string("SELECT ") + kWithTexts + " FROM outcome_drafts WHERE id = ?", {id},
                   [&](const Row& row) { return found = draft_from(row, true), false; }));
  if (!found) return not_found("no draft has the id '" + id.substr(0, 100) + "'", "draft_id");
  return std::move(*found);
}

Status need_open(const Draft& draft) {
  if (draft.state == "open") return {};
  return failed_precondition("draft " + draft.id + " was " + draft.state + " at " + iso8601(draft.decided_ms) + " and cannot change any more");
}

Status not_before(const Draft& draft, int64_t at_ms) {
  if (at_ms < draft.created_ms) return invalid_argument("at: draft " + draft.id + " was made at " + iso8601(draft.created_ms) + ", after that time", "at");
  return {};
}

// The id of the draft that was sent under this key, or "".
Result<std::string> sent_under(Reader& reader, const std::string& key) {
  std::string id;
  TRY(reader.query("SELECT id FROM outcome_drafts WHERE send_key = ?", {key}, [&](const Row& row) { return id = row.text(0), false; }));
  return id;
}

Status apply_kind(Select& select, const std::string& kind) {
  if (kind.empty()) return {};
  if (kind == "open" || kind == "sent" || kind == "discarded") select.where("state = ?", {kind});
  else if (kind == "edited" || kind == "unmodified") select.where("state = 'sent' AND edited = ?", {int64_t{kind == "edited"}});
  else if (kind == "decided") select.where("state <> 'open'");
  else return not_one_of(kind, {"open", "sent", "edited", "unmodified", "discarded", "decided"}, "kind");
  return {};
}

}  // namespace

Result<Draft> Outcomes::add_draft(const Context& context, const std::string& conversation, std::string answer_id, std::string user, std::string text,
                                  int64_t at_ms) {
  TRY(check_text(text, kDraftBytesMax, "text"));
  TRY(check_name(answer_id, "answer_id"));
  TRY(check_name(user, "user"));
  Draft draft;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(Conversation of, conversation_in(transaction, conversation));
    TRY_ASSIGN(int64_t at, stamp(clock_, at_ms, of.simulated));
    std::string id = make_id("draft");
    TRY(
        transaction.execute("INSERT INTO outcome_drafts(id, conversation_id, answer_id, product, user_name, original, body, state, edited, edit_distance, "
                            "reason, created_ms, saved_ms, decided_ms, simulated) VALUES(?, ?, ?, ?, ?, ?, ?, 'open', 0, 0, '', ?, ?, 0, ?)",
                            {id, of.id, answer_id, of.product, user.empty() ? of.user : user, text, text, at, at, int64_t{of.simulated}}));
    TRY_ASSIGN(draft, draft_in(transaction, id));
    return {};
  }));
  return draft;
}

Result<Draft> Outcomes::draft(const Context& context, const std::string& id) {
  Draft draft;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY_ASSIGN(draft, draft_in(reader, id));
    return {};
  }));
  return draft;
}

Result<std::vector<Draft>> Outcomes::drafts(const Context& context, const Filter& filter, int limit, std::string_view after) {
  bool by_creation = filter.kind.empty() || filter.kind == "open";
  Select select(filter.texts ? kWithTexts : kColumns, "outcome_drafts", filter, by_creation ? "created_ms" : "decided_ms");
  TRY(apply_kind(select, filter.kind));
  select.where_given("conversation_id", filter.conversation);
  select.where_given("user_name", filter.user);
  return select.list(context, store_, limit, after, [&](const Row& row) { return draft_from(row, filter.texts); });
}

Result<Draft> Outcomes::save_draft(const Context& context, const std::string& id, std::string text, int64_t at_ms) {
  TRY(check_text(text, kDraftBytesMax, "text"));
  Draft draft;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(draft, draft_in(transaction, id));
    TRY(need_open(draft));
    TRY_ASSIGN(int64_t at, stamp(clock_, at_ms, draft.simulated));
    TRY(not_before(draft, at));
    TRY(transaction.execute("UPDATE outcome_drafts SET body = ?, saved_ms = ? WHERE id = ?", {text, at, id}));
    TRY_ASSIGN(draft, draft_in(transaction, id));
    return {};
  }));
  return draft;
}

Result<Draft> Outcomes::send_draft(const Context& context, const std::string& id, std::string text, const std::string& key, int64_t at_ms) {
  TRY(check_text(text, kDraftBytesMax, "text"));
  TRY(check_name(key, "idempotency_key"));
  if (key.empty() || key.size() > 128) return invalid_argument("idempotency_key must have 1 to 128 bytes", "idempotency_key");
  TRY_ASSIGN(Draft draft, this->draft(context, id));
  // WHY here: the original never changes, and the comparison is too long to keep other writers waiting.
  bool edited = text != draft.original;
  int64_t distance = edited && draft.state == "open" ? edit_distance(draft.original, text) : 0;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(draft, draft_in(transaction, id));
    TRY_ASSIGN(std::string sent, sent_under(transaction, key));
    if (sent == id) return {};
    if (!sent.empty()) return invalid_argument("idempotency_key: it sent draft " + sent + " already; take a new one for each draft", "idempotency_key");
    TRY(need_open(draft));
    TRY_ASSIGN(int64_t at, stamp(clock_, at_ms, draft.simulated));
    TRY(not_before(draft, at));
    TRY(
        transaction.execute("UPDATE outcome_drafts SET body = ?, state = 'sent', edited = ?, edit_distance = ?, send_key = ?, saved_ms = ?, decided_ms = ? "
                            "WHERE id = ?",
                            {text, int64_t{edited}, distance, key, at, at, id}));
    TRY_ASSIGN(draft, draft_in(transaction, id));
    return {};
  }));
  return draft;
}

Result<Draft> Outcomes::discard_draft(const Context& context, const std::string& id, std::string reason, int64_t at_ms) {
  TRY(check_text(reason, 4'000, "reason"));
  Draft draft;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(draft, draft_in(transaction, id));
    if (draft.state == "discarded") return {};
    TRY(need_open(draft));
    TRY_ASSIGN(int64_t at, stamp(clock_, at_ms, draft.simulated));
    TRY(not_before(draft, at));
    TRY(transaction.execute("UPDATE outcome_drafts SET state = 'discarded', reason = ?, decided_ms = ? WHERE id = ?", {reason, at, id}));
    TRY_ASSIGN(draft, draft_in(transaction, id));
    return {};
  }));
  return draft;
}

}  // namespace strata::outcome
