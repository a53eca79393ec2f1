// /strata/v1: a product's work with answers. Tickets become grounded drafts that a person edits, sends, discards or escalates;
// conversations end with an outcome; what the product cannot answer waits in a queue for a person.
#include "app/api/answers.h"
#include "app/api/api.h"
#include "app/api/chat_writer.h"
#include "app/api/generation.h"
#include "app/api/openapi.h"
#include "app/api/outcomes.h"
#include "app/api/reply.h"
#include "app/api/specs.h"
#include "app/api/turns.h"
#include "base/random.h"
#include "base/span.h"
#include "base/text.h"
#include "knowledge/catalog/catalog.h"
#include "product/feedback/feedback.h"

namespace strata::api {

std::vector<Field> ticket_fields() {
  return {{"content", Kind::kString, "What the customer wrote. Without it, and with conversation_id: the last question is answered again.", false, 1, 32768},
          {"conversation_id", Kind::kString, "A conversation of this product that goes on; none: a new one.", false, 1, 128},
          {"user", Kind::kString, "The agent who works on it; default: who asks.", false, 0, 128},
          {"end_user", Kind::kString, "The customer.", false, 0, 128},
          {"vector_store_ids", Kind::kArray, "Where to look.", true, 1, 16},
          {"model", Kind::kString, "Id of the model."},
          {"generate", Kind::kBoolean, "Let the model add verified sentences.", false, -1e300, 1e300, {}, Support::kSupported, {}, true},
          {"simulated", Kind::kBoolean, "Told apart everywhere, and removable at once."},
          at_field()};
}
std::vector<Field> draft_text_fields() { return {{"text", Kind::kString, "The draft as it now reads.", true, 0, outcome::kDraftBytesMax}, at_field()}; }
std::vector<Field> draft_send_fields() {
  return {{"text", Kind::kString, "What is sent; default: the draft as it was saved.", false, 0, outcome::kDraftBytesMax},
          {"idempotency_key", Kind::kString, "The same key again sends nothing twice. Or the header Idempotency-Key.", false, 1, 128},
          at_field()};
}
std::vector<Field> draft_discard_fields() { return {{"reason", Kind::kString, "Why.", false, 0, 4000}, at_field()}; }
std::vector<Field> escalate_fields() {
  return {{"product", Kind::kString, "Of a conversation that belongs to none yet: which product's people take it.", false, 1, 64},
          {"answer_id", Kind::kString, "What could not be answered.", false, 0, 128},
          {"reason", Kind::kString, "Why, in a word.", false, 1, 64, {}, Support::kSupported, {}, "asked_for_a_person"},
          {"note", Kind::kString, "What the person should know; default: the last question.", false, 0, 4000},
          at_field()};
}
std::vector<Field> who_fields() { return {{"who", Kind::kString, "The person; default: who asks.", false, 1, 128}, at_field()}; }
std::vector<Field> reply_fields() {
  return {{"text", Kind::kString, "What the person answered.", true, 1, outcome::kDraftBytesMax},
          {"who", Kind::kString, "The person who claimed it; default: who asks.", false, 1, 128},
          at_field()};
}

namespace {

Result<Body> parse_body(const std::vector<Field>& fields, const http::Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body.empty() ? "{}" : request.body));
  return Body::parse(fields, json);
}

// The question that a conversation asked last: what a person who takes over wants to see first.
Result<std::string> last_question(const Services& services, const Context& context, const std::string& conversation_id) {
  TRY_ASSIGN(auto messages, services.feedback->messages(context, conversation_id));
  for (auto message = messages.rbegin(); message != messages.rend(); ++message)
    if (message->role == "user") return message->content;
  return std::string();
}

// ---- Tickets and drafts ----

struct Ticket {
  std::string conversation_id, user;
  std::optional<std::string> content;
  int64_t at_ms = 0;  // of a simulated one
};

Result<Ticket> open_ticket(const Services& services, const Context& context, const std::string& product, const Body& body) {
  Ticket ticket{.conversation_id = body.text("conversation_id"), .user = body.text("user", context.principal().user), .content = {}, .at_ms = at_ms(body)};
  if (body.has("content")) ticket.content = body.text("content");
  if (ticket.conversation_id.empty()) {
    if (!ticket.content) return invalid_argument("missing required parameter 'content'", "content", "missing_required_parameter");
    TRY(services.outcomes->product(context, product));
    TRY_ASSIGN(auto row, services.feedback->add_conversation(context, ""));
    ticket.conversation_id = row.id;
  }
  TRY(services.outcomes->open(
      context,
      {.id = ticket.conversation_id, .product = product, .user = ticket.user, .end_user = body.text("end_user"), .simulated = body.flag("simulated", false)},
      at_ms(body)));
  return ticket;
}

// As any reply is kept, and the draft with it.
ChatWriter::Keep keep_draft(const Services& services, const Ticket& ticket, const std::string& question) {
  return [&services, ticket, keep = keep_reply(services, ticket.conversation_id, question)](const std::string& text, Json* strata) -> Status {
    TRY(keep(text, strata));
    const Context own = Context::background(*services.clock);
    const std::string* answer_id = (*strata)["answer_id"].as_string();
    TRY_ASSIGN(auto draft, services.outcomes->add_draft(own, ticket.conversation_id, answer_id != nullptr ? *answer_id : "", ticket.user, text, ticket.at_ms));
    strata->set("draft_id", draft.id);
    strata->set("conversation_id", ticket.conversation_id);
    return {};
  };
}

Status post_ticket(const Services& services, const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder,
                   std::shared_ptr<ProductCall> call) {
  TRY_ASSIGN(Body body, parse_body(ticket_fields(), request));
  TRY_ASSIGN(auto model, services.models->find(body.text("model")));
  answer::Request wanted;
  for (auto& item : *body["vector_store_ids"].as_array()) {
    TRY_ASSIGN(std::string base, item.to_string("vector_store_ids"));
    TRY(services.catalog->base(context, base));
    wanted.base_ids.push_back(std::move(base));
  }
  const std::string& product = request.captures[0];
  note_trace(context, "strata.product", product);
  TRY_ASSIGN(auto terms, terms_of(services, context, product, *model, body.text("content"), wanted.base_ids));
  TRY_ASSIGN(Ticket ticket, open_ticket(services, context, product, body));
  if (ticket.content && terms) ticket.content = terms->question;
  TRY_ASSIGN(wanted.conversation, begin_turn(services, context, ticket.conversation_id, ticket.content));
  wanted.generate = body.flag("generate", true);
  wanted.sampling.seed = random_seed();
  const std::string question = wanted.conversation.back().content;
  ChatHead head = turn_head(services, *model);
  if (terms) head.product = terms_json(*terms);
  if (terms) mask_messages(*terms, wanted.conversation);
  // What is simulated stands for another time: how busy this machine is now must not change what was answered then.
  if (terms && body.flag("simulated", false)) terms->live.spec.max_latency_seconds = 0;
  head.call = std::move(call);
  head.headers = {{"x-strata-conversation-id", ticket.conversation_id}};
  ChatWriter writer(std::move(head), context, std::move(responder), services.background, keep_draft(services, ticket, question));
  run_answer(services, context, std::move(model), std::move(wanted), answer_sink(std::move(writer)),
             presentation_for(services, context, product, confidence::Place::kDraft), std::move(terms));
  return {};
}

Result<outcome::Filter> parse_filter(const http::Request& request) {
  outcome::Filter filter{.product = std::string(request.parameter("product")),
                         .kind = std::string(request.parameter("state")),
                         .conversation = std::string(request.parameter("conversation_id"))};
  const std::string_view simulated = request.parameter("simulated");
  if (simulated == "true" || simulated == "false") filter.simulated = simulated == "true";
  else if (!simulated.empty()) return invalid_argument("simulated: expected true or false", "simulated");
  return filter;
}

Result<Json> list_drafts(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Page page, parse_page(request, 50, 1000));
  TRY_ASSIGN(auto filter, parse_filter(request));
  filter.texts = true;
  TRY_ASSIGN(auto rows, services.outcomes->drafts(context, filter, page.limit + 1, page.after));
  Json::Array items;
  for (auto& row : rows) items.push_back(draft_json(row, true));
  return list_json(std::move(items), page.limit);
}

Result<Json> one_draft(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(auto draft, services.outcomes->draft(context, request.captures[0]));
  return draft_json(draft, true);
}

Result<Json> save_draft(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Body body, parse_body(draft_text_fields(), request));
  TRY_ASSIGN(auto draft, services.outcomes->save_draft(context, request.captures[0], body.text("text"), at_ms(body)));
  return draft_json(draft, true);
}

Result<Json> send_draft(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Body body, parse_body(draft_send_fields(), request));
  TRY_ASSIGN(auto before, services.outcomes->draft(context, request.captures[0]));
  const std::string key = body.text("idempotency_key", std::string(request.header("idempotency-key")));
  if (key.empty()) return invalid_argument("missing required parameter 'idempotency_key' (or the header Idempotency-Key)", "idempotency_key");
  TRY_ASSIGN(auto draft, services.outcomes->send_draft(context, before.id, body.text("text", before.text), key, at_ms(body)));
  return draft_json(draft, true);
}

Result<Json> discard_draft(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Body body, parse_body(draft_discard_fields(), request));
  TRY_ASSIGN(auto draft, services.outcomes->discard_draft(context, request.captures[0], body.text("reason"), at_ms(body)));
  return draft_json(draft, true);
}

// ---- How a conversation goes on ----

Result<Json> escalate(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Body body, parse_body(escalate_fields(), request));
  const std::string& id = request.captures[0];
  TRY_ASSIGN(auto known, product_conversation(services, context, id));
  if (!known) {
    TRY(services.feedback->conversation(context, id));
    if (!body.has("product")) return invalid_argument("this conversation belongs to no product yet: say which product's people take it", "product");
    // WHY customer: without a product nobody worked with drafts; who wrote got the answers directly.
    TRY(services.outcomes->open(context, {.id = id, .product = body.text("product"), .channel = "customer"}));
  }
  std::string note = body.text("note");
  if (note.empty()) {
    TRY_ASSIGN(note, last_question(services, context, id));
    note = note.substr(0, utf8_complete_prefix(std::string_view(note).substr(0, 4'000)));
  }
  TRY_ASSIGN(auto handover, services.outcomes->hand_over(context, id, body.text("answer_id"), body.text("reason", "asked_for_a_person"), note, at_ms(body)));
  return handover_json(handover);
}

Result<Json> show_product_view(const Services& services, const Context& context, const http::Request& request) {
  TRY(services.outcomes->conversation(context, request.captures[0]));
  return product_view(services, context, request.captures[0]);
}

// ---- The queue ----

Result<Json> list_handovers(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Page page, parse_page(request, 50, 1000));
  TRY_ASSIGN(auto filter, parse_filter(request));
  TRY_ASSIGN(auto rows, services.outcomes->handovers(context, filter, page.limit + 1, page.after));
  Json::Array items;
  for (auto& row : rows) items.push_back(handover_json(row));
  return list_json(std::move(items), page.limit);
}

Result<Json> one_handover(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(auto handover, services.outcomes->handover(context, request.captures[0]));
  return handover_json(handover);
}

Result<Json> claim(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Body body, parse_body(who_fields(), request));
  TRY_ASSIGN(auto handover, services.outcomes->claim(context, request.captures[0], body.text("who", context.principal().user), at_ms(body)));
  return handover_json(handover);
}

Result<Json> release(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Body body, parse_body(who_fields(), request));
  TRY_ASSIGN(auto handover, services.outcomes->release(context, request.captures[0], body.text("who", context.principal().user)));
  return handover_json(handover);
}

Result<Json> reply(const Services& services, const Context& context, const http::Request& request) {
  TRY_ASSIGN(Body body, parse_body(reply_fields(), request));
  TRY_ASSIGN(auto handover,
             services.outcomes->finish(context, request.captures[0], body.text("who", context.principal().user), body.text("text"), at_ms(body)));
  return handover_json(handover);
}

}  // namespace

void add_draft_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const http::Request&);
  auto add = [&](const char* method, const char* pattern, Function function) {
    server.route(method, pattern, [&services, function](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, function(services, context, request));
    });
  };
  server.route("POST", "/strata/v1/products/{}/tickets",
               [&services](const Context& context, const http::Request& request, std::shared_ptr<http::Responder> responder) {
                 auto call = ProductCall::turn(services, context, request.captures[0], "");
                 responder = ProductCall::watch(call, std::move(responder));
                 if (auto status = post_ticket(services, context, request, responder, call); !status) responder->send(error_response(status.error()));
               });
  add("GET", "/strata/v1/drafts", list_drafts);
  add("GET", "/strata/v1/drafts/{}", one_draft);
  add("PATCH", "/strata/v1/drafts/{}", save_draft);
  add("POST", "/strata/v1/drafts/{}/send", send_draft);
  add("POST", "/strata/v1/drafts/{}/discard", discard_draft);
  add("GET", "/strata/v1/conversations/{}/product", show_product_view);
  add("POST", "/strata/v1/conversations/{}/escalate", escalate);
  add("GET", "/strata/v1/handovers", list_handovers);
  add("GET", "/strata/v1/handovers/{}", one_handover);
  add("POST", "/strata/v1/handovers/{}/claim", claim);
  add("POST", "/strata/v1/handovers/{}/release", release);
  add("POST", "/strata/v1/handovers/{}/reply", reply);
}

}  // namespace strata::api
