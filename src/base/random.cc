#include "base/random.h"

#include <sys/random.h>

#include <array>

#include "base/check.h"

namespace strata {

uint64_t Random::next() {
  uint64_t z = seed_ + (++position_) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

double Random::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

uint64_t Random::below(uint64_t limit) {
  CHECK(limit > 0);
  return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * limit) >> 64);
}

uint64_t random_seed() {
  uint64_t seed = 0;
  CHECK(getrandom(&seed, sizeof seed, 0) == sizeof seed);
  return seed;
}

std::string make_id(std::string_view prefix) {
  static constexpr char kLetters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string id(prefix);
  id += '_';
  // Some bytes are passed over, so a few more than letters: mostly one call of the kernel, which is what an id costs.
  std::array<unsigned char, 32> bytes;
  size_t letters = 0, at = bytes.size();
  while (letters < 24) {
    if (at == bytes.size()) {
      CHECK(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));   // up to 256 bytes come whole
      at = 0;
    }
    const unsigned char byte = bytes[at++];
    if (byte >= 248) continue;  // 248 = 4 * 62: no bias
    id += kLetters[byte % 62];
    ++letters;
  }
  return id;
}

}  // namespace strata
