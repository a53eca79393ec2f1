#include "app/api/turns.h"

#include "app/api/outcomes.h"
#include "app/api/reply.h"
#include "app/api/specs.h"
#include "base/random.h"
#include "base/text.h"
#include "product/feedback/feedback.h"

namespace strata::api {
namespace {

// At most `bytes` of it, ending between characters.
std::string whole_prefix(const std::string& text, size_t bytes) { return text.substr(0, utf8_complete_prefix(std::string_view(text).substr(0, bytes))); }

std::string title_of(const std::string& question) {
  constexpr size_t kTitleBytes = 80;
  if (question.size() <= kTitleBytes) return question;
  const std::string cut = whole_prefix(question, kTitleBytes);
  const size_t space = cut.rfind(' ');
  return (space == std::string::npos || space < 20 ? cut : cut.substr(0, space)) + "…";
}

std::string text_at(const Json& json, std::string_view key) {
  const std::string* text = json[key].as_string();
  return text != nullptr ? *text : "";
}

// A customer's conversation has nobody in between: what the answer leaves open, a person takes over.
Status hand_over_if_unsure(const Services& services, const Context& context, const outcome::Conversation& conversation, const std::string& question,
                           Json* strata) {
  const bool* review = (*strata)["requires_human_review"].as_bool();
  if (conversation.channel != "customer" || review == nullptr || !*review) return {};
  // Whoever comes back with a question has not been served: what ended without a person is open again.
  if (conversation.end != outcome::End::kOpen && conversation.end != outcome::End::kEscalated)
    TRY(services.outcomes->end(context, conversation.id, outcome::End::kOpen));
  const std::string result = text_at(*strata, "outcome");
  const bool unsure = text_at(*strata, "label") == "low_confidence";
  const std::string reason = result != "answered" ? result : unsure ? "low_confidence" : "review_required";
  TRY_ASSIGN(auto handover, services.outcomes->hand_over(context, conversation.id, text_at(*strata, "answer_id"), reason, whole_prefix(question, 4'000)));
  strata->set("handover", handover_json(handover));
  return {};
}

}  // namespace

Result<std::vector<model::Message>> begin_turn(const Services& services, const Context& context, const std::string& conversation_id,
                                               const std::optional<std::string>& content) {
  TRY_ASSIGN(auto conversation, services.feedback->conversation(context, conversation_id));
  TRY_ASSIGN(auto rows, services.feedback->messages(context, conversation_id));
  if (!content) {
    while (!rows.empty() && rows.back().role != "user") {
      TRY(services.feedback->cut_messages(context, conversation_id, rows.back().ordinal));
      rows.pop_back();
    }
    if (rows.empty()) return failed_precondition("there is no question to answer again");
  } else {
    TRY_ASSIGN(auto row, services.feedback->add_message(context, conversation_id, "user", *content, ""));
    if (rows.empty() && conversation.title.empty()) TRY(services.feedback->rename_conversation(context, conversation_id, title_of(*content)));
    rows.push_back(std::move(row));
  }
  std::vector<model::Message> messages;
  for (auto& row : rows) messages.push_back({row.role, row.content, ""});
  return messages;
}

ChatHead turn_head(const Services& services, const model::LanguageModel& model) {
  ChatHead head;
  head.id = make_id("chatcmpl");
  head.model = model.info().id;
  head.created = seconds_of(services.clock->unix_ms());
  head.stream = true;
  return head;
}

ChatWriter::Keep keep_reply(const Services& services, const std::string& conversation_id, std::string question) {
  return [&services, conversation_id, question = std::move(question)](const std::string& text, Json* strata) -> Status {
    const std::string answer_id = text_at(*strata, "answer_id");
    const Context own = Context::background(*services.clock);  // kept also where the client left meanwhile
    TRY(services.feedback->add_message(own, conversation_id, "assistant", text, answer_id));
    TRY_ASSIGN(auto conversation, product_conversation(services, own, conversation_id));
    if (!conversation || answer_id.empty()) return {};
    TRY(record_output(services, own, conversation_id, answer_id));
    return hand_over_if_unsure(services, own, *conversation, question, strata);
  };
}

Result<std::optional<outcome::Conversation>> product_conversation(const Services& services, const Context& context, const std::string& conversation_id) {
  TRY_ASSIGN(auto product, services.outcomes->product_of(context, conversation_id));
  if (!product) return std::optional<outcome::Conversation>();
  TRY_ASSIGN(auto conversation, services.outcomes->conversation(context, conversation_id));
  return std::optional(std::move(conversation));
}

Result<Json> product_view(const Services& services, const Context& context, const std::string& conversation_id) {
  TRY_ASSIGN(auto conversation, product_conversation(services, context, conversation_id));
  if (!conversation) return Json();
  constexpr int kMost = 200;
  const outcome::Filter drafts_of{.conversation = conversation_id, .texts = true}, of{.conversation = conversation_id};
  TRY_ASSIGN(auto drafts, services.outcomes->drafts(context, drafts_of, kMost, ""));
  TRY_ASSIGN(auto handovers, services.outcomes->handovers(context, of, kMost, ""));
  TRY_ASSIGN(auto scores, services.outcomes->satisfaction(context, of, 1, ""));
  Json out = outcome_json(*conversation), draft_list = Json::array(), handover_list = Json::array();
  for (auto& draft : drafts) draft_list.push(draft_json(draft, true));
  for (auto& handover : handovers) handover_list.push(handover_json(handover));
  out.set("drafts", std::move(draft_list));
  out.set("handovers", std::move(handover_list));
  out.set("satisfaction", scores.empty() ? Json() : Json(scores[0].score));
  return out;
}

confidence::Presentation presentation_for(const Services& services, const Context& context, const std::string& product, confidence::Place place) {
  auto live = services.specs->live(context, product);
  // A spec that cannot be read is no reason to leave the review out.
  const bool review = live ? *live && (*live)->spec.human_review_required : !product.empty();
  return {.place = place, .review_demanded = review};
}

}  // namespace strata::api
