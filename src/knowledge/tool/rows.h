// Recorded calls and policies as rows. Inside knowledge/tool only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "infra/store/store.h"
#include "knowledge/tool/tool.h"

namespace strata::tool::rows {

// A recorded call. `outcome` is absent while nobody knows how it ended.
struct Recorded {
  std::string digest;
  std::optional<Outcome> outcome;
};

struct Key {
  const std::string &tenant, &tool, &key;
};

Result<std::optional<Recorded>> find(store::Store& store, const Context& context, const Key& key);
// False, and nothing was written, where `approval` (empty: none) was used by another call. Without a key only the grant is used up.
Result<bool> begin(store::Store& store, const Context& context, const Key& key, const std::string& digest, const Json& arguments, int64_t now_ms,
                   const std::string& approval);
// kAborted where the call's row is gone. A grant that it took can let nothing run any more.
Status end(store::Store& store, const Context& context, const Key& key, const Outcome& outcome);
// The grant stays with the key.
Status forget(store::Store& store, const Context& context, const Key& key);
Result<std::vector<Tools::Open>> open_calls(store::Store& store, const Context& context);
Status prune(store::Store& store, const Context& context, int64_t before_ms);

Result<Policy> policy(store::Store& store, const Context& context, const std::string& tool);
Status set_policy(store::Store& store, const Context& context, const std::string& tool, const Policy& policy);

}  // namespace strata::tool::rows
