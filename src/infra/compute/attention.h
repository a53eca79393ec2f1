// Attention over a paged KV cache, and over whole texts in both directions. Part of infra/compute/compute.h; include that.
//
// out[t, h] = sum_j softmax_j(scale * q[t, h] . k[j, h / group]) v[j, h / group], group = heads / kv_heads (GQA: Ainslie et al. 2023).
// One pass with a running maximum (online softmax: Milakov and Gimelshein 2018). Positions are taken in blocks of 32 and spans of 256
// counted from position 0 of the sequence, and every query row keeps its own running state; so a row's result depends on its
// position and the cache alone, not on how a prompt was cut into chunks, on what else is in the batch, or on threads: same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "infra/compute/matrix.h"
#include "infra/compute/threads.h"

namespace strata::compute {

inline constexpr size_t kKvBlockPositions = 32;  // positions in one block of the cache

// The shape of the cache of one layer. A block holds 32 positions of all K/V heads of one layer, each head's K transposed:
//   for each K/V head: K [head_dim][32 positions], then V [32 positions][head_dim rounded up to 16]; values are F16 or F32.
// Q8_0: int8 numbers, and a scale for each 32 of the head_dim values of a position (the last group may be shorter):
//   for each K/V head, with n = head_dim rounded up to 32, / 32:
//     offset 0                    K scales  f16  [n][32 positions]            K[d][j] = scale[d / 32][j] * number[d][j]
//     64 n                        K numbers int8 [head_dim][32 positions]
//     64 n + 32 head_dim          V scales  f16  [n][32 positions]            V[j][d] = scale[d / 32][j] * number[j][d]
//     128 n + 32 head_dim         V numbers int8 [32 positions][head_dim rounded up to 16]
// A position is rounded by itself when it is written, so its bits depend on nothing else. |rounded - given| <= scale / 2, and
// scale <= (greatest magnitude of the 32) / 127 * (1 + 2^-10). A head of 64 takes 136 bytes a position instead of 256.
// Only kv_write and the attention kernels look inside. Freshly allocated blocks must hold zeros (stale blocks may be reused as they are).
struct KvLayout {
  Format format = Format::kF16;  // kF16, kQ8_0 or kF32
  size_t kv_heads = 0;
  size_t head_dim = 0;           // REQUIRES: 1 .. 256
  size_t block_bytes() const;    // of one block of one layer; a multiple of 64
};

// Where one sequence's blocks of one layer are: block i (positions 32 i ..) is at base + table[i] * stride. `table` null means 0, 1,
// 2, …: a contiguous cache. One table serves all layers, when `base` is moved by layer. REQUIRES: base and stride multiples of 64.
struct KvBlocks {
  std::byte* base = nullptr;
  const uint32_t* table = nullptr;
  size_t stride = 0;  // UNITS: bytes
};

// Stores k and v of positions [position, position + tokens). SHAPE: k, v [tokens, kv_heads * head_dim].
// THREADS: on the caller; different sequences or positions may be written at once.
void kv_write(const KvLayout& layout, const KvBlocks& blocks, size_t position, size_t tokens, const float* k, const float* v);

// One sequence's part of a step: the queries of consecutive tokens whose K and V are already written.
struct AttentionChunk {
  const float* q = nullptr;  // SHAPE: [tokens, heads * head_dim], positions already applied
  float* out = nullptr;      // SHAPE: [tokens, heads * head_dim]; may be q
  size_t tokens = 0;         // 1 in decode
  size_t position = 0;       // of the first token; token t sees positions 0 .. position + t
  KvBlocks kv;
};
// Causal attention of all chunks of a step, in parallel. `scale` is usually 1 / sqrt(head_dim). REQUIRES: heads % kv_heads == 0.
void attention(Threads& threads, const KvLayout& layout, size_t heads, float scale, std::span<const AttentionChunk> chunks);

// Bidirectional attention without a cache (BERT): every token of a text sees all tokens of the same text.
struct AttentionText {
  const float* q = nullptr;  // SHAPE: q, k, v, out [tokens, heads * head_dim]
  const float* k = nullptr;
  const float* v = nullptr;
  float* out = nullptr;
  size_t tokens = 0;
};
void attention_texts(Threads& threads, size_t heads, size_t head_dim, float scale, std::span<const AttentionText> texts);

}  // namespace strata::compute
