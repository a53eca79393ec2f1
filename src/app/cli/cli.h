// The command line: one program, a verb each. Exit codes: 0 done; 1 failed; 2 wrong use; 3 asked and not found (`ask`: the documents do
// not answer; `search`: nothing); 4 something needed is not there (a model, a server).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "app/settings.h"
#include "base/json.h"
#include "base/status.h"

namespace CLI { class App; }

namespace strata::cli {

enum Exit { kDone = 0, kFailed = 1, kWrongUse = 2, kNothing = 3, kMissing = 4 };

// What every command may be told.
struct Common {
  std::string config_path;
  std::map<std::string, std::string> settings;   // "server.port" → "8081", from flags
  bool json = false;
  Result<app::Settings> load() const;
};

int run(int argc, char** argv);

// Adds a group of commands; the chosen one is left in `chosen`.
using Chosen = std::function<int()>;
void add_serve(CLI::App& app, Common& common, Chosen& chosen);
void add_generation(CLI::App& app, Common& common, Chosen& chosen);   // chat, generate, tokenize, embed, bench
void add_knowledge(CLI::App& app, Common& common, Chosen& chosen);    // ingest, search, ask
void add_models(CLI::App& app, Common& common, Chosen& chosen);       // model list, pull, verify, catalog
void add_spec(CLI::App& app, Common& common, Chosen& chosen);        // spec check, recommend, show
void add_simulate(CLI::App& app, Common& common, Chosen& chosen);     // simulate fill, remove
void add_landscape(CLI::App& app, Common& common, Chosen& chosen);    // landscape, decide
void add_flow(CLI::App& app, Common& common, Chosen& chosen);         // flow check, put, run, show, inbox, decide, …
void add_agent(CLI::App& app, Common& common, Chosen& chosen);        // agent and team: check, put, run, memory, messages
void add_batch(CLI::App& app, Common& common, Chosen& chosen);        // batch create, list, show, cancel, results
void add_answer(CLI::App& app, Common& common, Chosen& chosen);       // answer label, show, calibrate
void add_product(CLI::App& app, Common& common, Chosen& chosen);      // metrics health, report stakeholder
void add_mcp(CLI::App& app, Common& common, Chosen& chosen);          // mcp serve, add, list, show, refresh, approve, secret, remove
void add_trace(CLI::App& app, Common& common, Chosen& chosen);        // trace list, show, replay, diff; usage
void add_backup(CLI::App& app, Common& common, Chosen& chosen);       // backup, restore
void add_machine(CLI::App& app, Common& common, Chosen& chosen);      // doctor, config, openapi, version

// A text that somebody wrote, or standard input for "-"; cut where no reader would take it any more (4 MiB).
Result<std::string> read_text(const std::string& path);

// Says what went wrong on standard error (as JSON with --json) and gives the exit code.
int fail(const Common& common, const Error& error);
bool on_terminal();                                // standard output is one: colour and progress bars are welcome
std::string colour(std::string_view text, int code);  // as it is where there is no terminal
void progress_bar(const std::string& label, int64_t done, int64_t total);  // on standard error, on a terminal only
void progress_end();

}  // namespace strata::cli
