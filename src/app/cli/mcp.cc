// strata mcp serve, add, list, show, refresh, approve, secret, remove.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "app/cli/choose.h"
#include "app/cli/cli.h"
#include "app/cli/client.h"
#include "app/cli/mcp_bridge.h"
#include "app/mcp_file.h"
#include "base/text.h"
#include "knowledge/mcp/mcp.h"

namespace strata::cli {
namespace {

constexpr const char* kServers = "/strata/v1/mcp/servers";

struct Options {
  std::string server, name, url, prefix, token_from, hash, who, variable, value_from;
  bool has_prefix = false;
  std::vector<std::string> command, environment, secrets, reading;
};

std::string text_of(const Json& json) { return json.as_string() ? *json.as_string() : ""; }

// A secret comes by the environment: arguments can be seen by every user of this machine.
Result<std::string> from_environment(const std::string& variable) {
  const char* value = std::getenv(variable.c_str());
  if (!value || !*value) return invalid_argument("the environment variable " + variable + " is not set");
  return std::string(value);
}

void print_difference(const Json& difference) {
  auto names = [&](const char* field, const char* mark) {
    for (const Json& name : difference[field].is_array() ? *difference[field].as_array() : Json::Array()) std::printf("  %s %s\n", mark, text_of(name).c_str());
  };
  names("added", "+");
  names("removed", "-");
  for (const Json& one : difference["changed"].is_array() ? *difference["changed"].as_array() : Json::Array()) {
    std::printf("  ~ %s\n", text_of(one["name"]).c_str());
    for (const Json& field : *one["fields"].as_array())
      std::printf("      %s\n      - %s\n      + %s\n", text_of(field["field"]).c_str(), field["before"].dump().c_str(), field["after"].dump().c_str());
  }
}

void print_server(const Json& server) {
  const std::string name = text_of(server["name"]), state = text_of(server["state"]), error = text_of(server["error"]);
  std::printf("%s: %s, %s %s, %zu tools in use\n", name.c_str(), state.c_str(), text_of(server["transport"]).c_str(), text_of(server["protocol"]).c_str(),
              server["tools"].size());
  if (!error.empty()) std::printf("the last look failed: %s\n", error.c_str());
  for (const Json& one : *server["left_out"].as_array()) std::printf("left out: %s: %s\n", text_of(one["name"]).c_str(), text_of(one["why"]).c_str());
  if (!server["difference"].is_object()) return;
  for (const Json& tool : *server["listed"].as_array()) std::printf("lists: %s: %s\n", text_of(tool["name"]).c_str(), text_of(tool["description"]).c_str());
  std::printf("%s:\n", state == "changed" ? "different from what was approved" : "to be approved");
  print_difference(server["difference"]);
  std::printf("approve it: strata mcp approve %s %s\n", name.c_str(), text_of(server["hash"]).c_str());
}

int print(const Common& common, const Json& server) {
  if (common.json) std::printf("%s\n", server.dump().c_str());
  else print_server(server);
  return kDone;
}

Result<int> run_list(const Common& common, const Options& options) {
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  TRY_ASSIGN(const Json servers, client->get(kServers));
  if (common.json) {
    std::printf("%s\n", servers.dump().c_str());
    return kDone;
  }
  for (const Json& one : *servers["data"].as_array())
    std::printf("%-20s %-9s %-6s %3zu tools  %s\n", text_of(one["name"]).c_str(), text_of(one["state"]).c_str(), text_of(one["transport"]).c_str(),
                one["tools"].size(), one["url"].is_string() ? text_of(one["url"]).c_str() : one["command"].dump().c_str());
  return kDone;
}

Result<int> add_program(const Common& common, const Options& options) {
  mcp::ServerSpec spec;
  spec.name = options.name;
  spec.command = options.command;
  spec.secrets = options.secrets;
  if (options.has_prefix) spec.prefix = options.prefix;
  for (const std::string& pair : options.environment) {
    const size_t equals = pair.find('=');
    if (equals == 0 || equals == pair.npos) return invalid_argument("--env: expected NAME=VALUE, got '" + pair + "'");
    spec.environment[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  TRY_ASSIGN(const app::Settings settings, common.load());
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  TRY_ASSIGN(const Json known, client->get(kServers));
  for (const Json& one : *known["data"].as_array()) {
    if (one["name"] == Json(spec.name)) return Error{Code::kAlreadyExists, "there is an MCP server '" + spec.name + "' already", "name", ""};
  }
  TRY(app::add_to_mcp_file(settings.data_folder, spec));
  TRY(client->post("/strata/v1/mcp/reload", Json::object()));
  if (!spec.secrets.empty()) {
    std::printf("added; now give it its secrets: strata mcp secret %s VARIABLE --from ENVIRONMENT_VARIABLE\n", spec.name.c_str());
    return kDone;
  }
  TRY_ASSIGN(const Json server, client->post(std::string(kServers) + "/" + path_segment(spec.name) + "/refresh", Json::object()));
  return print(common, server);
}

Result<int> run_add(const Common& common, const Options& options) {
  if (options.url.empty() == options.command.empty()) return invalid_argument("expected a URL, or --command and the path of a program");
  if (!options.command.empty()) return add_program(common, options);
  Json body = Json::object({{"name", options.name}, {"url", options.url}});
  if (options.has_prefix) body.set("prefix", options.prefix);
  if (!options.token_from.empty()) {
    TRY_ASSIGN(std::string token, from_environment(options.token_from));
    body.set("token", std::move(token));
  }
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  TRY_ASSIGN(const Json server, client->post(kServers, body));
  return print(common, server);
}

Result<int> run_show(const Common& common, const Options& options) {
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  TRY_ASSIGN(const Json server, client->get(std::string(kServers) + "/" + path_segment(options.name)));
  return print(common, server);
}

Result<int> run_refresh(const Common& common, const Options& options) {
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  TRY_ASSIGN(const Json server, client->post(std::string(kServers) + "/" + path_segment(options.name) + "/refresh", Json::object()));
  return print(common, server);
}

Result<int> run_approve(const Common& common, const Options& options) {
  Json reading = Json::array();
  for (const std::string& name : options.reading) reading.push(name);
  Json body = Json::object({{"hash", options.hash}, {"reading", std::move(reading)}});
  if (!options.who.empty()) body.set("who", options.who);
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  TRY_ASSIGN(const Json server, client->post(std::string(kServers) + "/" + path_segment(options.name) + "/approve", body));
  return print(common, server);
}

Result<int> run_secret(const Common& common, const Options& options) {
  TRY_ASSIGN(const std::string value, from_environment(options.value_from));
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  TRY(client->put(std::string(kServers) + "/" + path_segment(options.name) + "/secret", Json::object({{"variable", options.variable}, {"value", value}})));
  return kDone;
}

Result<int> run_remove(const Common& common, const Options& options) {
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  TRY_ASSIGN(const Json server, client->get(std::string(kServers) + "/" + path_segment(options.name)));
  if (server["transport"] != Json("stdio")) {
    TRY(client->remove(std::string(kServers) + "/" + path_segment(options.name)));
    return kDone;
  }
  TRY_ASSIGN(const app::Settings settings, common.load());
  TRY(app::remove_from_mcp_file(settings.data_folder, options.name));
  TRY(client->post("/strata/v1/mcp/reload", Json::object()));
  return kDone;
}

Result<int> run_serve(const Common& common, const Options& options) {
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  const auto http = egress::Client::make();
  return serve_mcp_lines(*http, client->url() + "/mcp");
}

using Function = Result<int> (*)(const Common&, const Options&);

void add_one_server_commands(CLI::App& mcp, const std::shared_ptr<Options>& options, const std::function<void(CLI::App*, Function)>& choose) {
  auto named = [&](const char* verb, const char* meaning) {
    CLI::App* command = mcp.add_subcommand(verb, meaning);
    command->add_option("name", options->name, "The server, as it is called here")->required();
    return command;
  };
  auto* add = named("add", "Use a server's tools: a URL, or --command and a program of this machine");
  add->add_option("url", options->url, "Of its MCP endpoint");
  add->add_option("--command", options->command, "A program's whole path and its arguments: the last of the options")->expected(1, 200);
  add->add_option("--env", options->environment, "NAME=VALUE, of a program's environment; several times");
  add->add_option("--secret", options->secrets, "A variable of its environment whose value is kept sealed; several times");
  add->add_option("--token-from", options->token_from, "The environment variable that holds the token for Authorization: Bearer");
  add->add_option_function<std::string>(
      "--prefix", [options](const std::string& prefix) { options->prefix = prefix, options->has_prefix = true; }, "Before its tools' names; default: NAME_");
  choose(add, run_add);
  choose(named("show", "What it lists, and how that differs from what was approved"), run_show);
  choose(named("refresh", "Ask it now what it has"), run_refresh);
  auto* approve = named("approve", "Approve the list of tools with this hash");
  approve->add_option("hash", options->hash, "As `strata mcp show` prints it")->required();
  approve->add_option("--reading", options->reading, "A tool that only reads; several times");
  approve->add_option("--who", options->who, "Who approves");
  choose(approve, run_approve);
  auto* secret = named("secret", "What it is given and nobody is shown");
  secret->add_option("variable", options->variable, "token, or a variable of a program's environment")->required();
  secret->add_option("--from", options->value_from, "The environment variable that holds the value")->required();
  choose(secret, run_secret);
  choose(named("remove", "Remove it, with its tools"), run_remove);
}

}  // namespace

void add_mcp(CLI::App& app, Common& common, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  auto choose = [&common, &chosen, options](CLI::App* command, Function function) {
    run_where_chosen(*command, common, chosen, [&common, options, function] { return function(common, *options); });
    command->fallthrough();
    add_server_option(*command, options->server);
  };
  auto* mcp = app.add_subcommand("mcp", "Model Context Protocol: this platform as a server, and other servers' tools");
  mcp->require_subcommand(1);
  mcp->fallthrough();
  choose(mcp->add_subcommand("serve", "This platform's tools and documents over standard input and output"), run_serve);
  choose(mcp->add_subcommand("list", "The servers whose tools are used"), run_list);
  add_one_server_commands(*mcp, options, choose);
}

}  // namespace strata::cli
