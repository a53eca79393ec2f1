// /strata/v1/tools: the registry of tools.
#pragma once

#include <vector>

#include "app/api/params.h"
#include "infra/http/http.h"

namespace strata::tool { class Tools; }

namespace strata::api {

void add_tool_routes(http::Server& server, tool::Tools& tools);   // which outlive the server

std::vector<Field> tool_check_fields();
std::vector<Field> tool_call_fields();
std::vector<Field> tool_permission_fields();
std::vector<Field> tool_resolve_fields();

}  // namespace strata::api
