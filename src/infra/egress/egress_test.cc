#include "infra/egress/egress.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "infra/egress/address.h"
#include "infra/egress/scripted_server_for_test.h"
#include "infra/egress/url.h"

namespace strata::egress {
namespace {

using testing::answer;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ScriptedServer;

struct PlaceCase {
  const char* address;
  Place place;
};

TEST(Address, EveryClassIsKnownInEverySpelling) {
  const PlaceCase cases[] = {
      {"8.8.8.8", Place::kPublic},
      {"1.1.1.1", Place::kPublic},
      {"172.15.255.255", Place::kPublic},
      {"172.32.0.0", Place::kPublic},
      {"100.63.255.255", Place::kPublic},
      {"100.128.0.0", Place::kPublic},
      {"223.255.255.255", Place::kPublic},
      {"10.0.0.0", Place::kPrivate},
      {"10.255.255.255", Place::kPrivate},
      {"172.16.0.1", Place::kPrivate},
      {"172.31.255.255", Place::kPrivate},
      {"192.168.1.1", Place::kPrivate},
      {"100.64.0.1", Place::kPrivate},
      {"100.127.255.255", Place::kPrivate},
      {"127.0.0.1", Place::kLoopback},
      {"127.255.255.254", Place::kLoopback},
      {"0.0.0.0", Place::kLoopback},
      {"0.1.2.3", Place::kReserved},
      {"169.254.169.254", Place::kLinkLocal},
      {"168.63.129.16", Place::kLinkLocal},
      {"192.0.0.1", Place::kReserved},
      {"192.0.2.1", Place::kReserved},
      {"192.88.99.1", Place::kReserved},
      {"198.18.0.1", Place::kReserved},
      {"198.19.255.255", Place::kReserved},
      {"198.51.100.1", Place::kReserved},
      {"203.0.113.1", Place::kReserved},
      {"224.0.0.1", Place::kReserved},
      {"239.255.255.250", Place::kReserved},
      {"240.0.0.1", Place::kReserved},
      {"255.255.255.255", Place::kReserved},
      {"::", Place::kLoopback},
      {"::1", Place::kLoopback},
      {"::2", Place::kReserved},
      {"::127.0.0.1", Place::kReserved},
      {"::ffff:127.0.0.1", Place::kLoopback},
      {"::ffff:10.0.0.1", Place::kPrivate},
      {"::ffff:8.8.8.8", Place::kPublic},
      {"::ffff:a9fe:a9fe", Place::kLinkLocal},
      {"::ffff:0:127.0.0.1", Place::kReserved},
      {"64:ff9b::7f00:1", Place::kLoopback},
      {"64:ff9b::8.8.8.8", Place::kPublic},
      {"64:ff9b:1::1", Place::kReserved},
      {"2002:7f00:1::", Place::kLoopback},
      {"2002:c0a8:101::1", Place::kPrivate},
      {"2002:0808:0808::1", Place::kPublic},
      {"2001::1", Place::kReserved},
      {"2001:0:4136:e378::", Place::kReserved},
      {"2001:db8::1", Place::kReserved},
      {"3fff::1", Place::kReserved},
      {"2606:4700::1111", Place::kPublic},
      {"2001:4860:4860::8888", Place::kPublic},
      {"fc00::1", Place::kPrivate},
      {"fd00:ec2::254", Place::kPrivate},
      {"fe80::1", Place::kLinkLocal},
      {"febf::1", Place::kLinkLocal},
      {"fec0::1", Place::kPrivate},
      {"ff02::1", Place::kReserved},
      {"100::1", Place::kReserved},
      {"4000::1", Place::kReserved},
      {"[::1]", Place::kLoopback},
      {"fe80::1%eth0", Place::kLinkLocal},
  };
  for (auto& test : cases) EXPECT_EQ(place_of(std::string(test.address)), test.place) << test.address;
  EXPECT_FALSE(place_of(std::string("localhost")));
  sockaddr other{};
  other.sa_family = AF_UNIX;
  EXPECT_EQ(place_of(&other), Place::kReserved);
}

TEST(Address, OnlyAnOperatorsFirstHopMayGoAnywhereAndNoRedirectCrossesInward) {
  const Place inner[] = {Place::kPrivate, Place::kLoopback, Place::kLinkLocal, Place::kReserved};
  for (Place place : inner) {
    EXPECT_TRUE(may_connect(Trust::kOperator, std::nullopt, place));
    EXPECT_FALSE(may_connect(Trust::kUntrusted, std::nullopt, place));
    EXPECT_FALSE(may_connect(Trust::kUntrusted, place, place));
    EXPECT_FALSE(may_connect(Trust::kOperator, Place::kPublic, place));
    EXPECT_TRUE(may_connect(Trust::kOperator, place, Place::kPublic));
  }
  EXPECT_TRUE(may_connect(Trust::kOperator, Place::kPrivate, Place::kPrivate));
  EXPECT_TRUE(may_connect(Trust::kOperator, Place::kLoopback, Place::kLoopback));
  EXPECT_FALSE(may_connect(Trust::kOperator, Place::kPrivate, Place::kLoopback));
  EXPECT_FALSE(may_connect(Trust::kOperator, Place::kPrivate, Place::kLinkLocal));
  EXPECT_TRUE(may_connect(Trust::kUntrusted, Place::kPublic, Place::kPublic));
}

TEST(Url, WhatIsNotPlainHttpIsRefused) {
  for (const char* bad : {"", "file:///etc/passwd", "ftp://a/", "gopher://a/", "dict://a/", "javascript:alert(1)", "http://", "http://user@host/",
                          "https://u:p@host/", "http://a b/", "http://a/\r\nX: y", "//host/", "host/path", "http://[::1"})
    EXPECT_FALSE(parse_url(bad)) << bad;
  EXPECT_EQ(parse_url("HTTP://EXAMPLE.org/a#frag")->text, "http://EXAMPLE.org/a");
  EXPECT_EQ(parse_url("HTTP://EXAMPLE.org/a")->host, "example.org");
  EXPECT_EQ(parse_url("https://a/")->port, "443");
  EXPECT_EQ(parse_url("http://0x7f.1/")->host, "127.0.0.1");
  EXPECT_EQ(parse_url("http://2130706433/")->host, "127.0.0.1");
  EXPECT_TRUE(parse_url("http://a/")->same_origin(*parse_url("http://A:80/x")));
  EXPECT_FALSE(parse_url("http://a/")->same_origin(*parse_url("https://a:80/")));
  EXPECT_EQ(resolve_url(*parse_url("http://a/b/c?d"), "../e")->text, "http://a/e");
  EXPECT_EQ(resolve_url(*parse_url("http://a/b"), "//c/d")->host, "c");
  EXPECT_FALSE(resolve_url(*parse_url("http://a/b"), "file:///etc/passwd"));
}

class Egress : public ::testing::Test {
 protected:
  Egress() {
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) ::unsetenv(name);
  }
  Result<Response> get(const std::string& url) { return client->fetch(context, {.url = url, .trust = Trust::kOperator}); }
  std::unique_ptr<Client> client = Client::make();
  Context context = Context::background();
};

TEST_F(Egress, WhatIsAskedArrivesAndWhatIsAnsweredComesBack) {
  ScriptedServer server([](auto& peer) { peer.send("HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n" + answer(201, "made", "X-Thing:  a b \r\n")); });
  auto response = client->fetch(context, {.method = "POST",
                                          .url = server.url("/x?y"),
                                          .headers = {{"X-One", "1"}, {"X-Empty", ""}},
                                          .secret_header = "Authorization: Bearer s",
                                          .body = "{}",
                                          .trust = Trust::kOperator});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "made");
  EXPECT_THAT(response->headers, ::testing::Contains(::testing::Pair("x-thing", "a b")));
  EXPECT_THAT(response->headers, Not(::testing::Contains(::testing::Key("x-early"))));
  auto request = server.requests().at(0);
  EXPECT_THAT(request, HasSubstr("POST /x?y HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("X-One: 1\r\n"));
  EXPECT_THAT(request, HasSubstr("X-Empty:\r\n"));
  EXPECT_THAT(request, HasSubstr("Authorization: Bearer s\r\n"));
  EXPECT_THAT(request, Not(HasSubstr("Expect")));
  EXPECT_THAT(request, HasSubstr("\r\n\r\n{}"));
}

TEST_F(Egress, UntrustedRequestsReachNothingInside) {
  ScriptedServer server([](auto& peer) { peer.send(answer(200, "secret")); });
  std::string port = ":" + std::to_string(server.port()) + "/";
  ::setenv("http_proxy", server.url().c_str(), 1);   // must not be used
  for (const char* host : {"127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "10.0.0.1",
                           "169.254.169.254", "[fe80::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"}) {
    auto response = client->fetch(context, {.url = std::string("http://") + host + port});
    ASSERT_FALSE(response) << host;
    EXPECT_EQ(response.error().code, Code::kPermissionDenied) << host << ": " << response.error().message;
    EXPECT_EQ(response.error().reason, "address_not_allowed") << host;
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(Egress, RedirectsOfAnOperatorsServerDoNotLeaveItsKindOfPlace) {
  for (const char* target : {"http://10.255.255.1/", "http://169.254.169.254/latest", "http://[fd00::1]/", "file:///etc/passwd", "ftp://127.0.0.1/"}) {
    ScriptedServer server([&](auto& peer) { peer.send(answer(302, "", std::string("Location: ") + target + "\r\n")); });
    auto response = get(server.url());
    ASSERT_FALSE(response) << target;
    EXPECT_THAT(code_name(response.error().code), ::testing::AnyOf("permission_denied", "invalid_argument")) << target;
  }
}

TEST_F(Egress, BehindAProxyARedirectToAnInnerAddressIsRefusedByItsNumber) {
  ScriptedServer proxy([](auto& peer) { peer.send(answer(302, "", "Location: http://127.0.0.1:9/inner\r\n")); });
  ::setenv("http_proxy", proxy.url().c_str(), 1);
  ::unsetenv("no_proxy");
  auto response = get("http://hub.invalid/");
  ::unsetenv("http_proxy");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().reason, "redirect_not_allowed");
  ASSERT_EQ(proxy.requests().size(), 1u);
  EXPECT_THAT(proxy.requests()[0], HasSubstr("GET http://hub.invalid/"));
}

TEST_F(Egress, TheSecretStaysBehindWhenARedirectLeavesTheOrigin) {
  ScriptedServer other([](auto& peer) { peer.send(answer(200, "file")); });
  ScriptedServer server([&](auto& peer) {
    if (peer.request.find("/start") != std::string::npos) peer.send(answer(302, "", "Location: /same\r\n"));
    else peer.send(answer(307, "", "Location: " + other.url("/cdn") + "\r\n"));
  });
  auto response = client->fetch(
      context,
      {.url = server.url("/start"), .headers = {{"Cookie", "c=1"}, {"X-Plain", "1"}}, .secret_header = "Authorization: Bearer s", .trust = Trust::kOperator});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "file");
  EXPECT_EQ(response->final_url, other.url("/cdn"));
  ASSERT_EQ(server.requests().size(), 2u);
  EXPECT_THAT(server.requests()[1], HasSubstr("Bearer s"));
  ASSERT_EQ(other.requests().size(), 1u);
  EXPECT_THAT(other.requests()[0], Not(HasSubstr("Bearer")));
  EXPECT_THAT(other.requests()[0], Not(HasSubstr("Cookie")));
  EXPECT_THAT(other.requests()[0], HasSubstr("X-Plain"));
}

TEST_F(Egress, APostBecomesAGetAndItsBodyNeverGoesToAnotherOrigin) {
  ScriptedServer other([](auto& peer) { peer.send(answer(200, "seen")); });
  ScriptedServer server([&](auto& peer) {
    bool keep = peer.request.find("/307") != std::string::npos;
    peer.send(answer(keep ? 307 : 302, "", "Location: " + other.url() + "\r\n"));
  });
  auto post = [&](std::string path) {
    return client->fetch(context, {.method = "POST", .url = server.url(path), .body = "prompt", .trust = Trust::kOperator});
  };
  EXPECT_EQ(post("/302")->body, "seen");
  EXPECT_THAT(other.requests().at(0), HasSubstr("GET / "));
  EXPECT_THAT(other.requests().at(0), Not(HasSubstr("prompt")));
  auto refused = post("/307");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "redirect_not_allowed");
  EXPECT_EQ(other.requests().size(), 1u);
}

TEST_F(Egress, ARedirectLoopEndsAndZeroRedirectsGivesTheAnswerItself) {
  ScriptedServer server([](auto& peer) { peer.send(answer(302, "there", "Location: /again\r\n")); });
  EXPECT_EQ(get(server.url()).error().reason, "redirect_loop");
  EXPECT_EQ(server.requests().size(), 6u);
  auto plain = client->fetch(context, {.url = server.url(), .trust = Trust::kOperator, .redirects_max = 0});
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->status, 302);
  EXPECT_EQ(plain->body, "there");
}

TEST_F(Egress, AnAnswerOverTheLimitIsAnErrorAndAnErrorPageIsCutShort) {
  ScriptedServer server([](auto& peer) { peer.send(answer(peer.request.find("/error") != std::string::npos ? 500 : 200, std::string(200'000, 'x'))); });
  auto response = client->fetch(context, {.url = server.url(), .trust = Trust::kOperator, .bytes_max = 100'000});
  EXPECT_EQ(response.error().code, Code::kResourceExhausted);
  EXPECT_EQ(get(server.url("/error"))->body.size(), 65536u);
}

TEST_F(Egress, TheBodyComesInPiecesAndMayBeStopped) {
  ScriptedServer server([](auto& peer) {
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    peer.wait_for_close();
  });
  std::string seen;
  auto response = client->fetch(context, {.url = server.url(), .trust = Trust::kOperator}, [&](std::string_view bytes) {
    seen += bytes;
    return false;
  });
  ASSERT_TRUE(response);
  EXPECT_TRUE(response->stopped);
  EXPECT_EQ(seen, "one");
  EXPECT_EQ(response->body, "");
}

TEST_F(Egress, CancellingEndsASilentRequest) {
  std::atomic<bool> closed = false;
  ScriptedServer server([&](auto& peer) { closed = peer.wait_for_close(); });
  auto cancel = std::make_shared<CancelFlag>();
  auto watched = Context::make(system_clock(), Principal{}, "r", cancel);
  std::thread raise([&] {
    while (server.requests().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    cancel->raise();
  });
  auto response = client->fetch(watched, {.url = server.url(), .trust = Trust::kOperator});
  raise.join();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kCancelled);
  for (int i = 0; i < 1000 && !closed; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(closed);
}

TEST_F(Egress, ASilentServerAndAPassedDeadlineEndTheRequest) {
  ScriptedServer server([](auto& peer) { peer.wait_for_close(); });
  auto stalled = client->fetch(context, {.url = server.url(), .trust = Trust::kOperator, .stall_timeout_ms = 200});
  EXPECT_EQ(stalled.error().code, Code::kUnavailable);
  EXPECT_EQ(stalled.error().reason, "timeout");
  EXPECT_EQ(client->fetch(context.with_timeout_ms(200), {.url = server.url(), .trust = Trust::kOperator}).error().code, Code::kDeadlineExceeded);
}

TEST_F(Egress, AServerThatIsNotThereOrBreaksOffIsUnavailableInAClearWord) {
  int port;
  {
    ScriptedServer gone([](auto&) {});
    port = gone.port();
  }
  auto refused = get("http://127.0.0.1:" + std::to_string(port) + "/path?key=secret");
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_EQ(refused.error().reason, "offline");
  EXPECT_THAT(refused.error().message, Not(HasSubstr("secret")));
  auto unknown = get("http://no-such-host.invalid/");
  EXPECT_EQ(unknown.error().reason, "offline");
  EXPECT_THAT(unknown.error().message, HasSubstr("no-such-host.invalid"));
  ScriptedServer cut([](auto& peer) { peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"); });
  EXPECT_EQ(get(cut.url()).error().reason, "broken");
}

TEST_F(Egress, NothingCanBeInjectedIntoTheRequest) {
  auto refused = [&](Request request) {
    request.url = "http://127.0.0.1:1/";
    request.trust = Trust::kOperator;
    return client->fetch(context, request).error().code == Code::kInvalidArgument;
  };
  EXPECT_TRUE(refused({.headers = {{"X", "a\r\nY: b"}}}));
  EXPECT_TRUE(refused({.headers = {{"X: y", "a"}}}));
  EXPECT_TRUE(refused({.headers = {{"", "a"}}}));
  EXPECT_TRUE(refused({.method = "GET / HTTP/1.1\r\nX:"}));
  EXPECT_TRUE(refused({.secret_header = "Authorization: a\nX: b"}));
  EXPECT_TRUE(refused({.secret_header = "no colon"}));
}

}  // namespace
}  // namespace strata::egress
