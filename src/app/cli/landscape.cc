// strata landscape: the models that there are, one of them, or all ranked for a purpose. strata decide: prompt, retrieval or fine-tuning.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "app/api/landscape.h"
#include "app/cli/cli.h"
#include "app/cli/client.h"

namespace strata::cli {
namespace {

struct Options {
  std::string server, model, use, lean = "balanced", favour = "balanced", check;
  int64_t context_tokens_min = 0;
  bool here = false, open_weights = false, retired = false;
  landscape::Situation situation;
};

std::string text_of(const Json& json) { return json.as_string() ? *json.as_string() : ""; }

std::string joined(const Json& list) {
  std::string out;
  for (auto& item : *list.as_array()) out += (out.empty() ? "" : ", ") + text_of(item);
  return out;
}

// A fact as a person reads it.
std::string fact_text(const Json& fact) {
  const Json& value = fact["value"];
  if (value.is_null()) return "unknown";
  return value.is_string() ? text_of(value) : value.dump();
}

std::string price_text(const Json& fact) { return fact["value"].is_null() ? "unknown" : "$" + fact_text(fact); }

Result<int> check(const Common& common, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return not_found("cannot read " + path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  auto parsed = landscape::parse(text, landscape::built_in());
  if (!parsed) return annotate(std::move(parsed.error()), path);
  int own = 0, changed = 0;
  for (auto& model : parsed->models) {
    own += model.origin == landscape::Origin::kOwn;
    changed += model.origin == landscape::Origin::kChanged;
  }
  if (common.json) std::printf("%s\n", Json::object({{"valid", true}, {"models_own", own}, {"models_changed", changed}}).dump().c_str());
  else std::printf("%s is valid: %d models of your own, %d changed. It is read from landscape.json in the data folder.\n", path.c_str(), own, changed);
  return kDone;
}

void print_table(const Json& landscape) {
  std::printf("%-20s %-22s %-10s %12s %-9s %8s %8s  %s\n", "model", "family", "status", "context", "cut-off", "in/M", "out/M", "here");
  for (auto& model : *landscape["models"].as_array()) {
    const Json& facts = model["facts"];
    std::printf("%-20s %-22s %-10s %12s %-9s %8s %8s  %s\n", text_of(model["id"]).c_str(), text_of(model["family_name"]).substr(0, 22).c_str(),
                fact_text(facts["status"]).c_str(), fact_text(facts["context_tokens"]).c_str(), fact_text(facts["training_cutoff"]).c_str(),
                price_text(facts["price_in"]).c_str(), price_text(facts["price_out"]).c_str(), joined(model["here"]).c_str());
  }
  std::printf("As of %s; prices in US dollars a million tokens. One with its sources: strata landscape MODEL. Ranked: strata landscape --for coding\n",
              text_of(landscape["as_of"]).c_str());
  if (auto* error = landscape["own_file"]["error"].as_string())
    std::printf("%s %s: %s\n", colour("not read:", 31).c_str(), text_of(landscape["own_file"]["path"]).c_str(), error->c_str());
}

void print_model(const Json& model, const Json& sources) {
  std::printf("%s, of %s (%s)\n", text_of(model["name"]).c_str(), text_of(model["family_name"]).c_str(), text_of(model["maker"]).c_str());
  std::printf("kinds: %s. reads: %s. writes: %s. weights: %s.\n", joined(model["kinds"]).c_str(), joined(model["input"]).c_str(),
              joined(model["output"]).c_str(), *model["open_weights"].as_bool() ? "open" : "closed");
  if (model["here"].size()) std::printf("here as: %s\n", joined(model["here"]).c_str());
  for (auto& row : *model["hub"].as_array()) std::printf("to fetch it: %s\n", text_of(row["command"]).c_str());
  for (auto& [name, fact] : *model["facts"].as_object()) {
    std::string source = text_of(fact["source"]), note = text_of(fact["note"]), as_of = text_of(fact["as_of"]);
    if (auto* title = sources[source]["title"].as_string()) source = *title;
    std::printf("  %-20s %s%s\n", name.c_str(), fact_text(fact).c_str(), note.empty() ? "" : (" (" + note + ")").c_str());
    if (!fact["value"].is_null()) std::printf("  %-20s %s\n", "", colour(source + (as_of.empty() ? "" : ", " + as_of), 2).c_str());
  }
}

void print_comparison(const Json& comparison) {
  for (auto& row : *comparison["rows"].as_array()) {
    std::printf("%2lld. %5.1f  %s%s\n", static_cast<long long>(*row["rank"].to_int("")), *row["score"].to_double(""), text_of(row["name"]).c_str(),
                row["here"].size() ? (" (here: " + joined(row["here"]) + ")").c_str() : "");
    for (auto& part : *row["parts"].as_array())
      std::printf("       %-18s %3.0f of %2.0f  %s\n", text_of(part["axis"]).c_str(), 100 * *part["weight"].to_double("") * *part["points"].to_double(""),
                  100 * *part["weight"].to_double(""), text_of(part["reason"]).c_str());
  }
  for (auto& row : *comparison["left_out"].as_array()) std::printf("left out: %s: %s\n", text_of(row["id"]).c_str(), text_of(row["reason"]).c_str());
}

Result<int> landscape_command(const Common& common, const Options& options) {
  if (!options.check.empty()) return check(common, options.check);
  TRY_ASSIGN(auto client, Client::connect(common, options.server));
  if (!options.use.empty() || options.here || options.open_weights || options.context_tokens_min > 0) {
    Json body = Json::object({{"use", options.use.empty() ? "chat" : options.use},
                              {"lean", options.lean},
                              {"favour", options.favour},
                              {"context_tokens_min", options.context_tokens_min},
                              {"here_only", options.here},
                              {"open_weights_only", options.open_weights},
                              {"with_retired", options.retired}});
    if (!options.model.empty()) body.set("models", Json::array({options.model}));
    TRY_ASSIGN(Json comparison, client->post("/strata/v1/landscape/compare", body));
    if (common.json) std::printf("%s\n", comparison.dump().c_str());
    else print_comparison(comparison);
    return comparison["rows"].size() ? kDone : kNothing;
  }
  TRY_ASSIGN(Json all, client->get("/strata/v1/landscape"));
  if (options.model.empty()) {
    if (common.json) std::printf("%s\n", all.dump().c_str());
    else print_table(all);
    return kDone;
  }
  TRY_ASSIGN(Json model, client->get("/strata/v1/landscape/models/" + path_segment(options.model)));
  if (common.json) std::printf("%s\n", model.dump().c_str());
  else print_model(model, all["sources"]);
  return kDone;
}

Result<int> decide_command(const Common& common, const Options& options) {
  Json advice = api::advice_json(options.situation);
  if (common.json) {
    std::printf("%s\n", advice.dump().c_str());
    return kDone;
  }
  std::printf("%s\n", colour(text_of(advice["title"]), 1).c_str());
  for (auto& reason : *advice["reasons"].as_array()) std::printf("- %s\n", text_of(reason).c_str());
  std::printf("Conditions of fine-tuning:\n");
  for (auto& row : *advice["fine_tuning_conditions"].as_array())
    std::printf("  %-3s %s: %s\n", *row["met"].as_bool() ? "yes" : "no", text_of(row["name"]).c_str(), text_of(row["detail"]).c_str());
  if (advice["would_change_it"].size()) std::printf("What would change it:\n");
  for (auto& row : *advice["would_change_it"].as_array())
    std::printf("  %s = %s: %s\n", text_of(row["question"]).c_str(), text_of(row["to"]).c_str(), text_of(row["title"]).c_str());
  return kDone;
}

void add_decide(CLI::App& app, Common& common, Chosen& chosen, const std::shared_ptr<Options>& options) {
  auto* command = app.add_subcommand("decide", "Prompt, retrieval or fine-tuning: what a problem calls for, with reasons");
  landscape::Situation& s = options->situation;
  command->add_flag("--private-docs", s.private_docs, "Answers must come from your own documents");
  command->add_flag("--dynamic-data", s.dynamic_data, "The facts change between two trainings");
  command->add_flag("--style-consistency", s.style_consistency, "Alike in style, or in decisions");
  command->add_flag("--domain-jargon", s.domain_jargon, "The field has its own language");
  command->add_flag("--narrow-task", s.narrow_task, "One task, again and again");
  command->add_flag("--fits-in-prompt", s.fits_in_prompt, "All that must be known fits into one prompt");
  command->add_option("--daily-requests", s.daily_requests, "Requests a day")->check(CLI::NonNegativeNumber);
  command->add_option("--labelled-examples", s.labelled_examples, "Examples with the right answer")->check(CLI::NonNegativeNumber);
  command->callback([&common, &chosen, options] {
    chosen = [&common, options] {
      auto code = decide_command(common, *options);
      return code ? *code : fail(common, code.error());
    };
  });
}

}  // namespace

void add_landscape(CLI::App& app, Common& common, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("landscape", "Known models: their facts and sources, and a ranking for a purpose");
  command->add_option("model", options->model, "Show this one, by id, name or alias");
  command->add_option("--server", options->server, "URL of a running server");
  command->add_option("--for", options->use, "Rank for: chat, analytics, coding, agents");
  command->add_option("--lean", options->lean, "balanced, reasoning, creativity");
  command->add_option("--favour", options->favour, "balanced, cost, latency");
  command->add_option("--context", options->context_tokens_min, "Only with a context of so many tokens")->check(CLI::NonNegativeNumber);
  command->add_flag("--here", options->here, "Only what this installation has");
  command->add_flag("--open-weights", options->open_weights, "Only open weights");
  command->add_flag("--retired", options->retired, "Also what its maker no longer serves");
  command->add_option("--check", options->check, "Check a landscape.json of your own");
  command->callback([&common, &chosen, options] {
    chosen = [&common, options] {
      auto code = landscape_command(common, *options);
      return code ? *code : fail(common, code.error());
    };
  });
  add_decide(app, common, chosen, options);
}

}  // namespace strata::cli
