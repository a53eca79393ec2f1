// Which handler a method and path belong to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "infra/http/http.h"

namespace strata::http {

struct Route {
  std::string method;
  std::string pattern;
  std::vector<std::string> segments;   // "{}" one segment, "{*}" the rest
  Handler handler;
  RouteOptions options;
};

class Router {
 public:
  void add(std::string method, std::string pattern, Handler handler, RouteOptions options);

  struct Match {
    const Route* route = nullptr;        // nullptr: none for this method
    std::vector<std::string> captures;
    std::vector<std::string> allowed;    // the methods of the best path, sorted; empty where the path is unknown
  };
  // Among the patterns that fit the path and have the method, the most literal from the left. A HEAD finds GET.
  Match find(std::string_view method, const std::vector<std::string>& segments) const;

 private:
  std::vector<Route> routes_;   // most literal first
};

}  // namespace strata::http
