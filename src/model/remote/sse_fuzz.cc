// Any bytes as a provider's answer, in pieces whose size the first byte gives: the same events as in one piece.
#include <cstdlib>

#include "model/remote/protocol.h"

namespace {

// Everything that the reader said, as text.
std::string read(std::string_view bytes, size_t piece) {
  std::string said;
  strata::remote::AnswerReader reader("host", "",
                                      [&](const strata::model::TokenEvent& event) { said += event.text + "|" + std::to_string(event.logprobs.size()); });
  strata::Status status;
  for (size_t at = 0; at < bytes.size() && status; at += piece) status = reader.feed(bytes.substr(at, piece));
  if (status) status = reader.finish();
  if (!status) said += status.error().message;
  return said + std::to_string(reader.done()) + std::to_string(static_cast<int>(reader.reason()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (read(text, 1 + data[0] % 16) != read(text, text.size())) std::abort();
  return 0;
}
