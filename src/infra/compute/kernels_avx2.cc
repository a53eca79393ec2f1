// The kernels compiled for AVX2, FMA and F16C (flags in src/CMakeLists.txt).
#if defined(__x86_64__)
#include "infra/compute/simd_256.h"

#include "infra/compute/kernels_simd.h"

namespace strata::compute {
extern const Kernels kKernelsAvx2;
const Kernels kKernelsAvx2 = STRATA_SIMD_KERNELS;
}  // namespace strata::compute
#endif
