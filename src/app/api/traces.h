// What the trace routes declare of their bodies, for /openapi.json, and the name under which the exporter's header is kept.
#pragma once

#include "app/api/params.h"

namespace strata::api {

std::vector<Field> trace_settings_fields();
std::vector<Field> replay_fields();
std::vector<Field> price_fields();
std::string trace_header_secret();

}  // namespace strata::api
