#include "app/load_models.h"

#include <algorithm>
#include <filesystem>

#include "base/log.h"
#include "model/hub/hub.h"

namespace strata::app {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNameMax = 100;

std::string models_there(const std::string& folder) {
  std::string names;
  std::error_code error;
  for (auto& entry : fs::directory_iterator(folder, error))
    if (fs::exists(entry.path() / "manifest.json", error)) names += (names.empty() ? "" : ", ") + entry.path().filename().string();
  return names.empty() ? "it holds none" : "it holds: " + names;
}

Error missing(const Settings& settings, const std::string& id, const char* key) {
  return not_found("no model '" + id + "' in the models folder " + settings.models_folder + " (" + models_there(settings.models_folder) +
                       "). Run ./start --setup-only to fetch the default models, or `strata model pull`",
                   key);
}

// A model that cannot be opened keeps the others from nothing; the default one must be there.
struct Opened {
  std::vector<std::shared_ptr<engine::ModelFile>> files;
  size_t configured = 0;   // the first so many were named; the rest lies in the folder
};

bool has(const Opened& opened, const std::string& id) {
  return std::any_of(opened.files.begin(), opened.files.end(), [&](const auto& file) { return file->info().id == id; });
}

Result<Opened> open_files(const engine::Engine& engine, const Settings& settings) {
  Opened out;
  std::vector<std::string> wanted = {settings.language_model};
  wanted.insert(wanted.end(), settings.served_models.begin(), settings.served_models.end());
  for (const std::string& name : wanted) {
    TRY_ASSIGN(const ModelFileName found, find_language_model(settings, name));
    TRY_ASSIGN(auto file, engine.open_language_model(found.path, found.id));
    out.files.push_back(std::move(file));
  }
  out.configured = out.files.size();
  if (!settings.models_on_demand) return out;
  const auto there = hub::list(settings.models_folder);
  if (!there) {
    log::warning("models.unreadable", {{"message", there.error().message}});
    return out;
  }
  for (const hub::Manifest& manifest : *there) {
    if (manifest.kind != "language" || !manifest.problem.empty() || has(out, manifest.id)) continue;
    const auto found = find_language_model(settings, manifest.id);
    auto file = found ? engine.open_language_model(found->path, found->id) : Result<std::shared_ptr<engine::ModelFile>>(found.error());
    if (file) out.files.push_back(std::move(*file));
    else log::warning("model.not_served", {{"id", manifest.id}, {"message", file.error().message}});
  }
  return out;
}

// What a model gets of the budget: room for all sequences where it is alone; where several are named, at least one whole sequence, and its
// part of the budget, so that as many as are named stay in memory together where they can. The same whatever was loaded before, so
// that a model's context does not depend on who came first. Above the budget: it can never fit.
uint64_t share_of(const engine::MemoryNeed& need, uint64_t budget, uint64_t together) {
  const uint64_t wanted = std::min(need.all, std::max(need.one, budget / together));
  return need.least <= budget ? std::min(wanted, budget) : need.least;
}

Result<std::vector<pool::Alias>> aliases_of(const Settings& settings) {
  std::vector<pool::Alias> out;
  for (const std::string& text : settings.model_aliases) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
      return invalid_argument("models.aliases: expected ALIAS=NAME, got '" + text + "'", "models.aliases");
    out.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  return out;
}

}  // namespace

std::string packed_folder(const Settings& settings) { return settings.data_folder + "/packed"; }

engine::Options engine_options(const Settings& settings) {
  engine::Options options;
  options.threads = settings.threads;
  options.sequences_max = settings.sequences_max;
  options.queue_max = settings.queue_max;
  options.context_tokens = settings.context_tokens;
  options.memory_bytes_max = static_cast<uint64_t>(settings.memory_budget_mib) << 20;
  options.packed.keep = settings.keep_packed;
  options.packed.cache_folder = packed_folder(settings);
  options.kv_cache = settings.kv_cache == "q8" ? engine::KvFormat::kQ8 : engine::KvFormat::kF16;
  options.cache_tokens = settings.cache_tokens;
  options.embedder_precision = settings.embedder_precision == "int8" ? engine::Precision::kInt8 : engine::Precision::kF32;
  return options;
}

Result<ModelFileName> find_language_model(const Settings& settings, const std::string& given) {
  const size_t equals = given.find('=');
  const std::string wanted = equals == std::string::npos ? given : given.substr(equals + 1);
  const std::string name = equals == std::string::npos ? "" : given.substr(0, equals);
  if (equals == 0 || name.size() > kNameMax || name.find_first_of(" \t\n\"/") != std::string::npos)
    return invalid_argument("models.serve: '" + given + "': a name has 1 to " + std::to_string(kNameMax) + " characters, no space, slash or quote",
                            "models.serve");
  std::error_code error;
  if (wanted.ends_with(".gguf")) {
    if (fs::is_regular_file(wanted, error)) return ModelFileName{name.empty() ? fs::path(wanted).stem().string() : name, wanted};
    return not_found("the model file " + wanted + " does not exist", "models.language");
  }
  const std::string id = name.empty() ? wanted : name;
  fs::path folder = fs::path(settings.models_folder) / wanted;
  if (fs::is_regular_file(folder / "model.gguf", error)) return ModelFileName{id, (folder / "model.gguf").string()};
  for (auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".gguf") return ModelFileName{id, entry.path().string()};
  return missing(settings, wanted, "models.language");
}

Result<std::string> find_embedding_model(const Settings& settings) {
  fs::path folder = fs::path(settings.models_folder) / settings.embedding_model;
  std::error_code error;
  if (fs::is_regular_file(folder / "model.safetensors", error)) return folder.string();
  return missing(settings, settings.embedding_model, "models.embedding");
}

Result<model::LanguageModel*> load_language_model(engine::Engine& engine, const Settings& settings) {
  TRY_ASSIGN(const ModelFileName found, find_language_model(settings, settings.language_model));
  return engine.load_language_model(found.path, found.id);
}

Result<std::unique_ptr<pool::Pool>> open_pool(engine::Engine& engine, const Settings& settings) {
  TRY_ASSIGN(const Opened opened, open_files(engine, settings));
  TRY_ASSIGN(const auto aliases, aliases_of(settings));
  // WHY not all: adapters come and go beside their models, and a model's share must not depend on them.
  const uint64_t budget = engine.memory_left() / 16 * 15;
  const uint64_t together = opened.configured + (opened.files.size() > opened.configured ? 1 : 0);
  std::vector<pool::Model> models;
  for (const auto& file : opened.files) {
    pool::Model model;
    model.info = file->info();
    model.version = file->version();
    model.need_bytes = share_of(engine.memory_need(*file), budget, together);
    model.load = [&engine, file, bytes = model.need_bytes] { return engine.load(*file, bytes); };
    model.unload = [&engine, id = model.info.id] {
      if (const Status gone = engine.unload(id); !gone) log::error("model.not_unloaded", {{"id", id}, {"message", gone.error().message}});
    };
    models.push_back(std::move(model));
  }
  const std::string first = opened.files.front()->info().id;
  TRY_ASSIGN(auto pool, pool::Pool::make({.budget_bytes = budget, .waiting_max = settings.load_queue}, std::move(models), aliases));
  TRY(pool->load(first));
  return pool;
}

bool is_adapter_name(std::string_view name) {
  auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'; };
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), allowed);
}

Result<std::vector<std::shared_ptr<const model::Adapter>>> load_adapters(engine::Engine& engine, const Settings& settings, const std::string& base) {
  std::vector<std::shared_ptr<const model::Adapter>> out;
  for (const std::string& entry : settings.adapters) {
    const size_t equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    if (equals == entry.npos || equals + 1 == entry.size() || !is_adapter_name(name)) {
      return invalid_argument("adapters.load: expected name=path, the name of letters, digits, '-', '_' and '.', got '" + entry + "'", "adapters.load");
    }
    for (const auto& other : out)
      if (other->info().id == name) return invalid_argument("adapters.load: two adapters are called " + name, "adapters.load");
    auto adapter = engine.load_adapter(base, entry.substr(equals + 1), name);
    if (!adapter) return annotate(adapter.error(), "adapter " + name);
    out.push_back(std::move(*adapter));
  }
  return out;
}

Result<model::Embedder*> load_embedding_model(engine::Engine& engine, const Settings& settings) {
  TRY_ASSIGN(std::string folder, find_embedding_model(settings));
  return engine.load_embedder(folder, settings.embedding_model);
}

}  // namespace strata::app
