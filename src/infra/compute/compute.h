// infra/compute: the arithmetic. Weight matrices packed for this CPU, matrix products, attention and the small vector kernels, and
// the threads that run them.
//
// Every kernel has a scalar version that reads like its formula (oracle), and SIMD versions chosen once, at run time. The
// reduction order of each output element depends only on the inner dimension (and the absolute position in the KV cache), never on
// batch, tile or thread count: results are bit-identical across those at one instruction-set level.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace strata::compute {

// ---- The machine -------------------------------------------------------------------------------------------------------------

enum class Isa { kScalar, kAvx2, kAvx512, kAvx512Vnni };  // kAvx2 means AVX2 + FMA + F16C
std::string_view isa_name(Isa isa);
Isa best_isa();                    // what this CPU has; STRATA_ISA=scalar|avx2|avx512|avx512vnni lowers it (never raises it)
std::vector<Isa> available_isas(); // from scalar up to best, for tests

struct Machine {
  std::string cpu_name;
  int cores = 1;
  uint64_t memory_bytes = 0;
  std::vector<std::string> instruction_sets;  // "avx2", "fma", "avx512f", "avx512_vnni", …
  std::vector<std::string> accelerators;      // device nodes seen (NVIDIA, AMD, Intel); none is used yet
};
Machine inspect_machine();
double measure_memory_gb_per_s(int threads);  // COST: about 0.2 s

// ---- Threads -----------------------------------------------------------------------------------------------------------------

// A fixed team. run() calls task(i) for i in [0, count) on the team and the caller, and returns when all are done; tasks are taken
// dynamically, so a busy neighbour slows us in proportion. Workers spin briefly, then sleep.
// THREADS: one run() at a time (the engine's thread owns it).
class Threads {
 public:
  explicit Threads(int count);  // REQUIRES: count >= 1; the caller counts as one
  ~Threads();
  int count() const;
  void run(size_t count, const std::function<void(size_t task, int thread)>& task);

 private:
  struct Team;
  std::unique_ptr<Team> team_;
};

// ---- Weights -----------------------------------------------------------------------------------------------------------------

enum class Format { kF32, kF16, kBF16, kQ8_0, kQ4_0, kQ4_1, kQ6_K };
std::string_view format_name(Format format);       // "Q4_1"
size_t format_block_values(Format format);         // values per block: 1, 32 or 256
size_t format_block_bytes(Format format);
// Bytes of one row; error where `cols` is no multiple of the block.
Result<uint64_t> format_row_bytes(Format format, uint64_t cols);

// A weight matrix W [rows, cols], row-major in the file, repacked once into the layout that this CPU's kernels stream.
class Matrix {
 public:
  Matrix();
  Matrix(Matrix&&) noexcept;
  Matrix& operator=(Matrix&&) noexcept;
  ~Matrix();
  // `raw` holds rows * format_row_bytes bytes in GGUF's block layout; it is not kept.
  static Result<Matrix> pack(Format format, size_t rows, size_t cols, std::span<const std::byte> raw, Isa isa = best_isa());
  size_t rows() const;
  size_t cols() const;
  size_t bytes() const;               // memory held
  void read_row(size_t row, float* out) const;  // dequantized, SHAPE: out [cols]

  struct Packed;
  const Packed& packed() const { return *packed_; }

 private:
  std::unique_ptr<Packed> packed_;
};

// y[n, r] = sum_c x[n, c] * W[r, c]. SHAPE: x [n, cols], y [n, rows], row-major F32. Quantized W: x is rounded to int8 per block of
// 32 first. n = 1 streams W at memory speed; larger n is a blocked product. Scratch memory is kept in `threads`' team or passed in
// a Workspace, as the implementation prefers.
void matmul(Threads& threads, const Matrix& w, const float* x, size_t n, float* y);

// The rest of the kernels (norms, rope, softmax, attention over the KV cache, activations) are declared by their owner below.

}  // namespace strata::compute
