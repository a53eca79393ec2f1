// What this computer is: its instruction sets, cores, memory and devices. Part of infra/compute/compute.h; include that.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::compute {

// The levels that kernels are written for, each including the one before it.
//   kAvx2        AVX2 + FMA + F16C                   (Haswell, Zen 1 to 3)
//   kAvx512      AVX-512 F, BW, DQ, VL               (Skylake-X)
//   kAvx512Vnni  the same + VNNI                     (Cascade Lake, Ice Lake, Zen 4)
enum class Isa { kScalar, kAvx2, kAvx512, kAvx512Vnni };
std::string_view isa_name(Isa isa);  // "scalar", "avx2", "avx512", "avx512vnni"

// What this CPU and its operating system can run, found once. The environment variable STRATA_ISA (one of the names above) lowers
// it and never raises it; an unknown name is ignored.
Isa best_isa();
std::vector<Isa> available_isas();  // from scalar up to best_isa(), for tests

struct Machine {
  std::string cpu_name;
  int cores = 1;              // that this process may run on (affinity mask)
  uint64_t memory_bytes = 0;  // of the machine, or of the control group where that is less
  std::vector<std::string> instruction_sets;  // "avx2", "fma", "f16c", "avx512f", "avx512_vnni", …
  std::vector<std::string> accelerators;      // device nodes seen (NVIDIA, AMD, Intel); none is used yet
};
Machine inspect_machine();

// What `threads` threads together read from memory, in 10^9 bytes/s: the fastest of some stretches of 16 MiB, in passes over a buffer
// larger than the last cache. COST: about 0.2 s and 256 MiB for that time.
double measure_memory_gb_per_s(int threads);

}  // namespace strata::compute
