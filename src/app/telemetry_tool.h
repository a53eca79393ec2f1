// The database "telemetry": what the tenant that asks spent and asked, for questions in words. A file of its own for each tenant, written anew when
// a question begins; the live databases are in no process that runs a model's SQL.
#pragma once

#include <string>

#include "base/status.h"

namespace strata::observe { class Observer; }
namespace strata::tool { class Tools; }

namespace strata::app {

// `observer` outlives the tools. `workers`: the folder of strata-sql.
Status add_telemetry(tool::Tools& tools, observe::Observer& observer, const std::string& data_folder, const std::string& workers);

}  // namespace strata::app
