// /strata/v1: conversations that the web app shows, answers with their "why", ratings and reported issues.
#include "app/api/answer_json.h"
#include "app/api/answers.h"
#include "app/api/api.h"
#include "app/api/chat_writer.h"
#include "app/api/generation.h"
#include "app/api/openapi.h"
#include "app/api/reply.h"
#include "app/api/specs.h"
#include "app/api/turns.h"
#include "base/log.h"
#include "base/random.h"
#include "base/span.h"
#include "infra/observe/observe.h"
#include "product/confidence/confidence.h"
#include "product/feedback/feedback.h"

namespace strata::api {

std::vector<Field> conversation_fields() { return {{"title", Kind::kString, "Of the new conversation.", false, 0, 200}}; }
std::vector<Field> title_fields() { return {{"title", Kind::kString, "The new title.", true, 1, 200}}; }
std::vector<Field> message_fields() {
  return {{"content", Kind::kString, "What the user says.", false, 1, 32768},
          {"vector_store_ids", Kind::kArray, "Where to look; none: the model alone.", false, 0, 16},
          {"model", Kind::kString, "Id of the model."},
          {"mode", Kind::kString, "", false, -1e300, 1e300, {"quote_first", "classic"}},
          {"generate", Kind::kBoolean, "Let the model add verified sentences."},
          {"regenerate", Kind::kBoolean, "Answer the last question again."}};
}
std::vector<Field> rating_fields() {
  return {{"rating", Kind::kString, "none takes it back.", false, -1e300, 1e300, {"up", "down", "none"}},
          {"reasons", Kind::kArray, "Why, in a word each.", false, 0, 16},
          {"comment", Kind::kString, "Why, in words.", false, 0, 4000}};
}
std::vector<Field> issue_fields() {
  return {{"category", Kind::kString, "What is wrong, in a word.", true, 1, 64}, {"comment", Kind::kString, "What is wrong.", false, 0, 4000}};
}

namespace {

Json conversation_json(const feedback::Conversation& c) {
  return Json::object(
      {{"id", c.id}, {"title", c.title}, {"created_at", seconds_of(c.created_ms)}, {"updated_at", seconds_of(c.updated_ms)}, {"messages_count", c.messages}});
}

// The `strata` object of a stored answer, with the vote.
Json stored_strata(const Services& services, const Context& context, const std::string& answer_id) {
  auto answer = services.feedback->answer(context, answer_id);
  if (!answer) return nullptr;
  auto why = Json::parse(answer->json);
  if (!why) return nullptr;
  Json out = Json::object();
  for (const char* key : {"answer_id", "outcome", "confidence", "raw_confidence", "suggested_actions", "requires_human_review", "mode", "model", "citations",
                          "verdicts", "closest", "first_text_ms", "total_ms"})
    out.set(key, (*why)[key]);
  out.set("label", confidence::label_name(confidence::label_of(answer->confidence)));  // also of answers from before there were labels
  out.set("treatment", treatment_json(answer->confidence));
  if (auto vote = services.feedback->vote(context, answer_id)) out.set("rating", feedback::rating_name(vote->rating));
  return out;
}

Result<Json> list_conversations(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Page page, parse_page(request, 100, 1000));
  TRY_ASSIGN(auto rows, services.feedback->conversations(context, page.limit + 1, page.after));
  Json::Array items;
  for (auto& row : rows) items.push_back(conversation_json(row));
  return list_json(std::move(items), page.limit);
}

Result<Json> make_conversation(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body.empty() ? "{}" : request.body));
  TRY_ASSIGN(Body body, Body::parse(conversation_fields(), json));
  TRY_ASSIGN(auto row, services.feedback->add_conversation(context, body.text("title")));
  return conversation_json(row);
}

Result<Json> one_conversation(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(auto row, services.feedback->conversation(context, request.captures[0]));
  TRY_ASSIGN(auto messages, services.feedback->messages(context, row.id));
  Json list = Json::array();
  for (auto& message : messages)
    list.push(Json::object({{"ordinal", message.ordinal},
                            {"role", message.role},
                            {"content", message.content},
                            {"answer_id", message.answer_id.empty() ? Json() : Json(message.answer_id)},
                            {"strata", message.answer_id.empty() ? Json() : stored_strata(services, context, message.answer_id)},
                            {"created_at", seconds_of(message.created_ms)}}));
  Json out = conversation_json(row);
  TRY_ASSIGN(Json product, product_view(services, context, row.id));
  out.set("product", std::move(product));
  TRY_ASSIGN(auto live, services.specs->of_conversation(context, row.id));
  out.set("spec", live ? terms_json({*live, "", {}}) : Json());
  out.set("messages", std::move(list));
  return out;
}

Result<Json> rename_conversation(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(title_fields(), json));
  TRY(services.feedback->rename_conversation(context, request.captures[0], body.text("title")));
  TRY_ASSIGN(auto row, services.feedback->conversation(context, request.captures[0]));
  return conversation_json(row);
}

Result<Json> remove_conversation(const Services& services, const Context& context, const http::Request& request) {
  TRY(services.feedback->remove_conversation(context, request.captures[0]));
  return Json::object({{"id", request.captures[0]}, {"deleted", true}});
}

Status post_message(const Services& services, const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder,
                    std::shared_ptr<ProductCall> call) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(message_fields(), json));
  TRY_ASSIGN(auto model, services.models->find(body.text("model")));
  std::vector<std::string> base_ids;
  if (body.has("vector_store_ids"))
    for (auto& item : *body["vector_store_ids"].as_array()) {
      TRY_ASSIGN(std::string base, item.to_string("vector_store_ids"));
      base_ids.push_back(std::move(base));
    }
  const bool again = body.flag("regenerate", false);
  if (!again && !body.has("content")) return invalid_argument("missing required parameter 'content'", "content", "missing_required_parameter");
  const std::string& id = request.captures[0];
  const std::string product = call ? call->product() : "";
  if (call) note_trace(context, "strata.product", product);
  TRY_ASSIGN(auto terms, terms_of(services, context, product, *model, body.text("content"), base_ids));
  const std::string question = terms ? terms->question : body.text("content");
  TRY_ASSIGN(auto messages, begin_turn(services, context, id, again ? std::nullopt : std::optional(question)));
  ChatHead head = turn_head(services, *model);
  if (terms) head.product = terms_json(*terms);
  if (terms) mask_messages(*terms, messages);
  if (base_ids.empty()) head.plain_terms = terms;
  head.call = std::move(call);
  ChatWriter writer(std::move(head), context, std::move(responder), services.background, keep_reply(services, id, messages.back().content));
  if (base_ids.empty()) {
    model::GenerateRequest wanted;
    wanted.prompt = std::move(messages);
    wanted.sampling.temperature = 0.7;
    wanted.sampling.seed = random_seed();
    TRY_ASSIGN(auto handle, model->submit(context, std::move(wanted), model_sink(std::move(writer))));
    return {};
  }
  answer::Request wanted;
  wanted.conversation = std::move(messages);
  wanted.base_ids = std::move(base_ids);
  wanted.mode = body.text("mode", "quote_first") == "classic" ? answer::Mode::kClassic : answer::Mode::kQuoteFirst;
  wanted.generate = body.flag("generate", true);
  wanted.sampling.seed = random_seed();
  run_answer(services, context, std::move(model), std::move(wanted), answer_sink(std::move(writer)),
             presentation_for(services, context, product, confidence::Place::kChat), std::move(terms));
  return {};
}

Result<Json> one_answer(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(auto answer, services.feedback->answer(context, request.captures[0]));
  TRY_ASSIGN(Json why, Json::parse(answer.json));
  TRY_ASSIGN(auto vote, services.feedback->vote(context, answer.id));
  why.set("label", confidence::label_name(confidence::label_of(answer.confidence)));  // also of answers from before there were labels
  why.set("treatment", treatment_json(answer.confidence));
  Json reasons = Json::array();
  for (auto& reason : vote.reasons) reasons.push(reason);
  why.set("feedback", Json::object({{"rating", feedback::rating_name(vote.rating)}, {"reasons", std::move(reasons)}, {"comment", vote.comment}}));
  why.set("created_at", seconds_of(answer.created_ms));
  services.observer->flush();
  auto trace = services.observer->trace_of_answer(context, answer.id);
  why.set("trace_id", trace && !trace->empty() ? Json(*trace) : Json());   // gone once traces are older than they are kept
  return why;
}

Result<Json> rate(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(rating_fields(), json));
  TRY_ASSIGN(auto rating, feedback::rating_from(body.text("rating", "none")));
  std::vector<std::string> reasons;
  if (body.has("reasons"))
    for (auto& item : *body["reasons"].as_array()) {
      TRY_ASSIGN(std::string reason, item.to_string("reasons"));
      reasons.push_back(std::move(reason));
    }
  TRY_ASSIGN(auto vote, services.feedback->rate(context, request.captures[0], rating, std::move(reasons), body.text("comment")));
  return Json::object({{"answer_id", vote.answer_id}, {"rating", feedback::rating_name(vote.rating)}, {"comment", vote.comment}});
}

Result<Json> report_issue(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(issue_fields(), json));
  TRY_ASSIGN(auto issue, services.feedback->report_issue(context, request.captures[0], body.text("category"), body.text("comment")));
  return Json::object({{"id", issue.id}, {"answer_id", issue.answer_id}, {"category", issue.category}});
}

}  // namespace

void add_conversation_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const http::Request&);
  auto add = [&](const char* method, const char* pattern, Function function) {
    server.route(method, pattern, [&services, function](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, function(services, context, request));
    });
  };
  add("GET", "/strata/v1/conversations", list_conversations);
  add("POST", "/strata/v1/conversations", make_conversation);
  add("GET", "/strata/v1/conversations/{}", one_conversation);
  add("PATCH", "/strata/v1/conversations/{}", rename_conversation);
  add("DELETE", "/strata/v1/conversations/{}", remove_conversation);
  add("GET", "/strata/v1/answers/{}", one_answer);
  add("POST", "/strata/v1/answers/{}/feedback", rate);
  add("POST", "/strata/v1/answers/{}/issues", report_issue);
  server.route("POST", "/strata/v1/conversations/{}/messages",
               [&services](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
                 const std::string& id = request.captures[0];
                 auto product = services.outcomes->product_of(context, id);
                 if (!product) return responder->send(error_response(product.error()));
                 auto call = *product ? ProductCall::turn(services, context, **product, id) : nullptr;
                 responder = ProductCall::watch(call, std::move(responder));
                 if (auto status = post_message(services, context, request, responder, call); !status) responder->send(error_response(status.error()));
               });
}

}  // namespace strata::api
