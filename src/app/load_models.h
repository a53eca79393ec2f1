// Finds models by name in the models folder, or by path, and loads them: one into an engine, or all of them into a pool.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings.h"
#include "model/engine/engine.h"
#include "model/pool/pool.h"

namespace strata::app {

engine::Options engine_options(const Settings& settings);
std::string packed_folder(const Settings& settings);   // of packed weights whose model lies where nothing can be written

// A language model as settings name it: an id of the models folder, the path of a .gguf file, or NAME=either.
struct ModelFileName {
  std::string id;     // what the API calls it
  std::string path;   // of its .gguf file
};
// The error says what the folder holds and how to get more.
Result<ModelFileName> find_language_model(const Settings& settings, const std::string& wanted);
Result<std::string> find_embedding_model(const Settings& settings);  // its folder

Result<model::LanguageModel*> load_language_model(engine::Engine& engine, const Settings& settings);   // the default one
// Those of adapters.load, for the language model `base`. The error names the one at fault.
Result<std::vector<std::shared_ptr<const model::Adapter>>> load_adapters(engine::Engine& engine, const Settings& settings, const std::string& base);
// One to sixty-four letters, digits, '-', '_', '.': what may name an adapter.
bool is_adapter_name(std::string_view name);
Result<model::Embedder*> load_embedding_model(engine::Engine& engine, const Settings& settings);

// All language models that the settings name, and those of the models folder; the default one, which is the first, is in memory. Files
// are opened here and stay open: a process that gives up its rights afterwards can still load them.
// REQUIRES: the engine outlives the pool, and holds no other language model. Call after the embedder is loaded: the pool gets what is left.
Result<std::unique_ptr<pool::Pool>> open_pool(engine::Engine& engine, const Settings& settings);

}  // namespace strata::app
