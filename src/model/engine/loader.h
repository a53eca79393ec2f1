// Reads models from files: weights, tokenizer, chat template, description. What comes out still lacks its runner.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "model/engine/engine.h"
#include "model/engine/local_models.h"
#include "model/network/network.h"

namespace strata::engine {

struct LanguageFile : ModelFile {
  LanguageFile(std::string path, format::Gguf gguf, const packed::Options& options);
  const model::ModelInfo& info() const override { return described; }
  const std::string& version() const override { return manifest_version; }
  const std::string path;
  const format::Gguf gguf;
  packed::Store store;
  network::DecoderShape shape;
  model::ModelInfo described;
  std::string manifest_version;
};

struct LanguageParts {
  LocalLanguageModel::Parts parts;
  network::Decoder decoder;
};
struct EmbedderParts {
  LocalEmbedder::Parts parts;
  network::Encoder encoder;
};

Result<std::shared_ptr<LanguageFile>> open_language_file(const std::string& path, const std::string& id, const packed::Options& options);

// `memory_max`: what weights may take. Errors name the file and say what is wrong with it; hostile files are errors, never crashes.
Result<LanguageParts> read_language_model(LanguageFile& file, uint64_t memory_max);
Result<EmbedderParts> read_embedder(const std::string& folder, const std::string& id, Precision precision, uint64_t memory_max, const packed::Options& packed);

}  // namespace strata::engine
