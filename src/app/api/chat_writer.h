// Writes a chat completion: one object, or a stream of chunks that ends with [DONE]. Used by /v1/chat/completions and conversations.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/api/rules.h"
#include "base/context.h"
#include "base/json.h"
#include "infra/http/http.h"
#include "model/interface/interface.h"
#include "orchestration/answer/answer.h"

namespace strata::api {

struct ChatHead {
  std::string id, model;
  int64_t created = 0;               // UNITS: seconds since 1970
  bool stream = false, include_usage = false, logprobs = false;
  std::vector<std::string> without_effect;
  std::vector<http::Header> headers;  // more of them
  Json product;                      // what the product's live spec asks (specs.h); rides on the end of the answer. Null: no product
  std::shared_ptr<ProductCall> call; // recorded when the answer ends; may be null
  std::optional<live::Terms> plain_terms;   // of an answer that is no grounded one: masked and labelled here
};

class ChatWriter {
 public:
  // Stores the whole text (with the answer's `strata` object, or null) before the end is acknowledged; may block, and may add to the
  // object what it made of it.
  using Keep = std::function<Status(const std::string& text, Json* strata)>;
  using Background = std::function<void(std::function<void()>)>;
  ChatWriter(ChatHead head, Context context, std::shared_ptr<http::Responder> responder, Background background, Keep keep = nullptr);

  void text(const std::string& text, Json logprobs, Json::Array annotations);
  void calls(const std::vector<model::CallDelta>& deltas);   // the end's reason is then "tool_calls"
  ProductCall* call() const { return head_.call.get(); }
  const std::string& model() const { return head_.model; }
  void done(std::string_view reason, const model::Usage& usage, Json strata);
  void fail(const Error& error);

 private:
  Json base(std::string_view object) const;
  Json chunk(Json delta, Json logprobs, Json reason) const;
  void begin();
  void put(const std::string& text, Json logprobs, Json::Array annotations);
  void write(const Json& event);
  void end(std::string_view reason, const model::Usage& usage, Json strata);
  void send_whole(std::string_view reason, const model::Usage& usage, Json strata);

  ChatHead head_;
  Context context_;
  std::shared_ptr<http::Responder> responder_;
  Background background_;
  Keep keep_;
  TextMask mask_;
  bool begun_ = false;
  std::string text_;
  std::vector<model::FunctionCall> calls_;
  Json logprobs_ = Json::array();
  Json::Array annotations_;
};

std::shared_ptr<model::Sink> model_sink(ChatWriter writer);
std::shared_ptr<answer::Sink> answer_sink(ChatWriter writer);

}  // namespace strata::api
