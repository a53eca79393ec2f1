// Bytes of a connection → one request. Beast's parser behind a plain door, so that it is compiled once and can be fuzzed as the
// server uses it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "infra/http/refusal.h"

namespace strata::http {

struct Head {
  std::string method;
  std::string target;
  std::vector<Header> headers;   // names in lower case; trailers never get here
  bool keep_alive = false;
  bool http_1_0 = false;
  bool has_body = false;         // Content-Length above 0, or chunked
  bool expects_continue = false;
  std::optional<uint64_t> content_length;
};

class RequestReader {
 public:
  enum class State { kHead, kBody, kDone, kBad };

  RequestReader(size_t header_bytes_max, size_t body_bytes_max);
  ~RequestReader();

  // Takes what it can of `bytes` and returns how many; offer the rest again with more behind it. Stops at the end of the head once
  // (state() turns from kHead to kBody), so that the caller can refuse the request before its body comes, and at the end of the
  // request. REQUIRES: state() is kHead or kBody.
  size_t put(std::string_view bytes);
  State state() const { return state_; }

  const Head& head() const { return head_; }         // from kBody on
  void limit_body(size_t bytes_max);                 // in kBody, before the next put
  uint64_t body_bytes() const;                       // received so far
  std::string take_body();                           // in kDone
  const Refusal& refusal() const { return refusal_; }   // in kBad

 private:
  struct Parser;
  void read_head();
  void fail_too_large();
  void fail(int status, std::string message, std::string reason);
  std::unique_ptr<Parser> parser_;
  State state_ = State::kHead;
  Head head_;
  Refusal refusal_;
  size_t header_bytes_max_;
  size_t body_bytes_max_;
};

}  // namespace strata::http
