#include "app/load_models.h"

#include <filesystem>

namespace strata::app {
namespace {

namespace fs = std::filesystem;

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

}  // namespace

engine::Options engine_options(const Settings& settings) {
  engine::Options options;
  options.threads = settings.threads;
  options.sequences_max = settings.sequences_max;
  options.queue_max = settings.queue_max;
  options.context_tokens = settings.context_tokens;
  return options;
}

std::string model_id_of(const std::string& language_model) {
  return language_model.ends_with(".gguf") ? fs::path(language_model).stem().string() : language_model;
}

Result<std::string> find_language_model(const Settings& settings) {
  const std::string& wanted = settings.language_model;
  std::error_code error;
  if (wanted.ends_with(".gguf")) {
    if (fs::is_regular_file(wanted, error)) return wanted;
    return not_found("the model file " + wanted + " does not exist", "models.language");
  }
  fs::path folder = fs::path(settings.models_folder) / wanted;
  if (fs::is_regular_file(folder / "model.gguf", error)) return (folder / "model.gguf").string();
  for (auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".gguf") return entry.path().string();
  return missing(settings, wanted, "models.language");
}

Result<std::string> find_embedding_model(const Settings& settings) {
  fs::path folder = fs::path(settings.models_folder) / settings.embedding_model;
  std::error_code error;
  if (fs::is_regular_file(folder / "model.safetensors", error)) return folder.string();
  return missing(settings, settings.embedding_model, "models.embedding");
}

Result<model::LanguageModel*> load_language_model(engine::Engine& engine, const Settings& settings) {
  TRY_ASSIGN(std::string path, find_language_model(settings));
  return engine.load_language_model(path, model_id_of(settings.language_model));
}

Result<model::Embedder*> load_embedding_model(engine::Engine& engine, const Settings& settings) {
  TRY_ASSIGN(std::string folder, find_embedding_model(settings));
  return engine.load_embedder(folder, settings.embedding_model);
}

}  // namespace strata::app
