#include "infra/http/connection.h"

#include <boost/asio/post.hpp>

#include "base/clock.h"
#include "base/log.h"
#include "infra/http/guard.h"
#include "infra/http/target.h"

namespace strata::http {
namespace {

constexpr int64_t kMs = 1'000'000;
// Sent ahead while a request is answered. More than a browser or SDK ever sends; a flood is a reason to close.
constexpr size_t kPipelinedBytesMax = 64u << 10;
// How long a refused client may go on sending before it has read the refusal: closing at once would reset the connection, and the
// client would lose the answer.
constexpr int64_t kLingerMs = 2'000;
// A body that comes slower than this, beyond the time allowed, is a drip.
constexpr uint64_t kBodyBytesPerSecondMin = 16u << 10;

int64_t now_ns() { return system_clock().monotonic_ns(); }

// A read that went well and did nothing below it: not worth keeping, if it was this quick.
constexpr double kQuietMs = 1'000;

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace

void Mailbox::post(std::function<void()> job) {
  std::lock_guard lock(mutex_);
  if (io_) boost::asio::post(*io_, std::move(job));
}

void Mailbox::shut() {
  std::lock_guard lock(mutex_);
  io_ = nullptr;
}

Connection::Connection(Core& core, boost::asio::ip::tcp::socket socket, std::string peer) : core_(core), socket_(std::move(socket)), peer_(std::move(peer)) {}

void Connection::start() {
  deadline_ns_ = now_ns() + core_.options.header_timeout_ms * kMs;
  read();
}

void Connection::start_refused() {
  body_unread_ = true;
  refuse_busy("too many connections are open", "too_many_connections");
  read();
}

void Connection::read() {
  if (phase_ == Phase::kClosed) return;
  socket_.async_read_some(boost::asio::buffer(buffer_), [self = shared_from_this()](boost::system::error_code error, size_t count) {
    if (self->phase_ == Phase::kClosed) return;
    if (error) return self->close();
    self->on_bytes(count);
    self->read();
  });
}

void Connection::on_bytes(size_t count) {
  if (phase_ == Phase::kLinger || body_unread_) return;
  in_.append(buffer_.data(), count);
  if (phase_ != Phase::kWorking) return process();
  if (in_.size() > kPipelinedBytesMax) close();
}

void Connection::process() {
  while (phase_ < Phase::kWorking) {
    if (!reader_) {
      in_.erase(0, std::min(in_.find_first_not_of("\r\n"), in_.size()));   // SOURCE: RFC 9112, 2.2: empty lines before a request
      if (in_.empty()) return;
      reader_ = std::make_unique<RequestReader>(core_.options.header_bytes_max, core_.options.body_bytes_max);
      phase_ = Phase::kHead;
      deadline_ns_ = now_ns() + core_.options.header_timeout_ms * kMs;
    }
    size_t used = reader_->put(in_);
    in_.erase(0, used);
    auto state = reader_->state();
    if (state == RequestReader::State::kBad) return refuse(reader_->refusal());
    if (state != RequestReader::State::kHead && phase_ == Phase::kHead) on_head();
    if (phase_ == Phase::kBody && !hold_body()) return refuse_busy("too many large requests are open", "overloaded");
    if (state == RequestReader::State::kDone && phase_ == Phase::kBody) dispatch();
    if (used == 0) return;
  }
}

std::shared_ptr<Exchange> Connection::make_exchange() {
  std::weak_ptr<Connection> weak = weak_from_this();
  auto exchange = std::make_shared<Exchange>(core_.rules, [weak, mailbox = core_.mailbox] {
    mailbox->post([weak] {
      if (auto self = weak.lock()) self->flush();
    });
  });
  exchange->started_ns = now_ns();
  exchange->request.peer = peer_;
  return exchange;
}

void Connection::on_head() {
  phase_ = Phase::kBody;
  deadline_ns_ = now_ns() + core_.options.body_timeout_ms * kMs;
  exchange_ = make_exchange();
  if (auto refusal = examine_head()) return refuse(std::move(*refusal));
  if (reader_->head().expects_continue && reader_->state() == RequestReader::State::kBody && in_.empty()) exchange_->interim("HTTP/1.1 100 Continue\r\n\r\n");
}

std::optional<Refusal> Connection::examine_head() {
  const Head& head = reader_->head();
  Request& request = exchange_->request;
  request.method = head.method;
  request.headers = head.headers;
  exchange_->keep_alive = head.keep_alive;
  exchange_->http_1_0 = head.http_1_0;
  auto target = parse_target(head.target);
  if (!target) return Refusal{400, target.error(), {}};
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  if (auto refusal = check_origin(request, core_.options.hosts)) return refusal;
  auto match = core_.router.find(request.method, target->segments);
  exchange_->route = match.route;
  allow_ = joined(match.allowed);
  begin_span();
  request.captures = std::move(match.captures);
  if (!match.route && match.allowed.empty()) return Refusal{404, not_found("there is nothing at " + request.method + " " + request.path, "", "not_found"), {}};
  if (!match.route && request.method != "OPTIONS")
    return Refusal{
        405, invalid_argument(request.path + " does not take " + request.method + "; it takes " + allow_, "", "method_not_allowed"), {{"Allow", allow_}}};
  if (!head.has_body) return std::nullopt;
  static const RouteOptions kPlain;
  const RouteOptions& options = match.route ? match.route->options : kPlain;
  if (auto refusal = check_media_type(request, options)) return refusal;
  size_t limit = options.body_bytes_max ? options.body_bytes_max : core_.options.body_bytes_max;
  reader_->limit_body(limit);
  if (head.content_length.value_or(0) > limit)
    return Refusal{413,
                   invalid_argument("a body of " + std::to_string(*head.content_length) + " bytes is over the limit of " + std::to_string(limit) + " bytes", "",
                                    "body_too_large"),
                   {}};
  return std::nullopt;
}

void Connection::begin_span() {
  const Request& request = exchange_->request;
  if (!core_.spans || !exchange_->route || !exchange_->route->options.traced || exchange_->route->options.health) return;
  Span& span = exchange_->span;
  span = Span::root(core_.spans, system_clock(), request.method + " " + exchange_->route->pattern, SpanKind::kServer,
                    parse_traceparent(request.header("traceparent")));
  span.set("http.request.method", request.method);
  span.set("http.route", exchange_->route->pattern);
  span.set("url.path", request.path);
  span.set("client.address", request.peer);
  span.set("strata.request_id", exchange_->request_id());
}

void Connection::end_span(int status, double ms) {
  Span& span = exchange_->span;
  const bool read = exchange_->request.method == "GET" || exchange_->request.method == "HEAD";
  if (read && status < 400 && ms < kQuietMs && span.children() == 0) return span.discard();
  span.set("http.response.status_code", status);
  if (status >= 500 || status == 499) span.fail({status == 499 ? Code::kCancelled : Code::kInternal, "", "", std::to_string(status)});
  span.end();
}

void Connection::dispatch() {
  phase_ = Phase::kWorking;
  exchange_->request.body = reader_->take_body();
  reader_.reset();
  if (!exchange_->route) {   // OPTIONS
    Response response{.status = 204};
    response.headers.push_back({"Allow", allow_});
    return exchange_->send(std::move(response));
  }
  if (exchange_->route->options.health) {
    try {
      auto context = Context::make(system_clock(), Principal{}, exchange_->request_id(), exchange_->cancel_flag());
      exchange_->route->handler(context, exchange_->request, make_responder(exchange_));
    } catch (const std::exception& error) {   // its responder, dropped, has answered
      log::error("http.handler_threw", {{"request_id", exchange_->request_id()}, {"what", error.what()}});
    }
    return;
  }
  run_on_worker();
}

void Connection::run_on_worker() {
  auto job = [core = &core_, exchange = exchange_] {
    auto responder = make_responder(exchange);
    if (exchange->cancel_flag()->raised()) return;
    try {
      Principal principal;
      if (core->filter) {
        auto who = core->filter(exchange->request);
        if (!who) return responder->send(core->rules->error_writer(who.error()));
        principal = std::move(*who);
      }
      exchange->span.set("strata.tenant", principal.tenant);
      auto context = Context::make(system_clock(), std::move(principal), exchange->request_id(), exchange->cancel_flag());
      exchange->route->handler(exchange->span.in(context), exchange->request, std::move(responder));
    } catch (const std::exception& error) {
      log::error("http.handler_threw", {{"request_id", exchange->request_id()}, {"what", error.what()}});
    }
  };
  if (!core_.pool->submit(std::move(job))) refuse_busy("the server is busy: its request queue is full", "overloaded");
}

bool Connection::hold_body() {
  uint64_t bytes = reader_->body_bytes();
  core_.bodies_bytes += bytes - body_held_;
  body_held_ = bytes;
  return core_.bodies_bytes <= core_.options.bodies_bytes_max;
}

void Connection::release_body() {
  core_.bodies_bytes -= body_held_;
  body_held_ = 0;
}

void Connection::refuse_busy(std::string message, std::string reason) {
  refuse({503, Error{Code::kUnavailable, std::move(message), "", std::move(reason)}, {{"Retry-After", "1"}}});
}

void Connection::refuse(Refusal refusal) {
  if (!exchange_) exchange_ = make_exchange();
  bool body_read = phase_ == Phase::kWorking || (reader_ && reader_->state() == RequestReader::State::kDone);
  if (!body_read) {
    body_unread_ = true;
    exchange_->keep_alive = false;
    in_.clear();
  }
  reader_.reset();
  release_body();
  phase_ = Phase::kWorking;
  Response response = core_.rules->error_writer(refusal.error);
  response.status = refusal.status;
  for (auto& header : refusal.headers) response.headers.push_back(std::move(header));
  exchange_->send(std::move(response));
}

void Connection::flush() {
  if (!exchange_ || phase_ == Phase::kClosed || phase_ == Phase::kLinger) return;
  if (exchange_->cut()) return close();
  if (writing_) return;
  auto output = exchange_->take();
  if (output.bytes.empty()) {
    if (output.complete) finish();
    return;
  }
  out_ = std::move(output.bytes);
  out_at_ = 0;
  writing_ = true;
  write_progress_ns_ = now_ns();
  write_some();
}

void Connection::write_some() {
  socket_.async_write_some(boost::asio::buffer(out_.data() + out_at_, out_.size() - out_at_),
                           [self = shared_from_this()](boost::system::error_code error, size_t count) {
                             if (self->phase_ == Phase::kClosed) return;
                             if (error) return self->close();
                             self->write_progress_ns_ = now_ns();
                             self->bytes_sent_ += count;
                             self->out_at_ += count;
                             self->exchange_->sent(count);
                             if (self->out_at_ < self->out_.size()) return self->write_some();
                             self->out_ = {};
                             self->writing_ = false;
                             self->flush();
                           });
}

void Connection::record(int status) {
  double ms = static_cast<double>(now_ns() - exchange_->started_ns) / 1e6;
  const Request& request = exchange_->request;
  log::debug("http.request", {{"request_id", exchange_->request_id()},
                              {"method", request.method},
                              {"path", request.path},
                              {"status", status},
                              {"ms", ms},
                              {"bytes", bytes_sent_},
                              {"peer", peer_}});
  if (core_.observer) core_.observer({request.method, exchange_->route ? exchange_->route->pattern : "", status, ms, bytes_sent_});
  bytes_sent_ = 0;
  end_span(status, ms);
}

void Connection::finish() {
  record(exchange_->status());
  release_body();
  bool go_on = exchange_->keeps_alive() && !body_unread_ && !core_.rules->draining.load();
  exchange_.reset();
  if (!go_on) return linger();
  phase_ = Phase::kIdle;
  deadline_ns_ = now_ns() + core_.options.idle_timeout_ms * kMs;
  process();
}

void Connection::linger() {
  phase_ = Phase::kLinger;
  deadline_ns_ = now_ns() + kLingerMs * kMs;
  boost::system::error_code ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  if (core_.on_calm) core_.on_calm();
}

void Connection::close() {
  if (phase_ == Phase::kClosed) return;
  auto self = shared_from_this();
  phase_ = Phase::kClosed;
  boost::system::error_code ignored;
  socket_.close(ignored);
  release_body();
  if (exchange_) {
    exchange_->hang_up();
    int status = exchange_->status();
    record(status ? status : 499);
    exchange_.reset();
  }
  core_.live.erase(self);
  if (core_.on_calm) core_.on_calm();
}

void Connection::close_if_idle() {
  if (phase_ == Phase::kIdle || phase_ == Phase::kHead) close();
}

void Connection::cancel() {
  if (exchange_) exchange_->cancel_flag()->raise();
}

void Connection::tick(int64_t now) {
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kLinger:
      if (now > deadline_ns_) close();
      break;
    case Phase::kHead:
      if (now > deadline_ns_) refuse({408, invalid_argument("the request's head did not arrive in time", "", "request_timeout"), {}});
      break;
    case Phase::kBody: {
      int64_t earned_ns = static_cast<int64_t>(reader_->body_bytes() * 1'000 / kBodyBytesPerSecondMin) * kMs;
      if (now > deadline_ns_ + earned_ns) refuse({408, invalid_argument("the request's body did not arrive in time", "", "request_timeout"), {}});
      break;
    }
    case Phase::kWorking:
      if (writing_ && now - write_progress_ns_ > core_.options.stalled_write_ms * kMs) return close();
      if (exchange_) exchange_->ping(now, now - core_.options.ping_ms * kMs);
      break;
    case Phase::kClosed: break;
  }
}

}  // namespace strata::http
