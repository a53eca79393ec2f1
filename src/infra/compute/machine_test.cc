#include "infra/compute/machine.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "infra/compute/kernels.h"

namespace strata::compute {
namespace {

TEST(Machine, LevelsGoFromScalarUpToTheBest) {
  const std::vector<Isa> isas = available_isas();
  ASSERT_FALSE(isas.empty());
  EXPECT_EQ(isas.front(), Isa::kScalar);
  EXPECT_EQ(isas.back(), best_isa());
  EXPECT_TRUE(std::is_sorted(isas.begin(), isas.end()));
}

TEST(Machine, ALevelThatTheProcessorLacksFallsToTheBestThatItHas) { EXPECT_EQ(&kernels(Isa::kAvx512Vnni), &kernels(best_isa())); }

TEST(Machine, SaysWhatItFound) {
  const Machine machine = inspect_machine();
  EXPECT_GE(machine.cores, 1);
  EXPECT_GT(machine.memory_bytes, uint64_t{1} << 28);
  EXPECT_FALSE(machine.cpu_name.empty());
  auto has = [&](const char* name) {
    return std::find(machine.instruction_sets.begin(), machine.instruction_sets.end(), name) != machine.instruction_sets.end();
  };
  EXPECT_TRUE(best_isa() < Isa::kAvx2 || (has("avx2") && has("fma") && has("f16c")));
  EXPECT_TRUE(best_isa() < Isa::kAvx512 || (has("avx512f") && has("avx512bw")));
}

TEST(Machine, MemorySpeedIsMeasured) { EXPECT_GT(measure_memory_gb_per_s(1), 0); }

}  // namespace
}  // namespace strata::compute
