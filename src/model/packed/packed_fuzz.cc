// Any bytes give a table or an error; every matrix of a table lies in the file and can be read to its last byte. Bytes that begin with
// the magic also get a right checksum, so that the fuzzer reaches what lies behind it.
#include <cstdint>
#include <cstring>

#include "model/packed/packed.h"
#include "model/packed/table.h"

namespace {

void read(std::string_view file) {
  const auto table = strata::packed::read_table(file, "fuzz");
  if (!table) return;
  volatile char sink = 0;
  for (const auto& entry : table->entries) sink = static_cast<char>(sink + file[entry.offset] + file[entry.offset + entry.bytes - 1]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::packed;
  std::string file(reinterpret_cast<const char*>(data), size);
  read(file);
  if (size < kHeaderBytes) return 0;
  uint64_t table_offset = 0;
  const uint64_t whole = size;
  const uint32_t layout = strata::compute::kPackedLayout;
  std::memcpy(file.data(), kMagic.data(), kMagic.size());
  std::memcpy(file.data() + 8, &layout, sizeof layout);
  std::memcpy(file.data() + 16, &whole, sizeof whole);
  std::memcpy(&table_offset, file.data() + 24, sizeof table_offset);
  if (table_offset > size) {
    table_offset = kHeaderBytes + table_offset % (size - kHeaderBytes + 1);
    std::memcpy(file.data() + 24, &table_offset, sizeof table_offset);
  }
  const std::string checksum = checksum_of(std::string_view(file).substr(0, kChecksumAt), std::string_view(file).substr(table_offset));
  std::memcpy(file.data() + kChecksumAt, checksum.data(), checksum.size());
  read(file);
  return 0;
}
