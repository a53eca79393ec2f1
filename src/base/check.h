// CHECK: aborts with file, line and condition when our own code is wrong. Never for input: input gets a Result.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace strata::detail {
[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
  std::abort();
}
}  // namespace strata::detail

#define CHECK(condition) (static_cast<bool>(condition) ? static_cast<void>(0) : ::strata::detail::check_failed(#condition, __FILE__, __LINE__))
