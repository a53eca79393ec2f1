// The declared fields of flows, runs and approvals, for the routes and for /openapi.json.
#pragma once

#include <vector>

#include "app/api/api.h"
#include "app/api/params.h"
#include "orchestration/flow/flow.h"

namespace strata::api {

// Of runs.cc and flows.cc, for whatever else is a flow.
Json run_json(const flow::Run& run);
Result<Json> runs_json(const Services& services, const Context& context, const http::Request& request, const std::string& flow);   // newest first, paged
Result<int> version_of(const http::Request& request);                    // ?version=; 0: none was named
Result<int64_t> number_of(std::string_view text, const char* name, int64_t fallback);   // of a parameter: digits; the fallback where it is empty

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
