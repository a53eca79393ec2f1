// This platform as a server: what each protocol version asks of one.
#include "knowledge/mcp/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "knowledge/mcp/protocol.h"

namespace strata::mcp {
namespace {

using testing::HasSubstr;
using testing::Not;

class Texts : public Resources {
 public:
  Result<ResourcePage> list(const Context&, const std::string& cursor) override {
    if (cursor.empty()) return ResourcePage{{{"strata://documents/a", "a.md", "a", "text/plain", 5}}, "more"};
    return ResourcePage{};
  }
  Result<std::string> read(const Context&, const std::string& uri) override {
    if (uri == "strata://documents/large") return std::string(3u << 20, 'x');
    if (uri != "strata://documents/a") return not_found("there is no resource " + uri, "uri");
    return std::string("hello");
  }
};

class Lines : public Host::Sink {
 public:
  Lines(std::vector<std::string>& lines, bool& ended) : lines_(lines), ended_(ended) {}
  bool write(const std::string& message) override { return lines_.push_back(message), true; }
  void end() override { ended_ = true; }

 private:
  std::vector<std::string>& lines_;
  bool& ended_;
};

class HostTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/strata-mcp-XXXXXX";
    folder_ = mkdtemp(name.data());
    store_ = std::move(*store::Store::open(folder_ + "/data", tool::migrations()));
    tools_ = std::make_unique<tool::Tools>(*store_, clock_);
    ASSERT_TRUE(tools_->add(tool::make_calculator()));
    tool::Description risky;
    risky.name = "send_money";
    risky.parameters = Json::object({{"type", "object"}});
    risky.risk = tool::Risk::kHigh;
    risky.changes = true;
    ASSERT_TRUE(tools_->add(tool::make_tool(risky, [](const Context&, const tool::Invocation&) -> Result<tool::Answer> {
      ADD_FAILURE() << "ran";
      return tool::Answer::of(Json::object());
    })));
    host_ = std::make_unique<Host>(*tools_, clock_, Host::Options{"1.2", &texts_, "ask at the desk"});
  }
  void TearDown() override {
    host_.reset(), tools_.reset(), store_.reset();
    std::filesystem::remove_all(folder_);
  }

  static Json meta() { return Json::object({{std::string(kMetaVersion), kModern}, {std::string(kMetaCapabilities), Json::object()}}); }
  using Headers = std::map<std::string, std::string, std::less<>>;
  Reply post(const std::string& body, const Headers& headers) {
    return host_->post(context_, body, [&](std::string_view name) -> std::string_view {
      const auto found = headers.find(name);
      return found == headers.end() ? std::string_view() : found->second;
    });
  }
  Reply modern(const std::string& method, Json params = Json::object(), Headers more = {}) {
    if (!params.find("_meta")) params.set("_meta", meta());
    const rpc::Message message = rpc::request(7, method, std::move(params));
    Headers headers = {{"mcp-protocol-version", std::string(kModern)}, {"mcp-method", method}};
    if (const auto name = mirrored_name(message)) headers["mcp-name"] = *name;
    for (auto& [name, value] : more) headers[name] = value;
    return post(message.text(), headers);
  }
  Json result(const Reply& reply) {
    EXPECT_EQ(reply.status, 200) << reply.body;
    Json json = Json::parse(reply.body).value_or(Json());
    EXPECT_EQ(json["id"], Json(7));
    return json["result"];
  }
  static int64_t code(const Reply& reply) { return Json::parse(reply.body).value_or(Json())["error"]["code"].to_int("code").value_or(0); }

  std::string folder_;
  ManualClock clock_;
  const Context context_ = Context::background(clock_);
  Texts texts_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<tool::Tools> tools_;
  std::unique_ptr<Host> host_;
};

TEST_F(HostTest, AModernRequestNeedsNoSession) {
  const Json found = result(modern("server/discover"));
  EXPECT_EQ(found["supportedVersions"], Json::array({"2026-07-28", "2025-11-25"}));
  EXPECT_EQ(found["resultType"], Json("complete"));
  EXPECT_EQ(found["_meta"][kMetaServerInfo]["version"], Json("1.2"));
  const Json called = result(modern("tools/call", Json::object({{"name", "calculator"}, {"arguments", Json::object({{"expression", "6*7"}})}})));
  EXPECT_EQ(called["structuredContent"]["value"].to_double("value").value(), 42);
  EXPECT_EQ(called["isError"], Json(false));
  EXPECT_EQ(host_->sessions(), 0u);
}

TEST_F(HostTest, HeadersThatDifferFromTheBodyAreRefused) {
  EXPECT_EQ(code(modern("tools/list", Json::object(), {{"mcp-method", "tools/call"}})), rpc::kHeaderMismatch);
  EXPECT_EQ(code(modern("tools/list", Json::object(), {{"mcp-method", ""}})), rpc::kHeaderMismatch);
  EXPECT_EQ(code(modern("tools/call", Json::object({{"name", "calculator"}}), {{"mcp-name", "other"}})), rpc::kHeaderMismatch);
  EXPECT_EQ(code(modern("tools/list", Json::object(), {{"mcp-protocol-version", "2027-01-01"}})), rpc::kHeaderMismatch);
  const Reply encoded = modern("tools/call", Json::object({{"name", "calculator"}, {"arguments", Json::object({{"expression", "1"}})}}),
                               {{"mcp-name", "=?base64?Y2FsY3VsYXRvcg==?="}});
  EXPECT_EQ(encoded.status, 200);
}

TEST_F(HostTest, AVersionThatWeDoNotSpeakGetsTheListOfThoseThatWeDo) {
  Json params = Json::object({{"_meta", meta()}});
  params.find("_meta")->set(std::string(kMetaVersion), "1900-01-01");
  const Reply reply = modern("tools/list", params, {{"mcp-protocol-version", "1900-01-01"}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(code(reply), rpc::kUnsupportedVersion);
  EXPECT_EQ(Json::parse(reply.body).value()["error"]["data"]["requested"], Json("1900-01-01"));
}

TEST_F(HostTest, MissingMetaAndUnknownMethodsAreToldApart) {
  EXPECT_EQ(code(modern("tools/list", Json::object({{"_meta", Json::object()}}))), rpc::kInvalidParams);
  const Reply unknown = modern("initialize");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(code(unknown), rpc::kMethodNotFound);
}

TEST_F(HostTest, ALegacySessionBeginsIsUsedAndEnds) {
  const std::string hello = rpc::request(7, "initialize", Json::object({{"protocolVersion", "2025-06-18"}, {"capabilities", Json::object()}})).text();
  const Reply begun = post(hello, {});
  EXPECT_EQ(result(begun)["protocolVersion"], Json("2025-11-25"));
  const Headers headers = {{"mcp-session-id", begun.session}, {"mcp-protocol-version", "2025-11-25"}};
  EXPECT_EQ(post(rpc::notification("notifications/initialized").text(), headers).status, 202);
  EXPECT_EQ(result(post(rpc::request(7, "ping", {}).text(), headers)), Json::object());
  EXPECT_EQ(result(post(rpc::request(7, "tools/list", {}).text(), headers))["tools"].size(), 2u);
  EXPECT_EQ(code(post(rpc::request(7, "server/discover", {}).text(), headers)), rpc::kMethodNotFound);
  EXPECT_EQ(post(rpc::request(7, "ping", {}).text(), {}).status, 400);
  const auto header = [&](std::string_view name) { return headers.contains(name) ? std::string_view(headers.find(name)->second) : std::string_view(); };
  EXPECT_EQ(host_->remove(context_, header).status, 204);
  EXPECT_EQ(post(rpc::request(7, "ping", {}).text(), headers).status, 404);
}

TEST_F(HostTest, SessionsAreBoundedAndTheIdlestGoesFirst) {
  const std::string hello = rpc::request(7, "initialize", Json::object({{"protocolVersion", "2025-11-25"}})).text();
  const std::string first = post(hello, {}).session;
  for (size_t i = 0; i < Host::kSessionsMost; ++i) {
    clock_.advance_ms(1);
    post(hello, {});
  }
  EXPECT_EQ(host_->sessions(), Host::kSessionsMost);
  EXPECT_EQ(post(rpc::request(7, "ping", {}).text(), {{"mcp-session-id", first}}).status, 404);
}

TEST_F(HostTest, WhatACallerMayNotCallIsNeitherListedNorFound) {
  tool::Policy policy;
  policy.permission = tool::Permission::kDeny;
  ASSERT_TRUE(tools_->set_policy(context_, "calculator", policy));
  const Json tools = result(modern("tools/list"))["tools"];
  ASSERT_EQ(tools.size(), 1u);
  EXPECT_EQ((*tools.as_array())[0]["name"], Json("send_money"));
  EXPECT_EQ(code(modern("tools/call", Json::object({{"name", "calculator"}}))), rpc::kInvalidParams);
}

TEST_F(HostTest, ARiskyToolNeedsAPersonsApproval) {
  const Json held = result(modern("tools/call", Json::object({{"name", "send_money"}, {"arguments", Json::object()}})));
  EXPECT_EQ(held["isError"], Json(true));
  EXPECT_THAT(*(*held["content"].as_array())[0]["text"].as_string(), HasSubstr("needs_approval"));
}

TEST_F(HostTest, WhoeverNeedsAnApprovalIsToldWhereToGetIt) {
  const Json called = result(modern("tools/call", Json::object({{"name", "send_money"}, {"arguments", Json::object()}})));
  EXPECT_EQ(called["isError"], Json(true));
  EXPECT_THAT(called["content"].dump(), HasSubstr("a person must approve this call of send_money"));
  EXPECT_THAT(called["content"].dump(), HasSubstr("; ask at the desk"));
  // An approval that nobody gave is none.
  Json params = Json::object({{"name", "send_money"}, {"arguments", Json::object()}});
  Json asked = meta();
  asked.set("strata/approvalId", "appr_made_up");
  params.set("_meta", std::move(asked));
  EXPECT_THAT(result(modern("tools/call", std::move(params)))["content"].dump(), HasSubstr("approval_invalid"));
}

TEST_F(HostTest, ANameThatIsNearlyAToolsHintsOnlyAtWhatTheCallerMayCall) {
  auto told = [&](const char* name) { return modern("tools/call", Json::object({{"name", name}})).body; };
  EXPECT_THAT(told("send_mony"), HasSubstr("did you mean 'send_money'?"));
  ASSERT_TRUE(tools_->set_policy(context_, "send_money", {.permission = tool::Permission::kDeny, .roles = {}, .why = "", .who = ""}));
  EXPECT_THAT(told("send_mony"), Not(HasSubstr("send_money")));
  EXPECT_THAT(told("send_money"), HasSubstr("there is no tool 'send_money' for this caller\""));
}

TEST_F(HostTest, DocumentsAreResources) {
  const Json listed = result(modern("resources/list"));
  EXPECT_EQ((*listed["resources"].as_array())[0]["uri"], Json("strata://documents/a"));
  EXPECT_EQ(listed["nextCursor"], Json("more"));
  EXPECT_FALSE(result(modern("resources/list", Json::object({{"cursor", "more"}}))).find("nextCursor"));
  const Json read = result(modern("resources/read", Json::object({{"uri", "strata://documents/a"}})));
  EXPECT_EQ((*read["contents"].as_array())[0]["text"], Json("hello"));
  EXPECT_EQ(code(modern("resources/read", Json::object({{"uri", "strata://documents/b"}}))), rpc::kInvalidParams);
  EXPECT_EQ(code(modern("resources/read", Json::object({{"uri", "strata://documents/large"}}))), rpc::kInternalError);
}

TEST_F(HostTest, AStreamIsAcknowledgedToldOfChangesAndEndedInGoodOrder) {
  Reply opened = modern("subscriptions/listen", Json::object({{"notifications", Json::object({{"toolsListChanged", true}, {"promptsListChanged", true}})}}));
  ASSERT_TRUE(opened.stream);
  const Json first = Json::parse(opened.body).value();
  EXPECT_EQ(first["method"], Json("notifications/subscriptions/acknowledged"));
  EXPECT_EQ(first["params"]["notifications"], Json::object({{"toolsListChanged", true}}));
  std::vector<std::string> lines, others;
  bool ended = false, other_ended = false;
  host_->attach(context_, opened.listening, std::make_unique<Lines>(lines, ended));
  host_->attach(context_, Listening{8, false, ""}, std::make_unique<Lines>(others, other_ended));
  host_->tools_changed();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(Json::parse(lines[0]).value()["params"]["_meta"][kMetaSubscription], Json(7));
  EXPECT_TRUE(others.empty());
  host_->close();
  EXPECT_EQ(lines.size(), 2u);
  EXPECT_TRUE(ended);
}

TEST_F(HostTest, WhatIsNoMessageIsAnsweredAndNothingElseHappens) {
  EXPECT_EQ(code(post("{", {})), rpc::kParseError);
  EXPECT_EQ(code(post("[]", {})), rpc::kInvalidRequest);
  EXPECT_EQ(code(post(R"({"jsonrpc":"2.0","id":null,"method":"ping"})", {})), rpc::kInvalidRequest);
  EXPECT_EQ(code(post(R"({"jsonrpc":"1.0","id":3,"method":"ping"})", {})), rpc::kInvalidRequest);
  EXPECT_EQ(code(post(std::string(5u << 20, ' '), {})), rpc::kParseError);
  EXPECT_EQ(code(modern("tools/call", Json::object({{"name", "calculator"}, {"arguments", Json::array()}}))), rpc::kInvalidParams);
}

}  // namespace
}  // namespace strata::mcp
