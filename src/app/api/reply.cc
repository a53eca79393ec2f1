#include "app/api/reply.h"

#include <charconv>

namespace strata::api {

int http_status(const Error& error) {
  if (error.reason == "payload_too_large") return 413;
  switch (error.code) {
    case Code::kCancelled: return 499;
    case Code::kInvalidArgument: return 400;
    case Code::kOutOfRange: return 400;
    case Code::kDeadlineExceeded: return 408;
    case Code::kNotFound: return 404;
    case Code::kAlreadyExists: return 409;
    case Code::kAborted: return 409;
    case Code::kFailedPrecondition: return 409;
    case Code::kPermissionDenied: return 403;
    case Code::kUnauthenticated: return 401;
    case Code::kResourceExhausted: return error.reason == "worker_pool_full" ? 503 : 429;
    case Code::kUnimplemented: return 501;
    case Code::kUnavailable: return 503;
    case Code::kInternal: return 500;
    case Code::kDataLoss: return 500;
  }
  return 500;
}

namespace {
std::string_view error_type(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 409: return "conflict_error";
    case 429: return "rate_limit_error";
    default: return status >= 500 ? "server_error" : "invalid_request_error";
  }
}
}  // namespace

Json error_json(const Error& error) {
  std::string code = error.reason.empty() ? std::string(code_name(error.code)) : error.reason;
  return Json::object({{"error", Json::object({{"message", error.message},
                                               {"type", error_type(http_status(error))},
                                               {"param", error.param.empty() ? Json() : Json(error.param)},
                                               {"code", code}})}});
}

http::Response error_response(const Error& error) {
  http::Response response;
  response.status = http_status(error);
  response.body = error_json(error).dump();
  if (response.status == 429 || response.status == 503) response.headers.push_back({"retry-after", "1"});
  return response;
}

namespace {
void name_without_effect(http::Response& response, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::string all;
  for (auto& name : names) all += (all.empty() ? "" : ", ") + name;
  response.headers.push_back({"x-strata-without-effect", all});
}
}  // namespace

http::Response json_response(const Json& json, const std::vector<std::string>& without_effect, int status) {
  http::Response response;
  response.status = status;
  response.body = json.dump();
  name_without_effect(response, without_effect);
  return response;
}

void send(http::Responder& responder, const Result<Json>& result) { responder.send(result ? json_response(*result) : error_response(result.error())); }

std::string sse(const Json& json, std::string_view event) {
  std::string out;
  if (!event.empty()) out += "event: " + std::string(event) + "\n";
  return out + "data: " + json.dump() + "\n\n";
}

http::Response sse_head(const std::vector<std::string>& without_effect) {
  http::Response response;
  response.content_type = "text/event-stream";
  response.headers.push_back({"cache-control", "no-store"});
  name_without_effect(response, without_effect);
  return response;
}

Result<Page> parse_page(const http::Request& request, int limit_default, int limit_most) {
  Page page;
  page.limit = limit_default;
  page.after = std::string(request.parameter("after"));
  for (auto& [name, value] : request.query)
    if (name == "before") return invalid_argument("before: going backwards is not supported: use after and order", "before", "unsupported_parameter");
  if (auto order = request.parameter("order"); !order.empty()) {
    if (order != "asc" && order != "desc") return invalid_argument("order: expected 'asc' or 'desc', got '" + std::string(order) + "'", "order");
    page.ascending = order == "asc";
  }
  if (auto limit = request.parameter("limit"); !limit.empty()) {
    auto [end, failure] = std::from_chars(limit.data(), limit.data() + limit.size(), page.limit);
    if (failure != std::errc() || end != limit.data() + limit.size() || page.limit < 1 || page.limit > limit_most)
      return invalid_argument("limit: expected 1 to " + std::to_string(limit_most) + ", got '" + std::string(limit) + "'", "limit");
  }
  return page;
}

Json list_json(Json::Array items, int limit) {
  bool more = items.size() > static_cast<size_t>(limit);
  if (more) items.resize(static_cast<size_t>(limit));
  Json first = items.empty() ? Json() : items.front()["id"], last = items.empty() ? Json() : items.back()["id"];
  return Json::object({{"object", "list"}, {"data", std::move(items)}, {"first_id", first}, {"last_id", last}, {"has_more", more}});
}

int64_t seconds_of(int64_t unix_ms) { return unix_ms / 1000; }

}  // namespace strata::api
