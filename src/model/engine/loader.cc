#include "model/engine/loader.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/crypto.h"
#include "base/json.h"
#include "base/log.h"
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

// What the hub wrote beside the weights: where they came from. Weights without it still run. The hash is taken over where the manifest
// speaks of a file of this name and size.
void describe(const std::string& weights, model::ModelInfo* info, std::string* version) {
  const std::filesystem::path path(weights);
  const std::string manifest_path = (path.parent_path() / "manifest.json").string();
  if (!std::filesystem::exists(manifest_path)) return;
  const auto manifest = read_json(manifest_path);
  if (!manifest) return;
  auto text = [&](const Json& value) { return value.as_string() ? *value.as_string() : std::string(); };
  info->source = text((*manifest)["source"]);
  info->license = text((*manifest)["license"]);
  *version = text((*manifest)["version"]);
  const bool* demo = (*manifest)["demo"].as_bool();
  info->demo = demo && *demo;
  const auto* files = (*manifest)["files"].as_array();
  std::error_code error;
  const auto bytes = static_cast<int64_t>(std::filesystem::file_size(path, error));
  for (size_t i = 0; files && i < files->size(); ++i) {
    const auto recorded = (*files)[i]["bytes"].to_int("bytes");
    if (text((*files)[i]["path"]) == path.filename().string() && recorded && *recorded == bytes) info->sha256 = text((*files)[i]["sha256"]);
  }
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

LanguageFile::LanguageFile(std::string path_, format::Gguf gguf_, const packed::Options& options)
    : path(std::move(path_)), gguf(std::move(gguf_)), store(options, path, gguf) {}

Result<std::shared_ptr<LanguageFile>> open_language_file(const std::string& path, const std::string& id, const packed::Options& options) {
  TRY_ASSIGN(format::Gguf gguf, format::Gguf::open(path));
  TRY_ASSIGN(network::Decoder::Description description, network::Decoder::describe(gguf));
  auto file = std::make_shared<LanguageFile>(path, std::move(gguf), options);
  file->shape = description.shape;
  model::ModelInfo& info = file->described;
  info.id = id;
  info.family = "llama";
  info.source = path;
  info.format = description.format;
  info.parameters = description.parameters;
  info.vocabulary = description.shape.V;
  info.context_tokens = description.shape.T;
  info.memory_bytes = description.bytes;
  if (const auto license = file->gguf.string_or("general.license", ""); license) info.license = std::string(*license);
  describe(path, &info, &file->manifest_version);
  if (info.sha256.empty()) info.sha256 = file->store.model_sha256();
  return file;
}

namespace {

// With packed weights from disk, or to it; without where the disk fails.
Result<network::Decoder> load_decoder(LanguageFile& file, uint64_t memory_max) {
  const auto packed = file.store.begin(file.described.sha256);
  TRY_ASSIGN(network::Decoder decoder, network::Decoder::load(file.gguf, memory_max, packed.get()));
  if (const Status kept = packed->finish(); !kept) {
    log::warning("model.packed_not_kept", {{"model", file.path}, {"message", kept.error().message}});
    return network::Decoder::load(file.gguf, memory_max);
  }
  if (file.described.sha256.empty()) file.described.sha256 = file.store.model_sha256();
  return decoder;
}

Result<network::Encoder> load_encoder(const format::Safetensors& file, const std::string& path, const network::Encoder::Config& config, uint64_t memory_max,
                                      packed::Options options, const std::string& sha256) {
  // What is rounded at each start is no tensor of the file: a packed file without it would stand in the way of a whole one.
  options.keep = options.keep && !config.int8;
  packed::Store store(options, path, file);
  const auto packed = store.begin(sha256);
  TRY_ASSIGN(network::Encoder encoder, network::Encoder::load(file, config, memory_max, packed.get()));
  if (const Status kept = packed->finish(); !kept) {
    log::warning("model.packed_not_kept", {{"model", path}, {"message", kept.error().message}});
    return network::Encoder::load(file, config, memory_max);
  }
  return encoder;
}

}  // namespace

Result<LanguageParts> read_language_model(LanguageFile& file, uint64_t memory_max) {
  TRY_ASSIGN(auto tokenizer, tokenizer::from_gguf(file.gguf));
  TRY_ASSIGN(network::Decoder decoder, load_decoder(file, memory_max));
  const network::DecoderShape& shape = decoder.shape();
  if (tokenizer->vocabulary_size() != shape.V) {
    return invalid_argument(file.path + ": the tokenizer has " + std::to_string(tokenizer->vocabulary_size()) + " tokens, the network " +
                            std::to_string(shape.V) + "; the file is damaged");
  }
  LocalLanguageModel::Parts parts;
  parts.info = file.described;
  TRY_ASSIGN(const std::string_view source, file.gguf.string_or("tokenizer.chat_template", ""));
  parts.chat = ChatPrompt(source, *tokenizer);
  parts.template_sha256 = sha256_hex(source);
  parts.tokenizer = std::move(tokenizer);
  return LanguageParts{std::move(parts), std::move(decoder)};
}

Result<EmbedderParts> read_embedder(const std::string& folder, const std::string& id, Precision precision, uint64_t memory_max, const packed::Options& packed) {
  TRY_ASSIGN(network::Encoder::Config config, read_config(folder + "/config.json"));
  config.int8 = precision == Precision::kInt8;
  TRY_ASSIGN(const std::string vocabulary, read_text(folder + "/tokenizer.json"));
  auto tokenizer = tokenizer::from_tokenizer_json(vocabulary);
  if (!tokenizer) return annotate(tokenizer.error(), folder + "/tokenizer.json");
  const std::string weights = folder + "/model.safetensors";
  TRY_ASSIGN(const format::Safetensors file, format::Safetensors::open(weights));
  LocalEmbedder::Parts parts;
  parts.info.source = folder;
  std::string version;
  describe(weights, &parts.info, &version);
  auto encoder = load_encoder(file, weights, config, memory_max, packed, parts.info.sha256);
  if (!encoder) return annotate(encoder.error(), folder);
  if ((*tokenizer)->vocabulary_size() > config.vocabulary) {
    return invalid_argument(folder + ": tokenizer.json has " + std::to_string((*tokenizer)->vocabulary_size()) + " tokens, but the network only " +
                            std::to_string(config.vocabulary));
  }
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
  parts.info.format = config.int8 ? "Q8_0" : "F32";
  parts.info.parameters = encoder->parameters();
  parts.info.context_tokens = parts.tokens_max;
  parts.info.vocabulary = config.vocabulary;
  parts.info.dimensions = config.width;
  parts.info.memory_bytes = encoder->bytes();
  parts.tokenizer = std::move(*tokenizer);
  return EmbedderParts{std::move(parts), std::move(*encoder)};
}

}  // namespace strata::engine
