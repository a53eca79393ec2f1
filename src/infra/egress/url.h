// URLs as the client sees them: parsed by libcurl's own parser, so that what is checked is what is fetched.
#pragma once

#include <string>

#include "base/status.h"

namespace strata::egress {

struct Url {
  std::string text;     // as given, scheme in lower case, without fragment
  std::string scheme;   // "http" or "https"
  std::string host;     // lower case; IPv4 in dotted form whatever form it came in; IPv6 in brackets
  std::string port;     // always there
  bool same_origin(const Url& other) const { return scheme == other.scheme && host == other.host && port == other.port; }
};

// kInvalidArgument for another scheme, a user name or password, or what is no URL.
Result<Url> parse_url(const std::string& text);
// A Location header, absolute or relative to `base`.
Result<Url> resolve_url(const Url& base, const std::string& location);

}  // namespace strata::egress
