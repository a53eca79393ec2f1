// /strata/v1: flows, their versions, schedules and webhooks.
#include "orchestration/flow/flow.h"

#include "app/api/api.h"
#include "app/api/flows.h"
#include "app/api/reply.h"

namespace strata::api {
namespace {

using http::Request;

Json time_json(int64_t ms) { return ms == 0 ? Json() : Json(static_cast<double>(ms) / 1000); }

Result<Body> body_of(const Request& request, const std::vector<Field>& fields) {
  TRY_ASSIGN(Json json, parse_object(request.body.empty() ? "{}" : request.body));
  return Body::parse(fields, json);
}

Json flow_json(const flow::Flow& flow) {
  return Json::object({{"object", "flow"},
                       {"name", flow.name},
                       {"version", flow.version},
                       {"description", flow.description},
                       {"text", flow.text},
                       {"who", flow.who},
                       {"why", flow.why},
                       {"created_at", time_json(flow.created_ms)}});
}

Json checked_json(const flow::Checked& checked) {
  return Json::object({{"name", checked.name}, {"steps", checked.steps}, {"graph", checked.graph}, {"input", checked.input}});
}

Result<Json> list_flows(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Page page, parse_page(request, 50, 1000));
  TRY_ASSIGN(auto flows, services.flows->list(context, page.limit + 1, page.after));
  Json::Array items;
  for (auto& flow : flows) {
    Json item = flow_json(flow);
    item.set("id", flow.name);
    item.erase("text");
    items.push_back(std::move(item));
  }
  return list_json(std::move(items), page.limit);
}

Result<Json> list_templates(const Services&, const Context&, const Request&) {
  Json all = Json::array();
  for (auto& one : flow::shipped_templates()) all.push(Json::object({{"name", one.name}, {"title", one.title}, {"text", one.text}}));
  return Json::object({{"object", "list"}, {"data", std::move(all)}, {"has_more", false}});
}

Result<Json> check_flow(const Services&, const Context&, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, flow_check_fields()));
  TRY_ASSIGN(auto checked, flow::check(body.text("text")));
  return checked_json(checked);
}

Result<Json> get_flow(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(int version, version_of(request));
  TRY_ASSIGN(auto flow, services.flows->get(context, request.captures[0], version));
  Json json = flow_json(flow);
  if (auto checked = flow::check(flow.text)) json.set("graph", checked->graph), json.set("input", checked->input);
  return json;
}

Result<Json> put_flow(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, flow_fields()));
  TRY_ASSIGN(auto flow,
             services.flows->put(context, request.captures[0], body.text("text"), static_cast<int>(body.integer("base_version", 0)), body.text("why")));
  return flow_json(flow);
}

Result<Json> impact(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(int version, version_of(request));
  return services.flows->impact(context, request.captures[0], version);
}

Json schedule_json(const flow::Schedule& schedule) {
  return Json::object({{"id", schedule.id},
                       {"flow", schedule.flow},
                       {"cron", schedule.cron},
                       {"input", schedule.input},
                       {"enabled", schedule.enabled},
                       {"next_at", time_json(schedule.next_ms)},
                       {"problem", schedule.problem.empty() ? Json() : Json(schedule.problem)},
                       {"created_at", time_json(schedule.created_ms)}});
}

Result<Json> add_schedule(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, flow_schedule_fields()));
  TRY_ASSIGN(auto schedule, services.flows->add_schedule(context, request.captures[0], body.text("cron"), body["input"]));
  return schedule_json(schedule);
}

Result<Json> list_schedules(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto all, services.flows->schedules(context, request.captures[0]));
  Json data = Json::array();
  for (auto& one : all) data.push(schedule_json(one));
  return Json::object({{"object", "list"}, {"data", std::move(data)}, {"has_more", false}});
}

Result<Json> remove_schedule(const Services& services, const Context& context, const Request& request) {
  TRY(services.flows->remove_schedule(context, request.captures[0]));
  return Json::object({{"id", request.captures[0]}, {"deleted", true}});
}

Json hook_json(const flow::Hook& hook) {
  Json json = Json::object({{"id", hook.id},
                            {"flow", hook.flow},
                            {"url", "/strata/v1/hooks/" + hook.id},
                            {"input_field", hook.input_field},
                            {"created_at", time_json(hook.created_ms)}});
  if (!hook.secret.empty()) json.set("secret", hook.secret);
  return json;
}

Result<Json> add_hook(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, flow_hook_fields()));
  TRY_ASSIGN(auto hook, services.flows->add_hook(context, request.captures[0], body.text("input_field")));
  return hook_json(hook);
}

Result<Json> list_hooks(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(auto all, services.flows->hooks(context, request.captures[0]));
  Json data = Json::array();
  for (auto& one : all) data.push(hook_json(one));
  return Json::object({{"object", "list"}, {"data", std::move(data)}, {"has_more", false}});
}

Result<Json> remove_hook(const Services& services, const Context& context, const Request& request) {
  TRY(services.flows->remove_hook(context, request.captures[0]));
  return Json::object({{"id", request.captures[0]}, {"deleted", true}});
}

// From outside: the signature is the permission.
Result<Json> call_hook(const Services& services, const Context& context, const Request& request) {
  flow::Flows::HookCall call{.id = std::string(request.header("webhook-id")),
                             .timestamp = std::string(request.header("webhook-timestamp")),
                             .signature = std::string(request.header("webhook-signature")),
                             .body = request.body};
  TRY_ASSIGN(auto run, services.flows->called(context, request.captures[0], call));
  return Json::object({{"run_id", run.id}});
}

Json subscription_json(const flow::Subscription& one) {
  Json events = Json::array();
  for (auto& event : one.events) events.push(event);
  Json json = Json::object({{"id", one.id}, {"url", one.url}, {"events", std::move(events)}, {"created_at", time_json(one.created_ms)}});
  if (!one.secret.empty()) json.set("secret", one.secret);
  return json;
}

Result<Json> subscribe(const Services& services, const Context& context, const Request& request) {
  TRY_ASSIGN(Body body, body_of(request, subscription_fields()));
  std::vector<std::string> events;
  if (auto* names = body["events"].as_array())
    for (auto& name : *names) {
      TRY_ASSIGN(std::string text, name.to_string("events"));
      events.push_back(std::move(text));
    }
  TRY_ASSIGN(auto made, services.flows->subscribe(context, body.text("url"), events));
  return subscription_json(made);
}

Result<Json> list_subscriptions(const Services& services, const Context& context, const Request&) {
  TRY_ASSIGN(auto all, services.flows->subscriptions(context));
  Json data = Json::array();
  for (auto& one : all) data.push(subscription_json(one));
  return Json::object({{"object", "list"}, {"data", std::move(data)}, {"has_more", false}});
}

Result<Json> unsubscribe(const Services& services, const Context& context, const Request& request) {
  TRY(services.flows->unsubscribe(context, request.captures[0]));
  return Json::object({{"id", request.captures[0]}, {"deleted", true}});
}

}  // namespace

Result<int> version_of(const Request& request) {
  std::string text(request.parameter("version"));
  if (text.empty()) return 0;
  int version = 0;
  for (char c : text) version = c >= '0' && c <= '9' && version < 100'000'000 ? version * 10 + (c - '0') : -1;
  if (version < 1) return invalid_argument("version: expected a number from 1, got '" + text + "'", "version");
  return version;
}

std::vector<Field> flow_check_fields() { return {{"text", Kind::kString, "The flow, YAML or JSON.", true, 1, 1 << 20}}; }
std::vector<Field> flow_fields() {
  return {{"text", Kind::kString, "The flow, YAML or JSON.", true, 1, 1 << 20},
          {"base_version", Kind::kInteger, "The version that it was written on; 0: a new flow. 409 where another came first.", false, 0, 1e9},
          {"why", Kind::kString, "Why it changed.", false, 0, 2000}};
}
std::vector<Field> flow_schedule_fields() {
  return {{"cron", Kind::kString, "minute hour day month weekday, UTC.", true, 9, 200}, {"input", Kind::kObject, "Of each run."}};
}
std::vector<Field> flow_hook_fields() { return {{"input_field", Kind::kString, "Which input the body becomes; none: the body is the input.", false, 0, 64}}; }
std::vector<Field> subscription_fields() {
  return {{"url", Kind::kString, "Where signed events are posted.", true, 8, 2000},
          {"events", Kind::kArray, "run_succeeded, run_failed, run_cancelled, approval_asked, outcome_unknown, or types of records; none: all.", false, 0, 64}};
}

void add_flow_routes(http::Server& server, Services& services) {
  using Function = Result<Json> (*)(const Services&, const Context&, const Request&);
  auto add = [&](const char* method, const char* pattern, Function function) {
    server.route(method, pattern, [&services, function](const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, function(services, context, request));
    });
  };
  add("GET", "/strata/v1/flows", list_flows);
  add("POST", "/strata/v1/flows/check", check_flow);
  add("GET", "/strata/v1/flow_templates", list_templates);
  add("GET", "/strata/v1/flows/{}", get_flow);
  add("PUT", "/strata/v1/flows/{}", put_flow);
  add("GET", "/strata/v1/flows/{}/impact", impact);
  add("GET", "/strata/v1/flows/{}/schedules", list_schedules);
  add("POST", "/strata/v1/flows/{}/schedules", add_schedule);
  add("DELETE", "/strata/v1/schedules/{}", remove_schedule);
  add("GET", "/strata/v1/flows/{}/hooks", list_hooks);
  add("POST", "/strata/v1/flows/{}/hooks", add_hook);
  add("DELETE", "/strata/v1/hooks/{}", remove_hook);
  add("POST", "/strata/v1/hooks/{}", call_hook);
  add("GET", "/strata/v1/subscriptions", list_subscriptions);
  add("POST", "/strata/v1/subscriptions", subscribe);
  add("DELETE", "/strata/v1/subscriptions/{}", unsubscribe);
}

}  // namespace strata::api
