// Random numbers, passed in. Seeded for tests and sampling, from the kernel for ids.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace strata {

// A counter-based generator: the n-th number depends on (seed, n) alone, so a sequence can be resumed or replayed anywhere.
// SOURCE: splitmix64, Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
class Random {
 public:
  explicit Random(uint64_t seed, uint64_t position = 0) : seed_(seed), position_(position) {}
  uint64_t next();
  double uniform();                  // in [0, 1), 53 bits
  uint64_t below(uint64_t limit);    // in [0, limit); REQUIRES: limit > 0
  uint64_t position() const { return position_; }

 private:
  uint64_t seed_;
  uint64_t position_;
};

uint64_t random_seed();  // 64 bits from the kernel

// "prefix_" and 24 letters or digits (143 bits) from the kernel's generator: not guessable.
std::string make_id(std::string_view prefix);

}  // namespace strata
