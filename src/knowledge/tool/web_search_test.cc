#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "infra/egress/scripted_server_for_test.h"
#include "knowledge/tool/tool.h"

namespace strata::tool {
namespace {

using testing::HasSubstr;

Json json(const std::string& text) { return Json::parse(text).value(); }

// Speaks as a search service does; what it was asked is kept.
class WebSearch : public testing::Test {
 protected:
  WebSearch()
      : server_([this](const egress::testing::ScriptedServer::Peer& peer) {
          request_ = peer.request;
          peer.send("HTTP/1.1 " + status_ + "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(reply_.size()) +
                    "\r\nConnection: close\r\n" + header_ + "\r\n" + reply_);
        }) {}
  WebService service() const {
    WebService out;
    out.url = "http://127.0.0.1:" + std::to_string(server_.port()) + "/search?q={query}&count={results}";
    out.results = "/web/results", out.snippet = "/about";
    return out;
  }
  Answer call(const WebService& service, const std::string& arguments) {
    auto web = make_web_service(*client_, service);
    EXPECT_TRUE(web) << web.error().message;
    auto tool = make_web_search(std::move(*web));
    auto answer = tool->run(Context::background(), {json(arguments), key_, false});
    if (!answer) return Answer::failed("error", answer.error().message);
    if (!answer->failure) {
      const auto validator = schema::Validator::compile(tool->description().result, "result").value();
      EXPECT_TRUE(validator->check(answer->result).empty()) << answer->result.dump();
    }
    return *answer;
  }

  std::string status_ = "200 OK", header_, request_;
  std::string reply_ = R"({"web":{"results":[{"title":"A","url":"https://a.example/","about":"says a"},{"title":"no address"},{"url":"https://b.example/"}]}})";
  const std::string key_;
  std::unique_ptr<egress::Client> client_ = egress::Client::make();
  egress::testing::ScriptedServer server_;
};

TEST_F(WebSearch, AServicesAnswerIsReadWhereThePointersLead) {
  const Answer answer = call(service(), R"({"query":"fish & chips {results}","results":3})");
  ASSERT_FALSE(answer.failure) << answer.failure->message;
  EXPECT_EQ(answer.result.dump(),
            R"({"pages":[{"title":"A","url":"https://a.example/","snippet":"says a"},{"title":"","url":"https://b.example/","snippet":""}],)"
            R"("source":"service"})");
  EXPECT_TRUE(request_.starts_with("GET /search?q=fish%20%26%20chips%20%7Bresults%7D&count=3 HTTP/1.1\r\n")) << request_;
}

TEST_F(WebSearch, AQuestionStaysAValueOfTheBodyAndTheSecretGoesAsAHeader) {
  WebService posts = service();
  posts.url = "http://127.0.0.1:" + std::to_string(server_.port()) + "/search";
  posts.body = json(R"({"q":"{query}","num":"{results}","options":[{"safe":true}]})");
  posts.secret_header = "X-Key: sesame";
  EXPECT_FALSE(call(posts, R"({"query":"\",\"x\":\"{results}"})").failure);
  EXPECT_TRUE(request_.starts_with("POST /search HTTP/1.1\r\n"));
  EXPECT_THAT(request_, HasSubstr("X-Key: sesame"));
  EXPECT_TRUE(request_.ends_with(R"({"q":"\",\"x\":\"{results}","num":5,"options":[{"safe":true}]})")) << request_;
}

TEST_F(WebSearch, WhatTheOperatorCanMendIsSaidAndABusyServiceIsAskedAgain) {
  WebService wrong = service();
  wrong.results = "/results";
  EXPECT_THAT(call(wrong, R"({"query":"a"})").failure->message, HasSubstr("check web_search.results"));
  wrong = service();
  wrong.link = "/href";
  EXPECT_THAT(call(wrong, R"({"query":"a"})").failure->message, HasSubstr("check web_search.link"));
  status_ = "401 Unauthorized";
  EXPECT_EQ(call(service(), R"({"query":"a"})").failure->code, "http_401");
  status_ = "302 Found", header_ = "Location: http://169.254.169.254/\r\n";
  EXPECT_EQ(call(service(), R"({"query":"a"})").failure->code, "http_302") << "nothing leads to another host";
  status_ = "200 OK", header_ = "", reply_ = "<html>";
  EXPECT_EQ(call(service(), R"({"query":"a"})").failure->code, "invalid_result");
  status_ = "429 Too Many Requests";
  EXPECT_THAT(call(service(), R"({"query":"a"})").failure->message, HasSubstr("status 429"));
}

TEST_F(WebSearch, ServicesWhoseHostIsNotFixedAreRefused) {
  for (const char* url : {"ftp://a/?q={query}", "https://{query}.example/", "https://user@a.example/?q={query}", "https://a.example/"}) {
    WebService odd = service();
    odd.url = url;
    EXPECT_FALSE(make_web_service(*client_, odd)) << url;
  }
  WebService odd = service();
  odd.results = "web.results";
  EXPECT_THAT(make_web_service(*client_, odd).error().message, HasSubstr("JSON pointer"));
}

}  // namespace
}  // namespace strata::tool
