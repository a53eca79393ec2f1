// The server against real sockets on loopback.
#include "infra/http/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "infra/http/server_for_test.h"

namespace strata::http {
namespace {

using testing::eventually;
using ::testing::HasSubstr;
using testing::HttpServer;
using testing::RawClient;
using ::testing::StartsWith;

TEST_F(HttpServer, AnswersOverOneKeptConnectionAlsoWhenRequestsComeAhead) {
  listen();
  server->start();
  RawClient client(server->port());
  client.send(get("/hello?name=a") + post("/echo", "{}") + get("/hello?name=b"));
  EXPECT_EQ(client.read_answer().body, "hello a");
  EXPECT_EQ(client.read_answer().body, "{}");
  EXPECT_EQ(client.read_answer().body, "hello b");
  client.send(get("/hello", "Connection: close\r\n"));
  auto last = client.read_answer();
  EXPECT_EQ(last.header("Connection"), "close");
  EXPECT_THAT(last.header("X-Request-Id"), StartsWith("req_"));
  EXPECT_TRUE(client.read_to_end());
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return accesses.size() == 4;
  }));
  EXPECT_EQ(accesses[1].route, "/echo");
  EXPECT_EQ(accesses[1].status, 200);
}

TEST_F(HttpServer, HeadOptionsUnknownPathAndWrongMethodAreAnswered) {
  listen();
  server->start();
  RawClient client(server->port());
  client.send("HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  auto head = client.read_answer(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("Content-Length"), "6");
  client.send("OPTIONS /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
  auto options = client.read_answer();
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.header("Allow"), "OPTIONS, POST");
  EXPECT_EQ(options.header("Access-Control-Allow-Origin"), "");
  client.send(get("/nothing"));
  auto missing = client.read_answer();
  EXPECT_EQ(missing.status, 404);
  EXPECT_THAT(missing.body, HasSubstr("not_found"));
  client.send(get("/echo"));
  auto wrong = client.read_answer();
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("Allow"), "OPTIONS, POST");
}

TEST_F(HttpServer, ChecksHostOriginSiteAndMediaTypeBeforeTheHandler) {
  listen();
  std::atomic<int> reached = 0;
  server->route("POST", "/count", [&](const Context&, const Request&, auto responder) { ++reached, responder->send({}); });
  server->start();
  EXPECT_EQ(ask("POST /count HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n").status, 403);
  EXPECT_EQ(ask("POST /count HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n").status, 403);
  EXPECT_EQ(ask("POST /count HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n").status, 403);
  EXPECT_EQ(ask("POST /count HTTP/1.1\r\nContent-Length: 0\r\n\r\n").status, 400);
  EXPECT_EQ(ask("POST http://localhost/count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").status, 400);
  EXPECT_EQ(ask(post("/count", "{}", "text/plain")).status, 415);
  EXPECT_EQ(reached, 0);
  EXPECT_EQ(ask(post("/count", "{}")).status, 200);
  EXPECT_EQ(ask("POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").status, 200);
  EXPECT_EQ(reached, 2);
}

TEST_F(HttpServer, TwoFramingsAreA400AndTheConnectionIsClosed) {
  listen();
  server->start();
  RawClient client(server->port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
              get("/hello?name=smuggled"));
  EXPECT_EQ(client.read_answer().status, 400);
  EXPECT_TRUE(client.read_to_end());
  EXPECT_EQ(client.received, "");
}

TEST_F(HttpServer, TooLargeHeadsAndBodiesAreRefusedInTheErrorShape) {
  listen({.body_bytes_max = 1000, .header_bytes_max = 2000});
  server->route("POST", "/upload",
                [](const Context&, const Request& request, auto responder) { responder->send({.body = std::to_string(request.body.size())}); },
                {.content_types = {"application/octet-stream"}, .body_bytes_max = 100'000});
  server->start();
  auto head = ask(get("/hello", "X-Long: " + std::string(3000, 'x') + "\r\n"));
  EXPECT_EQ(head.status, 431);
  EXPECT_THAT(head.body, HasSubstr("header_too_large"));
  auto body = ask(post("/echo", std::string(200'000, 'x')));
  EXPECT_EQ(body.status, 413);
  EXPECT_THAT(body.body, HasSubstr("body_too_large"));
  EXPECT_EQ(ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" +
                std::string(2000, 'x') + "\r\n0\r\n\r\n")
                .status,
            413);
  EXPECT_EQ(ask(post("/upload", std::string(50'000, 'x'), "application/octet-stream")).body, "50000");
}

TEST_F(HttpServer, AllBodiesTogetherAreBoundedAndGivenBackAfterTheAnswer) {
  listen({.bodies_bytes_max = 150'000});
  std::promise<void> entered, release;
  auto released = release.get_future().share();
  server->route("POST", "/hold", [&](const Context&, const Request&, auto responder) {
    entered.set_value();
    released.wait();
    responder->send({});
  });
  server->start();
  RawClient holding(server->port());
  holding.send(post("/hold", std::string(100'000, 'x')));
  entered.get_future().wait();
  EXPECT_EQ(ask(post("/echo", std::string(60'000, 'x'))).status, 503);
  EXPECT_EQ(ask(post("/echo", "{}")).status, 200);
  release.set_value();
  EXPECT_EQ(holding.read_answer().status, 200);
  EXPECT_TRUE(eventually([&] { return ask(post("/echo", std::string(140'000, 'x'))).status == 200; }));
}

TEST_F(HttpServer, ExpectContinueGetsAnInterimAnswerOrTheRefusal) {
  listen({.body_bytes_max = 1000});
  server->start();
  RawClient client(server->port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  ASSERT_TRUE(client.read_until("HTTP/1.1 100 Continue\r\n\r\n"));
  client.received.clear();
  client.send("true");
  EXPECT_EQ(client.read_answer().body, "true");
  EXPECT_EQ(ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 4000\r\n\r\n").status,
            413);
}

TEST_F(HttpServer, SlowHeadsAndBodiesAreClosedWithA408AndIdleOnesWithout) {
  listen({.header_timeout_ms = 300, .body_timeout_ms = 300, .idle_timeout_ms = 300});
  server->start();
  RawClient head(server->port()), body(server->port()), idle(server->port()), silent(server->port());
  head.send("GET /hello HTTP/1.1\r\nHost: loc");
  body.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n1");
  idle.send(get("/hello"));
  EXPECT_EQ(idle.read_answer().status, 200);
  EXPECT_EQ(head.read_answer().status, 408);
  EXPECT_EQ(body.read_answer().status, 408);
  EXPECT_TRUE(head.read_to_end());
  EXPECT_TRUE(body.read_to_end());
  EXPECT_TRUE(idle.read_to_end());
  EXPECT_EQ(idle.received, "");
  EXPECT_TRUE(silent.read_to_end());
  EXPECT_EQ(silent.received, "");
}

TEST_F(HttpServer, ADrippedHeadIsClosedHoweverOftenItDrips) {
  listen({.header_timeout_ms = 300});
  server->start();
  RawClient client(server->port());
  client.send("GET /hello HTTP/1.1\r\n");
  std::atomic<bool> stop = false;
  std::thread drip([&] {
    while (!stop && client.send("X: y\r\n")) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  });
  EXPECT_EQ(client.read_answer().status, 408);
  stop = true;
  drip.join();
}

TEST_F(HttpServer, AClientThatAcceptsNothingForTooLongIsClosed) {
  listen({.stalled_write_ms = 300});
  server->route("GET", "/big", [](const Context&, const Request&, auto responder) { responder->send({.body = std::string(20'000'000, 'x')}); });
  server->start();
  RawClient client(server->port(), 4096);
  client.send(get("/big"));
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return accesses.size() == 1;
  }));
  EXPECT_FALSE(client.read_answer().complete);
}

TEST_F(HttpServer, AFullPoolIsA503WithRetryAfterWhileHealthStillAnswers) {
  listen({.workers = 1, .worker_queue_max = 1});
  std::promise<void> release;
  auto released = release.get_future().share();
  std::atomic<int> entered = 0;
  server->route("GET", "/block", [&](const Context&, const Request&, auto responder) {
    ++entered;
    released.wait();
    responder->send({});
  });
  server->start();
  RawClient running(server->port()), one(server->port()), other(server->port());
  running.send(get("/block"));
  ASSERT_TRUE(eventually([&] { return entered == 1; }));
  one.send(get("/block"));
  other.send(get("/block"));   // one of the two is queued, the other refused
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return accesses.size() == 1;
  }));
  EXPECT_EQ(ask(get("/livez")).status, 200);
  release.set_value();
  EXPECT_EQ(running.read_answer().status, 200);
  auto first = one.read_answer(), second = other.read_answer();
  if (first.status == 200) std::swap(first, second);
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(first.status, 503);
  EXPECT_THAT(first.body, HasSubstr("overloaded"));
  EXPECT_EQ(first.header("Retry-After"), "1");
}

TEST_F(HttpServer, ADroppedResponderAndAThrowingHandlerAreA500) {
  listen();
  server->route("GET", "/drop", [](const Context&, const Request&, auto) {});
  server->route("GET", "/throw", [](const Context&, const Request&, auto) { throw std::runtime_error("oops"); });
  server->route("GET", "/half", [](const Context&, const Request&, auto responder) { responder->begin_stream({.body = "half"}); });
  server->start();
  EXPECT_EQ(ask(get("/drop")).status, 500);
  EXPECT_EQ(ask(get("/throw")).status, 500);
  EXPECT_FALSE(ask(get("/half")).complete) << "a stream without its end is cut, not ended";
}

TEST_F(HttpServer, TheFilterDecidesWhoAsks) {
  listen();
  server->set_filter([](const Request& request) -> Result<Principal> {
    if (request.header("authorization") != "Bearer good") return Error{Code::kUnauthenticated, "no", "", "invalid_api_key"};
    return Principal{.user = "ann"};
  });
  server->route("GET", "/who", [](const Context& context, const Request&, auto responder) { responder->send({.body = context.principal().user}); });
  server->start();
  EXPECT_THAT(ask(get("/who")).body, HasSubstr("invalid_api_key"));
  EXPECT_EQ(ask(get("/who", "Authorization: Bearer good\r\n")).body, "ann");
}

TEST_F(HttpServer, ConnectionsOverTheLimitAreToldSo) {
  listen({.connections_max = 2});
  server->start();
  RawClient first(server->port()), second(server->port());
  first.send(get("/hello"));
  second.send(get("/hello"));
  EXPECT_EQ(first.read_answer().status, 200);
  EXPECT_EQ(second.read_answer().status, 200);
  RawClient third(server->port());
  auto refused = third.read_answer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("Retry-After"), "1");
  third.close();
  first.close();
  EXPECT_TRUE(eventually([&] { return ask(get("/hello")).status == 200; }));
}

TEST_F(HttpServer, Http10GetsAStreamWithoutChunksAndAClosedConnection) {
  listen();
  server->route("GET", "/stream", [](const Context&, const Request&, auto responder) {
    responder->begin_stream({.content_type = "text/plain", .body = "a"});
    responder->write("b");
    responder->end();
  });
  server->start();
  auto answer = ask("GET /stream HTTP/1.0\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.body, "ab");
  EXPECT_EQ(ask("HEAD /stream HTTP/1.1\r\nHost: localhost\r\n\r\n", true).status, 200);
}

TEST_F(HttpServer, StopDrainsWhatRunsAndCancelsWhatDoesNotEnd) {
  listen();
  std::atomic<int> entered = 0;
  std::atomic<bool> cancelled = false;
  std::promise<void> release;
  auto released = release.get_future().share();
  server->route("GET", "/ends", [&](const Context&, const Request&, auto responder) {
    ++entered;
    released.wait();
    responder->send({.body = "done"});
  });
  server->route("GET", "/stays", [&](const Context& context, const Request&, auto responder) {
    ++entered;
    cancelled = eventually([&] { return context.cancelled(); });
    responder->send({.status = 503});
  });
  server->start();
  RawClient ends(server->port()), stays(server->port()), idle(server->port());
  ends.send(get("/ends"));
  stays.send(get("/stays"));
  ASSERT_TRUE(eventually([&] { return entered == 2; }));
  auto stopping = std::async(std::launch::async, [&] { server->stop(1000); });
  EXPECT_TRUE(idle.read_to_end()) << "an idle connection is closed at once";
  release.set_value();
  auto answer = ends.read_answer();
  EXPECT_EQ(answer.body, "done");
  EXPECT_EQ(answer.header("Connection"), "close");
  stopping.wait();
  EXPECT_TRUE(cancelled);
  EXPECT_EQ(stays.read_answer().status, 503);
  EXPECT_FALSE(RawClient(server->port()).connected());
}

TEST_F(HttpServer, AResponderThatOutlivesTheServerIsHarmless) {
  listen();
  std::shared_ptr<Responder> kept;
  std::promise<void> got;
  server->route("GET", "/keep", [&](const Context&, const Request&, std::shared_ptr<Responder> responder) {
    kept = responder;
    kept->begin_stream({.body = "x"});
    got.set_value();
  });
  server->start();
  RawClient client(server->port());
  client.send(get("/keep"));
  got.get_future().wait();
  server->stop(0);
  server.reset();
  EXPECT_FALSE(kept->write("late"));
  kept->end();
  kept.reset();
}

TEST_F(HttpServer, AnAddressInUseOrNotAnAddressIsAnError) {
  listen();
  EXPECT_EQ(Server::listen({.port = server->port()}).error().code, Code::kUnavailable);
  EXPECT_EQ(Server::listen({.address = "example"}).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace strata::http
