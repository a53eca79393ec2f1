#include "app/cli/mcp_bridge.h"

#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "knowledge/mcp/mcp.h"

namespace strata::cli {
namespace {

constexpr int kAtOnce = 32;                     // requests that run; the next line waits for one to end
constexpr uint64_t kStreamBytesMost = 1ull << 40;   // a stream lasts as long as its client

// Lines of standard input; one over the limit comes as its beginning, so that it can be answered as wrong.
class Input {
 public:
  bool next(std::string& line) {
    line.clear();
    for (;;) {
      if (const size_t end = rest_.find('\n'); end != rest_.npos) {
        if (line.size() <= mcp::rpc::kMessageBytesMost) line += rest_.substr(0, end);
        rest_.erase(0, end + 1);
        return true;
      }
      if (line.size() <= mcp::rpc::kMessageBytesMost) line += rest_;
      rest_.resize(64 << 10);
      const ssize_t got = read(STDIN_FILENO, rest_.data(), rest_.size());
      rest_.resize(got > 0 ? static_cast<size_t>(got) : 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;   // what has no end of line is no message
    }
  }

 private:
  std::string rest_;
};

class Bridge {
 public:
  Bridge(egress::Client& http, const std::string& url)
      : transport_(mcp::make_http_transport(http, {.url = url, .secret_header = "", .trust = egress::Trust::kOperator, .bytes_most = kStreamBytesMost})) {}

  int run() {
    Input input;
    for (std::string line; input.next(line);) {
      if (!trim(line).empty()) take(line);
    }
    // Nobody reads any more: what still runs is given up.
    std::unique_lock lock(mutex_);
    for (auto& [id, flag] : running_) flag->raise();
    ended_.wait(lock, [this] { return threads_ == 0; });
    return 0;
  }

 private:
  void take(const std::string& line) {
    Json id;
    auto message = mcp::rpc::parse(line, &id);
    if (!message) {
      const bool parsed = message.error().reason == "invalid_request";
      return write(mcp::rpc::error(id, {parsed ? mcp::rpc::kInvalidRequest : mcp::rpc::kParseError, message.error().message, {}}));
    }
    if (message->kind == mcp::rpc::Message::Kind::kNotification && message->method == "notifications/cancelled") cancel(message->params["requestId"]);
    if (!message->asks()) return forward(*message, std::make_shared<CancelFlag>());
    auto flag = std::make_shared<CancelFlag>();
    if (message->method == "initialize") return forward(*message, flag);   // what follows needs its session
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return threads_ < kAtOnce; });
    ++threads_;
    running_[message->id.dump()] = flag;
    std::thread([this, message = std::move(*message), flag] {
      forward(message, flag);
      const std::lock_guard done(mutex_);
      running_.erase(message.id.dump());
      --threads_;
      ended_.notify_all();
    }).detach();
  }

  void cancel(const Json& id) {
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(id.dump());
    if (found != running_.end()) found->second->raise();
  }

  void forward(const mcp::rpc::Message& message, const std::shared_ptr<CancelFlag>& flag) {
    mcp::Envelope envelope;
    envelope.message = message;
    const std::string* stated = message.params["_meta"][mcp::kMetaVersion].as_string();
    if (stated) {
      envelope.version = *stated;
    } else if (message.method != "initialize") {
      const std::lock_guard lock(mutex_);
      envelope.session = session_;
      envelope.version = mcp::kLegacy;
    }
    const Context context = Context::make(system_clock(), Principal{}, "", flag);
    bool answered = false;
    const auto sent = transport_->send(context, envelope, [&](const mcp::Arrival& arrival) {
      answered = arrival.message.answers();
      if (message.method == "initialize" && !arrival.session.empty()) {
        const std::lock_guard lock(mutex_);
        session_ = arrival.session;
      }
      if (!flag->raised()) write(arrival.message);
      return mcp::Next{!answered, {}};
    });
    if (answered || flag->raised() || !message.asks()) return;
    write(mcp::rpc::error(message.id, {mcp::rpc::kInternalError, sent ? "the server ended its answer without answering" : sent.error().message, {}}));
  }

  void write(const mcp::rpc::Message& message) {
    const std::string line = message.text() + "\n";
    const std::lock_guard lock(output_mutex_);
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
  }

  const std::unique_ptr<mcp::Transport> transport_;
  std::mutex mutex_, output_mutex_;
  std::condition_variable ended_;
  std::map<std::string, std::shared_ptr<CancelFlag>> running_;
  std::string session_;
  int threads_ = 0;
};

}  // namespace

int serve_mcp_lines(egress::Client& http, const std::string& url) { return Bridge(http, url).run(); }

}  // namespace strata::cli
