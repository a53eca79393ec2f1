#include "app/cli/choose.h"

#include <CLI/CLI.hpp>
#include <utility>

namespace strata::cli {

void run_where_chosen(CLI::App& command, const Common& common, Chosen& chosen, std::function<Result<int>()> work) {
  command.callback([&common, &chosen, work = std::move(work)] {
    chosen = [&common, work] {
      const auto code = work();
      return code ? *code : fail(common, code.error());
    };
  });
}

void add_server_option(CLI::App& command, std::string& server) {
  command.add_option("--server", server, "URL of a running server; default: the one on this data folder, else one for this command");
}

}  // namespace strata::cli
