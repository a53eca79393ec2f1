// Model files from anywhere: what is wrong with them is an error with a word for the reader, never a crash or a huge allocation.
#include <gtest/gtest.h>

#include "model/engine/engine.h"
#include "model/engine/models_for_test.h"

namespace strata::engine {
namespace {

class HostileModel : public ::testing::Test {
 protected:
  Result<model::LanguageModel*> load(const std::string& bytes) {
    return engine_->load_language_model(folder_.write("model.gguf", bytes), "model " + std::to_string(++loads_));
  }
  testing::TemporaryFolder folder_;
  std::unique_ptr<Engine> engine_ = Engine::make({.threads = 1}).value();
  int loads_ = 0;
};

// The same file with one metadata number (u32) replaced.
std::string with_number(std::string bytes, const std::string& key, uint32_t value) {
  const size_t at = bytes.find(key);
  EXPECT_NE(at, std::string::npos);
  std::memcpy(bytes.data() + at + key.size() + 4, &value, sizeof value);
  return bytes;
}

TEST_F(HostileModel, TruncatedFilesAreErrors) {
  const std::string whole = testing::random_decoder();
  ASSERT_TRUE(load(whole));
  for (size_t length = 0; length < whole.size(); length += length < 2000 ? 97 : 9973) {
    EXPECT_FALSE(load(whole.substr(0, length))) << length;
  }
}

TEST_F(HostileModel, MetadataThatContradictsTheTensorsIsAnError) {
  const std::string whole = testing::random_decoder();
  for (const char* key : {"llama.block_count", "llama.embedding_length", "llama.feed_forward_length", "llama.attention.head_count",
                          "llama.attention.head_count_kv", "llama.attention.key_length"}) {
    for (const uint32_t value : {0u, 3u, 1000000u, 0x7fffffffu, 0xffffffffu}) {
      const auto out = load(with_number(whole, key, value));
      ASSERT_FALSE(out) << key << " " << value;
      EXPECT_FALSE(out.error().message.empty());
    }
  }
  EXPECT_FALSE(load(with_number(whole, "llama.context_length", 0xffffffffu)));
  EXPECT_FALSE(load(with_number(whole, "llama.context_length", 0)));
}

TEST_F(HostileModel, AMissingOrUnusedTensorIsNamed) {
  std::string renamed = testing::random_decoder();
  const size_t at = renamed.find("blk.1.attn_k.weight");
  renamed[at + 4] = '7';
  const auto missing = load(renamed);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("blk.1.attn_k.weight"), std::string::npos) << missing.error().message;
  const testing::DecoderSizes sizes;
  const auto more = load(with_number(testing::random_decoder(), "llama.block_count", 1));
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, Code::kUnimplemented) << "leaving a layer out would change the output";
}

TEST_F(HostileModel, WeightsThatAreNoNumbersEndTheRequestNotTheProcess) {
  const testing::DecoderSizes sizes;
  auto model = load(testing::decoder_bytes(sizes, [](const std::string&, uint64_t rows, uint64_t cols) { return std::vector<float>(rows * cols, NAN); }));
  ASSERT_TRUE(model);
  model::GenerateRequest request;
  request.prompt = std::string("abc");
  request.max_tokens = 5;
  request.logprobs = true;
  request.top_logprobs = 3;
  const auto out = model::generate(Context::background(), **model, request);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, Code::kDataLoss);
  request.echo = true;
  EXPECT_FALSE(model::generate(Context::background(), **model, request));
}

TEST_F(HostileModel, WhatDoesNotFitIsRefusedWithTheNumbers) {
  const std::string path = folder_.write("model.gguf", testing::random_decoder());
  for (const uint64_t memory : {uint64_t{1}, uint64_t{100000}}) {
    auto engine = Engine::make({.threads = 1, .memory_bytes_max = memory}).value();
    const auto out = engine->load_language_model(path, "model");
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code, Code::kResourceExhausted);
    EXPECT_NE(out.error().message.find(memory == 1 ? "1 B" : "KiB"), std::string::npos) << out.error().message;
  }
}

TEST_F(HostileModel, OtherArchitecturesAndTakenNamesAreRefused) {
  std::string other = testing::random_decoder();
  const size_t at = other.find("llama", other.find("general.architecture"));
  other.replace(at, 5, "mamba");
  const auto out = load(other);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, Code::kUnimplemented);
  const std::string path = folder_.write("model.gguf", testing::random_decoder());
  ASSERT_TRUE(engine_->load_language_model(path, "same"));
  EXPECT_EQ(engine_->load_language_model(path, "same").error().code, Code::kAlreadyExists);
}

TEST_F(HostileModel, DamagedEmbedderFoldersAreErrors) {
  testing::write_encoder(folder_);
  ASSERT_TRUE(engine_->load_embedder(folder_.path(), "good"));
  std::ifstream in(folder_.path() + "/model.safetensors", std::ios::binary);
  const std::string weights{std::istreambuf_iterator<char>(in), {}};
  for (size_t length = 0; length < weights.size(); length += 1009) {
    folder_.write("model.safetensors", weights.substr(0, length));
    EXPECT_FALSE(engine_->load_embedder(folder_.path(), "cut"));
  }
  folder_.write("model.safetensors", weights);
  for (
      const char* config :
      {"", "{", "[]", R"({"model_type":"bert"})", R"({"model_type":"gpt2","hidden_act":"gelu"})",
       R"({"model_type":"bert","hidden_act":"gelu","num_hidden_layers":3,"hidden_size":32,"num_attention_heads":4,"intermediate_size":64,"vocab_size":32,"max_position_embeddings":64})",
       R"({"model_type":"bert","hidden_act":"gelu","num_hidden_layers":2,"hidden_size":32,"num_attention_heads":0,"intermediate_size":64,"vocab_size":32,"max_position_embeddings":64})",
       R"({"model_type":"bert","hidden_act":"gelu","num_hidden_layers":1e18,"hidden_size":32,"num_attention_heads":4,"intermediate_size":64,"vocab_size":32,"max_position_embeddings":64})"}) {
    folder_.write("config.json", config);
    EXPECT_FALSE(engine_->load_embedder(folder_.path(), "config")) << config;
  }
}

}  // namespace
}  // namespace strata::engine
