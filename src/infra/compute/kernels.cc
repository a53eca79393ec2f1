// Choosing the kernels of a level, and the front door's thin functions over them.
#include "infra/compute/kernels.h"

#include <algorithm>
#include <cmath>

#include "infra/compute/vector.h"

namespace strata::compute {

const Kernels& kernels(Isa isa) {
#if defined(__x86_64__)
  switch (std::min(isa, best_isa())) {
    case Isa::kAvx2: return kKernelsAvx2;
    case Isa::kAvx512: return kKernelsAvx512;
    case Isa::kAvx512Vnni: return kKernelsAvx512Vnni;
    case Isa::kScalar: break;
  }
#else
  static_cast<void>(isa);
#endif
  return kKernelsScalar;
}

namespace {
const Kernels& best() {
  static const Kernels& chosen = kernels(best_isa());
  return chosen;
}
}  // namespace

void rms_norm(const float* x, const float* weight, float* y, size_t cols, float eps) { best().rms_norm(x, weight, y, cols, eps); }

void layer_norm(const float* x, const float* weight, const float* bias, float* y, size_t cols, float eps) { best().layer_norm(x, weight, bias, y, cols, eps); }

void rope_angles(size_t position, size_t dims, float base, float scale, float* cos_sin) {
  const double step = std::pow(static_cast<double>(base), -2.0 / static_cast<double>(dims));
  double angle = static_cast<double>(position) * static_cast<double>(scale);
  for (size_t i = 0; i < dims / 2; ++i, angle *= step) {
    cos_sin[2 * i] = static_cast<float>(std::cos(angle));
    cos_sin[2 * i + 1] = static_cast<float>(std::sin(angle));
  }
}

void rope(float* x, size_t heads, size_t head_dim, size_t dims, const float* cos_sin, RopeStyle style) {
  const auto turn = style == RopeStyle::kInterleaved ? best().rope_interleaved : best().rope_halves;
  turn(x, heads, head_dim, dims, cos_sin);
}

void softmax(float* x, size_t n) { best().softmax(x, n); }
void swiglu(const float* gate, const float* up, float* y, size_t n) { best().swiglu(gate, up, y, n); }
void gelu_erf(const float* x, float* y, size_t n) { best().gelu_erf(x, y, n); }
void gelu_tanh(const float* x, float* y, size_t n) { best().gelu_tanh(x, y, n); }
void add(const float* a, const float* b, float* y, size_t n) { best().add(a, b, y, n); }
void multiply(const float* a, const float* b, float* y, size_t n) { best().multiply(a, b, y, n); }
void scale(const float* x, float factor, float* y, size_t n) { best().scale(x, factor, y, n); }
void scaled_add(const float* x, float factor, float* y, size_t n) { best().scaled_add(x, factor, y, n); }
float dot(const float* a, const float* b, size_t n) { return best().dot(a, b, n); }
int32_t dot_i8(const int8_t* a, const int8_t* b, size_t n) { return best().dot_i8(a, b, n); }

void scan_i8(const int8_t* query, float query_scale, const int8_t* matrix, size_t stride, size_t rows, size_t dims, const float* scales, float* out) {
  best().scan_i8(query, query_scale, matrix, stride, rows, dims, scales, out);
}

float quantize_i8(const float* x, int8_t* out, size_t n) { return best().quantize_i8(x, out, n); }

}  // namespace strata::compute
