// The queue from which a person takes over: waiting → claimed → done.
#include "base/random.h"
#include "product/outcome/outcome.h"
#include "product/outcome/rows.h"

namespace strata::outcome {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;

constexpr size_t kReplyBytesMax = 32u << 10;
constexpr char kColumns[] = "id, conversation_id, answer_id, product, reason, note, state, who, reply, created_ms, claimed_ms, done_ms, simulated";

Handover handover_from(const Row& row) {
  Handover h;
  h.id = row.text(0);
  h.conversation = row.text(1);
  h.answer_id = row.text(2);
  h.product = row.text(3);
  h.reason = row.text(4);
  h.note = row.text(5);
  h.state = row.text(6);
  h.who = row.text(7);
  h.reply = row.text(8);
  h.created_ms = row.integer(9);
  h.claimed_ms = row.integer(10);
  h.done_ms = row.integer(11);
  h.simulated = row.integer(12) != 0;
  return h;
}

Result<Handover> handover_in(Reader& reader, const std::string& id) {
  std::optional<Handover> found;
  TRY(reader.query(std::string("SELECT ") + kColumns + " FROM outcome_handovers WHERE id = ?", {id},
                   [&](const Row& row) { return found = handover_from(row), false; }));
  if (!found) return not_found("no hand-over has the id '" + id.substr(0, 100) + "'", "handover_id");
  return std::move(*found);
}

Status need_claimer(const Handover& item, const std::string& who) {
  if (item.state == "claimed" && item.who == who) return {};
  if (item.state == "waiting") return failed_precondition("hand-over " + item.id + " is waiting: claim it first");
  return failed_precondition("hand-over " + item.id + " is " + item.state + " by " + item.who);
}

Status check_who(const std::string& who) {
  TRY(check_name(who, "who"));
  if (who.empty()) return invalid_argument("who must not be empty", "who");
  return {};
}

}  // namespace

Result<Handover> Outcomes::hand_over(const Context& context, const std::string& conversation, std::string answer_id, std::string reason, std::string note,
                                     int64_t at_ms) {
  TRY(check_name(answer_id, "answer_id"));
  TRY(check_name(reason, "reason"));
  if (reason.empty() || reason.size() > 64) return invalid_argument("reason must have 1 to 64 bytes (low_confidence, asked_for_a_person, …)", "reason");
  TRY(check_text(note, 4'000, "note"));
  Handover item;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(Conversation of, conversation_in(transaction, conversation));
    TRY_ASSIGN(int64_t at, stamp(clock_, at_ms, of.simulated));
    if (at < of.opened_ms) return invalid_argument("at: conversation " + of.id + " was opened at " + iso8601(of.opened_ms) + ", after that time", "at");
    std::string id;
    TRY(transaction.query("SELECT id FROM outcome_handovers WHERE conversation_id = ? AND state <> 'done'", {of.id},
                          [&](const Row& row) { return id = row.text(0), false; }));
    if (id.empty()) {
      if (of.end != End::kOpen && of.end != End::kEscalated)
        return failed_precondition("conversation " + of.id + " has ended " + std::string(end_name(of.end)) + ": open it again to hand it over");
      id = make_id("handover");
      TRY(
          transaction.execute("INSERT INTO outcome_handovers(id, conversation_id, answer_id, product, reason, note, state, who, reply, created_ms, "
                              "claimed_ms, done_ms, simulated) VALUES(?, ?, ?, ?, ?, ?, 'waiting', '', '', ?, 0, 0, ?)",
                              {id, of.id, answer_id, of.product, reason, note, at, int64_t{of.simulated}}));
      TRY(transaction.execute("UPDATE outcome_conversations SET handed_over = 1 WHERE id = ?", {of.id}));
    }
    TRY_ASSIGN(item, handover_in(transaction, id));
    return {};
  }));
  return item;
}

Result<Handover> Outcomes::handover(const Context& context, const std::string& id) {
  Handover item;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY_ASSIGN(item, handover_in(reader, id));
    return {};
  }));
  return item;
}

Result<std::vector<Handover>> Outcomes::handovers(const Context& context, const Filter& filter, int limit, std::string_view after) {
  Select select(kColumns, "outcome_handovers", filter, "created_ms");
  if (!filter.kind.empty()) {
    if (filter.kind != "waiting" && filter.kind != "claimed" && filter.kind != "done") return not_one_of(filter.kind, {"waiting", "claimed", "done"}, "kind");
    select.where("state = ?", {filter.kind});
  }
  select.where_given("conversation_id", filter.conversation);
  select.where_given("who", filter.user);
  return select.list(context, store_, limit, after, handover_from);
}

Result<Handover> Outcomes::claim(const Context& context, const std::string& id, const std::string& who, int64_t at_ms) {
  TRY(check_who(who));
  Handover item;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(item, handover_in(transaction, id));
    if (item.state == "claimed" && item.who == who) return {};
    if (item.state != "waiting") return failed_precondition("hand-over " + id + " is " + item.state + " by " + item.who);
    TRY_ASSIGN(int64_t at, stamp(clock_, at_ms, item.simulated));
    TRY(transaction.execute("UPDATE outcome_handovers SET state = 'claimed', who = ?, claimed_ms = ? WHERE id = ?", {who, at, id}));
    TRY_ASSIGN(item, handover_in(transaction, id));
    return {};
  }));
  return item;
}

Result<Handover> Outcomes::release(const Context& context, const std::string& id, const std::string& who) {
  Handover item;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(item, handover_in(transaction, id));
    TRY(need_claimer(item, who));
    TRY(transaction.execute("UPDATE outcome_handovers SET state = 'waiting', who = '', claimed_ms = 0 WHERE id = ?", {id}));
    TRY_ASSIGN(item, handover_in(transaction, id));
    return {};
  }));
  return item;
}

Result<Handover> Outcomes::finish(const Context& context, const std::string& id, const std::string& who, std::string reply, int64_t at_ms) {
  TRY(check_text(reply, kReplyBytesMax, "reply"));
  Handover item;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(item, handover_in(transaction, id));
    if (item.state == "done" && item.who == who && item.reply == reply) return {};
    TRY(need_claimer(item, who));
    TRY_ASSIGN(int64_t at, stamp(clock_, at_ms, item.simulated));
    TRY(transaction.execute("UPDATE outcome_handovers SET state = 'done', reply = ?, done_ms = ? WHERE id = ?", {reply, at, id}));
    TRY_ASSIGN(Conversation of, conversation_in(transaction, item.conversation));
    if (of.end == End::kOpen) TRY(end_in(transaction, of, End::kEscalated, at));
    TRY_ASSIGN(item, handover_in(transaction, id));
    return {};
  }));
  return item;
}

}  // namespace strata::outcome
