// What is kept of a server, as a row. Inside knowledge/mcp only.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "infra/store/store.h"

namespace strata::mcp::rows {

struct Row {
  std::string name, url, prefix;               // url is empty where the administrator's file has the command
  Json pinned, seen;                           // lists of tools; null where there is none
  std::string pinned_hash, seen_hash;
  std::vector<std::string> reading;
  std::string approved_by, protocol, peer;
  int64_t approved_ms = 0, seen_ms = 0;
};

Status put(store::Store& store, const Context& context, const Row& row);
Status remove(store::Store& store, const Context& context, const std::string& name);
Result<std::vector<Row>> all(store::Store& store, const Context& context);

}  // namespace strata::mcp::rows
