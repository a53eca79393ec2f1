#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "infra/egress/scripted_server_for_test.h"
#include "knowledge/tool/tool.h"

namespace strata::tool {
namespace {

using testing::HasSubstr;

// The document of examples/orders-service, which ships.
Json document() {
  std::ifstream in(STRATA_SOURCE_DIR "/examples/orders-service/openapi.json", std::ios::binary);
  return Json::parse(std::string{std::istreambuf_iterator<char>(in), {}}).value();
}

class OpenApi : public testing::Test {
 protected:
  OpenApi()
      : server_([this](const egress::testing::ScriptedServer::Peer& peer) {
          requests_.push_back(peer.request);
          const std::string body = reply_;
          peer.send("HTTP/1.1 " + status_ + "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                    "\r\nConnection: close\r\n" + header_ + "\r\n" + body);
        }) {}
  std::map<std::string, std::unique_ptr<Tool>> tools(const Json& from) {
    auto made = make_openapi(*client_, from, {.name = "orders", .base_url = "http://127.0.0.1:" + std::to_string(server_.port())});
    EXPECT_TRUE(made) << made.error().message;
    std::map<std::string, std::unique_ptr<Tool>> out;
    if (!made) return out;
    for (auto& tool : *made) {
      const std::string name = tool->description().name;
      out[name] = std::move(tool);
    }
    return out;
  }
  Result<Answer> call(Tool& tool, const std::string& arguments, const std::string& key = "") {
    const Json json = Json::parse(arguments).value();
    return tool.run(Context::background(), {json, key, false});
  }

  std::string status_ = "200 OK", reply_ = R"({"id":7,"name":"Ada"})", header_;
  std::vector<std::string> requests_;
  std::unique_ptr<egress::Client> client_ = egress::Client::make();
  egress::testing::ScriptedServer server_;
};

TEST_F(OpenApi, EachOperationIsAToolWithItsSchemasAndRisk) {
  auto all = tools(document());
  ASSERT_TRUE(all.contains("get_user_profile") && all.contains("fetch_orders") && all.contains("get_user_invoice") && all.contains("create_credit_note"));
  const Description& read = all["get_user_profile"]->description();
  EXPECT_EQ(read.risk, Risk::kMedium);
  EXPECT_FALSE(read.changes);
  EXPECT_TRUE(read.untrusted_result);
  EXPECT_EQ(read.source, "openapi:orders");
  EXPECT_EQ(read.parameters["required"].dump(), R"(["id"])");
  const Description& write = all["create_credit_note"]->description();
  EXPECT_EQ(write.risk, Risk::kHigh);
  EXPECT_TRUE(write.changes && write.repeatable) << "it honours the idempotency key";
  EXPECT_TRUE(schema::Validator::compile(write.parameters, "p"));
  EXPECT_TRUE(schema::Validator::compile(write.result, "r"));
}

TEST_F(OpenApi, ArgumentsCannotLeaveTheirPlaceInTheUrl) {
  Json loose = document();
  loose.find("paths")->as_object()->front().second.find("get")->find("parameters")->as_array()->front().find("schema")->set("type", "string");
  auto all = tools(loose);
  EXPECT_TRUE(call(*all["get_user_profile"], R"({"id":"a/../../admin?x=1#y"})"));
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_TRUE(requests_[0].starts_with("GET /users/a%2F..%2F..%2Fadmin%3Fx%3D1%23y HTTP/1.1\r\n")) << requests_[0];
  for (const char* dots : {"..", ".", ""})
    EXPECT_EQ(call(*all["get_user_profile"], R"({"id":")" + std::string(dots) + "\"}")->failure->code, "invalid_arguments");
  EXPECT_TRUE(call(*all["get_user_profile"], R"({"id":"a\r\nHost: evil"})"));
  EXPECT_EQ(requests_.back().find("\r\nHost: evil"), std::string::npos);
}

TEST_F(OpenApi, AKeyGoesOutWhereTheOperationTakesIt) {
  auto all = tools(document());
  reply_ = R"({"id":1,"invoice_id":3,"cents":500})";
  EXPECT_TRUE(call(*all["create_credit_note"], R"({"id":3,"body":{"cents":500,"reason":"late"}})", "key-1"));
  EXPECT_THAT(requests_[0], HasSubstr("POST /invoices/3/credit-notes HTTP/1.1"));
  EXPECT_THAT(requests_[0], HasSubstr("Idempotency-Key: key-1"));
  EXPECT_THAT(requests_[0], HasSubstr(R"({"cents":500,"reason":"late"})"));
}

TEST_F(OpenApi, FailuresAreWordsAndRedirectsLeadNowhere) {
  auto all = tools(document());
  status_ = "404 Not Found", reply_ = R"({"error":"no user 9"})";
  const auto missing = call(*all["get_user_profile"], R"({"id":9})");
  EXPECT_EQ(missing->failure->code, "http_404");
  EXPECT_THAT(missing->failure->message, HasSubstr("no user 9"));
  status_ = "503 Away";
  EXPECT_EQ(call(*all["get_user_profile"], R"({"id":9})").error().code, Code::kUnavailable);
  status_ = "302 Found", header_ = "Location: http://169.254.169.254/latest/meta-data\r\n";
  const auto led = call(*all["get_user_profile"], R"({"id":9})");
  EXPECT_TRUE(!led || led->failure);
  status_ = "200 OK", header_ = "", reply_ = "<html>";
  EXPECT_EQ(call(*all["get_user_profile"], R"({"id":9})")->failure->code, "invalid_result");
}

TEST_F(OpenApi, AHostThatAUserNamedMustBePublicHoweverItIsSpelled) {
  const std::string port = ":" + std::to_string(server_.port());
  int reached = 0, tried = 0;
  for (const std::string host : {"127.0.0.1",
                                 "localhost",
                                 "2130706433",
                                 "0x7f000001",
                                 "0177.0.0.1",
                                 "127.1",
                                 "0",
                                 "0.0.0.0",
                                 "[::1]",
                                 "[::]",
                                 "[::ffff:127.0.0.1]",
                                 "[::ffff:7f00:1]",
                                 "[64:ff9b::7f00:1]",
                                 "[2002:7f00:1::]",
                                 "10.0.0.1",
                                 "172.16.0.1",
                                 "192.168.1.1",
                                 "100.64.0.1",
                                 "169.254.169.254",
                                 "[fe80::1]",
                                 "[fd00::1]",
                                 "[fec0::1]",
                                 "224.0.0.1",
                                 "255.255.255.255",
                                 "192.0.2.1",
                                 "168.63.129.16",
                                 "127.0.0.1.",
                                 "LOCALHOST",
                                 "①②⑦.0.0.1",
                                 "127。0。0。1",
                                 "user@127.0.0.1",
                                 "example.com@127.0.0.1"}) {
    auto made = make_openapi(*client_, document(), {.name = "evil", .base_url = "http://" + host + port, .trust = egress::Trust::kUntrusted, .time_ms = 3'000});
    ++tried;
    if (!made) continue;
    const Json arguments = Json::object({{"id", 1}});
    const std::string key;
    auto answer = made->front()->run(Context::background().with_timeout_ms(3'000), {arguments, key, false});
    EXPECT_FALSE(answer) << host;
    reached += answer.has_value();
  }
  std::cout << tried << " spellings, " << reached << " reached\n";
  EXPECT_EQ(reached, 0);
  EXPECT_TRUE(requests_.empty()) << "nothing was connected to";
}

TEST_F(OpenApi, AnOddDocumentIsRefusedByPlace) {
  auto refusal = [&](const std::string& text) {
    auto made = make_openapi(*client_, Json::parse(text).value(), {.name = "x", .base_url = "http://127.0.0.1:1"});
    return made ? std::string() : made.error().message;
  };
  EXPECT_THAT(refusal(R"({"openapi":"2.0","paths":{}})"), HasSubstr("expected version 3.x"));
  EXPECT_THAT(refusal(R"({"openapi":"3.1.0"})"), HasSubstr("at paths"));
  EXPECT_THAT(refusal(R"({"openapi":"3.1.0","paths":{"/a/{id}":{"get":{}}}})"), HasSubstr("{id} is no parameter"));
  EXPECT_THAT(refusal(R"({"openapi":"3.1.0","paths":{"//evil.example/x":{"get":{}}}})"), HasSubstr("expected a path"));
  EXPECT_THAT(refusal(R"({"openapi":"3.1.0","paths":{"/a":{"get":{"parameters":[{"name":"x","in":"cookie","required":true}]}}}})"),
              HasSubstr("only path and query"));
}

TEST_F(OpenApi, AServiceThatIsBusyIsAskedAgainLaterAndOneThatRefusesDidNothing) {
  auto all = tools(document());
  const std::string note = R"({"id":102,"body":{"cents":500,"reason":"late"}})";
  status_ = "429 Too Many Requests";
  EXPECT_TRUE(call(*all["create_credit_note"], note)->failure->retry);
  status_ = "408 Request Timeout";
  EXPECT_TRUE(call(*all["get_user_profile"], R"({"id":1})")->failure->retry);
  status_ = "409 Conflict";
  const auto refused = call(*all["create_credit_note"], note);
  EXPECT_FALSE(refused->failure->retry || refused->failure->stands);
}

TEST_F(OpenApi, AnEffectStandsThoughTheAnswerToItIsNoJsonOrLeadsElsewhere) {
  auto all = tools(document());
  const std::string note = R"({"id":102,"body":{"cents":500,"reason":"late"}})";
  reply_ = "<html>thank you</html>";
  EXPECT_TRUE(call(*all["create_credit_note"], note)->failure->stands);
  EXPECT_FALSE(call(*all["get_user_profile"], R"({"id":1})")->failure->stands) << "it only reads";
  status_ = "303 See Other", header_ = "Location: /done\r\n";
  EXPECT_TRUE(call(*all["create_credit_note"], note)->failure->stands);
}

}  // namespace
}  // namespace strata::tool
