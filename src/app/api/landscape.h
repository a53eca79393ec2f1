// What the command line shares with the landscape's routes: the helper needs no server.
#pragma once

#include "base/json.h"
#include "product/landscape/landscape.h"

namespace strata::api { Json advice_json(const landscape::Situation& situation); }  // namespace strata::api
