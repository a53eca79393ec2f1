// Low-rank adapters (LoRA) of the decoder: y = W x + scale B (A x) for some of its linear layers. Part of model/network/network.h.
// SOURCE: Hu et al., "LoRA", 2021, section 4.1; Kalajdzievski, "rsLoRA", 2023 (scale alpha / sqrt(r) in place of alpha / r).
//
// Two kinds of files, told apart by what `path` is:
//   a folder     PEFT's: adapter_config.json and adapter_model.safetensors, with tensors named
//                base_model.model.model.layers.I.self_attn.q_proj.lora_A.weight [r, in] and …lora_B.weight [out, r]
//   a file       GGUF, as llama.cpp reads it: general.type "adapter", adapter.type "lora", adapter.lora.alpha, with tensors named
//                blk.I.attn_q.weight.lora_a [r, in] and ….lora_b [out, r]
// The order of rows differs between the two: a GGUF file of the llama architecture keeps the rows of each query and key head so that the
// two values that RoPE turns together lie side by side; PEFT adapters have them half a head apart, as in the model that was trained.
// So B of q_proj and k_proj is put into the GGUF order when it is read:
//   row h * D + 2 j + s here = row h * D + s * D / 2 + j there       (h: head, j < D / 2, s: 0 or 1)
// SOURCE: ggml-org/llama.cpp convert_hf_to_gguf.py, LlamaModel.permute; huggingface/peft LoraConfig.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "infra/compute/compute.h"

namespace strata::format {
class Gguf;
class Safetensors;
}  // namespace strata::format

namespace strata::network {

struct DecoderShape;

class Adapter {
 public:
  static constexpr int kRankMax = 1024;
  // The linear layers of a decoder layer that an adapter may change, in the order of their use.
  enum class Site { kQuery, kKey, kValue, kAttentionOutput, kGate, kUp, kDown };
  static constexpr size_t kSites = 7;
  struct Part {
    compute::Matrix a, b;        // SHAPE: [r, in], [out, r]
    float scale = 1;             // of the whole product
  };
  struct Target {
    const DecoderShape* shape = nullptr;                   // of the decoder that it is for
    compute::Format format = compute::Format::kF16;        // in which A and B are kept: F32 or F16
    uint64_t bytes_max = 0;                                // kResourceExhausted where A and B need more
  };

  // What this program would have to leave out (DoRA, biases, whole modules, embeddings, …) is kUnimplemented and named; a file that is
  // not of this decoder's shape, holds half a pair or numbers that are not finite is kInvalidArgument.
  // In F16, A and B are first brought to a greatest magnitude of 1 to 2 by a power of two that goes into the scale: F16 and BF16 files lose
  // nothing but what is 2^-24 of the greatest.
  static Result<Adapter> load(const std::string& path, const Target& target);
  // The same from memory. `what` names the source in errors.
  static Result<Adapter> parse_peft(std::string_view config, std::string_view weights, const std::string& what, const Target& target);
  static Result<Adapter> parse_gguf(std::string_view bytes, const std::string& what, const Target& target);

  // nullptr where this layer stays as it is.
  const Part* part(int layer, Site site) const {
    const auto& one = layers_[static_cast<size_t>(layer)][static_cast<size_t>(site)];
    return one ? &*one : nullptr;
  }
  int rank() const { return rank_; }               // the greatest
  double alpha() const { return alpha_; }
  uint64_t parameters() const { return parameters_; }
  uint64_t bytes() const { return bytes_; }
  // Of the GGUF file, or of adapter_config.json and adapter_model.safetensors one after the other.
  const std::string& sha256() const { return sha256_; }

 private:
  struct Reader;
  std::vector<std::array<std::optional<Part>, kSites>> layers_;   // SHAPE: [L]
  int rank_ = 0;
  double alpha_ = 0;
  uint64_t parameters_ = 0, bytes_ = 0;
  std::string sha256_;
};

}  // namespace strata::network
