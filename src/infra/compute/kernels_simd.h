// The table of the kernels that the including file compiles.
#pragma once

#include "infra/compute/attention_simd.h"
#include "infra/compute/matmul_simd.h"
#include "infra/compute/text_attention_simd.h"
#include "infra/compute/vector_simd.h"

#define STRATA_SIMD_KERNELS                 \
  {                                         \
      .tile_quantized = Simd::kTileTokens,  \
      .tile_float = Simd::kTileTokens,      \
      .prepare = prepare,                   \
      .columns = columns,                   \
      .product = product,                   \
      .attend_span = attend_span,           \
      .attend_text = attend_text,           \
      .store_half = store_half,             \
      .store_q8 = store_q8,                 \
      .rms_norm = rms_norm,                 \
      .layer_norm = layer_norm,             \
      .rope_interleaved = rope_interleaved, \
      .rope_halves = rope_halves,           \
      .softmax = softmax,                   \
      .swiglu = swiglu,                     \
      .gelu_erf = gelu_erf,                 \
      .gelu_tanh = gelu_tanh,               \
      .add = add,                           \
      .multiply = multiply,                 \
      .scale = scale,                       \
      .scaled_add = scaled_add,             \
      .dot = dot,                           \
      .dot_i8 = dot_i8,                     \
      .scan_i8 = scan_i8,                   \
      .quantize_i8 = quantize_i8,           \
  }
