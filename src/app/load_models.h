// Finds models by id in the models folder, or by path, and loads them into an engine.
#pragma once

#include <memory>
#include <string>

#include "app/settings.h"
#include "model/engine/engine.h"

namespace strata::app {

engine::Options engine_options(const Settings& settings);
// "smollm2-135m-instruct" → DIR/smollm2-135m-instruct/model.gguf; a path that ends in .gguf stays as it is. The error says what the
// folder holds and how to get more.
Result<std::string> find_language_model(const Settings& settings);
Result<std::string> find_embedding_model(const Settings& settings);  // its folder
std::string model_id_of(const std::string& language_model);         // "…/x.gguf" → "x"

Result<model::LanguageModel*> load_language_model(engine::Engine& engine, const Settings& settings);
Result<model::Embedder*> load_embedding_model(engine::Engine& engine, const Settings& settings);

}  // namespace strata::app
