// Numbered migrations, forward only, recorded in schema_migrations(room, version). Only this folder includes it.
#pragma once

#include <vector>

#include "infra/store/sqlite.h"

namespace strata::store {

// Runs what the database lacks, each in a transaction of its own with its record, in the order given.
// CHECKs that each room's versions are 1, 2, 3 … in order. kFailedPrecondition where the database is newer than the list.
Status migrate(Connection& connection, const std::vector<Migration>& migrations);

}  // namespace strata::store
