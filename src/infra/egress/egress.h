// infra/egress: the only HTTP client (libcurl lives here and nowhere else). Enforces a policy on the connected address.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/status.h"

namespace strata::egress {

// Who named the host. What an operator configured may be private; what a user, a document or a model names may not: then loopback,
// private, link-local, multicast and reserved addresses are refused at connect time (after DNS), and redirects may not cross.
enum class Trust { kOperator, kUntrusted };

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string secret_header;            // "Authorization: Bearer …": dropped when a redirect leaves the host
  std::string body;
  Trust trust = Trust::kUntrusted;
  int redirects_max = 5;
  uint64_t bytes_max = 64u << 20;       // of the response body; past it the request fails
  int64_t connect_timeout_ms = 10'000;
  int64_t stall_timeout_ms = 60'000;    // no byte for so long
};

struct Response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;                                          // empty where on_body took it
  std::string final_url;
};

class Client {
 public:
  static std::unique_ptr<Client> make();
  virtual ~Client() = default;
  // Blocks. `on_body` (optional) receives the body of a 2xx answer piece by piece and may stop by returning false.
  // The context's cancel flag and deadline end it. THREADS: safe.
  virtual Result<Response> fetch(const Context& context, const Request& request,
                                 const std::function<bool(std::string_view)>& on_body = nullptr) = 0;
};

}  // namespace strata::egress
