#include "infra/http/guard.h"

#include <algorithm>

#include "base/text.h"

namespace strata::http {
namespace {

Refusal refuse(int status, std::string message, std::string reason) {
  Error error = status == 403 ? permission_denied(std::move(message)) : invalid_argument(std::move(message));
  error.reason = std::move(reason);
  return {status, std::move(error), {}};
}

size_t count(const Request& request, std::string_view name) {
  return static_cast<size_t>(std::count_if(request.headers.begin(), request.headers.end(), [&](auto& h) { return h.name == name; }));
}

bool allowed_host(std::string_view host, const std::vector<std::string>& hosts) {
  if (host == "localhost" || host == "127.0.0.1" || host == "[::1]") return true;
  return std::any_of(hosts.begin(), hosts.end(), [&](auto& name) { return ascii_lower(name) == host; });
}

// The same place by name and port, a scheme's own port being the same as none.
bool same_authority(const HostPort& origin, const HostPort& host, std::string_view default_port) {
  auto port = [&](const HostPort& place) { return place.port.empty() ? default_port : std::string_view(place.port); };
  return origin.host == host.host && port(origin) == port(host);
}

bool origin_is_host(std::string_view origin, const HostPort& host) {
  std::string_view scheme_http = "http://", scheme_https = "https://";
  if (starts_with_ignoring_case(origin, scheme_http)) {
    auto place = parse_host(origin.substr(scheme_http.size()));
    return place && same_authority(*place, host, "80");
  }
  if (starts_with_ignoring_case(origin, scheme_https)) {   // behind a TLS proxy
    auto place = parse_host(origin.substr(scheme_https.size()));
    return place && same_authority(*place, host, "443");
  }
  return false;
}

bool is_page_navigation(const Request& request) {
  bool api = request.path == "/v1" || request.path.rfind("/v1/", 0) == 0;
  auto destination = request.header("sec-fetch-dest");
  return !api && (request.method == "GET" || request.method == "HEAD") && request.header("sec-fetch-mode") == "navigate" &&
         (destination.empty() || destination == "document");
}

}  // namespace

std::optional<HostPort> parse_host(std::string_view text) {
  HostPort out;
  size_t end;
  if (!text.empty() && text[0] == '[') {
    end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    ++end;
    if (text.substr(1, end - 2).find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return std::nullopt;
  } else {
    end = std::min(text.find(':'), text.size());
    for (unsigned char c : text.substr(0, end))
      if (!(std::isalnum(c) || c == '.' || c == '-' || c == '_')) return std::nullopt;
  }
  if (end == 0) return std::nullopt;
  out.host = ascii_lower(text.substr(0, end));
  if (end == text.size()) return out;
  std::string_view port = text.substr(end + 1);
  if (text[end] != ':' || port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  out.port = std::string(port);
  return out;
}

std::optional<Refusal> check_origin(const Request& request, const std::vector<std::string>& hosts) {
  if (count(request, "host") != 1) return refuse(400, "expected exactly one Host header", "bad_host");
  auto host = parse_host(request.header("host"));
  if (!host) return refuse(400, "the Host header is not a host name with an optional port", "bad_host");
  if (!allowed_host(host->host, hosts))
    return refuse(403, "the Host \"" + host->host + "\" is not one that this server answers to; add it to the allowed hosts", "host_not_allowed");
  if (count(request, "origin") > 1 || count(request, "sec-fetch-site") > 1)
    return refuse(400, "expected at most one Origin and one Sec-Fetch-Site header", "bad_origin");
  if (count(request, "origin") == 1 && !origin_is_host(request.header("origin"), *host))
    return refuse(403, "requests from pages of another origin are not allowed", "origin_not_allowed");
  auto site = request.header("sec-fetch-site");
  if (count(request, "sec-fetch-site") == 0 || site == "same-origin" || site == "none") return std::nullopt;
  if ((site == "same-site" || site == "cross-site") && is_page_navigation(request)) return std::nullopt;
  return refuse(403, "requests that another site starts are not allowed", "origin_not_allowed");
}

std::optional<Refusal> check_media_type(const Request& request, const RouteOptions& options) {
  std::string type = media_type(request.header("content-type"));
  if (count(request, "content-type") <= 1)
    for (auto& accepted : options.content_types)
      if (type == accepted) return std::nullopt;
  std::string expected;
  for (auto& accepted : options.content_types) expected += (expected.empty() ? "" : " or ") + accepted;
  return refuse(415, "expected a body with Content-Type " + expected + ", got " + (type.empty() ? "none" : "\"" + type + "\""), "unsupported_media_type");
}

}  // namespace strata::http
