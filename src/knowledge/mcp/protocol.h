// Versions, names and small rules of the protocol that both sides share. Part of knowledge/mcp's front door.
//
//   2026-07-28  "modern": no session; each request carries version and capabilities in params._meta, and over HTTP headers that mirror the body
//   2025-11-25  "legacy": initialize → a session (Mcp-Session-Id over HTTP)
// As a server we speak these two. As a client also what legacy servers answer to initialize: 2025-06-18 and 2025-03-26, whose tools are the same.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "knowledge/mcp/rpc.h"

namespace strata::mcp {

inline constexpr std::string_view kModern = "2026-07-28", kLegacy = "2025-11-25";
inline constexpr std::string_view kMetaVersion = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kMetaClientInfo = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kMetaServerInfo = "io.modelcontextprotocol/serverInfo";
inline constexpr std::string_view kMetaCapabilities = "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view kMetaSubscription = "io.modelcontextprotocol/subscriptionId";

// Versions are dates: what is not older than the first modern one is modern, also one that we do not know.
inline bool is_modern(std::string_view version) { return version >= kModern; }

// What the header Mcp-Name mirrors: params.name or params.uri of the methods that have one.
inline std::optional<std::string> mirrored_name(const rpc::Message& message) {
  const bool by_name = message.method == "tools/call" || message.method == "prompts/get";
  if (!by_name && message.method != "resources/read") return std::nullopt;
  const std::string* name = message.params[by_name ? "name" : "uri"].as_string();
  return name ? std::optional(*name) : std::nullopt;
}

}  // namespace strata::mcp
