// The kernels compiled for AVX-512 with VNNI (flags in src/CMakeLists.txt).
#if defined(__x86_64__)
#include "infra/compute/simd_512.h"

#include "infra/compute/kernels_simd.h"

namespace strata::compute {
extern const Kernels kKernelsAvx512Vnni;
const Kernels kKernelsAvx512Vnni = STRATA_SIMD_KERNELS;
}  // namespace strata::compute
#endif
