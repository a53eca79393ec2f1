// The web app: the bundle that is embedded in the program, one page for every path that is no file of it.
#include "app/api/api.h"
#include "app/api/reply.h"
#include "app/api/session.h"
#include "app/bundle.h"

namespace strata::api {
namespace {

// No remote anything: rendered Markdown must not leak by an image or a style.
constexpr const char* kPolicy = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

std::string_view content_type(std::string_view path) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {{".html", "text/html; charset=utf-8"},
                                                                             {".js", "text/javascript; charset=utf-8"},
                                                                             {".css", "text/css; charset=utf-8"},
                                                                             {".svg", "image/svg+xml"},
                                                                             {".png", "image/png"},
                                                                             {".json", "application/json"},
                                                                             {".woff2", "font/woff2"},
                                                                             {".ico", "image/x-icon"}};
  for (auto& [ending, type] : kTypes)
    if (path.ends_with(ending)) return type;
  return "application/octet-stream";
}

http::Response file_response(const app::BundleFile& file) {
  http::Response response;
  response.content_type = content_type(file.path);
  response.headers = {{"content-security-policy", kPolicy},
                      {"x-content-type-options", "nosniff"},
                      {"referrer-policy", "no-referrer"},
                      {"cross-origin-opener-policy", "same-origin"},
                      {"cross-origin-resource-policy", "same-origin"}};
  bool hashed = file.path.starts_with("assets/");  // the name changes with the content
  response.headers.push_back({"cache-control", hashed ? "public, max-age=31536000, immutable" : "no-cache"});
  response.body = std::string(file.bytes);
  return response;
}

http::Response page(const Services& services, std::string_view path) {
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  if (auto* file = app::find_bundle_file(path)) return file_response(*file);
  if (path.starts_with("v1/") || path.starts_with("strata/") || path.starts_with("assets/"))
    return error_response(not_found("no such path: /" + std::string(path.substr(0, 200))));
  auto* index = app::find_bundle_file("index.html");
  if (!index) return error_response(not_found("this build carries no web app: build it with ./start"));
  http::Response response = file_response(*index);
  response.headers.push_back({"set-cookie", session_cookie_header(services.session_token)});
  return response;
}

}  // namespace

void add_web_routes(http::Server& server, Services& services) {
  server.route("GET", "/{*}", [&services](const Context&, const http::Request& request, std::shared_ptr<http::Responder> responder) {
    responder->send(page(services, request.path == "/" ? "" : request.path));
  });
}

}  // namespace strata::api
