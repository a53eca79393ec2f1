// One request and its answer: the meeting point of the I/O thread (which reads the request and carries bytes away) and whoever answers.
//
// Answering sides append encoded bytes to `pending_` under a short lock and wake the connection; the connection takes them all at once.
// Invariants: (1) bytes are appended in the order of the calls; (2) after hang_up() nothing is appended and the cancel flag is up;
// (3) unsent_ = bytes appended and not yet accepted by the kernel.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "infra/http/http.h"
#include "infra/http/router.h"

namespace strata::http {

// What all exchanges of a server share, alive as long as any of them.
struct ExchangeRules {
  std::function<Response(const Error&)> error_writer;
  size_t unsent_bytes_max = 0;
  std::atomic<bool> draining{false};   // answers ask for the connection to be closed
};

class Exchange {
 public:
  // `wake` tells the connection that take() has something; called from any thread, without the lock.
  Exchange(std::shared_ptr<const ExchangeRules> rules, std::function<void()> wake);

  // Set by the I/O thread before the request is handed out, constant from then on.
  Request request;
  const Route* route = nullptr;
  bool keep_alive = false;
  bool http_1_0 = false;
  int64_t started_ns = 0;
  Span span;   // ended by the I/O thread; others only read what it belongs to
  const std::string& request_id() const { return request_id_; }
  const std::shared_ptr<CancelFlag>& cancel_flag() const { return cancel_; }

  // The answering side; any thread.
  void send(Response response);
  void begin_stream(Response head);
  bool write(std::string bytes);
  void end();
  void on_ready(std::function<void()> watcher);
  void dropped();   // the last Responder is gone

  // The connection's side; I/O thread.
  struct Output {
    std::string bytes;
    bool complete = false;   // nothing more will come
  };
  Output take();
  bool cut() const;        // close now, without finishing the body
  void interim(std::string_view bytes);   // a 1xx answer before the real one
  void sent(size_t bytes);
  void hang_up();
  // An SSE comment into an event stream that has been silent since `before_ns`, between two events.
  void ping(int64_t now_ns, int64_t before_ns);
  int status() const;          // 0 before an answer
  bool keeps_alive() const;    // the answer promised it

 private:
  enum class State { kOpen, kStreaming, kDone };
  bool open_head(const Response& response, bool stream);   // REQUIRES: lock held
  void append_body(std::string_view bytes);
  void finish_stream();

  const std::shared_ptr<const ExchangeRules> rules_;
  const std::function<void()> wake_;
  const std::string request_id_;
  const std::shared_ptr<CancelFlag> cancel_ = std::make_shared<CancelFlag>();

  mutable std::mutex mutex_;
  State state_ = State::kOpen;
  bool gone_ = false;
  bool cut_ = false;
  bool chunked_ = false;
  bool body_wanted_ = true;      // not for HEAD, 204, 304
  bool events_ = false;          // text/event-stream
  bool between_events_ = true;
  bool kept_alive_ = false;
  int status_ = 0;
  int64_t last_write_ns_ = 0;
  std::function<void()> ready_;   // called without the lock
  std::string pending_;
  size_t unsent_ = 0;
};

std::shared_ptr<Responder> make_responder(std::shared_ptr<Exchange> exchange);

}  // namespace strata::http
