// The checks that every request passes before a handler sees it, so that a web page elsewhere can neither read nor change anything.
//
// Attack → check
//   DNS rebinding (evil.example resolves to 127.0.0.1)           the Host name must be on the list
//   form post, fetch, image, script tag from another site        Origin must equal Host; Sec-Fetch-Site must be same-origin or none
//   "simple" post with text/plain from an old browser            a body must have a media type that the route asks for
//   sandboxed frame, data: page (Origin: null)                   refused
//   a link from another site to a page of ours                   allowed: a top-level GET navigation outside /v1 reads nothing
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "infra/http/refusal.h"

namespace strata::http {

// "localhost" and "8080" of "LocalHost:8080"; "[::1]" keeps its brackets. nullopt where it is not host[:port].
struct HostPort {
  std::string host;
  std::string port;   // empty where absent
};
std::optional<HostPort> parse_host(std::string_view text);

// Request needs its method, path and headers here. `hosts` in any case, beside the three loopback names.
std::optional<Refusal> check_origin(const Request& request, const std::vector<std::string>& hosts);

// 415 where the body's media type is none of the route's.
std::optional<Refusal> check_media_type(const Request& request, const RouteOptions& options);

}  // namespace strata::http
