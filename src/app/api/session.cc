#include "app/api/session.h"

#include "base/crypto.h"
#include "base/text.h"

namespace strata::api {
namespace {

// Not /mcp: its specification lets a page of the server's own origin in, which is held to Host and Origin like every other.
bool needs_session(const http::Request& request) {
  return request.path.starts_with("/v1/") || request.path.starts_with("/strata/") || request.path == "/metrics";
}

// A page's requests name their site or their origin. Sec-Fetch-Mode alone is what Node's fetch sends, so the SDKs of JavaScript, too.
bool from_browser(const http::Request& request) { return !request.header("sec-fetch-site").empty() || !request.header("origin").empty(); }

std::string_view cookie(const http::Request& request, std::string_view name) {
  for (std::string_view part : split(request.header("cookie"), ';')) {
    part = trim(part);
    size_t equals = part.find('=');
    if (equals != part.npos && part.substr(0, equals) == name) return part.substr(equals + 1);
  }
  return {};
}

}  // namespace

http::Server::Filter session_filter(std::string token) {
  return [token = std::move(token)](const http::Request& request) -> Result<Principal> {
    if (!needs_session(request) || !from_browser(request)) return Principal{};
    if (equal_in_constant_time(cookie(request, kSessionCookie), token)) return Principal{};
    return Error{Code::kUnauthenticated, "this page's session is not valid here: open the web app again from its own address", "", "invalid_session"};
  };
}

std::string session_cookie_header(const std::string& token) {
  return std::string(kSessionCookie) + "=" + token + "; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000";
}

}  // namespace strata::api
