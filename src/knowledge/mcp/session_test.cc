// A conversation with a server: eras, matching, and servers that mean no good.
#include "knowledge/mcp/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "knowledge/mcp/fake_server_for_test.h"

namespace strata::mcp {
namespace {

using testing::FakeServer;
using ::testing::HasSubstr;
using Peer = FakeServer::Peer;

class SessionTest : public ::testing::Test {
 protected:
  std::unique_ptr<Session> session(const FakeServer& server, uint64_t bytes_most = 1u << 20) {
    return std::make_unique<Session>(
        make_http_transport(*client_, {.url = server.url(), .secret_header = "", .trust = egress::Trust::kOperator, .bytes_most = bytes_most}), "1.0");
  }
  static std::unique_ptr<Session> program(const std::string& script) {
    process::Command command;
    command.arguments = {"/bin/sh", "-c", script};
    return std::make_unique<Session>(make_stdio_transport(command), "1.0");
  }
  const std::unique_ptr<egress::Client> client_ = egress::Client::make();
  const Context context_ = Context::background();
};

TEST_F(SessionTest, AModernServerNeedsNoHandshakeAndGetsItsHeaders) {
  FakeServer server;
  auto s = session(server);
  EXPECT_EQ(s->open(context_).value().protocol, "2026-07-28");
  ASSERT_TRUE(s->request(context_, "tools/call", Json::object({{"name", "add"}}), {{"Mcp-Param-A", "1"}}));
  const std::string request = server.requests().back();
  for (const char* header : {"MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: add", "Mcp-Param-A: 1"})
    EXPECT_THAT(request, HasSubstr(header));
  EXPECT_THAT(request, HasSubstr("io.modelcontextprotocol/clientCapabilities"));
  EXPECT_EQ(server.count("initialize"), 0);
}

TEST_F(SessionTest, ALegacyServerIsInitializedAndKeepsItsSession) {
  FakeServer server(false);
  auto s = session(server);
  EXPECT_EQ(s->open(context_).value().protocol, "2025-06-18");
  ASSERT_TRUE(s->request(context_, "tools/list", {}));
  const std::string request = server.requests().back();
  EXPECT_THAT(request, HasSubstr("Mcp-Session-Id: s1"));
  EXPECT_THAT(request, HasSubstr("MCP-Protocol-Version: 2025-06-18"));
  EXPECT_THAT(request, Not(HasSubstr("_meta")));
  EXPECT_EQ(server.count("notifications/initialized"), 1);
}

TEST_F(SessionTest, ASessionThatTheServerForgotIsOpenedAgain) {
  FakeServer server(false);
  auto s = session(server);
  ASSERT_TRUE(s->open(context_));
  int refusals = 1;
  server.set_odd([&](const Peer& peer, const rpc::Message& message) {
    if (message.method != "tools/list" || refusals-- <= 0) return false;
    peer.send(egress::testing::answer(404, "gone"));
    return true;
  });
  EXPECT_TRUE(s->request(context_, "tools/list", {}));
  EXPECT_EQ(server.count("initialize"), 2);
}

TEST_F(SessionTest, AServerOfOtherVersionsIsNamedAsThat) {
  FakeServer server;
  server.set_odd([](const Peer& peer, const rpc::Message& message) {
    const Json data = Json::object({{"supported", Json::array({"2030-01-01"})}, {"requested", kModern}});
    FakeServer::reply(peer, rpc::error(message.id, {rpc::kUnsupportedVersion, "no", data}), 400);
    return true;
  });
  const auto opened = session(server)->open(context_);
  EXPECT_EQ(opened.error().reason, "no_common_version");
  EXPECT_THAT(opened.error().message, HasSubstr("2030-01-01"));
}

TEST_F(SessionTest, AnAnswerToAnotherRequestIsNoAnswer) {
  FakeServer server;
  auto s = session(server);
  ASSERT_TRUE(s->open(context_));
  server.set_odd([](const Peer& peer, const rpc::Message&) {
    FakeServer::reply(peer, rpc::result(424242, Json::object()));
    return true;
  });
  EXPECT_EQ(s->request(context_, "tools/list", {}).error().code, Code::kUnavailable);
}

TEST_F(SessionTest, AStreamCarriesNotificationsAndTheAnswer) {
  FakeServer server;
  auto s = session(server);
  ASSERT_TRUE(s->open(context_));
  server.set_odd([](const Peer& peer, const rpc::Message& message) {
    if (message.method != "tools/list") return false;
    FakeServer::begin_stream(peer);
    for (int i = 0; i < 100; ++i) peer.send(FakeServer::event(rpc::notification("notifications/tools/list_changed")));
    peer.send(": a comment\n\n" + FakeServer::event(rpc::request("theirs", "sampling/createMessage", Json::object())));
    peer.send(FakeServer::event(rpc::result(message.id, Json::object({{"tools", Json::array()}}))));
    return true;
  });
  EXPECT_TRUE(s->request(context_, "tools/list", {}));
  EXPECT_TRUE(s->take_tools_changed());
  EXPECT_FALSE(s->take_tools_changed()) << "a storm is one flag";
}

TEST_F(SessionTest, AnEndlessStreamEnds) {
  FakeServer server;
  auto s = session(server);
  ASSERT_TRUE(s->open(context_));
  server.set_odd([](const Peer& peer, const rpc::Message&) {
    FakeServer::begin_stream(peer);
    const std::string piece = FakeServer::event(rpc::notification("notifications/message"));
    for (int i = 0; i < 20'000; ++i) peer.send(piece);
    return true;
  });
  EXPECT_EQ(s->request(context_, "tools/list", {}).error().reason, "too_many_messages");
}

TEST_F(SessionTest, AMessageWithoutEndIsRefusedAtTheLimit) {
  FakeServer server;
  auto s = session(server);
  ASSERT_TRUE(s->open(context_));
  server.set_odd([](const Peer& peer, const rpc::Message&) {
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"x\":\"");
    const std::string piece(1u << 16, 'x');
    for (int i = 0; i < 200; ++i) peer.send(piece);
    return true;
  });
  EXPECT_EQ(s->request(context_, "tools/list", {}).error().reason, "too_large");
}

TEST_F(SessionTest, ASilentServerCostsItsCallersTimeOnly) {
  FakeServer server(false);
  auto s = session(server);
  ASSERT_TRUE(s->open(context_));
  server.set_odd([](const Peer& peer, const rpc::Message& message) {
    if (message.asks()) peer.wait_for_close();
    return message.asks();
  });
  EXPECT_EQ(s->request(context_.with_timeout_ms(100), "tools/list", {}).error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(server.count("notifications/cancelled"), 1);
}

TEST_F(SessionTest, BadJsonAndRefusalsAreErrorsThatSayWhat) {
  FakeServer server;
  auto s = session(server);
  ASSERT_TRUE(s->open(context_));
  auto says = [&](std::string answer) {   // each its own: the one before may still be sent
    server.set_odd([answer = std::move(answer)](const Peer& peer, const rpc::Message&) { return peer.send(answer), true; });
  };
  says(egress::testing::answer(200, "{]"));
  EXPECT_EQ(s->request(context_, "tools/list", {}).error().reason, "parse_error");
  says(egress::testing::answer(401, "who are you"));
  EXPECT_THAT(s->request(context_, "tools/list", {}).error().message, HasSubstr("token"));
  says(egress::testing::answer(302, "", "Location: http://127.0.0.1:1/\r\n"));
  EXPECT_EQ(s->request(context_, "tools/list", {}).error().reason, "http_302");
}

TEST_F(SessionTest, AProgramIsTalkedToLineByLine) {
  auto s = program(R"(
    read line; echo '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}'
    read line; echo '{"jsonrpc":"2.0","id":2,"result":{"protocolVersion":"2025-11-25","serverInfo":{"name":"sh","version":"1"}}}'
    read line; read line
    echo '{"jsonrpc":"2.0","id":"p","method":"ping"}'; read pong; echo "$pong" >&2
    echo '{"jsonrpc":"2.0","id":3,"result":{"tools":[]}}'
    read line)");
  EXPECT_EQ(s->open(context_).value().name, "sh");
  EXPECT_EQ(s->request(context_, "tools/list", {}).value(), Json::object({{"tools", Json::array()}}));
}

TEST_F(SessionTest, AProgramThatEndsSaysWhyAndIsStartedAgain) {
  auto s = program("echo no such option >&2; exit 2");
  const auto opened = s->open(context_);
  EXPECT_EQ(opened.error().reason, "process_ended");
  EXPECT_THAT(opened.error().message, HasSubstr("no such option"));
  EXPECT_EQ(s->open(context_).error().reason, "process_ended");
}

TEST_F(SessionTest, AProgramThatFloodsIsStopped) {
  auto s = program("while :; do echo '{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}'; done");
  EXPECT_EQ(s->open(context_).error().reason, "too_many_messages");
  auto long_line = program("tr '\\0' x </dev/zero");
  EXPECT_EQ(long_line->open(context_).error().reason, "too_large");
}

}  // namespace
}  // namespace strata::mcp
