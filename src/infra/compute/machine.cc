#include "infra/compute/machine.h"

#include <sched.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>

#include "base/check.h"
#include "infra/compute/threads.h"
#include "infra/compute/vector.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace strata::compute {
namespace {

constexpr Isa kAllIsas[] = {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Vnni};

#if defined(__x86_64__)
// What the CPU has and the operating system saves on a context switch. SOURCE: Intel SDM volume 2A, CPUID, and volume 1, 13.3 (XCR0).
struct Features {
  bool avx2 = false, fma = false, f16c = false;
  bool avx512f = false, avx512bw = false, avx512dq = false, avx512vl = false, avx512_vnni = false, avx512_bf16 = false;
};

uint64_t enabled_state() {
  uint32_t low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

Features read_features() {
  constexpr uint64_t kYmmState = 0x6;    // XMM and the upper halves of YMM
  constexpr uint64_t kZmmState = 0xe6;   // those, the mask registers and both ZMM parts
  auto bit = [](uint32_t word, int index) { return ((word >> index) & 1) != 0; };
  Features f;
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return f;
  const bool os_saves = bit(c, 27);  // OSXSAVE: xgetbv may be asked
  const bool fma = bit(c, 12), f16c = bit(c, 29), avx = bit(c, 28);
  if (!os_saves || !avx) return f;
  const uint64_t state = enabled_state();
  if ((state & kYmmState) != kYmmState) return f;
  f.fma = fma;
  f.f16c = f16c;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return f;
  f.avx2 = bit(b, 5);
  if ((state & kZmmState) != kZmmState) return f;
  f.avx512f = bit(b, 16);
  f.avx512dq = bit(b, 17);
  f.avx512bw = bit(b, 30);
  f.avx512vl = bit(b, 31);
  f.avx512_vnni = bit(c, 11);
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) f.avx512_bf16 = bit(a, 5);
  return f;
}

Isa detect() {
  const Features f = read_features();
  if (!f.avx2 || !f.fma || !f.f16c) return Isa::kScalar;
  if (!f.avx512f || !f.avx512bw || !f.avx512dq || !f.avx512vl) return Isa::kAvx2;
  return f.avx512_vnni ? Isa::kAvx512Vnni : Isa::kAvx512;
}

std::vector<std::string> instruction_sets() {
  const Features f = read_features();
  std::vector<std::string> names;
  auto add = [&](bool has, const char* name) {
    if (has) names.emplace_back(name);
  };
  add(f.avx2, "avx2");
  add(f.fma, "fma");
  add(f.f16c, "f16c");
  add(f.avx512f, "avx512f");
  add(f.avx512bw, "avx512bw");
  add(f.avx512dq, "avx512dq");
  add(f.avx512vl, "avx512vl");
  add(f.avx512_vnni, "avx512_vnni");
  add(f.avx512_bf16, "avx512_bf16");
  return names;
}
#else
Isa detect() { return Isa::kScalar; }
std::vector<std::string> instruction_sets() { return {}; }
#endif

Isa lowered(Isa isa) {
  const char* wish = std::getenv("STRATA_ISA");
  if (wish == nullptr) return isa;
  for (const Isa level : kAllIsas) {
    if (isa_name(level) == wish) return std::min(level, isa);
  }
  return isa;
}

std::string read_cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind("model name", 0) != 0) continue;
    const size_t colon = line.find(':');
    if (colon != std::string::npos && colon + 2 <= line.size()) return line.substr(colon + 2);
  }
  return "unknown CPU";
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

uint64_t usable_memory() {
  struct sysinfo info{};
  uint64_t bytes = sysinfo(&info) == 0 ? static_cast<uint64_t>(info.totalram) * info.mem_unit : 0;
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    uint64_t limit = 0;  // "max" does not parse: no limit
    if (file >> limit && limit > 0 && (bytes == 0 || limit < bytes)) bytes = limit;
  }
  return bytes;
}

std::vector<std::string> find_accelerators() {
  std::vector<std::string> found;
  std::error_code error;
  for (int i = 0; i < 16; ++i) {
    const std::string node = "/dev/nvidia" + std::to_string(i);
    if (std::filesystem::exists(node, error)) found.push_back("NVIDIA " + node);
  }
  if (std::filesystem::exists("/dev/kfd", error)) found.emplace_back("AMD /dev/kfd");
  for (int i = 128; i < 144; ++i) {
    const std::string render = "/dev/dri/renderD" + std::to_string(i);
    if (!std::filesystem::exists(render, error)) continue;
    std::ifstream file("/sys/class/drm/renderD" + std::to_string(i) + "/device/vendor");
    std::string vendor;
    file >> vendor;
    if (vendor == "0x8086") found.push_back("Intel " + render);
    else if (vendor == "0x1002") found.push_back("AMD " + render);
    else if (vendor != "0x10de") found.push_back(render);
  }
  return found;
}

}  // namespace

std::string_view isa_name(Isa isa) {
  switch (isa) {
    case Isa::kScalar: return "scalar";
    case Isa::kAvx2: return "avx2";
    case Isa::kAvx512: return "avx512";
    case Isa::kAvx512Vnni: return "avx512vnni";
  }
  return "unknown";
}

Isa best_isa() {
  static const Isa isa = lowered(detect());
  return isa;
}

std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : kAllIsas) {
    if (isa <= best_isa()) isas.push_back(isa);
  }
  return isas;
}

Machine inspect_machine() {
  return {.cpu_name = read_cpu_name(),
          .cores = usable_cores(),
          .memory_bytes = usable_memory(),
          .instruction_sets = instruction_sets(),
          .accelerators = find_accelerators()};
}

double measure_memory_gb_per_s(int threads) {
  constexpr size_t kValues = size_t{64} << 20;     // 256 MiB: several times the last cache of common servers, so every part comes
  constexpr size_t kPart = size_t{4} << 20;        // from memory; timed by parts of 16 MiB, since a busy neighbour spoils long ones
  constexpr size_t kTask = size_t{1} << 16;
  constexpr int kPasses = 4;
  const std::unique_ptr<float[]> values(new (std::nothrow) float[kValues]);
  if (values == nullptr) return 0;
  Threads team(std::max(1, threads));
  team.run(kValues / kTask, [&](size_t i, int) { std::fill_n(values.get() + i * kTask, kTask, 1.0f); });
  std::atomic<size_t> right{0};
  double best = 0;
  for (size_t part = 0; part < kPasses * (kValues / kPart); ++part) {
    const float* from = values.get() + part % (kValues / kPart) * kPart;
    const auto start = std::chrono::steady_clock::now();
    // A dot product of a row with itself: the widest loads that this processor has, and a result that must be right.
    team.run(kPart / kTask, [&](size_t i, int) {
      if (dot(from + i * kTask, from + i * kTask, kTask) == static_cast<float>(kTask)) ++right;
    });
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, static_cast<double>(kPart * sizeof(float)) / seconds / 1e9);
  }
  CHECK(right.load() == kPasses * (kValues / kTask));
  return best;
}

}  // namespace strata::compute
