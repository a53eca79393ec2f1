// /mcp: this platform as an MCP server over Streamable HTTP. /strata/v1/mcp/servers: the MCP servers whose tools it uses.
#pragma once

#include <string>
#include <vector>

#include "app/api/params.h"
#include "infra/http/http.h"

namespace strata::mcp {
class Host;
class Servers;
}  // namespace strata::mcp

namespace strata::api {

void add_mcp_route(http::Server& server, mcp::Host& host);                                         // which outlive the server
void add_mcp_server_routes(http::Server& server, mcp::Servers& servers, std::string data_folder);  // likewise; the folder has mcp.json

std::vector<Field> mcp_server_fields();
std::vector<Field> mcp_approval_fields();
std::vector<Field> mcp_secret_fields();

}  // namespace strata::api
