// infra/http: the HTTP/1.1 server. Boost.Beast and Asio live in this folder and nowhere else.
//
// One I/O thread runs the sockets with callbacks; a handler is called on a bounded pool of blocking workers (a full pool is a 503
// with Retry-After), gets a whole Request, and answers once, or streams: it may keep the Responder and write from any thread.
// Every request passes the Host, Origin and Sec-Fetch-Site checks (guard.h) before a handler sees it.
//
// What the server answers by itself, always in the error writer's shape: 400 (malformed, two Hosts, bad escapes), 403 (Host, Origin,
// Sec-Fetch-Site), 404 (no such route), 405 (with Allow), 408 (request too slow), 413 and 431 (too large), 415 (body of another type),
// 500 (handler threw, or dropped its Responder), 503 (pool, connection or body memory limit, with Retry-After: 1). Code and reason are in the
// Error; the status is set by the server whatever the writer's table says.
// Every answer carries x-request-id (the Context's request id), x-trace-id (where the request is traced), x-content-type-options: nosniff, cross-origin-resource-policy:
// same-origin and cache-control: no-store, the last two unless the handler sets its own.
// Not offered: TLS and HTTP/2 (a reverse proxy's work), CORS, request trailers, absolute-form targets.
// A client that shuts down its sending side has hung up: half-closed connections are not served.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/context.h"
#include "base/span.h"
#include "base/status.h"

namespace strata::http {

struct Header {
  std::string name;  // lower case in requests
  std::string value;
};

struct Request {
  std::string method;  // "GET"; a HEAD request reaches its GET handler as "HEAD"
  std::string path;  // decoded, without the query: "/v1/files/file_abc". Never normalized: ".." is a name
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::vector<Header> headers;
  std::string body;
  std::vector<std::string> captures;  // of the route's {} segments, in order, decoded (may hold '/', from %2F)
  std::string peer;  // address of the connection

  std::string_view header(std::string_view lower_case_name) const;  // empty where absent
  std::string_view parameter(std::string_view name) const;  // of the query; empty where absent
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  // Names that are not tokens are dropped, control characters in values become spaces: nothing can be injected. The server sets
  // content-length, transfer-encoding, connection and date itself and ignores them here.
  std::vector<Header> headers;
  std::string body;
};

// Where an answer goes. Exactly one of send() or begin_stream()…end(). All calls are safe from any thread and never block.
// Dropping the last reference without an answer sends a 500: nothing is ever closed silently. Dropping it in mid-stream cuts the
// connection, so that the client sees an incomplete body instead of a whole one.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void send(Response response) = 0;
  // Chunked body; `head.body` is its first piece. After it, write() any number of times and end() once.
  virtual void begin_stream(Response head) = 0;
  // False once the client is gone or too slow (its unsent bytes passed the limit): stop producing. Also false for HEAD.
  virtual bool write(std::string bytes) = 0;
  virtual void end() = 0;
  // For streams that write at their reader's pace and end when it leaves; after begin_stream(). Called when all that was written has been
  // handed to the kernel, and when the client is gone, also where it is already. On any thread, without a lock of ours; must not block.
  // It is not kept after the end.
  virtual void on_ready(std::function<void()> watcher) = 0;
};

// The context is cancelled as soon as the client disconnects. The Request lives as long as the Responder.
// A handler must return soon after its context is cancelled: Server::stop() waits for it.
using Handler = std::function<void(const Context&, const Request&, std::shared_ptr<Responder>)>;

struct RouteOptions {
  // Media types that a request body may have; any other, or none, is a 415. A request without a body needs none.
  std::vector<std::string> content_types = {"application/json"};
  size_t body_bytes_max = 0;  // 0: the server's
  // Answered on the I/O thread, without filter and pool, so that it works when the pool is full: for /livez. Must not block.
  bool health = false;
  bool traced = true;  // begins a trace, or continues the one of its traceparent header, where there is a span sink
};

// One finished request, for metrics. Called from the I/O thread; must not block.
struct Access {
  std::string method;
  std::string route;  // the pattern, or empty where none matched: a bounded label
  int status = 0;  // 499: the client left before an answer began
  double ms = 0;  // head parsed → last byte handed to the kernel
  uint64_t bytes_sent = 0;
};

struct Options {
  std::string address = "127.0.0.1";
  int port = 0;  // 0: any free one; see Server::port()
  std::vector<std::string> hosts;  // allowed Host names beside localhost, 127.0.0.1, [::1] (any port)
  size_t body_bytes_max = 64u << 20;
  size_t bodies_bytes_max = 512u << 20;  // of all requests read or worked on at once; past it a 503
  size_t header_bytes_max = 32u << 10;
  size_t connections_max = 1024;
  int64_t header_timeout_ms = 10'000;  // first byte (or connect) → end of the head
  int64_t body_timeout_ms = 60'000;  // grows by one second per 16 KiB received: a slow link is fine, a drip is not
  int64_t idle_timeout_ms = 75'000;  // keep-alive
  size_t unsent_bytes_max = 4u << 20;  // per connection: past it a streaming client is too slow
  int64_t stalled_write_ms = 30'000;  // no byte accepted for so long: closed
  int64_t ping_ms = 15'000;  // an SSE comment in a silent event stream
  int workers = 16;  // blocking handler threads
  size_t worker_queue_max = 256;
};

class Server {
 public:
  // kUnavailable where the address cannot be bound, kInvalidArgument where it is not an IP address.
  static Result<std::unique_ptr<Server>> listen(const Options& options);
  virtual ~Server() = default;  // stops, without draining
  // Before start(). `pattern`: "/v1/files/{}" ({} is one segment, not empty; a trailing {*} the rest, maybe empty). The most literal
  // pattern wins, compared from the left. A GET route answers HEAD, every path answers OPTIONS (with Allow, without CORS).
  virtual void route(std::string method, std::string pattern, Handler handler, RouteOptions options) = 0;
  void route(std::string method, std::string pattern, Handler handler) { route(std::move(method), std::move(pattern), std::move(handler), RouteOptions{}); }
  // Called on the worker before the handler; an error answers the request: for authentication.
  using Filter = std::function<Result<Principal>(const Request&)>;
  virtual void set_filter(Filter filter) = 0;
  // How an Error becomes a response (the API's error shape). REQUIRED before start(). THREADS: called from any; must not block.
  virtual void set_error_writer(std::function<Response(const Error&)> writer) = 0;
  virtual void set_observer(std::function<void(const Access&)> observer) = 0;
  // Where requests' spans go: the root of each trace is the request, from its head to its last byte, and its Context carries it. A GET
  // that went well within a second without any work below it leaves no trace: pages that poll would bury all else.
  virtual void set_span_sink(std::shared_ptr<SpanSink> sink) = 0;
  virtual void start() = 0;
  virtual int port() const = 0;
  // Stops accepting, lets running requests end for at most `drain_ms`, then cancels them, waits for the handlers and returns.
  // Responders that outlive it are harmless: write() returns false. Idempotent.
  virtual void stop(int64_t drain_ms) = 0;
};

// One part of a multipart/form-data body (RFC 7578).
struct Part {
  std::string name;
  std::string filename;  // as sent, without any path before it; empty where the part is no file
  std::string content_type;  // "text/plain" where the part does not say
  std::string_view data;  // a view into the body
  bool is_file = false;  // has a filename parameter
};
// `content_type` is the request's header with its boundary. At most 64 parts of 8 KiB of headers each; everything else that is
// not exactly the format is kInvalidArgument.
Result<std::vector<Part>> parse_multipart(std::string_view content_type, std::string_view body);

// "application/json" of "Application/JSON; charset=utf-8".
std::string media_type(std::string_view content_type);

}  // namespace strata::http
