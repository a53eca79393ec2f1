// The declared fields of flows, runs and approvals, for the routes and for /openapi.json.
#pragma once

#include <vector>

#include "app/api/params.h"

namespace strata::api {

std::vector<Field> flow_check_fields();
std::vector<Field> flow_fields();
std::vector<Field> flow_schedule_fields();
std::vector<Field> flow_hook_fields();
std::vector<Field> subscription_fields();
std::vector<Field> run_fields();
std::vector<Field> reason_fields();
std::vector<Field> signal_fields();
std::vector<Field> fork_fields();
std::vector<Field> decision_fields();

}  // namespace strata::api
