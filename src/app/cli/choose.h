// What the files of commands do alike: a command that runs where it was chosen, and the server that it asks.
#pragma once

#include <functional>
#include <string>

#include "app/cli/cli.h"

namespace strata::cli {

// Where `command` is on the command line, `work` is what runs: its exit code, or its error, told by fail(). `common` and `chosen` outlive it.
void run_where_chosen(CLI::App& command, const Common& common, Chosen& chosen, std::function<Result<int>()> work);
// --server
void add_server_option(CLI::App& command, std::string& server);

}  // namespace strata::cli
