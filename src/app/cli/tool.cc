// strata tool list, call: the tools of this installation.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/cli/choose.h"
#include "app/cli/cli.h"
#include "app/cli/client.h"

namespace strata::cli {
namespace {

struct Options {
  std::string server, name, arguments = "{}", key;
  bool dry_run = false;
};

Result<int> run_list(const Common& common, const Options& options) {
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  TRY_ASSIGN(const Json tools, client->get("/strata/v1/tools"));
  if (common.json) {
    std::printf("%s\n", tools.dump().c_str());
    return kDone;
  }
  for (const Json& tool : *tools["data"].as_array()) {
    std::printf("%-24s %-7s %-6s %s\n", tool["name"].as_string()->c_str(), tool["risk"].as_string()->c_str(), tool["policy"]["permission"].as_string()->c_str(),
                tool["description"].as_string()->c_str());
  }
  return kDone;
}

Result<int> run_call(const Common& common, const Options& options) {
  auto arguments = Json::parse(options.arguments);
  if (!arguments) return annotate(std::move(arguments.error()), "arguments");
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  Json body = Json::object({{"arguments", std::move(*arguments)}, {"dry_run", options.dry_run}});
  if (!options.key.empty()) body.set("idempotency_key", options.key);
  TRY_ASSIGN(const Json outcome, client->post("/strata/v1/tools/" + path_segment(options.name) + "/call", body));
  const bool done = outcome["state"] == Json("done");
  if (common.json) {
    std::printf("%s\n", outcome.dump().c_str());
  } else if (done) {
    std::printf("%s\n", outcome["result"].dump(2).c_str());
  } else {
    std::fprintf(stderr, "%s: %s\n", outcome["state"].as_string()->c_str(),
                 outcome["error"]["message"].as_string() ? outcome["error"]["message"].as_string()->c_str() : "");
  }
  return done ? kDone : kFailed;
}

}  // namespace

void add_tool(CLI::App& app, Common& common, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  auto choose = [&common, &chosen, options](CLI::App* command, Result<int> (*function)(const Common&, const Options&)) {
    run_where_chosen(*command, common, chosen, [&common, options, function] { return function(common, *options); });
    command->fallthrough();
    add_server_option(*command, options->server);
  };
  auto* tool = app.add_subcommand("tool", "Tools: calculator, search, SQL, Python");
  tool->require_subcommand(1);
  tool->fallthrough();
  choose(tool->add_subcommand("list", "What there is, its risk and who may call it"), run_list);
  auto* call = tool->add_subcommand("call", "Call one; exit code 1 where it refused or failed");
  call->add_option("name", options->name, "The tool")->required();
  call->add_option("arguments", options->arguments, "JSON, such as '{\"expression\": \"6*7\"}'");
  call->add_option("--key", options->key, "Idempotency key: the same again has no second effect");
  call->add_flag("--dry-run", options->dry_run, "Only say what would happen");
  choose(call, run_call);
}

}  // namespace strata::cli
