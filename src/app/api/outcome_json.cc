// The rows of product/outcome as JSON, and the fields of the bodies that make them.
#include <cmath>

#include "app/api/outcomes.h"
#include "app/api/reply.h"

namespace strata::api {
namespace {

Json time_json(int64_t ms) { return ms == 0 ? Json() : Json(static_cast<double>(ms) / 1000); }
Json text_json(const std::string& text) { return text.empty() ? Json() : Json(text); }

}  // namespace

Json product_json(const outcome::Product& row) {
  return Json::object({{"id", row.id}, {"name", row.name}, {"created_at", time_json(row.created_ms)}, {"simulated", row.simulated}});
}

Json outcome_json(const outcome::Conversation& row) {
  return Json::object({{"id", row.id},
                       {"product", row.product},
                       {"channel", row.channel},
                       {"user", text_json(row.user)},
                       {"end_user", text_json(row.end_user)},
                       {"outcome", outcome::end_name(row.end)},
                       {"handed_over", row.handed_over},
                       {"opened_at", time_json(row.opened_ms)},
                       {"ended_at", time_json(row.ended_ms)},
                       {"simulated", row.simulated}});
}

Json output_json(const outcome::Output& row) {
  return Json::object({{"id", row.id},
                       {"product", row.product},
                       {"conversation_id", text_json(row.conversation)},
                       {"user", text_json(row.user)},
                       {"model", row.model},
                       {"status", row.status},
                       {"confidence", row.confidence},
                       {"first_text_ms", row.first_text_ms},
                       {"total_ms", row.total_ms},
                       {"prompt_tokens", row.prompt_tokens},
                       {"completion_tokens", row.completion_tokens},
                       {"at", time_json(row.at_ms)},
                       {"simulated", row.simulated}});
}

Json draft_json(const outcome::Draft& row, bool texts) {
  Json out = Json::object({{"id", row.id},
                           {"conversation_id", row.conversation},
                           {"answer_id", text_json(row.answer_id)},
                           {"product", row.product},
                           {"user", text_json(row.user)},
                           {"state", row.state},
                           {"edited", row.edited},
                           {"edit_distance", row.edit_distance},
                           {"reason", text_json(row.reason)},
                           {"created_at", time_json(row.created_ms)},
                           {"saved_at", time_json(row.saved_ms)},
                           {"decided_at", time_json(row.decided_ms)},
                           {"simulated", row.simulated}});
  if (texts) out.set("original", row.original), out.set("text", row.text);
  return out;
}

Json handover_json(const outcome::Handover& row) {
  return Json::object({{"id", row.id},
                       {"conversation_id", row.conversation},
                       {"answer_id", text_json(row.answer_id)},
                       {"product", row.product},
                       {"reason", row.reason},
                       {"note", row.note},
                       {"state", row.state},
                       {"who", text_json(row.who)},
                       {"reply", text_json(row.reply)},
                       {"created_at", time_json(row.created_ms)},
                       {"claimed_at", time_json(row.claimed_ms)},
                       {"done_at", time_json(row.done_ms)},
                       {"simulated", row.simulated}});
}

Json judgement_json(const outcome::Judgement& row) {
  return Json::object({{"id", row.id},
                       {"answer_id", row.answer_id},
                       {"product", row.product},
                       {"who", row.who},
                       {"correct", row.correct},
                       {"fabricated", row.fabricated},
                       {"unsafe", row.unsafe},
                       {"output_at", time_json(row.output_ms)},
                       {"at", time_json(row.at_ms)},
                       {"simulated", row.simulated}});
}

Json satisfaction_json(const outcome::Satisfaction& row) {
  return Json::object({{"id", row.id},
                       {"conversation_id", text_json(row.conversation)},
                       {"product", row.product},
                       {"score", row.score},
                       {"source", row.source},
                       {"at", time_json(row.at_ms)},
                       {"simulated", row.simulated}});
}

Json fact_json(const outcome::Fact& row) {
  return Json::object({{"id", row.id},
                       {"product", row.product},
                       {"week", row.week.text()},
                       {"name", row.name},
                       {"value", row.value},
                       {"source", row.source},
                       {"who", text_json(row.who)},
                       {"at", time_json(row.at_ms)},
                       {"simulated", row.simulated}});
}

Json developer_event_json(const outcome::DeveloperEvent& row) {
  return Json::object({{"id", row.id},
                       {"product", row.product},
                       {"developer", row.developer},
                       {"kind", row.kind},
                       {"source", row.source},
                       {"at", time_json(row.at_ms)},
                       {"simulated", row.simulated}});
}

Json call_json(const outcome::Call& row) {
  return Json::object({{"id", row.id},
                       {"product", row.product},
                       {"route", row.route},
                       {"developer", row.developer},
                       {"key_id", row.key_id.empty() ? Json() : Json(row.key_id)},
                       {"end_user", row.end_user.empty() ? Json() : Json(row.end_user)},
                       {"environment", row.production ? "production" : "development"},
                       {"answer_id", row.answer_id.empty() ? Json() : Json(row.answer_id)},
                       {"model", row.model.empty() ? Json() : Json(row.model)},
                       {"status", row.status},
                       {"http_status", row.http_status},
                       {"first_text_ms", row.first_text_ms},
                       {"total_ms", row.total_ms},
                       {"objective_ms", row.objective_ms > 0 ? Json(row.objective_ms) : Json()},
                       {"late", row.late()},
                       {"prompt_tokens", row.prompt_tokens},
                       {"completion_tokens", row.completion_tokens},
                       {"at", time_json(row.at_ms)},
                       {"simulated", row.simulated}});
}

Field at_field() { return {"at", Kind::kNumber, "Unix seconds; only of what is simulated or imported. Default: now.", false, 0, 4e9}; }
int64_t at_ms(const Body& body) { return std::llround(body.number("at", 0) * 1000); }

std::vector<Field> product_fields() {
  return {{"id", Kind::kString, "A slug: a-z, 0-9 and '-'.", true, 1, 64},
          {"name", Kind::kString, "The name for people.", true, 1, 200},
          {"simulated", Kind::kBoolean, "Made by the simulator."}};
}

std::vector<Field> product_conversation_fields() {
  return {{"conversation_id", Kind::kString, "One that exists; none: a new one is made.", false, 1, 200},
          {"title", Kind::kString, "Of a new one.", false, 0, 200},
          {"channel", Kind::kString, "agent: a person works with drafts; customer: answered directly.", false, -1e300, 1e300, {"agent", "customer"}},
          {"user", Kind::kString, "Who works in the product; default: the caller, in the agent channel.", false, 0, 200},
          {"end_user", Kind::kString, "The customer.", false, 0, 200},
          {"simulated", Kind::kBoolean, "Told apart everywhere, and removable at once."},
          at_field()};
}

std::vector<Field> outcome_fields() {
  return {{"outcome", Kind::kString, "open: open it again.", true, -1e300, 1e300, {"open", "resolved", "escalated", "abandoned", "deflected"}}, at_field()};
}

std::vector<Field> satisfaction_fields() {
  return {{"score", Kind::kInteger, "Customer satisfaction.", true, 1, 5},
          {"source", Kind::kString, "survey: asked in the product.", false, -1e300, 1e300, {"survey", "api"}},
          at_field()};
}

std::vector<Field> product_satisfaction_fields() {
  return {{"score", Kind::kInteger, "Customer satisfaction.", true, 1, 5},
          {"conversation_id", Kind::kString, "The conversation that it is about; none: one held elsewhere.", false, 1, 200},
          {"source", Kind::kString, "entered (default): by a person here.", false, -1e300, 1e300, {"entered", "api"}},
          at_field()};
}

std::vector<Field> judgement_fields() {
  return {{"correct", Kind::kBoolean, "The output is correct.", true},
          {"fabricated", Kind::kBoolean, "It contains facts that are in no source."},
          {"unsafe", Kind::kBoolean, "It breaks a safety rule."},
          {"who", Kind::kString, "The evaluator; default: the caller.", false, 1, 200},
          at_field()};
}

std::vector<Field> output_fields() {
  return {{"answer_id", Kind::kString, "Of a stored answer, whose figures fill in what is left out.", false, 1, 200},
          {"conversation_id", Kind::kString, "", false, 1, 200},
          {"user", Kind::kString, "Who got it; default: the conversation's.", false, 0, 200},
          {"model", Kind::kString, "", false, 0, 200},
          {"status", Kind::kString, "", false, -1e300, 1e300, {"ok", "client_error", "server_error", "timeout"}},
          {"confidence", Kind::kNumber, "", false, 0, 1},
          {"first_text_ms", Kind::kNumber, "", false, 0, 1e9},
          {"total_ms", Kind::kNumber, "", false, 0, 1e9},
          {"prompt_tokens", Kind::kInteger, "", false, 0, 1e9},
          {"completion_tokens", Kind::kInteger, "", false, 0, 1e9},
          {"simulated", Kind::kBoolean, "Of an output without a conversation."},
          at_field()};
}

std::vector<Field> fact_fields() {
  return {{"week", Kind::kString, "An ISO week: 2026-W47.", true},
          {"name", Kind::kString, "One of GET /strata/v1/facts/kinds.", true, 1, 64},
          {"value", Kind::kNumber, "", true},
          {"source", Kind::kString, "entered: by a person here.", false, -1e300, 1e300, {"entered", "api"}},
          {"simulated", Kind::kBoolean, ""}};
}

std::vector<Field> import_fields() {
  return {{"csv", Kind::kString, "RFC 4180 with a header line.", true, 0, static_cast<double>(outcome::kImportBytesMax)}, {"simulated", Kind::kBoolean, ""}};
}

std::vector<Field> developer_event_fields() {
  return {{"developer", Kind::kString, "", true, 1, 200},
          {"kind", Kind::kString, "calls: adds to the day's calls.", true, -1e300, 1e300, {"signup", "first_call", "production", "paid", "calls"}},
          {"calls", Kind::kInteger, "Of the kind calls.", false, 1, 1e9},
          {"source", Kind::kString, "entered: by a person here; default: api.", false, -1e300, 1e300, {"entered", "api"}},
          {"simulated", Kind::kBoolean, ""},
          at_field()};
}

}  // namespace strata::api
