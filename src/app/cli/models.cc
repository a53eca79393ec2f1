// strata model: the models folder. list, pull, verify, catalog, cache.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "app/cli/choose.h"
#include "app/cli/cli.h"
#include "app/load_models.h"
#include "base/text.h"
#include "infra/egress/egress.h"
#include "model/hub/hub.h"
#include "model/packed/packed.h"

namespace strata::cli {
namespace {

struct Options {
  std::string repository, file, revision = "main", id;
  bool all = false;
};

Json manifest_json(const hub::Manifest& m) {
  uint64_t bytes = 0;
  for (auto& file : m.files) bytes += file.bytes;
  return Json::object({{"id", m.id},
                       {"kind", m.kind},
                       {"name", m.name},
                       {"version", m.version},
                       {"source", m.source},
                       {"license", m.license},
                       {"format", m.format},
                       {"bytes", bytes},
                       {"folder", m.folder},
                       {"problem", m.problem.empty() ? Json() : Json(m.problem)}});
}

Result<int> list(const Common& common, const Options&) {
  TRY_ASSIGN(app::Settings settings, common.load());
  TRY_ASSIGN(auto models, hub::list(settings.models_folder));
  Json rows = Json::array();
  for (auto& model : models) {
    Json row = manifest_json(model);
    if (!common.json)
      std::printf("%-32s %-10s %-6s %-12s %s%s\n", model.id.c_str(), model.kind.c_str(), model.format.c_str(),
                  human_bytes(static_cast<uint64_t>(*row["bytes"].to_int(""))).c_str(), model.license.c_str(),
                  model.problem.empty() ? "" : ("  " + colour(model.problem, 31)).c_str());
    rows.push(std::move(row));
  }
  if (common.json) std::printf("%s\n", rows.dump().c_str());
  else if (models.empty()) std::printf("no models in %s: ./start --setup-only fetches the default ones\n", settings.models_folder.c_str());
  return kDone;
}

Result<int> verify(const Common& common, const Options& options) {
  TRY_ASSIGN(app::Settings settings, common.load());
  TRY_ASSIGN(auto models, hub::list(settings.models_folder));
  int checked = 0;
  for (auto& model : models) {
    if (!options.id.empty() && model.id != options.id) continue;
    TRY(hub::verify(Context::background(), model));
    if (!common.json) std::printf("%s: every file has its hash\n", model.id.c_str());
    ++checked;
  }
  if (checked == 0) return not_found("no model '" + options.id + "' in " + settings.models_folder);
  if (common.json) std::printf("%s\n", Json::object({{"verified", checked}}).dump().c_str());
  return kDone;
}

// A catalogue id, or a repository and a file.
Result<hub::PullRequest> pull_request(const app::Settings& settings, const Options& options) {
  hub::PullRequest request;
  request.models_dir = settings.models_folder;
  request.revision = options.revision;
  request.id = options.id;
  if (settings.hub_endpoint != "https://huggingface.co") request.endpoint = settings.hub_endpoint;
  if (const char* token = std::getenv("HF_TOKEN")) request.token = token;
  for (auto& known : hub::recommendations())
    if (options.file.empty() && options.repository == known.id) {
      request.repository = known.repository;
      request.file = known.file;
      request.license = known.license;
      if (request.id.empty()) request.id = known.id;
      return request;
    }
  if (options.file.empty())
    return invalid_argument("'" + options.repository + "' is not in the catalogue (`strata model catalog`): give a repository and a file", "file");
  request.repository = options.repository;
  request.file = options.file;
  return request;
}

Result<int> pull(const Common& common, const Options& options) {
  TRY_ASSIGN(app::Settings settings, common.load());
  TRY_ASSIGN(auto request, pull_request(settings, options));
  auto client = egress::Client::make();
  auto model = hub::pull(Context::background(), *client, request, [&](const hub::Progress& progress) {
    bool verifying = progress.step == hub::Progress::Step::kVerifying;
    progress_bar(verifying ? "verifying" : "downloading (MiB)", static_cast<int64_t>(progress.bytes >> 20), static_cast<int64_t>(progress.bytes_total >> 20));
  });
  progress_end();
  if (!model) return std::move(model.error());
  if (common.json) std::printf("%s\n", manifest_json(*model).dump().c_str());
  else std::printf("%s is ready: strata serve --model %s\n", model->id.c_str(), model->id.c_str());
  return kDone;
}

Result<int> catalog(const Common& common, const Options&) {
  Json rows = Json::array();
  for (auto& known : hub::recommendations()) {
    rows.push(Json::object({{"id", known.id},
                            {"name", known.name},
                            {"repository", known.repository},
                            {"file", known.file},
                            {"format", known.format},
                            {"license", known.license},
                            {"bytes", known.bytes},
                            {"ram_bytes", known.ram_bytes()}}));
    if (!common.json)
      std::printf("%-32s %-6s needs %-9s %-14s %s\n", known.id, known.format, human_bytes(known.ram_bytes()).c_str(), known.license, known.name);
  }
  if (common.json) std::printf("%s\n", rows.dump().c_str());
  else std::printf("strata model pull ID fetches one; any other: strata model pull OWNER/REPOSITORY FILE.gguf\n");
  return kDone;
}

// Where packed weights may lie: the models folder, the data folder's, and beside models that are named by path.
std::vector<std::string> packed_folders(const app::Settings& settings) {
  std::vector<std::string> folders = {settings.models_folder, app::packed_folder(settings)};
  std::vector<std::string> named = settings.served_models;
  named.push_back(settings.language_model);
  for (const std::string& name : named) {
    if (const auto found = app::find_language_model(settings, name)) folders.push_back(std::filesystem::path(found->path).parent_path().string());
  }
  return folders;
}

Json kept_json(const packed::Kept& kept) {
  return Json::object({{"path", kept.path},
                       {"model", kept.source.empty() ? Json() : Json(kept.source)},
                       {"model_sha256", kept.model_sha256.empty() ? Json() : Json(kept.model_sha256)},
                       {"bytes", kept.bytes},
                       {"stale", kept.stale.empty() ? Json() : Json(kept.stale)}});
}

Result<int> cache_list(const Common& common, const Options&) {
  TRY_ASSIGN(app::Settings settings, common.load());
  Json rows = Json::array();
  uint64_t bytes = 0;
  for (const packed::Kept& kept : packed::list(packed_folders(settings))) {
    bytes += kept.bytes;
    if (!common.json)
      std::printf("%-10s %s%s\n", human_bytes(kept.bytes).c_str(), kept.path.c_str(), kept.stale.empty() ? "" : ("  " + colour(kept.stale, 31)).c_str());
    rows.push(kept_json(kept));
  }
  if (common.json) std::printf("%s\n", rows.dump().c_str());
  else std::printf("%s in all; `strata model cache prune` removes what is stale, `--all` everything\n", human_bytes(bytes).c_str());
  return kDone;
}

// A running server goes on with what it has mapped; its next start makes the file again.
Result<int> cache_prune(const Common& common, const Options& options) {
  TRY_ASSIGN(app::Settings settings, common.load());
  Json rows = Json::array();
  uint64_t bytes = 0;
  for (const packed::Kept& kept : packed::list(packed_folders(settings))) {
    if (kept.stale.empty() && !options.all) continue;
    std::error_code error;
    if (!std::filesystem::remove(kept.path, error)) return failed_precondition(kept.path + " cannot be removed: " + error.message());
    bytes += kept.bytes;
    if (!common.json) std::printf("removed %s (%s)\n", kept.path.c_str(), kept.stale.empty() ? "--all" : kept.stale.c_str());
    rows.push(kept_json(kept));
  }
  if (common.json) std::printf("%s\n", Json::object({{"removed", std::move(rows)}, {"bytes", bytes}}).dump().c_str());
  else std::printf("%s given back\n", human_bytes(bytes).c_str());
  return kDone;
}

}  // namespace

void add_models(CLI::App& app, Common& common, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  auto* group = app.add_subcommand("model", "The models folder");
  group->require_subcommand(1);
  auto choose = [&common, &chosen, options](CLI::App* command, Result<int> (*function)(const Common&, const Options&)) {
    run_where_chosen(*command, common, chosen, [&common, options, function] { return function(common, *options); });
  };
  choose(group->add_subcommand("list", "Models that are here"), list);
  auto* verify_command = group->add_subcommand("verify", "Hash every file of a model, or of all");
  verify_command->add_option("id", options->id, "The model");
  choose(verify_command, verify);
  auto* pull_command = group->add_subcommand("pull", "Download a model from the Hugging Face hub; goes on where it was cut; its hash is locked");
  pull_command->add_option("repository", options->repository, "An id of `strata model catalog`, or OWNER/REPOSITORY")->required();
  pull_command->add_option("file", options->file, "The .gguf file in it");
  pull_command->add_option("--revision", options->revision, "Branch, tag or commit");
  pull_command->add_option("--id", options->id, "What to call it here");
  choose(pull_command, pull);
  auto* cache = group->add_subcommand("cache", "Repacked weights that are kept on disk for the next start");
  cache->require_subcommand(1);
  choose(cache->add_subcommand("list", "What is kept, and what of it is stale"), cache_list);
  auto* prune_command = cache->add_subcommand("prune", "Remove what is stale");
  prune_command->add_flag("--all", options->all, "Remove everything; the next start makes it again");
  choose(prune_command, cache_prune);
  choose(group->add_subcommand("catalog", "Recommended models by memory and licence"), catalog);
}

}  // namespace strata::cli
