// /strata/v1/tools: the registry of tools: what there is, who may call it, a call.
#include "app/api/tools.h"

#include "app/api/reply.h"
#include "knowledge/tool/tool.h"

namespace strata::api {
namespace {

using http::Request;

Json policy_json(const tool::Policy& policy) {
  Json roles = Json::array();
  for (auto& role : policy.roles) roles.push(role);
  return Json::object({{"permission", tool::permission_name(policy.permission)},
                       {"roles", std::move(roles)},
                       {"why", policy.why},
                       {"who", policy.who},
                       {"updated_at", policy.updated_ms > 0 ? Json(seconds_of(policy.updated_ms)) : Json()}});
}

Json tool_json(const tool::Description& about, const tool::Policy& policy) {
  return Json::object({{"object", "tool"},
                       {"name", about.name},
                       {"description", about.description},
                       {"parameters", about.parameters},
                       {"result", about.result},
                       {"risk", tool::risk_name(about.risk)},
                       {"changes", about.changes},
                       {"repeatable", about.repeatable},
                       {"dry_run", about.dry_run},
                       {"untrusted_result", about.untrusted_result},
                       {"cost", about.cost},
                       {"source", about.source},
                       {"limits", Json::object({{"time_ms", about.limits.time_ms},
                                                {"calls_per_minute", about.limits.calls_per_minute},
                                                {"at_once", about.limits.at_once},
                                                {"argument_bytes", about.limits.argument_bytes},
                                                {"result_bytes", about.limits.result_bytes}})},
                       {"policy", policy_json(policy)}});
}

Result<Json> list_tools(tool::Tools& tools, const Context& context, const Request&) {
  Json data = Json::array();
  for (auto& about : tools.list()) {
    TRY_ASSIGN(const auto policy, tools.policy(context, about.name));
    data.push(tool_json(about, policy));
  }
  return Json::object({{"object", "list"}, {"data", std::move(data)}});
}

Result<Json> show_tool(tool::Tools& tools, const Context& context, const Request& request) {
  TRY_ASSIGN(const auto about, tools.describe(request.captures[0]));
  TRY_ASSIGN(const auto policy, tools.policy(context, about.name));
  return tool_json(about, policy);
}

Result<Json> check_arguments(tool::Tools& tools, const Context&, const Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(tool_check_fields(), json));
  TRY_ASSIGN(const auto problems, tools.check(request.captures[0], body["arguments"]));
  Json list = Json::array();
  for (auto& problem : problems) {
    Json one = problem.json();
    one.set("message", problem.text());
    list.push(std::move(one));
  }
  return Json::object({{"valid", problems.empty()}, {"problems", std::move(list)}});
}

Result<Json> call_tool(tool::Tools& tools, const Context& context, const Request& request) {
  TRY(tools.describe(request.captures[0]));
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(tool_call_fields(), json));
  tool::CallOptions options;
  options.untrusted = body.flag("untrusted", false);
  options.dry_run = body.flag("dry_run", false);
  options.approval_id = body.text("approval_id");
  const Json none = Json::object();
  TRY_ASSIGN(auto outcome, tools.call(context, request.captures[0], body.has("arguments") ? body["arguments"] : none, body.text("idempotency_key"), options));
  if (outcome.state == tool::State::kNeedsApproval) outcome.failure->message += std::string("; ") + kWhereToApprove;
  Json out = outcome.json();
  out.set("ms", outcome.ms);
  out.set("cost", outcome.cost);
  return out;
}

Result<Json> set_permission(tool::Tools& tools, const Context& context, const Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(tool_permission_fields(), json));
  tool::Policy policy;
  TRY_ASSIGN(policy.permission, tool::permission_from(body.text("permission")));
  policy.why = body.text("why");
  policy.who = body.text("who");
  if (const auto* roles = body["roles"].as_array()) {
    for (auto& role : *roles) {
      TRY_ASSIGN(std::string name, role.to_string("roles"));
      policy.roles.push_back(std::move(name));
    }
  }
  TRY_ASSIGN(policy, tools.set_policy(context, request.captures[0], std::move(policy)));
  return policy_json(policy);
}

Result<Json> open_calls(tool::Tools& tools, const Context& context, const Request&) {
  TRY_ASSIGN(const auto calls, tools.open_calls(context));
  Json data = Json::array();
  for (auto& call : calls)
    data.push(Json::object({{"name", call.name}, {"idempotency_key", call.key}, {"arguments", call.arguments}, {"begun_at", seconds_of(call.begun_ms)}}));
  return Json::object({{"object", "list"}, {"data", std::move(data)}});
}

Result<Json> resolve_call(tool::Tools& tools, const Context& context, const Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(tool_resolve_fields(), json));
  TRY(tools.resolve(context, request.captures[0], body.text("idempotency_key"), body.flag("happened", false), body["result"]));
  return Json::object({{"resolved", true}});
}

using Handler = Result<Json> (*)(tool::Tools&, const Context&, const Request&);

}  // namespace

std::vector<Field> tool_call_fields() {
  return {{"arguments", Kind::kObject, "As the tool's parameters want them."},
          {"idempotency_key", Kind::kString, "The same key again gives the recorded outcome without a second effect.", false, 1, 256},
          {"untrusted", Kind::kBoolean, "What led to this call holds text from documents, the web or tools: a risky tool then needs approval."},
          {"dry_run", Kind::kBoolean, "Only say what would happen."},
          {"approval_id", Kind::kString, "A person's approval of exactly these arguments.", false, 1, 256}};
}

std::vector<Field> tool_check_fields() { return {{"arguments", Kind::kAny, "What would be sent.", true}}; }

std::vector<Field> tool_permission_fields() {
  return {{"permission", Kind::kString, "ask: every call needs a person's approval.", true, -1e300, 1e300, {"allow", "ask", "deny"}},
          {"roles", Kind::kArray, "Who may call it; empty: everyone.", false, 0, 32},
          {"why", Kind::kString, "For the record.", false, 0, 2'000},
          {"who", Kind::kString, "Who decides.", false, 0, 128}};
}

std::vector<Field> tool_resolve_fields() {
  return {{"idempotency_key", Kind::kString, "Of the call that is unknown.", true, 1, 256},
          {"happened", Kind::kBoolean, "Whether it did take effect; false: it may run again.", true},
          {"result", Kind::kAny, "Its result, where it happened."}};
}

void add_tool_routes(http::Server& server, tool::Tools& tools) {
  auto route = [&](const char* method, const char* path, Handler handler) {
    server.route(method, path, [&tools, handler](const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, handler(tools, context, request));
    });
  };
  route("GET", "/strata/v1/tools", list_tools);
  route("GET", "/strata/v1/tools/{}", show_tool);
  route("POST", "/strata/v1/tools/{}/check", check_arguments);
  route("POST", "/strata/v1/tools/{}/call", call_tool);
  route("PUT", "/strata/v1/tools/{}/permission", set_permission);
  route("POST", "/strata/v1/tools/{}/resolve", resolve_call);
  route("GET", "/strata/v1/tool-calls/open", open_calls);
}

}  // namespace strata::api
