// JSON-RPC 2.0 as MCP uses it, for both sides: one message, read strictly and written. Part of knowledge/mcp's front door.
//
//   request       {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {…}}
//   notification  the same without id
//   response      {"jsonrpc": "2.0", "id": 1, "result": {…}}  or  {"jsonrpc": "2.0", "id": 1, "error": {"code", "message", "data"}}
//
// Ids are strings or integers, never null; an error that belongs to no readable request has none. Batches are refused (gone since 2025-06-18).
// SOURCE: https://modelcontextprotocol.io/specification/2026-07-28/basic and .../2025-11-25/basic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/status.h"

namespace strata::mcp::rpc {

// Of one message, in or out. WHY: the largest result of a tool here is 1 MiB; images in Base64 and framing come on top.
inline constexpr size_t kMessageBytesMost = 4u << 20;
inline constexpr size_t kDepthMost = 64;
inline constexpr size_t kIdBytesMost = 256;

enum : int64_t {
  kParseError = -32700,
  kInvalidRequest = -32600,
  kMethodNotFound = -32601,
  kInvalidParams = -32602,
  kInternalError = -32603,
  kHeaderMismatch = -32020,
  kMissingCapability = -32021,
  kUnsupportedVersion = -32022,
};

struct Fault {
  int64_t code = kInternalError;
  std::string message;
  Json data;                   // null: none
};

struct Message {
  enum class Kind { kRequest, kNotification, kResult, kError };
  Kind kind = Kind::kRequest;
  Json id;                     // null in notifications, and in errors that belong to no readable request
  std::string method;          // of requests and notifications
  Json params;                 // an object, or null where there are none
  Json result;                 // an object
  Fault fault;

  Json json() const;
  std::string text() const { return json().dump(); }   // on one line
  bool asks() const { return kind == Kind::kRequest; }
  bool answers() const { return kind == Kind::kResult || kind == Kind::kError; }
};

Message request(Json id, std::string method, Json params);
Message notification(std::string method, Json params = {});
Message result(Json id, Json value);
Message error(Json id, Fault fault);

// kInvalidArgument with reason "parse_error" (no JSON, or over a limit) or "invalid_request" (JSON, but no message). `id`, where given, is
// set to the id as far as one can be read, so that even a wrong request can be answered.
Result<Message> parse(std::string_view bytes, Json* id = nullptr);

}  // namespace strata::mcp::rpc
