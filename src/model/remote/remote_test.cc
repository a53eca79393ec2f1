#include "model/remote/remote.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "infra/egress/scripted_server_for_test.h"
#include "model/remote/protocol.h"

namespace strata::remote {
namespace {

using egress::testing::answer;
using egress::testing::ScriptedServer;
using model::FinishReason;
using ::testing::HasSubstr;
using ::testing::Not;

// As OpenAI's service and vLLM send it, with everything that the format allows: comments, CRLF and LF, event names, a data line in two.
constexpr std::string_view kStream =
    ": hello\r\n\r\n"
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\r\n\r\n"
    "event: message\nid: 7\ndata: "
    "{\"choices\":[{\"delta\":{\"content\":\"Gr\xc3\xbc\xc3\x9f\"},\"logprobs\":{\"content\":[{\"token\":\"Gr\",\"bytes\":[71,114],\"logprob\":-0.5,"
    "\"top_logprobs\":[{\"token\":\"Gr\",\"logprob\":-0.5},{\"token\":\"Ha\",\"logprob\":-1.5}]}]}}]}\n\n"
    "data:{\"choices\":[{\"delta\":\ndata: {\"content\":\" Gott\"}}]}\n\n"
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\r\n\r\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3,\"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\n"
    "data: [DONE]\n\n";

struct Read {
  std::string text;
  std::vector<model::TokenEvent> events;
  std::optional<Error> error;
};

Read read_in(const std::vector<std::string_view>& pieces, AnswerReader** out = nullptr) {
  static thread_local std::unique_ptr<AnswerReader> reader;
  Read read;
  reader = std::make_unique<AnswerReader>("host", "sk-1", [&](const model::TokenEvent& event) {
    read.text += event.text;
    read.events.push_back(event);
  });
  Status status;
  for (auto piece : pieces)
    if (status) status = reader->feed(piece);
  if (status) status = reader->finish();
  if (!status) read.error = status.error();
  if (out) *out = reader.get();
  return read;
}

TEST(AnswerReader, AStreamCutAtAnyByteReadsTheSame) {
  for (size_t cut = 0; cut <= kStream.size(); ++cut) {
    AnswerReader* reader = nullptr;
    auto read = read_in({kStream.substr(0, cut), kStream.substr(cut)}, &reader);
    ASSERT_FALSE(read.error) << cut << ": " << read.error->message;
    ASSERT_EQ(read.text, "Grüß Gott") << cut;
    ASSERT_EQ(read.events.size(), 2u);
    ASSERT_EQ(read.events[0].ids, std::vector<int32_t>{-1});
    ASSERT_EQ(read.events[0].logprobs[0].bytes, "Gr");
    ASSERT_EQ(read.events[0].top_logprobs[0][1].logprob, -1.5);
    ASSERT_EQ(reader->reason(), FinishReason::kLength);
    ASSERT_EQ(reader->usage()->prompt_tokens, 9);
    ASSERT_EQ(reader->usage()->cached_tokens, 4);
    ASSERT_TRUE(reader->done());
  }
}

TEST(AnswerReader, BareCarriageReturnsAndAMarkAtTheFrontAreUnderstood) {
  EXPECT_EQ(read_in({"\xEF\xBB\xBF"
                     "data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":\"stop\"}]}\r\r"})
                .text,
            "a");
  EXPECT_EQ(read_in({"data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":\"stop\"}]}\r", "\n\r", "\ndata: [DONE]\r\n\r\n"}).text, "a");
}

TEST(AnswerReader, CompletionsLogprobsAreSortedWithTheBestFirst) {
  auto read =
      read_in({"data: {\"choices\":[{\"text\":\"ab\",\"logprobs\":{\"tokens\":[\"a\",\"b\"],\"token_logprobs\":[null,-2],"
               "\"top_logprobs\":[null,{\"c\":-3,\"b\":-2}]},\"finish_reason\":\"stop\"}]}\n\n"});
  ASSERT_EQ(read.events.size(), 1u);
  ASSERT_EQ(read.events[0].logprobs.size(), 2u);
  EXPECT_EQ(read.events[0].logprobs[1].logprob, -2);
  EXPECT_EQ(read.events[0].top_logprobs[1][0].bytes, "b");
}

TEST(AnswerReader, AnAnswerThatIsNoStreamIsReadWhole) {
  auto read = read_in({" {\"choices\":[{\"message\":{\"role\":\"assist", "ant\",\"content\":\"all at once\"},\"finish_reason\":\"stop\"}]}"});
  EXPECT_FALSE(read.error);
  EXPECT_EQ(read.text, "all at once");
}

TEST(AnswerReader, AStreamThatBreaksOffIsAnErrorAtEveryCutBeforeItsFinish) {
  size_t finish = kStream.find("\"length\"");
  for (size_t cut = 0; cut < finish; cut += 7) EXPECT_TRUE(read_in({kStream.substr(0, cut)}).error) << cut;
}

TEST(AnswerReader, ErrorsInTheStreamKeepTheProvidersWordsButNotTheKey) {
  auto read = read_in({"data: {\"error\":{\"message\":\"bad key sk-1!\",\"code\":400,\"param\":\"x\",\"type\":\"t\"}}\n\n"});
  ASSERT_TRUE(read.error);
  EXPECT_EQ(read.error->message, "host: bad key [key]!");
  EXPECT_EQ(read.error->code, Code::kInvalidArgument);
  EXPECT_EQ(read_in({"data: not json\n\n"}).error->code, Code::kDataLoss);
  EXPECT_EQ(read_in({"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\n"}).error->reason, "content_filter");
  EXPECT_EQ(read_in({"data: " + std::string(5u << 20, 'x')}).error->code, Code::kDataLoss);
}

TEST(ProviderError, EveryShapeOfErrorBodyGivesAMessage) {
  auto error = [](int status, std::string body) { return provider_error(status, body, "h", "sk-1"); };
  EXPECT_EQ(error(400, R"({"error":{"message":"too long","param":"messages","code":"context_length_exceeded"}})").reason, "context_length_exceeded");
  EXPECT_EQ(error(400, R"({"error":{"message":"too long","param":"messages"}})").param, "messages");
  EXPECT_EQ(error(400, R"({"error":"plain"})").message, "h: plain");
  EXPECT_EQ(error(422, R"({"detail":"oops"})").message, "h: oops");
  EXPECT_EQ(error(422, R"({"detail":"oops"})").code, Code::kInvalidArgument);
  EXPECT_EQ(error(401, R"({"error":{"message":"key sk-1 is wrong"}})").message, "h: key [key] is wrong");
  EXPECT_EQ(error(401, "").code, Code::kFailedPrecondition);
  EXPECT_EQ(error(404, "").code, Code::kFailedPrecondition);
  EXPECT_EQ(error(429, "{}").code, Code::kResourceExhausted);
  EXPECT_EQ(error(503, "<html>").code, Code::kUnavailable);
  EXPECT_EQ(error(503, "<html>").message, "h: <html>");
  EXPECT_EQ(error(302, "").code, Code::kFailedPrecondition);
  EXPECT_EQ(provider_error(500, "kkk", "h", "k").message, "h: [key][key][key]");
}

TEST(MakeCall, EveryFieldReachesTheWire) {
  RemoteOptions options{.base_url = "http://h/v1", .model = "m"};
  model::GenerateRequest request;
  request.prompt = std::vector<model::Message>{{"system", "s", ""}, {"user", "u\n\"", "ann"}};
  request.max_tokens = 7;
  request.sampling = {
      .temperature = 0, .top_k = 5, .top_p = 0.5, .min_p = 0.1, .frequency_penalty = 1, .presence_penalty = -1, .repetition_penalty = 1.1, .seed = UINT64_MAX};
  request.sampling.logit_bias[5] = -100;
  request.stop = {"END"};
  request.ignore_eos = request.logprobs = true;
  request.top_logprobs = 2;
  auto call = make_call(options, request);
  ASSERT_TRUE(call);
  EXPECT_EQ(call->path, "/chat/completions");
  EXPECT_EQ(call->body, R"({"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"u\n\"","name":"ann"}],"max_tokens":7,)"
                        R"("temperature":0.0,"top_p":0.5,"frequency_penalty":1.0,"presence_penalty":-1.0,"top_k":5,"min_p":0.1,"repetition_penalty":1.1,)"
                        R"("seed":9223372036854775807,"ignore_eos":true,"logit_bias":{"5":-100.0},"stop":["END"],"logprobs":true,"top_logprobs":2,)"
                        R"("stream":true,"stream_options":{"include_usage":true}})");
  auto plain = make_call({.base_url = "https://api.openai.com/v1", .model = "m"}, {.prompt = std::vector<model::Message>{}, .max_tokens = 7});
  EXPECT_THAT(plain->body, HasSubstr("\"max_completion_tokens\":7"));
  EXPECT_THAT(plain->body, Not(HasSubstr("top_k")));
  EXPECT_THAT(make_call(options, {.prompt = std::vector<int32_t>{1, 2}})->body, HasSubstr("\"prompt\":[1,2]"));
  EXPECT_EQ(make_call(options, {.prompt = std::string("x")})->path, "/completions");
  EXPECT_EQ(make_call(options, {.prompt = std::string("x"), .echo = true}).error().code, Code::kUnimplemented);
}

TEST(MakeCall, FunctionsTheirChoiceAndTheirResultsReachTheWireAsTheyAre) {
  model::GenerateRequest request;
  model::Message call{"assistant", "", ""}, result{"tool", "21", ""};
  call.calls = {{"call_1", "f", "{\"a\":1}"}};
  result.call_id = "call_1";
  request.prompt = std::vector<model::Message>{{"user", "u", ""}, call, result};
  request.functions = {{"f", "does", *Json::parse(R"({"type":"object"})"), true}, {"g", "", *Json::parse("{}")}};
  request.parallel_calls = false;
  auto body = [&] { return make_call({.base_url = "http://h/v1", .model = "m"}, request)->body; };
  EXPECT_THAT(body(), HasSubstr(R"({"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":)"
                                R"({"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","content":"21","tool_call_id":"call_1"}])"));
  EXPECT_THAT(body(), HasSubstr(R"("tools":[{"type":"function","function":{"name":"f","description":"does","parameters":{"type":"object"},"strict":true}},)"
                                R"({"type":"function","function":{"name":"g","parameters":{}}}],"parallel_tool_calls":false)"));
  request.calling = model::GenerateRequest::Calling::kNone;
  EXPECT_THAT(body(), HasSubstr(R"("tool_choice":"none")"));
  request.calling = model::GenerateRequest::Calling::kRequired;
  EXPECT_THAT(body(), HasSubstr(R"("tool_choice":"required")"));
  request.function = "g";
  EXPECT_THAT(body(), HasSubstr(R"("tool_choice":{"type":"function","function":{"name":"g"}})"));
}

// What the deltas of a stream come to.
std::vector<model::FunctionCall> calls_in(const std::string& deltas) {
  std::vector<model::FunctionCall> out;
  const Read read = read_in({deltas + "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n"});
  EXPECT_FALSE(read.error);
  for (const auto& event : read.events)
    for (const auto& delta : event.calls) model::add_call(out, delta);
  return out;
}

std::string delta_of(const std::string& calls) { return "data: {\"choices\":[{\"delta\":{\"tool_calls\":[" + calls + "]}}]}\n\n"; }

TEST(AnswerReader, CallsComeTogetherHoweverAProviderCountsThem) {
  const auto usual = calls_in(delta_of(R"({"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}})") +
                              delta_of(R"({"index":0,"function":{"arguments":"{\"x\":"}})") + delta_of(R"({"index":0,"function":{"arguments":"1}"}})") +
                              delta_of(R"({"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}})"));
  ASSERT_EQ(usual.size(), 2u);
  EXPECT_EQ(usual[0].arguments, R"({"x":1})");
  EXPECT_EQ(usual[1].id, "b");
  const auto all_zero = calls_in(delta_of(R"({"index":0,"id":"a","function":{"name":"f","arguments":"{}"}})") +
                                 delta_of(R"({"index":0,"id":"b","function":{"name":"g","arguments":"{}"}})"));
  ASSERT_EQ(all_zero.size(), 2u);
  EXPECT_EQ(all_zero[1].name, "g");
  const auto from_one = calls_in(delta_of(R"({"index":1,"function":{"name":"f","arguments":"{"}})") + delta_of(R"({"index":1,"function":{"arguments":"}"}})"));
  ASSERT_EQ(from_one.size(), 1u);
  EXPECT_EQ(from_one[0].arguments, "{}");
  EXPECT_TRUE(from_one[0].id.starts_with("call_")) << "a provider without ids";
  const auto whole = read_in({R"({"choices":[{"message":{"content":null,"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},)"
                              R"({"id":"b","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]})"});
  ASSERT_EQ(whole.events.size(), 1u);
  EXPECT_EQ(whole.events[0].calls.size(), 2u);
}

// Collects, and lets a test wait.
class Collector : public model::Sink {
 public:
  void on_token(const model::TokenEvent& event) override {
    std::lock_guard lock(mutex_);
    text_ += event.text;
    changed_.notify_all();
  }
  void on_finish(const model::Finish& finish) override {
    std::lock_guard lock(mutex_);
    ++finishes_;
    finish_ = finish;
    changed_.notify_all();
  }
  model::Finish wait() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(30), [&] { return finishes_ > 0; });
    EXPECT_EQ(finishes_, 1);
    return finish_;
  }
  void wait_for_text() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(30), [&] { return !text_.empty() || finishes_ > 0; });
  }
  std::string text() {
    std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  int finishes_ = 0;
  model::Finish finish_;
};

class Remote : public ::testing::Test {
 protected:
  std::unique_ptr<model::LanguageModel> open(const ScriptedServer& server, RemoteOptions options = {}) {
    options.base_url = server.url("/v1/");
    options.model = "m";
    auto model = connect(*client, options);
    EXPECT_TRUE(model);
    return std::move(*model);
  }
  static model::GenerateRequest chat() { return {.prompt = std::vector<model::Message>{{"user", "hi", ""}}}; }
  std::unique_ptr<egress::Client> client = egress::Client::make();
  Context context = Context::background();
};

constexpr std::string_view kStreamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
constexpr std::string_view kFirstToken = "data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\n";

TEST_F(Remote, AStreamSentByteByByteArrivesWholeWithItsUsage) {
  ScriptedServer server([](auto& peer) {
    peer.send(kStreamHead);
    for (char byte : kStream) peer.send(std::string_view(&byte, 1));
  });
  auto model = open(server, {.key = "sk-secret", .context_tokens = 4096, .id = "mine"});
  EXPECT_EQ(model->info().id, "mine");
  EXPECT_TRUE(model->info().remote);
  EXPECT_EQ(model->info().context_tokens, 4096);
  auto out = model::generate(context, *model, chat());
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->text, "Grüß Gott");
  EXPECT_EQ(out->finish.reason, FinishReason::kLength);
  EXPECT_EQ(out->finish.usage.completion_tokens, 3);
  EXPECT_THAT(server.requests().at(0), HasSubstr("POST /v1/chat/completions HTTP/1.1\r\n"));
  EXPECT_THAT(server.requests().at(0), HasSubstr("Authorization: Bearer sk-secret\r\n"));
}

TEST_F(Remote, WithoutUsageTheFinishHoldsAnEstimate) {
  ScriptedServer server([](auto& peer) { peer.send(answer(200, "data: {\"choices\":[{\"text\":\"12345678\",\"finish_reason\":\"stop\"}]}\n\n")); });
  auto model = open(server);
  auto out = model::generate(context, *model, {.prompt = std::string("four and four are eight.")});
  ASSERT_TRUE(out);
  EXPECT_EQ(out->finish.usage.prompt_tokens, 6);
  EXPECT_EQ(out->finish.usage.completion_tokens, 2);
  EXPECT_EQ(*model->count_tokens(std::string("four and four are eight.")), 6);
  EXPECT_EQ(model->tokenize("x", false).error().code, Code::kUnimplemented);
  EXPECT_EQ(model->detokenize({1}).error().code, Code::kUnimplemented);
}

TEST_F(Remote, TheProvidersErrorsComeBackInItsWords) {
  ScriptedServer server([](auto& peer) {
    peer.send(answer(400, R"({"error":{"message":"maximum context length is 10","param":"messages","code":"context_length_exceeded"}})"));
  });
  auto model = open(server);
  auto out = model::generate(context, *model, chat());
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, Code::kInvalidArgument);
  EXPECT_EQ(out.error().reason, "context_length_exceeded");
  EXPECT_THAT(out.error().message, HasSubstr("maximum context length is 10"));
}

TEST_F(Remote, CancellingEndsAStreamThatWouldGoOnAndAllTokensBeforeItCount) {
  std::atomic<int> closed = 0;
  ScriptedServer server([&](auto& peer) {
    peer.send(kStreamHead);
    peer.send(kFirstToken);
    closed += peer.wait_for_close();
  });
  auto model = open(server);
  auto by_handle = std::make_shared<Collector>(), by_context = std::make_shared<Collector>();
  auto flag = std::make_shared<CancelFlag>();
  auto handle = model->submit(context, chat(), by_handle);
  auto other = model->submit(Context::make(system_clock(), Principal{}, "r", flag), chat(), by_context);
  ASSERT_TRUE(handle && other);
  by_handle->wait_for_text();
  by_context->wait_for_text();
  (*handle)->cancel();
  EXPECT_EQ(by_handle->wait().reason, FinishReason::kCancelled);
  EXPECT_EQ(by_handle->text(), "one");
  flag->raise();
  EXPECT_EQ(by_context->wait().reason, FinishReason::kCancelled);
  for (int i = 0; i < 1000 && closed < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(closed, 2);
}

TEST_F(Remote, AFullQueueRefusesAndAWaitingRequestCanBeCancelled) {
  std::atomic<bool> release = false;
  ScriptedServer server([&](auto& peer) {
    peer.send(kStreamHead);
    peer.send(kFirstToken);
    while (!release) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    peer.send("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
  });
  auto model = open(server, {.streams_max = 1, .queue_max = 1});
  auto running = std::make_shared<Collector>(), waiting = std::make_shared<Collector>(), late = std::make_shared<Collector>();
  ASSERT_TRUE(model->submit(context, chat(), running));
  running->wait_for_text();
  auto handle = model->submit(context, chat(), waiting);
  ASSERT_TRUE(handle);
  auto refused = model->submit(context, chat(), late);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "queue_full");
  (*handle)->cancel();
  EXPECT_EQ(waiting->wait().reason, FinishReason::kCancelled) << "while the only worker is busy";
  release = true;
  EXPECT_EQ(running->wait().reason, FinishReason::kStop);
  EXPECT_EQ(server.requests().size(), 1u) << "what was cancelled in the queue was never sent";
}

TEST_F(Remote, ClosingTheModelFinishesEverythingOnce) {
  ScriptedServer server([&](auto& peer) {
    peer.send(kStreamHead);
    peer.send(kFirstToken);
    peer.wait_for_close();
  });
  auto running = std::make_shared<Collector>(), waiting = std::make_shared<Collector>();
  {
    auto model = open(server, {.streams_max = 1});
    ASSERT_TRUE(model->submit(context, chat(), running));
    running->wait_for_text();
    ASSERT_TRUE(model->submit(context, chat(), waiting));
  }
  EXPECT_EQ(running->wait().reason, FinishReason::kCancelled);
  EXPECT_EQ(waiting->wait().reason, FinishReason::kCancelled);
}

TEST_F(Remote, ABrokenStreamASilentServerAndNobodyThereAreUnavailable) {
  ScriptedServer broken([](auto& peer) {
    peer.send(kStreamHead);
    peer.send(kFirstToken);
  });
  auto out = model::generate(context, *open(broken), chat());
  EXPECT_EQ(out.error().code, Code::kUnavailable);
  EXPECT_EQ(out.error().reason, "broken");
  ScriptedServer silent([](auto& peer) { peer.wait_for_close(); });
  out = model::generate(context, *open(silent, {.stall_timeout_ms = 200}), chat());
  EXPECT_EQ(out.error().reason, "timeout");
  auto nobody = connect(*client, {.base_url = "http://127.0.0.1:1/v1", .model = "m"});
  EXPECT_EQ(model::generate(context, **nobody, chat()).error().reason, "offline");
}

TEST_F(Remote, WhatCannotBeAUrlOrKeyIsRefusedAtOnce) {
  for (const char* url : {"", "api.example.com", "file:///x", "http://", "http://u:p@h/v1", "http://h/v1?x=1"})
    EXPECT_EQ(connect(*client, {.base_url = url, .model = "m"}).error().param, "base_url") << url;
  EXPECT_EQ(connect(*client, {.base_url = "http://h"}).error().param, "model");
  EXPECT_EQ(connect(*client, {.base_url = "http://h", .model = "m", .key = "sk-1\n"}).error().param, "key");
}

}  // namespace
}  // namespace strata::remote
