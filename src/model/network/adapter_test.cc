// Adapters against merged weights, against numpy's Hugging Face pass (tools/fixtures/lora_reference.py), and against hostile files.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>

#include "base/json.h"
#include "base/random.h"
#include "model/format/format.h"
#include "model/network/network.h"

namespace strata::network {
namespace {

std::string folder() { return std::string(STRATA_SOURCE_DIR) + "/src/model/network/testdata/lora"; }

std::string read_file(const std::string& name) {
  std::ifstream in(folder() + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Decoder base() { return Decoder::load(format::Gguf::open(folder() + "/base.gguf").value(), 1 << 24).value(); }

// The last of `ids`' logits, in chunks of at most `chunk` rows.
std::vector<float> last_logits(Decoder& decoder, const std::vector<int32_t>& ids, const Adapter* adapter, size_t chunk = 1000) {
  compute::Threads threads(2);
  KvCache cache = KvCache::make(decoder.shape(), 8).value();
  KvSequence sequence;
  cache.open(sequence, "");
  EXPECT_TRUE(cache.grow(sequence, static_cast<int>(ids.size())));
  std::vector<float> hidden(static_cast<size_t>(decoder.shape().C));
  for (size_t from = 0; from < ids.size(); from += chunk) {
    std::vector<Row> rows;
    for (size_t i = from; i < std::min(ids.size(), from + chunk); ++i) rows.push_back({&sequence, static_cast<int>(i), ids[i], i + 1 == ids.size(), adapter});
    decoder.step(threads, cache, rows, hidden.data());
  }
  std::vector<float> logits(decoder.logits_rows(1) * static_cast<size_t>(decoder.shape().V));
  decoder.logits(threads, hidden.data(), 1, logits.data());
  logits.resize(static_cast<size_t>(decoder.shape().V));
  return logits;
}

double greatest_difference(const std::vector<float>& a, const std::vector<double>& b) {
  double out = 0;
  for (size_t i = 0; i < a.size(); ++i) out = std::max(out, std::fabs(static_cast<double>(a[i]) - b[i]));
  return out;
}

struct Reference {
  std::vector<int32_t> ids;
  std::map<std::string, std::vector<double>> logits;
};

Reference reference() {
  const Json json = Json::parse(read_file("reference.json")).value();
  Reference out;
  for (const Json& id : *json["ids"].as_array()) out.ids.push_back(static_cast<int32_t>(id.to_int("id").value()));
  for (const char* name : {"base", "peft", "rslora"}) {
    for (const Json& x : *json[name].as_array()) out.logits[name].push_back(x.to_double("logit").value());
  }
  return out;
}

// Keys and values are kept in F16: each is off by 2^-11 of itself, and the logits, sums over 32 channels after two layers, by a few
// such roundings. The adapters move the logits by more than one; wrongly ordered rows would too.
constexpr double kTolerance = 0.01;

TEST(Adapter, PeftAndGgufFilesGiveTheLogitsOfMergedHuggingFaceWeights) {
  Decoder decoder = base();
  const Reference expected = reference();
  EXPECT_LT(greatest_difference(last_logits(decoder, expected.ids, nullptr), expected.logits.at("base")), kTolerance);
  EXPECT_GT(greatest_difference(last_logits(decoder, expected.ids, nullptr), expected.logits.at("peft")), 1);
  const Adapter peft = decoder.load_adapter(folder() + "/peft", 1 << 20).value(), gguf = decoder.load_adapter(folder() + "/adapter.gguf", 1 << 20).value();
  const Adapter rslora = decoder.load_adapter(folder() + "/rslora", 1 << 20).value();
  const std::vector<float> from_peft = last_logits(decoder, expected.ids, &peft), from_gguf = last_logits(decoder, expected.ids, &gguf);
  EXPECT_LT(greatest_difference(from_peft, expected.logits.at("peft")), kTolerance);
  EXPECT_LT(greatest_difference(last_logits(decoder, expected.ids, &rslora), expected.logits.at("rslora")), kTolerance);
  EXPECT_EQ(from_peft, from_gguf) << "one adapter, two formats: the same bits";
  EXPECT_EQ(peft.rank(), 4);
  EXPECT_EQ(peft.parameters(), gguf.parameters());
  EXPECT_NE(peft.sha256(), gguf.sha256());
  EXPECT_EQ(from_peft, last_logits(decoder, expected.ids, &peft, 3)) << "chunks change no bit";
}

// ---- A model and adapters made here, in F32

struct Weights {
  uint32_t L = 2, C = 64, H = 4, G = 2, D = 16, F = 96, V = 50;
  std::map<std::string, std::vector<float>> values;
  std::map<std::string, std::vector<uint64_t>> shapes;

  std::vector<std::pair<std::string, std::vector<uint64_t>>> linear() const {
    std::vector<std::pair<std::string, std::vector<uint64_t>>> out;
    for (uint32_t i = 0; i < L; ++i) {
      const std::string at = "blk." + std::to_string(i) + ".";
      out.insert(out.end(), {{at + "attn_q.weight", {H * D, C}},
                             {at + "attn_k.weight", {G * D, C}},
                             {at + "attn_v.weight", {G * D, C}},
                             {at + "attn_output.weight", {C, H * D}},
                             {at + "ffn_gate.weight", {F, C}},
                             {at + "ffn_up.weight", {F, C}},
                             {at + "ffn_down.weight", {C, F}}});
    }
    return out;
  }
};

std::vector<float> random_values(Random& random, size_t n, double size) {
  std::vector<float> out(n);
  for (float& x : out) x = static_cast<float>((random.uniform() * 2 - 1) * size);
  return out;
}

Weights random_weights(Random& random) {
  Weights w;
  auto add = [&](const std::string& name, std::vector<uint64_t> shape, double size) {
    uint64_t n = 1;
    for (const uint64_t d : shape) n *= d;
    w.values[name] = size > 0 ? random_values(random, n, size) : std::vector<float>(n, 1.0f);
    w.shapes[name] = std::move(shape);
  };
  add("token_embd.weight", {w.V, w.C}, 0.6);
  add("output_norm.weight", {w.C}, 0);
  for (uint32_t i = 0; i < w.L; ++i) {
    add("blk." + std::to_string(i) + ".attn_norm.weight", {w.C}, 0);
    add("blk." + std::to_string(i) + ".ffn_norm.weight", {w.C}, 0);
  }
  for (const auto& [name, shape] : w.linear()) add(name, shape, 1.5 / std::sqrt(static_cast<double>(shape[1])));
  return w;
}

std::string raw(const std::vector<float>& values) { return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)}; }

Decoder decoder_of(const Weights& w) {
  format::GgufWriter writer;
  writer.add("general.architecture", "llama").add("llama.block_count", w.L).add("llama.context_length", uint32_t{128}).add("llama.embedding_length", w.C);
  writer.add("llama.feed_forward_length", w.F).add("llama.attention.head_count", w.H).add("llama.attention.head_count_kv", w.G);
  writer.add("llama.attention.key_length", w.D).add("llama.attention.value_length", w.D).add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  for (const auto& [name, values] : w.values) writer.add_tensor(name, w.shapes.at(name), compute::Format::kF32, raw(values));
  const std::string bytes = writer.bytes();
  return Decoder::load(format::Gguf::parse(bytes, "made").value(), 1 << 24).value();
}

struct Made {
  std::string gguf;
  Weights merged;
  double delta = 0;    // greatest magnitude of a merged weight's change
};

Made make_adapter(const Weights& w, Random& random, uint64_t rank, float alpha, double size) {
  Made out{"", w, 0};
  format::GgufWriter writer;
  writer.add("general.type", "adapter").add("general.architecture", "llama").add("adapter.type", "lora").add("adapter.lora.alpha", alpha);
  for (const auto& [name, shape] : w.linear()) {
    const auto a = random_values(random, rank * shape[1], 1 / std::sqrt(static_cast<double>(shape[1]))), b = random_values(random, shape[0] * rank, size);
    writer.add_tensor(name + ".lora_a", {rank, shape[1]}, compute::Format::kF32, raw(a));
    writer.add_tensor(name + ".lora_b", {shape[0], rank}, compute::Format::kF32, raw(b));
    std::vector<float>& merged = out.merged.values[name];
    for (uint64_t i = 0; i < shape[0]; ++i) {
      for (uint64_t j = 0; j < shape[1]; ++j) {
        double sum = 0;
        for (uint64_t k = 0; k < rank; ++k) sum += static_cast<double>(b[i * rank + k]) * static_cast<double>(a[k * shape[1] + j]);
        sum *= static_cast<double>(alpha) / static_cast<double>(rank);
        merged[i * shape[1] + j] += static_cast<float>(sum);
        out.delta = std::max(out.delta, std::fabs(sum));
      }
    }
  }
  out.gguf = writer.bytes();
  return out;
}

Result<Adapter> parse(const Decoder& decoder, const std::string& gguf, compute::Format format = compute::Format::kF32, uint64_t bytes_max = 1 << 24) {
  return Adapter::parse_gguf(gguf, "made.gguf", {.shape = &decoder.shape(), .format = format, .bytes_max = bytes_max});
}

const std::vector<int32_t> kIds = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4};

// F32 sums of at most 112 terms here and there differ by (112 + 2) 2^-24 of their magnitude, keys and values (F16) by one rounding where
// the two fall on different sides; both pass through two layers whose gain is a few. What F16 adapters lose is 2^-11 of the change.
TEST(Adapter, IsWhatItsMergedWeightsAreOnAnF32Base) {
  Random random(3);
  const Weights w = random_weights(random);
  Decoder decoder = decoder_of(w);
  const std::vector<float> plain = last_logits(decoder, kIds, nullptr);
  for (const uint64_t rank : {1, 3, 8, 16, 33}) {
    const Made made = make_adapter(w, random, rank, 16, 0.3);
    Decoder merged = decoder_of(made.merged);
    const std::vector<float> expected = last_logits(merged, kIds, nullptr);
    const std::vector<double> wide(expected.begin(), expected.end());
    EXPECT_GT(greatest_difference(plain, wide), 0.5) << "the adapter must matter";
    for (const compute::Format format : {compute::Format::kF32, compute::Format::kF16}) {
      const Adapter adapter = parse(decoder, made.gguf, format).value();
      EXPECT_EQ(adapter.rank(), static_cast<int>(rank));
      EXPECT_LT(greatest_difference(last_logits(decoder, kIds, &adapter), wide), 0.02) << "rank " << rank << " " << compute::format_name(format);
    }
  }
}

TEST(Adapter, OfZerosChangesNoBit) {
  Random random(4);
  const Weights w = random_weights(random);
  Decoder decoder = decoder_of(w);
  const Adapter zero = parse(decoder, make_adapter(w, random, 8, 16, 0).gguf).value();
  EXPECT_EQ(last_logits(decoder, kIds, &zero), last_logits(decoder, kIds, nullptr));
}

TEST(Adapter, ARowsBitsDoNotDependOnTheAdaptersBesideIt) {
  Random random(5);
  const Weights w = random_weights(random);
  Decoder decoder = decoder_of(w);
  const Adapter one = parse(decoder, make_adapter(w, random, 4, 8, 0.3).gguf, compute::Format::kF16).value();
  const Adapter two = parse(decoder, make_adapter(w, random, 16, 8, 0.3).gguf, compute::Format::kF16).value();
  const Adapter* adapters[] = {&one, nullptr, &two, &one, &two, nullptr};
  constexpr size_t kCount = std::size(adapters);
  compute::Threads threads(3);
  KvCache cache = KvCache::make(decoder.shape(), 16).value();
  std::vector<KvSequence> sequences(kCount);
  for (KvSequence& sequence : sequences) {
    cache.open(sequence, "");
    ASSERT_TRUE(cache.grow(sequence, static_cast<int>(kIds.size())));
  }
  const auto C = static_cast<size_t>(decoder.shape().C), V = static_cast<size_t>(decoder.shape().V);
  std::vector<float> hidden(kCount * C), logits(kCount * V);
  auto step = [&](size_t from, size_t to) {   // all sequences side by side; the last of each is wanted
    std::vector<Row> rows;
    for (size_t s = 0; s < kCount; ++s) {
      for (size_t i = from; i < to; ++i) rows.push_back({&sequences[s], static_cast<int>(i), kIds[i], i + 1 == to, adapters[s]});
    }
    decoder.step(threads, cache, rows, hidden.data());
  };
  step(0, 7);
  for (size_t i = 7; i < kIds.size(); ++i) step(i, i + 1);
  decoder.logits(threads, hidden.data(), kCount, logits.data());
  for (size_t s = 0; s < kCount; ++s) {
    const std::vector<float> together(logits.begin() + static_cast<std::ptrdiff_t>(s * V), logits.begin() + static_cast<std::ptrdiff_t>((s + 1) * V));
    EXPECT_EQ(together, last_logits(decoder, kIds, adapters[s])) << "sequence " << s;
  }
}

// ---- Refusals

Adapter::Target tiny_target(const DecoderShape& shape) { return {.shape = &shape, .format = compute::Format::kF16, .bytes_max = 1 << 20}; }
constexpr DecoderShape kTiny{.L = 2, .C = 32, .H = 4, .G = 2, .D = 8, .F = 48, .V = 40, .T = 64};

TEST(PeftAdapter, WhatCannotBeFollowedIsRefusedByName) {
  const std::string weights = read_file("peft/adapter_model.safetensors");
  const Json config = Json::parse(read_file("peft/adapter_config.json")).value();
  auto with = [&](const std::string& option, const Json& value) {
    Json changed = config;
    changed.set(option, value);
    return Adapter::parse_peft(changed.dump(), weights, "a", tiny_target(kTiny));
  };
  ASSERT_TRUE(with("lora_dropout", 0.1));
  ASSERT_TRUE(with("init_lora_weights", "gaussian"));
  ASSERT_TRUE(with("task_type", nullptr));
  ASSERT_TRUE(with("some_future_option", false));
  const std::pair<const char*, Json> refusals[] = {{"use_dora", true},
                                                   {"bias", "all"},
                                                   {"lora_bias", true},
                                                   {"modules_to_save", Json::array({"lm_head"})},
                                                   {"fan_in_fan_out", true},
                                                   {"rank_pattern", Json::object({{"q_proj", 8}})},
                                                   {"alpha_pattern", Json::object({{"q_proj", 8}})},
                                                   {"layer_replication", Json::array({1})},
                                                   {"trainable_token_indices", Json::array({5})},
                                                   {"target_parameters", Json::array({"x"})},
                                                   {"alora_invocation_tokens", Json::array({5})},
                                                   {"init_lora_weights", "pissa"},
                                                   {"task_type", "SEQ_CLS"},
                                                   {"peft_type", "LOHA"},
                                                   {"some_future_option", true}};
  for (const auto& [option, value] : refusals) {
    const auto result = with(option, value);
    ASSERT_FALSE(result) << option;
    EXPECT_EQ(result.error().code, Code::kUnimplemented) << option;
    EXPECT_NE(result.error().message.find(option), std::string::npos) << result.error().message;
  }
  for (const Json& r : {Json(0), Json(-1), Json(8), Json(1 << 20), Json("four"), Json()}) EXPECT_FALSE(with("r", r)) << r.dump();
  for (const Json& alpha : {Json("x"), Json(1e300), Json()}) EXPECT_FALSE(with("lora_alpha", alpha)) << alpha.dump();
  EXPECT_FALSE(Adapter::parse_peft("[]", weights, "a", tiny_target(kTiny)));
  EXPECT_FALSE(Adapter::parse_peft("", weights, "a", tiny_target(kTiny)));
}

struct OneTensor {
  std::string name;
  std::vector<uint64_t> shape;
  float fill = 0.5f;
};

std::string gguf_of(const std::vector<OneTensor>& tensors, const std::function<void(format::GgufWriter&)>& header = nullptr) {
  format::GgufWriter writer;
  if (header) header(writer);
  else writer.add("general.type", "adapter").add("general.architecture", "llama").add("adapter.type", "lora").add("adapter.lora.alpha", 8.0f);
  for (const OneTensor& tensor : tensors) {
    uint64_t n = 1;
    for (const uint64_t d : tensor.shape) n *= d;
    writer.add_tensor(tensor.name, tensor.shape, compute::Format::kF32, raw(std::vector<float>(n, tensor.fill)));
  }
  return writer.bytes();
}

TEST(GgufAdapter, HostileShapesAreErrors) {
  auto error = [&](const std::string& bytes, uint64_t bytes_max = 1 << 20) {
    const auto result = Adapter::parse_gguf(bytes, "a.gguf", {.shape = &kTiny, .format = compute::Format::kF16, .bytes_max = bytes_max});
    return result ? "" : result.error().message;
  };
  const OneTensor a{"blk.0.attn_q.weight.lora_a", {4, 32}}, b{"blk.0.attn_q.weight.lora_b", {32, 4}};
  EXPECT_EQ(error(gguf_of({a, b})), "");
  EXPECT_NE(error(gguf_of({a})).find("other half"), std::string::npos);
  EXPECT_NE(error(gguf_of({b})).find("other half"), std::string::npos);
  EXPECT_NE(error(gguf_of({})).find("no tensors"), std::string::npos);
  EXPECT_NE(error(gguf_of({a, {b.name, {32, 3}}})).find("[32, 4]"), std::string::npos);
  EXPECT_NE(error(gguf_of({{a.name, {4, 31}}, b})).find("[4, 32]"), std::string::npos);
  EXPECT_NE(error(gguf_of({{a.name, {128}}, b})).find("[128, 32]"), std::string::npos);
  EXPECT_NE(error(gguf_of({{a.name, {1025, 32}}, {b.name, {32, 1025}}})).find("rank"), std::string::npos);
  EXPECT_NE(error(gguf_of({a, {b.name, b.shape, INFINITY}})).find("finite"), std::string::npos);
  EXPECT_NE(error(gguf_of({{a.name, a.shape, NAN}, b})).find("finite"), std::string::npos);
  EXPECT_NE(error(gguf_of({{"blk.2.attn_q.weight.lora_a", {4, 32}}, {"blk.2.attn_q.weight.lora_b", {32, 4}}})).find("2 layers"), std::string::npos);
  for (const char* name : {"token_embd.weight.lora_a", "output.weight.lora_a", "blk.0.attn_q.bias", "blk.-1.attn_q.weight.lora_a", "blk.0.attn_q.weight.lora_c",
                           "blk.99999999999.attn_q.weight.lora_a", "blk.0", "blk.0.", "blk.0.attn_q.weight", "attn_q.weight.lora_a"}) {
    EXPECT_NE(error(gguf_of({a, b, {name, {4, 32}}})).find(name), std::string::npos) << name;
  }
  EXPECT_NE(error(gguf_of({a, b}), 1000).find("memory"), std::string::npos);
  EXPECT_NE(error(read_file("base.gguf")).find("general.type"), std::string::npos);
  EXPECT_NE(error(gguf_of({a, b},
                          [](auto& w) {
                            w.add("general.type", "adapter").add("general.architecture", "qwen2").add("adapter.type", "lora").add("adapter.lora.alpha", 8.0f);
                          }))
                .find("qwen2"),
            std::string::npos);
  EXPECT_NE(error(gguf_of({a, b}, [](auto& w) { w.add("general.type", "adapter").add("general.architecture", "llama").add("adapter.type", "control"); }))
                .find("control"),
            std::string::npos);
}

TEST(PeftAdapter, DamagedFilesAreErrors) {
  const std::string config = read_file("peft/adapter_config.json"), weights = read_file("peft/adapter_model.safetensors");
  for (size_t cut = 0; cut < weights.size(); cut += 97) EXPECT_FALSE(Adapter::parse_peft(config, weights.substr(0, cut), "a", tiny_target(kTiny))) << cut;
  const DecoderShape other{.L = 1, .C = 32, .H = 4, .G = 2, .D = 8, .F = 48, .V = 40, .T = 64};
  EXPECT_FALSE(Adapter::parse_peft(config, weights, "a", tiny_target(other)));
  EXPECT_FALSE(base().load_adapter(folder() + "/nothing", 1 << 20));
  EXPECT_FALSE(base().load_adapter(folder(), 1 << 20));
  EXPECT_FALSE(base().load_adapter(folder() + "/reference.json", 1 << 20));
}

}  // namespace
}  // namespace strata::network
