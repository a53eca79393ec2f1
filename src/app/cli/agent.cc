// strata agent … and strata team …: check, save, list, run; an agent's memory, a team's messages. Runs are shown, decided and cancelled by `strata flow`.
#include "orchestration/agent/agent.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <thread>

#include "app/cli/choose.h"
#include "app/cli/cli.h"
#include "app/cli/client.h"

namespace strata::cli {
namespace {

struct Wanted {
  std::string server, file, name, task, material, briefing, budget, why, key, id, text, thread;
  bool wait = true;
};
// Which of the two: "agent" or "team".
using Function = Result<int> (*)(const Common&, const Wanted&, const std::string& kind);

std::string text_of(const Json& json) { return json.is_string() ? *json.as_string() : json.is_null() ? "" : json.dump(); }
std::string base(const std::string& kind) { return "/strata/v1/" + kind + "s"; }

// The name in the text, or what is wrong with it.
Result<std::string> checked_name(const std::string& kind, const std::string& file, const std::string& text) {
  Result<std::string> name = std::string();
  if (kind == agent::kArtifactKind) {
    auto checked = agent::check(text);
    name = checked ? Result<std::string>(checked->name) : checked.error();
  } else {
    auto checked = agent::check_team(text);
    name = checked ? Result<std::string>(checked->name) : checked.error();
  }
  if (name) return name;
  Error error = name.error();
  error.message = (file == "-" ? "standard input" : file) + ": " + error.message;
  return error;
}

Result<int> run_check(const Common& common, const Wanted& wanted, const std::string& kind) {
  TRY_ASSIGN(std::string text, read_text(wanted.file));
  TRY_ASSIGN(std::string name, checked_name(kind, wanted.file, text));
  if (common.json) std::printf("%s\n", Json::object({{"name", name}}).dump().c_str());
  else std::printf("%s: the %s %s\n", wanted.file.c_str(), kind.c_str(), name.c_str());
  return kDone;
}

Result<int> run_templates(const Common& common, const Wanted& wanted, const std::string& kind) {
  for (auto& one : kind == agent::kArtifactKind ? agent::shipped_templates() : agent::shipped_team_templates()) {
    if (!wanted.name.empty() && one.name != wanted.name) continue;
    if (!wanted.name.empty()) std::printf("%s", one.text.c_str());
    else if (common.json) std::printf("%s\n", Json::object({{"name", one.name}, {"title", one.title}}).dump().c_str());
    else std::printf("%-18s %s\n", one.name.c_str(), one.title.c_str());
  }
  return kDone;
}

Result<int> run_put(const Common& common, const Wanted& wanted, const std::string& kind) {
  TRY_ASSIGN(std::string text, read_text(wanted.file));
  TRY_ASSIGN(std::string name, checked_name(kind, wanted.file, text));
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  auto before = client->get(base(kind) + "/" + name);
  if (!before && before.error().code != Code::kNotFound) return before.error();
  Json version = before ? (*before)["version"] : Json(0);
  TRY_ASSIGN(Json saved, client->put(base(kind) + "/" + name, Json::object({{"text", text}, {"base_version", version}, {"why", wanted.why}})));
  if (common.json) std::printf("%s\n", saved.dump().c_str());
  else std::printf("%s version %s\n", name.c_str(), saved["version"].dump().c_str());
  return kDone;
}

Result<int> run_list(const Common& common, const Wanted& wanted, const std::string& kind) {
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  TRY_ASSIGN(Json page, client->get(wanted.name.empty() ? base(kind) + "?limit=1000" : base(kind) + "/" + path_segment(wanted.name) + "/runs?limit=100"));
  if (common.json) return std::printf("%s\n", page["data"].dump().c_str()), kDone;
  for (auto& one : *page["data"].as_array()) {
    if (wanted.name.empty()) std::printf("%-24s v%-4s %s\n", text_of(one["name"]).c_str(), one["version"].dump().c_str(), text_of(one["description"]).c_str());
    else
      std::printf("%s  v%-4s %-10s %s\n", text_of(one["id"]).c_str(), one["version"].dump().c_str(), text_of(one["state"]).c_str(),
                  text_of(one["result"]["outcome"]).c_str());
  }
  return kDone;
}

void print_result(const Json& run) {
  std::printf("%s  %s v%s  %s%s%s\n", text_of(run["id"]).c_str(), text_of(run["flow"]).c_str(), run["version"].dump().c_str(), text_of(run["state"]).c_str(),
              run["waits_for"].is_null() ? "" : " for ", text_of(run["waits_for"]).c_str());
  if (auto* steps = run["steps"].as_array())
    for (auto& step : *steps)
      std::printf("  %-28s %-10s %6s ms  %s\n", text_of(step["path"]).c_str(), text_of(step["status"]).c_str(),
                  step["ms"].is_null() ? "-" : step["ms"].dump().c_str(),
                  (text_of(step["reason"]) + (step["error"].is_null() ? "" : ": " + text_of(step["error"]))).substr(0, 120).c_str());
  if (!run["error"].is_null()) std::printf("error: %s\n", text_of(run["error"]).c_str());
  const Json& result = run["result"];
  if (result.is_null()) return;
  std::printf("%s: %s\n(%s; %s steps, %s tokens, %s s)\n", text_of(result["outcome"]).c_str(), text_of(result["answer"]).c_str(),
              text_of(result["reason"]).c_str(), text_of(result["spent"]["steps"]).c_str(), text_of(result["spent"]["tokens"]).c_str(),
              text_of(result["spent"]["seconds"]).c_str());
}

Result<int> run_run(const Common& common, const Wanted& wanted, const std::string& kind) {
  Json body = Json::object({{"task", wanted.task}});
  if (!wanted.material.empty()) {
    TRY_ASSIGN(std::string material, read_text(wanted.material));
    body.set("material", std::move(material));
  }
  if (!wanted.briefing.empty()) body.set("briefing", wanted.briefing);
  if (!wanted.key.empty()) body.set("key", wanted.key);
  if (!wanted.budget.empty()) {
    auto budget = Json::parse(wanted.budget);
    if (!budget) return invalid_argument("budget: expected JSON such as {\"steps\": 10}: " + budget.error().message, "budget");
    body.set("budget", std::move(*budget));
  }
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  TRY_ASSIGN(Json run, client->post(base(kind) + "/" + path_segment(wanted.name) + "/runs", body));
  const std::string path = "/strata/v1/runs/" + text_of(run["id"]);
  auto failed = [&] { return run["state"] == Json("failed") || run["state"] == Json("cancelled"); };
  while (wanted.wait) {
    TRY_ASSIGN(run, client->get(path));
    const std::string waits = text_of(run["waits_for"]);
    if (failed() || run["state"] == Json("succeeded") || waits == "approval" || waits == "outcome" || waits == "paused") break;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  if (common.json) std::printf("%s\n", run.dump().c_str());
  else print_result(run);
  return failed() ? kFailed : kDone;
}

Result<int> run_memory(const Common& common, const Wanted& wanted, const std::string&) {
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  const std::string path = base("agent") + "/" + path_segment(wanted.name) + "/memory";
  if (!wanted.text.empty()) TRY(client->post(path, Json::object({{"text", wanted.text}})));
  if (!wanted.id.empty()) TRY(client->remove(path + "/" + path_segment(wanted.id)));
  TRY_ASSIGN(Json page, client->get(path));
  if (common.json) return std::printf("%s\n", page["data"].dump().c_str()), kDone;
  for (auto& fact : *page["data"].as_array())
    std::printf("%s  %s  %s%s\n", text_of(fact["id"]).c_str(), text_of(fact["text"]).c_str(), fact["source"].dump().c_str(),
                fact["untrusted"] == Json(true) ? "  (others said so)" : "");
  return page["data"].size() ? kDone : kNothing;
}

Result<int> run_messages(const Common& common, const Wanted& wanted, const std::string&) {
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  TRY_ASSIGN(Json page, client->get("/strata/v1/runs/" + path_segment(wanted.id) + "/messages?thread=" + path_segment(wanted.thread)));
  if (common.json) return std::printf("%s\n", page["data"].dump().c_str()), kDone;
  for (auto& one : *page["data"].as_array())
    std::printf("%-4s %s → %s: %s\n", text_of(one["id"]).c_str(), text_of(one["from"]).c_str(), text_of(one["to"]).c_str(), text_of(one["text"]).c_str());
  return page["data"].size() ? kDone : kNothing;
}

void add_group(CLI::App& app, Common& common, Chosen& chosen, const std::string& kind, const char* about) {
  auto wanted = std::make_shared<Wanted>();
  auto* group = app.add_subcommand(kind, about)->require_subcommand(1);
  auto add = [&](const char* name, const char* meaning, Function function, bool local = false) {
    auto* command = group->add_subcommand(name, meaning);
    if (!local) command->add_option("--server", wanted->server, "URL of a running Strata; default: the one on this data folder");
    run_where_chosen(*command, common, chosen, [&common, wanted, function, kind] { return function(common, *wanted, kind); });
    return command;
  };
  add("check", "Check a file; what is wrong is told with line and path", run_check, true)
      ->add_option("file", wanted->file, "YAML or JSON; - is standard input")
      ->required();
  add("templates", "What ships with Strata; with a name, its text", run_templates, true)->add_option("name", wanted->name, "Of one of them");
  auto* put = add("put", "Save a file as a new version", run_put);
  put->add_option("file", wanted->file, "YAML or JSON")->required();
  put->add_option("--why", wanted->why, "Why it changed");
  add("list", "All there are; with a name, its runs", run_list)->add_option("name", wanted->name, "Of one");
  auto* run = add("run", "Give it a task, and wait until it ends or needs a person", run_run);
  run->add_option("name", wanted->name, "Its name")->required();
  run->add_option("task", wanted->task, "What is wanted, in your words")->required();
  run->add_option("--material", wanted->material, "A file that others wrote: read as information, not obeyed");
  run->add_option("--briefing", wanted->briefing, "What else it should know");
  run->add_option("--budget", wanted->budget, "JSON: steps, tokens, money, seconds; narrows its own");
  run->add_option("--key", wanted->key, "Idempotency key: the same key again is the same run");
  run->add_flag("!--no-wait", wanted->wait, "Only start it");
  if (kind == agent::kArtifactKind) {
    auto* memory = add("memory", "What an agent remembers; add or remove a fact", run_memory);
    memory->add_option("name", wanted->name, "Of the agent")->required();
    memory->add_option("--add", wanted->text, "A fact");
    memory->add_option("--remove", wanted->id, "A fact's id");
  } else {
    auto* messages = add("messages", "What the members of a run wrote to each other", run_messages);
    messages->add_option("run", wanted->id, "The run's id")->required();
    messages->add_option("--thread", wanted->thread, "Only this thread");
  }
}

}  // namespace

void add_agent(CLI::App& app, Common& common, Chosen& chosen) {
  add_group(app, common, chosen, agent::kArtifactKind, "Agents: goals reached by choosing tools, within a policy and a budget");
  add_group(app, common, chosen, agent::kTeamKind, "Teams of agents: supervised, handing over, or an ensemble with a judge");
}

}  // namespace strata::cli
