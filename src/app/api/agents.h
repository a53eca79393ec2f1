// The declared fields of agents and teams, for the routes and for /openapi.json.
#pragma once

#include <vector>

#include "app/api/params.h"

namespace strata::api {

std::vector<Field> agent_check_fields();
std::vector<Field> agent_fields();
std::vector<Field> agent_run_fields();
std::vector<Field> fact_text_fields();

}  // namespace strata::api
