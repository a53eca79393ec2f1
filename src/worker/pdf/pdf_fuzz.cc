// PDF documents of any bytes, through poppler and the layout (no OCR): no crash of ours, and a sound document.
#include <cstdint>
#include <cstdlib>

#include "worker/pdf/pdf.h"

// Fontconfig keeps its defaults until the process ends.
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig"; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;  // NOLINT: a main program
  document::Limits limits;
  limits.pages = 20;
  const auto document = worker::parse_pdf({reinterpret_cast<const char*>(data), size}, limits, nullptr);
  if (!document) return 0;
  if (!document::wire::decode_reply(document::wire::encode_reply(document), {.kind = document->kind, .limits = limits})) abort();
  return 0;
}
