// strata predictor …: classifiers and recommenders from rows of one's own.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/cli/cli.h"
#include "app/cli/client.h"

namespace strata::cli {
namespace {

struct Wanted {
  std::string server, name, kind, file, about;
  int version = 0;
};
using Function = Result<int> (*)(const Common&, const Wanted&);

constexpr char kPath[] = "/strata/v1/predictors";

void print(const Json& one) {
  const Json& report = one["report"];
  const bool classifier = one["kind"] == Json("classifier");
  const char* ours = classifier ? "accuracy" : "recall_at_10";
  const char* trivial = classifier ? "baseline_accuracy" : "baseline_recall_at_10";
  std::printf("%-24s v%-3s %-11s %s  %s %.3f (trivial %.3f)\n", one["name"].as_string()->c_str(), one["version"].dump().c_str(),
              one["kind"].as_string()->c_str(), one["live"] == Json(true) ? "live" : "    ", ours, report[ours].to_double("").value_or(0),
              report[trivial].to_double("").value_or(0));
}

Result<int> run_train(const Common& common, const Wanted& wanted) {
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  TRY_ASSIGN(const Json file, client->upload(wanted.file));
  TRY_ASSIGN(const Json made,
             client->post(kPath, Json::object({{"name", wanted.name}, {"kind", wanted.kind}, {"description", wanted.about}, {"file_id", file["id"]}})));
  if (common.json) std::printf("%s\n", made.dump().c_str());
  else print(made);
  return kDone;
}

Result<int> run_list(const Common& common, const Wanted& wanted) {
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  TRY_ASSIGN(const Json page, client->get(wanted.name.empty() ? kPath : std::string(kPath) + "/" + path_segment(wanted.name)));
  if (common.json) return std::printf("%s\n", page["data"].dump().c_str()), kDone;
  for (const Json& one : *page["data"].as_array()) print(one);
  return page["data"].size() ? kDone : kNothing;
}

Result<int> run_use(const Common& common, const Wanted& wanted) {
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  TRY_ASSIGN(const Json made, client->post(std::string(kPath) + "/" + path_segment(wanted.name) + "/use", Json::object({{"version", wanted.version}})));
  if (common.json) std::printf("%s\n", made.dump().c_str());
  else print(made);
  return kDone;
}

Result<int> run_remove(const Common& common, const Wanted& wanted) {
  TRY_ASSIGN(auto client, Client::connect(common, wanted.server));
  TRY(client->remove(std::string(kPath) + "/" + path_segment(wanted.name)));
  return kDone;
}

}  // namespace

void add_predictor(CLI::App& app, Common& common, Chosen& chosen) {
  auto wanted = std::make_shared<Wanted>();
  auto* group = app.add_subcommand("predictor", "Classifiers and recommenders from your own rows, offered as tools")->require_subcommand(1);
  auto add = [&](const char* name, const char* meaning, Function function) {
    auto* command = group->add_subcommand(name, meaning);
    command->add_option("--server", wanted->server, "URL of a running Strata; default: the one on this data folder");
    command->callback([&common, &chosen, wanted, function] {
      chosen = [&common, wanted, function] {
        auto code = function(common, *wanted);
        return code ? *code : fail(common, code.error());
      };
    });
    return command;
  };
  auto* train = add("train", "Train a version, and say how good it is on what it had not seen", run_train);
  train->add_option("kind", wanted->kind, "classifier or recommender")->required()->check(CLI::IsMember({"classifier", "recommender"}));
  train->add_option("name", wanted->name, "Its name")->required();
  train->add_option("file", wanted->file, "One JSON object a line: {text, label}, or {user, item}")->required();
  train->add_option("--about", wanted->about, "For models that may call it: when to use it");
  add("list", "All versions; with a name, its own", run_list)->add_option("name", wanted->name, "Of one");
  auto* use = add("use", "Offer another version", run_use);
  use->add_option("name", wanted->name, "Its name")->required();
  use->add_option("version", wanted->version, "The version")->required();
  add("remove", "Remove all its versions and its tool", run_remove)->add_option("name", wanted->name, "Its name")->required();
}

}  // namespace strata::cli
