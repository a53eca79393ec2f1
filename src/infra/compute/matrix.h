// Weight matrices in the formats of model files, and the products with them. Part of infra/compute/compute.h; include that.
// The formats are drawn byte by byte in formats.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/status.h"
#include "infra/compute/machine.h"
#include "infra/compute/threads.h"

namespace strata::compute {

enum class Format { kF32, kF16, kBF16, kQ8_0, kQ4_0, kQ4_1, kQ5_0, kQ5_1, kQ4_K, kQ5_K, kQ6_K };
std::string_view format_name(Format format);  // "Q4_1"
size_t format_block_values(Format format);    // values per block: 1, 32 or 256
size_t format_block_bytes(Format format);
// Bytes of one row; error where `cols` is zero or no multiple of the block, or the size overflows.
Result<uint64_t> format_row_bytes(Format format, uint64_t cols);
// One row or any run of whole blocks, as stored in a file -> F32. REQUIRES: values is a multiple of the block; `raw` holds
// values / format_block_values * format_block_bytes bytes (no alignment needed).
void dequantize(Format format, const std::byte* raw, size_t values, float* out);
// The way back: the nearest value, ties to even; Q8_0 takes each block's greatest magnitude over 127, as F16, for its scale.
// REQUIRES: F32, F16 or Q8_0; finite values, whole blocks; `raw` has room for them.
void quantize(Format format, const float* x, size_t values, std::byte* raw);

// Names the layout that pack() writes; another number whenever a byte of it changes. All instruction-set levels share this one.
inline constexpr uint32_t kPackedLayout = 1;

// A weight matrix W [rows, cols], row-major in the file, repacked once into the layout that the kernels stream (pack.h).
// Immutable after pack(); any number of threads may read it.
class Matrix {
 public:
  Matrix();  // empty: rows() == cols() == 0
  Matrix(Matrix&&) noexcept;
  Matrix& operator=(Matrix&&) noexcept;
  ~Matrix();
  // `raw` holds rows * format_row_bytes bytes in GGUF's block layout; it is not kept. kInvalidArgument where it holds another number
  // or a dimension is zero; kResourceExhausted where memory is short. `isa` is the level whose kernels will run on it (tests pass
  // others); a level above best_isa() is taken as best_isa().
  static Result<Matrix> pack(Format format, size_t rows, size_t cols, std::span<const std::byte> raw, Isa isa = best_isa());
  // The matrix whose packed() bytes these are, written by an earlier run (layout kPackedLayout): nothing is copied. `owner` keeps them
  // where they are. kInvalidArgument where there are not exactly packed_bytes() of them, or not aligned to 64. Bytes that pack() never
  // made give wrong numbers and no crash.
  static Result<Matrix> of_packed(Format format, size_t rows, size_t cols, std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                  Isa isa = best_isa());
  // What pack() makes of such a matrix. kInvalidArgument where a dimension is zero, `cols` is no multiple of the block, or it overflows.
  static Result<uint64_t> packed_bytes(Format format, uint64_t rows, uint64_t cols);
  size_t rows() const;
  size_t cols() const;
  Format format() const;
  size_t bytes() const;                         // memory held
  std::span<const std::byte> packed_data() const;  // for of_packed()
  void read_row(size_t row, float* out) const;  // exactly what dequantize() gives. SHAPE: out [cols]

  struct Packed;
  const Packed& packed() const { return *packed_; }

 private:
  std::unique_ptr<Packed> packed_;
};

// y[n, r] = sum_c x[n, c] * W[r, c]. SHAPE: x [n, cols], y [n, rows], row-major F32, not overlapping. n = 1 streams W at memory
// speed; a larger n is a blocked product.
// Quantized W: x is first rounded to int8 per block of 32 (scale = greatest magnitude / 127); products within a block are exact
// integers, blocks are added in ascending order in F32. F32, F16, BF16 W: F32 sums in ascending order of c.
// So y[i] does not depend on n, on the other rows of x, or on the number of threads: same bits.
void matmul(Threads& threads, const Matrix& w, const float* x, size_t n, float* y);

// Several products of one x in one go (query, key, value; gate, up): same results as one by one, less waiting between them.
// REQUIRES: the matrices have the same cols; at most 8.
// What follows a product element by element is done while its result is still in the cache, with the bits of add() and gelu_erf().
struct MatmulTarget {
  const Matrix* w = nullptr;
  float* y = nullptr;           // SHAPE: [n, w->rows()]
  const float* bias = nullptr;  // SHAPE: [w->rows()], added to each row of y
  bool gelu = false;            // y becomes gelu_erf(y), after the bias
};
void matmul_group(Threads& threads, std::span<const MatmulTarget> targets, const float* x, size_t n);

// The same with low-rank additions: for each of a part's rows, y[row] += scale * (b (a x[row])), as matmul() and scaled_add() would do one
// after the other, but in the one run of the threads that makes y: nobody waits between them. `low_x` is what the parts read.
// REQUIRES: b->cols() == a->rows() <= kLowRankMax; both F32, F16 or BF16; rows ascending, below n; a part's target has no bias and no gelu.
inline constexpr size_t kLowRankMax = 1024;
struct MatmulLowRank {
  size_t target = 0;            // index into `targets`
  const Matrix* a = nullptr;    // [rank, cols]
  const Matrix* b = nullptr;    // [rows of the target's w, rank]
  float scale = 1;
  std::span<const size_t> rows;
};
void matmul_group(Threads& threads, std::span<const MatmulTarget> targets, const float* x, size_t n, std::span<const MatmulLowRank> parts, const float* low_x);

}  // namespace strata::compute
