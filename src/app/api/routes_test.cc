// Every route that the program answers is in /openapi.json, and nothing else is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <set>

#include "app/api/api.h"
#include "app/api/mcp.h"
#include "app/api/openapi.h"
#include "app/api/predictors.h"
#include "app/api/tools.h"

namespace strata::api {
namespace {

using testing::IsEmpty;

class RouteList : public http::Server {
 public:
  std::set<std::string> routes;   // "GET /v1/models/{}"
  void route(std::string method, std::string pattern, http::Handler, http::RouteOptions) override { routes.insert(method + " " + pattern); }
  void set_filter(Filter) override {}
  void set_error_writer(std::function<http::Response(const Error&)>) override {}
  void set_observer(std::function<void(const http::Access&)>) override {}
  void set_span_sink(std::shared_ptr<SpanSink>) override {}
  void start() override {}
  int port() const override { return 0; }
  void stop(int64_t) override {}
};

std::string without_names(std::string_view path) {
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    out += path[i];
    if (path[i] == '{') i = path.find('}', i) - 1;
  }
  return out;
}

std::set<std::string> less(const std::set<std::string>& from, const std::set<std::string>& these) {
  std::set<std::string> out;
  std::set_difference(from.begin(), from.end(), these.begin(), these.end(), std::inserter(out, out.end()));
  return out;
}

std::set<std::string> registered() {
  RouteList list;
  Services services;
  add_routes(list, services);
  alignas(std::max_align_t) static unsigned char nobody[sizeof(void*)];   // handlers keep the reference; none is called here
  add_tool_routes(list, reinterpret_cast<tool::Tools&>(nobody));
  add_mcp_route(list, reinterpret_cast<mcp::Host&>(nobody));
  add_mcp_server_routes(list, reinterpret_cast<mcp::Servers&>(nobody), "");
  add_predictor_routes(list, reinterpret_cast<predict::Predictors&>(nobody), reinterpret_cast<catalog::Catalog&>(nobody));
  list.routes.erase("GET /{*}");   // the web app's pages
  return list.routes;
}

TEST(OpenApi, HasEveryRouteThatIsRegisteredAndNoOther) {
  const Json document = openapi_document("0");
  std::set<std::string> described;
  for (auto& [path, methods] : *document["paths"].as_object())
    for (auto& [method, operation] : *methods.as_object()) {
      std::string upper;
      for (char c : method) upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      EXPECT_TRUE(described.insert(upper + " " + without_names(path)).second) << path << " is described twice";
      EXPECT_FALSE(operation["summary"].as_string()->empty()) << path;
    }
  EXPECT_THAT(less(registered(), described), IsEmpty()) << "add these to kOperations in openapi.cc, with their fields";
  EXPECT_THAT(less(described, registered()), IsEmpty()) << "these are described and not there";
}

TEST(OpenApi, ABodyIsDescribedWhereverFieldsAreDeclared) {
  // Without a body of JSON: an upload, and what is only told to happen.
  const std::set<std::string> kNone = {"POST /v1/files",
                                       "POST /v1/batches/{}/cancel",
                                       "POST /strata/v1/hooks/{}",   // whatever its sender sends
                                       "POST /strata/v1/jobs/{}/cancel",
                                       "POST /strata/v1/jobs/{}/retry",
                                       "POST /strata/v1/updates/{}/reset",
                                       "POST /strata/v1/updates/{}/sent",
                                       "POST /mcp",                  // a JSON-RPC message
                                       "POST /strata/v1/mcp/servers/{}/refresh",
                                       "POST /strata/v1/mcp/reload",
                                       "POST /strata/v1/calibration"};
  const Json document = openapi_document("0");
  for (auto& [path, methods] : *document["paths"].as_object())
    for (auto& [method, operation] : *methods.as_object()) {
      const bool takes = method == "post" || method == "put" || method == "patch";
      const std::string upper = method == "post" ? "POST" : method == "put" ? "PUT" : "PATCH";
      if (takes && !kNone.count(upper + " " + without_names(path))) {
        EXPECT_TRUE(operation["requestBody"].is_object()) << upper << " " << path;
      }
    }
}

}  // namespace
}  // namespace strata::api
