// A response as bytes. Nothing that a handler puts into it can end a header line early.
#pragma once

#include <string>
#include <string_view>

#include "infra/http/http.h"

namespace strata::http {

struct Framing {
  bool keep_alive = true;
  bool chunked = false;     // else Content-Length: body_bytes, or neither where until_close
  bool until_close = false;
  size_t body_bytes = 0;
};

// Status line and headers with the empty line, without the body. `trace_id` may be empty.
std::string encode_head(const Response& response, const Framing& framing, std::string_view request_id, std::string_view trace_id, int64_t unix_ms);
std::string encode_chunk(std::string_view bytes);   // empty for no bytes: an empty chunk would end the body
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
bool status_has_body(int status);
std::string_view status_text(int status);

}  // namespace strata::http
