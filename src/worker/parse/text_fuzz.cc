// text documents of any bytes: no crash, and what comes out passes the receiver's own checks.
#include <cstdint>
#include <cstdlib>

#include "worker/parse/parse.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;  // NOLINT: a main program
  const auto document = worker::parse_text({reinterpret_cast<const char*>(data), size}, {});
  if (!document) return 0;
  if (!document::wire::decode_reply(document::wire::encode_reply(document), {.kind = document->kind})) abort();
  return 0;
}
