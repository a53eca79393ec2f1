// strata flow …: flows in files and on a server: check, save, run, watch, approve.
#include "orchestration/flow/flow.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <thread>

#include "app/cli/choose.h"
#include "app/cli/cli.h"
#include "app/cli/client.h"

namespace strata::cli {
namespace {

struct Wanted {
  std::string server, file, name, input = "{}", why, id, decision, arguments, response, step, version, key;
  bool wait = true;
};

std::string text_of(const Json& json) { return json.is_string() ? *json.as_string() : json.is_null() ? "" : json.dump(); }

// What `--input` says: JSON, or @FILE with it.
Result<Json> json_of(const std::string& given, const char* name) {
  std::string text = given;
  if (!given.empty() && given[0] == '@') {
    TRY_ASSIGN(text, read_text(given.substr(1)));
  }
  auto json = Json::parse(text);
  if (!json) return invalid_argument(std::string(name) + ": expected JSON, or @FILE with it: " + json.error().message, name);
  return json;
}

// Checks without a server: the same reader.
Result<int> run_check(const Common& common, const Wanted& wanted) {
  TRY_ASSIGN(std::string text, read_text(wanted.file));
  auto checked = flow::check(text);
  if (!checked) {
    Error error = checked.error();
    error.message = (wanted.file == "-" ? "standard input" : wanted.file) + ": " + error.message;
    return error;
  }
  if (common.json)
    std::printf("%s\n",
                Json::object({{"name", checked->name}, {"steps", checked->steps}, {"graph", checked->graph}, {"input", checked->input}}).dump().c_str());
  else std::printf("%s: the flow %s, %d steps\n", wanted.file.c_str(), checked->name.c_str(), checked->steps);
  return kDone;
}

Result<int> run_templates(const Common& common, const Wanted& wanted) {
  for (auto& one : flow::shipped_templates()) {
    if (!wanted.name.empty() && one.name != wanted.name) continue;
    if (!wanted.name.empty()) std::printf("%s", one.text.c_str());
    else if (common.json) std::printf("%s\n", Json::object({{"name", one.name}, {"title", one.title}}).dump().c_str());
    else std::printf("%-26s %s\n", one.name.c_str(), one.title.c_str());
  }
  return kDone;
}

Result<int> run_put(const Common& common, const Wanted& wanted) {
  TRY_ASSIGN(std::string text, read_text(wanted.file));
  TRY_ASSIGN(auto checked, flow::check(text));
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  auto before = client->get("/strata/v1/flows/" + checked.name);
  if (!before && before.error().code != Code::kNotFound) return before.error();
  Json base = before ? (*before)["version"] : Json(0);
  TRY_ASSIGN(Json saved, client->put("/strata/v1/flows/" + checked.name, Json::object({{"text", text}, {"base_version", base}, {"why", wanted.why}})));
  if (common.json) std::printf("%s\n", saved.dump().c_str());
  else std::printf("%s version %s\n", checked.name.c_str(), saved["version"].dump().c_str());
  return kDone;
}

Result<int> run_list(const Common& common, const Wanted& wanted) {
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  TRY_ASSIGN(Json page, client->get(wanted.name.empty() ? "/strata/v1/flows?limit=1000" : "/strata/v1/flows/" + path_segment(wanted.name) + "/runs?limit=100"));
  if (common.json) return std::printf("%s\n", page["data"].dump().c_str()), kDone;
  for (auto& one : *page["data"].as_array()) {
    if (wanted.name.empty()) std::printf("%-32s v%-4s %s\n", text_of(one["name"]).c_str(), one["version"].dump().c_str(), text_of(one["description"]).c_str());
    else
      std::printf("%s  v%-4s %-10s %s\n", text_of(one["id"]).c_str(), one["version"].dump().c_str(), text_of(one["state"]).c_str(),
                  text_of(one["error"]).c_str());
  }
  return kDone;
}

void print_run(const Json& run) {
  std::printf("%s  %s v%s  %s%s%s\n", text_of(run["id"]).c_str(), text_of(run["flow"]).c_str(), run["version"].dump().c_str(), text_of(run["state"]).c_str(),
              run["waits_for"].is_null() ? "" : " for ", text_of(run["waits_for"]).c_str());
  if (auto* steps = run["steps"].as_array())
    for (auto& step : *steps)
      std::printf("  %-32s %-16s %8s ms  %s\n", text_of(step["path"]).c_str(), text_of(step["status"]).c_str(),
                  step["ms"].is_null() ? "-" : step["ms"].dump().c_str(), text_of(step["error"]).substr(0, 100).c_str());
  if (!run["error"].is_null()) std::printf("error: %s\n", text_of(run["error"]).c_str());
  if (!run["result"].is_null()) std::printf("%s\n", run["result"].is_string() ? text_of(run["result"]).c_str() : run["result"].dump(2).c_str());
}

int code_of(const Json& run) { return run["state"] == Json("failed") || run["state"] == Json("cancelled") ? kFailed : kDone; }

// Starts a run, and follows its events until it ends or waits for a person.
Result<int> run_run(const Common& common, const Wanted& wanted) {
  TRY_ASSIGN(Json input, json_of(wanted.input, "input"));
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  Json body = Json::object({{"input", std::move(input)}});
  if (!wanted.key.empty()) body.set("key", wanted.key);
  TRY_ASSIGN(Json run, client->post("/strata/v1/flows/" + path_segment(wanted.name) + "/runs", body));
  std::string path = "/strata/v1/runs/" + text_of(run["id"]);
  while (wanted.wait) {
    TRY_ASSIGN(run, client->get(path));
    bool over = run["state"] == Json("succeeded") || code_of(run) == kFailed;
    bool asks =
        run["waits_for"] == Json("approval") || run["waits_for"] == Json("outcome") || run["waits_for"] == Json("signal") || run["waits_for"] == Json("paused");
    if (over || asks) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  if (common.json) std::printf("%s\n", run.dump().c_str());
  else print_run(run);
  return code_of(run);
}

Result<int> run_show(const Common& common, const Wanted& wanted) {
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  TRY_ASSIGN(Json run, client->get("/strata/v1/runs/" + path_segment(wanted.id)));
  if (common.json) std::printf("%s\n", run.dump().c_str());
  else print_run(run);
  return kDone;
}

Result<int> run_events(const Common& common, const Wanted& wanted) {
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  for (std::string after = "0";;) {
    TRY_ASSIGN(Json page, client->get("/strata/v1/runs/" + path_segment(wanted.id) + "/events?limit=1000&after=" + after));
    for (auto& event : *page["data"].as_array()) {
      if (common.json) std::printf("%s\n", event.dump().c_str());
      else
        std::printf("%5s  %-18s %-28s %s\n", event["sequence"].dump().c_str(), text_of(event["kind"]).c_str(), text_of(event["step"]).c_str(),
                    event["data"].dump().substr(0, 160).c_str());
      after = event["sequence"].dump();
    }
    if (page["has_more"] != Json(true)) return kDone;
  }
}

// pause, resume, cancel, retry.
Result<int> run_verb(const Common& common, const Wanted& wanted, const std::string& verb) {
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  TRY_ASSIGN(Json run, client->post("/strata/v1/runs/" + path_segment(wanted.id) + "/" + verb, Json::object({{"reason", wanted.why}})));
  if (common.json) std::printf("%s\n", run.dump().c_str());
  else std::printf("%s is %s\n", text_of(run["id"]).c_str(), text_of(run["state"]).c_str());
  return kDone;
}

Result<int> run_fork(const Common& common, const Wanted& wanted) {
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  TRY_ASSIGN(Json run, client->post("/strata/v1/runs/" + path_segment(wanted.id) + "/fork", Json::object({{"step", wanted.step}})));
  if (common.json) std::printf("%s\n", run.dump().c_str());
  else std::printf("%s\n", text_of(run["id"]).c_str());
  return kDone;
}

Result<int> run_inbox(const Common& common, const Wanted& wanted) {
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  TRY_ASSIGN(Json page, client->get("/strata/v1/approvals?state=pending&limit=1000"));
  if (common.json) return std::printf("%s\n", page["data"].dump().c_str()), kDone;
  for (auto& one : *page["data"].as_array())
    std::printf("%s  %s  %s\n    %s %s\n", text_of(one["id"]).c_str(), text_of(one["flow"]).c_str(), text_of(one["message"]).c_str(),
                text_of(one["tool"]).c_str(), one["arguments"].dump().c_str());
  return page["data"].size() ? kDone : kNothing;
}

Result<int> run_decide(const Common& common, const Wanted& wanted) {
  Json body = Json::object({{"decision", wanted.decision}, {"reason", wanted.why}});
  if (!wanted.arguments.empty()) {
    TRY_ASSIGN(Json arguments, json_of(wanted.arguments, "arguments"));
    body.set("arguments", std::move(arguments));
  }
  if (!wanted.response.empty()) body.set("response", wanted.response);
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  TRY_ASSIGN(Json done, client->post("/strata/v1/approvals/" + path_segment(wanted.id) + "/decide", body));
  if (common.json) std::printf("%s\n", done.dump().c_str());
  else std::printf("%s: %s\n", text_of(done["id"]).c_str(), text_of(done["decision"]).c_str());
  return kDone;
}

}  // namespace

void add_flow(CLI::App& app, Common& common, Chosen& chosen) {
  auto wanted = std::make_shared<Wanted>();
  auto* group = app.add_subcommand("flow", "Durable workflows: check, save, run, watch, approve")->require_subcommand(1);
  using Function = std::function<Result<int>(const Common&, const Wanted&)>;
  auto add = [&](const char* name, const char* meaning, Function function, bool local = false) {
    auto* command = group->add_subcommand(name, meaning);
    if (!local) command->add_option("--server", wanted->server, "URL of a running Strata; default: the one on this data folder");
    run_where_chosen(*command, common, chosen, [&common, wanted, function] { return function(common, *wanted); });
    return command;
  };
  add("check", "Check a flow's file; what is wrong is told with line and path", run_check, true)
      ->add_option("file", wanted->file, "YAML or JSON; - is standard input")
      ->required();
  add("templates", "Flows that ship with Strata; with a name, its text", run_templates, true)->add_option("name", wanted->name, "Of one of them");
  auto* put = add("put", "Save a flow's file as a new version", run_put);
  put->add_option("file", wanted->file, "YAML or JSON")->required();
  put->add_option("--why", wanted->why, "Why it changed");
  add("list", "All flows; with a name, its runs", run_list)->add_option("name", wanted->name, "Of a flow");
  auto* run = add("run", "Run a flow, and wait until it ends or needs a person", run_run);
  run->add_option("name", wanted->name, "Of the flow")->required();
  run->add_option("--input", wanted->input, "JSON, or @FILE");
  run->add_option("--key", wanted->key, "Idempotency key: the same key again is the same run");
  run->add_flag("!--no-wait", wanted->wait, "Only start it");
  auto with_id = [&](CLI::App* command, const char* meaning) {
    command->add_option("id", wanted->id, meaning)->required();
    return command;
  };
  with_id(add("show", "A run: steps, cost, result", run_show), "Of the run");
  with_id(add("events", "A run's log", run_events), "Of the run");
  for (const char* verb : {"pause", "resume", "cancel", "retry"}) {
    auto* command = add(verb, "A run, by its id", [verb](const Common& c, const Wanted& w) { return run_verb(c, w, verb); });
    with_id(command, "Of the run")->add_option("--why", wanted->why, "Kept with the decision");
  }
  with_id(add("fork", "A new run from one of a run's steps", run_fork), "Of the run")->add_option("--step", wanted->step, "Its path, from show")->required();
  add("inbox", "What waits for a person", run_inbox);
  auto* decide = with_id(add("decide", "Decide an approval", run_decide), "Of the approval");
  decide->add_option("decision", wanted->decision, "accept, edit, respond, ignore; happened, not_happened, fail")->required();
  decide->add_option("--arguments", wanted->arguments, "Of edit: JSON, or @FILE");
  decide->add_option("--response", wanted->response, "Of respond");
  decide->add_option("--why", wanted->why, "Kept with the decision");
}

}  // namespace strata::cli
