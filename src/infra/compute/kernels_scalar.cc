// The formulas, one value at a time: what the SIMD kernels are tested against, and what runs where there is no AVX2.
// Same layouts, same order of additions per element where that is part of the promise (blocks of 32 in ascending order).
#include <algorithm>
#include <cmath>
#include <cstring>

#include "infra/compute/formats.h"
#include "infra/compute/kernels.h"

namespace strata::compute {
namespace {

// ---- Products ----------------------------------------------------------------------------------------------------------------

template <class T>
T read_as(const unsigned char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

void prepare_block(const PackedView& w, const float* x, BlockInfo* info, int8_t* q) {
  constexpr float kLeastMagnitude = 1e-35f;  // below it 127 / magnitude would leave F32: taken as zero
  float magnitude = 0;
  for (size_t i = 0; i < kBlockValues; ++i) magnitude = std::max(magnitude, std::fabs(x[i]));
  const float inverse = magnitude < kLeastMagnitude ? 0 : 127.0f / magnitude;
  int32_t sum[2] = {0, 0};
  for (size_t i = 0; i < kBlockValues; ++i) {
    q[i] = static_cast<int8_t>(std::lrint(x[i] * inverse));
    sum[i / 16] += q[i];
  }
  info->d = magnitude < kLeastMagnitude ? 0 : magnitude / 127.0f;
  info->s = info->d * static_cast<float>(sum[0] + sum[1]);
  const bool split = w.format == Format::kQ6_K;
  const int32_t shift = shift_of(w.format) != 0 ? -shift_of(w.format) : -128;
  info->bias[0] = shift * (split ? sum[0] : sum[0] + sum[1]);
  info->bias[1] = split ? shift * sum[1] : 0;
}

void prepare(const PackedView& w, const float* x, size_t token, size_t m, unsigned char* tile) {
  if (w.blocks == 0) {
    auto* out = reinterpret_cast<float*>(tile);
    for (size_t c = 0; c < w.cols; ++c) out[c * m + token] = x[c];
    return;
  }
  auto* info = reinterpret_cast<BlockInfo*>(tile);
  auto* values = reinterpret_cast<int8_t*>(tile + w.blocks * m * sizeof(BlockInfo));
  for (size_t b = 0; b < w.blocks; ++b) prepare_block(w, x + b * 32, info + b * m + token, values + (b * m + token) * 32);
}

void columns(const float* x, size_t cols, size_t m, float* tile) {
  for (size_t t = 0; t < m; ++t) {
    for (size_t c = 0; c < cols; ++c) tile[c * m + t] = x[t * cols + c];
  }
}

// The number that stands for a weight (with a minimum: before it).
int number_at(Format format, const unsigned char* values, size_t lane, size_t c) {
  if (values_of(format) == Values::kBytes) return static_cast<int8_t>(values[c / 4 * 64 + lane * 4 + c % 4]);
  const size_t j = c % 16 / 4, bit = lane * 4 + c % 4;
  const unsigned char both = values[j * 64 + bit];
  int number = c < 16 ? both & 15 : both >> 4;
  if (values_of(format) == Values::kFives) number |= (values[256 + j * 16 + c / 16 * 8 + bit / 8] >> bit % 8 & 1) << 4;
  return number - shift_of(format);
}

float block_term(Format format, const unsigned char* info, const unsigned char* values, size_t lane, const BlockInfo& x, const int8_t* q) {
  const float scale = f16_to_f32(read_as<uint16_t>(info + lane * 2));
  int32_t sum[2] = {0, 0};
  for (size_t c = 0; c < kBlockValues; ++c) sum[c / 16] += number_at(format, values, lane, c) * q[c];
  if (scales_of(format) == Scales::kHalves) {
    return scale * x.d * static_cast<float>(sum[0] * static_cast<int8_t>(info[32 + lane]) + sum[1] * static_cast<int8_t>(info[48 + lane]));
  }
  const float d = scales_of(format) == Scales::kSuper ? scale * static_cast<float>(info[64 + lane]) : scale;
  return d * x.d * static_cast<float>(sum[0] + sum[1]);
}

// What the minimum adds, of the formats that have one.
float minimum_term(Format format, const unsigned char* info, size_t lane, const BlockInfo& x) {
  const float m = f16_to_f32(read_as<uint16_t>(info + 32 + lane * 2));
  return scales_of(format) == Scales::kSuper ? -(m * static_cast<float>(info[80 + lane])) * x.s : m * x.s;
}

void product_quantized(const PackedView& w, const unsigned char* panel, size_t lane, const unsigned char* tile, size_t m, size_t t, float* y) {
  const bool has_minimum = scales_of(w.format) == Scales::kMinimum || scales_of(w.format) == Scales::kSuper;
  const auto* x_info = reinterpret_cast<const BlockInfo*>(tile);
  const auto* x_values = reinterpret_cast<const int8_t*>(tile + w.blocks * m * sizeof(BlockInfo));
  float sum = 0;
  for (size_t b = 0; b < w.blocks; ++b) {
    const unsigned char* info = panel + b * info_bytes_of(w.format);
    const unsigned char* values = panel + w.info_bytes + b * value_bytes_of(w.format);
    const BlockInfo& x = x_info[b * m + t];
    sum += block_term(w.format, info, values, lane, x, x_values + (b * m + t) * 32);
    if (has_minimum) sum += minimum_term(w.format, info, lane, x);
  }
  *y = sum;
}

float weight_as_f32(Format format, const unsigned char* panel, size_t index) {
  switch (format) {
    case Format::kF16: return f16_to_f32(read_as<uint16_t>(panel + index * 2));
    case Format::kBF16: return bf16_to_f32(read_as<uint16_t>(panel + index * 2));
    default: return read_as<float>(panel + index * 4);
  }
}

void product(const PackedView& w, size_t begin, size_t end, const unsigned char* tile, size_t m, float* y, size_t y_stride) {
  for (size_t r = begin * kPanelRows; r < std::min(end * kPanelRows, w.rows); ++r) {
    const unsigned char* panel = w.data + r / kPanelRows * w.panel_bytes;
    const size_t lane = r % kPanelRows;
    for (size_t t = 0; t < m; ++t) {
      float* out = y + t * y_stride + r;
      if (w.blocks != 0) {
        product_quantized(w, panel, lane, tile, m, t, out);
        continue;
      }
      const auto* x = reinterpret_cast<const float*>(tile);
      float sum = 0;
      for (size_t c = 0; c < w.cols; ++c) sum += x[c * m + t] * weight_as_f32(w.format, panel, c * kPanelRows + lane);
      *out = sum;
    }
  }
}

// ---- Attention ---------------------------------------------------------------------------------------------------------------

float cached(const SpanTask& task, const unsigned char* values, size_t index) {
  return task.format == Format::kF16 ? f16_to_f32(read_as<uint16_t>(values + index * 2)) : read_as<float>(values + index * 4);
}

// Value `d` of position `j` of an 8-bit part, its number at `index`. A number times its scale has 18 bits: exact.
float cached_q8(const SpanTask& task, const unsigned char* part, size_t d, size_t j, size_t index) {
  const uint16_t scale = read_as<uint16_t>(part + (d / kCacheGroup * kKvBlockPositions + j) * 2);
  return f16_to_f32(scale) * static_cast<float>(static_cast<int8_t>(part[cache_scale_bytes(task.head_dim) + index]));
}

float cached_key(const SpanTask& task, const unsigned char* part, size_t d, size_t j) {
  const size_t index = d * kKvBlockPositions + j;
  return task.format == Format::kQ8_0 ? cached_q8(task, part, d, j, index) : cached(task, part, index);
}

float cached_value(const SpanTask& task, const unsigned char* part, size_t d, size_t j) {
  const size_t index = j * task.value_stride + d;
  return task.format == Format::kQ8_0 ? cached_q8(task, part, d, j, index) : cached(task, part, index);
}

const unsigned char* block_of(const SpanTask& task, size_t position) {
  const size_t block = position / kKvBlockPositions;
  return task.base + (task.table != nullptr ? task.table[block] : block) * task.stride;
}

void attend_row(const SpanTask& task, size_t row) {
  float score[kSpanPositions];
  const size_t end = std::min(task.end, task.limit[row]);
  float* o = task.o + row * task.value_stride;
  task.m[row] = -INFINITY;
  task.l[row] = 0;
  std::fill_n(o, task.value_stride, 0.0f);
  for (size_t j = task.begin; j < end; ++j) {
    float sum = 0;
    for (size_t d = 0; d < task.head_dim; ++d) {
      sum += task.q[d * task.rows + row] * cached_key(task, block_of(task, j), d, j % kKvBlockPositions);
    }
    score[j - task.begin] = sum;
    task.m[row] = std::max(task.m[row], sum);
  }
  for (size_t j = task.begin; j < end; ++j) {
    const float p = std::exp(score[j - task.begin] - task.m[row]);
    task.l[row] += p;
    const unsigned char* values = block_of(task, j) + task.value_offset;
    for (size_t d = 0; d < task.head_dim; ++d) o[d] += p * cached_value(task, values, d, j % kKvBlockPositions);
  }
}

void attend_span(const SpanTask& task) {
  for (size_t row = 0; row < task.rows; ++row) attend_row(task, row);
}

void attend_text(const TextTask& task) {
  for (size_t t = 0; t < task.tokens; ++t) {
    const float* q = task.q + t * task.stride;
    float greatest = -INFINITY, sum = 0;
    for (size_t j = 0; j < task.tokens; ++j) {
      float score = 0;
      for (size_t d = 0; d < task.head_dim; ++d) score += q[d] * task.scale * task.k[j * task.stride + d];
      task.scores[j] = score;
      greatest = std::max(greatest, score);
    }
    for (size_t j = 0; j < task.tokens; ++j) sum += task.scores[j] = std::exp(task.scores[j] - greatest);
    for (size_t d = 0; d < task.head_dim; ++d) {
      float out = 0;
      for (size_t j = 0; j < task.tokens; ++j) out += task.scores[j] * task.v[j * task.stride + d];
      task.out[t * task.stride + d] = out / sum;
    }
  }
}

void store_half(const float* x, uint16_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = f32_to_f16(x[i]);
}

void store_q8(const float* x, int8_t* out, uint16_t* scales, size_t n) {
  for (size_t begin = 0; begin < n; begin += kCacheGroup) {
    const size_t end = std::min(begin + kCacheGroup, n);
    float magnitude = 0, poison = 0;  // poison: 0, or NaN where a value is not finite
    for (size_t i = begin; i < end; ++i) {
      magnitude = std::max(magnitude, std::fabs(x[i]));
      poison += x[i] * 0;
    }
    const uint16_t scale = f32_to_f16_up(magnitude / 127.0f + poison);
    scales[begin / kCacheGroup] = scale;
    const bool numbers = scale != 0 && poison == 0;
    const float inverse = numbers ? 1.0f / f16_to_f32(scale) : 0;
    for (size_t i = begin; i < end; ++i) out[i] = numbers ? static_cast<int8_t>(std::lrint(std::clamp(x[i] * inverse, -127.0f, 127.0f))) : 0;
  }
}

// ---- Rows --------------------------------------------------------------------------------------------------------------------

void rms_norm(const float* x, const float* weight, float* y, size_t cols, float eps) {
  float sum = 0;
  for (size_t i = 0; i < cols; ++i) sum += x[i] * x[i];
  const float factor = 1.0f / std::sqrt(sum / static_cast<float>(cols) + eps);
  for (size_t i = 0; i < cols; ++i) y[i] = x[i] * factor * weight[i];
}

void layer_norm(const float* x, const float* weight, const float* bias, float* y, size_t cols, float eps) {
  float sum = 0, squares = 0;
  for (size_t i = 0; i < cols; ++i) sum += x[i];
  const float mean = sum / static_cast<float>(cols);
  for (size_t i = 0; i < cols; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const float factor = 1.0f / std::sqrt(squares / static_cast<float>(cols) + eps);
  for (size_t i = 0; i < cols; ++i) y[i] = (x[i] - mean) * factor * weight[i] + bias[i];
}

void turn(float* first, float* second, float c, float s) {
  const float a = *first, b = *second;
  *first = a * c - b * s;
  *second = a * s + b * c;
}

void rope_interleaved(float* x, size_t heads, size_t head_dim, size_t dims, const float* cos_sin) {
  for (size_t h = 0; h < heads; ++h, x += head_dim) {
    for (size_t i = 0; i < dims / 2; ++i) turn(x + 2 * i, x + 2 * i + 1, cos_sin[2 * i], cos_sin[2 * i + 1]);
  }
}

void rope_halves(float* x, size_t heads, size_t head_dim, size_t dims, const float* cos_sin) {
  for (size_t h = 0; h < heads; ++h, x += head_dim) {
    for (size_t i = 0; i < dims / 2; ++i) turn(x + i, x + i + dims / 2, cos_sin[2 * i], cos_sin[2 * i + 1]);
  }
}

void softmax(float* x, size_t n) {
  const float greatest = *std::max_element(x, x + n);
  float sum = 0;
  for (size_t i = 0; i < n; ++i) sum += x[i] = std::exp(x[i] - greatest);
  for (size_t i = 0; i < n; ++i) x[i] /= sum;
}

void swiglu(const float* gate, const float* up, float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
}

void gelu_erf(const float* x, float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = 0.5f * x[i] * (1.0f + std::erf(x[i] * 0.70710678f));  // 1 / sqrt 2
}

void gelu_tanh(const float* x, float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    y[i] = 0.5f * x[i] * (1.0f + std::tanh(0.79788456f * (x[i] + 0.044715f * x[i] * x[i] * x[i])));  // sqrt(2 / pi)
  }
}

void add(const float* a, const float* b, float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = a[i] + b[i];
}

void multiply(const float* a, const float* b, float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = a[i] * b[i];
}

void scale(const float* x, float factor, float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = x[i] * factor;
}

void scaled_add(const float* x, float factor, float* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] += x[i] * factor;
}

float dot(const float* a, const float* b, size_t n) {
  float sum = 0;
  for (size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

int32_t dot_i8(const int8_t* a, const int8_t* b, size_t n) {
  int32_t sum = 0;
  for (size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

void scan_i8(const int8_t* query, float query_scale, const int8_t* matrix, size_t stride, size_t rows, size_t dims, const float* scales, float* out) {
  for (size_t r = 0; r < rows; ++r) {
    out[r] = scales[r] * query_scale * static_cast<float>(dot_i8(query, matrix + r * stride, dims));
  }
}

float quantize_i8(const float* x, int8_t* out, size_t n) {
  constexpr float kLeastMagnitude = 1e-35f;  // as in prepare_block
  float magnitude = 0;
  for (size_t i = 0; i < n; ++i) magnitude = std::max(magnitude, std::fabs(x[i]));
  const float inverse = magnitude < kLeastMagnitude ? 0 : 127.0f / magnitude;
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<int8_t>(std::lrint(x[i] * inverse));
  return magnitude < kLeastMagnitude ? 0 : magnitude / 127.0f;
}

}  // namespace

const Kernels kKernelsScalar = {
    .tile_quantized = 4,
    .tile_float = 4,
    .prepare = prepare,
    .columns = columns,
    .product = product,
    .attend_span = attend_span,
    .attend_text = attend_text,
    .store_half = store_half,
    .store_q8 = store_q8,
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .rope_interleaved = rope_interleaved,
    .rope_halves = rope_halves,
    .softmax = softmax,
    .swiglu = swiglu,
    .gelu_erf = gelu_erf,
    .gelu_tanh = gelu_tanh,
    .add = add,
    .multiply = multiply,
    .scale = scale,
    .scaled_add = scaled_add,
    .dot = dot,
    .dot_i8 = dot_i8,
    .scan_i8 = scan_i8,
    .quantize_i8 = quantize_i8,
};

}  // namespace strata::compute
