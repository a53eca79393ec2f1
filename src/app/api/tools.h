// /strata/v1/tools: the registry of tools.
#pragma once

#include <vector>

#include "app/api/params.h"
#include "infra/http/http.h"

namespace strata::tool { class Tools; }

namespace strata::api {

// To whoever calls a tool by hand or over MCP, and needs an approval that only a flow asks for.
inline constexpr char kWhereToApprove[] =
    "let a flow make the call: its step {kind: approval, tool, args} asks a person in the inbox (GET /strata/v1/approvals, `strata flow inbox`), and runs the "
    "tool once with what was approved";

void add_tool_routes(http::Server& server, tool::Tools& tools);   // which outlive the server

std::vector<Field> tool_check_fields();
std::vector<Field> tool_call_fields();
std::vector<Field> tool_permission_fields();
std::vector<Field> tool_resolve_fields();

}  // namespace strata::api
