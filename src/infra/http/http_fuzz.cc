// Any bytes as a connection's input, in pieces whose size the first byte gives, through what the server does before a handler:
// parser, target, Host and Origin checks. The same bytes in one piece must be the same request or none.
#include <cstdlib>

#include "infra/http/guard.h"
#include "infra/http/request_reader.h"
#include "infra/http/target.h"

namespace {

using strata::http::RequestReader;

// The reader's state after as many bytes as it takes.
RequestReader::State feed(RequestReader& reader, std::string_view bytes, size_t piece) {
  std::string in;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    in += bytes.substr(at, piece);
    while (reader.state() == RequestReader::State::kHead || reader.state() == RequestReader::State::kBody) {
      auto before = reader.state();
      size_t used = reader.put(in);
      in.erase(0, used);
      if (used == 0 && reader.state() == before) break;
    }
  }
  return reader.state();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  RequestReader pieces(4096, 4096), whole(4096, 4096);
  auto state = feed(pieces, text, 1 + data[0] % 64);
  auto done = RequestReader::State::kDone;   // when a broken request is noticed may depend on the pieces; whether one is whole may not
  if ((feed(whole, text, text.size()) == done) != (state == done)) std::abort();
  if (state != RequestReader::State::kDone) return 0;
  strata::http::Request request;
  request.method = pieces.head().method;
  request.headers = pieces.head().headers;
  if (auto target = strata::http::parse_target(pieces.head().target)) request.path = target->path;
  (void)strata::http::check_origin(request, {"strata.example"});
  (void)strata::http::check_media_type(request, {});
  if (pieces.take_body() != whole.take_body()) std::abort();
  return 0;
}
