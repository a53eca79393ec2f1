// Bytes from an MCP server or client: messages, event streams, lists of tools, results, headers. Any of them gives a value or an error.
#include <cstdlib>

#include "knowledge/mcp/events.h"
#include "knowledge/mcp/relay.h"
#include "knowledge/mcp/rpc.h"
#include "knowledge/mcp/tool_list.h"

using namespace strata;

namespace {

// What is read is written as it was read.
void round_trip(std::string_view bytes) {
  const auto message = mcp::rpc::parse(bytes);
  if (!message) return;
  const auto again = mcp::rpc::parse(message->text());
  if (!again || again->text() != message->text()) std::abort();
  const auto* tools = message->result["tools"].as_array();
  if (tools && message->text().size() < (1u << 16)) {
    const mcp::ToolList list = mcp::read_tools(*tools, "fuzz");
    if (list.hash != mcp::read_tools(*list.pinned.as_array(), "fuzz").hash) std::abort();
    if (mcp::difference(list.pinned, list.pinned)["changed"].size() > 0) std::abort();
    for (const mcp::Definition& tool : list.tools) (void)mcp::mirrored_headers(tool, message->result["arguments"]);
  }
  (void)mcp::read_result({}, message->result);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  round_trip(bytes);
  mcp::EventReader reader;
  const size_t middle = size / 2;
  const auto each = [](const std::string& event) {
    round_trip(event);
    return true;
  };
  (void)reader.feed(bytes.substr(0, middle), each);
  (void)reader.feed(bytes.substr(middle), each);
  if (const auto value = mcp::value_of_header(bytes); value && mcp::value_of_header(mcp::header_value(*value)) != value) std::abort();
  return 0;
}
