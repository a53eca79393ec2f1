#include "infra/http/exchange.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "infra/http/encode.h"

namespace strata::http {

Exchange::Exchange(std::shared_ptr<const ExchangeRules> rules, std::function<void()> wake)
    : rules_(std::move(rules)), wake_(std::move(wake)), request_id_(make_id("req")) {}

bool Exchange::open_head(const Response& response, bool stream) {
  if (gone_ || state_ != State::kOpen) return false;
  status_ = response.status;
  body_wanted_ = request.method != "HEAD" && status_has_body(response.status);
  bool until_close = stream && http_1_0;
  chunked_ = stream && !http_1_0;
  kept_alive_ = keep_alive && !until_close && !rules_->draining.load();
  events_ = stream && body_wanted_ && media_type(response.content_type) == "text/event-stream";
  pending_ += encode_head(response, {.keep_alive = kept_alive_, .chunked = chunked_, .until_close = until_close, .body_bytes = response.body.size()},
                          request_id_, span.id() ? trace_hex(span.trace()) : "", system_clock().unix_ms());
  return true;
}

void Exchange::append_body(std::string_view bytes) {
  if (!body_wanted_) return;
  if (chunked_) pending_ += encode_chunk(bytes);
  else pending_ += bytes;
  last_write_ns_ = system_clock().monotonic_ns();
  if (events_ && !bytes.empty()) between_events_ = bytes.size() >= 2 && bytes.substr(bytes.size() - 2) == "\n\n";
}

void Exchange::send(Response response) {
  {
    std::lock_guard lock(mutex_);
    if (!open_head(response, false)) return;
    append_body(response.body);
    unsent_ = pending_.size();
    state_ = State::kDone;
  }
  wake_();
}

void Exchange::begin_stream(Response head) {
  {
    std::lock_guard lock(mutex_);
    if (!open_head(head, true)) return;
    append_body(head.body);
    unsent_ = pending_.size();
    state_ = State::kStreaming;
    if (!body_wanted_) state_ = State::kDone;
  }
  wake_();
}

bool Exchange::write(std::string bytes) {
  bool accepted = true;
  {
    std::lock_guard lock(mutex_);
    if (gone_ || state_ != State::kStreaming) return false;
    if (unsent_ + bytes.size() > rules_->unsent_bytes_max) {
      accepted = false;
      gone_ = cut_ = true;
      pending_.clear();
    } else {
      size_t before = pending_.size();
      append_body(bytes);
      unsent_ += pending_.size() - before;
    }
  }
  if (!accepted) {
    cancel_->raise();
    log::info("http.client_too_slow", {{"request_id", request_id_}, {"path", request.path}});
  }
  wake_();
  return accepted;
}

void Exchange::finish_stream() {
  if (chunked_) pending_ += kLastChunk;
  state_ = State::kDone;
}

void Exchange::end() {
  {
    std::lock_guard lock(mutex_);
    if (gone_ || state_ != State::kStreaming) return;
    finish_stream();
    ready_ = nullptr;
  }
  wake_();
}

void Exchange::on_ready(std::function<void()> watcher) {
  bool gone = false;
  {
    std::lock_guard lock(mutex_);
    gone = gone_;
    if (!gone && state_ == State::kStreaming) ready_ = watcher;
  }
  if (gone) watcher();
}

void Exchange::dropped() {
  bool unanswered;
  {
    std::lock_guard lock(mutex_);
    if (gone_ || state_ == State::kDone) return;
    unanswered = state_ == State::kOpen;
    if (!unanswered) gone_ = cut_ = true;
  }
  log::error("http.unanswered", {{"request_id", request_id_}, {"path", request.path}, {"in_stream", !unanswered}});
  if (unanswered) {
    Response response = rules_->error_writer(internal_error("the request was dropped without an answer: a defect of this server"));
    response.status = 500;
    send(std::move(response));
  } else {
    wake_();
  }
}

Exchange::Output Exchange::take() {
  std::lock_guard lock(mutex_);
  return {std::exchange(pending_, {}), state_ == State::kDone};
}

bool Exchange::cut() const {
  std::lock_guard lock(mutex_);
  return cut_;
}

void Exchange::interim(std::string_view bytes) {
  {
    std::lock_guard lock(mutex_);
    pending_ += bytes;
  }
  wake_();
}

void Exchange::sent(size_t bytes) {
  std::function<void()> ready;
  {
    std::lock_guard lock(mutex_);
    unsent_ -= std::min(unsent_, bytes);
    if (unsent_ == 0) ready = ready_;
  }
  if (ready) ready();
}

void Exchange::hang_up() {
  std::function<void()> ready;
  {
    std::lock_guard lock(mutex_);
    gone_ = true;
    pending_.clear();
    ready = std::exchange(ready_, nullptr);
  }
  cancel_->raise();
  if (ready) ready();
}

void Exchange::ping(int64_t now_ns, int64_t before_ns) {
  {
    std::lock_guard lock(mutex_);
    if (gone_ || state_ != State::kStreaming || !events_ || !between_events_ || last_write_ns_ > before_ns || unsent_ > 0) return;
    size_t before = pending_.size();
    append_body(": ping\n\n");
    unsent_ += pending_.size() - before;
    last_write_ns_ = now_ns;
  }
  wake_();
}

int Exchange::status() const {
  std::lock_guard lock(mutex_);
  return status_;
}

bool Exchange::keeps_alive() const {
  std::lock_guard lock(mutex_);
  return kept_alive_;
}

namespace {

class ExchangeResponder : public Responder {
 public:
  explicit ExchangeResponder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~ExchangeResponder() override { exchange_->dropped(); }
  void send(Response response) override { exchange_->send(std::move(response)); }
  void begin_stream(Response head) override { exchange_->begin_stream(std::move(head)); }
  bool write(std::string bytes) override { return exchange_->write(std::move(bytes)); }
  void end() override { exchange_->end(); }
  void on_ready(std::function<void()> watcher) override { exchange_->on_ready(std::move(watcher)); }

 private:
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace

std::shared_ptr<Responder> make_responder(std::shared_ptr<Exchange> exchange) { return std::make_shared<ExchangeResponder>(std::move(exchange)); }

}  // namespace strata::http
