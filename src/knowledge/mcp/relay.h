// A tool of another program's server as a tool of ours. Inside knowledge/mcp only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "knowledge/mcp/tool_list.h"
#include "knowledge/tool/tool.h"

namespace strata::mcp {

struct Relayed {
  std::string name;                    // in the registry
  std::string server;
  bool reads = false;                  // by the word of the person who approved it
};
// A failure that it answers with `stands` where the server was asked and may have acted.
using RelayCall = std::function<Result<tool::Answer>(const Context&, const Definition&, const tool::Invocation&)>;

// Its result is {"content": [blocks], "structuredContent": …}, as the server gave it.
std::unique_ptr<tool::Tool> make_relay(const Relayed& about, Definition definition, RelayCall call);

// The result of tools/call, checked: content blocks of known kinds, structuredContent as outputSchema says.
Result<tool::Answer> read_result(const Definition& definition, Json result);

}  // namespace strata::mcp
