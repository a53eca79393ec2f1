// The server, and what its tests ask it over real sockets on loopback.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "infra/http/http.h"
#include "infra/http/raw_client_for_test.h"

namespace strata::http::testing {

inline Response error_response(const Error& error) {
  return {.status = 418, .body = "{\"code\":\"" + std::string(code_name(error.code)) + "\",\"reason\":\"" + error.reason + "\"}"};
}

// Waits for a condition that another thread brings about; a minute is "never".
template <class F>
bool eventually(F condition) {
  for (int i = 0; i < 6000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

class HttpServer : public ::testing::Test {
 protected:
  void listen(Options options = {}) {
    auto made = Server::listen(options);
    ASSERT_TRUE(made) << made.error().message;
    server = std::move(*made);
    server->set_error_writer(error_response);
    server->set_observer([this](const Access& access) {
      std::lock_guard lock(mutex);
      accesses.push_back(access);
    });
    server->route("GET", "/hello", [](const Context&, const Request& request, auto responder) {
      responder->send({.content_type = "text/plain", .body = "hello " + std::string(request.parameter("name"))});
    });
    server->route("POST", "/echo",
                  [](const Context&, const Request& request, auto responder) { responder->send({.content_type = "text/plain", .body = request.body}); });
    server->route("GET", "/livez", [](const Context&, const Request&, auto responder) { responder->send({.body = "{}"}); }, {.health = true});
  }
  std::string get(std::string path, std::string more = "") { return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n"; }
  std::string post(std::string path, std::string body, std::string type = "application/json") {
    return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  RawClient::Answer ask(const std::string& request, bool head_only = false) {
    RawClient client(server->port());
    client.send(request);
    return client.read_answer(head_only);
  }
  std::mutex mutex;
  std::vector<Access> accesses;
  std::unique_ptr<Server> server;   // last: it is stopped before the rest goes
};

}  // namespace strata::http::testing
