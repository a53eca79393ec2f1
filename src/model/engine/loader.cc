#include "model/engine/loader.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/crypto.h"
#include "base/json.h"
#include "model/format/format.h"

namespace strata::engine {
namespace {

// UNITS: bytes. A tokenizer.json of the largest vocabularies in use has some 20 MB.
constexpr uint64_t kJsonBytesMax = 64u << 20;

Result<std::string> read_text(const std::string& path) {
  TRY_ASSIGN(const format::MappedFile file, format::MappedFile::open(path));
  if (file.bytes().size() > kJsonBytesMax)
    return invalid_argument(path + ": expected at most " + std::to_string(kJsonBytesMax) + " bytes, got " + std::to_string(file.bytes().size()));
  return std::string(file.bytes());
}

Result<Json> read_json(const std::string& path) {
  TRY_ASSIGN(const std::string text, read_text(path));
  auto json = Json::parse(text);
  if (!json) return annotate(json.error(), path);
  return json;
}

// What the hub wrote beside the weights: where they came from. Weights without it still run.
void describe(const std::string& folder, model::ModelInfo* info) {
  const std::string path = folder + "/manifest.json";
  if (!std::filesystem::exists(path)) return;
  const auto manifest = read_json(path);
  if (!manifest) return;
  auto text = [&](const Json& value) { return value.as_string() ? *value.as_string() : std::string(); };
  info->source = text((*manifest)["source"]);
  info->license = text((*manifest)["license"]);
  const bool* demo = (*manifest)["demo"].as_bool();
  info->demo = demo && *demo;
  if (const auto* files = (*manifest)["files"].as_array(); files && !files->empty()) info->sha256 = text(files->front()["sha256"]);
}

Result<network::Encoder::Config> read_config(const std::string& path) {
  TRY_ASSIGN(const Json json, read_json(path));
  const std::string* type = json["model_type"].as_string();
  if (!type || *type != "bert") return unimplemented(path + ": model_type: expected \"bert\", got " + json["model_type"].dump());
  const std::string* activation = json["hidden_act"].as_string();
  if (!activation || *activation != "gelu") return unimplemented(path + ": hidden_act: expected \"gelu\", got " + json["hidden_act"].dump());
  if (const std::string* positions = json["position_embedding_type"].as_string(); positions && *positions != "absolute") {
    return unimplemented(path + ": position_embedding_type: expected \"absolute\", got " + *positions);
  }
  network::Encoder::Config config;
  auto number = [&](const char* name, int* out) -> Status {
    TRY_ASSIGN(const int64_t value, json[name].to_int(name));
    *out = static_cast<int>(std::clamp<int64_t>(value, -1, INT32_MAX));  // the network checks the range
    return {};
  };
  TRY(number("num_hidden_layers", &config.layers));
  TRY(number("hidden_size", &config.width));
  TRY(number("num_attention_heads", &config.heads));
  TRY(number("intermediate_size", &config.feed_forward));
  TRY(number("vocab_size", &config.vocabulary));
  TRY(number("max_position_embeddings", &config.positions));
  if (!json["layer_norm_eps"].is_null()) {
    TRY_ASSIGN(const double epsilon, json["layer_norm_eps"].to_double("layer_norm_eps"));
    config.norm_epsilon = static_cast<float>(epsilon);
  }
  return config;
}

}  // namespace

Result<LanguageParts> read_language_model(const std::string& path, const std::string& id, uint64_t memory_max) {
  TRY_ASSIGN(const format::Gguf file, format::Gguf::open(path));
  TRY_ASSIGN(auto tokenizer, tokenizer::from_gguf(file));
  TRY_ASSIGN(network::Decoder decoder, network::Decoder::load(file, memory_max));
  const network::DecoderShape& shape = decoder.shape();
  if (tokenizer->vocabulary_size() != shape.V) {
    return invalid_argument(path + ": the tokenizer has " + std::to_string(tokenizer->vocabulary_size()) + " tokens, the network " + std::to_string(shape.V) +
                            "; the file is damaged");
  }
  LocalLanguageModel::Parts parts;
  parts.info.id = id;
  parts.info.family = "llama";
  parts.info.source = path;
  parts.info.format = decoder.format();
  parts.info.parameters = decoder.parameters();
  parts.info.vocabulary = shape.V;
  if (const auto license = file.string_or("general.license", ""); license) parts.info.license = std::string(*license);
  describe(std::filesystem::path(path).parent_path().string(), &parts.info);
  TRY_ASSIGN(const std::string_view source, file.string_or("tokenizer.chat_template", ""));
  parts.chat = ChatPrompt(source, *tokenizer);
  parts.template_sha256 = sha256_hex(source);
  parts.tokenizer = std::move(tokenizer);
  return LanguageParts{std::move(parts), std::move(decoder)};
}

Result<EmbedderParts> read_embedder(const std::string& folder, const std::string& id, uint64_t memory_max) {
  TRY_ASSIGN(const network::Encoder::Config config, read_config(folder + "/config.json"));
  TRY_ASSIGN(const std::string vocabulary, read_text(folder + "/tokenizer.json"));
  auto tokenizer = tokenizer::from_tokenizer_json(vocabulary);
  if (!tokenizer) return annotate(tokenizer.error(), folder + "/tokenizer.json");
  TRY_ASSIGN(const format::Safetensors file, format::Safetensors::open(folder + "/model.safetensors"));
  auto encoder = network::Encoder::load(file, config, memory_max);
  if (!encoder) return annotate(encoder.error(), folder);
  if ((*tokenizer)->vocabulary_size() > config.vocabulary) {
    return invalid_argument(folder + ": tokenizer.json has " + std::to_string((*tokenizer)->vocabulary_size()) + " tokens, but the network only " +
                            std::to_string(config.vocabulary));
  }
  LocalEmbedder::Parts parts;
  parts.tokens_max = config.positions;
  if (const std::string path = folder + "/sentence_bert_config.json"; std::filesystem::exists(path)) {
    TRY_ASSIGN(const Json json, read_json(path));
    TRY_ASSIGN(const int64_t length, json["max_seq_length"].to_int("max_seq_length"));
    if (length < 3 || length > config.positions) {
      return invalid_argument(path + ": max_seq_length: expected 3 to " + std::to_string(config.positions) + ", got " + std::to_string(length));
    }
    parts.tokens_max = static_cast<int>(length);
  }
  parts.info.id = id;
  parts.info.family = "bert";
  parts.info.source = folder;
  parts.info.format = "F32";
  parts.info.parameters = encoder->parameters();
  parts.info.context_tokens = parts.tokens_max;
  parts.info.vocabulary = config.vocabulary;
  parts.info.dimensions = config.width;
  parts.info.memory_bytes = encoder->bytes();
  describe(folder, &parts.info);
  parts.tokenizer = std::move(*tokenizer);
  return EmbedderParts{std::move(parts), std::move(*encoder)};
}

}  // namespace strata::engine
