// A server that is a program of this machine: a message a line on its standard input and output.
#include <mutex>
#include <thread>

#include "base/text.h"
#include "knowledge/mcp/transport.h"

namespace strata::mcp {
namespace {

constexpr uint64_t kBytesMost = 16u << 20;   // of what comes before the answer to one request
constexpr int64_t kTurnMs = 10;              // how often one that waits for another's exchange looks at its own time

class StdioTransport : public Transport {
 public:
  explicit StdioTransport(process::Command command) : command_(std::move(command)) {}

  Status send(const Context& context, const Envelope& envelope, const std::function<Next(const Arrival&)>& each) override {
    std::unique_lock lock(mutex_, std::defer_lock);
    while (!lock.try_lock_for(std::chrono::milliseconds(kTurnMs))) TRY(context.check());
    TRY(start());
    Status status = exchange(context, envelope, each);
    // After a line that broke off, or one too long, the next would be read from its middle. A cancelled exchange leaves whole lines.
    if (!status && status.error().code != Code::kCancelled && status.error().code != Code::kDeadlineExceeded) lose();
    return status;
  }
  bool hangs_up() const override { return false; }

 private:
  // WHY a word before the next start: a legacy server that begins anew knows nothing of the session that it had.
  void lose() {
    companion_.reset();
    lost_ = true;
  }

  Status start() {
    if (companion_ && companion_->ended()) lose();
    if (lost_) {
      lost_ = false;
      Error error = unavailable("the MCP server's program ended");
      error.reason = "process_gone";
      return error;
    }
    if (companion_) return {};
    auto started = process::Companion::start(command_);
    if (!started) return annotate(std::move(started.error()), "the MCP server");
    companion_ = std::move(*started);
    return {};
  }

  Status exchange(const Context& context, const Envelope& envelope, const std::function<Next(const Arrival&)>& each) {
    if (auto sent = companion_->write_line(context, envelope.message.text()); !sent) {
      if (sent.error().code == Code::kCancelled || sent.error().code == Code::kDeadlineExceeded) lose();   // perhaps half a line
      return sent;
    }
    if (!envelope.message.asks()) return {};
    for (uint64_t bytes = 0; bytes < kBytesMost;) {
      TRY_ASSIGN(const std::string line, companion_->read_line(context, rpc::kMessageBytesMost));
      bytes += line.size() + 1;
      if (trim(line).empty()) continue;
      TRY_ASSIGN(rpc::Message message, rpc::parse(line));
      const Next next = each({std::move(message), 200, ""});
      if (next.reply) TRY(companion_->write_line(context, next.reply->text()));
      if (!next.more) return {};
    }
    return resource_exhausted("the MCP server sends without end", "too_large");
  }

  const process::Command command_;
  std::timed_mutex mutex_;
  std::unique_ptr<process::Companion> companion_;
  bool lost_ = false;
};

}  // namespace

std::unique_ptr<Transport> make_stdio_transport(process::Command command) { return std::make_unique<StdioTransport>(std::move(command)); }

}  // namespace strata::mcp
