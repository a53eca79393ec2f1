// mcp.json in the data folder: the MCP servers that are programs of this machine. Only whoever can write that file can name a program to run.
//
//   {"servers": [{"name": "files", "command": ["/usr/bin/npx", "-y", "some-server", "/srv"], "environment": {"MODE": "read"},
//                 "secrets": ["API_KEY"], "prefix": "files_"}]}
//
// `secrets`: variables of its environment whose values are kept sealed, apart from this file (`strata mcp secret`).
#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace strata::mcp { struct ServerSpec; }

namespace strata::app {

// Empty where there is no file. What is wrong in it is an error by path.
Result<std::vector<mcp::ServerSpec>> read_mcp_file(const std::string& data_folder);
// Adds one to the file, or takes one out. kAlreadyExists, kNotFound.
Status add_to_mcp_file(const std::string& data_folder, const mcp::ServerSpec& spec);
Status remove_from_mcp_file(const std::string& data_folder, const std::string& name);

}  // namespace strata::app
