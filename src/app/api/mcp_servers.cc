// /strata/v1/mcp/servers: add, look at, approve and remove the MCP servers whose tools this installation uses.
#include "app/api/mcp.h"
#include "app/api/reply.h"
#include "app/mcp_file.h"
#include "knowledge/mcp/mcp.h"

namespace strata::api {
namespace {

using http::Request;

Json texts(const std::vector<std::string>& list) {
  Json out = Json::array();
  for (const std::string& one : list) out.push(one);
  return out;
}

// `whole`: with the tools and the difference. Values of the environment are not shown: people put keys there.
Json server_json(const mcp::ServerView& view, bool whole) {
  Json left_out = Json::array(), environment = Json::array();
  for (const auto& [name, why] : view.left_out) left_out.push(Json::object({{"name", name}, {"why", why}}));
  for (const auto& [name, value] : view.spec.environment) environment.push(name);
  Json out = Json::object({{"object", "mcp_server"},
                           {"name", view.spec.name},
                           {"transport", view.spec.command.empty() ? "http" : "stdio"},
                           {"url", view.spec.command.empty() ? Json(view.spec.url) : Json()},
                           {"command", view.spec.command.empty() ? Json() : texts(view.spec.command)},
                           {"environment", std::move(environment)},
                           {"secrets", texts(view.spec.secrets)},
                           {"prefix", view.spec.prefix.value_or("")},
                           {"state", mcp::server_state_name(view.state)},
                           {"protocol", view.protocol},
                           {"peer", view.peer},
                           {"tools", texts(view.tools)},
                           {"left_out", std::move(left_out)},
                           {"reading", texts(view.reading)},
                           {"hash", view.seen_hash},
                           {"approved_hash", view.approved_hash},
                           {"approved_by", view.approved_by},
                           {"approved_at", view.approved_ms > 0 ? Json(seconds_of(view.approved_ms)) : Json()},
                           {"seen_at", view.seen_ms > 0 ? Json(seconds_of(view.seen_ms)) : Json()},
                           {"error", view.error.empty() ? Json() : Json(view.error)}});
  if (whole) {
    out.set("listed", view.seen);
    out.set("difference", view.difference);
  }
  return out;
}

Result<Json> list_servers(mcp::Servers& servers, const Context& context, const Request&) {
  TRY_ASSIGN(const auto views, servers.list(context));
  Json data = Json::array();
  for (const auto& view : views) data.push(server_json(view, false));
  return Json::object({{"object", "list"}, {"data", std::move(data)}});
}

Result<Json> add_server(mcp::Servers& servers, const Context& context, const Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  if (json.find("command"))
    return invalid_argument("command: a program is added in the file mcp.json of the data folder, or with `strata mcp add` at the command line", "command",
                            "not_allowed");
  TRY_ASSIGN(Body body, Body::parse(mcp_server_fields(), json));
  mcp::ServerSpec spec;
  spec.name = body.text("name");
  spec.url = body.text("url");
  if (body.has("prefix")) spec.prefix = body.text("prefix");
  TRY_ASSIGN(const auto view, servers.add(context, std::move(spec), body.text("token")));
  return server_json(view, true);
}

Result<Json> show_server(mcp::Servers& servers, const Context& context, const Request& request) {
  TRY_ASSIGN(const auto view, servers.show(context, request.captures[0]));
  return server_json(view, true);
}

Result<Json> refresh_server(mcp::Servers& servers, const Context& context, const Request& request) {
  TRY_ASSIGN(const auto view, servers.look(context, request.captures[0]));
  return server_json(view, true);
}

Result<Json> approve_server(mcp::Servers& servers, const Context& context, const Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(mcp_approval_fields(), json));
  std::vector<std::string> reading;
  if (const auto* names = body["reading"].as_array()) {
    for (const Json& one : *names) {
      TRY_ASSIGN(std::string name, one.to_string("reading"));
      reading.push_back(std::move(name));
    }
  }
  TRY_ASSIGN(const auto view, servers.approve(context, request.captures[0], body.text("hash"), std::move(reading), body.text("who")));
  return server_json(view, true);
}

Result<Json> set_secret(mcp::Servers& servers, const Context& context, const Request& request) {
  TRY_ASSIGN(Json json, parse_object(request.body));
  TRY_ASSIGN(Body body, Body::parse(mcp_secret_fields(), json));
  TRY(servers.set_secret(context, request.captures[0], body.text("variable", "token"), body.text("value")));
  return Json::object({{"stored", !body.text("value").empty()}});
}

Result<Json> remove_server(mcp::Servers& servers, const Context& context, const Request& request) {
  TRY(servers.remove(context, request.captures[0]));
  return Json::object({{"object", "mcp_server"}, {"name", request.captures[0]}, {"deleted", true}});
}

using Handler = Result<Json> (*)(mcp::Servers&, const Context&, const Request&);

}  // namespace

std::vector<Field> mcp_server_fields() {
  return {{"name", Kind::kString, "What it is called here: a-z, 0-9, '_', '-', a letter first.", true, 1, 32},
          {"url", Kind::kString, "Of its MCP endpoint (Streamable HTTP).", true, 1, 2'000},
          {"token", Kind::kString, "Sent as Authorization: Bearer; kept sealed, never shown.", false, 0, 8'192},
          {"prefix", Kind::kString, "Before its tools' names in the registry; default: the name and '_'.", false, 0, 33}};
}

std::vector<Field> mcp_approval_fields() {
  return {{"hash", Kind::kString, "Of the list of tools that you saw.", true, 64, 64},
          {"reading", Kind::kArray, "Names of its tools that only read: they are of medium risk. All others are of high risk.", false, 0, 200},
          {"who", Kind::kString, "Who approves.", false, 0, 128}};
}

std::vector<Field> mcp_secret_fields() {
  return {{"variable", Kind::kString, "token, or a variable of a program's environment.", false, 1, 128},
          {"value", Kind::kString, "Kept sealed, never shown; empty: forgotten.", true, 0, 8'192}};
}

void add_mcp_server_routes(http::Server& server, mcp::Servers& servers, std::string data_folder) {
  auto route = [&](const char* method, const char* path, Handler handler) {
    server.route(method, path, [&servers, handler](const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
      send(*responder, handler(servers, context, request));
    });
  };
  route("GET", "/strata/v1/mcp/servers", list_servers);
  route("POST", "/strata/v1/mcp/servers", add_server);
  route("GET", "/strata/v1/mcp/servers/{}", show_server);
  route("DELETE", "/strata/v1/mcp/servers/{}", remove_server);
  route("POST", "/strata/v1/mcp/servers/{}/refresh", refresh_server);
  route("POST", "/strata/v1/mcp/servers/{}/approve", approve_server);
  route("PUT", "/strata/v1/mcp/servers/{}/secret", set_secret);
  server.route("POST", "/strata/v1/mcp/reload",
               [&servers, data_folder = std::move(data_folder)](const Context& context, const Request& request, std::shared_ptr<http::Responder> responder) {
                 send(*responder, [&]() -> Result<Json> {
                   TRY_ASSIGN(const auto specs, app::read_mcp_file(data_folder));
                   TRY(servers.load(context, specs));
                   return list_servers(servers, context, request);
                 }());
               });
}

}  // namespace strata::api
