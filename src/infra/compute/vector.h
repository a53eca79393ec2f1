// The small kernels over one row of numbers: norms, positions, activations, dots. Part of infra/compute/compute.h; include that.
//
// Each takes one row and runs on the calling thread: callers that have many rows share them out with Threads::run. In and out may be
// the same row (never partly overlapping). F32 throughout; sums have a fixed order that depends only on the row's length.
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::compute {

// y = x / sqrt(mean(x^2) + eps) * weight. SOURCE: Zhang and Sennrich 2019, equation 4.
void rms_norm(const float* x, const float* weight, float* y, size_t cols, float eps);
// y = (x - mean) / sqrt(variance + eps) * weight + bias. SOURCE: Ba, Kiros and Hinton 2016.
void layer_norm(const float* x, const float* weight, const float* bias, float* y, size_t cols, float eps);

// Rotary positions. SOURCE: Su et al. 2021, equation 34.
// kInterleaved rotates (x[2i], x[2i+1]): what GGUF files of the "llama" architecture expect. kHalves rotates (x[i], x[i + dims/2]):
// NeoX, Qwen, Gemma.
enum class RopeStyle { kInterleaved, kHalves };
// The angles of one position, to be used by all heads and layers: SHAPE: cos_sin [dims] = dims/2 pairs (cos, sin) of
// position * scale * base^(-2i/dims), computed in double. REQUIRES: dims is even.
void rope_angles(size_t position, size_t dims, float base, float scale, float* cos_sin);
// Turns the first `dims` values of each head in place. SHAPE: x [heads, head_dim]. REQUIRES: dims <= head_dim, even.
void rope(float* x, size_t heads, size_t head_dim, size_t dims, const float* cos_sin, RopeStyle style);

void softmax(float* x, size_t n);                                       // in place; REQUIRES: n >= 1, one x is finite
void swiglu(const float* gate, const float* up, float* y, size_t n);    // y = gate / (1 + exp(-gate)) * up
void gelu_erf(const float* x, float* y, size_t n);                      // y = x/2 * (1 + erf(x / sqrt 2)): BERT's
void gelu_tanh(const float* x, float* y, size_t n);                     // y = x/2 * (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
void add(const float* a, const float* b, float* y, size_t n);           // y = a + b
void multiply(const float* a, const float* b, float* y, size_t n);      // y = a * b, by element
void scale(const float* x, float factor, float* y, size_t n);           // y = factor * x
void scaled_add(const float* x, float factor, float* y, size_t n);      // y += factor * x

float dot(const float* a, const float* b, size_t n);
// Exact. REQUIRES: n <= 65536, so that the sum fits int32.
int32_t dot_i8(const int8_t* a, const int8_t* b, size_t n);
// out[r] = scales[r] * query_scale * dot_i8(query, matrix + r * stride): the exact scan of a vector index, at memory speed.
// SHAPE: query [dims], matrix [rows, stride] (stride >= dims), scales [rows], out [rows].
void scan_i8(const int8_t* query, float query_scale, const int8_t* matrix, size_t stride, size_t rows, size_t dims, const float* scales, float* out);
// x -> int8 with one scale (greatest magnitude / 127, 0 for a row of zeros), to nearest, ties to even. Returns the scale.
float quantize_i8(const float* x, int8_t* out, size_t n);

}  // namespace strata::compute
