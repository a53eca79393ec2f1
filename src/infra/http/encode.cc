#include "infra/http/encode.h"

#include <algorithm>
#include <ctime>

#include "base/log.h"
#include "base/text.h"

namespace strata::http {
namespace {

bool is_token(std::string_view name) {
  if (name.empty()) return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool server_owned(std::string_view lower) {
  return lower == "content-length" || lower == "transfer-encoding" || lower == "connection" || lower == "date" || lower == "content-type" ||
         lower == "x-request-id";
}

void add(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (unsigned char c : value) out += c < 0x20 || c == 0x7f ? ' ' : static_cast<char>(c);
  out += "\r\n";
}

std::string http_date(int64_t unix_ms) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::time_t seconds = unix_ms / 1000;
  std::tm time{};
  gmtime_r(&seconds, &time);
  char text[40];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[time.tm_wday], time.tm_mday, kMonths[time.tm_mon],
                (time.tm_year + 1900) % 10000, time.tm_hour, time.tm_min, time.tm_sec);
  return text;
}

}  // namespace

std::string_view status_text(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
  }
  return status < 400 ? "OK" : "Error";
}

bool status_has_body(int status) { return status >= 200 && status != 204 && status != 304; }

std::string encode_head(const Response& response, const Framing& framing, std::string_view request_id, std::string_view trace_id, int64_t unix_ms) {
  int status = response.status >= 200 && response.status <= 599 ? response.status : 500;
  std::string out = "HTTP/1.1 " + std::to_string(status) + " " + std::string(status_text(status)) + "\r\n";
  add(out, "Date", http_date(unix_ms));
  bool body = status_has_body(status);
  if (body && !response.content_type.empty()) add(out, "Content-Type", response.content_type);
  if (body && framing.chunked) add(out, "Transfer-Encoding", "chunked");
  else if (body && !framing.until_close) add(out, "Content-Length", std::to_string(framing.body_bytes));
  add(out, "Connection", framing.keep_alive ? "keep-alive" : "close");
  add(out, "X-Request-Id", request_id);
  if (!trace_id.empty()) add(out, "X-Trace-Id", trace_id);
  bool cache = false, policy = false, sniff = false;
  for (auto& header : response.headers) {
    std::string lower = ascii_lower(header.name);
    if (!is_token(header.name)) {
      log::error("http.header_dropped", {{"name", header.name}});
      continue;
    }
    if (server_owned(lower)) continue;
    cache |= lower == "cache-control";
    policy |= lower == "cross-origin-resource-policy";
    sniff |= lower == "x-content-type-options";
    add(out, header.name, header.value);
  }
  if (!sniff) add(out, "X-Content-Type-Options", "nosniff");
  if (!policy) add(out, "Cross-Origin-Resource-Policy", "same-origin");
  if (!cache) add(out, "Cache-Control", "no-store");
  out += "\r\n";
  return out;
}

std::string encode_chunk(std::string_view bytes) {
  if (bytes.empty()) return "";
  char size[20];
  int digits = std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  std::string out;
  out.reserve(bytes.size() + static_cast<size_t>(digits) + 2);
  out.append(size, static_cast<size_t>(digits));
  out += bytes;
  out += "\r\n";
  return out;
}

}  // namespace strata::http
