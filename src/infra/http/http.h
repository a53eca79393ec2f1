// infra/http: the HTTP/1.1 server. Boost.Beast and Asio live in this folder and nowhere else.
//
// One I/O thread runs the sockets with callbacks; a handler is called on a bounded pool of blocking workers (a full pool is a 503
// with Retry-After), gets a whole Request, and answers once, or streams: it may keep the Responder and write from any thread.
// Every request passes the Host, Origin and Sec-Fetch-Site checks before a handler sees it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/context.h"
#include "base/status.h"

namespace strata::http {

struct Header {
  std::string name;   // lower case in requests
  std::string value;
};

struct Request {
  std::string method;                    // "GET"
  std::string path;                      // decoded, without the query: "/v1/files/file_abc"
  std::vector<std::pair<std::string, std::string>> query;   // decoded, in order
  std::vector<Header> headers;
  std::string body;
  std::vector<std::string> captures;     // of the route's {} segments, in order
  std::string peer;                      // address of the connection

  std::string_view header(std::string_view lower_case_name) const;  // empty where absent
  std::string_view parameter(std::string_view name) const;          // of the query; empty where absent
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<Header> headers;
  std::string body;
};

// Where an answer goes. Exactly one of send() or begin_stream()…end(). All calls are safe from any thread and never block.
// Dropping the last reference without an answer sends a 500: nothing is ever closed silently.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void send(Response response) = 0;
  // Chunked body; `head.body` is its first piece. After it, write() any number of times and end() once.
  virtual void begin_stream(Response head) = 0;
  // False once the client is gone or too slow (its unsent bytes passed the limit): stop producing.
  virtual bool write(std::string bytes) = 0;
  virtual void end() = 0;
};

// The context is cancelled as soon as the client disconnects.
using Handler = std::function<void(const Context&, const Request&, std::shared_ptr<Responder>)>;

struct Options {
  std::string address = "127.0.0.1";
  int port = 0;                                   // 0: any free one; see Server::port()
  std::vector<std::string> hosts;                 // allowed Host names beside localhost, 127.0.0.1, [::1] (any port)
  size_t body_bytes_max = 64u << 20;
  size_t header_bytes_max = 32u << 10;
  size_t connections_max = 1024;
  int64_t header_timeout_ms = 10'000;
  int64_t body_timeout_ms = 60'000;
  int64_t idle_timeout_ms = 75'000;               // keep-alive
  size_t unsent_bytes_max = 4u << 20;             // per connection: past it a streaming client is too slow
  int64_t stalled_write_ms = 30'000;              // no byte accepted for so long: closed
  int64_t ping_ms = 15'000;                       // an SSE comment in a silent event stream
  int workers = 16;                               // blocking handler threads
  size_t worker_queue_max = 256;
};

class Server {
 public:
  static Result<std::unique_ptr<Server>> listen(const Options& options);
  virtual ~Server() = default;
  // Before start(). `pattern`: "/v1/files/{}" ({} is one segment; a trailing {*} the rest). The most literal pattern wins.
  virtual void route(std::string method, std::string pattern, Handler handler) = 0;
  // Called on the worker before the handler; an error answers the request: for authentication.
  using Filter = std::function<Result<Principal>(const Request&)>;
  virtual void set_filter(Filter filter) = 0;
  // How an Error becomes a response (the API's error shape). REQUIRED before start().
  virtual void set_error_writer(std::function<Response(const Error&)> writer) = 0;
  virtual void start() = 0;
  virtual int port() const = 0;
  // Stops accepting, lets running requests end for at most `drain_ms`, then cancels them and returns.
  virtual void stop(int64_t drain_ms) = 0;
};

}  // namespace strata::http
