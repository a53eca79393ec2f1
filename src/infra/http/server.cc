// The listener: accepts, counts, ticks, drains. Everything about one client is in connection.cc.
#include <fcntl.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <future>
#include <thread>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "infra/http/connection.h"

namespace strata::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kTick = std::chrono::milliseconds(100);
// Connections over the limit that are told so; past these they are closed without a word.
constexpr size_t kRefusedAtOnceMax = 64;
// Between cancelling what still runs and closing its sockets: time for a last error to be written.
constexpr auto kLastWords = std::chrono::milliseconds(500);

class AsioServer : public Server {
 public:
  explicit AsioServer(const Options& options) : acceptor_(io_), timer_(io_), retry_(io_) {
    core_.options = options;
    core_.mailbox = std::make_shared<Mailbox>(io_);
    core_.rules->unsent_bytes_max = options.unsent_bytes_max;
    core_.on_calm = [this] { check_calm(); };
  }
  ~AsioServer() override { stop(0); }

  Status bind() {
    boost::system::error_code error;
    auto address = asio::ip::make_address(core_.options.address, error);
    if (error) return invalid_argument("\"" + core_.options.address + "\" is not an IP address to listen on", "address");
    if (core_.options.port < 0 || core_.options.port > 65535) return invalid_argument("expected a port from 0 to 65535", "port");
    tcp::endpoint endpoint(address, static_cast<unsigned short>(core_.options.port));
    acceptor_.open(endpoint.protocol(), error);
    if (!error) ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return unavailable("cannot listen on " + core_.options.address + " port " + std::to_string(core_.options.port) + ": " + error.message());
    port_ = acceptor_.local_endpoint(error).port();
    return {};
  }

  void route(std::string method, std::string pattern, Handler handler, RouteOptions options) override {
    CHECK(!thread_.joinable());
    core_.router.add(std::move(method), std::move(pattern), std::move(handler), std::move(options));
  }
  void set_filter(Filter filter) override { core_.filter = std::move(filter); }
  void set_error_writer(std::function<Response(const Error&)> writer) override { core_.rules->error_writer = std::move(writer); }
  void set_observer(std::function<void(const Access&)> observer) override { core_.observer = std::move(observer); }
  void set_span_sink(std::shared_ptr<SpanSink> sink) override { core_.spans = std::move(sink); }
  int port() const override { return port_; }

  void start() override {
    CHECK(core_.rules->error_writer && !thread_.joinable() && !stopped_);
    core_.pool = std::make_unique<WorkerPool>(core_.options.workers, core_.options.worker_queue_max);
    work_.emplace(io_.get_executor());
    accept();
    thread_ = std::thread([this] { run(); });
  }

  void stop(int64_t drain_ms) override;

 private:
  void run();
  void accept();
  void take(tcp::socket socket);
  void tick();
  void check_calm();
  void each(void (Connection::*action)());

  asio::io_context io_{1};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  tcp::acceptor acceptor_;
  asio::steady_timer timer_, retry_;
  bool ticking_ = false;
  Core core_;
  int port_ = 0;
  std::thread thread_;
  bool stopped_ = false;
  std::optional<std::promise<void>> calm_;   // I/O thread
};

// WHY: what throws in here is memory running out in one connection's callback; the others go on.
void AsioServer::run() {
  while (true) {
    try {
      io_.run();
      return;
    } catch (const std::exception& error) {
      log::error("http.io_threw", {{"what", error.what()}});
    }
  }
}

void AsioServer::accept() {
  acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
    if (!error) {
      take(std::move(socket));
      return accept();
    }
    log::warning("http.accept_failed", {{"what", error.message()}});   // out of descriptors: others must close first
    retry_.expires_after(kTick);
    retry_.async_wait([this](boost::system::error_code stopped) {
      if (!stopped) accept();
    });
  });
}

void AsioServer::take(tcp::socket socket) {
  boost::system::error_code error;
  auto remote = socket.remote_endpoint(error);
  if (error) return;
  ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
  socket.set_option(tcp::no_delay(true), error);
  socket.set_option(asio::socket_base::keep_alive(true), error);
  bool over = core_.live.size() >= core_.options.connections_max;
  if (core_.live.size() >= core_.options.connections_max + kRefusedAtOnceMax) return;
  auto connection = std::make_shared<Connection>(core_, std::move(socket), remote.address().to_string());
  core_.live.insert(connection);
  over ? connection->start_refused() : connection->start();
  if (!ticking_) tick();
}

// Runs only while there is someone to watch, so that an idle server sleeps.
void AsioServer::tick() {
  ticking_ = !core_.live.empty();
  if (!ticking_) return;
  timer_.expires_after(kTick);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    int64_t now = system_clock().monotonic_ns();
    auto live = core_.live;   // tick() may close, which erases
    for (auto& connection : live) connection->tick(now);
    tick();
  });
}

void AsioServer::check_calm() {
  if (!calm_) return;
  for (auto& connection : core_.live)
    if (connection->busy()) return;
  calm_->set_value();
  calm_.reset();
}

void AsioServer::each(void (Connection::*action)()) {
  auto live = core_.live;
  for (auto& connection : live) (connection.get()->*action)();
}

void AsioServer::stop(int64_t drain_ms) {
  if (stopped_) return;
  stopped_ = true;
  if (!thread_.joinable()) return;
  std::promise<void> calm;
  auto quiet = calm.get_future();
  core_.rules->draining.store(true);
  asio::post(io_, [this, &calm] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
    each(&Connection::close_if_idle);
    calm_.emplace(std::move(calm));
    check_calm();
  });
  if (quiet.wait_for(std::chrono::milliseconds(drain_ms)) != std::future_status::ready) {
    asio::post(io_, [this] { each(&Connection::cancel); });
    quiet.wait_for(kLastWords);
  }
  std::promise<void> closed;
  asio::post(io_, [this, &closed] {
    calm_.reset();
    each(&Connection::close);
    closed.set_value();
  });
  closed.get_future().wait();
  core_.pool->stop();
  core_.mailbox->shut();
  asio::post(io_, [this] { timer_.cancel(); });
  work_.reset();
  thread_.join();
}

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(const Options& options) {
  auto server = std::make_unique<AsioServer>(options);
  TRY(server->bind());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace strata::http
