// Lines of a batch: each is a request to one of the /v1 routes, checked by the declaration of its fields and answered by its handler.
#include <algorithm>

#include "app/api/batches.h"
#include "app/api/calls.h"
#include "app/api/generation.h"
#include "app/api/openapi.h"
#include "app/api/reply.h"
#include "base/span.h"
#include "infra/observe/observe.h"

namespace strata::api {
namespace {

struct Endpoint {
  const char* path;
  std::vector<Field> (*fields)();
  CallHandler (*handler)();
};
constexpr Endpoint kEndpoints[] = {{"/v1/chat/completions", chat_fields, chat_handler},
                                   {"/v1/completions", completion_fields, completion_handler},
                                   {"/v1/embeddings", embedding_fields, embedding_handler},
                                   {"/v1/responses", response_fields, response_handler}};

const Endpoint* endpoint_at(const std::string& path) {
  const auto* found = std::find_if(std::begin(kEndpoints), std::end(kEndpoints), [&](const Endpoint& one) { return path == one.path; });
  return found == std::end(kEndpoints) ? nullptr : found;
}

int64_t count_in(const Json& usage, const char* name, const char* other) {
  const Json& value = usage[name].is_null() ? usage[other] : usage[name];
  auto count = value.to_int(name);
  return count ? std::max<int64_t>(0, *count) : 0;
}

batch::Tokens tokens_in(const std::string& body) {
  const auto json = Json::parse(body);
  if (!json) return {};
  const Json& usage = (*json)["usage"];
  const Json& details = usage["prompt_tokens_details"].is_null() ? usage["input_tokens_details"] : usage["prompt_tokens_details"];
  return {count_in(usage, "prompt_tokens", "input_tokens"), count_in(details, "cached_tokens", "cached_tokens"),
          count_in(usage, "completion_tokens", "output_tokens")};
}

// Takes a handler's one answer. Holds the request, which the handler may read as long as it holds this.
class Collected : public http::Responder {
 public:
  Collected(http::Request request, Span span, std::string request_id, std::function<void(batch::Answer)> done)
      : request(std::move(request)), span_(std::move(span)), request_id_(std::move(request_id)), done_(std::move(done)) {}
  ~Collected() override {
    if (done_) send(error_response(internal_error("the request ended without an answer")));
  }
  void send(http::Response response) override {
    if (!done_) return;
    span_.set("http.response.status_code", response.status);
    if (response.status >= 500) span_.fail(internal_error("status " + std::to_string(response.status)));
    span_.end();
    batch::Answer answer;
    answer.status = response.status;
    answer.request_id = request_id_;
    answer.body = std::move(response.body);
    if (response.status < 300) answer.tokens = tokens_in(answer.body);
    std::exchange(done_, nullptr)(std::move(answer));
  }
  // Streams were refused when the batch was made.
  void begin_stream(http::Response) override { send(error_response(internal_error("a line of a batch has no stream"))); }
  bool write(std::string) override { return false; }
  void end() override {}
  void on_ready(std::function<void()>) override {}

  const http::Request request;

 private:
  Span span_;
  const std::string request_id_;
  std::function<void(batch::Answer)> done_;
};

class RouteExecutor : public batch::Executor {
 public:
  explicit RouteExecutor(const Services& services) : services_(services) {
    services_.priority = model::Priority::kBatch;
    for (const Endpoint& endpoint : kEndpoints) endpoints_.push_back(endpoint.path);
  }
  const std::vector<std::string>& endpoints() const override { return endpoints_; }

  Status check(const std::string& path, const Json& json) const override {
    const Endpoint* endpoint = endpoint_at(path);
    TRY_ASSIGN(const Body body, Body::parse(endpoint->fields(), json));
    if (json["stream"] == Json(true)) return invalid_argument("stream: the lines of a batch are answered whole", "stream", "invalid_value");
    if (endpoint->handler == embedding_handler) {
      const std::string& there = services_.models->embedder()->info().id;
      if (const std::string wanted = body.text("model", there); wanted != there)
        return not_found("the model '" + wanted.substr(0, 100) + "' does not exist or does not embed; there is: " + there, "model", "model_not_found");
      return {};
    }
    TRY(services_.models->find(body.text("model")));
    if (endpoint->handler != chat_handler) return {};
    TRY_ASSIGN(const auto messages, parse_messages(body["messages"], "messages"));
    TRY(check_results(messages));
    TRY(parse_tools(body["tools"]));
    model::GenerateRequest functions;
    return parse_functions(body, false, functions);
  }

  bool repeatable(const std::string& path, const std::string& body) const override {
    if (endpoint_at(path)->handler == embedding_handler) return true;   // the embedder is a local one
    const auto json = Json::parse(body);
    const auto model = services_.models->find(json && (*json)["model"].is_string() ? *(*json)["model"].as_string() : "");
    return !model || !(*model)->info().remote;
  }

  void start(const Context& context, const std::string& path, const std::string& body, std::function<void(batch::Answer)> done) const override {
    http::Request request;
    request.method = "POST";
    request.path = path;
    request.headers = {{"content-type", "application/json"}};
    request.body = body;
    Span span = Span::root(services_.observer->sink(), *services_.clock, "batch " + path, SpanKind::kInternal);
    span.set("http.route", path);
    const Context in_span = span.in(context);
    auto collected = std::make_shared<Collected>(std::move(request), std::move(span), context.request_id(), std::move(done));
    if (Status started = endpoint_at(path)->handler()(services_, in_span, collected->request, collected, nullptr); !started)
      collected->send(error_response(started.error()));
  }

 private:
  Services services_;                     // a copy: what its handlers ask of the models, nobody waits for
  std::vector<std::string> endpoints_;
};

}  // namespace

std::unique_ptr<batch::Executor> batch_executor(const Services& services) { return std::make_unique<RouteExecutor>(services); }

}  // namespace strata::api
