// /strata/v1: products, how their conversations end, judgements, satisfaction, facts from outside, and the rows behind the numbers.
// Drafts and the hand-over queue are in drafts.cc.
#include "app/api/outcomes.h"

#include <algorithm>
#include <cmath>

#include "app/api/reply.h"
#include "product/feedback/feedback.h"
#include "product/live/live.h"
#include "product/metrics/metrics.h"
#include "product/report/report.h"

namespace strata::api {
namespace {

using http::Request;

Result<Body> body_of(const Request& request, const std::vector<Field>& fields) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  return Body::parse(fields, json);
}

Result<Json> list_products(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Page page, parse_page(request, 100, 1000));
  TRY_ASSIGN(auto rows, services.outcomes->products(context, page.limit + 1, page.after));
  Json::Array items;
  for (auto& row : rows) items.push_back(product_json(row));
  return list_json(std::move(items), page.limit);
}

Result<Json> make_product(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, product_fields()));
  TRY_ASSIGN(auto row, services.outcomes->put_product(context, body.text("id"), body.text("name"), body.flag("simulated", false)));
  return product_json(row);
}

Result<Json> one_product(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto row, services.outcomes->product(context, request.captures[0]));
  return product_json(row);
}

Result<Json> open_conversation(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, product_conversation_fields()));
  TRY_ASSIGN(auto product, services.outcomes->product(context, request.captures[0]));
  outcome::Conversation wanted;
  wanted.id = body.text("conversation_id");
  if (wanted.id.empty()) {
    TRY_ASSIGN(auto made, services.feedback->add_conversation(context, body.text("title")));
    wanted.id = made.id;
  } else {
    TRY(services.feedback->conversation(context, wanted.id));
  }
  wanted.product = product.id;
  wanted.channel = body.text("channel", "agent");
  wanted.user = body.text("user", wanted.channel == "agent" ? context.principal().user : "");
  wanted.end_user = body.text("end_user");
  wanted.simulated = body.flag("simulated", false);
  TRY_ASSIGN(auto row, services.outcomes->open(context, std::move(wanted), at_ms(body)));
  return outcome_json(row);
}

Result<Json> one_outcome(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto row, services.outcomes->conversation(context, request.captures[0]));
  return outcome_json(row);
}

Result<Json> end_conversation(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, outcome_fields()));
  TRY_ASSIGN(auto end, outcome::end_from(body.text("outcome")));
  TRY_ASSIGN(auto row, services.outcomes->end(context, request.captures[0], end, at_ms(body)));
  return outcome_json(row);
}

Result<Json> add_satisfaction(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, satisfaction_fields()));
  outcome::Satisfaction response;
  response.conversation = request.captures[0];
  response.score = static_cast<int>(body.integer("score", 0));
  response.source = body.text("source", "survey");
  response.at_ms = at_ms(body);
  TRY_ASSIGN(auto row, services.outcomes->add_satisfaction(context, std::move(response)));
  return satisfaction_json(row);
}

// A score that a person or another system reports, about a conversation here or one held elsewhere.
Result<Json> enter_satisfaction(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, product_satisfaction_fields()));
  outcome::Satisfaction response;
  response.product = request.captures[0];
  response.conversation = body.text("conversation_id");
  response.score = static_cast<int>(body.integer("score", 0));
  response.source = body.text("source", "entered");
  response.at_ms = at_ms(body);
  TRY_ASSIGN(auto row, services.outcomes->add_satisfaction(context, std::move(response)));
  return satisfaction_json(row);
}

Result<Json> judge(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, judgement_fields()));
  outcome::Judgement judgement;
  judgement.answer_id = request.captures[0];
  judgement.who = body.text("who", context.principal().user);
  judgement.correct = body.flag("correct", false);
  judgement.fabricated = body.flag("fabricated", false);
  judgement.unsafe = body.flag("unsafe", false);
  judgement.at_ms = at_ms(body);
  TRY_ASSIGN(auto row, services.outcomes->judge(context, std::move(judgement)));
  return judgement_json(row);
}

// The figures of a stored answer; those of `output` where there is none.
outcome::Output from_answer(const feedback::StoredAnswer& answer) {
  outcome::Output output;
  output.id = answer.id;
  output.model = answer.model;
  output.confidence = answer.confidence;
  output.first_text_ms = answer.first_text_ms;
  output.total_ms = answer.total_ms;
  output.prompt_tokens = answer.prompt_tokens;
  output.completion_tokens = answer.completion_tokens;
  return output;
}

Result<Json> add_output(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, output_fields()));
  outcome::Output output;
  output.id = body.text("answer_id");
  if (auto answer = services.feedback->answer(context, output.id)) output = from_answer(*answer);
  output.product = request.captures[0];
  output.conversation = body.text("conversation_id");
  output.user = body.text("user");
  output.model = body.text("model", output.model);
  output.status = body.text("status", "ok");
  output.confidence = body.number("confidence", output.confidence);
  output.first_text_ms = body.number("first_text_ms", output.first_text_ms);
  output.total_ms = body.number("total_ms", output.total_ms);
  output.prompt_tokens = body.integer("prompt_tokens", output.prompt_tokens);
  output.completion_tokens = body.integer("completion_tokens", output.completion_tokens);
  output.simulated = body.flag("simulated", false);
  output.at_ms = at_ms(body);
  TRY_ASSIGN(auto row, services.outcomes->add_output(context, std::move(output)));
  return output_json(row);
}

Result<Json> fact_kinds(const Services&, const Context&, const Request&) {
  Json data = Json::array();
  for (auto& kind : outcome::fact_kinds())
    data.push(Json::object(
        {{"name", kind.name}, {"unit", kind.unit}, {"meaning", kind.meaning}, {"least", kind.least}, {"most", kind.most}, {"standing", kind.standing}}));
  return Json::object({{"object", "list"}, {"data", std::move(data)}});
}

Result<Json> put_fact(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, fact_fields()));
  outcome::Fact fact;
  fact.product = request.captures[0];
  TRY_ASSIGN(fact.week, outcome::Week::parse(body.text("week")));
  fact.name = body.text("name");
  fact.value = body.number("value", 0);
  fact.source = body.text("source", "api");
  fact.simulated = body.flag("simulated", false);
  TRY_ASSIGN(auto row, services.outcomes->put_fact(context, std::move(fact)));
  return fact_json(row);
}

template <Status (outcome::Outcomes::*kRemove)(const Context&, const std::string&)>
Result<Json> remove_row(const Services& services, const Context& context, const Request& request) {
  TRY((services.outcomes->*kRemove)(context, request.captures[0]));
  return Json::object({{"id", request.captures[0]}, {"deleted", true}});
}

using Import = Result<int> (outcome::Outcomes::*)(const Context&, const std::string&, std::string_view, bool);
template <Import kImport>
Result<Json> import_csv(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, import_fields()));
  TRY_ASSIGN(auto product, services.outcomes->product(context, request.captures[0]));
  TRY_ASSIGN(int rows, (services.outcomes->*kImport)(context, product.id, body.text("csv"), body.flag("simulated", false)));
  return Json::object({{"rows", rows}});
}

Result<Json> developer_event(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, developer_event_fields()));
  std::string product = request.captures[0], developer = body.text("developer");
  bool simulated = body.flag("simulated", false);
  if (body.text("kind") == "calls") {
    int64_t calls = body.integer("calls", 1);
    TRY(services.outcomes->count_calls(context, product, developer, calls, at_ms(body), simulated));
    return Json::object({{"product", product}, {"developer", developer}, {"calls", calls}});
  }
  outcome::DeveloperEvent event{"", product, developer, body.text("kind"), body.text("source", "api"), at_ms(body), simulated};
  TRY_ASSIGN(auto row, services.outcomes->add_developer_event(context, std::move(event)));
  return developer_event_json(row);
}

// What is kept about a product beside its rows, once the simulator's product is gone.
Status forget_product(const Services& services, const Context& context, const std::string& product) {
  if (services.outcomes->product(context, product)) return {};
  TRY(services.specs->forget(context, product));
  TRY(services.reports->forget(context, product));
  return services.product_metrics->forget(context, product);
}

Result<Json> remove_simulated(const Services& services, const Context& context, const Request& request) {
  constexpr int kProductsMost = 10'000;
  TRY_ASSIGN(auto products, services.outcomes->products(context, kProductsMost, ""));
  TRY_ASSIGN(auto removed, services.outcomes->remove_simulated(context, std::string(request.parameter("product"))));
  int64_t conversations = 0;
  for (auto& id : removed.conversations)
    if (services.feedback->remove_conversation(context, id)) ++conversations;  // one removed by hand meanwhile is no error
  TRY(services.feedback->remove_answers(context, removed.answers));
  for (auto& product : products)
    if (product.simulated) TRY(forget_product(services, context, product.id));
  return Json::object({{"rows", removed.rows}, {"conversations", conversations}, {"deleted", true}});
}

}  // namespace

Status record_output(const Services& services, const Context& context, const std::string& conversation_id, const std::string& answer_id) {
  if (conversation_id.empty() || answer_id.empty()) return {};
  TRY_ASSIGN(auto product, services.outcomes->product_of(context, conversation_id));
  if (!product) return {};
  TRY_ASSIGN(auto answer, services.feedback->answer(context, answer_id));
  outcome::Output output = from_answer(answer);
  output.conversation = conversation_id;
  // A simulated conversation happened when it was opened, not when the simulator ran.
  TRY_ASSIGN(auto conversation, services.outcomes->conversation(context, conversation_id));
  if (conversation.simulated) output.at_ms = std::min<int64_t>(conversation.opened_ms + std::llround(output.total_ms), services.clock->unix_ms());
  TRY(services.outcomes->add_output(context, std::move(output)));
  return {};
}

void add_outcome_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const Request&);
  auto add = [&](const char* method, const char* pattern, Function function) {
    server.route(method, pattern, [&services, function](const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, function(services, context, request));
    });
  };
  add("GET", "/strata/v1/products", list_products);
  add("POST", "/strata/v1/products", make_product);
  add("GET", "/strata/v1/products/{}", one_product);
  add("POST", "/strata/v1/products/{}/conversations", open_conversation);
  add("GET", "/strata/v1/conversations/{}/outcome", one_outcome);
  add("POST", "/strata/v1/conversations/{}/outcome", end_conversation);
  add("POST", "/strata/v1/conversations/{}/satisfaction", add_satisfaction);
  add("POST", "/strata/v1/products/{}/outputs", add_output);
  add("POST", "/strata/v1/answers/{}/judgements", judge);
  add("GET", "/strata/v1/facts/kinds", fact_kinds);
  add("POST", "/strata/v1/products/{}/facts", put_fact);
  add("DELETE", "/strata/v1/facts/{}", remove_row<&outcome::Outcomes::remove_fact>);
  add("POST", "/strata/v1/products/{}/satisfaction", enter_satisfaction);
  add("DELETE", "/strata/v1/satisfaction/{}", remove_row<&outcome::Outcomes::remove_satisfaction>);
  add("DELETE", "/strata/v1/developer_events/{}", remove_row<&outcome::Outcomes::remove_developer_event>);
  add("POST", "/strata/v1/products/{}/facts/import", import_csv<&outcome::Outcomes::import_facts>);
  add("POST", "/strata/v1/products/{}/satisfaction/import", import_csv<&outcome::Outcomes::import_satisfaction>);
  add("POST", "/strata/v1/products/{}/developers/import", import_csv<&outcome::Outcomes::import_developer_events>);
  add("POST", "/strata/v1/products/{}/developers", developer_event);
  add("DELETE", "/strata/v1/simulated", remove_simulated);
}

}  // namespace strata::api
