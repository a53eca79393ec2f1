// One client's socket, on the I/O thread: reads a request, hands it on, carries the answer away, and starts again.
//
//   kIdle → kHead → kBody → kWorking → kIdle (keep-alive) or kLinger → kClosed
//
// A read is outstanding in every phase: while a handler works it is the watch that notices the client's leaving. What a client sends
// ahead (pipelining) waits, up to a limit. Time limits are checked by tick(), which the server calls ten times a second.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "infra/http/exchange.h"
#include "infra/http/request_reader.h"
#include "infra/http/router.h"
#include "infra/http/worker_pool.h"

namespace strata::http {

class Connection;

// The way into the I/O thread for other threads; shut before the io_context goes.
class Mailbox {
 public:
  explicit Mailbox(boost::asio::io_context& io) : io_(&io) {}
  void post(std::function<void()> job);
  void shut();

 private:
  std::mutex mutex_;
  boost::asio::io_context* io_;
};

// What connections need of their server. Outlives them.
struct Core {
  Options options;
  Router router;
  Server::Filter filter;
  std::function<void(const Access&)> observer;
  std::shared_ptr<SpanSink> spans;
  std::shared_ptr<ExchangeRules> rules = std::make_shared<ExchangeRules>();
  std::shared_ptr<Mailbox> mailbox;
  std::unique_ptr<WorkerPool> pool;
  std::set<std::shared_ptr<Connection>> live;   // I/O thread
  uint64_t bodies_bytes = 0;                    // held by all of them; I/O thread
  std::function<void()> on_calm;                // a connection became idle or closed; I/O thread
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Core& core, boost::asio::ip::tcp::socket socket, std::string peer);

  void start();
  void start_refused();           // answers 503 and leaves
  void tick(int64_t now_ns);
  void close_if_idle();
  void cancel();                  // raises the flag of what runs
  void close();
  bool busy() const { return phase_ == Phase::kBody || phase_ == Phase::kWorking; }

 private:
  enum class Phase { kIdle, kHead, kBody, kWorking, kLinger, kClosed };

  void read();
  void on_bytes(size_t count);
  void process();
  void on_head();
  std::optional<Refusal> examine_head();
  void dispatch();
  void run_on_worker();
  void refuse(Refusal refusal);
  void refuse_busy(std::string message, std::string reason);   // 503, Retry-After: 1
  bool hold_body();               // counts what the body has grown by; false where all bodies together are too much
  void release_body();
  std::shared_ptr<Exchange> make_exchange();
  void flush();
  void write_some();
  void finish();
  void record(int status);
  void begin_span();
  void end_span(int status, double ms);
  void linger();

  Core& core_;
  boost::asio::ip::tcp::socket socket_;
  const std::string peer_;
  Phase phase_ = Phase::kIdle;
  int64_t deadline_ns_ = 0;         // of kIdle, kHead, kBody, kLinger
  int64_t write_progress_ns_ = 0;
  bool body_unread_ = false;        // refused before the body was read: the connection cannot go on
  bool writing_ = false;
  uint64_t body_held_ = 0;          // of core_.bodies_bytes
  uint64_t bytes_sent_ = 0;
  std::array<char, 32768> buffer_;
  std::string in_;
  std::string allow_;               // of the path being asked for
  std::string out_;
  size_t out_at_ = 0;
  std::unique_ptr<RequestReader> reader_;
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace strata::http
