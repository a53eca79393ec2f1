// A hostile worker's reply: an error or a sound document, never a crash.
#include <cstdint>
#include <cstdlib>

#include "knowledge/document/document.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;  // NOLINT: a main program
  const auto document = document::wire::decode_reply({reinterpret_cast<const char*>(data), size}, {});
  if (!document) return 0;
  if (!document::wire::decode_reply(document::wire::encode_reply(document), {})) abort();
  return 0;
}
