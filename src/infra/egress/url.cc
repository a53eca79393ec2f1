#include "infra/egress/url.h"

#include <curl/curl.h>

#include <memory>

#include "base/text.h"

namespace strata::egress {
namespace {

using Handle = std::unique_ptr<CURLU, void (*)(CURLU*)>;

// The part, or empty where there is none.
std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return "";
  std::string out = text;
  curl_free(text);
  return out;
}

Result<Url> read(CURLU* url) {
  Url out;
  out.scheme = ascii_lower(part(url, CURLUPART_SCHEME));
  if (out.scheme != "http" && out.scheme != "https") return invalid_argument("expected an http or https URL", "url");
  if (!part(url, CURLUPART_USER).empty() || !part(url, CURLUPART_PASSWORD).empty())
    return invalid_argument("a URL may hold no user name or password; give the secret as a header", "url");
  curl_url_set(url, CURLUPART_FRAGMENT, nullptr, 0);
  out.host = ascii_lower(part(url, CURLUPART_HOST));
  out.port = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  out.text = part(url, CURLUPART_URL);
  if (out.host.empty() || out.text.empty()) return invalid_argument("the URL has no host", "url");
  return out;
}

Result<Url> parse(CURLU* url, const std::string& text) {
  for (unsigned char c : text)
    if (c <= 0x20 || c == 0x7f) return invalid_argument("the URL holds a space or control character", "url");
  CURLUcode code = curl_url_set(url, CURLUPART_URL, text.c_str(), 0);
  if (code != CURLUE_OK) return invalid_argument(std::string("not a usable URL: ") + curl_url_strerror(code), "url");
  return read(url);
}

}  // namespace

Result<Url> parse_url(const std::string& text) {
  Handle url(curl_url(), curl_url_cleanup);
  return parse(url.get(), text);
}

Result<Url> resolve_url(const Url& base, const std::string& location) {
  Handle url(curl_url(), curl_url_cleanup);
  TRY(parse(url.get(), base.text));
  return parse(url.get(), location);
}

}  // namespace strata::egress
