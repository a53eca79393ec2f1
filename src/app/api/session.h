// Who asks, in local mode. Programs on this machine (no browser headers) are the local administrator; a browser must carry the web
// app's per-install session cookie, which only a page of this server can have been given: SameSite=Strict, HttpOnly.
#pragma once

#include <string>

#include "infra/http/http.h"

namespace strata::api {

inline constexpr std::string_view kSessionCookie = "strata_session";

http::Server::Filter session_filter(std::string token);
std::string session_cookie_header(const std::string& token);

}  // namespace strata::api
