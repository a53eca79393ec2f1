// For tests: an MCP server over HTTP that says what a test wants, well or badly.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "infra/egress/scripted_server_for_test.h"
#include "knowledge/mcp/protocol.h"
#include "knowledge/mcp/rpc.h"

namespace strata::mcp::testing {

class FakeServer {
 public:
  using Peer = egress::testing::ScriptedServer::Peer;
  // Answers a request by itself; false: as usual.
  using Odd = std::function<bool(const Peer&, const rpc::Message&)>;

  explicit FakeServer(bool modern = true) : modern_(modern), server_([this](const Peer& peer) { serve(peer); }) {}

  std::string url() const { return server_.url("/mcp"); }
  std::vector<std::string> requests() const { return server_.requests(); }
  int count(const std::string& method) const {
    int out = 0;
    for (const std::string& request : server_.requests()) out += request.find("\"method\":\"" + method + "\"") != request.npos;
    return out;
  }
  void set_tools(const std::string& json) {
    const std::lock_guard lock(mutex_);
    tools_ = Json::parse(json).value();
  }
  void set_odd(Odd odd) {
    const std::lock_guard lock(mutex_);
    odd_ = std::move(odd);
  }

  static void reply(const Peer& peer, const rpc::Message& message, int status = 200, const std::string& headers = "") {
    peer.send(egress::testing::answer(status, message.text(), "Content-Type: application/json\r\n" + headers));
  }
  static void begin_stream(const Peer& peer) { peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"); }
  static std::string event(const rpc::Message& message) { return "data: " + message.text() + "\n\n"; }

 private:
  void serve(const Peer& peer) {
    const auto message = rpc::parse(peer.request.substr(std::min(peer.request.size(), peer.request.find("\r\n\r\n") + 4)));
    if (!message) return peer.send(egress::testing::answer(400, "bad"));
    Odd odd;
    Json tools;
    {
      const std::lock_guard lock(mutex_);
      odd = odd_, tools = tools_;
    }
    if (odd && odd(peer, *message)) return;
    if (!message->asks()) return peer.send(egress::testing::answer(202, ""));
    if (message->method == "server/discover") {
      if (!modern_) return reply(peer, rpc::error(message->id, {rpc::kInvalidRequest, "Missing session", {}}), 400);
      return reply(peer, rpc::result(message->id, Json::object({{"supportedVersions", Json::array({kModern})}, {"resultType", "complete"}})));
    }
    if (message->method == "initialize") {
      const Json result = Json::object({{"protocolVersion", "2025-06-18"}, {"serverInfo", Json::object({{"name", "fake"}, {"version", "1"}})}});
      return reply(peer, rpc::result(message->id, result), 200, "Mcp-Session-Id: s1\r\n");
    }
    if (message->method == "tools/list") return reply(peer, rpc::result(message->id, Json::object({{"tools", tools}, {"resultType", "complete"}})));
    const std::string said = message->params["arguments"].dump();
    const Json content = Json::array({Json::object({{"type", "text"}, {"text", said}})});
    reply(peer, rpc::result(message->id, Json::object({{"content", content}, {"resultType", "complete"}})));
  }

  const bool modern_;
  std::mutex mutex_;
  Json tools_ = Json::array();
  Odd odd_;
  egress::testing::ScriptedServer server_;
};

}  // namespace strata::mcp::testing
