#include "app/cli/stand_in.h"

#include "app/api/reply.h"
#include "base/json.h"
#include "base/text.h"
#include "infra/http/http.h"

namespace strata::cli {
namespace {

int tokens_of(const std::string& text) { return static_cast<int>(text.size() / 4) + 1; }

std::string event(const Json& json) { return "data: " + json.dump() + "\n\n"; }

Json chunk(Json delta, Json finish) {
  return Json::object({{"id", "chatcmpl-scripted"},
                       {"object", "chat.completion.chunk"},
                       {"model", "scripted"},
                       {"choices", Json::array({Json::object({{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish)}})})}});
}

void complete(const http::Request& request, http::Responder& responder) {
  auto body = Json::parse(request.body);
  if (!body || !(*body)["messages"].is_array()) return responder.send(api::error_response(invalid_argument("expected messages", "messages")));
  std::string prompt;
  for (auto& message : *(*body)["messages"].as_array())
    if (auto* text = message["content"].as_string()) prompt += *text + "\n";
  std::string reply = scripted_reply(prompt);
  http::Response head;
  head.content_type = "text/event-stream";
  head.body = event(chunk(Json::object({{"role", "assistant"}, {"content", reply}}), nullptr));
  responder.begin_stream(std::move(head));
  responder.write(event(chunk(Json::object(), "stop")));
  Json usage = Json::object({{"prompt_tokens", tokens_of(prompt)}, {"completion_tokens", tokens_of(reply)}});
  responder.write(event(Json::object({{"id", "chatcmpl-scripted"}, {"choices", Json::array()}, {"usage", std::move(usage)}})));
  responder.write("data: [DONE]\n\n");
  responder.end();
}

}  // namespace

std::string scripted_reply(const std::string& prompt) {
  size_t begin = prompt.find("[1]");
  if (begin == std::string::npos) return "I can look into this for you.";
  // Titles and headings have no full stop: the first line with one begins with the passage's first sentence.
  for (auto line : split(std::string_view(prompt).substr(begin + 3), '\n')) {
    size_t end = line.find(". ");
    if (end == std::string_view::npos && !trim(line).ends_with('.')) continue;
    return std::string(trim(line.substr(0, end == std::string_view::npos ? end : end + 1)));
  }
  return "I can look into this for you.";
}

Result<std::unique_ptr<StandIn>> StandIn::start() {
  std::unique_ptr<StandIn> out(new StandIn());
  TRY_ASSIGN(out->server_, http::Server::listen({}));
  out->server_->set_error_writer(api::error_response);
  out->server_->route("POST", "/v1/chat/completions",
                      [](const Context&, const http::Request& request, std::shared_ptr<http::Responder> responder) { complete(request, *responder); });
  out->server_->start();
  return out;
}

StandIn::~StandIn() {
  if (server_) server_->stop(0);
}

std::string StandIn::base_url() const { return "http://127.0.0.1:" + std::to_string(server_->port()) + "/v1"; }

}  // namespace strata::cli
