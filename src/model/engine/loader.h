// Reads models from files: weights, tokenizer, chat template, description. What comes out still lacks its runner.
#pragma once

#include <cstdint>
#include <string>

#include "model/engine/local_models.h"
#include "model/network/network.h"

namespace strata::engine {

struct LanguageParts {
  LocalLanguageModel::Parts parts;
  network::Decoder decoder;
};
struct EmbedderParts {
  LocalEmbedder::Parts parts;
  network::Encoder encoder;
};

// `memory_max`: what weights may take. Errors name the file and say what is wrong with it; hostile files are errors, never crashes.
Result<LanguageParts> read_language_model(const std::string& path, const std::string& id, uint64_t memory_max);
Result<EmbedderParts> read_embedder(const std::string& folder, const std::string& id, uint64_t memory_max);

}  // namespace strata::engine
