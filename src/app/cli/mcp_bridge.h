// `strata mcp serve`: an MCP server on standard input and output, for programs that start theirs themselves. Each line is a message to the /mcp of
// a running server, each message back is a line: so the data folder has one owner, and both transports have one behaviour.
#pragma once

#include "infra/egress/egress.h"

namespace strata::cli {

// Until the end of standard input. `url`: of /mcp. Writes nothing but messages to standard output.
int serve_mcp_lines(egress::Client& http, const std::string& url);

}  // namespace strata::cli
