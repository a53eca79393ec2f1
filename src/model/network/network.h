// model/network: the forward passes. A Llama-family decoder over a paged KV cache, and a BERT encoder.
//
// What it is: weights and arithmetic. What it is not: it knows no requests, no sampling, no text; the engine does.
// A decoder step takes N rows (token, position, sequence) of any mixture of sequences, prompts and single tokens, and runs all of
// them through one matrix product per weight, then attention per row. A row's result does not depend on the other rows (infra/compute keeps
// each output's reduction order independent of the batch), so a sequence's tokens are the same alone and among others.
// THREADS: load on any thread; step and encode on one thread at a time (the engine's).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "infra/compute/compute.h"
#include "model/format/format.h"
#include "model/network/adapter.h"
#include "model/network/dims.h"
#include "model/network/prefix_tree.h"
#include "model/packed/packed.h"

namespace strata::network {

// ---- KV cache ----------------------------------------------------------------------------------------------------------------

struct DecoderShape {
  int L = 0, C = 0, H = 0, G = 0, D = 0, F = 0, V = 0, T = 0;
  bool operator==(const DecoderShape&) const = default;
};

// The blocks that one sequence holds, in order of position. Owned by the engine; filled and emptied by KvCache.
struct KvSequence {
  std::vector<uint32_t> blocks;   // block i holds positions [i * B, (i + 1) * B); some may be shared with other sequences
  uint32_t published = 0;         // the first so many blocks are in the prefix tree
  PrefixTree::Place place = 0;    // there, after them; 0: this sequence keeps its blocks to itself
};

// Keys and values of all running sequences, F16 or 8 bits (Q8_0: each position's by themselves, so that bits depend on the text alone), in
// blocks of B positions. One block holds all layers, each as
// compute::KvLayout draws it, so that one block table serves all layers. The address space is taken at once; memory is touched only
// as blocks come into use, the last freed first.
//
// A sequence takes blocks as it grows. Where none is left, grow() refuses, and whoever plans the steps takes some sequence's blocks back.
//
// Whole blocks outlive their sequence: a later one that begins with the same tokens adopts them instead of computing them again, and
// they are given up, the least recently used first, when their memory is needed or more than an eighth of the cache is kept so. A shared block is never changed: what follows its
// last token goes into a block of one's own. (Two sequences that reach the same block in one step both write it, the same bits: a row's
// result does not depend on what it is computed beside.)
// THREADS: one at a time.
class KvCache {
 public:
  static constexpr int kBlockTokens = static_cast<int>(compute::kKvBlockPositions);  // B
  static uint64_t block_bytes(const DecoderShape& shape, compute::Format format = compute::Format::kF16);   // of all layers
  // kResourceExhausted where the address space cannot be had. REQUIRES: the format is one that compute::KvLayout takes.
  static Result<KvCache> make(const DecoderShape& shape, uint32_t blocks, compute::Format format = compute::Format::kF16);
  KvCache(KvCache&&) noexcept;
  KvCache& operator=(KvCache&&) noexcept;
  ~KvCache();

  // Begins an empty sequence. Sequences of the same `salt` share blocks: it names who may see what (tenant and permissions).
  void open(KvSequence& sequence, std::string_view salt) const;
  // Takes over whole blocks that hold `tokens` from where the sequence ends, as long as there are some; returns the positions gained.
  // Nothing where the sequence does not end with a whole block.
  int adopt(KvSequence& sequence, std::span<const int32_t> tokens);
  // Makes the sequence hold `tokens` in all, giving up what is only kept; false, and nothing changed, where blocks are short.
  bool grow(KvSequence& sequence, int tokens);
  // How many tokens grow() would take it to now. UNITS: tokens in all
  int room(const KvSequence& sequence) const;
  // How many of blocks_available() the sequence would take to hold `tokens`: without those that it would share with running ones.
  uint32_t blocks_wanted(const KvSequence& sequence, std::span<const int32_t> tokens) const;
  // Says which tokens the sequence's positions hold, or will after the step that is being planned: whole blocks can be adopted from now on.
  void publish(KvSequence& sequence, std::span<const int32_t> tokens);
  void release(KvSequence& sequence);
  // The same for a sequence that will come back: its whole blocks are kept until their memory is needed, however many they are.
  void suspend(KvSequence& sequence);

  uint32_t blocks() const { return blocks_; }
  uint32_t blocks_available() const { return static_cast<uint32_t>(free_.size() + tree_->unused()); }   // free, and only kept
  uint32_t blocks_kept() const { return static_cast<uint32_t>(tree_->unused()); }   // of no running sequence, for a later one to adopt
  uint32_t blocks_used() const { return blocks_ - static_cast<uint32_t>(free_.size()) - blocks_kept(); }
  uint64_t bytes_max() const { return block_bytes_ * blocks_; }
  uint64_t bytes_used() const { return block_bytes_ * (blocks_used() + blocks_kept()); }

  const compute::KvLayout& layout() const { return layout_; }   // of one layer
  compute::KvBlocks blocks_of(const KvSequence& sequence, int layer) const;

 private:
  KvCache() = default;
  compute::KvLayout layout_;
  std::byte* base_ = nullptr;     // SHAPE: [blocks, L, layout_.block_bytes()]
  uint64_t mapped_bytes_ = 0, block_bytes_ = 0;
  uint32_t blocks_ = 0;
  void give_back(uint32_t block);
  uint32_t kept_most() const { return blocks_ / 8; }   // WHY: an idle server must not hold the whole cache's memory
  std::vector<uint32_t> free_;    // a stack; these, the tree's and those of one sequence alone are all blocks
  std::unique_ptr<PrefixTree> tree_;
};

// ---- Decoder -----------------------------------------------------------------------------------------------------------------

struct Row {
  const KvSequence* sequence = nullptr;  // REQUIRES: grown to hold `position`
  int position = 0;                      // 0-based; a sequence's earlier positions are in the cache or earlier among the rows
  int32_t token = 0;                     // REQUIRES: in [0, V)
  bool wanted = false;                   // its hidden state comes back, for logits
  const Adapter* adapter = nullptr;      // what changes the linear layers for this row; nullptr: nothing
};

// Llama family: RMSNorm, rotary positions, grouped-query attention, SwiGLU, output tied to the embedding or its own.
// SOURCE: Touvron et al., "LLaMA", 2023, section 2.2; Ainslie et al., "GQA", 2023; Su et al., "RoFormer", 2021.
class Decoder {
 public:
  // From llama.* metadata and tensors named as by GGUF's convention. Everything is checked against the metadata before it is packed;
  // a tensor that this pass would not use is an error, since ignoring it would change the output. `bytes_max` bounds the weights:
  // kResourceExhausted, with the numbers, where the file needs more. `packed`: where packed matrices come from and go to (packed::Store::begin); nullptr: memory alone.
  static Result<Decoder> load(const format::Gguf& file, uint64_t bytes_max, packed::Loading* packed = nullptr);
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  ~Decoder();

  // What load() will make of the file, without loading: the shape, and what is counted. Errors as load()'s on the metadata.
  struct Description {
    DecoderShape shape;
    uint64_t bytes = 0, parameters = 0;
    std::string format;
  };
  static Result<Description> describe(const format::Gguf& file);

  const DecoderShape& shape() const;
  uint64_t bytes() const;        // weights held
  uint64_t parameters() const;
  std::string format() const;    // of most weights: "Q4_1"
  // An adapter for this decoder, from a PEFT folder or a GGUF file: kept in F32 where the decoder is, else in F16. THREADS: safe.
  Result<Adapter> load_adapter(const std::string& path, uint64_t bytes_max) const;

  // Runs the rows. SHAPE: hidden [wanted rows, C], after the last norm, in row order.
  // REQUIRES: rows of one sequence are together and in order of position.
  void step(compute::Threads& threads, KvCache& cache, std::span<const Row> rows, float* hidden);
  // SHAPE: hidden [n, C], logits [logits_rows(n), V], of which the first n are the result and the rest is working space.
  size_t logits_rows(size_t n) const;
  void logits(compute::Threads& threads, const float* hidden, size_t n, float* logits);

 private:
  struct Impl;
  explicit Decoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// ---- Encoder -----------------------------------------------------------------------------------------------------------------

// BERT: token + position + segment embeddings, post-norm layers with full attention and GELU (erf). All F32, or with the linear layers'
// weights and inputs in 8 bits (Q8_0: blocks of 32 with a scale each, which is what keeps outliers from costing the others their bits).
// SOURCE: Devlin et al., "BERT", 2018; pooling as Reimers and Gurevych, "Sentence-BERT", 2019: the mean over the text's tokens.
class Encoder {
 public:
  struct Shape {
    int L = 0, C = 0, H = 0, D = 0, F = 0, V = 0, T = 0;
  };
  struct Config {                // of config.json
    int layers = 0, width = 0, heads = 0, feed_forward = 0, vocabulary = 0, positions = 0;
    float norm_epsilon = 1e-12f;
    bool int8 = false;           // linear layers in 8 bits
  };
  static Result<Encoder> load(const format::Safetensors& file, const Config& config, uint64_t bytes_max, packed::Loading* packed = nullptr);
  Encoder(Encoder&&) noexcept;
  Encoder& operator=(Encoder&&) noexcept;
  ~Encoder();

  const Shape& shape() const;
  uint64_t bytes() const;
  uint64_t parameters() const;

  // texts: token ids of each, 1 to T of them, each in [0, V). The texts lie end to end: no padding is computed.
  // SHAPE: vectors [texts, C], mean-pooled, unit length; token_vectors [all tokens, C], unit length each, or nullptr.
  void encode(compute::Threads& threads, std::span<const std::vector<int32_t>> texts, float* vectors, float* token_vectors);

 private:
  struct Impl;
  explicit Encoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::network
