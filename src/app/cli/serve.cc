// strata serve: the platform, until SIGINT or SIGTERM.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "app/cli/cli.h"
#include "app/running.h"
#include "base/log.h"

namespace strata::cli {
namespace {

int serve(const Common& common) {
  auto settings = common.load();
  if (!settings) return fail(common, settings.error());
  // Blocked before any thread starts, so that only sigwait below receives them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  auto running = app::Running::start(*settings);
  if (!running) return fail(common, running.error());
  std::printf("Strata is ready: http://%s:%d\n", settings->address == "127.0.0.1" ? "localhost" : settings->address.c_str(), (*running)->port());
  std::fflush(stdout);
  if (!settings->demo_documents.empty())
    if (auto status = (*running)->bring_demo_documents(settings->demo_documents); !status) log::warning("demo.failed", {{"message", status.error().message}});
  int signal = 0;
  sigwait(&signals, &signal);
  log::info("server.stopping", {{"signal", signal}});
  (*running)->stop(settings->drain_ms);
  return kDone;
}

}  // namespace

void add_serve(CLI::App& app, Common& common, Chosen& chosen) {
  auto* command = app.add_subcommand("serve", "Serve the API and the web app; never ingests by itself");
  auto setting = [&](const char* flag, const char* key, const char* meaning) {
    command->add_option_function<std::string>(flag, [&common, key](const std::string& value) { common.settings[key] = value; }, meaning);
  };
  setting("--port", "server.port", "Port; 0 takes any free one");
  setting("--address", "server.address", "Address to listen on");
  setting("--adapters-folder", "adapters.folder", "Folder whose adapters may be loaded through the API");
  setting("--demo-documents", "demo.documents", "Folder of demo documents, ingested once in the background");
  command->callback([&common, &chosen] { chosen = [&common] { return serve(common); }; });
}

}  // namespace strata::cli
