// The kernels compiled for AVX-512 F, BW, DQ and VL (flags in src/CMakeLists.txt).
#if defined(__x86_64__)
#include "infra/compute/simd_512.h"

#include "infra/compute/kernels_simd.h"

namespace strata::compute {
extern const Kernels kKernelsAvx512;
const Kernels kKernelsAvx512 = STRATA_SIMD_KERNELS;
}  // namespace strata::compute
#endif
