#include "infra/egress/egress.h"

#include <curl/curl.h>

#include <algorithm>
#include <mutex>

#include "base/text.h"
#include "infra/egress/transfer.h"

namespace strata::egress {
namespace {

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool is_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

// The request must mean on the wire what it says here: no line ends in header values.
Status check_request(const Request& request) {
  if (!is_token(request.method)) return invalid_argument("the method is not a token", "method");
  for (auto& [name, value] : request.headers)
    if (!is_token(name) || !is_line(value)) return invalid_argument("the header \"" + utf8_repaired(name) + "\" is not valid", "headers");
  size_t colon = request.secret_header.find(':');
  if (!request.secret_header.empty() && (colon == std::string::npos || !is_token(request.secret_header.substr(0, colon)) || !is_line(request.secret_header)))
    return invalid_argument("the secret header is not \"Name: value\" on one line", "secret_header");
  return {};
}

bool proxy_configured() {
  for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
    if (const char* value = std::getenv(name); value && *value) return true;
  return false;
}

std::string header_of(const Response& response, std::string_view name) {
  for (auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

// The next hop after a redirect, or why it is not taken.
Result<Hop> follow(const Request& request, const Hop& hop, const HopResult& result, const Url& start) {
  TRY_ASSIGN(Url next, resolve_url(hop.url, header_of(result.response, "location")));
  Error refusal = permission_denied("");
  refusal.reason = "redirect_not_allowed";
  auto refuse = [&](const std::string& why) {
    refusal.message = hop.url.host + " redirects to " + next.scheme + "://" + next.host + ": " + why;
    return refusal;
  };
  Hop out{next, hop.method, hop.with_body};
  int status = result.response.status;
  if (status == 303 ? hop.method != "HEAD" : (status <= 302 && hop.method == "POST")) out.method = "GET", out.with_body = false;
  out.foreign = hop.foreign || !next.same_origin(start);
  out.with_secret = hop.with_secret && next.same_origin(hop.url);
  if (hop.url.scheme == "https" && next.scheme == "http" && !request.secret_header.empty())
    return refuse("a request with a secret does not go on without encryption");
  if (out.with_body && !next.same_origin(hop.url)) return refuse("the request's body was meant for the first server only");
  // Behind a proxy the connected address says nothing about the target, so a target given by number is judged by that number.
  if (auto literal = place_of(next.host); literal && request.trust == Trust::kOperator && proxy_configured() && *literal != Place::kPublic)
    return refuse("it is not a public address");
  out.previous = result.place.value_or(Place::kPublic);
  return out;
}

class CurlClient : public Client {
 public:
  Result<Response> fetch(const Context& context, const Request& request, const std::function<bool(std::string_view)>& on_body) override {
    TRY(context.check());
    TRY(check_request(request));
    TRY_ASSIGN(Url start, parse_url(request.url));
    Hop hop{start, request.method, !request.body.empty() || request.method == "POST" || request.method == "PUT", true};
    for (int redirects = 0;; ++redirects) {
      hop.may_redirect = request.redirects_max > 0;
      TRY_ASSIGN(HopResult result, transfer(context, request, hop, on_body));
      bool moves = is_redirect(result.response.status) && !header_of(result.response, "location").empty();
      if (!moves || request.redirects_max <= 0) return std::move(result.response);
      if (redirects == request.redirects_max) {
        Error error = unavailable(start.host + " redirects more than " + std::to_string(request.redirects_max) + " times");
        error.reason = "redirect_loop";
        return error;
      }
      TRY_ASSIGN(hop, follow(request, hop, result, start));
    }
  }
};

}  // namespace

std::unique_ptr<Client> Client::make() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  return std::make_unique<CurlClient>();
}

}  // namespace strata::egress
