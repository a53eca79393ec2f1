// What this machine can do at most in 8-bit integer products: the denominator of bench/engine's limit_share for prefill.
#pragma once

namespace strata {

// 10^9 operations/s (a multiplication and an addition are two) of `threads` threads that only multiply registers, with the best
// instruction this processor has (VNNI on 512 bits, else AVX2's maddubs + madd + add). 0 where it has neither. COST: about 0.3 s.
double measure_int8_gop_per_s(int threads);

}  // namespace strata
