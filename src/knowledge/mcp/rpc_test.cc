// Messages, event streams, headers and tool lists: what comes from outside is read strictly and within bounds.
#include "knowledge/mcp/rpc.h"

#include <gtest/gtest.h>

#include "knowledge/mcp/events.h"
#include "knowledge/mcp/relay.h"
#include "knowledge/mcp/tool_list.h"
#include "knowledge/mcp/transport.h"

namespace strata::mcp {
namespace {

Json json(const std::string& text) { return Json::parse(text).value(); }

TEST(Rpc, AMessageIsWrittenAsItIsRead) {
  for (const char* text : {R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":[1]}})", R"({"jsonrpc":"2.0","method":"notifications/initialized"})",
                           R"({"jsonrpc":"2.0","id":"x","result":{}})", R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}})",
                           R"({"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"no","data":{"supported":[]}}})"})
    EXPECT_EQ(rpc::parse(text).value().text(), text);
}

TEST(Rpc, WhatIsNoMessageIsAnErrorAndItsIdIsFoundWhereThereIsOne) {
  for (const char* text : {"", "{", "[]", "1", R"({"jsonrpc":"2.0"})", R"({"jsonrpc":"2.0","id":1,"method":1})", R"({"jsonrpc":"2.0","id":1.5,"method":"a"})",
                           R"({"jsonrpc":"2.0","id":{},"method":"a"})", R"({"jsonrpc":"2.0","id":1,"method":"a","params":[]})",
                           R"({"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}})", R"({"jsonrpc":"2.0","id":1,"result":[]})",
                           R"({"jsonrpc":"2.0","result":{}})", R"({"jsonrpc":"2.0","id":1,"error":{"code":"1","message":""}})"})
    EXPECT_FALSE(rpc::parse(text)) << text;
  Json id;
  EXPECT_FALSE(rpc::parse(R"({"jsonrpc":"2.0","id":9,"method":""})", &id));
  EXPECT_EQ(id, Json(9));
  EXPECT_EQ(rpc::parse(std::string(100, '[')).error().reason, "parse_error");
}

std::vector<std::string> events(const std::vector<std::string>& pieces) {
  EventReader reader;
  std::vector<std::string> out;
  for (const std::string& piece : pieces)
    EXPECT_TRUE(reader.feed(piece, [&](const std::string& data) {
      out.push_back(data);
      return true;
    }));
  return out;
}

TEST(Events, AreTheSameHoweverTheyArriveInPieces) {
  const std::string stream = ": hello\r\nid: 7\r\ndata:\r\n\r\nevent: message\ndata: one\ndata: two\n\ndata:three\r\rdatum: no\n\ndata\n\ndata: last";
  const std::vector<std::string> expected = {"one\ntwo", "three"};
  EXPECT_EQ(events({stream}), expected);
  std::vector<std::string> bytes;
  for (const char c : stream) bytes.emplace_back(1, c);
  EXPECT_EQ(events(bytes), expected);
}

TEST(Events, OneWithoutEndIsRefusedAtTheLimit) {
  EventReader reader;
  const std::string piece(1u << 20, 'x');
  Status status;
  for (int i = 0; i < 8 && status; ++i) status = reader.feed((i == 0 ? "data: " : "") + piece, [](const std::string&) { return true; });
  EXPECT_EQ(status.error().code, Code::kResourceExhausted);
}

TEST(Headers, CarryAnyTextAndNoSecondHeader) {
  EXPECT_EQ(header_value("us-west1"), "us-west1");
  EXPECT_EQ(header_value(" padded "), "=?base64?IHBhZGRlZCA=?=");
  EXPECT_EQ(header_value("line1\nline2"), "=?base64?bGluZTEKbGluZTI=?=");
  for (const std::string text : {"plain", " a ", "a\r\nb: c", "Hello, 世界", "=?base64?x?=", "a\tb"}) EXPECT_EQ(value_of_header(header_value(text)), text);
  EXPECT_FALSE(value_of_header("=?base64?%%?="));
  EXPECT_FALSE(value_of_header("a\x01"));
}

constexpr const char* kAdd = R"({"name":"add","description":"Adds.","inputSchema":{"type":"object","properties":{"a":{"type":"integer"}}}})";

TEST(ToolList, ItsHashIsOfWhatAModelIsShownAndOfThePlace) {
  const Json::Array one = {json(kAdd)};
  const std::string hash = read_tools(one, "here").hash;
  EXPECT_NE(read_tools(one, "there").hash, hash);
  Json same = json(kAdd);
  same.set("icons", Json::array({"x"}));
  same.set("_meta", Json::object({{"a", 1}}));
  EXPECT_EQ(read_tools({same}, "here").hash, hash);
  for (const char* field : {"title", "description", "annotations", "outputSchema"}) {
    Json other = json(kAdd);
    other.set(field, Json::object({{"title", "y"}}));
    EXPECT_NE(read_tools({other}, "here").hash, hash) << field;
  }
  const Json second = json(R"({"name":"b","inputSchema":{"type":"object"}})");
  EXPECT_EQ(read_tools({json(kAdd), second}, "").hash, read_tools({second, json(kAdd)}, "").hash);
}

TEST(ToolList, AToolThatCannotBeTakenIsLeftOutWithTheReason) {
  const std::string large(kToolBytesMost, 'x');
  const Json::Array tools = {json(kAdd),
                             json(kAdd),
                             Json(1),
                             json(R"({"name":"","inputSchema":{"type":"object"}})"),
                             json(R"({"name":"text","inputSchema":"x"})"),
                             json(R"({"name":"list","inputSchema":{"type":"array"}})"),
                             json(R"({"name":"far","inputSchema":{"type":"object","properties":{"a":{"$ref":"https://example.com/a"}}}})"),
                             json(R"({"name":"large","inputSchema":{"type":"object"},"description":")" + large + "\"}"),
                             json(R"({"name":"essay","inputSchema":{"type":"object"},"description":")" + large.substr(0, 5'000) + "\"}")};
  const ToolList list = read_tools(tools, "");
  ASSERT_EQ(list.tools.size(), 1u);
  EXPECT_EQ(list.left_out.size(), tools.size() - 1);
  for (const LeftOut& one : list.left_out) EXPECT_FALSE(one.why.empty());
}

TEST(ToolList, ArgumentsAreMirroredIntoHeadersAsTheSchemaSays) {
  const Json tool = json(R"({"name":"q","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},
    "deep":{"type":"object","properties":{"n":{"type":"integer","x-mcp-header":"N"}}},"on":{"type":"boolean","x-mcp-header":"On"}}}})");
  const ToolList list = read_tools({tool}, "");
  ASSERT_EQ(list.tools.size(), 1u);
  const auto headers = mirrored_headers(list.tools[0], json(R"({"region":"a b ","deep":{"n":42},"on":null})")).value();
  EXPECT_EQ(headers, (Session::Headers{{"Mcp-Param-Region", "=?base64?YSBiIA==?="}, {"Mcp-Param-N", "42"}}));
  EXPECT_FALSE(mirrored_headers(list.tools[0], json(R"({"deep":{"n":9007199254740993}})")));
  for (const char* property : {R"("x":{"type":"number","x-mcp-header":"X"})", R"("x":{"type":"string","x-mcp-header":""})",
                               R"("x":{"type":"string","x-mcp-header":"a b"})", R"("x":{"type":"array","items":{"type":"string","x-mcp-header":"X"}})",
                               R"("x":{"type":"string","x-mcp-header":"X"},"y":{"type":"string","x-mcp-header":"x"})"}) {
    const Json wrong = json(std::string(R"({"name":"q","inputSchema":{"type":"object","properties":{)") + property + "}}}");
    EXPECT_EQ(read_tools({wrong}, "").left_out.size(), 1u) << property;
  }
}

TEST(ToolList, ADifferenceNamesWhatCameWentAndChanged) {
  const Json before = json(R"([{"name":"a","description":"x","inputSchema":{"type":"object"}},{"name":"b"}])");
  const Json after = json(R"([{"name":"a","description":"y","inputSchema":{"type":"object"}},{"name":"c"}])");
  EXPECT_EQ(difference(before, after),
            json(R"({"added":["c"],"removed":["b"],"changed":[{"name":"a","fields":[{"field":"description","before":"x","after":"y"}]}]})"));
  EXPECT_EQ(difference(Json(), after)["added"].size(), 2u);
}

TEST(Results, AreCheckedBeforeAnyoneSeesThem) {
  Definition plain, typed;
  typed.output = json(R"({"type":"object","properties":{"n":{"$ref":"#/$defs/n"}},"required":["n"],"$defs":{"n":{"type":"integer"}}})");
  const auto code = [](const Definition& definition, const char* text) {
    const auto answer = read_result(definition, json(text)).value();
    return answer.failure ? answer.failure->code : "ok";
  };
  EXPECT_EQ(code(plain, R"({"content":[{"type":"text","text":"hi"},{"type":"image","data":"","mimeType":"image/png"}]})"), "ok");
  EXPECT_EQ(code(plain, R"({"content":[],"resultType":"complete"})"), "ok");
  EXPECT_EQ(code(plain, R"({"content":[{"type":"text","text":"no"}],"isError":true})"), "tool_error");
  EXPECT_EQ(code(plain, R"({"content":[{"type":"script"}]})"), "invalid_result");
  EXPECT_EQ(code(plain, R"({})"), "invalid_result");
  EXPECT_EQ(code(plain, R"({"resultType":"input_required","inputRequests":{}})"), "input_required");
  EXPECT_EQ(code(typed, R"({"content":[],"structuredContent":{"n":1}})"), "ok");
  EXPECT_EQ(code(typed, R"({"content":[],"structuredContent":{"n":"1"}})"), "invalid_result");
  EXPECT_EQ(code(typed, R"({"content":[]})"), "invalid_result");
}

}  // namespace
}  // namespace strata::mcp
