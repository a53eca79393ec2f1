#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "infra/archive/archive.h"

// Whatever the bytes, reading ends, and never gives more of a body than the archive has.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  size_t at = 0, given = 0;
  const strata::archive::Source source = [&](char* buffer, size_t most) -> strata::Result<size_t> {
    const size_t count = std::min(most, size - at);
    std::memcpy(buffer, data + at, count);
    at += count;
    return count;
  };
  auto entries = strata::archive::read(source, [&](const strata::archive::Entry& entry) -> strata::Result<strata::archive::Take> {
    CHECK(!entry.name.empty() && entry.name.size() <= strata::archive::kNameBytesMax);
    return strata::archive::Take([&](std::string_view piece) -> strata::Status {
      given += piece.size();
      return {};
    });
  });
  CHECK(given <= size);
  return 0;
}
