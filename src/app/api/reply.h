// How the API answers: errors in the OpenAI shape with all four keys, JSON bodies, server-sent events, list pages.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/api/params.h"
#include "base/json.h"
#include "base/status.h"
#include "infra/http/http.h"

namespace strata::api {

int http_status(const Error& error);
// {"error": {"message", "type", "param", "code"}}: all four keys always there.
Json error_json(const Error& error);
http::Response error_response(const Error& error);

http::Response json_response(const Json& json, const std::vector<std::string>& without_effect = {}, int status = 200);
void send(http::Responder& responder, const Result<Json>& result);

// "data: {...}\n\n", with "event: NAME" before it where a name is given.
std::string sse(const Json& json, std::string_view event = "");
http::Response sse_head(const std::vector<std::string>& without_effect = {});

// OpenAI's list object. `items` holds at most limit + 1 objects: the one too many says has_more.
struct Page {
  int limit = 20;
  std::string after;
  bool ascending = false;
};
Result<Page> parse_page(const http::Request& request, int limit_default = 20, int limit_most = 100);
Json list_json(Json::Array items, int limit);

int64_t seconds_of(int64_t unix_ms);

}  // namespace strata::api
