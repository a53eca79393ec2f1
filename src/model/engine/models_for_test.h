// Models small enough for unit tests, written as real files: a random decoder, a decoder that recites a script, a random encoder.
// Only tests include this.
#pragma once

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "base/text.h"
#include "model/format/format.h"

namespace strata::engine::testing {

// Token ids 0..255 are the bytes, 256 ends a generation, 257 and 258 are the chat marks.
inline constexpr int kEnd = 256, kTurnBegin = 257, kTurnEnd = 258, kTokens = 288;

// GPT-2's printable stand-in for a byte.
inline std::string byte_token(int byte) {
  auto printable = [](int b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255); };
  int code = byte;
  if (!printable(byte)) {
    code = 256;
    for (int b = 0; b < byte; ++b) code += !printable(b);
  }
  std::string out;
  utf8_append(out, static_cast<uint32_t>(code));
  return out;
}

inline std::string floats(const std::vector<float>& values) { return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)); }

inline std::vector<float> random_floats(size_t n, float size, Random& random) {
  std::vector<float> out(n);
  for (float& x : out) x = static_cast<float>(random.uniform() * 2 - 1) * size;
  return out;
}

struct DecoderSizes {
  uint32_t L = 2, C = 64, H = 4, G = 2, D = 16, F = 96, T = 512;
};

inline void add_header(format::GgufWriter& writer, const DecoderSizes& s) {
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  for (int b = 0; b < 256; ++b) tokens.push_back(byte_token(b)), types.push_back(1);
  for (const char* special : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}) tokens.push_back(special), types.push_back(3);
  while (tokens.size() < kTokens) tokens.push_back("<|unused" + std::to_string(tokens.size()) + "|>"), types.push_back(3);
  writer.add("general.architecture", "llama").add("llama.block_count", s.L).add("llama.context_length", s.T).add("llama.embedding_length", s.C);
  writer.add("llama.feed_forward_length", s.F).add("llama.attention.head_count", s.H).add("llama.attention.head_count_kv", s.G);
  writer.add("llama.attention.key_length", s.D).add("llama.attention.value_length", s.D).add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  writer.add("llama.rope.freq_base", 10000.0f).add("tokenizer.ggml.model", "gpt2").add("tokenizer.ggml.pre", "smollm");
  writer.add("tokenizer.ggml.tokens", tokens).add("tokenizer.ggml.token_type", types).add("tokenizer.ggml.merges", std::vector<std::string>{});
  writer.add("tokenizer.ggml.eos_token_id", uint32_t{kEnd});
  writer.add("tokenizer.chat_template",
             "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' }}{% endfor %}");
}

// `make(name, rows, cols)` gives each weight matrix; norms are ones.
template <class Make>
std::string decoder_bytes(const DecoderSizes& s, Make make) {
  format::GgufWriter writer;
  add_header(writer, s);
  auto matrix = [&](const std::string& name, uint64_t rows, uint64_t cols) {
    writer.add_tensor(name, {rows, cols}, compute::Format::kF32, floats(make(name, rows, cols)));
  };
  auto ones = [&](const std::string& name, uint64_t n) { writer.add_tensor(name, {n}, compute::Format::kF32, floats(std::vector<float>(n, 1.0f))); };
  const uint64_t HD = s.H * s.D, GD = s.G * s.D;
  matrix("token_embd.weight", kTokens, s.C);
  matrix("output.weight", kTokens, s.C);
  ones("output_norm.weight", s.C);
  for (uint32_t i = 0; i < s.L; ++i) {
    const std::string at = "blk." + std::to_string(i) + ".";
    ones(at + "attn_norm.weight", s.C);
    ones(at + "ffn_norm.weight", s.C);
    matrix(at + "attn_q.weight", HD, s.C);
    matrix(at + "attn_k.weight", GD, s.C);
    matrix(at + "attn_v.weight", GD, s.C);
    matrix(at + "attn_output.weight", s.C, HD);
    matrix(at + "ffn_gate.weight", s.F, s.C);
    matrix(at + "ffn_up.weight", s.F, s.C);
    matrix(at + "ffn_down.weight", s.C, s.F);
  }
  return writer.bytes();
}

// Random weights: every token depends on all before it.
inline std::string random_decoder(uint64_t seed = 1, const DecoderSizes& sizes = {}) {
  Random random(seed);
  return decoder_bytes(sizes, [&](const std::string& name, uint64_t rows, uint64_t cols) {
    const bool table = name == "token_embd.weight" || name == "output.weight";
    return random_floats(rows * cols, table ? 0.6f : 1.5f / std::sqrt(static_cast<float>(cols)), random);
  });
}

// After each byte of `script` (all different) the model says the next one, after the last the end, or the first again.
inline std::string reciting_decoder(const std::string& script, bool round, uint32_t context = 4096) {
  std::vector<int> next(kTokens, kEnd);
  for (size_t i = 0; i + 1 < script.size(); ++i) next[static_cast<unsigned char>(script[i])] = static_cast<unsigned char>(script[i + 1]);
  if (round) next[static_cast<unsigned char>(script.back())] = static_cast<unsigned char>(script.front());
  const DecoderSizes sizes{.L = 1, .C = kTokens, .H = 1, .G = 1, .D = 8, .F = 8, .T = context};
  return decoder_bytes(sizes, [&](const std::string& name, uint64_t rows, uint64_t cols) {
    std::vector<float> w(rows * cols, 0.0f);
    for (uint64_t i = 0; i < kTokens; ++i) {
      if (name == "token_embd.weight") w[i * cols + i] = 1;
      if (name == "output.weight") w[static_cast<uint64_t>(next[i]) * cols + i] = 1;
    }
    return w;
  });
}

inline void write_file(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

// A folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_((std::filesystem::temp_directory_path() / make_id("strata_engine_")).string()) { std::filesystem::create_directories(path_); }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }
  std::string write(const std::string& name, const std::string& bytes) const {
    write_file(path_ + "/" + name, bytes);
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

// model.safetensors, config.json and tokenizer.json of a random encoder: 2 layers, width 32, words a to z.
inline void write_encoder(const TemporaryFolder& folder) {
  constexpr uint64_t L = 2, C = 32, F = 64, V = 32, T = 64;
  Random random(5);
  Json::Object header;
  std::string data;
  auto add = [&](const std::string& name, std::vector<uint64_t> shape, float fill) {
    uint64_t n = 1;
    Json::Array dims;
    for (const uint64_t d : shape) n *= d, dims.push_back(Json(d));
    const std::string bytes = floats(fill > 0 ? std::vector<float>(n, fill) : random_floats(n, 0.3f, random));
    header.emplace_back(name,
                        Json::object({{"dtype", "F32"}, {"shape", Json(dims)}, {"data_offsets", Json::array({data.size(), data.size() + bytes.size()})}}));
    data += bytes;
  };
  auto linear = [&](const std::string& name, uint64_t out, uint64_t in) { add(name + ".weight", {out, in}, 0), add(name + ".bias", {out}, 0); };
  auto norm = [&](const std::string& name) { add(name + ".weight", {C}, 1), add(name + ".bias", {C}, 0); };
  add("embeddings.word_embeddings.weight", {V, C}, 0);
  add("embeddings.position_embeddings.weight", {T, C}, 0);
  add("embeddings.token_type_embeddings.weight", {2, C}, 0);
  norm("embeddings.LayerNorm");
  for (uint64_t i = 0; i < L; ++i) {
    const std::string at = "encoder.layer." + std::to_string(i) + ".";
    for (const char* part : {"query", "key", "value"}) linear(at + "attention.self." + part, C, C);
    linear(at + "attention.output.dense", C, C);
    norm(at + "attention.output.LayerNorm");
    linear(at + "intermediate.dense", F, C);
    linear(at + "output.dense", C, F);
    norm(at + "output.LayerNorm");
  }
  const std::string json = Json(header).dump();
  const uint64_t length = json.size();
  folder.write("model.safetensors", std::string(reinterpret_cast<const char*>(&length), 8) + json + data);
  folder.write("config.json", R"({"model_type":"bert","hidden_act":"gelu","num_hidden_layers":2,"hidden_size":32,"num_attention_heads":4,
    "intermediate_size":64,"vocab_size":32,"max_position_embeddings":64,"layer_norm_eps":1e-12,"position_embedding_type":"absolute"})");
  Json::Object vocabulary = {{"[PAD]", 0}, {"[UNK]", 1}, {"[CLS]", 2}, {"[SEP]", 3}};
  for (int i = 0; i < 26; ++i) vocabulary.emplace_back(std::string(1, static_cast<char>('a' + i)), Json(i + 4));
  folder.write("tokenizer.json", R"({"version":"1.0","truncation":null,"padding":null,"added_tokens":[{"id":2,"content":"[CLS]","special":true},
    {"id":3,"content":"[SEP]","special":true}],"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,
    "strip_accents":null,"lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{"type":"TemplateProcessing","single":
    [{"SpecialToken":{"id":"[CLS]","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"[SEP]","type_id":0}}],"pair":[],
    "special_tokens":{"[CLS]":{"id":"[CLS]","ids":[2],"tokens":["[CLS]"]},"[SEP]":{"id":"[SEP]","ids":[3],"tokens":["[SEP]"]}}},
    "decoder":null,"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":)" +
                                     Json(vocabulary).dump() + "}}");
}

}  // namespace strata::engine::testing
