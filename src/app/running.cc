#include "app/running.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/api/mcp.h"
#include "app/api/predictors.h"
#include "app/api/reply.h"
#include "app/api/session.h"
#include "app/api/tools.h"
#include "app/wire.h"
#include "base/log.h"
#include "infra/metrics/metrics.h"
#include "infra/observe/observe.h"
#include "knowledge/catalog/catalog.h"
#include "knowledge/ingest/ingest.h"
#include "knowledge/mcp/mcp.h"

namespace strata::app {
namespace {

namespace fs = std::filesystem;

std::string notice_path(const std::string& data_folder) { return data_folder + "/server.json"; }

bool loopback(const std::string& address) { return address == "127.0.0.1" || address == "::1" || address == "localhost"; }

// As a label: each other value would be one more series for good, and a client can send any word.
std::string method_label(const std::string& method) {
  for (const char* known : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
    if (method == known) return method;
  return "other";
}

void observe(metrics::Registry& registry, const http::Access& access) {
  metrics::Labels labels = {{"method", method_label(access.method)}, {"route", access.route}, {"status", std::to_string(access.status)}};
  registry.counter("strata:http_requests_total", "Requests answered.", labels).add();
  static const std::vector<double> kSeconds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
  registry.histogram("strata:http_request_seconds", "Time from the request's head to the answer's last byte.", kSeconds, {{"route", access.route}})
      .observe(access.ms / 1000);
}

// The base that an interrupted start has begun to fill, or a new one.
Result<catalog::Base> demo_base(catalog::Catalog& catalog, const Context& context) {
  TRY_ASSIGN(auto bases, catalog.bases(context, 1000, "", true));
  for (auto& base : bases)
    if (auto mark = base.metadata.find("demo"); mark != base.metadata.end() && mark->second == "true") return base;
  return catalog.add_base(context, "Debian manuals", {{"demo", "true"}});
}

}  // namespace

struct Running::Parts {
  std::string data_folder;
  std::unique_ptr<Platform> platform;
  std::unique_ptr<http::Server> server;
  bool stopped = false;
};

Running::Running(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Running::~Running() { stop(0); }

Result<std::unique_ptr<Running>> Running::start(const Settings& settings) {
  if (!loopback(settings.address) && !settings.behind_proxy)
    return invalid_argument("server.address: " + settings.address +
                                " is not loopback. Put a proxy with TLS and authentication in front and set server.behind_proxy = true, or listen on 127.0.0.1",
                            "server.address");
  auto parts = std::make_unique<Parts>();
  parts->data_folder = settings.data_folder;
  TRY_ASSIGN(parts->platform, Platform::open(settings));
  api::Services& services = parts->platform->services();
  http::Options options;
  options.address = settings.address == "localhost" ? "127.0.0.1" : settings.address;
  options.port = settings.port;
  options.hosts = settings.hosts;
  TRY_ASSIGN(parts->server, http::Server::listen(options));
  parts->server->set_error_writer(api::error_response);
  parts->server->set_filter(api::session_filter(services.session_token));
  parts->server->set_observer([registry = services.registry](const http::Access& access) { observe(*registry, access); });
  parts->server->set_span_sink(services.observer->sink());
  api::add_routes(*parts->server, services);
  api::add_tool_routes(*parts->server, parts->platform->tools());
  api::add_predictor_routes(*parts->server, parts->platform->predictors(), *services.catalog);
  api::add_mcp_route(*parts->server, parts->platform->mcp_host());
  api::add_mcp_server_routes(*parts->server, parts->platform->mcp_servers(), settings.data_folder);
  parts->server->start();
  std::ofstream(notice_path(settings.data_folder)) << Json::object({{"port", parts->server->port()}, {"pid", static_cast<int64_t>(getpid())}}).dump();
  log::info("server.ready", {{"address", options.address}, {"port", parts->server->port()}, {"version", services.version}});
  return std::unique_ptr<Running>(new Running(std::move(parts)));
}

int Running::port() const { return parts_->server->port(); }

void Running::stop(int64_t drain_ms) {
  if (parts_->stopped) return;
  parts_->stopped = true;
  std::error_code error;
  fs::remove(notice_path(parts_->data_folder), error);
  parts_->platform->mcp_host().close();   // its streams would last as long as the drain
  parts_->server->stop(drain_ms);
  parts_->platform.reset();   // handlers are done: nothing calls it any more
  parts_->server.reset();
}

Status Running::bring_demo_documents(const std::string& folder) {
  std::string stamp = parts_->data_folder + "/demo-documents.done";
  if (fs::exists(stamp)) return {};
  api::Services& services = parts_->platform->services();
  Context context = Context::background();
  TRY_ASSIGN(auto base, demo_base(*services.catalog, context));
  std::error_code error;
  int count = 0;
  std::vector<fs::path> paths;
  for (auto& entry : fs::recursive_directory_iterator(folder, error))
    if (entry.is_regular_file(error) && entry.path().filename().string().front() != '.') paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  for (auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    ingest::AttachOptions options;
    options.chunking = services.chunking;
    options.attributes["manual"] = path.parent_path().filename().string();
    auto put = services.ingest->put(context, base.id, path.filename().string(), bytes, options);
    if (!put) log::warning("demo.file_failed", {{"file", path.filename().string()}, {"message", put.error().message}});
    else ++count;
  }
  if (count == 0) return not_found("no demo documents could be read in " + folder);
  std::ofstream(stamp) << base.id << "\n";
  log::info("demo.queued", {{"documents", count}, {"vector_store_id", base.id}});
  return {};
}

std::optional<std::string> find_running(const std::string& data_folder) {
  std::ifstream file(notice_path(data_folder));
  std::string text{std::istreambuf_iterator<char>(file), {}};
  auto json = Json::parse(text);
  if (!json) return std::nullopt;
  auto port = (*json)["port"].to_int("port"), pid = (*json)["pid"].to_int("pid");
  if (!port || !pid || (kill(static_cast<pid_t>(*pid), 0) != 0 && errno == ESRCH)) return std::nullopt;
  return "http://127.0.0.1:" + std::to_string(*port);
}

}  // namespace strata::app
