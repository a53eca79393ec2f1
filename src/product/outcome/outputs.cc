// Outputs of a product's AI, and what evaluators say of them.
#include "base/random.h"
#include "product/outcome/outcome.h"
#include "product/outcome/rows.h"

namespace strata::outcome {
namespace {

using store::Reader;
using store::Row;
using store::Transaction;

constexpr char kColumns[] =
    "id, product, conversation_id, user_name, model, status, confidence, first_text_ms, total_ms, prompt_tokens, completion_tokens, at_ms, simulated";
constexpr char kJudgementColumns[] = "id, answer_id, product, who, correct, fabricated, unsafe, output_ms, at_ms, simulated";
constexpr int64_t kTokensMax = 1'000'000'000;     // of one output; keeps a week's sum far from overflow
constexpr double kMsMax = 1e9;                    // eleven days

Output output_from(const Row& row) {
  Output o;
  o.id = row.text(0);
  o.product = row.text(1);
  o.conversation = row.text(2);
  o.user = row.text(3);
  o.model = row.text(4);
  o.status = row.text(5);
  o.confidence = row.real(6);
  o.first_text_ms = row.real(7);
  o.total_ms = row.real(8);
  o.prompt_tokens = row.integer(9);
  o.completion_tokens = row.integer(10);
  o.at_ms = row.integer(11);
  o.simulated = row.integer(12) != 0;
  return o;
}

Judgement judgement_from(const Row& row) {
  Judgement j;
  j.id = row.text(0);
  j.answer_id = row.text(1);
  j.product = row.text(2);
  j.who = row.text(3);
  j.correct = row.integer(4) != 0;
  j.fabricated = row.integer(5) != 0;
  j.unsafe = row.integer(6) != 0;
  j.output_ms = row.integer(7);
  j.at_ms = row.integer(8);
  j.simulated = row.integer(9) != 0;
  return j;
}

Result<std::optional<Output>> find_output(Reader& reader, const std::string& id) {
  std::optional<Output> found;
  TRY(reader.query(std::string("SELECT ") + kColumns + " FROM outcome_outputs WHERE id = ?", {id},
                   [&](const Row& row) { return found = output_from(row), false; }));
  return found;
}

Result<Output> output_in(Reader& reader, const std::string& id) {
  TRY_ASSIGN(auto found, find_output(reader, id));
  if (!found) return not_found("no output of a product has the id '" + id.substr(0, 100) + "'", "answer_id");
  return std::move(*found);
}

bool in_range(double value, double most) { return value >= 0 && value <= most; }   // false of NaN

// What an output inherits from the conversation that it belongs to.
Status inherit(Reader& reader, Output& output) {
  if (output.conversation.empty()) return need_product(reader, output.product);
  TRY_ASSIGN(Conversation of, conversation_in(reader, output.conversation));
  if (!output.product.empty() && output.product != of.product)
    return invalid_argument("product: conversation " + of.id + " belongs to '" + of.product + "', not to '" + output.product + "'", "product");
  output.product = of.product;
  if (output.user.empty()) output.user = of.user;
  output.simulated = of.simulated;
  return {};
}

}  // namespace

const std::vector<std::string_view>& output_statuses() {
  static const std::vector<std::string_view> kStatuses = {"ok", "client_error", "server_error", "timeout"};
  return kStatuses;
}

bool is_status(std::string_view status) {
  for (auto known : output_statuses())
    if (known == status) return true;
  return false;
}

Status check_output(const Output& o) {
  TRY(check_name(o.id, "answer_id"));
  TRY(check_name(o.user, "user"));
  TRY(check_name(o.model, "model"));
  if (!is_status(o.status)) return not_one_of(o.status, output_statuses(), "status");
  if (!in_range(o.confidence, 1)) return invalid_argument("confidence must be between 0 and 1", "confidence");
  if (!in_range(o.total_ms, kMsMax)) return invalid_argument("total_ms must be between 0 and 1e9", "total_ms");
  if (!in_range(o.first_text_ms, kMsMax)) return invalid_argument("first_text_ms must be between 0 and 1e9", "first_text_ms");
  if (o.prompt_tokens < 0 || o.prompt_tokens > kTokensMax) return invalid_argument("prompt_tokens must be between 0 and 1e9", "prompt_tokens");
  if (o.completion_tokens < 0 || o.completion_tokens > kTokensMax) return invalid_argument("completion_tokens must be between 0 and 1e9", "completion_tokens");
  return {};
}

Status insert_output(Transaction& transaction, const Output& o, int64_t at_ms) {
  TRY(
      transaction.execute("INSERT INTO outcome_outputs(id, product, conversation_id, user_name, model, status, confidence, first_text_ms, total_ms, "
                          "prompt_tokens, completion_tokens, at_ms, simulated) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO NOTHING",
                          {o.id, o.product, o.conversation, o.user, o.model, o.status, o.confidence, o.first_text_ms, o.total_ms, o.prompt_tokens,
                           o.completion_tokens, at_ms, int64_t{o.simulated}}));
  return {};
}

Result<Output> Outcomes::add_output(const Context& context, Output wanted) {
  if (wanted.id.empty()) wanted.id = make_id("out");
  TRY(check_output(wanted));
  Output result;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(auto stands, find_output(transaction, wanted.id));
    if (stands) {
      result = std::move(*stands);
      if (!result.simulated || wanted.at_ms == 0) return {};
      TRY_ASSIGN(result.at_ms, stamp(clock_, wanted.at_ms, true));
      TRY(transaction.execute("UPDATE outcome_outputs SET at_ms = ? WHERE id = ?", {result.at_ms, result.id}));
      return {};
    }
    Output o = wanted;
    TRY(inherit(transaction, o));
    TRY_ASSIGN(int64_t at, stamp(clock_, o.at_ms, o.simulated));
    TRY(insert_output(transaction, o, at));
    TRY_ASSIGN(result, output_in(transaction, o.id));
    return {};
  }));
  return result;
}

Result<Output> Outcomes::output(const Context& context, const std::string& id) {
  Output output;
  TRY(store_.read(context, [&](Reader& reader) -> Status {
    TRY_ASSIGN(output, output_in(reader, id));
    return {};
  }));
  return output;
}

Result<std::vector<Output>> Outcomes::outputs(const Context& context, const Filter& filter, int limit, std::string_view after) {
  Select select(kColumns, "outcome_outputs", filter, "at_ms");
  if (!filter.kind.empty()) {
    if (!is_status(filter.kind)) return not_one_of(filter.kind, output_statuses(), "kind");
    select.where("status = ?", {filter.kind});
  }
  select.where_given("conversation_id", filter.conversation);
  select.where_given("user_name", filter.user);
  return select.list(context, store_, limit, after, output_from);
}

Result<Judgement> Outcomes::judge(const Context& context, Judgement wanted) {
  TRY(check_name(wanted.who, "who"));
  if (wanted.who.empty()) return invalid_argument("who must not be empty: a judgement is an evaluator's", "who");
  Judgement result;
  TRY(store_.write(context, [&](Transaction& transaction) -> Status {
    TRY_ASSIGN(Output of, output_in(transaction, wanted.answer_id));
    TRY_ASSIGN(int64_t at, stamp(clock_, wanted.at_ms, of.simulated));
    TRY(
        transaction.execute("INSERT INTO outcome_judgements(id, answer_id, product, who, correct, fabricated, unsafe, output_ms, at_ms, simulated) "
                            "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(answer_id, who) DO UPDATE SET correct = excluded.correct, "
                            "fabricated = excluded.fabricated, unsafe = excluded.unsafe, at_ms = excluded.at_ms",
                            {make_id("judge"), of.id, of.product, wanted.who, int64_t{wanted.correct}, int64_t{wanted.fabricated}, int64_t{wanted.unsafe},
                             of.at_ms, at, int64_t{of.simulated}}));
    return transaction.query(std::string("SELECT ") + kJudgementColumns + " FROM outcome_judgements WHERE answer_id = ? AND who = ?", {of.id, wanted.who},
                             [&](const Row& row) { return result = judgement_from(row), false; });
  }));
  return result;
}

Result<std::vector<Judgement>> Outcomes::judgements(const Context& context, const Filter& filter, int limit, std::string_view after) {
  Select select(kJudgementColumns, "outcome_judgements", filter, "output_ms");
  if (filter.kind == "correct" || filter.kind == "incorrect") select.where("correct = ?", {int64_t{filter.kind == "correct"}});
  else if (filter.kind == "fabricated") select.where("fabricated = 1");
  else if (filter.kind == "unsafe") select.where("unsafe = 1");
  else if (!filter.kind.empty()) return not_one_of(filter.kind, {"correct", "incorrect", "fabricated", "unsafe"}, "kind");
  select.where_given("who", filter.user);
  return select.list(context, store_, limit, after, judgement_from);
}

}  // namespace strata::outcome
