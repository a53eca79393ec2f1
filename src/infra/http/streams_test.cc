// Event streams, long answers, and clients that leave in the middle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "infra/http/server_for_test.h"

namespace strata::http {
namespace {

using ::testing::EndsWith;
using testing::eventually;
using testing::RawClient;
using ::testing::StartsWith;

class HttpStreams : public testing::HttpServer {};

// Streams that write until told to stop, with their contexts' fate.
struct Streams {
  std::atomic<int> begun = 0, ended = 0, cancelled = 0;
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::atomic<bool> finish = false;
  ~Streams() {
    finish = true;
    for (auto& thread : threads) thread.join();
  }
  void handle(const Context& context, std::shared_ptr<Responder> responder) {
    std::lock_guard lock(mutex);
    threads.emplace_back([this, context, responder] {
      responder->begin_stream({.content_type = "text/event-stream", .body = "data: first\n\n"});
      ++begun;
      while (!finish && !context.cancelled()) {
        responder->write("data: more\n\n");
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
      if (context.cancelled()) ++cancelled;
      responder->write("data: [DONE]\n\n");
      responder->end();
      ++ended;
    });
  }
};

TEST_F(HttpStreams, Of64StreamsThose16ThatHangUpAreCancelledAndTheOthersEndRight) {
  listen();
  Streams streams;
  server->route("GET", "/stream", [&](const Context& context, const Request&, auto responder) { streams.handle(context, responder); });
  server->start();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 64; ++i) {
    clients.push_back(std::make_unique<RawClient>(server->port()));
    clients.back()->send(get("/stream"));
  }
  for (auto& client : clients) ASSERT_TRUE(client->read_until("data: more"));
  for (int i = 0; i < 64; i += 4) clients[static_cast<size_t>(i)]->close();
  EXPECT_TRUE(eventually([&] { return streams.cancelled == 16 && streams.ended == 16; }));
  streams.finish = true;
  for (size_t i = 0; i < 64; ++i) {
    if (i % 4 == 0) continue;
    auto answer = clients[i]->read_answer();
    EXPECT_TRUE(answer.complete);
    EXPECT_THAT(answer.body, StartsWith("data: first\n\ndata: more\n\n"));
    EXPECT_THAT(answer.body, EndsWith("data: [DONE]\n\n"));
  }
  EXPECT_TRUE(eventually([&] { return streams.ended == 64; }));
  EXPECT_EQ(streams.cancelled, 16);
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return accesses.size() == 64;
  }));
}

TEST_F(HttpStreams, AClientThatLeavesWhileTheHandlerWorksCancelsIt) {
  listen();
  std::promise<void> entered;
  std::atomic<bool> cancelled = false;
  server->route("POST", "/work", [&](const Context& context, const Request&, auto responder) {
    entered.set_value();
    cancelled = eventually([&] { return context.cancelled(); });
    responder->send({});
  });
  server->start();
  RawClient client(server->port());
  client.send(post("/work", "{}"));
  entered.get_future().wait();
  client.close();
  EXPECT_TRUE(eventually([&] { return cancelled.load(); }));
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return accesses.size() == 1;
  }));
  EXPECT_EQ(accesses[0].status, 499);
}

TEST_F(HttpStreams, ASlowReaderIsCutAndWriteSaysSo) {
  listen({.unsent_bytes_max = 100'000});
  std::promise<bool> refused;
  server->route("GET", "/flood", [&](const Context& context, const Request&, auto responder) {
    responder->begin_stream({.content_type = "text/plain"});
    bool accepted = true;
    for (int i = 0; i < 100'000 && accepted; ++i) accepted = responder->write(std::string(10'000, 'x'));
    refused.set_value(!accepted && context.cancelled() && !responder->write("x"));
    responder->end();
  });
  server->start();
  RawClient client(server->port(), 4096);
  client.send(get("/flood"));
  EXPECT_TRUE(refused.get_future().get());
  EXPECT_FALSE(client.read_answer().complete);
}

TEST_F(HttpStreams, AStreamHearsWhenAllWasTakenAndWhenItsClientLeft) {
  listen({.unsent_bytes_max = 150'000});
  constexpr int kPieces = 20;   // together far more than may be unsent
  std::atomic<int> pieces{0}, left{0};
  std::shared_ptr<Responder> kept;
  std::atomic<bool> begun{false};
  server->route("GET", "/paced", [&](const Context& context, const Request&, auto responder) {
    kept = responder;
    responder->begin_stream({.content_type = "text/plain"});
    responder->on_ready([&, context, weak = std::weak_ptr<Responder>(responder)] {
      auto stream = weak.lock();
      if (context.cancelled()) ++left;
      else if (begun && stream && pieces < kPieces) stream->write(std::string(100'000, 'x') + (++pieces == kPieces ? "all" : ""));
    });
    begun = true;
    responder->write("first");
  });
  server->start();
  RawClient client(server->port());
  client.send(get("/paced"));
  EXPECT_TRUE(client.read_until("all"));
  EXPECT_EQ(pieces, kPieces);
  EXPECT_EQ(left, 0);
  client.close();
  EXPECT_TRUE(eventually([&] { return left == 1; }));
  server.reset();
  kept.reset();
}

TEST_F(HttpStreams, SilentEventStreamsArePingedBetweenEventsOnly) {
  listen({.ping_ms = 150});
  std::promise<void> release;
  auto released = release.get_future().share();
  auto stream = [&](std::string type, std::string first) {
    return [&, type, first](const Context&, const Request&, std::shared_ptr<Responder> responder) {
      responder->begin_stream({.content_type = type, .body = first});
      released.wait();
      responder->write("\n\n");
      responder->end();
    };
  };
  server->route("GET", "/events", stream("text/event-stream; charset=utf-8", "data: 1\n\n"));
  server->route("GET", "/inside", stream("text/event-stream", "data: 1"));
  server->route("GET", "/text", stream("text/plain", "one\n\n"));
  server->start();
  RawClient events(server->port()), inside(server->port()), text(server->port());
  events.send(get("/events"));
  inside.send(get("/inside"));
  text.send(get("/text"));
  EXPECT_TRUE(events.read_until(": ping\n\n\r\n8\r\n: ping\n\n"));
  release.set_value();
  EXPECT_TRUE(events.read_answer().complete);
  EXPECT_EQ(inside.read_answer().body, "data: 1\n\n");
  EXPECT_EQ(text.read_answer().body, "one\n\n\n\n");
}

}  // namespace
}  // namespace strata::http
