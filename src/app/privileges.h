// Started as root, the server gives root up before it opens its data folder or a port.
#pragma once

#include <string>

#include "base/status.h"

namespace strata::app {

// Becomes `user` (or, where empty, "strata" if there is one, else "nobody"): makes the data folder that user's, keeps a copy of the
// workers where that user can run them, and drops to it for good. Does nothing where we are not root.
// `workers` is the folder of the worker programs; replaced by the copy's where that user cannot reach it.
Status drop_privileges(const std::string& user, const std::string& data_folder, std::string& workers);

}  // namespace strata::app
