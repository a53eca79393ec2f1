// The pure parts: target, guard, router, encoder, multipart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "infra/http/encode.h"
#include "infra/http/guard.h"
#include "infra/http/request_reader.h"
#include "infra/http/router.h"
#include "infra/http/target.h"

namespace strata::http {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Target, SegmentsAreCutBeforeDecodingAndNeverNormalized) {
  auto target = parse_target("/v1/files/a%2Fb/../c%20d/?q=x+y%26z&empty&=v");
  ASSERT_TRUE(target);
  EXPECT_THAT(target->segments, ElementsAre("v1", "files", "a/b", "..", "c d", ""));
  EXPECT_EQ(target->path, "/v1/files/a/b/../c d/");
  ASSERT_EQ(target->query.size(), 3u);
  EXPECT_EQ(target->query[0], std::pair(std::string("q"), std::string("x y&z")));
  EXPECT_EQ(target->query[1], std::pair(std::string("empty"), std::string()));
  EXPECT_EQ(target->query[2], std::pair(std::string(), std::string("v")));
}

TEST(Target, HostileTargetsAreRefused) {
  for (const char* bad : {"", "v1", "*", "http://localhost/", "/a%00b", "/%", "/%4", "/%zz", "/%c0%af", "/%ff", "/%ed%a0%80", "/a\tb", "/a%0d%0ab", "/a b",
                          "/a#b", "/?q=%00", "/?q=%ff", "/\x80"})
    EXPECT_FALSE(parse_target(bad)) << bad;
  EXPECT_EQ(parse_target("/%41%c3%a9")->path, "/Aé");
}

TEST(Guard, HostsAreTakenApartStrictly) {
  EXPECT_EQ(parse_host("LocalHost:8080")->host, "localhost");
  EXPECT_EQ(parse_host("LocalHost:8080")->port, "8080");
  EXPECT_EQ(parse_host("[::1]:80")->host, "[::1]");
  for (const char* bad : {"", ":80", "a:", "a:b", "a:123456", "a b", "user@localhost", "localhost/", "[::1", "[::1]x", "[::1%lo]", "a:80:80", "a,b"})
    EXPECT_FALSE(parse_host(bad)) << bad;
}

struct OriginCase {
  const char* what;
  const char* method;
  const char* path;
  std::vector<Header> headers;
  int status;   // 0: passes
};

TEST(Guard, OnlyRequestsOfOurOwnPagesAndOfProgramsPass) {
  const Header host{"host", "localhost:8080"};
  auto site = [](const char* value) { return Header{"sec-fetch-site", value}; };
  auto mode = [](const char* value) { return Header{"sec-fetch-mode", value}; };
  auto origin = [](const char* value) { return Header{"origin", value}; };
  const OriginCase cases[] = {
      {"a program", "POST", "/v1/chat/completions", {host}, 0},
      {"loopback by number", "GET", "/", {{"host", "127.0.0.1"}}, 0},
      {"loopback by number 6", "GET", "/", {{"host", "[::1]:9"}}, 0},
      {"configured", "GET", "/", {{"host", "Strata.Example:1"}}, 0},
      {"rebinding", "GET", "/v1/files", {{"host", "evil.example"}}, 403},
      {"rebinding by suffix", "GET", "/v1/files", {{"host", "localhost.evil.example"}}, 403},
      {"trailing dot", "GET", "/v1/files", {{"host", "localhost."}}, 403},
      {"other loopback", "GET", "/v1/files", {{"host", "127.0.0.2"}}, 403},
      {"no host", "GET", "/", {}, 400},
      {"two hosts", "GET", "/", {host, {"host", "evil.example"}}, 400},
      {"broken host", "GET", "/", {{"host", "localhost@evil"}}, 400},
      {"our own page", "POST", "/v1/files", {host, origin("http://localhost:8080"), site("same-origin")}, 0},
      {"behind a TLS proxy", "POST", "/v1/files", {{"host", "strata.example"}, origin("https://strata.example")}, 0},
      {"default port", "POST", "/v1/files", {{"host", "localhost:80"}, origin("http://localhost")}, 0},
      {"foreign origin", "POST", "/v1/files", {host, origin("http://evil.example")}, 403},
      {"same host other port", "POST", "/v1/files", {host, origin("http://localhost:3000")}, 403},
      {"same port other name", "POST", "/v1/files", {host, origin("http://127.0.0.1:8080")}, 403},
      {"sandboxed frame", "POST", "/v1/files", {host, origin("null")}, 403},
      {"empty origin", "POST", "/v1/files", {host, origin("")}, 403},
      {"extension", "POST", "/v1/files", {host, origin("chrome-extension://abc")}, 403},
      {"two origins", "POST", "/v1/files", {host, origin("http://localhost:8080"), origin("http://evil.example")}, 400},
      {"typed in", "GET", "/v1/files", {host, site("none")}, 0},
      {"cross-site image", "GET", "/v1/files", {host, site("cross-site"), mode("no-cors")}, 403},
      {"same-site fetch", "GET", "/v1/files", {host, site("same-site"), mode("cors")}, 403},
      {"cross-site link to the API", "GET", "/v1/files", {host, site("cross-site"), mode("navigate")}, 403},
      {"cross-site link to a page", "GET", "/documents", {host, site("cross-site"), mode("navigate"), {"sec-fetch-dest", "document"}}, 0},
      {"cross-site frame", "GET", "/documents", {host, site("cross-site"), mode("navigate"), {"sec-fetch-dest", "iframe"}}, 403},
      {"cross-site form post", "POST", "/documents", {host, site("cross-site"), mode("navigate")}, 403},
      {"cross-site script tag", "GET", "/app.js", {host, site("cross-site"), mode("no-cors")}, 403},
      {"unknown site", "GET", "/", {host, site("whatever")}, 403},
      {"empty site", "GET", "/", {host, site("")}, 403},
      {"two sites", "GET", "/", {host, site("same-origin"), site("cross-site")}, 400},
  };
  for (auto& test : cases) {
    Request request{.method = test.method, .path = test.path, .headers = test.headers};
    auto refusal = check_origin(request, {"strata.example"});
    EXPECT_EQ(refusal ? refusal->status : 0, test.status) << test.what;
  }
}

TEST(Guard, ABodyMustHaveATypeThatTheRouteAsksFor) {
  auto status = [](std::vector<Header> headers, RouteOptions options = {}) {
    auto refusal = check_media_type({.headers = std::move(headers)}, options);
    return refusal ? refusal->status : 0;
  };
  EXPECT_EQ(status({{"content-type", "application/json"}}), 0);
  EXPECT_EQ(status({{"content-type", "Application/JSON; charset=utf-8"}}), 0);
  for (const char* simple : {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application/json,text/plain",
                             "text/plain; application/json"})
    EXPECT_EQ(status({{"content-type", simple}}), 415) << simple;
  EXPECT_EQ(status({}), 415);
  EXPECT_EQ(status({{"content-type", "application/json"}, {"content-type", "text/plain"}}), 415);
  EXPECT_EQ(status({{"content-type", "multipart/form-data; boundary=x"}}, {.content_types = {"multipart/form-data"}}), 0);
}

TEST(Router, TheMostLiteralPatternWinsWhateverTheOrder) {
  Router router;
  for (const char* pattern : {"/{*}", "/v1/files/{}", "/v1/files/search", "/v1/{}/search", "/v1/files/{}/content", "/"})
    router.add("GET", pattern, nullptr, {});
  router.add("DELETE", "/v1/files/{}", nullptr, {});
  auto pattern = [&](std::vector<std::string> segments) {
    auto match = router.find("GET", segments);
    return match.route ? match.route->pattern : "";
  };
  EXPECT_EQ(pattern({"v1", "files", "search"}), "/v1/files/search");
  EXPECT_EQ(pattern({"v1", "files", "file_1"}), "/v1/files/{}");
  EXPECT_EQ(pattern({"v1", "stores", "search"}), "/v1/{}/search");
  EXPECT_EQ(pattern({"v1", "files", ""}), "/{*}");
  EXPECT_EQ(pattern({""}), "/");
  EXPECT_THAT(router.find("GET", {"assets", "a", "b"}).captures, ElementsAre("assets/a/b"));
  EXPECT_THAT(router.find("GET", {"v1", "files", "x/y"}).captures, ElementsAre("x/y"));
  EXPECT_EQ(router.find("DELETE", {"v1", "files", "search"}).route->pattern, "/v1/files/{}");
  EXPECT_EQ(router.find("HEAD", {"v1", "files", "search"}).route->pattern, "/v1/files/search");
  auto none = router.find("POST", {"v1", "files", "file_1"});
  EXPECT_EQ(none.route, nullptr);
  EXPECT_THAT(none.allowed, ElementsAre("DELETE", "GET", "HEAD", "OPTIONS"));
  EXPECT_TRUE(router.find("POST", {"v1", "nothing"}).allowed.empty()) << "a catch-all page makes no 405";
}

TEST(Encode, NoHeaderCanEndItsLineEarly) {
  Response response{.content_type = "text/plain\r\nx-evil: 1"};
  response.headers = {{"x-name", "a\r\nset-cookie: evil=1"}, {"bad name", "x"}, {"x\r\ny", "z"}, {"", "v"}, {"Content-Length", "1"},
                      {"nul", std::string("a\0b", 3)}};
  std::string head = encode_head(response, {.body_bytes = 5}, "req_1", "", 0);
  EXPECT_THAT(head, Not(HasSubstr("\r\nset-cookie")));
  EXPECT_THAT(head, Not(HasSubstr("\r\nx-evil")));
  EXPECT_THAT(head, Not(HasSubstr("bad name")));
  EXPECT_THAT(head, HasSubstr("x-name: a  set-cookie: evil=1\r\n"));
  EXPECT_THAT(head, HasSubstr("nul: a b\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_EQ(head.find("Content-Length"), head.rfind("Content-Length"));
  EXPECT_THAT(head, HasSubstr("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"));
  EXPECT_EQ(encode_chunk("hello world, hello"), "12\r\nhello world, hello\r\n");
  EXPECT_EQ(encode_chunk(""), "");
}

constexpr char kForm[] =
    "--XX\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n"
    "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\docs\\r\\\"1\\\".txt\"\r\nContent-Type: text/markdown\r\n\r\n# Hi\r\n--X\r\n\r\n"
    "--XX\r\nContent-Disposition: form-data; name=empty\r\n\r\n\r\n--XX--\r\n";

TEST(Multipart, PartsAreReadByteForByte) {
  auto parts = parse_multipart("multipart/form-data; charset=x; boundary=XX", kForm);
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(parts->size(), 3u);
  EXPECT_EQ((*parts)[0].name, "purpose");
  EXPECT_EQ((*parts)[0].data, "assistants");
  EXPECT_EQ((*parts)[0].content_type, "text/plain");
  EXPECT_FALSE((*parts)[0].is_file);
  EXPECT_EQ((*parts)[1].filename, "r\"1\".txt");
  EXPECT_EQ((*parts)[1].content_type, "text/markdown");
  EXPECT_EQ((*parts)[1].data, "# Hi\r\n--X\r\n");
  EXPECT_TRUE((*parts)[1].is_file);
  EXPECT_EQ((*parts)[2].name, "empty");
  EXPECT_EQ((*parts)[2].data, "");
}

TEST(Multipart, EveryTruncationIsAnError) {
  std::string_view form(kForm, sizeof kForm - 1);
  size_t whole = form.rfind("--XX--") + 6;
  for (size_t length = 0; length < whole; ++length) EXPECT_FALSE(parse_multipart("multipart/form-data; boundary=XX", form.substr(0, length))) << length;
  EXPECT_TRUE(parse_multipart("multipart/form-data; boundary=\"XX\"", form.substr(0, whole)));
}

TEST(Multipart, MalformedFormsAreRefused) {
  auto fails = [](std::string type, std::string body) { return !parse_multipart(type, body); };
  const std::string type = "multipart/form-data; boundary=b";
  EXPECT_TRUE(fails("multipart/form-data", "--b--"));
  EXPECT_TRUE(fails("application/json; boundary=b", "--b--"));
  EXPECT_TRUE(fails("multipart/form-data; boundary=", "----"));
  EXPECT_TRUE(fails("multipart/form-data; boundary=" + std::string(71, 'b'), "--b--"));
  EXPECT_TRUE(fails(type, "preamble\r\n--b--"));
  EXPECT_TRUE(fails(type, "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--"));
  EXPECT_TRUE(fails(type, "--b\r\nContent-Disposition: attachment; name=x\r\n\r\nx\r\n--b--"));
  EXPECT_TRUE(fails(type, "--b\r\nContent-Disposition: form-data; name=\"x\r\n\r\nx\r\n--b--"));
  EXPECT_TRUE(fails(type, "--b\r\nContent-Disposition: form-data; name=x\r\nContent-Disposition: form-data; name=y\r\n\r\nx\r\n--b--"));
  EXPECT_TRUE(fails(type, "--b\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\nx\r\n--b--"));
  EXPECT_TRUE(fails(type, "--b\r\n" + std::string(9000, 'h') + "\r\n\r\nx\r\n--b--"));
  std::string many;
  for (int i = 0; i < 65; ++i) many += "--b\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n";
  EXPECT_TRUE(fails(type, many + "--b--"));
  EXPECT_FALSE(fails(type, "--b--"));
}

RequestReader::State read_all(RequestReader& reader, std::string in, size_t piece) {
  std::string waiting;
  for (size_t at = 0; at < in.size(); at += piece) {
    waiting += in.substr(at, piece);
    while (reader.state() == RequestReader::State::kHead || reader.state() == RequestReader::State::kBody) {
      auto before = reader.state();
      size_t used = reader.put(waiting);
      waiting.erase(0, used);
      if (used == 0 && reader.state() == before) break;
    }
  }
  return reader.state();
}

TEST(RequestReader, ARequestCutAnywhereReadsTheSame) {
  const std::string request =
      "POST /v1/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\nHost: evil\r\n\r\n";
  for (size_t piece = 1; piece <= request.size(); ++piece) {
    RequestReader reader(4096, 4096);
    ASSERT_EQ(read_all(reader, request, piece), RequestReader::State::kDone) << piece;
    EXPECT_EQ(reader.head().headers.size(), 2u) << "trailers are not headers";
    EXPECT_EQ(reader.take_body(), "hello world");
  }
}

TEST(RequestReader, TwoFramingsAndOtherSmugglingAreRefused) {
  auto refused = [](std::string headers, std::string body = "0\r\n\r\n") {
    RequestReader reader(4096, 4096);
    read_all(reader, "POST / HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n" + body, 4096);
    return reader.state() == RequestReader::State::kBad ? reader.refusal().status : 0;
  };
  EXPECT_EQ(refused("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(refused("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400);
  EXPECT_EQ(refused("Content-Length: 5\r\nContent-Length: 6\r\n"), 400);
  EXPECT_EQ(refused("Content-Length: 5\r\nContent-Length: 5\r\n"), 400);
  EXPECT_EQ(refused("Content-Length: 5, 5\r\n"), 400);
  EXPECT_EQ(refused("Content-Length: +5\r\n"), 400);
  EXPECT_EQ(refused("Content-Length: -1\r\n"), 400);
  EXPECT_EQ(refused("Content-Length: 99999999999999999999\r\n"), 400);
  EXPECT_EQ(refused("Content-Length : 5\r\n"), 400);
  EXPECT_EQ(refused("Transfer-Encoding: gzip, chunked\r\n"), 400);
  EXPECT_EQ(refused("Transfer-Encoding: xchunked\r\n"), 400);
  EXPECT_EQ(refused("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(refused("Transfer-Encoding : chunked\r\n"), 400);
  EXPECT_EQ(refused("Transfer-Encoding: chunked\r\n", "zz\r\n"), 400);
  EXPECT_EQ(refused("Transfer-Encoding: chunked\r\n", "-1\r\n"), 400);
  EXPECT_EQ(refused("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n"), 400);
  EXPECT_EQ(refused("X: " + std::string(5000, 'x') + "\r\n"), 431);
  EXPECT_EQ(refused("Transfer-Encoding: chunked\r\n", "2000\r\n" + std::string(0x2000, 'x') + "\r\n0\r\n\r\n"), 413);
  EXPECT_EQ(refused("Transfer-Encoding: chunked\r\n", "1;" + std::string(40000, 'x')), 400);
  EXPECT_EQ(refused("Content-Length: 5\r\n", "hello"), 0);
}

}  // namespace
}  // namespace strata::http
