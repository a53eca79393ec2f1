#include "infra/http/router.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace strata::http {
namespace {

int looseness(const std::string& segment) { return segment == "{*}" ? 2 : segment == "{}" ? 1 : 0; }

bool more_literal(const Route& a, const Route& b) {
  return std::lexicographical_compare(a.segments.begin(), a.segments.end(), b.segments.begin(), b.segments.end(),
                                      [](auto& x, auto& y) { return looseness(x) < looseness(y); });
}

bool fits(const Route& route, const std::vector<std::string>& segments, std::vector<std::string>* captures) {
  captures->clear();
  for (size_t i = 0; i < route.segments.size(); ++i) {
    const std::string& expected = route.segments[i];
    if (expected == "{*}") {
      std::string rest;
      for (size_t j = i; j < segments.size(); ++j) rest += (j == i ? "" : "/") + segments[j];
      captures->push_back(std::move(rest));
      return true;
    }
    if (i >= segments.size()) return false;
    if (expected == "{}") {
      if (segments[i].empty()) return false;
      captures->push_back(segments[i]);
    } else if (expected != segments[i]) {
      return false;
    }
  }
  return segments.size() == route.segments.size();
}

}  // namespace

void Router::add(std::string method, std::string pattern, Handler handler, RouteOptions options) {
  CHECK(!pattern.empty() && pattern[0] == '/');
  Route route{std::move(method), pattern, {}, std::move(handler), std::move(options)};
  for (auto segment : split(std::string_view(pattern).substr(1), '/')) route.segments.emplace_back(segment);
  for (size_t i = 0; i + 1 < route.segments.size(); ++i) CHECK(route.segments[i] != "{*}");
  auto at = std::find_if(routes_.begin(), routes_.end(), [&](const Route& there) { return more_literal(route, there); });
  routes_.insert(at, std::move(route));
}

Router::Match Router::find(std::string_view method, const std::vector<std::string>& segments) const {
  Match match;
  std::vector<std::string> captures;
  for (auto& route : routes_) {
    if (!fits(route, segments, &captures)) continue;
    if (route.segments.back() != "{*}") {   // WHY: a catch-all page must not turn every unknown path into a 405
      match.allowed.push_back(route.method);
      if (route.method == "GET") match.allowed.push_back("HEAD");
    }
    if (match.route || (route.method != method && !(method == "HEAD" && route.method == "GET"))) continue;
    match.route = &route;
    match.captures = captures;
  }
  if (!match.allowed.empty()) match.allowed.push_back("OPTIONS");
  std::sort(match.allowed.begin(), match.allowed.end());
  match.allowed.erase(std::unique(match.allowed.begin(), match.allowed.end()), match.allowed.end());
  return match;
}

}  // namespace strata::http
