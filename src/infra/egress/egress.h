// infra/egress: the only HTTP client (libcurl lives here and nowhere else). Enforces a policy on the connected address.
//
// http and https only, certificates always checked, no cookies, no compression, one connection per hop. The policy (address.h) looks at
// the address that is connected to, after the name is resolved, so that names that change their answer and odd spellings
// (decimal, hexadecimal, IPv4 inside IPv6) gain nothing. Redirects are followed here, one by one:
//   - the policy applies to each; what an operator named may be anywhere, but a redirect of it stays in the same kind of place or is public;
//   - the secret header, and Authorization, Cookie and API key headers, stay behind when scheme, host or port change;
//   - a request with a secret never goes from https to http; a body never goes to another origin.
// Proxies come from the environment (http_proxy, https_proxy, all_proxy, no_proxy) for the operator's requests only: behind a proxy the
// connected address is the proxy's, so that the policy for the untrusted could not hold.
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

struct Response;

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
  // Optional: called once with status and headers of a 2xx answer, before the first byte of its body; false stops as on_body does.
  std::function<bool(const Response&)> on_head;
  std::function<bool()> give_up;        // optional, asked beside the context: true ends the request as cancelled
};

struct Response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;                                          // empty where on_body took it; of an error at most 64 KiB
  std::string final_url;
  bool stopped = false;                                      // on_body said so
};

class Client {
 public:
  static std::unique_ptr<Client> make();
  virtual ~Client() = default;
  // Blocks. `on_body` (optional) receives the body of a 2xx answer piece by piece and may stop by returning false.
  // The context's cancel flag and deadline end it, within about 50 ms. Any status is a Response. Errors: kUnavailable (reasons offline,
  // timeout, certificate, broken, redirect_loop), kPermissionDenied (address_not_allowed, redirect_not_allowed), kResourceExhausted
  // (too_large), kInvalidArgument, kCancelled, kDeadlineExceeded. No message holds more of a URL than its host. THREADS: safe.
  virtual Result<Response> fetch(const Context& context, const Request& request, const std::function<bool(std::string_view)>& on_body = nullptr) = 0;
};

}  // namespace strata::egress
